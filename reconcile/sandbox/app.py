"""The HTTP side: routes, tokens, bodies, one transaction for each request, errors, the log.

A request is answered on the server's one thread from beginning to end. SQLite lets one writer in at
a time anyway, and an answer takes a few milliseconds.
"""

import json
import sqlite3
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from reconcile.sandbox import (
    account_api,
    admin_api,
    associations_api,
    associations_batch_api,
    associations_v3_api,
    database,
    objects_api,
    objects_batch_api,
    pipelines_api,
    properties_api,
)
from reconcile.sandbox.calls import Call, Endpoint, Reply
from reconcile.sandbox.definitions import Definitions
from reconcile.sandbox.errors import HubSpotError
from reconcile.sandbox.request_log import RequestLog, RequestRecord
from reconcile.sandbox.switches import Switches
from reconcile.sandbox.wire import CONTENT_TYPE, encode, iso, now_ms

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ENDPOINTS: tuple[Endpoint, ...] = (
    *objects_batch_api.ROUTES,
    *objects_api.ROUTES,
    *associations_batch_api.ROUTES,
    *associations_api.ROUTES,
    *associations_v3_api.ROUTES,
    *properties_api.ROUTES,
    *pipelines_api.ROUTES,
    *account_api.ROUTES,
)
_MAX_BODY = 10 * 1024 * 1024
_MAX_TARGET = 16 * 1024  # a GET with too many properties is 414 (ref §3); the length is a guess
_LOGIN = (
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can "
    "find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
)
_OPEN = {account_api.INTROSPECTION_PATH}  # the token is in its body
_NO_ROUTE = (  # as recorded in hubspot-api-nodejs#240
    "<html>\n<head>\n"
    '<meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>\n'
    "<title>Error 404 Not Found</title>\n</head>\n"
    "<body><h2>HTTP ERROR 404</h2>\n<p>Resource not found</p>\n</body>\n</html>\n"
)


@dataclass
class Service:
    """What every request needs, open as long as the server runs."""

    connection: sqlite3.Connection
    switches: Switches
    portal_id: int
    base_url: str
    log: RequestLog
    definitions: Definitions = field(default_factory=Definitions)


def build(service: Service) -> Starlette:
    """Build the application with every route."""
    table: dict[str, dict[str, Endpoint]] = {}
    for endpoint in (*ENDPOINTS, *admin_api.routes(service.log)):
        table.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    # Where two templates fit one path, the one with fewer parameters is meant.
    ordered = sorted(table.items(), key=lambda item: item[0].count("{"))
    routes = [
        Route(path, _methods(service, methods), methods=_METHODS) for path, methods in ordered
    ]

    def no_route(request: Request, _: Exception) -> Response:
        """Answer for a path nobody serves: HTML, not JSON."""
        service.log.add(_record(request, 404, b"", time.perf_counter()))
        headers = {"X-HubSpot-Correlation-Id": str(uuid.uuid4())}
        return Response(_NO_ROUTE, 404, media_type="text/html;charset=utf-8", headers=headers)

    app = Starlette(exception_handlers={404: no_route})
    app.router = _TolerantRouter(routes=routes, redirect_slashes=False)
    return app


class _TolerantRouter(Router):
    """Routes that take a trailing slash for nothing: the specification lists ``GET /``."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if len(path) > 1 and path.endswith("/"):
            scope = {**scope, "path": path.rstrip("/")}
        await super().__call__(scope, receive, send)


def _methods(
    service: Service, methods: dict[str, Endpoint]
) -> Callable[[Request], Awaitable[Response]]:
    """Build what answers one path."""

    async def answer(request: Request) -> Response:
        started = time.perf_counter()
        correlation_id = str(uuid.uuid4())
        raw, response = b"", None
        try:
            raw = await _body(request)
        except HubSpotError as error:
            response = _error(error, correlation_id)
        endpoint = methods.get(request.method)
        if endpoint is None:
            # An empty 405 that names what is allowed, as recorded in hubspot-php#203.
            response = Response(status_code=405, headers={"Allow": ",".join(sorted(methods))})
        elif response is None:
            response = _answer(service, endpoint, request, raw, correlation_id)
        response.headers["X-HubSpot-Correlation-Id"] = correlation_id
        if not request.url.path.startswith(admin_api.PREFIX):
            service.log.add(_record(request, response.status_code, raw, started))
        return response

    return answer


def _answer(
    service: Service, endpoint: Endpoint, request: Request, raw: bytes, correlation_id: str
) -> Response:
    """Run a handler in its transaction and write down what it says."""
    try:
        with database.transaction(service.connection, write=endpoint.writes):
            reply = endpoint.handler(_call(service, endpoint, request, raw))
    except HubSpotError as error:
        service.definitions.forget()
        return _error(error, correlation_id)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        # Another process holds the database: HubSpot's word for that is 423 (ref §3).
        locked = HubSpotError(423, "The resource is locked by other writes, try again later")
        return _error(locked, correlation_id)
    return _response(reply)


def _call(service: Service, endpoint: Endpoint, request: Request, raw: bytes) -> Call:
    """Check the token and the content type, and gather what the handler may know."""
    scopes = frozenset() if endpoint.path in _OPEN else _scopes(service, request)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if raw and content_type != "application/json":
        raise HubSpotError(415, "Unsupported Media Type: the body must be application/json")
    return Call(
        connection=service.connection,
        definitions_cache=service.definitions,
        switches=service.switches,
        portal_id=service.portal_id,
        base_url=service.base_url,
        scopes=scopes,
        path=request.url.path,
        params=request.path_params,
        query=parse_qs(request.url.query, keep_blank_values=True),
        raw_body=raw,
        calls_made=len(service.log),
    )


def _scopes(service: Service, request: Request) -> frozenset[str]:
    """Return the scopes of the request's token, or answer 401."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    row = None
    if scheme.lower() == "bearer":
        row = service.connection.execute(
            "SELECT scopes FROM token WHERE token = ? AND revoked = 0", (token.strip(),)
        ).fetchone()
    if row is None:
        raise HubSpotError(401, _LOGIN, category="INVALID_AUTHENTICATION")
    return frozenset(json.loads(row[0]))


async def _body(request: Request) -> bytes:
    """Read the body, within limits."""
    target = request.scope.get("raw_path", b"") + request.scope.get("query_string", b"")
    if len(target) > _MAX_TARGET:
        raise HubSpotError(414, "URI Too Long")
    read = bytearray()
    with suppress(ClientDisconnect):
        async for chunk in request.stream():
            read += chunk
            if len(read) > _MAX_BODY:
                raise HubSpotError(413, "Request entity is too large")
    return bytes(read)


def _response(reply: Reply) -> Response:
    if reply.body is None:
        return Response(status_code=reply.status)
    return Response(encode(reply.body), reply.status, media_type=CONTENT_TYPE)


def _error(error: HubSpotError, correlation_id: str) -> Response:
    return Response(encode(error.body(correlation_id)), error.status, media_type=CONTENT_TYPE)


def _record(request: Request, status: int, raw: bytes, started: float) -> RequestRecord:
    return RequestRecord(
        method=request.method,
        path=request.url.path,
        query=request.url.query,
        status=status,
        inputs=_count_inputs(raw),
        at=iso(now_ms()),
        milliseconds=round((time.perf_counter() - started) * 1000, 3),
    )


def _count_inputs(raw: bytes) -> int:
    """Count the inputs of a batch; a body that cannot be read has none."""
    try:
        body = json.loads(raw) if raw else None
    except (ValueError, RecursionError):
        return 0
    inputs = body.get("inputs") if isinstance(body, dict) else None
    return len(inputs) if isinstance(inputs, list) else 0


def open_service(path: Path, switches: Switches, base_url: str, log: RequestLog) -> Service:
    """Open the database for serving."""
    connection = database.connect(path)
    portal_id = database.account_value(connection, "portal_id")
    return Service(connection, switches, portal_id, base_url, log)
