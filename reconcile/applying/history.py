"""What a record's property history tells of a write: what it overwrote, and what came after it."""

from collections.abc import Sequence

from reconcile.applying.item import Item
from reconcile.applying.tools import Tools
from reconcile.errors import ApiError, Unreachable
from reconcile.model.outcome import Status
from reconcile.model.plan import FieldChange
from reconcile.model.values import same


def tell_overwritten(tools: Tools, item: Item, record_id: str) -> None:
    """Add to a conflict what stood in the record that was written over by mistake."""
    fields = [field for field in item.change.fields if not field.personal]
    definitions = tools.properties(item.kind)
    try:
        found = tools.hubspot.history(item.kind.object, record_id, [field.name for field in fields])
    except Unreachable:
        raise
    except ApiError:
        return  # The message says where to look.
    former = [
        f"{field.name} was {versions[1].value!r}"
        for field in fields
        if len(versions := found.get(field.name, ())) > 1
        and not same(versions[1].value, field.after, definitions[field.name])
    ]
    if former:
        item.message = f"{item.message}: {'; '.join(former)}"


def tell_untaken(tools: Tools, item: Item, names: Sequence[str]) -> None:
    """Give a written record its end where HubSpot holds something else than was sent.

    Where what was sent is among the former values, somebody changed it right after; where it is
    not, HubSpot did not take it. Without an answer nobody knows.
    """
    fields = [field for field in item.change.fields if field.name in names]
    try:
        found = tools.hubspot.history(item.kind.object, item.id, [field.name for field in fields])
    except ApiError as error:
        item.end(
            Status.UNKNOWN,
            f"HubSpot does not hold what was sent for {', '.join(names)}: it dropped the value, or "
            "somebody edited it; plan again to see",
        )
        if isinstance(error, Unreachable):
            raise
        return
    definitions = tools.properties(item.kind)
    edited: list[str] = []
    dropped: list[str] = []
    for field in fields:
        versions = found.get(field.name, ())
        definition = definitions[field.name]
        if any(same(version.value, field.after, definition) for version in versions[1:]):
            edited.append(_edited(field, versions[0].value, versions[0].source))
        elif not (versions and same(versions[0].value, field.after, definition)):
            dropped.append(field.name)
    if dropped:
        item.end(Status.FAILED, f"HubSpot did not take what was sent for {', '.join(dropped)}")
    if edited:
        item.end(Status.CONFLICT, f"written, and changed right after: {'; '.join(edited)}")


def _edited(field: FieldChange, now: str, source: str) -> str:
    by = f" by {source}" if source else ""
    return f"{field.name}{by}" if field.personal else f"{field.name} to {now!r}{by}"
