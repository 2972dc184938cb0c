"""What every request uses, open as long as the server runs."""

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from reconcile.sandbox.clock import Clock
from reconcile.sandbox.faults.fault_rules import Faults
from reconcile.sandbox.rules.api_call import Call
from reconcile.sandbox.rules.persisted_counts import PersistedCounts
from reconcile.sandbox.rules.rate_limits import Limits
from reconcile.sandbox.storage import database_file
from reconcile.sandbox.storage.property_table import Definitions
from reconcile.sandbox.storage.request_log import RequestLog
from reconcile.sandbox.storage.request_store import RequestStore
from reconcile.sandbox.storage.side_file import SideFile
from reconcile.sandbox.switches import Switches


@dataclass
class Runtime:
    """What every request uses, open as long as the server runs."""

    path: Path
    connection: sqlite3.Connection
    switches: Switches
    portal_id: int
    base_url: str
    log: RequestLog
    clock: Clock
    limits: Limits
    faults: Faults
    apps: str
    """The app and the account, as a refusal's group name spells them."""

    requests: RequestStore
    """The same log in a file, for the page."""

    definitions: Definitions = field(default_factory=Definitions)
    counts: dict[tuple[int, int], dict[str, int]] = field(default_factory=dict)
    """The page's last counts of records by type, for each version of the data."""

    def call(self, now: int) -> Call:
        """Return a call at a moment, without any scopes."""
        return Call(
            connection=self.connection,
            definitions_cache=self.definitions,
            switches=self.switches,
            portal_id=self.portal_id,
            scopes=frozenset(),
            base_url=self.base_url,
            limits=self.limits,
            now=now,
        )


def open_runtime(
    path: Path,
    switches: Switches,
    base_url: str,
    log: RequestLog,
    *,
    clock: Clock,
    limits: Limits,
    faults: Faults,
    resumes_clock: bool,
) -> Runtime:
    """Open the database for serving."""
    connection = database_file.connect(path)
    try:
        portal_id = database_file.account_value(connection, "portal_id")
        apps = f"{database_file.account_value(connection, 'app_id')}:{portal_id}"
    except BaseException:
        connection.close()
        raise
    file, counts = SideFile(path), PersistedCounts(limits, clock)
    counts.load(file, with_clock=resumes_clock)
    requests = RequestStore(file, log, counts)
    return Runtime(
        path, connection, switches, portal_id, base_url, log, clock, limits, faults, apps, requests
    )
