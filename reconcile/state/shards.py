"""The shards of a state: its entries, in files by the unit's key, with loss and damage detected.

The head lists every shard with the serial at which it was last written. A new shard is listed with
serial 0 first; then it is written, with the serial of the head that is about to be written; then
that head. So after a crash a shard with serial 0 may be missing, and any other exists and is not
older than the head says. Each shard has a checksum of its own.
"""

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import NonNegativeInt, StringConstraints, TypeAdapter, ValidationError

from reconcile.errors import UsageError
from reconcile.model.address import ADDRESS
from reconcile.model.sealed_json import seal, unseal
from reconcile.state.head import FORMAT, HEAD, HeadFile, damaged, parse
from reconcile.stores.contract import Store

_FILE = re.compile(r"shards/([0-9a-f]{2})\.json")

_Address = Annotated[str, StringConstraints(pattern=ADDRESS)]


@dataclass(frozen=True, slots=True)
class _Entry:
    """The JSON of one record's entry; see ``State``, which writes it."""

    id: str
    fingerprint: str
    value_hashes: dict[str, str | tuple[str, str]]
    key: str = ""
    links: tuple[tuple[str, str, int, str], ...] = ()
    parent: _Address | None = None
    parent_id: str = ""
    leaving: tuple[tuple[str, str], ...] = ()
    protect: bool = False
    run: str = ""
    accepted: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Standing:
    """Conflicts that kept a unit's manifest text from being applied; ``manifest`` is its hash."""

    manifest: str
    records: dict[_Address, str]


@dataclass(frozen=True, slots=True)
class _File:
    """The schema of a shard's file. It only validates: the JSON itself is kept in memory."""

    format: int
    serial: NonNegativeInt
    units: dict[_Address, dict[_Address, _Entry]]
    standing: dict[_Address, _Standing] = field(default_factory=dict)


_SHAPE = TypeAdapter(_File)


@dataclass(slots=True)
class Shard:
    """A shard in memory.

    ``units`` are the entries by unit and record; ``standing`` are, by unit, the conflicts that
    remained when the last run that applied its manifest text ended.
    """

    version: str | None
    units: dict[str, dict[str, Any]]
    standing: dict[str, dict[str, Any]]
    dirty: bool = False


class Shards:
    """The shards of one state, each read from the store when first used, and only then.

    A shard that is unloaded is kept compressed: parsed, all would take many times the memory.
    """

    def __init__(self, store: Store, head: HeadFile) -> None:
        self._store = store
        self._head = head
        self._loaded: dict[str, Shard] = {}
        self._files: dict[str, tuple[bytes, str] | None] = {}
        """The files as checked or written, compressed, with their versions; None if missing."""

    def names(self) -> list[str]:
        """Return the name of every shard that exists or should exist."""
        return sorted(self._existing() | self._head.content.shards.keys())

    def require_all(self) -> None:
        """Raise UsageError where a shard is missing, without reading any."""
        existing = self._existing()
        for name, least in sorted(self._head.content.shards.items()):
            if least and name not in existing:
                raise damaged(self._store, f"{_file(name)} is missing")

    def get(self, name: str) -> Shard:
        """Return a shard; an empty one where it was never written.

        Raise UsageError for one that was lost, altered, or replaced by an older copy.
        """
        if name not in self._loaded:
            known = name in self._files
            self._loaded[name] = _parsed(self._files[name]) if known else self._load(name)
        return self._loaded[name]

    def release(self) -> None:
        """Unload the shards without unwritten changes."""
        self._loaded = {name: shard for name, shard in self._loaded.items() if shard.dirty}

    def write(self) -> None:
        """Write the shards that changed, after the head lists them.

        The caller then writes the head, which confirms their serials.
        """
        dirty = {name: shard for name, shard in self._loaded.items() if shard.dirty}
        known = self._head.content.shards
        for name in dirty:
            known.setdefault(name, 0)
        if dirty and not (self._head.written and dirty.keys() <= self._head.named):
            self._head.write()
        serial = self._head.content.serial + 1
        for name, shard in dirty.items():
            data = self._encode(name, shard, serial)
            shard.version = self._store.write(_file(name), data, shard.version)
            shard.dirty = False
            self._keep(name, data, shard.version)
            known[name] = serial

    def _existing(self) -> set[str]:
        files = map(_FILE.fullmatch, self._store.names("shards/"))
        return {file[1] for file in files if file}

    def _load(self, name: str) -> Shard:
        while True:
            found = self._store.read(_file(name))
            try:
                return self._checked(name, found)
            except UsageError:
                # A run that writes meanwhile may have made the shard, or written it again.
                if not self._head.reload_if_changed():
                    raise

    def _checked(self, name: str, found: tuple[bytes, str] | None) -> Shard:
        """Return a shard, and keep its file. Raise UsageError where it does not match the head."""
        head = self._head.content
        least = head.shards.get(name)
        if found is None:
            if least:
                raise damaged(self._store, f"{_file(name)} is missing")
            self._files[name] = None
            return Shard(None, {}, {})
        if least is None:
            raise damaged(self._store, f"{HEAD} is an old copy that does not list {_file(name)}")
        content = self._decode(name, found[0])
        if content["serial"] < least:
            raise damaged(self._store, f"{_file(name)} is an old copy")
        if content["serial"] > head.serial + 1:
            raise damaged(self._store, f"{HEAD} is an old copy, older than {_file(name)}")
        head.shards[name] = content["serial"]
        self._keep(name, *found)
        return _shard(content, found[1])

    def _keep(self, name: str, data: bytes, version: str) -> None:
        # Level 1: a quarter of the size, in less time than parsing takes.
        self._files[name] = zlib.compress(data, 1), version

    def _encode(self, name: str, shard: Shard, serial: int) -> bytes:
        content: dict[str, Any] = {"format": FORMAT, "serial": serial, "units": shard.units}
        if shard.standing:
            content["standing"] = shard.standing
        return seal(content, self._head.content.lineage, name)

    def _decode(self, name: str, data: bytes) -> dict[str, Any]:
        content = parse(self._store, _file(name), data)
        try:
            body = unseal(data, self._head.content.lineage, name)
        except ValueError as error:
            raise damaged(self._store, f"{_file(name)} was altered") from error
        try:
            # A checksum is not a signature: whoever can write the file can make one.
            _SHAPE.validate_json(body, strict=True)
        except ValidationError as error:
            raise damaged(self._store, f"{_file(name)} is not a shard") from error
        return content


def _shard(content: Mapping[str, Any], version: str) -> Shard:
    return Shard(version, content["units"], content.get("standing", {}))


def _parsed(file: tuple[bytes, str] | None) -> Shard:
    """Return the shard in a file that was kept."""
    if file is None:
        return Shard(None, {}, {})
    return _shard(json.loads(zlib.decompress(file[0])), file[1])


def _file(name: str) -> str:
    return f"shards/{name}.json"
