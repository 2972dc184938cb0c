"""The log of requests in a file, so that the page can show what an earlier server answered.

An apply on the embedded sandbox serves, writes and stops; who looks at it afterwards starts
another server. Requests are kept in memory first and saved at intervals, at the latest when
the server stops: a killed server loses the last second of its log, never data.
"""

import json
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from typing import Any, Protocol

from reconcile.sandbox.storage.request_log import RequestLog, RequestRecord
from reconcile.sandbox.storage.side_file import SideFile
from reconcile.sandbox.wire_format import iso, now_ms

KEPT = 20_000
"""How many requests the file keeps, the newest ones."""

_WORDS = 1_000
_AT_ONCE = 500
_AT_MOST_SECONDS = 1.0
_FIELDS = "method, path, query, status, inputs, at, milliseconds, outcome, committed, faults"
_FILTERS = {
    "all": "1",
    "writes": (
        "method <> 'GET' AND path NOT LIKE '%/read' AND path NOT LIKE '%/search' "
        "AND path NOT LIKE '/oauth/%'"
    ),
    "failures": "(status >= 400 OR status IN (0, 207))",
}
FILTERS = tuple(_FILTERS)


@dataclass(frozen=True)
class StoredRequest:
    """One request, and the server that answered it, named by the instant of its start."""

    number: int
    server: str
    record: RequestRecord


class SavedCounts(Protocol):
    """Counts that are saved to the same file."""

    def have_changed(self) -> bool:
        """Return whether they differ from what was saved last."""

    def write(self, connection: sqlite3.Connection) -> None:
        """Save them."""


class RequestStore:
    """One server's log of requests in the side file, saved together with its counts."""

    def __init__(self, file: SideFile, log: RequestLog, counts: SavedCounts) -> None:
        """Subscribe to the log."""
        self._file = file
        self._log = log
        self._counts = counts
        self._server = iso(now_ms())
        self._saved_at = time.monotonic()
        log.on_add = self._after

    def save(self) -> None:
        """Save what is not saved yet; if the file is busy or damaged, the next call tries again."""
        self._saved_at = time.monotonic()
        cleared, fresh = self._log.take_unsaved()
        if not (cleared or fresh or self._counts.have_changed()):
            return

        def write(connection: sqlite3.Connection) -> None:
            self._write(connection, fresh, cleared=cleared)
            self._counts.write(connection)

        if not self._file.write(write):
            self._log.give_back(fresh, cleared=cleared)

    def close(self) -> None:
        """Save the rest and close the file."""
        self.save()
        self._file.close()

    def page(
        self,
        *,
        limit: int,
        only: str = "all",
        before: int | None = None,
        after: int | None = None,
    ) -> list[StoredRequest]:
        """Return the newest requests, or those right below or above a number; newest first.

        ``only`` is one of ``FILTERS``.
        """
        way = "DESC" if after is None else "ASC"
        rows = self._file.read(
            f"SELECT number, server, {_FIELDS} FROM request "  # noqa: S608 - constant text
            "WHERE (?1 IS NULL OR number < ?1) AND (?2 IS NULL OR number > ?2) "
            f"AND {_FILTERS[only]} ORDER BY number {way} LIMIT ?3",
            (before, after, limit),
        )
        found = [_stored(row) for row in rows]
        return found if after is None else found[::-1]

    def find(self, number: int) -> StoredRequest | None:
        """Return one request, or None."""
        rows = self._file.read(
            f"SELECT number, server, {_FIELDS} FROM request "  # noqa: S608 - constant text
            "WHERE number = ?",
            (number,),
        )
        return _stored(rows[0]) if rows else None

    def tallies(self, servers: Iterable[str]) -> dict[str, dict[str, int]]:
        """Return the number of requests to each server, by the names of ``FILTERS``."""
        sums = ", ".join(f"coalesce(sum({test}), 0)" for test in _FILTERS.values())
        query = f"SELECT {sums} FROM request WHERE server = ?"  # noqa: S608 - constant text
        return {
            server: dict(zip(_FILTERS, self._file.read(query, (server,))[0], strict=True))
            for server in servers
        }

    def _after(self, unsaved: int) -> None:
        due = time.monotonic() - self._saved_at > _AT_MOST_SECONDS
        if due or unsaved >= _AT_ONCE:
            self.save()

    def _write(
        self, connection: sqlite3.Connection, fresh: Iterable[RequestRecord], *, cleared: bool
    ) -> None:
        if cleared:
            connection.execute("DELETE FROM request")
        connection.executemany(
            f"INSERT INTO request (server, {_FIELDS}) "  # noqa: S608 - constant text
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            ((self._server, *astuple(one)) for one in fresh),
        )
        connection.execute(
            "DELETE FROM request WHERE number <= (SELECT max(number) FROM request) - ?", (KEPT,)
        )


def outcome(status: int, body: bytes) -> str:
    """Return HubSpot's message from an answer, or an empty text for a complete success."""
    if status < 400 and status != 207:
        return ""
    try:
        answer = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(answer, dict):
        return ""
    if status == 207:
        done, failed = len(answer.get("results", ())), answer.get("errors", ())
        words = sorted({str(one.get("message", "")) for one in failed if isinstance(one, dict)})
        return f"{done} done, {len(failed)} failed: {' / '.join(words)}"[:_WORDS]
    return str(answer.get("message", ""))[:_WORDS]


def _stored(row: tuple[Any, ...]) -> StoredRequest:
    number, server, *values = row
    named = dict(zip(_FIELDS.split(", "), values, strict=True))
    named["committed"] = bool(named["committed"])
    return StoredRequest(number, server, RequestRecord(**named))
