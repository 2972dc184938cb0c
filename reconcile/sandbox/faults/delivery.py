"""Delivering an answer that faults have struck: cut, garbled, slow, or not at all."""

import asyncio
import json

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from reconcile.sandbox.api_errors import ApiError
from reconcile.sandbox.faults import connections
from reconcile.sandbox.faults.fault_effects import Effects, Refusal
from reconcile.sandbox.rules.rate_limits import TooManyCallsError
from reconcile.sandbox.switches import Switches
from reconcile.sandbox.wire_format import encode

_PIECES = 10
_GATEWAYS = {502, 504, 521, 522, 523, 524, 525, 526}
_MESSAGES = {
    423: "The resource is locked by other writes, try again later",
    477: "This account is being migrated to another data center, try again later",
}
_MIGRATION_SECONDS = "86400"  # up to 24 hours (ref §3)


def refused(refusal: Refusal, switches: Switches, apps: str) -> ApiError | Response:
    """Return the answer of a refusal; 5xx bodies were not recorded, a gateway's is HTML."""
    status = refusal.status
    error: ApiError
    if status in _GATEWAYS:
        return _gateway(status)
    if status == 429:
        error = TooManyCallsError(refusal.shape, switches, {}, apps)
    else:
        error = ApiError(status, _MESSAGES.get(status, "internal error"))
    wait = refusal.retry_after or (_MIGRATION_SECONDS if status == 477 else None)
    if wait is not None:
        error.headers["Retry-After"] = wait
    return error


def delivered(response: Response, effects: Effects) -> Response:
    """Return the answer as the client receives it."""
    match effects.delivery:
        case "gateway":
            response = _gateway(effects.delivery_status)
        case "empty":
            response = _changed(response, _emptied(bytes(response.body)))
        case "truncated":
            response = _changed(response, bytes(response.body)[: len(response.body) // 2])
        case "invalid":
            response = _changed(response, bytes(response.body)[:-1] + b",,]")
    if effects.delivery in {"none", "half"} or effects.dribble:
        return _Disturbed(response, effects)
    return response


class _Disturbed(Response):
    """An answer sent slowly, in part or not at all."""

    def __init__(self, response: Response, effects: Effects) -> None:
        super().__init__(response.body, response.status_code)
        self.raw_headers = response.raw_headers
        self._effects = effects

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what is to be sent; an unfinished answer makes the server close the connection."""
        delivery = self._effects.delivery
        if delivery == "none":
            await connections.end(scope, receive, resets=self._effects.resets)
            return
        body = bytes(self.body)
        if delivery == "half":
            body = body[: len(body) // 2]
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        size = max(1, len(body) // (_PIECES if self._effects.dribble else 1))
        pieces = [body[begin : begin + size] for begin in range(0, len(body), size)]
        for piece in pieces:
            if self._effects.dribble:
                await asyncio.sleep(self._effects.dribble / len(pieces))
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if delivery == "half":
            await connections.end(scope, receive, resets=self._effects.resets)
        else:
            await send({"type": "http.response.body", "body": b""})


def _changed(response: Response, body: bytes) -> Response:
    return Response(body, response.status_code, media_type=response.headers.get("content-type"))


def _emptied(body: bytes) -> bytes:
    """Empty the results of an answer, and forget its errors."""
    try:
        content = json.loads(body)
    except ValueError:
        return body
    kept = {"status", "startedAt", "completedAt", "total"}
    left = {name: value for name, value in content.items() if name in kept}
    return encode({"status": "COMPLETE", **left, "results": []})


def _gateway(status: int) -> Response:
    """Answer as the proxy before HubSpot does: HTML."""
    page = (
        f"<html>\n<head><title>{status} Error</title></head>\n"
        f"<body>error code: {status}</body>\n</html>\n"
    )
    return Response(page, status, media_type="text/html;charset=UTF-8")
