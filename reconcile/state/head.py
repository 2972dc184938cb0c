"""The head of a state: its account and lineage, its serial, and the list of its shards."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    NonNegativeInt,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from reconcile import __version__
from reconcile.errors import UsageError
from reconcile.model.digest import canonical
from reconcile.model.versions import Release
from reconcile.stores.contract import Store
from reconcile.stores.own_names import is_own_blob

FORMAT = 4
"""Version of the state's format. Any other is refused, never guessed at."""

OLDEST_WRITER = "0.1.0"
"""The oldest version of reconcile that may write what this one has written.

An older version ignores fields that it does not know when it reads, and drops them when it writes.
So whatever is added to the state, the journals or the audit log is to raise this, to the version
that adds it. What older versions cannot even read raises the format as well.
"""

HEAD = "head.json"

ShardName = Annotated[str, StringConstraints(pattern="^[0-9a-f]{2}$")]


class NewerVersionNeeded(UsageError):
    """A newer version of reconcile wrote a store, and this one may not write to it."""


def _version(text: str) -> str:
    return str(Release.parse(text))


_Version = Annotated[str, AfterValidator(_version)]


@dataclass(slots=True)
class Content:
    """The content of the head.

    ``oldest_writer`` is the oldest version of reconcile that may write to the store: the state, its
    journals and its audit log. Any version that knows their formats may read them.
    ``shards`` has the serial at which each shard was last written, and 0 for one that is about to
    be written for the first time. ``associated`` are the (kind, associated object) pairs of which
    an association was ever made. ``audit`` is the last entry of the audit log: its number and hash.
    ``applied_plans`` is the serial of the list of applied plans. ``moved_to`` is where the state is
    now, if it was moved; ``moving_from`` is where it is being moved from, until the move is
    complete.
    """

    format: int = FORMAT
    oldest_writer: _Version = OLDEST_WRITER
    lineage: str = ""
    serial: NonNegativeInt = 0
    portal_id: int | None = None
    key: str = ""
    associated: tuple[tuple[str, str], ...] = ()
    shards: dict[ShardName, NonNegativeInt] = field(default_factory=dict)
    audit: tuple[int, str] | None = None
    applied_plans: NonNegativeInt = 0
    moved_to: str = ""
    moving_from: str = ""


_CONTENT = TypeAdapter(Content)


class HeadFile:
    """The head as this process reads and writes it.

    ``written`` says whether this process has written it: a process always writes the head first, so
    that no two processes write a shard at the same serial. ``named`` are the shards that the head
    in the store lists.
    """

    def __init__(self, store: Store) -> None:
        """Read it. Raise UsageError where it is damaged, or missing although there are shards."""
        self._store = store
        self.content = Content()
        self.written = False
        self._version: str | None = None
        found = store.read(HEAD)
        if found is not None:
            self.content, self._version = decode(store, found[0]), found[1]
        elif any(map(is_own_blob, store.names("shards/"))):
            raise damaged(store, f"{HEAD} is missing, although there are shards")
        self.named = frozenset(self.content.shards)
        self._seen = self._version

    def write(self) -> None:
        """Write it durably, with the next serial.

        Raise NewerVersionNeeded where this version may not.
        """
        _require_writer(self._store, self.content)
        oldest = max(self.content.oldest_writer, OLDEST_WRITER, key=Release.parse)
        now = replace(self.content, serial=self.content.serial + 1, oldest_writer=oldest)
        self._version = self._store.write(HEAD, encode(now), self._version)
        self._seen = self._version
        # Not before: if the write fails, the store still has the former head.
        self.content.serial, self.content.oldest_writer = now.serial, oldest
        self.named = frozenset(now.shards)
        self.written = True

    def reload_if_changed(self) -> bool:
        """Read the head again; return whether another process has written it since the last time.

        For a reader without the lock, which may read while a run writes. The version that this
        process expects when it writes stays the one that it began with.
        """
        found = self._store.read(HEAD)
        if found is None or found[1] == self._seen:
            return False
        now, self._seen = decode(self._store, found[0]), found[1]
        mine = self.content
        mine.lineage, mine.serial, mine.shards = now.lineage, now.serial, now.shards
        mine.applied_plans = now.applied_plans
        return True


def read_head(store: Store) -> Content | None:
    """Return the head in a store, or None where there is none."""
    found = store.read(HEAD)
    return decode(store, found[0]) if found is not None else None


def require_writable(store: Store) -> None:
    """Raise NewerVersionNeeded where only a newer version may write to a store.

    To be called before anything is written, locks included. A damaged head says nothing about that;
    what needs the head reports the damage.
    """
    try:
        content = read_head(store) or Content()
    except NewerVersionNeeded:
        raise
    except UsageError:
        return
    _require_writer(store, content)


def _require_writer(store: Store, content: Content) -> None:
    if Release.parse(content.oldest_writer) > Release.parse(__version__):
        raise NewerVersionNeeded(
            f"only reconcile {content.oldest_writer} or newer may write to {store.where}; this is "
            f"{__version__}",
            hint="upgrade reconcile; what only reads, such as `reconcile plan`, still works",
        )


def encode(content: Content) -> bytes:
    """Return the JSON of a head, without empty fields."""
    given = {one.name: getattr(content, one.name) for one in fields(content)}
    return canonical({name: value for name, value in given.items() if value or name == "serial"})


def decode(store: Store, data: bytes) -> Content:
    """Return the head that its JSON holds. Raise UsageError where it is damaged."""
    raw = parse(store, HEAD, data)
    try:
        return _CONTENT.validate_python(raw)
    except ValidationError as error:
        raise damaged(store, f"{HEAD} is not a head") from error


def parse(store: Store, name: str, data: bytes) -> dict[str, Any]:
    """Return the JSON object in a file of the state.

    Raise UsageError for anything else, and for another format than this version's.
    """
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise damaged(store, f"{name} cannot be read ({error})") from error
    if not isinstance(parsed, dict) or not isinstance(parsed.get("format"), int):
        raise damaged(store, f"{name} is not a file of a state")
    if parsed["format"] != FORMAT:
        raise _of_another_format(store, name, parsed)
    return parsed


def damaged(store: Store, how: str) -> UsageError:
    """Return the error for a state of which something was lost or altered."""
    return UsageError(
        f"the state in {store.where} is damaged: {how}",
        hint=f"restore {HEAD}, applied.json and shards/ from one backup; or remove them: the next "
        "plan then finds records by their keys and proposes to adopt them, but records and "
        "associations that reconcile made and that are no longer declared stay in HubSpot",
    )


def moved_away(store: Store, to: str) -> UsageError:
    """Return the error for a state that was moved to another store.

    The hint differs for a folder, which ends in the target's name: a folder cannot be the store
    of a project.
    """
    url = shlex.quote(f"file:{Path(to).parent}")
    back = f"move it back with `reconcile state pull {url}`"
    if "://" in to:
        back = (
            "name that store in reconcile.yaml (`store:`), or move it back with `reconcile state "
            "pull` and its URL"
        )
    return UsageError(
        f"the state in {store.where} was moved to {to}",
        hint=f"{back}; the files that are left here are out of date",
    )


def _of_another_format(store: Store, name: str, parsed: Mapping[str, Any]) -> UsageError:
    message = f"the state's {name} has format {parsed['format']}; this version reads {FORMAT}"
    if parsed["format"] > FORMAT:
        return NewerVersionNeeded(message, hint="upgrade reconcile: a newer version wrote it")
    return UsageError(
        message,
        hint=f"an earlier version of reconcile wrote it: remove {HEAD}, applied.json and shards/ "
        f"from {store.where}; the next plan then finds records by their keys, and proposes to "
        "adopt them",
    )
