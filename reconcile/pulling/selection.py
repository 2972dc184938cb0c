"""Which records to pull: all of a kind, those with some ids, or those with a value."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from reconcile.errors import UsageError
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.record_searches import WINDOW
from reconcile.hubspot.routes import query_parts
from reconcile.model.address import fold
from reconcile.model.kinds import Kind
from reconcile.model.records import Actual
from reconcile.model.values import show

_Item = TypeVar("_Item")

CHUNK = 1000
"""Records that are read and written at a time."""


@dataclass(frozen=True, slots=True)
class Selection:
    """All records, or those with these ``ids``, or those whose property ``name`` has a ``value``.

    Without ids and name it is all of them.
    """

    ids: tuple[str, ...] | None = None
    name: str = ""
    value: str = ""

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
                wanted = fold(self.value)
                there = [
                    one for one in there if fold(one.properties.get(self.name) or "") == wanted
                ]
            yield there

    def _ids(self, hubspot: HubSpot, kind: Kind) -> Iterator[str]:
        if self.ids is not None:
            yield from dict.fromkeys(self.ids)
        elif not self.name:
            yield from (one.id for page in hubspot.records.pages(kind.object, []) for one in page)
        else:
            found = hubspot.searches.with_values(kind.object, self.name, [self.value])
            if len(found) >= WINDOW:
                raise UsageError(
                    f"more than {WINDOW:,} {kind.plural} have {self.name} {show(self.value)}, "
                    "and HubSpot's search shows no more",
                    hint="pull them with --all, or by --ids FILE",
                )
            yield from found


def _chunks(items: Iterator[_Item]) -> Iterator[list[_Item]]:
    chunk: list[_Item] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
