"""Batches of associations, version 4 and dated (ref §11; associations.v4 specification)."""

from collections.abc import Callable
from typing import Any

from reconcile.sandbox.api.association_bodies import (
    CREATE_LIMIT,
    PAGE,
    READ_LIMIT,
    link,
    link_default,
    no_associations,
    pair_of_kinds,
    pair_of_records,
    shown_links,
)
from reconcile.sandbox.api.record_bodies import shuffled
from reconcile.sandbox.api_errors import ApiError, invalid, invalid_json
from reconcile.sandbox.rules.api_call import Call, Endpoint, Reply, batch_body, id_text
from reconcile.sandbox.rules.association_checks import read_types
from reconcile.sandbox.rules.association_reads import links_named
from reconcile.sandbox.storage import association_tables as store
from reconcile.sandbox.storage.association_tables import End
from reconcile.sandbox.wire_format import record_id


def create(call: Call) -> Reply:
    """Link pairs; the types given replace those a pair had."""
    kinds = pair_of_kinds(call, "write")

    def act(one: dict[str, Any]) -> list[dict[str, Any]]:
        texts = (id_text(one, "from", "id"), id_text(one, "to", "id"))
        types = read_types(call, kinds[0].id, kinds[1].id, one.get("types"))
        return [link(call, *pair_of_records(call, kinds, texts), types)]

    results, errors = _each(call, act)
    mixed = shuffled(call, results, lambda one: f"{one['fromObjectId']}:{one['toObjectId']}")
    return Reply(207 if errors else 201, batch_body(call.now, mixed, errors))


def associate_default(call: Call) -> Reply:
    """Link pairs without a label; the specification has no 207 here."""
    kinds = pair_of_kinds(call, "write")

    def act(one: dict[str, Any]) -> list[dict[str, Any]]:
        texts = (id_text(one, "from", "id"), id_text(one, "to", "id"))
        return link_default(call, *pair_of_records(call, kinds, texts))

    results, errors = _each(call, act)
    return Reply(200, batch_body(call.now, results, errors))


def read(call: Call) -> Reply:
    """Read what records are linked to; one without links is an error entry, so a 207."""
    start_kind, end_kind = pair_of_kinds(call, "read")
    results: list[dict[str, Any]] = []
    errors: list[ApiError] = []
    for one in call.inputs(READ_LIMIT):
        text = id_text(one, "id")
        after = record_id(id_text(one, "after")) if one.get("after") is not None else 0
        if after is None:
            raise invalid("after is not a valid paging cursor")
        found = links_named(call, start_kind, text, end_kind, after=after, limit=PAGE + 1)
        if not found:
            errors.append(no_associations(start_kind, end_kind, text))
            continue
        result: dict[str, Any] = {"from": {"id": text}, "to": shown_links(found[:PAGE])}
        if len(found) > PAGE:
            result["paging"] = {"next": {"after": str(found[PAGE].to_id)}}
        results.append(result)
    mixed = shuffled(call, results, lambda result: str(result["from"]["id"]))
    return Reply(207 if errors else 200, batch_body(call.now, mixed, errors))


def archive(call: Call) -> Reply:
    """Remove every link between pairs; ids that do not exist are ignored."""
    start_kind, end_kind = pair_of_kinds(call, "write")
    for one in call.inputs(CREATE_LIMIT):
        start, ends = record_id(id_text(one, "from", "id")), one.get("to")
        if not isinstance(ends, list):
            raise invalid_json("Cannot deserialize value of type `ArrayList`")
        for end in (record_id(id_text({"to": one_end}, "to", "id")) for one_end in ends):
            if start is not None and end is not None:
                pair = End(start_kind.id, start), End(end_kind.id, end)
                store.remove_pair(call.connection, *pair, call.now)
    return Reply(204)


def archive_dated(call: Call) -> Reply:
    """Remove every link between pairs, on a dated path."""
    return _dated(call, archive(call))


def archive_labels(call: Call) -> Reply:
    """Remove some types of pairs; removing the unlabelled one removes all (ref §11, H)."""
    start_kind, end_kind = pair_of_kinds(call, "write")
    for one in call.inputs(CREATE_LIMIT):
        types = read_types(call, start_kind.id, end_kind.id, one.get("types"))
        start, end = record_id(id_text(one, "from", "id")), record_id(id_text(one, "to", "id"))
        if start is not None and end is not None:
            pair = End(start_kind.id, start), End(end_kind.id, end)
            store.remove_types(call.connection, *pair, types, call.now)
    return Reply(204)


def archive_labels_dated(call: Call) -> Reply:
    """Remove some types of pairs, on a dated path."""
    return _dated(call, archive_labels(call))


def _dated(call: Call, reply: Reply) -> Reply:
    """Answer as the dated versions are specified, with the body of a batch (ref §18, M)."""
    if call.switches.dated_archives_answer == "nothing":
        return reply
    return Reply(200, batch_body(call.now, []))


def _each(
    call: Call, act: Callable[[dict[str, Any]], list[dict[str, Any]]]
) -> tuple[list[dict[str, Any]], list[ApiError]]:
    """Do one thing for each input; failures are reported and the rest is kept."""
    results: list[dict[str, Any]] = []
    errors: list[ApiError] = []
    for one in call.inputs(CREATE_LIMIT):
        try:
            results += act(one)
        except ApiError as error:
            errors.append(error)
    return results, errors


def _routes() -> list[Endpoint]:
    routes = []
    for version, removals in (
        ("/crm/v4/associations", (archive, archive_labels)),
        ("/crm/associations/2026-03", (archive_dated, archive_labels_dated)),
    ):
        prefix = f"{version}/{{type}}/{{to_type}}/batch"
        routes += [
            Endpoint("POST", f"{prefix}/create", create, writes=True),
            Endpoint("POST", f"{prefix}/read", read),
            Endpoint("POST", f"{prefix}/archive", removals[0], writes=True),
            Endpoint("POST", f"{prefix}/labels/archive", removals[1], writes=True),
            Endpoint("POST", f"{prefix}/associate/default", associate_default, writes=True),
        ]
    return routes


ROUTES = _routes()
