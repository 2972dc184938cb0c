"""The latest requests, in memory, for tests that count calls."""

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
    """How many inputs its body had; 0 if it was not a batch."""

    at: str
    """When the answer was ready, in HubSpot's format."""

    milliseconds: float
    """How long the answer took."""

    outcome: str = ""
    """HubSpot's message, unless the answer was a complete success."""

    committed: bool = False
    """Whether the request's writes were committed, whatever the client received."""

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
        """Called after each request with the number that ``take_unsaved`` has not returned."""

    def add(self, record: RequestRecord) -> None:
        """Add one request."""
        with self._lock:
            self._records.append(record)
            self._unsaved.append(record)
            unsaved = len(self._unsaved)
        if self.on_add is not None:
            self.on_add(unsaved)

    def __len__(self) -> int:
        """Return the number of requests."""
        return len(self._records)

    def all(self) -> list[RequestRecord]:
        """Return all requests."""
        with self._lock:
            return list(self._records)

    def clear(self) -> None:
        """Clear the log."""
        with self._lock:
            self._records.clear()
            self._unsaved.clear()
            self._cleared = True

    def take_unsaved(self) -> tuple[bool, list[RequestRecord]]:
        """Return the requests since the last call, and whether the log was cleared before them."""
        with self._lock:
            taken = (self._cleared, list(self._unsaved))
            self._unsaved.clear()
            self._cleared = False
        return taken

    def give_back(self, records: Iterable[RequestRecord], *, cleared: bool) -> None:
        """Put back requests that could not be saved."""
        with self._lock:
            if not self._cleared:
                self._unsaved.extendleft(reversed(list(records)))
            self._cleared = self._cleared or cleared

    def shown(self) -> list[dict[str, Any]]:
        """Return all requests as JSON can hold them."""
        return [asdict(record) for record in self.all()]
