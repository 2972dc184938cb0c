"""Selectors: ``order/SHOP-5*``, ``cart``, ``changed:REF``. Pure."""

import fnmatch
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from types import MappingProxyType
from typing import NamedTuple

from reconcile.errors import UsageError
from reconcile.model.address import Address
from reconcile.model.kinds import kinds
from reconcile.model.values import nearest, show

CHANGED = "changed:"
"""Begins the selector of the units whose declaration differs from that of a commit."""

Names = Mapping[Address, Collection[Address]]
"""Folded addresses of units, each with the addresses of all its records."""

_WILD = re.compile(r"(?<!\\)[*?]")
_LITERAL = re.compile(r"\\([*?])")
"""A star or question mark of a key, behind a backslash."""

_HINT = (
    "select by address, as in 'order/SHOP-5*', by kind, as in cart, or by what changed in git, as "
    "in changed:origin/main"
)


@dataclass(frozen=True)
class NameSelector:
    """The units that have a record with an address like ``glob``, as ``text`` was typed.

    ``*`` stands for any text, ``?`` for one character, and either for itself behind a backslash.
    Case is ignored, as it is between keys.
    """

    text: str
    glob: str

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        kind, _, key = self.glob.partition("/")
        folded = str(Address(kind, key).folded())
        # Keys may contain brackets, so they are no wildcards here.
        glob = _LITERAL.sub(r"[\1]", folded.replace("[", "[[]"))
        return re.compile(fnmatch.translate(glob))

    @property
    def is_exact(self) -> bool:
        """Whether it names a single record."""
        return not _WILD.search(self.glob)

    def matches(self, unit: Address, records: Collection[Address]) -> bool:
        """Return whether a unit has such an address, or one of its records has."""
        return any(map(self.names, (unit, *records)))

    def names(self, address: Address) -> bool:
        """Return whether an address is like ``glob``."""
        return self._pattern.match(str(address.folded())) is not None

    def no_match(self, names: Names) -> UsageError:
        """Return the error for a selector that matches none of the names."""
        known = map(str, chain.from_iterable(names.values()))
        near = nearest(_WILD.sub("", self.glob), known)
        return UsageError(f"{show(self.text)} matches no record{near}", hint=_HINT)


class Changes(NamedTuple):
    """What a commit declares otherwise; see ``UnitSelector``."""

    units: frozenset[Address]
    same: frozenset[Address] | None = None


@dataclass(frozen=True, slots=True)
class UnitSelector:
    """These units, by folded address: those whose declaration differs from that of a commit.

    ``same`` are those of which it does not, where the commit could not be read completely. Then it
    matches all others: they may have changed, also those that nothing declares any more.
    """

    text: str
    units: frozenset[Address]
    same: frozenset[Address] | None = None

    def matches(self, unit: Address, _: Collection[Address]) -> bool:
        """Return whether a unit is one of these, or may be."""
        return unit in self.units or (self.same is not None and unit not in self.same)


Selector = NameSelector | UnitSelector


@dataclass(frozen=True, slots=True)
class Selection:
    """The units that a selector of ``select`` matches, or all without any, but not ``exclude``'s.

    ``notes`` say what could not be compared.
    """

    select: tuple[Selector, ...] = ()
    exclude: tuple[Selector, ...] = ()
    notes: tuple[str, ...] = ()

    def of(self, names: Names, tied: Names = MappingProxyType({})) -> frozenset[Address]:
        """Return the units that are selected, or left out, together with those ``tied`` to them.

        Raise UsageError for a selector that matches nothing, and if nothing is left. That nothing
        has changed since a commit is an answer, though, and so is that no unit matches a wildcard
        of ``exclude``: a scheduled job may rule out what is not there yet.
        """
        for one in (*self.select, *self.exclude):
            if isinstance(one, NameSelector) and (one in self.select or one.is_exact):
                _require_match(one, names)
        chosen = _matched(self.select, names) if self.select else names.keys()
        found = _together(chosen, tied) - _together(_matched(self.exclude, names), tied)
        selectors = (*self.select, *self.exclude)
        if names and not found and all(isinstance(one, NameSelector) for one in selectors):
            raise UsageError(
                "nothing is selected: --exclude leaves out everything",
                hint="leave out fewer, or select others with --select",
            )
        return found


def parse(text: str, changed: Callable[[str], Changes]) -> Selector:
    """Return the selector that a text is; ``changed`` returns what differs from a commit.

    Raise UsageError if it is not a selector.
    """
    if text.startswith(CHANGED):
        return UnitSelector(text, *changed(text.removeprefix(CHANGED)))
    kind, slash, key = text.partition("/")
    if kind not in kinds():
        raise UsageError(f"{show(kind)} is not a kind{nearest(kind, kinds())}", hint=_HINT)
    if slash and not key:
        raise UsageError(f"{show(text)} is not an address", hint=_HINT)
    return NameSelector(text, text if slash else f"{kind}/*")


def _matched(selectors: Collection[Selector], names: Names) -> frozenset[Address]:
    """Return the units that any of the selectors matches."""
    return frozenset(
        unit
        for unit, records in names.items()
        if any(one.matches(unit, records) for one in selectors)
    )


def _together(units: Collection[Address], tied: Names) -> frozenset[Address]:
    """Return units with those tied to them, directly or through others."""
    found, waiting = set(units), list(units)
    while waiting:
        more = set(tied.get(waiting.pop(), ())) - found
        found |= more
        waiting += more
    return frozenset(found)


def _require_match(one: NameSelector, names: Names) -> None:
    if not any(one.matches(unit, records) for unit, records in names.items()):
        raise one.no_match(names)
