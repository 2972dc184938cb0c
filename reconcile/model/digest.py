"""Digests of a plan's inputs, and the keyed hashes of values that the state holds."""

import json
from collections.abc import Iterable, Mapping
from hashlib import blake2b, sha256

from reconcile.model.definitions import Definitions, Property
from reconcile.model.plan import RecordChange
from reconcile.model.records import Desired, LastApplied, Unit
from reconcile.model.values import normalise

_encode, _encode_in_ascii = (
    json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=ascii_only).encode
    for ascii_only in (False, True)
)


class Hasher:
    """Keyed hashes of values. They can be compared, and reveal nothing without the key."""

    def __init__(self, key: bytes) -> None:
        self._key = key[:64]

    def effect_digest(self, effects: bytes) -> str:
        """Return the digest of a unit's effects: 32 bytes, as hex."""
        return blake2b(effects, digest_size=32, key=self._key, person=b"effects").hexdigest()

    def review_seal(self, review: bytes) -> str:
        """Return the seal of a review file: 32 bytes, as hex; no other hash has its value."""
        return blake2b(review, digest_size=32, key=self._key, person=b"review file").hexdigest()

    def value_hash(self, name: str, value: str) -> str:
        """Return the hash of one property's canonical value: eight bytes, as hex."""
        data = f"{name}\0{value}".encode()
        return blake2b(data, digest_size=8, key=self._key).hexdigest()

    def fingerprint(self, values: Mapping[str, str], definitions: Mapping[str, Property]) -> str:
        """Return the hash of all managed values of a record: sixteen bytes, as hex.

        Different spellings of one value have the same fingerprint.
        """
        parts = [f"{n}\0{normalise(values[n], definitions[n])}" for n in sorted(values)]
        data = "\0\0".join(parts).encode()
        return blake2b(data, digest_size=16, key=self._key).hexdigest()


def canonical(data: object, *, ascii_only: bool = False) -> bytes:
    """Return sorted, compact JSON. With text and whole numbers alone this is canonical.

    In ASCII it can express lone surrogates, which HubSpot's JSON may have.
    """
    return (_encode_in_ascii if ascii_only else _encode)(data).encode()


def digest(data: object) -> str:
    """Return the SHA-256 of the canonical form, as hex."""
    return sha256(canonical(data)).hexdigest()


def desired_digest(unit: Unit) -> str:
    """Return the digest of a unit as the manifests declare it, whatever its locations.

    The unit must not have the records that the state adds to it.
    """
    return digest([str(unit.address), [_desired(record) for record in unit.records]])


def state_digest(entry: LastApplied | None) -> str:
    """Return the digest of a record's entry in the state, empty if there is none.

    Accepted values are not in it: they count for manifests that have them only, so a plan that was
    made before means the same.
    """
    return digest(_last(entry)) if entry is not None else ""


def definitions_digest(changes: Iterable[RecordChange], definitions: Definitions) -> str:
    """Return the digest of the definitions that the values of some changes depend on."""
    used = {
        (change.address.kind, name)
        for change in changes
        for name in (*(field.name for field in change.fields), *(name for name, _ in change.keep))
    }
    return digest(
        [_definition(kind, definitions.properties[kind][name]) for kind, name in sorted(used)]
    )


def _desired(record: Desired) -> list[object]:
    references = sorted((r.to, r.by, r.value, r.label) for r in record.references)
    lookups = [[sorted((name, one.to, one.by) for name, one in record.lookups.items())]]
    return [
        str(record.address),
        dict(record.properties),
        references,
        sorted(record.ignore),
        record.protect,
        record.lifecycle,
        record.moved_from.value if record.moved_from else "",
        sorted(one[:3] for one in record.adopt),
        record.exact_lines,
        *(lookups if record.lookups else ()),
    ]


def _last(entry: LastApplied) -> list[object]:
    return [
        entry.id,
        entry.key,
        entry.fingerprint,
        {name: list(hashes) for name, hashes in entry.value_hashes.items()},
        sorted(entry.links),
        str(entry.parent or ""),
        entry.parent_id,
        sorted(entry.leaving),
        entry.protect,
    ]


def _definition(kind: str, definition: Property) -> list[object]:
    return [
        kind,
        definition.name,
        definition.type,
        dict(definition.options),
        definition.multiple,
        definition.read_only,
        definition.unique,
    ]
