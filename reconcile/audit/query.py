"""Query the audit log: summaries of its events, one run in full, all entries for an export.

Entries are streamed. ``unlogged`` are entries that are not in the log yet: what the journals of
unfinished runs have beyond it.
"""

from collections.abc import Iterator, Sequence
from itertools import chain

from reconcile.audit.log import AuditLog
from reconcile.audit.redactions import EntryReader
from reconcile.errors import UsageError
from reconcile.model.address import Address
from reconcile.model.audit import Entry, Summary


def summaries(
    log: AuditLog,
    *,
    since: str = "",
    address: Address | None = None,
    unlogged: Sequence[Entry] = (),
) -> Iterator[Summary]:
    """Yield summaries of the events that ended since a time (ISO 8601, UTC), oldest first.

    With ``address`` only those that name that record, with what they say about it.
    """
    wanted = address.folded() if address else None
    found: dict[str, Summary] = {}
    last: dict[str, str] = {}
    reader = EntryReader(log)
    for entry in chain(log.entries(), unlogged):
        last[entry.id] = entry.time
        if wanted is None:
            summary = found.setdefault(entry.id, Summary(entry))
            summary.counts.update((one.action, one.address.kind, one.end) for one in entry.records)
        elif _names(entry, wanted):
            summary = found.setdefault(entry.id, Summary(entry))
            about = [one for one in reader.full(entry).records if one.address.folded() == wanted]
            summary.counts.update((one.action, one.address.kind, one.end) for one in about)
            summary.records += about
    yield from (summary for event, summary in found.items() if last[event] >= since)


def entries_of(log: AuditLog, named: str, *, unlogged: Sequence[Entry] = ()) -> Iterator[Entry]:
    """Yield the entries of a run, or of the event with that entry number, with values.

    Those of a run include what it resolved of other runs. Raise UsageError where there are none.
    """
    run, event = _named(log, named, unlogged)
    reader = EntryReader(log)
    for entry in chain(log.entries(of=run or event), unlogged):
        if (run in _runs(entry)) if run else (entry.id == event):
            yield reader.full(entry)


def all_entries(
    log: AuditLog, *, since: str = "", unlogged: Sequence[Entry] = ()
) -> Iterator[Entry]:
    """Yield every entry since a time (ISO 8601, UTC), with values."""
    reader = EntryReader(log)
    for entry in chain(log.entries(), unlogged):
        if entry.time >= since:
            yield reader.full(entry)


def _names(entry: Entry, wanted: Address) -> bool:
    if any(one.address.folded() == wanted for one in entry.records):
        return True
    named = entry.facts.get("addresses", ())
    return isinstance(named, tuple) and str(wanted) in {
        str(Address.parse(text).folded()) for text in named
    }


def _named(log: AuditLog, named: str, unlogged: Sequence[Entry]) -> tuple[str, str]:
    """Return the run and the event id that a run's name or an entry's number means."""
    for entry in chain(log.entries(of="" if named.isdecimal() else named), unlogged):
        if named in _runs(entry):
            return named, entry.id
        if named == str(entry.number) != "0":
            return entry.run, entry.id
    raise UsageError(
        f"the audit log has no run or entry {named}", hint="`reconcile audit log` lists them"
    )


def _runs(entry: Entry) -> set[str]:
    """Return the runs that an entry belongs to: its own, and the one that resolved it."""
    return {run for run in (entry.run, str(entry.facts.get("resolved_by", ""))) if run}
