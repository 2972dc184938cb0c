"""What was last applied, record by record: ids and keyed hashes, no order data.

One small head says whose state it is; the entries lie in 256 shards by the unit's key, so that
planning a few units, or a long sorted stream of them, never loads all.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from reconcile.errors import UsageError
from reconcile.model.address import Address, fold
from reconcile.model.audit import Head
from reconcile.model.batches import shard_of
from reconcile.model.digest import Hasher
from reconcile.model.records import NO_HASHES, LastApplied, Link, ValueHashes
from reconcile.state.head import HeadFile, moved_away
from reconcile.state.shards import Shard, Shards
from reconcile.stores.contract import Store

_CHECK = "reconcile"


class State:
    """The state of one target. Reads as it goes; ``flush`` writes what ``put`` changed.

    ``keyed`` is False when the state was made with another hash key: its ids and the names of its
    properties still count, its hashes do not, and reasons are ``unknown`` until the next apply.
    """

    def __init__(self, store: Store, key: bytes, *, moved: bool = False) -> None:
        """Read the head. ``moved`` allows one that says that the state lives elsewhere now."""
        self._hasher = Hasher(key)
        self._file = HeadFile(store)
        self._head = self._file.content
        self._shards = Shards(store, self._file)
        self.keyed = not self._head.lineage or self._head.key == self._check()
        if not moved:
            self._require_here(store)

    @property
    def lineage(self) -> str:
        """The state's own identity: another state of the same account has another."""
        return self._head.lineage

    @property
    def serial(self) -> int:
        """How often the state was written."""
        return self._head.serial

    @property
    def portal_id(self) -> int | None:
        """The account the state belongs to."""
        return self._head.portal_id

    @property
    def hasher(self) -> Hasher:
        """Makes the hashes that the entries are compared with."""
        return self._hasher

    def linked(self) -> frozenset[tuple[str, str]]:
        """The (kind, associated object) pairs of which we made an association at some time."""
        return frozenset(self._head.linked)

    def unit(self, unit: Address) -> Mapping[Address, LastApplied]:
        """What was last applied to one unit's records, by folded address."""
        raw = self._shard(unit).units.get(_name(unit), {})
        return {Address.parse(name): self._decode(name, entry) for name, entry in raw.items()}

    def entries(self) -> Iterator[tuple[Address, Address, LastApplied]]:
        """Every record the state manages: folded unit, folded address, entry; a shard at a time."""
        for name in self._shards.names():
            found = [
                (Address.parse(unit), Address.parse(record), self._decode(record, entry))
                for unit, records in self._shards.get(name).units.items()
                for record, entry in records.items()
            ]
            self.release()
            yield from found

    def find(self, address: Address) -> LastApplied | None:
        """A record's entry, whichever unit it lies under. Goes through the whole state."""
        folded = address.folded()
        return next((entry for _, found, entry in self.entries() if found == folded), None)

    def put(self, unit: Address, address: Address, entry: LastApplied) -> None:
        """Remember one record."""
        shard = self._shard(unit)
        shard.units.setdefault(_name(unit), {})[_name(address)] = _encode(entry)
        shard.dirty = True
        pairs = {(address.kind, link.to) for link in entry.links} - self.linked()
        if pairs:
            self._head.linked = tuple(sorted(self.linked() | pairs))

    def drop(self, unit: Address, address: Address) -> bool:
        """Forget one record; whether there was anything to forget."""
        shard = self._shard(unit)
        records = shard.units.get(_name(unit), {})
        if records.pop(_name(address), None) is None:
            return False
        if not records:
            del shard.units[_name(unit)]
            shard.standing.pop(_name(unit), None)
        shard.dirty = True
        return True

    def stood(self, unit: Address, manifest: str) -> Mapping[Address, str]:
        """Return what stood when the last run that applied this manifest text of a unit ended.

        ``manifest`` is the text's digest; the answer is by folded address, and empty where the last
        run applied another text.
        """
        raw = self._shard(unit).standing.get(_name(unit))
        if raw is None or raw["manifest"] != self._hasher.value_hash("manifest", manifest):
            return {}
        return {Address.parse(name): str(what) for name, what in raw["records"].items()}

    def has_standing(self, unit: Address) -> bool:
        """Whether something stood in a unit's way when the last run that applied it ended."""
        return _name(unit) in self._shard(unit).standing

    def put_standing(self, unit: Address, manifest: str, records: Mapping[Address, str]) -> None:
        """Remember what stands in the way of a unit's manifest text; nothing if nothing does.

        Of the text only a keyed hash is kept: its digest alone would let values be guessed.
        """
        shard = self._shard(unit)
        if records:
            shard.standing[_name(unit)] = {
                "manifest": self._hasher.value_hash("manifest", manifest),
                "records": {_name(address): what for address, what in records.items()},
            }
        elif shard.standing.pop(_name(unit), None) is None:
            return
        shard.dirty = True

    @property
    def has_entries(self) -> bool:
        """Whether entries were ever written; they may have been dropped since."""
        return any(self._head.shards.values())

    @property
    def moved(self) -> bool:
        """Whether the state lives elsewhere now."""
        return bool(self._head.moved)

    @property
    def audit(self) -> Head | None:
        """How far the audit log went when the state was last written; None where it had none."""
        found = self._head.audit
        return Head(*found) if found else None

    @audit.setter
    def audit(self, head: Head) -> None:
        self._head.audit = (head.number, head.hash)

    @property
    def applied(self) -> int:
        """The serial of the list of applied plans; an older list is not the one that belongs here.

        Set it when the list is written; the next write of the head keeps it.
        """
        return self._head.applied

    @applied.setter
    def applied(self, serial: int) -> None:
        self._head.applied = serial

    def moved_on(self) -> bool:
        """Take in how often the state was written by now; whether it was since the last look.

        For readers without the lock, which may read while a run writes.
        """
        return self._file.moved_on()

    def begin(self, portal_id: int) -> None:
        """Make the state this account's own, durably, before the first write of a run.

        Raises UsageError where a shard is missing: a run that comes upon it later is half done.
        """
        self._shards.require_all()
        self._head.lineage = self._head.lineage or str(uuid4())
        self._head.portal_id = portal_id
        if not self.keyed:
            # Durably before the head names the new key: hashes made with the former one would
            # otherwise be compared, and every value look as if somebody had changed it.
            self._forget_hashes()
            self._shards.write()
            self.keyed = True
        self._head.key = self._check()
        self._file.write()

    def flush(self) -> None:
        """Write the shards that changed, then the head, whose serial counts the writes."""
        self._shards.write()
        self._file.write()

    def release(self) -> None:
        """Let go of loaded shards that hold no unwritten change."""
        self._shards.release()

    def _require_here(self, store: Store) -> None:
        """Raise UsageError for a state that was moved away, or that has not arrived as a whole."""
        if self._head.moved:
            raise moved_away(store, self._head.moved)
        if self._head.arriving:
            raise UsageError(
                f"the state in {store.where} is not whole: moving it there from "
                f"{self._head.arriving} was interrupted",
                hint="run the `reconcile state push` or `state pull` that moved it again; where "
                "reconcile.yaml names this store by now, run `reconcile state pull URL` with the "
                "URL of the store it comes from (`file:` for the folder of the target)",
            )

    def _check(self) -> str:
        return self._hasher.value_hash("key", _CHECK)

    def _shard(self, unit: Address) -> Shard:
        return self._shards.get(shard_of(unit))

    def _forget_hashes(self) -> None:
        for name in self._shards.names():
            shard = self._shards.get(name)
            for records in shard.units.values():
                for entry in records.values():
                    entry["whole"], entry["marks"] = "", dict.fromkeys(entry["marks"], "")
            shard.dirty = True

    def _decode(self, name: str, entry: Mapping[str, Any]) -> LastApplied:
        marks = {
            name: ValueHashes(*(pair if isinstance(pair, list) else (pair, pair)))
            if self.keyed
            else NO_HASHES
            for name, pair in entry["marks"].items()
        }
        return LastApplied(
            id=entry["id"],
            key=entry.get("key") or Address.parse(name).key,
            value_hashes=MappingProxyType(marks),
            fingerprint=entry["whole"] if self.keyed else "",
            links=frozenset(Link(*link) for link in entry.get("links", ())),
            parent=Address.parse(entry["parent"]) if entry.get("parent") else None,
            protect=entry.get("protect", False),
            run=entry.get("run", ""),
        )


def _encode(entry: LastApplied) -> dict[str, Any]:
    marks = {
        name: mark.written if mark.written == mark.read else list(mark)
        for name, mark in entry.value_hashes.items()
    }
    raw: dict[str, Any] = {"id": entry.id, "whole": entry.fingerprint, "marks": marks}
    if entry.key != fold(entry.key):
        raw["key"] = entry.key
    if entry.links:
        raw["links"] = [list(link) for link in sorted(entry.links)]
    if entry.parent:
        raw["parent"] = str(entry.parent)
    if entry.protect:
        raw["protect"] = True
    if entry.run:
        raw["run"] = entry.run
    return raw


def _name(address: Address) -> str:
    return str(address.folded())
