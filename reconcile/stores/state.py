"""What was last applied, record by record: ids and keyed hashes, no order data.

One small head says whose state it is; the entries lie in 256 shards by the unit's key, so that
planning a few units, or a long sorted stream of them, never loads all.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from reconcile.errors import UsageError
from reconcile.model.address import Address, fold
from reconcile.model.audit import Head
from reconcile.model.digest import Hasher, canonical
from reconcile.model.records import NO_MARKS, LastApplied, Link, Marks
from reconcile.stores.contract import Store

FORMAT = 2
"""Version of the state's format. Another one is refused, never guessed at."""

HEAD = "head.json"
MOVED = "moved"
"""In the head of a state that lives elsewhere now: where."""
_CHECK = "reconcile"


def shard_of(unit: Address) -> str:
    """The shard a unit's entries lie in: two hex digits."""
    return blake2b(_name(unit).encode(), digest_size=1).hexdigest()


@dataclass(slots=True)
class _Shard:
    """``units`` are the entries by unit and record; ``standing`` says, by unit, what stood in the
    way of its manifest text when the last run that applied it ended.
    """

    version: str | None
    units: dict[str, dict[str, Any]]
    standing: dict[str, dict[str, Any]]
    dirty: bool = False


class State:
    """The state of one target. Reads as it goes; ``flush`` writes what ``put`` changed.

    ``keyed`` is False when the state was made with another hash key: its ids and the names of its
    properties still count, its hashes do not, and reasons are ``unknown`` until the next apply.
    """

    def __init__(self, store: Store, key: bytes, *, moved: bool = False) -> None:
        """Read the head. ``moved`` allows one that says that the state lives elsewhere now."""
        self._store = store
        self._may_be_moved = moved
        self._hasher = Hasher(key)
        self._shards: dict[str, _Shard] = {}
        self._head: dict[str, Any] = {}
        self._head_version: str | None = None
        self.keyed = True
        self._load_head()

    @property
    def lineage(self) -> str:
        """The state's own identity: another state of the same account has another."""
        return str(self._head.get("lineage", ""))

    @property
    def serial(self) -> int:
        """How often the state was written."""
        return int(self._head.get("serial", 0))

    @property
    def portal_id(self) -> int | None:
        """The account the state belongs to."""
        return self._head.get("portal_id")

    @property
    def hasher(self) -> Hasher:
        """Makes the hashes that the entries are compared with."""
        return self._hasher

    def linked(self) -> frozenset[tuple[str, str]]:
        """The (kind, associated object) pairs of which we made an association at some time."""
        return frozenset((kind, to) for kind, to in self._head.get("linked", ()))

    def unit(self, unit: Address) -> Mapping[Address, LastApplied]:
        """What was last applied to one unit's records, by folded address."""
        shard = shard_of(unit)
        with _intact(shard):
            raw = self._shard(shard).units.get(_name(unit), {})
            return {Address.parse(name): self._decode(name, entry) for name, entry in raw.items()}

    def entries(self) -> Iterator[tuple[Address, Address, LastApplied]]:
        """Every record the state manages: folded unit, folded address, entry; a shard at a time."""
        for file in self._store.names("shards/"):
            name = file.removeprefix("shards/").removesuffix(".json")
            with _intact(name):
                found = [
                    (Address.parse(unit), Address.parse(record), self._decode(record, entry))
                    for unit, records in self._shard(name).units.items()
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
        shard = self._shard(shard_of(unit))
        shard.units.setdefault(_name(unit), {})[_name(address)] = _encode(entry)
        shard.dirty = True
        pairs = {(address.kind, link.to) for link in entry.links} - self.linked()
        if pairs:
            self._head["linked"] = sorted(map(list, self.linked() | pairs))

    def drop(self, unit: Address, address: Address) -> bool:
        """Forget one record; whether there was anything to forget."""
        shard = self._shard(shard_of(unit))
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
        shard = shard_of(unit)
        with _intact(shard):
            raw = self._shard(shard).standing.get(_name(unit))
            if raw is None or raw["manifest"] != self._hasher.mark("manifest", manifest):
                return {}
            return {Address.parse(name): str(what) for name, what in raw["records"].items()}

    def has_standing(self, unit: Address) -> bool:
        """Whether something stood in a unit's way when the last run that applied it ended."""
        return _name(unit) in self._shard(shard_of(unit)).standing

    def put_standing(self, unit: Address, manifest: str, records: Mapping[Address, str]) -> None:
        """Remember what stands in the way of a unit's manifest text; nothing if nothing does.

        Of the text only a keyed hash is kept: its digest alone would let values be guessed.
        """
        shard = self._shard(shard_of(unit))
        if records:
            shard.standing[_name(unit)] = {
                "manifest": self._hasher.mark("manifest", manifest),
                "records": {_name(address): what for address, what in records.items()},
            }
        elif shard.standing.pop(_name(unit), None) is None:
            return
        shard.dirty = True

    @property
    def moved(self) -> bool:
        """Whether the state lives elsewhere now."""
        return MOVED in self._head

    @property
    def audit(self) -> Head | None:
        """How far the audit log went when the state was last written; None where it had none."""
        found = self._head.get("audit")
        return Head(*found) if found else None

    @audit.setter
    def audit(self, head: Head) -> None:
        self._head["audit"] = list(head)

    def begin(self, portal_id: int) -> None:
        """Make the state this account's own, durably, before the first write of a run."""
        if not self._head:
            self._head = {"lineage": str(uuid4()), "serial": 0, "linked": []}
        self._head |= {"format": FORMAT, "portal_id": portal_id, "key": self._check()}
        if not self.keyed:
            # Durably before the head names the new key: hashes made with the former one would
            # otherwise be compared, and every value look as if somebody had changed it.
            self._forget_hashes()
            self._flush_shards()
            self.keyed = True
        self._write_head()

    def flush(self) -> None:
        """Write the shards that changed, then the head, whose serial counts the writes."""
        self._flush_shards()
        self._write_head()

    def _flush_shards(self) -> None:
        dirty = {name: shard for name, shard in self._shards.items() if shard.dirty}
        for name, shard in dirty.items():
            content = {"format": FORMAT, "units": shard.units}
            if shard.standing:
                content["standing"] = shard.standing
            data = canonical(content)
            shard.version = self._store.write(f"shards/{name}.json", data, shard.version)
            shard.dirty = False

    def _write_head(self) -> None:
        self._head["serial"] = self.serial + 1
        self._head_version = self._store.write(HEAD, canonical(self._head), self._head_version)

    def release(self) -> None:
        """Let go of loaded shards that hold no unwritten change."""
        self._shards = {name: shard for name, shard in self._shards.items() if shard.dirty}

    def _load_head(self) -> None:
        found = self._store.read(HEAD)
        if found is None:
            if next(self._store.names("shards/"), None) is not None:
                raise _damaged(HEAD, "it is missing, though there are entries")
            return
        self._head = self._parse(HEAD, found[0])
        if (moved := self._head.get(MOVED)) and not self._may_be_moved:
            raise UsageError(
                f"the state in {self._store.where} was moved to {moved}",
                hint="name that store in reconcile.yaml (`store:`); this one is out of date",
            )
        self._head_version = found[1]
        self.keyed = self._head.get("key") == self._check()

    def _check(self) -> str:
        return self._hasher.mark("key", _CHECK)

    def _shard(self, name: str) -> _Shard:
        if name not in self._shards:
            file = f"shards/{name}.json"
            found = self._store.read(file)
            content = self._parse(file, found[0]) if found else {}
            self._shards[name] = _Shard(
                found[1] if found else None, content.get("units", {}), content.get("standing", {})
            )
        return self._shards[name]

    def _forget_hashes(self) -> None:
        for file in list(self._store.names("shards/")):
            shard = self._shard(file.removeprefix("shards/").removesuffix(".json"))
            for records in shard.units.values():
                for entry in records.values():
                    entry["whole"], entry["marks"] = "", dict.fromkeys(entry["marks"], "")
            shard.dirty = True

    def _parse(self, name: str, data: bytes) -> dict[str, Any]:
        try:
            parsed = json.loads(data)
        except ValueError as error:
            raise _damaged(name, str(error)) from error
        if not isinstance(parsed, dict) or not isinstance(parsed.get("format"), int):
            raise _damaged(name, "it is not a state file")
        if parsed["format"] != FORMAT:
            hint = "use the version of reconcile that wrote it, or a newer one"
            if parsed["format"] < FORMAT:
                hint = (
                    f"an earlier version of reconcile wrote it: remove {HEAD} and shards/ from "
                    f"{self._store.where}; records are then found by their keys, and the next plan "
                    "shows them to adopt"
                )
            raise UsageError(
                f"the state's {name} has format {parsed['format']}; this version reads {FORMAT}",
                hint=hint,
            )
        return parsed

    def _decode(self, name: str, entry: Mapping[str, Any]) -> LastApplied:
        marks = {
            name: Marks(*(pair if isinstance(pair, list) else (pair, pair)))
            if self.keyed
            else NO_MARKS
            for name, pair in entry["marks"].items()
        }
        return LastApplied(
            id=entry["id"],
            key=entry.get("key") or Address.parse(name).key,
            marks=MappingProxyType(marks),
            whole=entry["whole"] if self.keyed else "",
            links=frozenset(Link(*link) for link in entry.get("links", ())),
            parent=Address.parse(entry["parent"]) if entry.get("parent") else None,
            protect=entry.get("protect", False),
            run=entry.get("run", ""),
        )


def _encode(entry: LastApplied) -> dict[str, Any]:
    marks = {
        name: mark.written if mark.written == mark.read else list(mark)
        for name, mark in entry.marks.items()
    }
    raw: dict[str, Any] = {"id": entry.id, "whole": entry.whole, "marks": marks}
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


@contextmanager
def _intact(shard: str) -> Iterator[None]:
    """What a shard holds is read as if it were well formed; where it is not, it is damaged."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _damaged(f"shards/{shard}.json", "it holds something else than entries") from error


def _damaged(name: str, how: str) -> UsageError:
    return UsageError(
        f"the state's {name} is damaged: {how}",
        hint="restore it from a backup; without it records are found by their keys, and "
        "nothing is created twice",
    )
