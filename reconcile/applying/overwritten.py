"""What a late write overwrote: edits that were made after its re-check, found by property history.

HubSpot has no If-Match (reference §6), so an edit between a re-check and the write is lost without
a word from HubSpot. Within a second that is accepted, and read for nobody; beyond, it is looked up.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import takewhile

from reconcile.applying.item import Item
from reconcile.applying.tools import Tools
from reconcile.applying.verify import WAITS
from reconcile.errors import ApiError, AuthError, RateLimited, Unreachable
from reconcile.hubspot.client import HubSpot
from reconcile.model.definitions import Property
from reconcile.model.kinds import kinds
from reconcile.model.outcome import UNREAD, Overwrite
from reconcile.model.plan import Action, FieldChange, RecordChange
from reconcile.model.records import Version
from reconcile.model.values import same

_BY_API = "INTEGRATION"
"""The source of what is written through the API, by us too."""


def note_overwritten(
    tools: Tools, item: Item, record_id: str, *, untaken: Collection[str] = ()
) -> None:
    """Find out what an item's write overwrote, and make it durable.

    ``untaken`` names properties of which HubSpot does not hold what was sent.
    """
    definitions = tools.properties(item.kind)
    item.overwrites = find_overwritten(
        tools.hubspot, tools.sleep, definitions, item.change, record_id, untaken=untaken
    )
    tools.journal.overwrote(item.change.address, item.overwrites)


def find_overwritten(
    hubspot: HubSpot,
    sleep: Callable[[float], None],
    definitions: Mapping[str, Property],
    change: RecordChange,
    record_id: str,
    *,
    untaken: Collection[str] = (),
) -> tuple[Overwrite, ...]:
    """Return the edits of others that a change's write overwrote or archived.

    The history is read again after each of ``WAITS`` until it shows our write.
    """
    kind, gone = kinds()[change.address.kind], change.action is Action.ARCHIVE
    if not change.id and kind.create != "upsert":
        return ()  # a plain create makes another record, whatever there is
    look = unseen if gone else replaced
    found: dict[str, Sequence[Version]] = {}
    left = [field for field in change.fields if field.name in definitions]
    for wait in WAITS:
        sleep(wait)
        try:
            histories = hubspot.history(
                kind.object, record_id, [field.name for field in left], archived=gone
            )
        except (AuthError, RateLimited, Unreachable):
            raise
        except ApiError:
            return (UNREAD,)
        for field in left:
            versions = look(field, histories.get(field.name, ()), definitions[field.name])
            if versions is not None:
                found[field.name] = versions
        left = [field for field in left if field.name not in found]
        if all(field.name in untaken for field in left):
            break
    lost = tuple(
        Overwrite(field.name, version.value, version.source, version.at, field.personal)
        for field in change.fields
        for version in found.get(field.name, ())
    )
    is_unsure = any(field.name not in untaken for field in left)
    return (*lost, UNREAD) if is_unsure else lost


def unseen(
    field: FieldChange, versions: Sequence[Version], definition: Property
) -> Sequence[Version]:
    """Return a property's versions that are newer than what the re-check saw, the latest first.

    A re-check that goes well saw what the plan shows.
    """
    return list(takewhile(lambda one: not same(one.value, field.before, definition), versions))


def replaced(
    field: FieldChange, versions: Sequence[Version], definition: Property
) -> Sequence[Version] | None:
    """Return the unseen versions that our write replaced, the latest first.

    None where our write is not among them: it did not persist, or does not show yet. One that
    HubSpot rewrote is the latest by the API.
    """
    recent = unseen(field, versions, definition)
    ours = [same(one.value, field.after, definition) for one in recent]
    if not any(ours):
        ours = [one.source == _BY_API for one in recent]
    if not any(ours):
        return None
    first = ours.index(True)
    return [one for one in recent[first + 1 :] if not same(one.value, field.after, definition)]
