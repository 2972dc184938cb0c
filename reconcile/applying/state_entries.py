"""What shall the state remember of a record that a change was carried out on? No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from reconcile.applying.readback import Verified
from reconcile.applying.rewrites import Fate, History, Verdict, began_as, judge
from reconcile.model.address import fold
from reconcile.model.definitions import Definitions
from reconcile.model.digest import Hasher
from reconcile.model.identity import Identity
from reconcile.model.plan import FieldChange, RecordChange
from reconcile.model.records import Actual, LastApplied, Link, ValueHashes
from reconcile.model.values import normalise, same

_NO_HISTORY: History = MappingProxyType({})


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

    def unlike(self, change: RecordChange, actual: Actual) -> list[str]:
        """Return the properties that the change wrote and that read back as something else."""
        definitions = self.definitions.properties.get(change.address.kind, {})
        sent = self.managed(change)
        found = [
            field.name
            for field in change.fields
            if field.name in sent
            and (definition := definitions.get(field.name)) is not None
            and not same(actual.properties.get(field.name), field.after, definition)
        ]
        if not self.shows_key(change, actual):
            found.append(self.identities[change.address.kind].name)
        return found

    def shows_key(self, change: RecordChange, actual: Actual) -> bool:
        """Whether a record that exists carries the key that the change wrote onto it, if any."""
        identity = self.identities[change.address.kind]
        wrote = change.id and any(field.name == identity.name for field in change.fields)
        if not (identity.unique and wrote):
            return True
        return fold(actual.properties.get(identity.name) or "") == fold(change.address.key)

    def carried_out(
        self, change: RecordChange, actual: Actual, history: History = _NO_HISTORY
    ) -> bool:
        """Return whether an in-doubt write took effect.

        HubSpot writes a record's properties all at once, so one value that only the change can
        have brought is proof, also where history alone shows it. A change that writes nothing has
        nothing to carry out. A new record that was found by a value which others may have as well
        must have every other one too.
        """
        definitions = self.definitions.properties[change.address.kind]
        identity = self.identities[change.address.kind]
        sent = self.managed(change)
        proof = [
            self._judged(change, field, actual, history).written
            for field in change.fields
            if not same(field.before, field.after, definitions[field.name])
            # A stranger's record may carry the key too.
            and (field.name in sent or (change.id and field.name == identity.name))
        ]
        shared = identity.within_parent and not change.id
        return (all(proof) if shared else any(proof)) or not proof

    def was_born_as(self, change: RecordChange, history: History) -> bool:
        """Return whether the record's first values are the ones that this create sent."""
        definitions = self.definitions.properties[change.address.kind]
        return all(
            began_as(field.after, history.get(field.name, ()), definitions[field.name])
            for field in change.fields
        )

    def verified(
        self, done: Done, actual: Actual | None, history: History = _NO_HISTORY
    ) -> Verified:
        """Return what to remember, given what HubSpot holds now.

        ``history`` has the properties that are ``unlike`` what was sent, as far as HubSpot shows
        it.
        """
        if actual is None:
            return Verified(self._entry(done, {}, fingerprint=""), seen=False)
        change, key = done.change, self.identities[done.change.address.kind].name
        definitions = self.definitions.properties[change.address.kind]
        sent = self.managed(change)
        lost = "" if self.shows_key(change, actual) else key
        verdicts = {
            field.name: (field, self._judged(change, field, actual, history))
            for field in change.fields
            if field.name in sent or field.name == lost
        }
        hashes: dict[str, ValueHashes] = {}
        for name, value in sorted(sent.items()):
            verdict = verdicts[name][1] if name in verdicts else None
            stored = verdict.now if verdict else actual.properties.get(name) or ""
            ours = self.hasher.value_hash(name, normalise(value, definitions[name]))
            theirs = self.hasher.value_hash(name, normalise(stored, definitions[name]))
            if verdict is None and ours != theirs:
                hashes[name] = _left_alone(done.previous, name, ours)
            elif verdict is not None and verdict.fate is Fate.EDITED:
                # HubSpot should hold ours: the next plan shows the edit as drift.
                hashes[name] = ValueHashes(ours, "")
            else:
                hashes[name] = ValueHashes(ours, theirs)
        entry = self._entry(done, hashes, fingerprint=self.hasher.fingerprint(sent, definitions))
        return Verified(entry, tuple(verdicts[name] for name in sorted(verdicts)), lost)

    def _judged(
        self, change: RecordChange, field: FieldChange, actual: Actual, history: History
    ) -> Verdict:
        return judge(
            field.after,
            actual.properties.get(field.name) or "",
            field.before,
            history.get(field.name, ()),
            self.definitions.properties[change.address.kind][field.name],
            created=not change.id,
        )

    def _entry(
        self, done: Done, hashes: Mapping[str, ValueHashes], *, fingerprint: str
    ) -> LastApplied:
        return LastApplied(
            id=done.id,
            key=done.change.address.key,
            value_hashes=hashes,
            fingerprint=fingerprint,
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


def _left_alone(previous: LastApplied | None, name: str, ours: str) -> ValueHashes:
    """The hashes of a value that was not written now and reads as another.

    What HubSpot made of it when it was written stays remembered, so that an edit shows as drift.
    """
    hashes = previous.value_hashes.get(name) if previous else None
    return hashes if hashes is not None and hashes.written == ours else ValueHashes(ours, ours)
