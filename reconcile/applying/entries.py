"""What shall the state remember of a record that a change was carried out on? No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from reconcile.model.address import fold
from reconcile.model.definitions import Definitions, Property
from reconcile.model.digest import Hasher
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind, kinds
from reconcile.model.outcome import Rewrite
from reconcile.model.plan import RecordChange
from reconcile.model.records import Actual, LastApplied, Link, Marks, Version
from reconcile.model.values import normalise, same

_ROUNDING = Decimal("0.001")
"""The largest share of a number that rounding by a property's rule is believed to move it."""


@dataclass(frozen=True, slots=True)
class Done:
    """A change that was carried out, with the links the record now has of ours.

    ``previous`` is what the state said before.
    """

    change: RecordChange
    id: str
    links: frozenset[Link]
    previous: LastApplied | None


@dataclass(frozen=True, slots=True)
class Verified:
    """What a record's reading shows.

    ``rewrites`` are values that HubSpot spells its own way; ``untaken`` names properties that hold
    something else than was sent, and not by way of spelling. ``seen`` is False where HubSpot does
    not show the record: then only its id is remembered.
    """

    entry: LastApplied
    rewrites: tuple[Rewrite, ...] = ()
    untaken: tuple[str, ...] = ()
    seen: bool = True


@dataclass(frozen=True, slots=True)
class Entries:
    """Makes the state's entries; ``run`` is the run that they are to name."""

    identities: Mapping[str, Identity]
    definitions: Definitions
    hasher: Hasher
    run: str = ""

    def managed(self, change: RecordChange) -> dict[str, str]:
        """The values that stay managed after a change, as written."""
        identity = self.identities[change.address.kind]
        set_once = {*change.ignore, *((identity.name,) if identity.unique else ())}
        written = {field.name: field.after for field in change.fields}
        return {
            name: value
            for name, value in (written | dict(change.keep)).items()
            if name not in set_once
        }

    def shows(self, change: RecordChange, actual: Actual) -> bool:
        """Whether a reading holds every value that the change wrote."""
        definitions = self.definitions.properties[change.address.kind]
        sent = self.managed(change)
        return self.shows_key(change, actual) and all(
            same(actual.properties.get(field.name), field.after, definitions[field.name])
            for field in change.fields
            if field.name in sent
        )

    def shows_key(self, change: RecordChange, actual: Actual) -> bool:
        """Whether a record that exists carries the key that the change wrote onto it, if any."""
        identity = self.identities[change.address.kind]
        wrote = change.id and any(field.name == identity.name for field in change.fields)
        if not (identity.unique and wrote):
            return True
        return fold(actual.properties.get(identity.name) or "") == fold(change.address.key)

    def carried_out(self, change: RecordChange, actual: Actual) -> bool:
        """Whether a change that was begun, and of which no answer is known, was carried out.

        HubSpot writes a record's properties all at once, so one value that only the change can
        have brought is proof. A change that writes nothing has nothing to carry out. A new record
        that was found by a value which others may have as well must have every other one too.
        """
        definitions = self.definitions.properties[change.address.kind]
        key = self.identities[change.address.kind].name
        shared = self.identities[change.address.kind].within_parent and not change.id
        told = [
            same(stored, field.after, definitions[field.name])
            or (shared and spells(field.after, stored or ""))
            for field in change.fields
            if not same(field.before, field.after, definitions[field.name])
            and (change.id or field.name != key)  # a stranger's record may carry the key too
            for stored in [actual.properties.get(field.name)]
        ]
        return (all(told) if shared else any(told)) or not told

    def was_born_as(self, change: RecordChange, history: Mapping[str, Sequence[Version]]) -> bool:
        """Whether a record began with every value that a change made its record with.

        ``history`` has the values of these properties, the latest first.
        """
        definitions = self.definitions.properties[change.address.kind]
        return all(
            same(first, field.after, definitions[field.name]) or spells(field.after, first)
            for field in change.fields
            for first in [history[field.name][-1].value if history.get(field.name) else ""]
        )

    def verified(self, done: Done, actual: Actual | None) -> Verified:
        """What to remember, given what HubSpot holds now."""
        if actual is None:
            return Verified(self._entry(done, {}, whole=""), seen=False)
        change, kind = done.change, kinds()[done.change.address.kind]
        definitions = self.definitions.properties[kind.name]
        sent = self.managed(change)
        written = {field.name for field in change.fields}
        marks: dict[str, Marks] = {}
        rewrites: list[Rewrite] = []
        untaken: list[str] = []
        for name, value in sorted(sent.items()):
            stored = actual.properties.get(name) or ""
            definition = definitions[name]
            ours = self.hasher.mark(name, normalise(value, definition))
            theirs = self.hasher.mark(name, normalise(stored, definition))
            if name in written and ours != theirs and spells(value, stored):
                rewrites.append(Rewrite(name, value, stored, _is_personal(kind, definition)))
            elif ours != theirs and not _known_rewrite(done.previous, name, ours, theirs):
                # Dropped by HubSpot, not shown yet, or edited by somebody: the next plan must show
                # the difference, so what was read is not taken for HubSpot's spelling of ours.
                theirs = "" if name in written else ours
                if name in written:
                    untaken.append(name)
            marks[name] = Marks(ours, theirs)
        if not self.shows_key(change, actual):
            untaken.append(self.identities[kind.name].name)
        entry = self._entry(done, marks, whole=self.hasher.whole(sent, definitions))
        return Verified(entry, tuple(rewrites), tuple(untaken))

    def _entry(self, done: Done, marks: Mapping[str, Marks], *, whole: str) -> LastApplied:
        return LastApplied(
            id=done.id,
            key=done.change.address.key,
            marks=marks,
            whole=whole,
            links=done.links,
            parent=done.change.parent,
            protect=done.change.protect,
            run=self.run,
        )


def to_remove(change: RecordChange) -> frozenset[Link]:
    """The associations that a change takes away."""
    return frozenset(
        Link(link.to, link.id, number, category)
        for link in change.links
        if not link.add
        for category, number in link.types
    )


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


def _is_personal(kind: Kind, definition: Property) -> bool:
    return kind.is_personal(definition.name) or definition.personal


def _known_rewrite(previous: LastApplied | None, name: str, ours: str, theirs: str) -> bool:
    """Whether HubSpot spelled this very value so before."""
    marks = previous.marks.get(name) if previous else None
    return marks == Marks(ours, theirs)
