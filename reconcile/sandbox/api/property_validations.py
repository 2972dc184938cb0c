"""Validation rules an account's administrators set on properties (ref §12, H; hubspot-sdk).

A new account has none. That they refuse writes is known (ref §18, H), that they rewrite values is
not (ref §12, L); neither is played here, so every list is empty.
"""

from reconcile.sandbox.api_errors import NOT_FOUND, ApiError
from reconcile.sandbox.rules import property_definitions
from reconcile.sandbox.rules.api_call import Call, Endpoint, Reply
from reconcile.sandbox.scopes import schema_scope


def list_all(call: Call) -> Reply:
    """List the properties of a type that have rules."""
    call.allow(schema_scope(call.kind, "read"))
    return Reply(200, {"results": []})


def list_rules(call: Call) -> Reply:
    """List the rules of one property."""
    call.allow(schema_scope(call.kind, "read"))
    property_definitions.find(call, call.kind, call.params["name"])
    return Reply(200, {"results": []})


def read_rule(call: Call) -> Reply:
    """Read one rule of a property."""
    list_rules(call)
    raise ApiError(404, "resource not found", category=NOT_FOUND)


def _routes() -> list[Endpoint]:
    routes = []
    for prefix in ("/crm/v3/property-validations", "/crm/property-validations/2026-03"):
        one = f"{prefix}/{{type}}/{{name}}"
        routes += [
            Endpoint("GET", f"{prefix}/{{type}}", list_all),
            Endpoint("GET", one, list_rules),
            Endpoint("GET", f"{one}/rule-type/{{rule_type}}", read_rule),
        ]
    return routes


ROUTES = _routes()
