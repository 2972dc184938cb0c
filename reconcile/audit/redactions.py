"""The redactions in the log, which explain why values are missing."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from reconcile.audit import chain
from reconcile.audit.log import AuditLog
from reconcile.model.address import Address
from reconcile.model.audit import Detail, Entry

REDACT = "redact"
"""The event of a redaction. Its fact ``addresses`` names the records."""


class Redactions:
    """The last redaction of each record: its entry's number, by folded address."""

    def __init__(self) -> None:
        self._last: dict[Address, int] = {}

    def add(self, number: int, raw: Mapping[str, Any]) -> None:
        """Add a parsed entry; one that is not a redaction is ignored."""
        if raw["event"] == REDACT:
            for text in raw["facts"].get("addresses", ()):
                self._last[Address.parse(text).folded()] = number

    def explain(self, number: int, address: Address | None) -> bool:
        """Return whether the values of an entry's record were erased; an event's own never are."""
        return address is not None and self._last.get(address.folded(), 0) > number


class EntryReader:
    """Reads entries with their values, and marks missing values that a redaction explains."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log

    def full(self, entry: Entry) -> Entry:
        """Return an entry with those of its values that exist. Raise UsageError for damage."""
        full = self._log.full(entry)
        if not any(map(_lacks_values, (one.details for one in full.records))):
            return full
        return replace(
            full,
            records=tuple(
                replace(one, details=tuple(map(_erased, one.details)))
                if _lacks_values(one.details)
                and self._redactions.explain(entry.number, one.address)
                else one
                for one in full.records
            ),
        )

    @cached_property
    def _redactions(self) -> Redactions:
        # Read only where values are missing: it takes a pass through the whole log.
        found = Redactions()
        sought = chain.to_bytes(REDACT)
        for number, line in self._log.lines():
            if sought in line:
                found.add(number, chain.parse(number, line))
        return found


def _lacks_values(details: Iterable[Detail]) -> bool:
    return any(detail.values is None for detail in details)


def _erased(detail: Detail) -> Detail:
    return replace(detail, erased=True) if detail.values is None else detail
