"""Merging two records into one, and erasing a record permanently (ref §1, §8).

Version 3 merges contacts, companies and deals and erases contacts; the dated versions do so for
orders too. Which of the two a version has is as its specification lists it (ref §1, H).
"""

from collections.abc import Callable
from functools import wraps

from reconcile.sandbox.api.record_bodies import shown
from reconcile.sandbox.api_errors import ApiError
from reconcile.sandbox.object_types import COMPANY, CONTACT, DEAL, ORDER, ObjectType
from reconcile.sandbox.rules import record_merge
from reconcile.sandbox.rules.api_call import Call, Endpoint, Reply, id_text, text_of
from reconcile.sandbox.rules.record_lookup import by_key, check_key
from reconcile.sandbox.scopes import object_scope
from reconcile.sandbox.storage import association_tables, record_tables
from reconcile.sandbox.storage.association_tables import End
from reconcile.sandbox.wire_format import record_id

_PEOPLE = (CONTACT, COMPANY, DEAL)
_ROUTES_OF = (  # version, what it merges, what it erases
    ("/crm/v3/objects", _PEOPLE, (CONTACT,)),
    ("/crm/objects/2026-03", (*_PEOPLE, ORDER), (CONTACT,)),
    ("/crm/objects/2025-09", (*_PEOPLE, ORDER), (CONTACT, ORDER)),
    ("/crm/objects/2026-09-beta", (*_PEOPLE, ORDER), (CONTACT, ORDER)),
)


def merge(call: Call) -> Reply:
    """Merge two records into a new one, which keeps their associations (ref §8, H)."""
    call.allow(object_scope(call.kind, "write"))
    ids = id_text(call.json, "primaryObjectId"), id_text(call.json, "objectIdToMerge")
    return Reply(200, shown(call, call.kind, record_merge.merge(call, call.kind, *ids), ()))


def erase(call: Call) -> Reply:
    """Erase a record, live or archived, with all its links; 204 also if it does not exist.

    HubSpot also blocks an email it does not know from future use; what that looks like to the API
    is not documented, so here it is not blocked.
    """
    call.allow(object_scope(call.kind, "write"))
    text, key = id_text(call.json, "objectId"), call.json.get("idProperty")
    number = record_id(text) if key is None else _by_key(call, text_of(key), text)
    if number is not None:
        association_tables.forget(call.connection, End(call.kind.id, number))
        record_tables.delete(call.connection, call.kind.id, number)
    return Reply(204)


def _by_key(call: Call, key: str, text: str) -> int | None:
    check_key(call, call.kind, key, "read")
    for archived in (False, True):
        found = by_key(call, call.kind, key, text, archived=archived)
        if found is not None:
            return found.id
    return None


def _only(
    kinds: tuple[ObjectType, ...], handler: Callable[[Call], Reply]
) -> Callable[[Call], Reply]:
    """Restrict a handler to some object types; the others have no such route."""

    @wraps(handler)
    def answer(call: Call) -> Reply:
        if call.kind not in kinds:
            raise ApiError(405, "Method Not Allowed")
        return handler(call)

    return answer


def _routes() -> list[Endpoint]:
    routes = []
    for prefix, merged, erased in _ROUTES_OF:
        one = f"{prefix}/{{type}}"
        routes += [
            Endpoint("POST", f"{one}/merge", _only(merged, merge), writes=True),
            Endpoint("POST", f"{one}/gdpr-delete", _only(erased, erase), writes=True),
        ]
    return routes


ROUTES = _routes()
