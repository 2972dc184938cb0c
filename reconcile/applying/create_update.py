"""Creating and updating the records of one batch.

Each step re-reads its records right before it writes those that are still as planned, and gives
every item its end. Which endpoint is used depends on the kind's data and on how many records there
are.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from reconcile.applying.batch_outcomes import end_created, end_updated, ending
from reconcile.applying.batch_send import send, settle_updated
from reconcile.applying.confirm_ids import confirm, find_made
from reconcile.applying.context import Tools
from reconcile.applying.created_records import sought
from reconcile.applying.fresh_recheck import Call, Fresh, Withheld
from reconcile.applying.overwritten import Late, note_overwritten
from reconcile.applying.recheck import Checked, recheck_absent, recheck_present
from reconcile.applying.recheck_parents import recheck_parents, with_moved
from reconcile.applying.task import Item
from reconcile.applying.verify import LONG_WAITS
from reconcile.errors import ApiError, AuthError, RateLimited, Unreachable
from reconcile.fetching.children import parents_of
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.types import Answer, Unclear, Write, Written
from reconcile.model.address import Address
from reconcile.model.definitions import Property
from reconcile.model.kinds import Kind
from reconcile.model.line_parent import parents_to_check
from reconcile.model.outcome import Status
from reconcile.model.plan import FieldChange

_IN_PATH = re.compile(r"\w[\w .:~-]*")


def create(tools: Tools, kind: Kind, items: Sequence[Item], *, owned: Collection[str] = ()) -> None:
    """Create up to 100 records. ``owned`` are the ids of other records of the plan."""
    identity = tools.identity(kind)
    parents = {item.change.parent.kind for item in items if item.change.parent}
    slots = {"objects": 2, "associations": len(parents) if identity.within_parent else 0}
    writes: dict[str, tuple[Item, Write]] = {}

    def check(some: Sequence[Item]) -> list[Checked]:
        changes = [item.change for item in some]
        wanted = [sought(item.change, identity, item.parent_id) for item in some]
        return recheck_absent(tools.hubspot, kind, identity, changes, wanted, owned=owned)

    def check_again(inputs: Sequence[Write], in_doubt: bool) -> Sequence[Write | Answer]:  # noqa: FBT001
        some = [writes[write.trace][0] for write in inputs]
        if in_doubt:
            made = find_made(tools, kind, {item.trace: item for item in some}, owned)
            return [
                Written(made[write.trace].id) if write.trace in made else write for write in inputs
            ]
        results = zip(inputs, check(some), strict=True)
        return [Withheld(one.conflict) if one.conflict else write for write, one in results]

    with tools.hubspot.step(**slots) as step:
        ready = _without_conflicts(tools, items, check(items))
        for item, result in ready:
            name = item.trace = tools.trace()
            values = _values(result.fields, tools.properties(kind))
            key = item.change.address.key
            writes[name] = item, Write(name, key, values, _parent_link(kind, item))
        if not writes:
            return
        call = _creating(tools, kind, ready)
        with ending(tools, kind.create, writes, end_created) as answers:
            fresh = Fresh(
                tools.hubspot,
                slots=slots,
                read=step.replied,
                call=call,
                again=check_again,
                note_late=_noting_late(writes if kind.create == "upsert" else {}),
            )
            known = tools.known(kind, kind.create)
            send(tools, fresh, _inputs(writes), answers, known=known, answered=fresh.answered)
            made = {name: item for name, (item, _) in writes.items()}
            with _refusals_suppressed():  # unclear or not confirmed; nothing is built on it
                confirm(tools, kind, made, answers, owned=owned)
    hit = {
        answer.id: (item, Late(item.change))
        for item, write in writes.values()
        if isinstance(answer := answers.get(write.trace), Written) and answer.new is False
    }
    note_overwritten(tools, kind, hit)


def update(tools: Tools, kind: Kind, items: Sequence[Item]) -> None:
    """Update, adopt or merely confirm up to 100 records that exist."""
    identity, definitions = tools.identity(kind), tools.properties(kind)
    asked = {word for item in items for word in parents_to_check(item.change)}
    slots = {"objects": 2, "associations": len(asked)}
    writes: dict[str, tuple[Item, Write]] = {}
    held: dict[str, str] = {}

    def check(some: Sequence[Item]) -> list[Checked]:
        changes = [item.change for item in some]
        checked = recheck_present(tools.hubspot, kind, identity, definitions, changes)
        return with_moved(checked, recheck_parents(tools.parents, changes))

    def check_again(inputs: Sequence[Write], in_doubt: bool) -> Sequence[Write | Answer]:  # noqa: FBT001
        some = [writes[write.trace][0] for write in inputs]
        checked = check(some)
        if not in_doubt:  # else what is there may be of the attempt whose answer did not come
            _note_found(tools, list(zip(some, checked, strict=True)), untried)
        results = zip(inputs, checked, strict=True)
        return [_left(write, one, definitions, in_doubt=in_doubt) for write, one in results]

    # What an earlier process of the run may have written is not somebody else's.
    untried = {item.change.address for item in items} - tools.journal.so_far.traces.keys()
    with tools.hubspot.step(**slots) as step:
        ready = _without_conflicts(tools, items, check(items))
        _note_found(tools, ready, untried)
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
        call = _updating(tools, kind, held)
        with ending(tools, "update", writes, end_updated) as answers:
            fresh = Fresh(
                tools.hubspot,
                slots=slots,
                read=step.replied,
                call=call,
                again=check_again,
                note_late=_noting_late(writes),
            )
            known = tools.known(kind, "update")
            send(tools, fresh, _inputs(writes), answers, known=known, answered=fresh.answered)
            unclear = [
                (item.id, write)
                for item, write in writes.values()
                if _is_unclear(answer := answers.get(write.trace)) or _is_anothers(item, answer)
            ]
            with _refusals_suppressed():  # still unclear then, and reported so
                answers.update(settle_updated(tools.hubspot, kind, definitions, unclear))


def _note_found(
    tools: Tools, checked: Sequence[tuple[Item, Checked]], untried: Collection[Address]
) -> None:
    """Put into the journal which fields somebody else has set as planned, before anything leaves.

    ``untried`` are the records of which this run has not tried to write anything.
    """
    found: dict[Address, list[str]] = {}
    for item, result in checked:
        if item.change.address in untried and not result.conflict:
            found[item.change.address] = [
                field.name for field in item.change.fields if field not in result.fields
            ]
    tools.journal.found(found)


@contextmanager
def _refusals_suppressed() -> Iterator[None]:
    """Go on where HubSpot refuses to be read, but not where it would refuse whatever comes next."""
    try:
        yield
    except (AuthError, RateLimited, Unreachable):
        raise
    except ApiError:
        return


def _inputs(writes: Mapping[str, tuple[Item, Write]]) -> list[Write]:
    return [write for _, write in writes.values()]


def _is_unclear(answer: Answer | None) -> bool:
    return isinstance(answer, Unclear)


def _is_anothers(item: Item, answer: Answer | None) -> bool:
    """Return whether an update was answered with another id: a merged record's, or a wrong one."""
    return isinstance(answer, Written) and answer.id != item.change.id


def _noting_late(writes: Mapping[str, tuple[Item, Write]]) -> Callable[[Write], None]:
    def note(write: Write) -> None:
        if write.trace in writes:
            writes[write.trace][0].late = True

    return note


def _left(
    write: Write, result: Checked, definitions: Mapping[str, Property], *, in_doubt: bool
) -> Write | Answer:
    """What one more re-check leaves of an update, or its answer where nothing is to be sent."""
    if result.conflict:
        if in_doubt:
            return Unclear(f"no usable answer came; then: {result.conflict}")
        return Withheld(result.conflict)
    if not result.fields:
        return Written(write.id)
    return Write(write.trace, write.id, _values(result.fields, definitions))


def _creating(tools: Tools, kind: Kind, ready: Sequence[tuple[Item, Checked]]) -> Call[Write]:
    identity = tools.identity(kind)
    if kind.create == "upsert":
        return lambda hubspot, inputs: hubspot.upsert(kind.object, identity.name, inputs)
    parents = {item.change.parent.kind for item, _ in ready if item.change.parent}
    owners = partial(_owners, tools, kind, parents) if identity.within_parent else None
    return lambda hubspot, inputs: hubspot.create(
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


def _updating(tools: Tools, kind: Kind, held: Mapping[str, str]) -> Call[Write]:
    """One record is patched, several are updated as a batch; ``held`` are their keys by trace.

    A single record is patched by its key, so that a key cleared this instant means no write at
    all. By id where the key is what is written, and where it could not stand in a path: servers
    differ in what they make of an encoded slash.
    """
    if len(held) != 1:
        return lambda hubspot, inputs: hubspot.update(kind.object, inputs)
    identity = tools.identity(kind)

    def patch(hubspot: HubSpot, inputs: Sequence[Write]) -> Mapping[str, Answer]:
        (write,) = inputs
        name, key = write.trace, held[write.trace]
        if identity.unique and identity.name not in write.properties and _by_path(key):
            addressed = Write(name, key, write.properties)
            return {name: hubspot.patch(kind.object, addressed, id_property=identity.name)}
        return {name: hubspot.patch(kind.object, write)}

    return patch


def _by_path(key: str) -> bool:
    return _IN_PATH.fullmatch(key) is not None


def _parent_link(kind: Kind, item: Item) -> tuple[tuple[str, str, int], ...]:
    parent = item.change.parent
    if parent is None:
        return ()
    return ((item.parent_id, "HUBSPOT_DEFINED", kind.associations[parent.kind].type_id),)


def _without_conflicts(
    tools: Tools, items: Sequence[Item], checked: Sequence[Checked]
) -> list[tuple[Item, Checked]]:
    """Return those that may be written; none where a conflict has halted the run."""
    ready: list[tuple[Item, Checked]] = []
    for item, result in zip(items, checked, strict=True):
        if result.conflict:
            item.end(Status.CONFLICT, result.conflict)
        else:
            ready.append((item, result))
    tools.halt.look(items)
    return [] if tools.halt.stopped else ready


def _values(fields: Sequence[FieldChange], definitions: Mapping[str, Property]) -> dict[str, str]:
    """What to send. A set that begins with ``;`` would be added to the options there are."""
    return {
        field.name: field.after.lstrip(";") if definitions[field.name].multiple else field.after
        for field in fields
    }
