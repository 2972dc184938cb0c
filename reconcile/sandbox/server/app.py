"""The ASGI application: every route, the limits of a body, the log of requests.

A request is answered on the server's one thread from beginning to end. SQLite lets one writer in at
a time anyway, and an answer takes a few milliseconds.
"""

import json
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from reconcile.sandbox import openapi
from reconcile.sandbox.api import (
    account,
    association_labels,
    associations,
    associations_batch,
    associations_v3,
    merge_and_erase,
    object_library,
    objects,
    objects_batch,
    owners,
    pipeline_stages,
    pipelines,
    properties,
    property_validations,
    search,
)
from reconcile.sandbox.api_errors import ApiError
from reconcile.sandbox.faults.fault_effects import Effects
from reconcile.sandbox.page import page_routes as page
from reconcile.sandbox.rules.api_call import Endpoint
from reconcile.sandbox.runtime import Runtime
from reconcile.sandbox.server import control_routes, dispatch, fault_injection, inspection_routes
from reconcile.sandbox.storage.request_log import RequestRecord
from reconcile.sandbox.storage.request_store import outcome
from reconcile.sandbox.wire_format import iso

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ENDPOINTS: tuple[Endpoint, ...] = (
    *objects_batch.ROUTES,
    *objects.ROUTES,
    *merge_and_erase.ROUTES,
    *associations_batch.ROUTES,
    *associations.ROUTES,
    *association_labels.ROUTES,
    *associations_v3.ROUTES,
    *properties.ROUTES,
    *property_validations.ROUTES,
    *pipelines.ROUTES,
    *pipeline_stages.ROUTES,
    *owners.ROUTES,
    *object_library.ROUTES,
    *search.ROUTES,
    *account.ROUTES,
)
_MAX_BODY = 10 * 1024 * 1024
_MAX_TARGET = 16 * 1024  # a GET with too many properties is 414 (ref §3); the length is a guess
_NO_ROUTE = (  # as recorded in hubspot-api-nodejs#240
    "<html>\n<head>\n"
    '<meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>\n'
    "<title>Error 404 Not Found</title>\n</head>\n"
    "<body><h2>HTTP ERROR 404</h2>\n<p>Resource not found</p>\n</body>\n</html>\n"
)


def build(runtime: Runtime) -> Starlette:
    """Build the application with every route."""
    table: dict[str, dict[str, Endpoint]] = {}
    for endpoint in (
        *ENDPOINTS,
        *openapi.routes(ENDPOINTS),
        *inspection_routes.routes(runtime.log),
        *control_routes.routes(runtime.clock, runtime.limits, runtime.faults),
    ):
        table.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    # Where two templates fit one path, the one with fewer parameters is meant.
    ordered = sorted(table.items(), key=lambda item: item[0].count("{"))
    routes = [
        Route(path, _methods(runtime, methods), methods=_METHODS) for path, methods in ordered
    ]

    routes += page.routes(runtime)

    def no_route(request: Request, _: Exception) -> Response:
        """Answer an unknown path: HTML, not JSON."""
        now = runtime.clock.now_ms()
        runtime.log.add(_record(request, 404, b"", time.perf_counter(), now=now))
        headers = {"X-HubSpot-Correlation-Id": str(uuid.uuid4())}
        return Response(_NO_ROUTE, 404, media_type="text/html;charset=utf-8", headers=headers)

    app = Starlette(exception_handlers={404: no_route})
    app.router = _TolerantRouter(routes=routes, redirect_slashes=False)
    return app


class _TolerantRouter(Router):
    """Routes that ignore a trailing slash: the specification lists ``GET /``."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if len(path) > 1 and path.endswith("/"):
            scope = {**scope, "path": path.rstrip("/")}
        await super().__call__(scope, receive, send)


def _methods(
    runtime: Runtime, methods: dict[str, Endpoint]
) -> Callable[[Request], Awaitable[Response]]:
    """Return the function that answers one path."""

    async def answer(request: Request) -> Response:
        started = time.perf_counter()
        correlation_id = str(uuid.uuid4())
        raw, response, effects, committed = b"", None, Effects(), False
        try:
            raw = await _body(request)
        except ApiError as error:
            response = dispatch.error_response(error, correlation_id)
        endpoint = methods.get(request.method)
        if endpoint is None:
            # An empty 405 that names what is allowed, as recorded in hubspot-php#203.
            response = Response(status_code=405, headers={"Allow": ",".join(sorted(methods))})
        elif response is None:
            effects = dispatch.effects_on(runtime, endpoint, request, raw)
            response, committed = await fault_injection.handle_with(
                runtime,
                effects,
                dispatch.token_of(request),
                lambda: dispatch.answer(
                    runtime, endpoint, request, raw, correlation_id, effects=effects
                ),
                lambda error: dispatch.error_response(error, correlation_id),
            )
        response.headers["X-HubSpot-Correlation-Id"] = correlation_id
        if not request.url.path.startswith(inspection_routes.PREFIX):
            status = 0 if effects.delivery == "none" else response.status_code
            words = outcome(status, getattr(response, "body", b""))
            now = runtime.clock.now_ms()
            record = _record(request, status, raw, started, now=now, words=words)
            runtime.log.add(replace(record, committed=committed, faults=effects.names))
        return response

    return answer


async def _body(request: Request) -> bytes:
    """Read the body, within limits."""
    target = request.scope.get("raw_path", b"") + request.scope.get("query_string", b"")
    if len(target) > _MAX_TARGET:
        raise ApiError(414, "URI Too Long")
    read = bytearray()
    with suppress(ClientDisconnect):
        async for chunk in request.stream():
            read += chunk
            if len(read) > _MAX_BODY:
                raise ApiError(413, "Request entity is too large")
    return bytes(read)


def _record(
    request: Request, status: int, raw: bytes, started: float, *, now: int, words: str = ""
) -> RequestRecord:
    return RequestRecord(
        method=request.method,
        path=request.url.path,
        query=request.url.query,
        status=status,
        inputs=_count_inputs(raw),
        at=iso(now),
        milliseconds=round((time.perf_counter() - started) * 1000, 3),
        outcome=words,
    )


def _count_inputs(raw: bytes) -> int:
    """Count the inputs of a batch; a body that cannot be read has none."""
    try:
        body = json.loads(raw) if raw else None
    except (ValueError, RecursionError):
        return 0
    inputs = body.get("inputs") if isinstance(body, dict) else None
    return len(inputs) if isinstance(inputs, list) else 0
