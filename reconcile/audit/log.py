"""Appending to the audit log, and reading it back.

The log lies in the store in pieces, ``audit/000000`` and so on, so that appending never goes
through more than the last one, however long the log is.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from reconcile.audit import chain
from reconcile.audit.value_store import blob, with_values
from reconcile.errors import UsageError
from reconcile.model.audit import Detail, Entry, Event, Head, RecordEntry, Span, Topic
from reconcile.stores.contract import Store, VersionMoved
from reconcile.stores.own_names import is_log

PIECE = 64
"""Entries in one piece of the log."""
BATCH = 500
"""Most records in one entry."""
WEIGHT = 1_000_000
"""Characters of values after which an entry takes no more records."""

_LOGS = "audit/"
_TRIES = 100
_START = Head(0, "")


def _now() -> datetime:
    return datetime.now(UTC)


class AuditLog:
    """The audit log of one store. Appending needs no lock: who loses a race tries again."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime] = _now) -> None:
        self._store = store
        self._clock = clock

    @property
    def store(self) -> Store:
        """Where the log lies."""
        return self._store

    def append(self, events: Iterable[Event], after: Head | None = None) -> Head:
        """Put events at the end of the log; its new head.

        ``after`` is the head that the state keeps. What was appended since then is found; what is
        missing before it stays missing, for ``verify`` to see. Values are written before the entry
        that speaks of them. Raises what the store raises, and UsageError where another process
        has put entries of the same run into the log since ``after``.
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
        """The log's last entry, from the store alone."""
        for piece in reversed(self.pieces()):
            last = next(iter(deque(self.piece(piece), maxlen=1)), None)
            if last is not None:
                return Head(last[0], _hash(*last))
        return _START

    def lines(self, after: int = 0) -> Iterator[tuple[int, bytes]]:
        """Number and bytes of every entry after one, in order. Raises UsageError for damage."""
        for piece in self.pieces():
            if _first(piece) + PIECE > after + 1:
                yield from self.piece(piece, after)

    def pieces(self) -> list[str]:
        """The names of the log's pieces."""
        return list(filter(is_log, self._store.logs(_LOGS)))

    def piece(self, name: str, after: int = 0) -> Iterator[tuple[int, bytes]]:
        """The numbers and bytes of one piece's entries. Raises UsageError for a damaged one."""
        first = _first(name)
        for position, line in self._store.entries(name, max(after + 1 - first, 0)):
            yield first + position, line

    def covered(self, run: str, after: int) -> tuple[Span | None, Head | None]:
        """Return what the log has of a run's journal, and the log's end.

        Only entries after the one numbered ``after`` are looked at; without any, the end is None.
        """
        span, head = None, None
        for number, line in self.lines(after):
            head = Head(number, _hash(number, line))
            span = _of_run(run, number, line) or span
        return span, head

    def entries(self, *, of: str = "") -> Iterator[Entry]:
        """Every entry, in order, without values. Raises UsageError for a damaged log.

        ``of`` leaves out, unread, entries that do not hold this text as it is; others may remain.
        """
        sought = chain.to_bytes(of) if of else b""
        for number, line in self.lines():
            if sought in line:
                yield chain.decode(number, chain.parse(number, line))

    def full(self, entry: Entry) -> Entry:
        """The same entry with those of its values that are not erased."""
        return with_values(self._store, entry)

    def now(self) -> str:
        """The moment, as entries have it: ISO 8601 in UTC."""
        return _iso(self._clock())

    def _entry(
        self, event: Event, event_id: str, records: Sequence[RecordEntry], message: str
    ) -> dict[str, Any]:
        """Return an entry as JSON. Its values are in the store then."""
        entry: dict[str, Any] = chain.body(event, event_id, self.now())
        values: dict[str, Any] = {}
        if message:
            detail = Detail(Topic.MESSAGE, values=(message,))
            entry["message"], values[chain.EVENT] = chain.split(chain.EVENT, [detail])
        entry["records"] = []
        for recorded in records:
            chained, kept = chain.record(recorded)
            entry["records"].append(chained)
            if kept is not None:
                values[str(recorded.address)] = kept
        if values:
            entry["values"] = blob(event.run or event_id)
            data = {"format": chain.FORMAT, "values": values}
            self._store.write(entry["values"], chain.to_bytes(data), None)
        return entry

    def _link(self, entry: dict[str, Any], head: Head) -> Head:
        """Put an entry after ``head``, or at the log's end where that has moved; the new head."""
        for _ in range(_TRIES):
            line, after = chain.seal(entry, head)
            piece, position = divmod(head.number, PIECE)
            try:
                self._store.append(f"{_LOGS}{piece:06}", position, line)
            except VersionMoved:
                span, end = self.covered(entry["run"], head.number)
                if span is not None and "journal" in entry:
                    raise UsageError(
                        f"another process writes run {entry['run']} to the audit log",
                        hint="wait until it has ended, then try again: nothing is recorded twice",
                    ) from None
                head = end or self.tail()
            else:
                return after
        raise UsageError(
            f"the audit log in {self._store.where} cannot be appended to: it grows all the time",
            hint="see who else writes to it, then try again",
        )


def _batches(records: Iterable[RecordEntry]) -> Iterator[tuple[list[RecordEntry], bool]]:
    """Yield the records of each entry, and whether it is the last one: there is one at least."""
    batch: list[RecordEntry] = []
    weight = 0
    for one in records:
        if len(batch) >= BATCH or weight >= WEIGHT:
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
    except (KeyError, TypeError, UsageError):  # a damaged entry must not keep others from the log
        return None


def _first(piece: str) -> int:
    """Return the number of a piece's first entry."""
    return int(piece.removeprefix(_LOGS)) * PIECE + 1


def _hash(number: int, line: bytes) -> str:
    """What the next entry points back at. A damaged entry must not keep others from the log."""
    try:
        return chain.unseal(number, line)[1]
    except UsageError:
        return ""


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
