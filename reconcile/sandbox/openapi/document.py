"""Building the document: every path, method and path parameter comes from the table of routes."""

import re
from collections.abc import Callable, Iterable
from inspect import getdoc, unwrap
from typing import Any

from reconcile.sandbox.object_types import OBJECT_TYPES
from reconcile.sandbox.openapi.body_shapes import SHAPES, ref
from reconcile.sandbox.openapi.operations import OPERATIONS, QUERY, Operation
from reconcile.sandbox.rules.api_call import Call, Endpoint, Reply

_VARIABLE = re.compile(r"\{(\w+)\}")
_TYPE_NAMES = [name for kind in OBJECT_TYPES for name in (kind.plural, kind.singular, kind.id)]
_ANYTHING = Operation({200: None})
_ERROR = {"description": "Refused", "content": {"application/json": {"schema": ref("Error")}}}


def describe(endpoints: Iterable[Endpoint], base_url: str) -> dict[str, Any]:
    """Return the OpenAPI document of a table of routes."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        path = paths.setdefault(endpoint.path, {})
        path[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "reconcile sandbox",
            "version": "v3, v4 and 2026-03",
            "description": "A HubSpot-compatible server, as far as orders and carts need one.",
        },
        "servers": [{"url": base_url}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": SHAPES,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def operation_of(handler: Callable[[Call], Reply]) -> Operation | None:
    """Return the description of a handler."""
    return OPERATIONS.get(unwrap(handler))


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    found = operation_of(endpoint.handler) or _ANYTHING
    parameters = [_path_parameter(name) for name in _VARIABLE.findall(endpoint.path)]
    parameters += [
        {"name": name, "in": "query", "required": False, "schema": _query(name, found)}
        for name in found.query
    ]
    shown: dict[str, Any] = {
        "summary": (getdoc(unwrap(endpoint.handler)) or "").partition("\n")[0],
        "operationId": f"{endpoint.method} {endpoint.path}",
        "parameters": parameters,
        "responses": {
            **{str(status): _answer(shape) for status, shape in found.answers.items()},
            "4XX": _ERROR,
        },
    }
    if found.body is not None:
        content = {"application/json": {"schema": ref(found.body)}}
        shown["requestBody"] = {"required": True, "content": content}
    return shown


def _query(name: str, found: Operation) -> dict[str, Any]:
    bounds = {"maximum": found.largest_page} if name == "limit" else {}
    return {**QUERY[name], **bounds}


def _path_parameter(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "minLength": 1}
    if name in {"type", "to_type"}:
        schema = {"type": "string", "enum": _TYPE_NAMES}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _answer(shape: str | None) -> dict[str, Any]:
    if shape is None:
        return {"description": "Done"}
    content = {"application/json": {"schema": ref(shape)}}
    return {"description": "Answered", "content": content}
