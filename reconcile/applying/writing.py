"""Creating and updating the records of one batch.

Each step re-reads its records, writes those that are still as planned, and gives every item its
end. Which endpoint is used depends on the kind's data and on how many records there are.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial

from reconcile.applying.existing import sought
from reconcile.applying.history import tell_overwritten
from reconcile.applying.item import Item
from reconcile.applying.recheck import Checked, recheck_absent, recheck_present
from reconcile.applying.sending import Call, send, settle_created, settle_updated
from reconcile.applying.tools import Tools
from reconcile.applying.verify import LONG_WAITS
from reconcile.errors import ApiError, AuthError, RateLimited, Unreachable
from reconcile.hubspot.under import parents_of
from reconcile.hubspot.writes import Answer, Refused, Unclear, Write, Written
from reconcile.model.definitions import Property
from reconcile.model.kinds import Kind
from reconcile.model.outcome import Status
from reconcile.model.plan import FieldChange

_IN_PATH = re.compile(r"\w[\w .:~-]*")


def create(tools: Tools, kind: Kind, items: Sequence[Item], *, owned: Collection[str] = ()) -> None:
    """Create up to 100 records. ``owned`` are the ids of other records of the plan."""
    identity = tools.identity(kind)
    changes = [item.change for item in items]
    wanted = [sought(item.change, identity, item.parent_id) for item in items]
    checked = recheck_absent(tools.hubspot, kind, identity, changes, wanted, owned=owned)
    ready = _without_conflicts(items, checked)
    writes: dict[str, tuple[Item, Write]] = {}
    for item, result in ready:
        name = item.trace = tools.trace()
        values = _values(result.fields, tools.properties(kind))
        key = item.change.address.key
        writes[name] = item, Write(name, key, values, _parent_link(kind, item))
    if not writes:
        return
    with _ending(tools, kind.create, writes, _end_created) as answers:
        send(_creating(tools, kind, ready), _inputs(writes), answers)
        unclear = {
            name: sought(item.change, identity, item.parent_id)
            for name, (item, _) in writes.items()
            if _is_unclear(answers[name])
        }
        if unclear:
            made = {answer.id for answer in answers.values() if isinstance(answer, Written)}
            others = made.union(owned)
            with suppress(ApiError):  # still unclear then, and told so
                answers.update(settle_created(tools.hubspot, kind, identity, unclear, owned=others))
    for item, write in writes.values():
        match answers.get(write.trace):
            case Written(id=record_id, new=False):
                tell_overwritten(tools, item, record_id)


def update(tools: Tools, kind: Kind, items: Sequence[Item]) -> None:
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
        name = item.trace = tools.trace()
        held[name] = result.key
        writes[name] = item, Write(name, item.change.id, _values(result.fields, definitions))
    if not writes:
        return
    with _ending(tools, "update", writes, _end_updated) as answers:
        send(_updating(tools, kind, writes, held), _inputs(writes), answers)
        unclear = [
            (item.id, write) for item, write in writes.values() if _is_unclear(answers[write.trace])
        ]
        with suppress(ApiError):  # still unclear then, and told so
            answers.update(settle_updated(tools.hubspot, kind, definitions, unclear))


@contextmanager
def _ending(
    tools: Tools,
    call: str,
    writes: Mapping[str, tuple[Item, Write]],
    end: Callable[[Item, Answer], None],
) -> Iterator[dict[str, Answer]]:
    """Give every item its end by the answers that the block collects, however the block ends.

    The journal says what is about to be sent before, and what was answered after.
    """
    items = [item for item, _ in writes.values()]
    number = tools.journal.intend(call, items)
    answers: dict[str, Answer] = {}
    unanswered = Status.UNKNOWN, "the run ended before HubSpot answered"
    try:
        yield answers
    except ApiError as error:
        # A call that may have been carried out is settled by the next plan's reading.
        # So may one that was repeated: a refusal then says nothing of the first attempt.
        lost = isinstance(error, (Unreachable, AuthError, RateLimited))
        unanswered = (Status.UNKNOWN if lost else Status.FAILED), str(error)
        raise
    finally:
        for name, (item, _) in writes.items():
            if name in answers:
                end(item, answers[name])
            else:
                item.end(*unanswered)
        tools.journal.answered(number, items, of_records=True)


def _inputs(writes: Mapping[str, tuple[Item, Write]]) -> list[Write]:
    return [write for _, write in writes.values()]


def _is_unclear(answer: Answer) -> bool:
    return isinstance(answer, Unclear)


def _creating(tools: Tools, kind: Kind, ready: Sequence[tuple[Item, Checked]]) -> Call:
    identity = tools.identity(kind)
    if kind.create == "upsert":
        return lambda inputs: tools.hubspot.upsert(kind.object, identity.name, inputs)
    parents = {item.change.parent.kind for item, _ in ready if item.change.parent}
    owners = partial(_owners, tools, kind, parents) if identity.within_parent else None
    return lambda inputs: tools.hubspot.create(
        kind.object, inputs, match=identity.name, owners=owners
    )


def _owners(
    tools: Tools, kind: Kind, parents: Collection[str], ids: Sequence[str]
) -> Mapping[str, frozenset[str]]:
    """The parents of new records, as far as HubSpot shows them after all of ``LONG_WAITS``."""
    found: dict[str, frozenset[str]] = {}
    for wait in LONG_WAITS:
        tools.sleep(wait)
        left = [one for one in ids if not found.get(one)]
        found |= parents_of(tools.hubspot, kind, parents, left)
        if all(found.get(one) for one in ids):
            break
    return found


def _updating(
    tools: Tools,
    kind: Kind,
    writes: Mapping[str, tuple[Item, Write]],
    held: Mapping[str, str],
) -> Call:
    """One record is patched, several are updated as a batch.

    A single record is patched by its key, so that a key cleared this instant means no write at
    all. By id where the key is what is written, and where it could not stand in a path: servers
    differ in what they make of an encoded slash.
    """
    if len(writes) != 1:
        return lambda inputs: tools.hubspot.update(kind.object, inputs)
    ((name, (_, write)),) = writes.items()
    identity = tools.identity(kind)
    if identity.unique and identity.name not in write.properties and _by_path(held[name]):
        addressed = Write(name, held[name], write.properties)
        return lambda _: {
            name: tools.hubspot.patch(kind.object, addressed, id_property=identity.name)
        }
    return lambda _: {name: tools.hubspot.patch(kind.object, write)}


def _by_path(key: str) -> bool:
    return _IN_PATH.fullmatch(key) is not None


def _parent_link(kind: Kind, item: Item) -> tuple[tuple[str, str, int], ...]:
    parent = item.change.parent
    if parent is None:
        return ()
    return ((item.parent_id, "HUBSPOT_DEFINED", kind.associations[parent.kind].type_id),)


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
                f"record {record_id} got the new values instead of {item.change.id}: that one was "
                "merged into it, or its key moved there, while writing; the property history in "
                "HubSpot shows the former ones",
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
