"""A running sandbox: a uvicorn server on a background thread, on loopback and nowhere else."""

import asyncio
import ipaddress
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn

from reconcile.sandbox.clock import Clock
from reconcile.sandbox.faults.connections import Listener
from reconcile.sandbox.faults.fault_rules import Faults
from reconcile.sandbox.page.link_key import key_of
from reconcile.sandbox.rules.rate_limits import Limits
from reconcile.sandbox.runtime import open_runtime
from reconcile.sandbox.server import app, seed
from reconcile.sandbox.storage import database_file
from reconcile.sandbox.storage.file_diagnosis import explained
from reconcile.sandbox.storage.request_log import RequestLog, RequestRecord
from reconcile.sandbox.switches import Switches

_POLL_SECONDS = 0.002


class Sandbox:
    """Serves the database at ``path``, which is made if it does not exist, and keeps it.

    ``seed`` is loaded once, when the database is made. ``plan`` sets the limits of calls; without
    one nothing is refused. Use it as a context manager.
    """

    def __init__(
        self,
        path: Path,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        seed: Path | None = None,
        switches: Switches | None = None,
        plan: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Keep the settings; nothing is opened before the context is entered."""
        self._path = Path(path)
        self._host = _loopback(host)
        self._wanted_port = port
        self._seed = seed
        self._switches = switches or Switches()
        self._log = RequestLog()
        self.clock = clock or Clock()
        self._resumes_clock = clock is None
        self.limits = Limits(plan, self._switches)
        self.faults = Faults()
        self._server: uvicorn.Server | None = None
        self._ended = threading.Event()
        self._ended.set()
        self.port = port
        self.token = ""
        self.portal_id = 0

    @property
    def url(self) -> str:
        """Return the address that clients use in place of https://api.hubapi.com."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    @property
    def page_url(self) -> str:
        """Return the link to the page for people; anyone who has the link can look."""
        return f"{self.url}/?key={key_of(self.token)}"

    def __enter__(self) -> Self:
        """Make the database if necessary and start to serve it."""
        now = self.clock.now_ms()
        with explained(self._path):
            database_file.create(self._path, seed.filler(self._seed, self._switches, now), now)
            with closing(database_file.connect(self._path)) as connection:
                self.token = database_file.full_token(connection)
                self.portal_id = database_file.account_value(connection, "portal_id")
            self._serve()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop serving; the data stays."""
        if self._server is not None:
            self._server.should_exit = True
            self.wait()
        self._server = None

    def add_token(self, scopes: Iterable[str]) -> str:
        """Make another token, with these scopes only."""
        with self._writing() as connection:
            return database_file.add_token(connection, frozenset(scopes))

    def revoke_token(self, token: str) -> None:
        """Revoke a token."""
        with self._writing() as connection:
            connection.execute("UPDATE token SET revoked = 1 WHERE token = ?", (token,))

    def requests(self) -> list[RequestRecord]:
        """Return the requests since the start or the last clearing, oldest first."""
        return self._log.all()

    def clear_requests(self) -> None:
        """Clear the log of requests."""
        self._log.clear()

    def wait(self) -> None:
        """Block until the server stops, or until interrupted.

        Joining its thread would not do: a join that is interrupted leaves the thread for dead
        (CPython 3.11), and the next one would not wait for its last writes.
        """
        self._ended.wait()

    @staticmethod
    def check_reset(path: Path) -> None:
        """Raise UnusableError if the file at ``path`` is another program's database."""
        database_file.refuse_foreign(Path(path))

    @staticmethod
    def reset(path: Path) -> None:
        """Erase the database at ``path``, or its remains."""
        database_file.erase(Path(path))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Write to the database from outside the server's thread."""
        with (
            closing(database_file.connect(self._path)) as connection,
            database_file.transaction(connection, write=True),
        ):
            yield connection

    def _serve(self) -> None:
        listener = Listener(self._host, self._wanted_port)
        self.port = listener.getsockname()[1]
        try:
            runtime = open_runtime(
                self._path,
                self._switches,
                self.url,
                self._log,
                clock=self.clock,
                limits=self.limits,
                faults=self.faults,
                resumes_clock=self._resumes_clock,
            )
        except BaseException:
            listener.close()
            raise
        config = uvicorn.Config(
            listener.known_to(app.build(runtime)),
            loop="asyncio",
            http="h11",
            proxy_headers=False,  # a request's client is who is connected
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        self._server = server

        def run() -> None:
            # Off the main thread uvicorn leaves signal handlers alone.
            try:
                with listener, closing(runtime.connection):
                    try:
                        asyncio.run(server.serve(sockets=[listener]))
                    finally:
                        runtime.requests.close()
            finally:
                self._ended.set()

        self._ended.clear()
        threading.Thread(target=run, name=f"sandbox-{self.port}", daemon=True).start()
        while not server.started:
            if self._ended.wait(_POLL_SECONDS):
                raise RuntimeError("the sandbox's server did not start")


def _loopback(host: str) -> str:
    """Return the address to bind. Raise ValueError if another machine could reach it."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise ValueError(f"the sandbox binds loopback addresses only, not {host!r}") from None
    if not address.is_loopback:
        raise ValueError(f"the sandbox binds loopback addresses only, not {host!r}")
    return str(address)
