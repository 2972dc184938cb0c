"""The erasable part of the audit log: blobs with the values, and the salts of their digests."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from secrets import token_hex
from typing import Any

from reconcile.audit import chain
from reconcile.errors import UsageError
from reconcile.model.address import Address
from reconcile.model.audit import Detail, Entry, Topic
from reconcile.stores.contract import Store, VersionMoved
from reconcile.stores.own_names import is_blob

BLOBS = "audit-values/"

_TRIES = 100

_MANY: Mapping[Topic, Sequence[int]] = {
    Topic.FIELD: (2, 4),
    Topic.LINK: (3,),
    Topic.REWRITE: (2,),
    Topic.OVERWRITE: (2,),
    Topic.WARNING: (1,),
    Topic.MESSAGE: (1,),
}
"""How many values there are of a detail; see Detail."""


def blob(folder: str) -> str:
    """Return a new name for the blob with one entry's values.

    It is never used twice: a process that died may have written the values, but not the entry.
    """
    return f"{BLOBS}{folder}/{token_hex(8)}.json"


def read(store: Store, name: str) -> Mapping[str, Any]:
    """The values in a blob by address; none where it is gone. Raises UsageError where it is bad."""
    return _read(store, name)[0]


def with_values(store: Store, entry: Entry) -> Entry:
    """An entry with those of its values that are there. Raises UsageError for a bad blob."""
    if not entry.values:
        return entry
    values = read(store, entry.values)
    message = _filled([entry.message] if entry.message else [], values.get(chain.EVENT))
    return replace(
        entry,
        message=message[0] if message else None,
        records=tuple(
            replace(one, details=_filled(one.details, values.get(str(one.address))))
            for one in entry.records
        ),
    )


def holding(store: Store, address: Address) -> Iterator[tuple[str, int]]:
    """The blobs that hold values of a record, and how many."""
    # Wherever an entry may point: what others have put there is left alone.
    for name in filter(is_blob, store.names(BLOBS)):
        found = sum(
            len(values["values"])
            for text, values in read(store, name).items()
            if _is(text, address)
        )
        if found:
            yield name, found


def erase(store: Store, name: str, address: Address) -> None:
    """Take a record's values, and their salt, out of a blob."""
    for _ in range(_TRIES):
        values, version = _read(store, name)
        left = {text: kept for text, kept in values.items() if not _is(text, address)}
        if len(left) == len(values):
            return
        data = chain.to_bytes({"format": chain.FORMAT, "values": left})
        try:
            store.write(name, data, version)
        except VersionMoved:
            continue
        return
    raise UsageError(f"{name} cannot be written: it changes all the time")


def _is(text: str, address: Address) -> bool:
    return text != chain.EVENT and Address.parse(text).folded() == address.folded()


def _filled(details: Sequence[Detail], kept: Mapping[str, Any] | None) -> tuple[Detail, ...]:
    # Of values that are fewer or more than the details nobody knows which belongs to which.
    if kept is None or len(kept["values"]) != len(details):
        return tuple(details)
    return tuple(
        replace(detail, personal=bool(values[0]), values=tuple(values[1:]))
        if len(values) - 1 in _MANY[detail.topic]
        else detail
        for detail, values in zip(details, kept["values"], strict=True)
    )


def _read(store: Store, name: str) -> tuple[dict[str, Any], str | None]:
    found = store.read(name)
    if found is None:
        return {}, None
    try:
        values = json.loads(found[0])["values"]
        for text, kept in values.items():
            _check(text, kept)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"the values of the audit log in {name} are damaged",
            hint="bring the file back from a backup; the chain itself does not need it",
        ) from error
    return values, found[1]


def _check(text: str, kept: Mapping[str, Any]) -> None:
    """Raise what it takes where a record's values are not as they were written."""
    if text != chain.EVENT:
        Address.parse(text)
    bytes.fromhex(kept["salt"])
    for flag, *texts in kept["values"]:
        if flag not in (0, 1) or not all(isinstance(one, str) for one in texts):
            raise TypeError(text)
