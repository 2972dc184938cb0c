"""After writing: what does HubSpot hold now, and what shall the state remember?

Write responses prove nothing: values are echoed that a fresh read does not show (reference §6).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from reconcile.hubspot.client import HubSpot
from reconcile.model.definitions import Definitions
from reconcile.model.digest import Hasher
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind
from reconcile.model.outcome import Rewrite
from reconcile.model.plan import RecordChange
from reconcile.model.records import Actual, LastApplied, Link, Marks
from reconcile.model.values import normalise, same

_ROUNDING = Decimal("0.001")
"""The largest share of a number that rounding by a property's rule is believed to move it."""

WAITS = (0.0, 0.5, 1.0, 2.0)
"""Seconds before each reading. Reads right after a write may be stale (reference §13)."""


@dataclass(frozen=True, slots=True)
class Done:
    """A change that HubSpot says it carried out, with the links the record now has of ours."""

    change: RecordChange
    id: str
    links: tuple[Link, ...]
    previous: LastApplied | None


@dataclass(frozen=True, slots=True)
class Verified:
    """``entry`` is None where HubSpot does not show the record.

    ``rewrites`` are values that HubSpot spells its own way; ``untaken`` names properties that hold
    something else than was sent, and not by way of spelling.
    """

    entry: LastApplied | None
    rewrites: tuple[Rewrite, ...] = ()
    untaken: tuple[str, ...] = ()


class Verifier:
    """Reads records back and makes the state's entries of them."""

    def __init__(
        self,
        hubspot: HubSpot,
        identities: Mapping[str, Identity],
        definitions: Definitions,
        hasher: Hasher,
        *,
        run: str,
        sleep: Callable[[float], None],
    ) -> None:
        self._hubspot = hubspot
        self._identities = identities
        self._definitions = definitions
        self._hasher = hasher
        self._run = run
        self._sleep = sleep

    def verify(self, kind: Kind, done: Sequence[Done]) -> list[Verified]:
        """One answer for each, in order. What differs is read again after each of ``WAITS``."""
        sent = {item.id: self.managed(kind, item.change) for item in done}
        names = sorted({name for values in sent.values() for name in values})
        written = {item.id: {field.name for field in item.change.fields} for item in done}
        seen: dict[str, Actual] = {}
        left = list(sent)
        for wait in WAITS:
            if not left:
                break
            self._sleep(wait)
            seen |= self._hubspot.read(kind.object, left, names)
            left = [i for i in left if not self._settled(kind, seen.get(i), sent[i], written[i])]
        return [self._verified(kind, item, seen.get(item.id), sent[item.id]) for item in done]

    def managed(self, kind: Kind, change: RecordChange) -> dict[str, str]:
        """The values that stay managed after a change, as written."""
        identity = self._identities[kind.name]
        set_once = {*change.ignore, *((identity.name,) if identity.unique else ())}
        written = {field.name: field.after for field in change.fields}
        return {
            name: value
            for name, value in (written | dict(change.keep)).items()
            if name not in set_once
        }

    def _settled(
        self, kind: Kind, actual: Actual | None, sent: Mapping[str, str], written: set[str]
    ) -> bool:
        definitions = self._definitions.properties[kind.name]
        return actual is not None and all(
            same(actual.properties.get(name), value, definitions[name])
            for name, value in sent.items()
            if name in written
        )

    def _verified(
        self, kind: Kind, item: Done, actual: Actual | None, sent: Mapping[str, str]
    ) -> Verified:
        if actual is None:
            return Verified(None)
        definitions = self._definitions.properties[kind.name]
        written = {field.name for field in item.change.fields}
        marks: dict[str, Marks] = {}
        rewrites: list[Rewrite] = []
        untaken: list[str] = []
        for name, value in sorted(sent.items()):
            stored = actual.properties.get(name) or ""
            definition = definitions[name]
            ours = self._hasher.mark(name, normalise(value, definition))
            theirs = self._hasher.mark(name, normalise(stored, definition))
            if name in written and ours != theirs and spells(value, stored):
                personal = kind.is_personal(name) or definition.personal
                rewrites.append(Rewrite(name, value, stored, personal=personal))
            elif ours != theirs and not _known_rewrite(item.previous, name, theirs):
                # Dropped by HubSpot, not shown yet, or edited by somebody: the next plan must show
                # the difference, so what was read is not taken for HubSpot's spelling of ours.
                theirs = ours
                if name in written:
                    untaken.append(name)
            marks[name] = Marks(ours, theirs)
        entry = LastApplied(
            id=actual.id,
            key=item.change.address.key,
            marks=marks,
            whole=self._hasher.whole(sent, definitions),
            links=frozenset(item.links),
            parent=item.change.parent,
            protect=item.change.protect,
            run=self._run,
        )
        return Verified(entry, tuple(rewrites), tuple(untaken))


def spells(sent: str, stored: str) -> bool:
    """Whether a stored text can be HubSpot's spelling of the sent one.

    Properties can have rules that change case, white space and punctuation, or round numbers
    (reference §12). Anything beyond that is another value.
    """
    if not stored:
        return False
    if _bare(sent) == _bare(stored) != "":
        return True
    try:
        return abs(Decimal(sent) - Decimal(stored)) <= abs(Decimal(sent)) * _ROUNDING
    except InvalidOperation:
        return False


def _bare(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _known_rewrite(previous: LastApplied | None, name: str, theirs: str) -> bool:
    marks = previous.marks.get(name) if previous else None
    return marks is not None and marks.read == theirs
