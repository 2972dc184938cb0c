"""Single records: list, create, read, update, archive (ref §1, §8)."""

from typing import Any

from reconcile.sandbox.api.record_bodies import shown, shown_associations, shown_written
from reconcile.sandbox.api_errors import invalid
from reconcile.sandbox.object_types import ObjectType
from reconcile.sandbox.rules import record_versions, record_writes, recycling_bin
from reconcile.sandbox.rules.api_call import Call, Endpoint, Reply
from reconcile.sandbox.rules.association_checks import link_new_record
from reconcile.sandbox.rules.record_lookup import for_single
from reconcile.sandbox.rules.record_writes import Written
from reconcile.sandbox.scopes import object_scope
from reconcile.sandbox.storage import record_tables
from reconcile.sandbox.storage.association_tables import End
from reconcile.sandbox.storage.record_tables import Record
from reconcile.sandbox.wire_format import record_id

_PAGE = 10
_MAX_PAGE = 100
MAX_WITH_HISTORY = 50  # hubspot-api-python#143, activepieces#9359


def list_page(call: Call) -> Reply:
    """Answer one page, ascending by id; the cursor is the last id plus one (ref §1, H)."""
    call.allow(object_scope(call.kind, "read"))
    limit = call.number("limit", _PAGE, 1, _MAX_PAGE)
    if limit > MAX_WITH_HISTORY and call.listed("propertiesWithHistory"):
        raise invalid(f"limit must be at most {MAX_WITH_HISTORY} with propertiesWithHistory")
    after = _cursor(call)
    archived = call.flag("archived")
    if call.reads_as_of is None:
        found = record_tables.page(
            call.connection, call.kind.id, after, limit + 1, archived=archived
        )
    else:
        found = record_versions.page(
            call.connection, call.kind.id, call.reads_as_of, after, limit + 1, archived=archived
        )
    body: dict[str, Any] = {"results": [_read(call, record) for record in found[:limit]]}
    if len(found) > limit:
        cursor = str(found[limit - 1].id + 1)
        link = f"{call.base_url}{call.path}?limit={limit}&after={cursor}"
        body["paging"] = {"next": {"after": cursor, "link": link}}
    return Reply(200, body)


def create(call: Call) -> Reply:
    """Create a record, with its associations (ref §1: the specification's "required" is not)."""
    call.allow(object_scope(call.kind, "write"))
    written = create_linked(call, call.kind, call.json)
    return Reply(201, shown_written(call, call.kind, written))


def create_linked(call: Call, kind: ObjectType, body: dict[str, Any]) -> Written:
    """Create a record and what it is associated to, for single and batch creates alike."""
    written = record_writes.create(call, kind, record_writes.sent_properties(body))
    link_new_record(call, End(kind.id, written.record.id), body.get("associations"))
    return written


def read(call: Call) -> Reply:
    """Read one record, by id or by a unique property."""
    call.allow(object_scope(call.kind, "read"))
    record = for_single(
        call,
        call.kind,
        call.params["id"],
        call.last("idProperty"),
        verb="read",
        archived=call.flag("archived"),
    )
    return Reply(200, _read(call, record))


def update(call: Call) -> Reply:
    """Change one record; associations are never touched by this (ref §1, H)."""
    call.allow(object_scope(call.kind, "write"))
    sent = record_writes.sent_properties(call.json)
    record = for_single(
        call,
        call.kind,
        call.params["id"],
        call.last("idProperty"),
        verb="update",
        archived=False,
    )
    written = record_writes.update(call, call.kind, record, sent)
    return Reply(200, shown_written(call, call.kind, written))


def archive(call: Call) -> Reply:
    """Archive one record; 204 also if the id does not exist (ref §8, H)."""
    call.allow(object_scope(call.kind, "write"))
    recycling_bin.archive(call, call.kind, call.params["id"])
    return Reply(204)


def _read(call: Call, record: Record) -> dict[str, Any]:
    to_types = [call.kind_of(name) for name in call.listed("associations")]
    history = call.listed("propertiesWithHistory")
    body = shown(call, call.kind, record, call.listed("properties"), history)
    return body | shown_associations(call, call.kind, record, to_types)


def _cursor(call: Call) -> int:
    text = call.last("after")
    if not text:
        return 0
    number = record_id(text)
    if number is None:
        raise invalid(f"after is not a valid paging cursor: {text}", after=[text])
    return number


def _routes() -> list[Endpoint]:
    routes = []
    for prefix in ("/crm/v3/objects/{type}", "/crm/objects/2026-03/{type}"):
        routes += [
            Endpoint("GET", prefix, list_page),
            Endpoint("POST", prefix, create, writes=True),
            Endpoint("GET", f"{prefix}/{{id}}", read),
            Endpoint("PATCH", f"{prefix}/{{id}}", update, writes=True),
            Endpoint("DELETE", f"{prefix}/{{id}}", archive, writes=True),
        ]
    return routes


ROUTES = _routes()
