"""What each address shows: a template and its values. Views only read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from urllib.parse import parse_qsl

from reconcile.sandbox import wire_format
from reconcile.sandbox.object_types import OBJECT_TYPES, ObjectType, infer_object_type
from reconcile.sandbox.page import limit_rows, record_lists, record_view, urls
from reconcile.sandbox.runtime import Runtime
from reconcile.sandbox.storage import pipeline_tables, record_tables, request_store

_REQUESTS = 50
_LATEST = 8


@dataclass(frozen=True)
class View:
    """A template to fill in, or an address to go to."""

    template: str
    values: Mapping[str, object]
    status: int = 200


def find(runtime: Runtime, segments: Sequence[str], query: Mapping[str, str]) -> View:
    """Return the view that a path names."""
    match segments:
        case []:
            return _overview(runtime)
        case ["records", name] if (kind := _kind(name)) is not None:
            return _records(runtime, kind, query)
        case ["records", name, number] if (kind := _kind(name)) is not None:
            return _record(runtime, kind, wire_format.record_id(number))
        case ["requests"]:
            return _requests(runtime, query)
        case ["requests", number]:
            return _request(runtime, wire_format.record_id(number))
        case ["properties", name] if (kind := _kind(name)) is not None:
            return _properties(runtime, kind)
        case ["pipelines"]:
            return _pipelines(runtime)
        case _:
            return missing("This page does not exist.")


def missing(reason: str) -> View:
    """Return the view for something that does not exist."""
    values = {"section": "", "heading": "Not found", "reason": reason, "way_out": None}
    return View("message.html", values, 404)


def _kind(name: str) -> ObjectType | None:
    kind = infer_object_type(name)
    return kind if kind is not None and kind.plural == name else None


def _overview(runtime: Runtime) -> View:
    values = {
        "section": "overview",
        "counts": record_lists.counts(runtime),
        "changed": record_lists.recent(runtime, _LATEST),
        "requests": runtime.requests.page(limit=_LATEST),
        "limits": limit_rows.rows(runtime.limits, runtime.clock.now_ms()),
        "switches": runtime.switches,
        "base_url": runtime.base_url,
    }
    return View("overview.html", values)


def _records(runtime: Runtime, kind: ObjectType, query: Mapping[str, str]) -> View:
    text = query.get("q", "").strip()[: record_lists.MAX_FILTER]
    archived = query.get("archived") == "true"
    page = record_lists.page(
        runtime,
        kind,
        text=text,
        archived=archived,
        after=query.get("after"),
        before=query.get("before"),
    )
    kept = {"q": text, "archived": "true" if archived else None}
    values = {
        "section": "records",
        "kind": kind,
        "counts": record_lists.counts(runtime),
        "text": text,
        "archived": archived,
        "page": page,
        "columns": [name for name, _ in record_lists.DETAILS.get(kind.id, ())],
        "details": record_lists.details(runtime, kind, page.rows),
        "keys_looked_at": record_lists.KEYS_LOOKED_AT,
        "newer": page.newer and urls.to("records", kind.plural, **kept, before=page.newer),
        "older": page.older and urls.to("records", kind.plural, **kept, after=page.older),
    }
    return View("records.html", values)


def _record(runtime: Runtime, kind: ObjectType, record_id: int | None) -> View:
    found = None if record_id is None else record_view.view(runtime, kind, record_id)
    if found is not None:
        return View("record.html", {"section": "records", "kind": kind, "view": found})
    merged = None
    if record_id is not None:
        merged = record_tables.merged_into(runtime.connection, kind.id, record_id)
    if merged is None:
        return missing(f"No {kind.singular.replace('_', ' ')} has this id.")
    values = {
        "section": "records",
        "heading": "Merged into another",
        "reason": f"This {kind.singular.replace('_', ' ')} is part of {merged} now.",
        "way_out": (urls.record(kind, merged), f"Show {merged}"),
    }
    return View("message.html", values, 404)


def _requests(runtime: Runtime, query: Mapping[str, str]) -> View:
    only = query.get("only", "all")
    only = only if only in request_store.FILTERS else "all"
    after = wire_format.record_id(query.get("after", ""))
    before = wire_format.record_id(query.get("before", ""))
    rows = runtime.requests.page(limit=_REQUESTS + 1, only=only, before=before, after=after)
    more = len(rows) > _REQUESTS
    rows = rows[-_REQUESTS:] if after is not None else rows[:_REQUESTS]
    newer = rows[0].number if rows and (more if after is not None else before) else None
    older = rows[-1].number if rows and (after is not None or more) else None
    kept = None if only == "all" else only
    values = {
        "section": "requests",
        "only": only,
        "filters": request_store.FILTERS,
        "kept": request_store.KEPT,
        "servers": [
            (server, list(group)) for server, group in groupby(rows, key=lambda one: one.server)
        ],
        "tallies": runtime.requests.tallies({one.server for one in rows}),
        "newer": newer and urls.to("requests", only=kept, after=newer),
        "older": older and urls.to("requests", only=kept, before=older),
    }
    return View("requests.html", values)


def _request(runtime: Runtime, number: int | None) -> View:
    found = None if number is None else runtime.requests.find(number)
    if found is None:
        return missing("No request with this number is kept.")
    fields = parse_qsl(found.record.query, keep_blank_values=True)
    values = {
        "section": "requests",
        "request": found,
        "fields": fields,
        "record": _named_record(found.record.path),
    }
    return View("request.html", values)


def _named_record(path: str) -> str | None:
    """Return the address of the record that a request's path names by its id."""
    parts = path.strip("/").split("/")
    for name, number in pairwise(parts):
        kind, record_id = infer_object_type(name), wire_format.record_id(number)
        if kind is not None and record_id is not None:
            return urls.record(kind, record_id)
    return None


def _properties(runtime: Runtime, kind: ObjectType) -> View:
    found = runtime.definitions.of(runtime.connection, kind.id)
    groups = runtime.connection.execute(
        "SELECT name, label FROM property_group WHERE type = ?", (kind.id,)
    )
    archived = runtime.connection.execute(
        "SELECT name FROM property WHERE type = ? AND archived_at IS NOT NULL ORDER BY name",
        (kind.id,),
    )
    values = {
        "section": "properties",
        "kind": kind,
        "own": [one for one in found.values() if not one.body["hubspotDefined"]],
        "default": [one for one in found.values() if one.body["hubspotDefined"]],
        "groups": dict(groups.fetchall()),
        "archived": [row[0] for row in archived],
    }
    return View("properties.html", values)


def _pipelines(runtime: Runtime) -> View:
    found = [
        (kind, pipeline_tables.pipelines(runtime.connection, kind.id)) for kind in OBJECT_TYPES
    ]
    values = {"section": "pipelines", "found": [one for one in found if one[1]]}
    return View("pipelines.html", values)
