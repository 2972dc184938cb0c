"""Remember which values HubSpot has refused in this run, so that they are not sent again."""

import threading
from dataclasses import replace

from reconcile.errors import InvalidValue
from reconcile.hubspot.types import Pair, Refused, Write
from reconcile.model.kinds import Kind

WHATEVER_THE_VALUE = frozenset({"PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"})
"""Codes that refuse a property whatever its value (reference §5)."""

_ABOUT_THE_RECORD = "MISSING_"
"""Prefix of codes that depend on a record's other values (reference §18)."""

_Key = tuple[str, str, str]
"""A property, its value, and the value of the property that it depends on, if any."""


class RefusedValues:
    """The values that one kind of call refused for one kind of record. Thread-safe.

    Only the refusal of a single record is used: that of a batch does not say whose value it means
    (reference §5).
    """

    def __init__(self, kind: Kind) -> None:
        self._over = {kind.pipeline.stage: kind.pipeline.pipeline} if kind.pipeline else {}
        self._lock = threading.Lock()
        self._properties: dict[str, Refused] = {}
        self._values: dict[_Key, Refused] = {}

    def learn(self, write: Write, refused: Refused) -> None:
        """Remember why a record was refused, as far as that holds for other records too."""
        with self._lock:
            for one in refused.invalid:
                if one.name not in write.properties or one.code.startswith(_ABOUT_THE_RECORD):
                    continue
                # The rest of the message may quote other values of this record.
                alike = replace(refused, message=one.message, invalid=(one,))
                if one.code in WHATEVER_THE_VALUE:
                    self._properties.setdefault(one.name, alike)
                elif (key := self._key(write, one.name)) is not None:
                    self._values.setdefault(key, alike)

    def refusal_of(self, write: Write) -> Refused | None:
        """Return the refusal that a record would get; None if it is not known to be refused."""
        with self._lock:
            if not self._properties and not self._values:
                return None
            for name in write.properties:
                if (refused := self._properties.get(name)) is not None:
                    return refused
                key = self._key(write, name)
                if key is not None and (refused := self._values.get(key)) is not None:
                    return refused
        return None

    def _key(self, write: Write, name: str) -> _Key | None:
        """Return a value's key; None if the value that it depends on is not sent along."""
        if (over := self._over.get(name)) is None:
            return name, write.properties[name], ""
        if over not in write.properties:
            return None
        return name, write.properties[name], write.properties[over]


def sends(write: Write | Pair, invalid: InvalidValue) -> bool:
    """Return whether an input sends the value that a refusal names, if it names one."""
    value = write.properties.get(invalid.name) if isinstance(write, Write) else None
    return value is not None and invalid.value in (None, value)
