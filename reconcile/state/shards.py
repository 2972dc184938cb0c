"""The shards of a state: its entries, in files by the unit's key, none of which can be lost unseen.

The head names every shard, with the serial at which it was last written. A shard is named, at 0,
before it is first written; then it is written, with the serial of the head that is about to be
written; then that head. So whatever a crash leaves, a shard that the head has at 0 may be missing,
and any other is there and no older than the head says. Each shard has a checksum of its own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Annotated, Any

from pydantic import NonNegativeInt, StringConstraints, TypeAdapter, ValidationError

from reconcile.errors import UsageError
from reconcile.model.address import ADDRESS
from reconcile.model.digest import canonical
from reconcile.state.head import FORMAT, HEAD, HeadFile, damaged, parse
from reconcile.stores.contract import Store

_FILE = re.compile(r"shards/([0-9a-f]{2})\.json")

_Address = Annotated[str, StringConstraints(pattern=ADDRESS)]


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is kept of one record; see ``State``, which writes it."""

    id: str
    whole: str
    marks: dict[str, str | tuple[str, str]]
    key: str = ""
    links: tuple[tuple[str, str, int, str], ...] = ()
    parent: _Address | None = None
    protect: bool = False
    run: str = ""


@dataclass(frozen=True, slots=True)
class _Standing:
    """What stands in the way of a unit's manifest text."""

    manifest: str
    records: dict[_Address, str]


@dataclass(frozen=True, slots=True)
class _File:
    """A shard's file. Only read by: what is kept of it is the JSON itself."""

    format: int
    serial: NonNegativeInt
    units: dict[_Address, dict[_Address, _Entry]]
    standing: dict[_Address, _Standing] = field(default_factory=dict)


_SHAPE = TypeAdapter(_File)


@dataclass(slots=True)
class Shard:
    """``units`` are the entries by unit and record; ``standing`` says, by unit, what stood in the
    way of its manifest text when the last run that applied it ended.
    """

    version: str | None
    units: dict[str, dict[str, Any]]
    standing: dict[str, dict[str, Any]]
    dirty: bool = False


class Shards:
    """The shards of one state, read as they are asked for."""

    def __init__(self, store: Store, head: HeadFile) -> None:
        self._store = store
        self._head = head
        self._loaded: dict[str, Shard] = {}

    def names(self) -> list[str]:
        """Return the name of every shard that there is, or has to be."""
        return sorted(self._there() | self._head.content.shards.keys())

    def require_all(self) -> None:
        """Raise UsageError where a shard is missing, without reading any."""
        there = self._there()
        for name, least in sorted(self._head.content.shards.items()):
            if least and name not in there:
                raise damaged(self._store, f"{_file(name)} is missing")

    def get(self, name: str) -> Shard:
        """Return a shard; an empty one where it was never written.

        Raises UsageError for one that was lost, altered, or replaced by an older copy.
        """
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def release(self) -> None:
        """Let go of the shards that hold no unwritten change."""
        self._loaded = {name: shard for name, shard in self._loaded.items() if shard.dirty}

    def write(self) -> None:
        """Write the shards that changed, each once the head names it.

        The head has to be written after that: it is what vouches for them.
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
            known[name] = serial

    def _there(self) -> set[str]:
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
        """Return a shard as it was read. Raises UsageError where it does not go with the head."""
        head = self._head.content
        least = head.shards.get(name)
        if found is None:
            if least:
                raise damaged(self._store, f"{_file(name)} is missing")
            return Shard(None, {}, {})
        if least is None:
            raise damaged(self._store, f"{HEAD} is an old copy, which does not name {_file(name)}")
        content = self._decode(name, found[0])
        if content["serial"] < least:
            raise damaged(self._store, f"{_file(name)} is an old copy")
        if content["serial"] > head.serial + 1:
            raise damaged(self._store, f"{HEAD} is an old copy, older than {_file(name)}")
        head.shards[name] = content["serial"]
        return Shard(found[1], content["units"], content.get("standing", {}))

    def _encode(self, name: str, shard: Shard, serial: int) -> bytes:
        content: dict[str, Any] = {"format": FORMAT, "serial": serial, "units": shard.units}
        if shard.standing:
            content["standing"] = shard.standing
        return canonical(content | {"checksum": self._checksum(name, content)})

    def _decode(self, name: str, data: bytes) -> dict[str, Any]:
        content = parse(self._store, _file(name), data)
        checksum = content.pop("checksum", None)
        try:
            altered = checksum != self._checksum(name, content)
        except ValueError:  # text that JSON can spell and UTF-8 cannot
            altered = True
        if altered:
            raise damaged(self._store, f"{_file(name)} is not as it was written")
        try:
            # A checksum is no signature: whoever can write the file can make one.
            _SHAPE.validate_json(data, strict=True)
        except ValidationError as error:
            raise damaged(self._store, f"{_file(name)} is not a shard") from error
        return content

    def _checksum(self, name: str, content: Mapping[str, Any]) -> str:
        """Return the checksum of what a shard of that name in this state holds."""
        data = canonical([self._head.content.lineage, name, content])
        return blake2b(data, digest_size=16).hexdigest()


def _file(name: str) -> str:
    return f"shards/{name}.json"
