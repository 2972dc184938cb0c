"""Which properties to declare: those that were named, or those that people keep in HubSpot."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconcile.errors import UsageError
from reconcile.hubspot.client import HubSpot
from reconcile.model.definitions import Property
from reconcile.model.kinds import Kind
from reconcile.model.manage import Manage
from reconcile.model.suggestions import Suggestions
from reconcile.model.values import show

SAMPLE = 250
"""Records whose history is read to find out who writes a property."""

SHARE = 0.05
"""A property that integrations wrote last on a larger share of records is left to them."""

_INTEGRATION = "INTEGRATION"
_LISTED = 8


@dataclass(frozen=True, slots=True)
class WrittenByOthers:
    """A property that integrations wrote last on ``number`` of ``looked_at`` records."""

    name: str
    number: int
    looked_at: int


def require_writable(
    names: Sequence[str],
    kind: Kind,
    known: Mapping[str, Property],
    *,
    key: str,
    manage: Manage,
    option: str,
) -> None:
    """Raise UsageError for properties that no manifest can declare: all that ``option`` named."""
    nearest = Suggestions().nearest
    faults = []
    for name in names:
        if name not in known:
            faults.append(f"{kind.plural} have no property {show(name)}{nearest(name, known)}")
        elif name == key:
            faults.append(f"{name} holds the key, which every document has")
        elif known[name].read_only or name in kind.computed:
            faults.append(f"{name} cannot be written")
        elif not manage.allows(kind.name, name):
            faults.append(f"{name} of {kind.plural} is not listed under `manage:`")
    if faults:
        more = f"; and {len(faults) - _LISTED:,} more" if len(faults) > _LISTED else ""
        raise UsageError("; ".join(faults[:_LISTED]) + more, hint=f"name others with {option}")


def candidates(kind: Kind, known: Mapping[str, Property], *, key: str, manage: Manage) -> list[str]:
    """Return the properties to declare unless some are named: no personal ones."""
    return sorted(set(_writable(kind, known, manage)) - {key, *personal(kind, known, manage)})


def personal(kind: Kind, known: Mapping[str, Property], manage: Manage) -> list[str]:
    """Return the properties that are declared only if they are named: people's data."""
    return sorted(
        name
        for name in _writable(kind, known, manage)
        if known[name].personal or kind.is_personal(name)
    )


def _writable(kind: Kind, known: Mapping[str, Property], manage: Manage) -> Iterator[str]:
    for name, one in known.items():
        if not one.read_only and name not in kind.computed and manage.allows(kind.name, name):
            yield name


def written_by_integrations(
    hubspot: HubSpot, kind: Kind, ids: Sequence[str], names: Collection[str]
) -> list[WrittenByOthers]:
    """Return the properties that integrations keep writing, from a sample of records."""
    sample = ids[:SAMPLE]
    wrote: Counter[str] = Counter()
    for versions in hubspot.records.histories(kind.object, sample, sorted(names)).values():
        for name, history in versions.items():
            if history and history[0].value and history[0].source == _INTEGRATION:
                wrote[name] += 1
    return [
        WrittenByOthers(name, number, len(sample))
        for name, number in sorted(wrote.items())
        if number > SHARE * len(sample)
    ]
