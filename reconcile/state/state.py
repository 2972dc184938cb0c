"""The state: what was last applied to each record, as ids and keyed hashes, without order data.

A small head names the account; the entries lie in 256 shards by the unit's key. So a few units need
few shards, and of a long sorted stream of units few shards are in memory parsed.
"""

from collections.abc import Iterator, Mapping
from secrets import token_bytes
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
    """The state of one target. Shards are read when needed; ``flush`` writes what ``put`` changed.

    ``key_matches`` is False when the state was made with another hash key. Its ids and the names
    of its properties are still valid, its hashes are not: reasons are ``unknown`` until the next
    apply.
    """

    def __init__(self, store: Store, key: bytes | None, *, allow_moved: bool = False) -> None:
        """Read the head. Raise UsageError for a state that was moved, unless ``allow_moved``.

        Without a ``key`` no hash equals one that was made before.
        """
        self.has_key = key is not None
        self._hasher = Hasher(token_bytes(32) if key is None else key)
        self._file = HeadFile(store)
        self._head = self._file.content
        self._shards = Shards(store, self._file)
        self.key_matches = not self._head.lineage or self._head.key == self._check()
        if not allow_moved:
            self._require_here(store)

    @property
    def lineage(self) -> str:
        """The state's unique id: another state of the same account has another one."""
        return self._head.lineage

    @property
    def serial(self) -> int:
        """How often the state was written."""
        return self._head.serial

    @property
    def portal_id(self) -> int | None:
        """The account that the state belongs to, or None before the first apply."""
        return self._head.portal_id

    @property
    def hasher(self) -> Hasher:
        """The hasher, with the state's key, that makes the entries' hashes."""
        return self._hasher

    def associated(self) -> frozenset[tuple[str, str]]:
        """Return the (kind, associated object) pairs of which an association was ever made."""
        return frozenset(self._head.associated)

    def unit(self, unit: Address) -> Mapping[Address, LastApplied]:
        """Return what was last applied to one unit's records, by folded address."""
        raw = self._shard(unit).units.get(_name(unit), {})
        return {Address.parse(name): self._decode(name, entry) for name, entry in raw.items()}

    def entries(self) -> Iterator[tuple[Address, Address, LastApplied]]:
        """Yield every managed record, a shard at a time: folded unit, folded address, entry."""
        for name in self._shards.names():
            found = [
                (Address.parse(unit), Address.parse(record), self._decode(record, entry))
                for unit, records in self._shards.get(name).units.items()
                for record, entry in records.items()
            ]
            self.release()
            yield from found

    def find(self, address: Address) -> LastApplied | None:
        """Return a record's entry under whichever unit, or None. Read the whole state."""
        folded = address.folded()
        return next((entry for _, found, entry in self.entries() if found == folded), None)

    def put(self, unit: Address, address: Address, entry: LastApplied) -> None:
        """Set one record's entry."""
        shard = self._shard(unit)
        shard.units.setdefault(_name(unit), {})[_name(address)] = _encode(entry)
        shard.dirty = True
        pairs = {(address.kind, link.to) for link in entry.links} - self.associated()
        if pairs:
            self._head.associated = tuple(sorted(self.associated() | pairs))

    def drop(self, unit: Address, address: Address) -> bool:
        """Remove one record's entry. Return whether there was one."""
        shard = self._shard(unit)
        records = shard.units.get(_name(unit), {})
        if records.pop(_name(address), None) is None:
            return False
        if not records:
            del shard.units[_name(unit)]
            shard.standing.pop(_name(unit), None)
        shard.dirty = True
        return True

    def standing(self, unit: Address, manifest: str) -> Mapping[Address, str]:
        """Return the conflicts that remained when the last run that applied this unit ended.

        ``manifest`` is the digest of the unit's manifest text; the result is by folded address, and
        empty where the last run applied another text.
        """
        raw = self._shard(unit).standing.get(_name(unit))
        if raw is None or raw["manifest"] != self._hasher.value_hash("manifest", manifest):
            return {}
        return {Address.parse(name): str(what) for name, what in raw["records"].items()}

    def has_standing(self, unit: Address) -> bool:
        """Return whether conflicts remained when the last run that applied a unit ended."""
        return _name(unit) in self._shard(unit).standing

    def put_standing(self, unit: Address, manifest: str, records: Mapping[Address, str]) -> None:
        """Set the remaining conflicts of a unit's manifest text; clear them where there are none.

        Only a keyed hash of the text's digest is kept: the digest would allow to guess values.
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
        """Whether the state was moved to another store."""
        return bool(self._head.moved_to)

    @property
    def audit(self) -> Head | None:
        """The audit log's last entry when the state was last written; None where there was none."""
        found = self._head.audit
        return Head(*found) if found else None

    @audit.setter
    def audit(self, head: Head) -> None:
        self._head.audit = (head.number, head.hash)

    @property
    def applied_serial(self) -> int:
        """The serial of the list of applied plans; a list with an older one is an old copy.

        To be set when the list is written; the next write of the head stores it.
        """
        return self._head.applied_plans

    @applied_serial.setter
    def applied_serial(self, serial: int) -> None:
        self._head.applied_plans = serial

    def reload_if_changed(self) -> bool:
        """Read the head again; return whether the state was written since the last time.

        For readers without the lock, which may read while a run writes.
        """
        return self._file.reload_if_changed()

    def begin(self, portal_id: int) -> None:
        """Bind the state to an account, durably, before the first write of a run.

        Raise UsageError where a shard is missing, rather than in the middle of the run.
        """
        self._shards.require_all()
        self._head.lineage = self._head.lineage or str(uuid4())
        self._head.portal_id = portal_id
        if not self.key_matches:
            # Durably before the head names the new key: otherwise hashes made with the former key
            # would be compared, and every value would look changed.
            self._forget_hashes()
            self._shards.write()
            self.key_matches = True
        self._head.key = self._check()
        self._file.write()

    def flush(self) -> None:
        """Write the shards that changed, then the head, whose serial counts the writes."""
        self._shards.write()
        self._file.write()

    def release(self) -> None:
        """Unload the shards without unwritten changes."""
        self._shards.release()

    def _require_here(self, store: Store) -> None:
        """Raise UsageError for a state that was moved, or of which a move here was interrupted."""
        if self._head.moved_to:
            raise moved_away(store, self._head.moved_to)
        if self._head.moving_from:
            raise UsageError(
                f"the state in {store.where} is incomplete: moving it there from "
                f"{self._head.moving_from} was interrupted",
                hint="run the same `reconcile state push` or `state pull` again; if reconcile.yaml "
                "already names this store, run `reconcile state pull URL` with the URL of the "
                "store it comes from (`file:` for the target's folder)",
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
                    entry["fingerprint"] = ""
                    entry["value_hashes"] = dict.fromkeys(entry["value_hashes"], "")
                    entry.pop("accepted", None)
            shard.dirty = True

    def _decode(self, name: str, entry: Mapping[str, Any]) -> LastApplied:
        marks = {
            name: ValueHashes(*(pair if isinstance(pair, list) else (pair, pair)))
            if self.key_matches
            else NO_HASHES
            for name, pair in entry["value_hashes"].items()
        }
        return LastApplied(
            id=entry["id"],
            key=entry.get("key") or Address.parse(name).key,
            value_hashes=MappingProxyType(marks),
            fingerprint=entry["fingerprint"] if self.key_matches else "",
            links=frozenset(Link(*link) for link in entry.get("links", ())),
            parent=Address.parse(entry["parent"]) if entry.get("parent") else None,
            parent_id=entry.get("parent_id", ""),
            leaving=frozenset((kind, id_) for kind, id_ in entry.get("leaving", ())),
            protect=entry.get("protect", False),
            run=entry.get("run", ""),
            accepted=MappingProxyType(
                {name: tuple(hashes) for name, hashes in entry.get("accepted", {}).items()}
                if self.key_matches
                else {}
            ),
        )


def _encode(entry: LastApplied) -> dict[str, Any]:
    marks = {
        name: mark.written if mark.written == mark.read else list(mark)
        for name, mark in entry.value_hashes.items()
    }
    raw: dict[str, Any] = {"id": entry.id, "fingerprint": entry.fingerprint, "value_hashes": marks}
    if entry.key != fold(entry.key):
        raw["key"] = entry.key
    if entry.links:
        raw["links"] = [list(link) for link in sorted(entry.links)]
    if entry.parent:
        raw["parent"] = str(entry.parent)
    if entry.parent_id:
        raw["parent_id"] = entry.parent_id
    if entry.leaving:
        raw["leaving"] = [list(one) for one in sorted(entry.leaving)]
    if entry.protect:
        raw["protect"] = True
    if entry.run:
        raw["run"] = entry.run
    if entry.accepted:
        raw["accepted"] = dict(entry.accepted)
    return raw


def _name(address: Address) -> str:
    return str(address.folded())
