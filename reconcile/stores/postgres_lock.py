"""The lock of a target in PostgreSQL: a row with a lease, judged by the server's clock alone.

Not an advisory lock: those end with a connection, which a network can cut while the holder goes on
writing to HubSpot.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple
from secrets import token_hex

from reconcile.call_watchdog import watched
from reconcile.errors import ReconcileError
from reconcile.stores.contract import Holder, LockInfo
from reconcile.stores.database import Busy, Database
from reconcile.stores.lease import RenewedLease, locked, monotonic

_TAKE = """
    insert into reconcile.lock as held (home, number, token, who, since, doing, lease, renewed)
    values (%(home)s, 1, %(token)s, %(who)s, %(since)s, %(doing)s, %(lease)s, clock_timestamp())
    on conflict (home) do update set
        number = held.number + 1, token = excluded.token, who = excluded.who,
        since = excluded.since, doing = excluded.doing, lease = excluded.lease,
        renewed = clock_timestamp()
    where held.token = '' or held.renewed + make_interval(secs => held.lease) < clock_timestamp()
    returning number
"""
_RENEW = "update reconcile.lock set renewed = clock_timestamp() where home = %s and token = %s \
returning number"
_RELEASE = "update reconcile.lock set token = '' where home = %s and token = %s returning number"
_BREAK = """
    update reconcile.lock set number = number + 1, token = %s, doing = doing || ', being broken'
    where home = %s and number = %s and token <> ''
    returning extract(epoch from renewed + make_interval(secs => lease) - clock_timestamp())
"""
_HOLDER = """
    select who, since, doing, number, lease,
        extract(epoch from clock_timestamp() - renewed)::double precision
    from reconcile.lock where home = %s and token <> ''
"""
_POLL = 0.5


class PostgresLock:
    """The lock of ``home``. A holder gives its heartbeats on a connection of their own."""

    def __init__(self, url: str, home: str, database: Database) -> None:
        self._url = url
        self._home = home
        self._database = database

    @contextmanager
    def hold(self, info: LockInfo, timeout: float, lease: float) -> Iterator[RenewedLease]:
        """See Store.lock."""
        token = token_hex(16)
        number, begun = self._take(info, timeout, lease, token)
        own = Database(self._url, self._home)

        def renew() -> bool:
            return bool(own.write(_RENEW, (self._home, token)))

        taken = RenewedLease(number, lease, begun, self._database.where, renew)
        try:
            yield taken
        finally:
            # Where it cannot be released, it ends by itself.
            if taken.stop():
                with suppress(ReconcileError):
                    self._database.write(_RELEASE, (self._home, token))
                own.close()

    def holder(self) -> Holder | None:
        """See Store."""
        found = self._read()
        return found[0] if found else None

    def break_(self, number: int) -> None:
        """See Store.break_lock. What is left of the former holder's lease holds for nobody."""
        if self._read() is None:
            return
        rows = self._database.write(_BREAK, (token_hex(16), self._home, number))
        if rows:
            left = max(0.0, float(rows[0][0]))
            with watched(f"the end of the broken lock's lease, {left:.0f} s"):
                time.sleep(left)
            return
        found = self._read()
        if found:
            raise locked(self._database.where, *found)

    def _read(self) -> tuple[Holder, float] | None:
        """Who holds the lock, and for how long without a heartbeat; None when it is free."""
        rows = self._database.read(_HOLDER, (self._home,))
        if not rows:
            return None
        who, since, doing, number, lease, silent = rows[0]
        if silent > lease:
            return None
        return Holder(LockInfo(who, since, doing), number, max(0.0, silent)), lease

    def _take(self, info: LockInfo, timeout: float, lease: float, token: str) -> tuple[int, float]:
        end = monotonic() + timeout
        who, since, doing = astuple(info)
        values = {"home": self._home, "token": token, "lease": lease}
        values |= {"who": who, "since": since, "doing": doing}
        while True:
            begun = monotonic()
            try:
                rows = self._database.write(_TAKE, values)
            except Busy:
                if monotonic() >= end:
                    raise
                continue
            if rows:
                return int(rows[0][0]), begun
            found = self._read()
            left = end - monotonic()
            if found and left <= 0:
                raise locked(self._database.where, *found)
            time.sleep(max(0.0, min(left, _POLL, lease / 10)))
