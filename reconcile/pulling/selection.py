"""Which records to pull: all of a kind, those with some ids, or those with a value."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from reconcile.errors import UsageError
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.record_searches import WINDOW
from reconcile.hubspot.routes import query_parts
from reconcile.model.address import Address, fold
from reconcile.model.definitions import Definitions, Property
from reconcile.model.kinds import Kind
from reconcile.model.records import NOWHERE, Actual, Desired
from reconcile.model.values import fault, normalise, same, show
from reconcile.planning.wire_values import resolve_values

_Item = TypeVar("_Item")

CHUNK = 1000
"""Records that are read and written at a time."""


_TYPED = {"bool", "date", "datetime", "enumeration", "number"}
"""Types whose values are compared as such, and not as text."""


@dataclass(frozen=True, slots=True)
class Selection:
    """All records, or those with these ``ids``, or those whose property ``name`` has a ``value``.

    Without ids and name it is all of them. ``stored`` is the value as HubSpot stores it, and
    ``definition`` the property's; see ``as_stored``.
    """

    ids: tuple[str, ...] | None = None
    name: str = ""
    value: str = ""
    stored: str = ""
    definition: Property | None = None

    def as_stored(self, kind: Kind, definitions: Definitions) -> "Selection":
        """Return the same with the value as HubSpot stores it, from how a manifest may write it.

        The label of an option counts too. Raises UsageError for a value that no record can have.
        """
        if not self.name:
            return self
        definition = definitions.properties[kind.name][self.name]
        text = _without_labels(self.value, definition)
        wanted = Desired(Address(kind.name, self.name), {self.name: text}, NOWHERE)
        resolved, unresolved = resolve_values(wanted, kind, definitions, None)
        stored = resolved[self.name]
        names = kind.pipeline
        is_id = definition.owner or (names and self.name in names.together)
        why = unresolved.get(self.name) or ("" if is_id else fault(stored, definition))
        if why:
            why = why.removesuffix(f"; declare {names.pipeline} too" if names else "")
            hint = "write a label or address that only one has, or HubSpot's id" if is_id else ""
            raise UsageError(f"--where {self.name}: {why}", hint=hint)
        return replace(self, stored=stored, definition=definition)

    def _is_met_by(self, record: Actual) -> bool:
        value = record.properties.get(self.name) or ""
        if self.definition is None or self.definition.type not in _TYPED:
            return fold(value) == fold(self.stored)
        return same(value, self.stored, self.definition)

    def records(
        self,
        hubspot: HubSpot,
        kind: Kind,
        properties: Sequence[str],
        *,
        known: Callable[[str], bool],
    ) -> Iterator[list[Actual]]:
        """Yield the live records with these properties, at most ``CHUNK`` at a time.

        Those whose id is ``known`` are left out. Raises UsageError if a search would not show all.
        """
        if self.ids is None and not self.name and len(list(query_parts(properties))) == 1:
            yield from _chunks(
                one
                for page in hubspot.records.pages(kind.object, properties)
                for one in page
                if not known(one.id)
            )
            return
        ids = (one for one in self._ids(hubspot, kind) if not known(one))
        for some in _chunks(ids):
            found = hubspot.records.read(kind.object, some, properties)
            there = [found[one] for one in some if one in found]
            if self.name:  # the index may show a value that a record has no more
                there = [one for one in there if self._is_met_by(one)]
            yield there

    def _ids(self, hubspot: HubSpot, kind: Kind) -> Iterator[str]:
        if self.ids is not None:
            yield from dict.fromkeys(self.ids)
        elif not self.name:
            yield from (one.id for page in hubspot.records.pages(kind.object, []) for one in page)
        else:
            values = _searched(self.stored, self.definition)
            found = hubspot.searches.with_values(kind.object, self.name, values)
            if len(found) >= WINDOW:
                raise UsageError(
                    f"more than {WINDOW:,} {kind.plural} have {self.name} {show(self.value)}, "
                    "and HubSpot's search shows no more",
                    hint="pull them with --all, or by --ids FILE",
                )
            yield from found


def _without_labels(text: str, definition: Property) -> str:
    """Return a value with the options' internal names in place of labels that only one has."""
    labels = Counter(definition.options.values())
    names = {label: name for name, label in definition.options.items() if labels[label] == 1}
    parts = text.split(";") if definition.multiple else [text]
    return ";".join(one if one in definition.options else names.get(one, one) for one in parts)


def _searched(value: str, definition: Property | None) -> list[str]:
    """Return what to search for: all records with a value have one of these in their index."""
    if definition is None:
        return [value]
    stored = normalise(value, definition)
    if definition.type in {"date", "datetime"}:
        moment = datetime.fromisoformat(stored).replace(tzinfo=UTC)
        return [str(int(moment.timestamp() * 1000))]
    return stored.split(";") if definition.multiple else [stored]


def _chunks(items: Iterator[_Item]) -> Iterator[list[_Item]]:
    chunk: list[_Item] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
