"""Appending to the audit log, and reading it back.

The log lies in the store in pieces, ``audit/000000`` and so on, so that appending never goes
through more than the last one, however long the log is.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from reconcile.audit import codec
from reconcile.audit.values import blob, with_values
from reconcile.errors import UsageError
from reconcile.model.audit import Detail, Entry, Event, Head, Recorded, What
from reconcile.stores.contract import Store, VersionMoved

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
    """The audit log of one store. Appending needs no lock: a race is settled by trying again."""

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
        that speaks of them. Raises what the store raises.
        """
        head = after or self.tail()
        for event in events:
            telling = self.telling(event, head)
            telling.add(event.records)
            head = telling.end(event.message)
        return head

    def telling(self, event: Event, after: Head | None = None) -> "Telling":
        """Begin to put an event at the end of the log, whose records and message come bit by bit;
        see ``append``.
        """
        return Telling(self, event, after or self.tail())

    def tail(self) -> Head:
        """The log's last entry, from the store alone."""
        for piece in reversed(self.pieces()):
            last = next(iter(deque(self.piece(piece), maxlen=1)), None)
            if last is not None:
                return Head(last[0], _hash(*last))
        return _START

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Every entry's number and bytes, in order. Raises UsageError for a damaged log."""
        for piece in self.pieces():
            yield from self.piece(piece)

    def pieces(self) -> list[str]:
        """The names of the log's pieces."""
        return list(self._store.logs(_LOGS))

    def piece(self, name: str) -> Iterator[tuple[int, bytes]]:
        """The numbers and bytes of one piece's entries. Raises UsageError for a damaged one."""
        first = _first(name)
        for position, line in self._store.entries(name):
            yield first + position, line

    def entries(self, *, of: str = "") -> Iterator[Entry]:
        """Every entry, in order, without values. Raises UsageError for a damaged log.

        ``of`` leaves out, unread, entries that do not hold this text as it is; others may remain.
        """
        sought = codec.to_bytes(of) if of else b""
        for number, line in self.lines():
            if sought in line:
                yield codec.decode(number, codec.parse(number, line))

    def full(self, entry: Entry) -> Entry:
        """The same entry with those of its values that are not erased."""
        return with_values(self._store, entry)

    def now(self) -> str:
        """The moment, as entries have it: ISO 8601 in UTC."""
        return _iso(self._clock())

    def link(self, entry: dict[str, Any], head: Head) -> Head:
        """Put an entry after ``head``, or at the log's end where that has moved; the new head."""
        for _ in range(_TRIES):
            line, after = codec.seal(entry, head)
            piece, position = divmod(head.number, PIECE)
            try:
                self._store.append(f"{_LOGS}{piece:06}", position, line)
            except VersionMoved:
                head = self.tail()
            else:
                return after
        raise UsageError(
            f"the audit log in {self._store.where} cannot be appended to: it grows all the time",
            hint="see who else writes to it, then try again",
        )


class Telling:
    """One event on its way into the log, an entry of many records at a time."""

    def __init__(self, log: AuditLog, event: Event, head: Head) -> None:
        self._log = log
        self._event = event
        self._head = head
        self._id = token_hex(6)
        self._entries = 0
        self._records: list[Recorded] = []
        self._weight = 0

    @property
    def head(self) -> Head:
        """The log's head after what of the event is in it."""
        return self._head

    def add(self, records: Iterable[Recorded]) -> None:
        """Records of the event; they are in the log when enough are together, or at the end."""
        for recorded in records:
            self._records.append(recorded)
            self._weight += sum(len(v) for detail in recorded.details for v in detail.values or ())
            if len(self._records) >= BATCH or self._weight >= WEIGHT:
                self._write("")

    def end(self, message: str = "") -> Head:
        """Put what is left into the log, and a message; the log's new head."""
        if self._records or message or not self._entries:
            self._write(message)
        return self._head

    def _write(self, message: str) -> None:
        event, log = self._event, self._log
        entry: dict[str, Any] = codec.body(event, self._id, log.now())
        values: dict[str, Any] = {}
        if message:
            detail = Detail(What.MESSAGE, values=(message,))
            entry["message"], values[codec.EVENT] = codec.split(codec.EVENT, [detail])
        entry["records"] = []
        for recorded in self._records:
            chained, kept = codec.record(recorded)
            entry["records"].append(chained)
            if kept is not None:
                values[str(recorded.address)] = kept
        if values:
            entry["values"] = blob(event.run or self._id, self._id, self._entries)
            data = {"format": codec.FORMAT, "values": values}
            log.store.write(entry["values"], codec.to_bytes(data), None)
        self._head = log.link(entry, self._head)
        self._entries += 1
        self._records, self._weight = [], 0


def _first(piece: str) -> int:
    """The number of a piece's first entry. Raises UsageError for a name that is no piece's."""
    digits = piece.removeprefix(_LOGS)
    if not digits.isdecimal():
        raise UsageError(f"{piece} is no piece of the audit log")
    return int(digits) * PIECE + 1


def _hash(number: int, line: bytes) -> str:
    """What the next entry points back at. A damaged entry must not keep others from the log."""
    try:
        return codec.unseal(number, line)[1]
    except UsageError:
        return ""


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
