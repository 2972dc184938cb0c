"""Make the state's entries for records that a change was applied to. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from reconcile.applying.readback import Verified
from reconcile.applying.rewrites import Fate, History, Verdict, is_initial_value, judge
from reconcile.model.address import fold
from reconcile.model.definitions import Definitions
from reconcile.model.digest import Hasher
from reconcile.model.identity import Identity
from reconcile.model.plan import Effect, FieldChange, Refresh
from reconcile.model.records import NO_HASHES, Actual, LastApplied, Link, ValueHashes
from reconcile.model.values import normalise, same

_NO_HISTORY: History = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class AppliedChange:
    """A change that was applied.

    ``links`` are our associations that the record has now, and ``parent_id`` is the record that a
    line item is under, empty if it is not shown under it; ``leaving`` are former parents that it
    has still to leave; ``previous`` is the state's entry from before.
    """

    change: Effect
    refresh: Refresh
    id: str
    links: frozenset[Link]
    previous: LastApplied | None
    parent_id: str = ""
    leaving: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Entries:
    """Makes the state's entries; ``run`` is the run that they name."""

    identities: Mapping[str, Identity]
    definitions: Definitions
    hasher: Hasher
    run: str = ""

    def managed(self, change: Effect, refresh: Refresh) -> dict[str, str]:
        """Return the values that stay managed after a change, as written, by property."""
        written = {field.name: field.after for field in change.fields}
        set_once = self._set_once(change)
        return {
            name: value
            for name, value in (written | dict(refresh.keep)).items()
            if name not in set_once
        }

    def _set_once(self, change: Effect) -> frozenset[str]:
        """Return the properties that are never compared again."""
        return frozenset((*change.ignore, self.identities[change.address.kind].key_property))

    def mismatches(self, change: Effect, actual: Actual) -> list[str]:
        """Return the properties that the change wrote and that read back differently."""
        definitions = self.definitions.properties.get(change.address.kind, {})
        set_once = self._set_once(change)
        found = [
            field.name
            for field in change.fields
            if field.name not in set_once
            and (definition := definitions.get(field.name)) is not None
            and not same(actual.properties.get(field.name), field.after, definition)
        ]
        if not self.shows_key(change, actual):
            found.append(self.identities[change.address.kind].name)
        return found

    def shows_key(self, change: Effect, actual: Actual) -> bool:
        """Return whether an existing record has the key that the change wrote to it, if any."""
        identity = self.identities[change.address.kind]
        key = identity.key_property
        if not (change.id and any(field.name == key for field in change.fields)):
            return True
        return fold(actual.properties.get(key) or "") == fold(change.address.key)

    def carried_out(self, change: Effect, actual: Actual, history: History = _NO_HISTORY) -> bool:
        """Return whether an in-doubt write took effect.

        HubSpot writes a record's properties all at once, so one value that only this change can
        have written is proof, even if only history shows it. A change that writes nothing always
        took effect. A created record that was found by a value that is not unique must have every
        other value too.
        """
        definitions = self.definitions.properties[change.address.kind]
        identity = self.identities[change.address.kind]
        set_once = self._set_once(change)
        proof = [
            self._judged(change, field, actual, history).written
            for field in change.fields
            if not same(field.before, field.after, definitions[field.name])
            # Another record may have the key too.
            and (field.name not in set_once or (change.id and field.name == identity.name))
        ]
        shared = bool(identity.sibling_property) and not change.id
        return (all(proof) if shared else any(proof)) or not proof

    def matches_initial_values(self, change: Effect, history: History) -> bool:
        """Return whether the record's first values are the ones that this create sent."""
        definitions = self.definitions.properties[change.address.kind]
        return all(
            is_initial_value(field.after, history.get(field.name, ()), definitions[field.name])
            for field in change.fields
        )

    def verified(
        self, done: AppliedChange, actual: Actual | None, history: History = _NO_HISTORY
    ) -> Verified:
        """Return the new entry of a record and what became of its values.

        ``actual`` is the record as read after the write, None if it was not found. ``history`` has
        the properties among ``mismatches``, as far as HubSpot shows it.
        """
        if actual is None:
            return Verified(self._entry(done, self._unshown(done), fingerprint=""), seen=False)
        change, key = done.change, self.identities[done.change.address.kind].name
        definitions = self.definitions.properties[change.address.kind]
        sent = self.managed(change, done.refresh)
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
        entry = replace(entry, accepted=_still_accepted(done, hashes))
        return Verified(entry, tuple(verdicts[name] for name in sorted(verdicts)), lost)

    def _unshown(self, done: AppliedChange) -> dict[str, ValueHashes]:
        """Return the hashes of a record that no read shows: as before for what was not written."""
        written = {field.name for field in done.change.fields}
        previous = done.previous
        before = previous.value_hashes if previous and previous.id == done.id else {}
        return {
            name: NO_HASHES if name in written else before.get(name, NO_HASHES)
            for name in sorted(self.managed(done.change, done.refresh))
        }

    def _judged(
        self, change: Effect, field: FieldChange, actual: Actual, history: History
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
        self, done: AppliedChange, hashes: Mapping[str, ValueHashes], *, fingerprint: str
    ) -> LastApplied:
        has_moved = bool(done.parent_id) or not done.leaving or done.previous is None
        before = None if has_moved else done.previous
        return LastApplied(
            id=done.id,
            key=done.change.address.key,
            value_hashes=hashes,
            fingerprint=fingerprint,
            links=done.links,
            parent=before.parent if before else done.change.parent,
            parent_id=before.parent_id if before else done.parent_id,
            leaving=before.leaving if before else done.leaving,
            protect=done.change.protect,
            run=self.run,
        )


def removed_links(change: Effect) -> frozenset[Link]:
    """Return the associations that a change removes."""
    return frozenset(
        Link(link.to, link.id, number, category)
        for link in change.links
        if not link.add
        for category, number in link.types
    )


def _still_accepted(
    done: AppliedChange, hashes: Mapping[str, ValueHashes]
) -> dict[str, tuple[str, ...]]:
    """Return the accepted values that the manifest of a change did not have.

    That manifest may be of a branch without them. One that has an accepted value ends the
    acceptance of earlier ones too, and what was written instead that of all.
    """
    previous = done.previous
    accepted = previous.accepted if previous is not None and previous.id == done.id else {}
    written = {field.name for field in done.change.fields}
    kept = {
        name: _after(values, hashes[name].written)
        for name, values in accepted.items()
        if name in hashes and name not in written
    }
    return {name: values for name, values in kept.items() if values}


def _after(values: tuple[str, ...], value: str) -> tuple[str, ...]:
    """Return the values after one of them, or all if it is not among them."""
    return values[values.index(value) + 1 :] if value in values else values


def _left_alone(previous: LastApplied | None, name: str, ours: str) -> ValueHashes:
    """Return the hashes of a value that was not written now and reads back differently.

    The stored value from when it was written stays remembered, so that an edit shows as drift.
    """
    hashes = previous.value_hashes.get(name) if previous else None
    return hashes if hashes is not None and hashes.written == ours else ValueHashes(ours, ours)
