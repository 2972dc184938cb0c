"""Creating and updating the records of one batch.

Each step re-reads its records, writes those that are still as planned, and gives every item its
end. Which endpoint is used depends on the kind's data and on how many records there are.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from reconcile.applying.item import Item, Tools
from reconcile.applying.recheck import Checked, recheck_absent, recheck_present
from reconcile.applying.sending import Call, send, settle_created, settle_updated
from reconcile.hubspot.writes import Answer, Refused, Unclear, Write, Written
from reconcile.model.definitions import Property
from reconcile.model.kinds import Kind
from reconcile.model.outcome import Status
from reconcile.model.plan import FieldChange

_IN_PATH = re.compile(r"\w[\w .:~-]*")

Trace = Callable[[], str]
"""Makes the next objectWriteTraceId, unique within a run."""


def create(
    tools: Tools, kind: Kind, items: Sequence[Item], parents: Mapping[int, str], trace: Trace
) -> None:
    """Create up to 100 records. ``parents`` are line items' parents' ids, by ``id(item)``."""
    identity = tools.identity(kind)
    checked = recheck_absent(tools.hubspot, kind, identity, [item.change for item in items])
    ready = _without_conflicts(items, checked)
    writes = {
        trace(): (item, _values(result.fields, tools.properties(kind))) for item, result in ready
    }
    if not writes:
        return
    inputs = [
        Write(name, item.change.address.key, values, _parent_link(kind, item, parents))
        for name, (item, values) in writes.items()
    ]
    answers = send(_creating(tools, kind), inputs)
    unclear = [write for write in inputs if isinstance(answers[write.trace], Unclear)]
    if unclear:
        answers |= settle_created(tools.hubspot, kind, identity, unclear)
    for name, (item, _) in writes.items():
        _end_created(item, answers[name])


def update(tools: Tools, kind: Kind, items: Sequence[Item], trace: Trace) -> None:
    """Update, adopt or merely confirm up to 100 records that exist."""
    identity, definitions = tools.identity(kind), tools.properties(kind)
    changes = [item.change for item in items]
    checked = recheck_present(tools.hubspot, kind, identity, definitions, changes)
    ready = _without_conflicts(items, checked)
    writes: dict[str, tuple[Item, Write]] = {}
    held: dict[str, str] = {}
    for item, result in ready:
        item.id = item.change.id
        if not result.fields:
            item.end(Status.DONE)
            continue
        name = trace()
        held[name] = result.key
        writes[name] = item, Write(name, item.change.id, _values(result.fields, definitions))
    if not writes:
        return
    if len(writes) == 1:
        (name,) = writes
        answers = _patch(tools, kind, *writes[name], held[name])
    else:
        call: Call = lambda inputs: tools.hubspot.update(kind.object, inputs)  # noqa: E731
        answers = send(call, [write for _, write in writes.values()])
    unclear = [
        (item.id, write)
        for name, (item, write) in writes.items()
        if isinstance(answers[name], Unclear)
    ]
    if unclear:
        answers |= settle_updated(tools.hubspot, kind, definitions, unclear)
    for name, (item, _) in writes.items():
        _end_updated(item, answers[name])


def _creating(tools: Tools, kind: Kind) -> Call:
    key = tools.identity(kind).name
    if kind.create == "upsert":
        return lambda inputs: tools.hubspot.upsert(kind.object, key, inputs)
    return lambda inputs: tools.hubspot.create(kind.object, inputs, match=key)


def _patch(tools: Tools, kind: Kind, item: Item, write: Write, held: str) -> dict[str, Answer]:
    """A single record: by its key, so that a key cleared this instant means no write at all.

    By id where the key is what is written, and where it could not stand in a path: servers differ
    in what they make of an encoded slash.
    """
    identity = tools.identity(kind)
    by_key = identity.unique and not item.change.rekey and bool(_IN_PATH.fullmatch(held))
    record = held if by_key else write.id
    addressed = Write(write.trace, record, write.properties)

    def call(inputs: Sequence[Write]) -> Mapping[str, Answer]:
        id_property = identity.name if by_key else None
        return {
            one.trace: tools.hubspot.patch(kind.object, one, id_property=id_property)
            for one in inputs
        }

    return send(call, [addressed])


def _parent_link(
    kind: Kind, item: Item, parents: Mapping[int, str]
) -> tuple[tuple[str, str, int], ...]:
    parent = item.change.parent
    if parent is None:
        return ()
    return ((parents[id(item)], "HUBSPOT_DEFINED", kind.associations[parent.kind].type_id),)


def _without_conflicts(
    items: Sequence[Item], checked: Sequence[Checked]
) -> list[tuple[Item, Checked]]:
    ready: list[tuple[Item, Checked]] = []
    for item, result in zip(items, checked, strict=True):
        if result.conflict:
            item.end(Status.CONFLICT, result.conflict)
        else:
            ready.append((item, result))
    return ready


def _values(fields: Sequence[FieldChange], definitions: Mapping[str, Property]) -> dict[str, str]:
    """What to send. A set that begins with ``;`` would be added to the options there are."""
    return {
        field.name: field.after.lstrip(";") if definitions[field.name].multiple else field.after
        for field in fields
    }


def _end_created(item: Item, answer: Answer) -> None:
    match answer:
        case Written(id=record_id, new=False):
            item.end(
                Status.CONFLICT,
                f"record {record_id} appeared under this key while writing, and its values were "
                "overwritten; its property history in HubSpot shows the former ones",
            )
        case Written(id=record_id):
            item.id = record_id
            item.end(Status.DONE)
        case _:
            _end_badly(item, answer)


def _end_updated(item: Item, answer: Answer) -> None:
    match answer:
        case Written(id=record_id) if record_id != item.change.id:
            item.end(
                Status.CONFLICT,
                f"record {item.change.id} was merged into {record_id} while writing, and that one "
                "got the new values; its property history in HubSpot shows the former ones",
            )
        case Written():
            item.end(Status.DONE)
        case _:
            _end_badly(item, answer)


def _end_badly(item: Item, answer: Answer) -> None:
    match answer:
        case Refused(message=message):
            item.end(Status.FAILED, message)
        case Unclear(message=message):
            item.end(Status.UNKNOWN, f"{message}; the next plan finds out by reading")
        case _:
            raise AssertionError(answer)
