"""Use property history to explain a value that is not what was written."""

from collections.abc import Mapping, Sequence

from reconcile.applying.item import Item
from reconcile.applying.tools import Tools
from reconcile.errors import ApiError, AuthError, RateLimited, Unreachable
from reconcile.model.outcome import Status
from reconcile.model.plan import FieldChange
from reconcile.model.records import Version
from reconcile.model.values import same


def tell_untaken(tools: Tools, item: Item, names: Sequence[str]) -> None:
    """Give a written record its end where HubSpot holds something else than was sent.

    Where what was sent is among the former values, somebody changed it right after. Where it is
    not, HubSpot dropped it, or shows it late: nobody can tell which.
    """
    fields = [field for field in item.change.fields if field.name in names]
    found = _read(tools, item, item.id, fields)
    definitions = tools.properties(item.kind)
    edited: list[str] = []
    unseen: list[str] = []
    for field in fields:
        versions = found.get(field.name, ())
        definition = definitions[field.name]
        if any(same(version.value, field.after, definition) for version in versions[1:]):
            edited.append(_edited(field, versions[0].value, versions[0].source))
        else:
            unseen.append(field.name)
    if unseen:
        item.end(*not_shown(unseen))
    if edited:
        item.end(Status.CONFLICT, f"written, and changed right after: {'; '.join(edited)}")


def not_shown(names: Sequence[str]) -> tuple[Status, str]:
    """The end of a record that does not show what was sent for some properties."""
    return Status.UNKNOWN, (
        f"HubSpot does not show what was sent for {', '.join(names)}: it dropped the value, or "
        "shows it late; plan again to see"
    )


def _read(
    tools: Tools, item: Item, record_id: str, fields: Sequence[FieldChange]
) -> Mapping[str, Sequence[Version]]:
    """The history, or nothing where HubSpot refuses to tell it: it only explains."""
    try:
        return tools.hubspot.history(item.kind.object, record_id, [field.name for field in fields])
    except (AuthError, RateLimited, Unreachable):
        raise
    except ApiError:
        return {}


def _edited(field: FieldChange, now: str, source: str) -> str:
    by = f" by {source}" if source else ""
    return f"{field.name}{by}" if field.personal else f"{field.name} to {now!r}{by}"
