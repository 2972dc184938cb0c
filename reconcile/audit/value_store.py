"""The erasable part of the audit log: blobs with the values and the salts of their digests."""

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
from reconcile.stores.own_names import is_own_blob

BLOBS = "audit-values/"

_ATTEMPTS = 100

_MANY: Mapping[Topic, Sequence[int]] = {
    Topic.FIELD: (2, 4),
    Topic.LINK: (3,),
    Topic.REWRITE: (2,),
    Topic.OVERWRITE: (2,),
    Topic.WARNING: (1,),
    Topic.MESSAGE: (1,),
}
"""How many values a detail may have; see Detail."""


def new_blob_name(folder: str) -> str:
    """Return a new name for the blob with one entry's values.

    No name is used twice: a process that died may have written the values, but not the entry.
    """
    return f"{BLOBS}{folder}/{token_hex(8)}.json"


def read(store: Store, name: str) -> Mapping[str, Any]:
    """Return a blob's values by address, none where it is gone. Raise UsageError for damage."""
    return _read(store, name)[0]


def with_values(store: Store, entry: Entry) -> Entry:
    """Return an entry with those of its values that exist. Raise UsageError for damage."""
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


def blobs_of(store: Store, address: Address) -> Iterator[tuple[str, int]]:
    """Yield the blobs that have values of a record, and how many."""
    # Blobs that entries may refer to; other files are left alone.
    for name in filter(is_own_blob, store.names(BLOBS)):
        found = sum(
            len(values["values"])
            for text, values in read(store, name).items()
            if _is(text, address)
        )
        if found:
            yield name, found


def erase(store: Store, name: str, address: Address) -> None:
    """Remove a record's values, and their salt, from a blob."""
    for _ in range(_ATTEMPTS):
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
    raise UsageError(f"{name} cannot be written: other processes keep changing it")


def _is(text: str, address: Address) -> bool:
    return text != chain.EVENT and Address.parse(text).folded() == address.folded()


def _filled(details: Sequence[Detail], kept: Mapping[str, Any] | None) -> tuple[Detail, ...]:
    # With fewer or more values than details it is unknown which belongs to which.
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
            hint="restore the file from a backup; the chain itself does not need it",
        ) from error
    return values, found[1]


def _check(text: str, kept: Mapping[str, Any]) -> None:
    """Raise an exception where a record's values are malformed."""
    if text != chain.EVENT:
        Address.parse(text)
    bytes.fromhex(kept["salt"])
    for flag, *texts in kept["values"]:
        if flag not in (0, 1) or not all(isinstance(one, str) for one in texts):
            raise TypeError(text)
