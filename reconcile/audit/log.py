"""Append to the audit log, and read it.

The log lies in the store in segments, ``audit/000000`` and so on, so that appending never reads
more than the last one, however long the log is.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from reconcile.audit import chain
from reconcile.audit.value_store import new_blob_name, with_values
from reconcile.errors import UsageError
from reconcile.model.audit import Detail, Entry, Event, Head, RecordEntry, Span, Topic
from reconcile.stores.contract import Store, VersionMoved
from reconcile.stores.logs import Log
from reconcile.stores.own_names import is_own_log

SEGMENT_SIZE = 64
"""Entries in one segment of the log."""
MAX_RECORDS = 500
"""Most records in one entry."""
MAX_CHARACTERS = 1_000_000
"""Characters of values after which an entry gets no more records."""

_LOGS = "audit/"
_ATTEMPTS = 100
_START = Head(0, "")


def _now() -> datetime:
    return datetime.now(UTC)


class AuditLog:
    """The audit log of one store. Appending needs no lock: the loser of a race tries again."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime] = _now) -> None:
        self._store = store
        self._clock = clock

    @property
    def store(self) -> Store:
        """The store that the log is in."""
        return self._store

    def append(self, events: Iterable[Event], after: Head | None = None) -> Head:
        """Append events, and return the log's new head.

        ``after`` is the head that the state remembers. Entries that were appended since then are
        found; entries missing before it stay missing, for ``verify`` to report. Values are written
        before the entry that refers to them. Raise what the store raises, and UsageError where
        another process has appended entries of the same run since ``after``.
        """
        head = after or self.tail()
        for event in events:
            event_id, span = event.id or token_hex(6), event.journal
            for records, is_last in _batches(event.records):
                entry = self._entry(event, event_id, records, event.message if is_last else "")
                if span is not None:
                    span = span._replace(first=span.last, last=span.last + len(records))
                    entry["journal"] = span
                head = self._link(entry, head)
        return head

    def tail(self) -> Head:
        """Return the number and hash of the log's last entry, from the store alone.

        Raise UsageError for one that a newer version of reconcile wrote.
        """
        for segment in reversed(self.segments()):
            last = next(iter(deque(self.segment(segment), maxlen=1)), None)
            if last is not None:
                chain.require_known(*last)
                return Head(last[0], _hash(*last))
        return _START

    def lines(self, after: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield number and bytes of entries after one, in order. Raise UsageError for damage."""
        full = after // SEGMENT_SIZE
        for segment in self.segments(after=_segment(full - 1) if full else ""):
            yield from self.segment(segment, after)

    def segments(self, *, after: str = "") -> list[str]:
        """Return the names of the log's segments after one, in order."""
        return list(filter(is_own_log, self._store.folders(_LOGS, after)))

    def segment(self, name: str, after: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield number and bytes of a segment's entries. Raise UsageError for a damaged one."""
        first = _first(name)
        for position, line in Log(self._store, name).entries(max(after + 1 - first, 0)):
            yield first + position, line

    def covered(self, run: str, after: int) -> tuple[Span | None, Head | None]:
        """Return the last span of a run's journal in the log, and the log's head.

        Only entries after number ``after`` are read; without any, the head is None.
        """
        span, head = None, None
        for number, line in self.lines(after):
            head = Head(number, _hash(number, line))
            span = _of_run(run, number, line) or span
        return span, head

    def entries(self, *, of: str = "") -> Iterator[Entry]:
        """Yield every entry, in order, without values. Raise UsageError for a damaged log.

        With ``of``, entries without this text are skipped unread; irrelevant ones may remain.
        """
        sought = chain.to_bytes(of) if of else b""
        for number, line in self.lines():
            if sought in line:
                yield chain.decode(number, chain.parse(number, line))

    def full(self, entry: Entry) -> Entry:
        """Return the same entry with those of its values that are not erased."""
        return with_values(self._store, entry)

    def now(self) -> str:
        """Return the current time as entries have it: ISO 8601 in UTC."""
        return _iso(self._clock())

    def _entry(
        self, event: Event, event_id: str, records: Sequence[RecordEntry], message: str
    ) -> dict[str, Any]:
        """Return an entry as JSON, after writing its values to the store."""
        entry: dict[str, Any] = chain.common_fields(event, event_id, self.now())
        values: dict[str, Any] = {}
        if message:
            detail = Detail(Topic.MESSAGE, values=(message,))
            entry["message"], values[chain.EVENT] = chain.split_details(chain.EVENT, [detail])
        entry["records"] = []
        for recorded in records:
            chained, kept = chain.encode_record(recorded)
            entry["records"].append(chained)
            if kept is not None:
                values[str(recorded.address)] = kept
        if values:
            entry["values"] = new_blob_name(event.run or event_id)
            data = {"format": chain.FORMAT, "values": values}
            self._store.write(entry["values"], chain.to_bytes(data), None)
        return entry

    def _link(self, entry: dict[str, Any], head: Head) -> Head:
        """Append an entry after ``head``, or at the log's end if later. Return the new head."""
        for _ in range(_ATTEMPTS):
            line, after = chain.seal(entry, head)
            segment, position = divmod(head.number, SEGMENT_SIZE)
            try:
                Log(self._store, _segment(segment)).append(position, line)
            except VersionMoved:
                span, end = self.covered(entry["run"], head.number)
                if span is not None and "journal" in entry:
                    raise UsageError(
                        f"another process is writing run {entry['run']} to the audit log",
                        hint="wait until it ends, then try again: nothing is logged twice",
                    ) from None
                head = end or self.tail()
            else:
                return after
        raise UsageError(
            f"the audit log in {self._store.where} cannot be appended to: it keeps growing",
            hint="find out what else writes to it, then try again",
        )


def _batches(records: Iterable[RecordEntry]) -> Iterator[tuple[list[RecordEntry], bool]]:
    """Yield the records of each entry, at least one, and whether it is the last one."""
    batch: list[RecordEntry] = []
    weight = 0
    for one in records:
        if len(batch) >= MAX_RECORDS or weight >= MAX_CHARACTERS:
            yield batch, False
            batch, weight = [], 0
        batch.append(one)
        weight += sum(len(text) for detail in one.details for text in detail.values or ())
    yield batch, True


def _of_run(run: str, number: int, line: bytes) -> Span | None:
    """Return which lines of a run's journal an entry has; None for an entry of another run."""
    if b'"run":%b' % chain.to_bytes(run) not in line:
        return None
    try:
        entry = chain.parse(number, line)
        return Span(*entry["journal"]) if entry["run"] == run else None
    except (KeyError, TypeError, UsageError):  # a damaged entry must not prevent appending
        return None


def _segment(index: int) -> str:
    return f"{_LOGS}{index:06}"


def _first(segment: str) -> int:
    """Return the number of a segment's first entry."""
    return int(segment.removeprefix(_LOGS)) * SEGMENT_SIZE + 1


def _hash(number: int, line: bytes) -> str:
    """Return an entry's hash, ``""`` for a damaged one, which must not prevent appending."""
    try:
        return chain.unseal(number, line)[1]
    except UsageError:
        return ""


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
