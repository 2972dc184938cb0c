"""Dispatching one request: token, limits, one transaction for its handler, errors."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from urllib.parse import parse_qs, unquote

from starlette.requests import Request
from starlette.responses import Response

from reconcile.sandbox import openapi
from reconcile.sandbox.api import account
from reconcile.sandbox.api_errors import ApiError
from reconcile.sandbox.faults.fault_effects import Effects, RolledBackError
from reconcile.sandbox.rules.api_call import Call, Endpoint, Reply
from reconcile.sandbox.runtime import Runtime
from reconcile.sandbox.server import fault_injection, inspection_routes
from reconcile.sandbox.storage import database_file
from reconcile.sandbox.storage.file_diagnosis import explain
from reconcile.sandbox.wire_format import CONTENT_TYPE, encode

_LOGIN = (
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can "
    "find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
)
SOURCE_HEADER = "X-Sandbox-Source"
"""Who a request is from, as property histories record it, if not from the token's app.

See ``Call.source``; percent-encoded.
"""

# One has the token in its body, the other reveals nothing about the account.
_OPEN = {account.INTROSPECTION_PATH, openapi.PATH}


def effects_on(runtime: Runtime, endpoint: Endpoint, request: Request, raw: bytes) -> Effects:
    """Return what faults do to a request; they never strike the sandbox's own routes."""
    path, now = request.url.path, runtime.clock.now_ms()
    if path.startswith(inspection_routes.PREFIX):
        return Effects()
    return runtime.faults.effects_on(request.method, path, raw, writes=endpoint.writes, now=now)


def answer(
    runtime: Runtime,
    endpoint: Endpoint,
    request: Request,
    raw: bytes,
    correlation_id: str,
    *,
    effects: Effects,
) -> fault_injection.Answer:
    """Run a handler in its transaction; return its answer, and whether it wrote."""
    headers: dict[str, str] = {}
    try:
        fault_injection.run_due_work(runtime)
        with database_file.transaction(runtime.connection, write=endpoint.writes):
            call = fault_injection.with_effects(
                _call(runtime, endpoint, request, raw, headers), effects, writes=endpoint.writes
            )
            try:
                reply = endpoint.handler(call)
            except ApiError as error:
                if not error.leaves_half:
                    raise
                return error_response(error, correlation_id, headers), True
            effects.check(reply)
    except RolledBackError as undone:
        runtime.definitions.forget()
        return _response(undone.reply, headers), False
    except ApiError as error:
        runtime.definitions.forget()
        return error_response(error, correlation_id, headers), False
    except sqlite3.DatabaseError as error:
        runtime.definitions.forget()
        return error_response(_unanswerable(runtime, error), correlation_id, headers), False
    return _response(reply, headers), endpoint.writes


def _unanswerable(runtime: Runtime, error: sqlite3.DatabaseError) -> ApiError:
    if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_BUSY:
        # Another process holds the database: HubSpot answers 423 to that (ref §3).
        return ApiError(423, "The resource is locked by other writes, try again later")
    found = explain(runtime.path, error)
    return ApiError(500, f"{found}{'; ' if found.hint else ''}{found.hint}")


def _call(
    runtime: Runtime, endpoint: Endpoint, request: Request, raw: bytes, headers: dict[str, str]
) -> Call:
    """Check token, limits and content type; gather what the handler may know.

    The headers of the limits are put among ``headers``.
    """
    scopes = frozenset() if endpoint.path in _OPEN else _scopes(runtime, request)
    now = runtime.clock.now_ms()
    if endpoint.path not in _OPEN and not endpoint.path.startswith(inspection_routes.PREFIX):
        token = token_of(request)
        headers |= runtime.limits.arrive(endpoint.path, token, now, runtime.apps)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if raw and content_type != "application/json":
        raise ApiError(415, "Unsupported Media Type: the body must be application/json")
    call = runtime.call(now)
    return replace(
        call,
        scopes=scopes,
        source=unquote(request.headers.get(SOURCE_HEADER, "")) or call.source,
        path=request.url.path,
        params=request.path_params,
        query=parse_qs(request.url.query, keep_blank_values=True),
        raw_body=raw,
    )


def _scopes(runtime: Runtime, request: Request) -> frozenset[str]:
    """Return the scopes of the request's token, or raise a 401."""
    row = runtime.connection.execute(
        "SELECT scopes FROM token WHERE token = ? AND revoked = 0", (token_of(request),)
    ).fetchone()
    if row is None:
        raise ApiError(401, _LOGIN, category="INVALID_AUTHENTICATION")
    return frozenset(json.loads(row[0]))


def token_of(request: Request) -> str:
    """Return the bearer token of a request; without one it is empty."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _response(reply: Reply, headers: Mapping[str, str]) -> Response:
    if reply.body is None:
        return Response(status_code=reply.status, headers=headers)
    return Response(encode(reply.body), reply.status, headers, CONTENT_TYPE)


def error_response(
    error: ApiError, correlation_id: str, headers: Mapping[str, str] = MappingProxyType({})
) -> Response:
    """Return the answer of an error: its body and headers."""
    body = encode(error.body(correlation_id))
    return Response(body, error.status, {**headers, **error.headers}, CONTENT_TYPE)
