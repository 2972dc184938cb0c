"""Asking the audit log: its events in short, one run in full, everything for other programs.

A run that was interrupted is recorded again when it is resumed or settled; of each of its records
the last word counts. Entries stream through, and only the records of runs that may have been
recorded more than once are remembered, by address.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from reconcile.audit.log import AuditLog
from reconcile.audit.redactions import Reader
from reconcile.errors import UsageError
from reconcile.model.address import Address
from reconcile.model.audit import Entry, Summary

_LastWords = Mapping[tuple[str, Address], int]
"""The number of the entry that speaks of a run's record last."""


def summaries(
    log: AuditLog, *, since: str = "", address: Address | None = None
) -> Iterator[Summary]:
    """The events that ended since a moment (ISO 8601, UTC), oldest first.

    With ``address`` only those that speak of that record, with what they say of it.
    """
    wanted = address.folded() if address else None
    found: dict[str, Summary] = {}
    last: dict[str, str] = {}
    reader = Reader(log)
    for entry in log.entries():
        last[entry.id] = entry.time
        if wanted is None:
            summary = found.setdefault(entry.id, Summary(entry))
            summary.counts.update((one.action, one.address.kind, one.end) for one in entry.records)
        elif _speaks_of(entry, wanted):
            summary = found.setdefault(entry.id, Summary(entry))
            about = [one for one in reader.full(entry).records if one.address.folded() == wanted]
            summary.counts.update((one.action, one.address.kind, one.end) for one in about)
            summary.records += about
    yield from (summary for event, summary in found.items() if last[event] >= since)


def shown(log: AuditLog, named: str) -> Iterator[Entry]:
    """The entries of a run, or of the event with that number, with values and last words only.

    Raises UsageError where there is none.
    """
    run, event = _named(log, named)

    def entries() -> Iterator[Entry]:
        for entry in log.entries(of=run or event):
            if (entry.run == run) if run else (entry.id == event):
                yield entry

    last = _last_words(entries())
    reader = Reader(log)
    return (reader.full(_last_said(entry, last)) for entry in entries())


def everything(log: AuditLog, *, since: str = "") -> Iterator[Entry]:
    """Every entry since a moment, with values, and of each run's record only the last word."""
    events: dict[str, set[str]] = defaultdict(set)
    for entry in log.entries():
        if entry.run:
            events[entry.run].add(entry.id)
    again = {run for run, ids in events.items() if len(ids) > 1}
    last = _last_words(entry for entry in log.entries() if entry.run in again) if again else {}
    reader = Reader(log)
    for entry in log.entries():
        if entry.time >= since:
            said = _last_said(entry, last)
            if said.records or not entry.records:
                yield reader.full(said)


def _speaks_of(entry: Entry, wanted: Address) -> bool:
    if any(one.address.folded() == wanted for one in entry.records):
        return True
    named = entry.facts.get("addresses", ())
    return isinstance(named, tuple) and str(wanted) in {
        str(Address.parse(text).folded()) for text in named
    }


def _named(log: AuditLog, named: str) -> tuple[str, str]:
    """A run's name, or no name and the id of an event that belongs to none."""
    for entry in log.entries(of="" if named.isdecimal() else named):
        if named in (entry.run, str(entry.number)):
            return entry.run, entry.id
    raise UsageError(
        f"the audit log has no run or entry {named}", hint="`reconcile audit log` lists them"
    )


def _last_words(entries: Iterable[Entry]) -> _LastWords:
    return {(entry.run, one.address): entry.number for entry in entries for one in entry.records}


def _last_said(entry: Entry, last: _LastWords) -> Entry:
    records = tuple(
        one
        for one in entry.records
        if last.get((entry.run, one.address), entry.number) == entry.number
    )
    return replace(entry, records=records)
