"""Batches of records: create, read, update, upsert, archive (ref §1, §3, §4, §6)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from reconcile.sandbox.api.batch_writes import (
    OBJECT_BATCH_LIMIT,
    all_traced,
    refuse_duplicates,
    trace_id,
    write_each,
    written_reply,
)
from reconcile.sandbox.api.objects import MAX_WITH_HISTORY, create_linked
from reconcile.sandbox.api.record_bodies import shown, shuffled
from reconcile.sandbox.api_errors import (
    fields_missing,
    invalid_json,
    some_not_found,
    too_many_inputs,
)
from reconcile.sandbox.rules import record_writes, recycling_bin
from reconcile.sandbox.rules.api_call import Call, Endpoint, Reply, batch_body, id_text, text_of
from reconcile.sandbox.rules.record_lookup import by_id, by_key, check_key
from reconcile.sandbox.rules.record_writes import Written
from reconcile.sandbox.scopes import object_scope
from reconcile.sandbox.storage import record_tables
from reconcile.sandbox.wire_format import record_id


def create(call: Call) -> Reply:
    """Create records, each with its associations."""
    call.allow(object_scope(call.kind, "write"))
    inputs = call.inputs(OBJECT_BATCH_LIMIT)
    outcome = write_each(
        call,
        inputs,
        lambda one: create_linked(call, call.kind, one),
        partial=all_traced(inputs),
    )
    return written_reply(call, call.kind, outcome, 201)


def read(call: Call) -> Reply:
    """Read records by id or by one unique property; those missing make it a 207 (ref §4, H)."""
    call.allow(object_scope(call.kind, "read"))
    inputs = call.inputs(OBJECT_BATCH_LIMIT)
    history = _names(call.json.get("propertiesWithHistory"))
    if history and len(inputs) > MAX_WITH_HISTORY:
        raise too_many_inputs(MAX_WITH_HISTORY, " for property histories")
    archived = call.flag("archived")
    id_property = call.json.get("idProperty")
    if id_property is not None:
        check_key(call, call.kind, text_of(id_property), "read")
    wanted = dict.fromkeys(id_text(one, "id") for one in inputs)
    found, missing = {}, []
    for text in wanted:
        if id_property is not None:
            record = by_key(call, call.kind, text_of(id_property), text, archived=archived)
        else:
            follow = call.switches.batch_read_follows_merges
            record = by_id(call, call.kind, text, archived=archived, follow_merge=follow)
        if record is None:
            missing.append(text)
        else:
            found[record.id] = record
    mixed = shuffled(call, list(found.values()), lambda record: str(record.id))
    requested = _names(call.json.get("properties"))
    results = [shown(call, call.kind, record, requested, history) for record in mixed]
    errors = [some_not_found(call.kind.legacy_name, missing)] if missing else []
    return Reply(207 if missing else 200, batch_body(call.now, results, errors))


def update(call: Call) -> Reply:
    """Change records. Missing ones are a 207 even without trace ids; invalid values are not.

    A record that was merged away is never changed, and may be missing without an error.
    """
    call.allow(object_scope(call.kind, "write"))
    inputs = call.inputs(OBJECT_BATCH_LIMIT)
    refuse_duplicates([id_text(one, "id") for one in inputs])
    missing: list[dict[str, Any]] = []

    def write(one: dict[str, Any]) -> Written | None:
        text, key = id_text(one, "id"), one.get("idProperty")
        if key is not None:
            check_key(call, call.kind, text_of(key), "update")
            record = by_key(call, call.kind, text_of(key), text)
        elif record_id(text) is None:
            return None  # seen live: neither a result nor an error (hubspot-api-nodejs#548)
        else:
            record = by_id(call, call.kind, text, follow_merge=False)
            if record is None and _is_left_out(call, text):
                return None
        if record is None:
            missing.append(one)
            return None
        return record_writes.update(call, call.kind, record, record_writes.sent_properties(one))

    partial = call.switches.trace_ids_rescue_batch_update and all_traced(inputs)
    outcome = write_each(call, inputs, write, partial=partial)
    outcome.errors += _missing_errors(call, missing)
    return written_reply(call, call.kind, outcome, 200)


def upsert(call: Call) -> Reply:
    """Create or update records by a unique property; an upsert takes no associations (ref §6)."""
    call.allow(object_scope(call.kind, "write"))
    inputs = call.inputs(OBJECT_BATCH_LIMIT)
    for one in inputs:
        if one.get("idProperty") is None:
            raise fields_missing("idProperty")
        check_key(call, call.kind, text_of(one["idProperty"]), "upsert")
        if not record_writes.comparable(
            call, call.kind, text_of(one["idProperty"]), id_text(one, "id")
        ):
            # No recording shows this; an empty text is not a value (ref §12), so it is not set.
            raise fields_missing("id")
    refuse_duplicates(
        [
            record_writes.comparable(
                call, call.kind, text_of(one["idProperty"]), id_text(one, "id")
            )
            for one in inputs
        ]
    )

    def write(one: dict[str, Any]) -> Written:
        key, value = text_of(one["idProperty"]), id_text(one, "id")
        sent = record_writes.sent_properties(one)
        record = by_key(call, call.kind, key, value)
        if record is not None:
            return record_writes.update(call, call.kind, record, sent)
        written = record_writes.create(call, call.kind, {key: value, **sent})
        # The key is not echoed unless it was among the properties (ref §1, H).
        echo = {name: text for name, text in written.echo.items() if name in sent}
        return replace(written, echo=echo)

    outcome = write_each(call, inputs, write, partial=all_traced(inputs))
    reply = written_reply(call, call.kind, outcome, 200)
    new = {str(written.record.id): written.new for written in outcome.written}
    if isinstance(reply.body, dict):
        for result in reply.body["results"]:
            result["new"] = new[result["id"]]
    return reply


def archive(call: Call) -> Reply:
    """Archive records; always 204, whatever the ids are (ref §8, H)."""
    call.allow(object_scope(call.kind, "write"))
    for one in call.inputs(OBJECT_BATCH_LIMIT):
        recycling_bin.archive(call, call.kind, id_text(one, "id"))
    return Reply(204)


def _is_left_out(call: Call, text: str) -> bool:
    """Return whether a batch update ignores a missing record because it was merged away."""
    number = record_id(text)
    return (
        call.switches.update_of_merged == "left_out"
        and number is not None
        and record_tables.merged_into(call.connection, call.kind.id, number) is not None
    )


def _missing_errors(call: Call, missing: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Report the records that a batch update could not find, with their trace ids or without."""
    name, errors = call.kind.legacy_name, []
    traces = [trace_id(one) for one in missing]
    if call.switches.missing_updates == "each":
        errors = [
            some_not_found(name, [id_text(one, "id")]).item(trace)
            for one, trace in zip(missing, traces, strict=True)
            if trace is not None
        ]
        missing = [one for one, trace in zip(missing, traces, strict=True) if trace is None]
    if missing:
        error = some_not_found(name, [id_text(one, "id") for one in missing])
        if call.switches.missing_updates == "together" and any(traces):
            error.context["objectWriteTraceId"] = [trace for trace in traces if trace is not None]
        errors.append(error.item())
    return errors


def _names(value: object) -> list[str]:
    """Read the ``properties`` of a batch read."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise invalid_json("Cannot deserialize value of type `ArrayList`")
    return [text_of(name) for name in value]


def _routes() -> list[Endpoint]:
    routes = []
    for prefix in ("/crm/v3/objects/{type}/batch", "/crm/objects/2026-03/{type}/batch"):
        routes += [
            Endpoint("POST", f"{prefix}/create", create, writes=True),
            Endpoint("POST", f"{prefix}/read", read),
            Endpoint("POST", f"{prefix}/update", update, writes=True),
            Endpoint("POST", f"{prefix}/upsert", upsert, writes=True),
            Endpoint("POST", f"{prefix}/archive", archive, writes=True),
        ]
    return routes


ROUTES = _routes()
