"""What was called, for tests that count calls: the latest requests, in memory."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any

_KEPT = 100_000


@dataclass(frozen=True)
class RequestRecord:
    """One request that was answered."""

    method: str
    path: str
    query: str
    status: int
    inputs: int
    """How many inputs its body had; 0 when it was no batch."""

    at: str
    """When the answer was ready, as HubSpot writes instants."""

    milliseconds: float
    """How long the answer took."""

    outcome: str = ""
    """HubSpot's words where the answer was no plain success."""

    committed: bool = False
    """Whether what the request asked to write was written, whatever the client was told."""

    faults: str = ""
    """The faults that struck it; a request that got no answer has status 0."""


class RequestLog:
    """The requests answered by one server, oldest first; written and read by different threads."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = Lock()
        self._records: deque[RequestRecord] = deque(maxlen=_KEPT)
        self._unsaved: deque[RequestRecord] = deque(maxlen=_KEPT)
        self._cleared = False
        self.on_add: Callable[[int], None] | None = None
        """Told after each request how many have not been taken by ``take_unsaved``."""

    def add(self, record: RequestRecord) -> None:
        """Remember one request."""
        with self._lock:
            self._records.append(record)
            self._unsaved.append(record)
            unsaved = len(self._unsaved)
        if self.on_add is not None:
            self.on_add(unsaved)

    def __len__(self) -> int:
        """Count what is remembered."""
        return len(self._records)

    def all(self) -> list[RequestRecord]:
        """Return what is remembered."""
        with self._lock:
            return list(self._records)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._records.clear()
            self._unsaved.clear()
            self._cleared = True

    def take_unsaved(self) -> tuple[bool, list[RequestRecord]]:
        """Return what came since the last taking, and whether the log was cleared before it."""
        with self._lock:
            taken = (self._cleared, list(self._unsaved))
            self._unsaved.clear()
            self._cleared = False
        return taken

    def give_back(self, records: Iterable[RequestRecord], *, cleared: bool) -> None:
        """Undo a taking that led to nothing."""
        with self._lock:
            if not self._cleared:
                self._unsaved.extendleft(reversed(list(records)))
            self._cleared = self._cleared or cleared

    def shown(self) -> list[dict[str, Any]]:
        """Return what is remembered as JSON can hold it."""
        return [asdict(record) for record in self.all()]
