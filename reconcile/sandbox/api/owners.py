"""Owners, which can only be read (the owners guide; shapes from the owners specification)."""

from typing import Any

from reconcile.sandbox.api_errors import NOT_FOUND, ApiError, invalid
from reconcile.sandbox.rules.account_owners import owners
from reconcile.sandbox.rules.api_call import Call, Endpoint, Reply
from reconcile.sandbox.scopes import OWNERS_READ
from reconcile.sandbox.wire_format import record_id

_PAGE = 100  # the default (owners specification)
_MAX_PAGE = 500  # accepted in practice (ref §18, M)
_ID_PROPERTIES = ("id", "userId")


def list_page(call: Call) -> Reply:
    """List the owners, active or archived, in pages; ``email`` narrows them to one."""
    call.allow((OWNERS_READ,))
    limit = call.number("limit", _PAGE, 1, _MAX_PAGE)
    after = record_id(call.last("after") or "0")
    if after is None:
        raise invalid("after is not a valid paging cursor")
    email = call.last("email")
    found = [
        owner
        for owner in owners(call)
        if owner["archived"] == call.flag("archived")
        and int(owner["id"]) >= after
        and email in {None, owner["email"]}
    ]
    body: dict[str, Any] = {"results": found[:limit]}
    if len(found) > limit:
        cursor = found[limit]["id"]
        link = f"{call.base_url}{call.path}?limit={limit}&after={cursor}"
        body["paging"] = {"next": {"after": cursor, "link": link}}
    return Reply(200, body)


def read(call: Call) -> Reply:
    """Read one owner, by its id or by its user's."""
    call.allow((OWNERS_READ,))
    id_property = call.last("idProperty") or "id"
    if id_property not in _ID_PROPERTIES:
        raise invalid(f"idProperty must be one of {', '.join(_ID_PROPERTIES)}")
    wanted, archived = call.params["owner"], call.flag("archived")
    for owner in owners(call):
        if owner["archived"] == archived and str(owner.get(id_property)) == wanted:
            return Reply(200, owner)
    raise ApiError(404, "resource not found", category=NOT_FOUND)


def _routes() -> list[Endpoint]:
    routes = []
    for prefix in ("/crm/v3/owners", "/crm/owners/2026-03"):
        routes += [
            Endpoint("GET", prefix, list_page),
            Endpoint("GET", f"{prefix}/{{owner}}", read),
        ]
    return routes


ROUTES = _routes()
