"""Find the edits that a late write overwrote, in property history.

HubSpot has no If-Match (reference §6), so an edit between a re-check and its write is lost without
notice. Within one second that is accepted; after more, the edits are looked up and reported.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from reconcile.applying.context import ApplyContext
from reconcile.applying.rereads import until_shown
from reconcile.applying.rewrites import OURS, History
from reconcile.applying.task import ChangeTask
from reconcile.errors import CallRefused
from reconcile.hubspot.client import HubSpot
from reconcile.model.definitions import Property
from reconcile.model.kinds import Kind
from reconcile.model.outcome import UNKNOWN_OVERWRITE, Overwrite
from reconcile.model.plan import Effect, FieldChange
from reconcile.model.records import Version
from reconcile.model.values import same


@dataclass(frozen=True, slots=True)
class LateWrite:
    """A change whose write was sent late.

    ``lost`` names the properties that do not hold what was sent; ``archived`` says that the change
    archived the record.
    """

    change: Effect
    lost: Collection[str] = ()
    archived: bool = False


def note_overwritten(
    context: ApplyContext, kind: Kind, late: Mapping[str, tuple[ChangeTask, LateWrite]]
) -> None:
    """Find out what some late writes overwrote, and record it in the tasks and the journal.

    ``late`` is by record id. Raises HubSpotError if no further call can succeed.
    """
    if not late:
        return
    wanted = {record_id: one for record_id, (_, one) in late.items()}
    found = find_overwritten(context.hubspot, context.sleep, context.properties(kind), kind, wanted)
    for record_id, (task, _) in late.items():
        task.overwrites = found[record_id]
        context.journal.overwrote(task.change.address, task.overwrites)


def find_overwritten(
    hubspot: HubSpot,
    sleep: Callable[[float], None],
    definitions: Mapping[str, Property],
    kind: Kind,
    late: Mapping[str, LateWrite],
) -> Mapping[str, tuple[Overwrite, ...]]:
    """Return the edits of others that late writes overwrote or archived, by record id.

    The histories are read again after each of ``WAITS`` until they show our writes.
    """
    found: dict[str, tuple[Overwrite, ...]] = {}

    def read(left: Sequence[str]) -> Sequence[str]:
        for record_id in left:
            history = _read(hubspot, kind, record_id, late[record_id])
            found[record_id] = _lost(late[record_id], history, definitions)
        return [one for one in left if UNKNOWN_OVERWRITE in found[one]]

    until_shown(list(late), read, sleep)
    return found


def _read(hubspot: HubSpot, kind: Kind, record_id: str, one: LateWrite) -> History:
    """Return a record's history, empty if HubSpot refuses to show it."""
    names = [field.name for field in one.change.fields]
    try:
        return hubspot.records.history(kind.object, record_id, names, archived=one.archived)
    except CallRefused:
        return {}


def _lost(
    one: LateWrite, history: History, definitions: Mapping[str, Property]
) -> tuple[Overwrite, ...]:
    lost: list[Overwrite] = []
    is_unsure = False
    look = unseen if one.archived else replaced
    for field in one.change.fields:
        if (definition := definitions.get(field.name)) is None:
            continue
        versions = look(field, history.get(field.name, ()), definition)
        is_unsure = is_unsure or (versions is None and field.name not in one.lost)
        lost += (
            Overwrite(field.name, version.value, version.source, version.at, field.personal)
            for version in versions or ()
        )
    return (*lost, UNKNOWN_OVERWRITE) if is_unsure else tuple(lost)


def unseen(
    field: FieldChange, versions: Sequence[Version], definition: Property
) -> Sequence[Version] | None:
    """Return a property's versions that are newer than what the re-check saw, latest first.

    A successful re-check saw the value that the plan shows. Return None if there is no history.
    """
    if field.before and not versions:
        return None
    return list(takewhile(lambda one: not same(one.value, field.before, definition), versions))


def replaced(
    field: FieldChange, versions: Sequence[Version], definition: Property
) -> Sequence[Version] | None:
    """Return the unseen versions that our write replaced, latest first.

    Return None if our write is not among them: it did not persist, or does not show yet. A write
    that HubSpot rewrote is the latest version whose source is the API.
    """
    recent = unseen(field, versions, definition) or ()
    ours = [same(one.value, field.after, definition) for one in recent]
    if not any(ours):
        ours = [one.source in OURS for one in recent]
    if not any(ours):
        return None
    below = recent[ours.index(True) + 1 :]
    return [one for one in below if not same(one.value, field.after, definition)]
