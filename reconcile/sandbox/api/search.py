"""Search (ref §3): what the index has seen, which is not quite what is there.

A record or a change becomes visible some seconds after the write, and an archived record disappears
as late. What is shown is what was indexed.
"""

from reconcile.sandbox.api.record_bodies import shown
from reconcile.sandbox.object_types import LINE_ITEM, ObjectType
from reconcile.sandbox.rules import record_versions, search_query, search_sql
from reconcile.sandbox.rules.api_call import Call, Endpoint, Reply
from reconcile.sandbox.scopes import object_scope

_LINE_ITEM_PROPERTIES = ("amount", "price", "quantity")  # besides the system's (ref §1, H)
_EVER = 2**62


def search(call: Call) -> Reply:
    """Answer one page of the records that match, oldest first unless sorted."""
    call.allow(object_scope(call.kind, "read"))
    asked = search_query.read(call, call.kind)
    lag = round(call.switches.search_index_lag * 1000)
    at = call.now - lag if lag else _EVER
    ids = search_sql.matching(call, call.kind, asked, at)
    properties = asked.properties or _default(call.kind)
    page = ids[asked.after : asked.after + asked.limit]
    found = (record_versions.seen(call.connection, call.kind.id, one, at) for one in page)
    results = [shown(call, call.kind, record, properties) for record in found if record]
    body: dict[str, object] = {"total": len(ids), "results": results}
    if len(ids) > asked.after + asked.limit:
        body["paging"] = {"next": {"after": str(asked.after + asked.limit)}}
    return Reply(200, body)


def _default(kind: ObjectType) -> tuple[str, ...]:
    return _LINE_ITEM_PROPERTIES if kind is LINE_ITEM else kind.default_properties


ROUTES = [
    Endpoint("POST", f"{prefix}/{{type}}/search", search)
    for prefix in ("/crm/v3/objects", "/crm/objects/2026-03")
]
