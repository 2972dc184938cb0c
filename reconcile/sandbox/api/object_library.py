"""Which object types the account has switched on (ref §13, H: not every account has orders)."""

from reconcile.sandbox.object_types import OBJECT_TYPES, ObjectType
from reconcile.sandbox.rules.api_call import Call, Endpoint, Reply


def list_all(call: Call) -> Reply:
    """List whether each object type is switched on."""
    call.allow(("oauth",))
    enabled = {kind.id: _is_enabled(call, kind) for kind in OBJECT_TYPES}
    return Reply(200, {"enablementByObjectTypeId": enabled})


def read(call: Call) -> Reply:
    """Return whether one object type is switched on."""
    call.allow(("oauth",))
    return Reply(200, {"enablement": _is_enabled(call, call.kind)})


def _is_enabled(call: Call, kind: ObjectType) -> bool:
    return kind.plural not in call.switches.disabled_object_types


def _routes() -> list[Endpoint]:
    routes = []
    for prefix in ("/crm/v3/object-library", "/crm/object-library/2026-03"):
        routes += [
            Endpoint("GET", f"{prefix}/enablement", list_all),
            Endpoint("GET", f"{prefix}/enablement/{{type}}", read),
        ]
    return routes


ROUTES = _routes()
