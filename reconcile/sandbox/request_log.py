"""What was called, for tests that count calls: the latest requests, in memory."""

from collections import deque
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


class RequestLog:
    """The requests answered by one server, oldest first; written and read by different threads."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = Lock()
        self._records: deque[RequestRecord] = deque(maxlen=_KEPT)

    def add(self, record: RequestRecord) -> None:
        """Remember one request."""
        with self._lock:
            self._records.append(record)

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

    def shown(self) -> list[dict[str, Any]]:
        """Return what is remembered as JSON can hold it."""
        return [asdict(record) for record in self.all()]
