"""The lock of a target in PostgreSQL: a row with a lease, which the server's clock alone measures.

It is not an advisory lock: those end with a connection, which a network can cut while the holder
continues to write to HubSpot.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple
from secrets import token_hex

from reconcile.call_watchdog import watched
from reconcile.errors import ReconcileError
from reconcile.stores.contract import Holder, LockInfo
from reconcile.stores.lease import RenewedLease, locked, monotonic
from reconcile.stores.postgres_connection import Busy, Database

_TAKE = """
    insert into reconcile.lock as held
        (target, fencing_token, holder, who, since, doing, lease, renewed)
    values (%(target)s, 1, %(holder)s, %(who)s, %(since)s, %(doing)s, %(lease)s, clock_timestamp())
    on conflict (target) do update set
        fencing_token = held.fencing_token + 1, holder = excluded.holder, who = excluded.who,
        since = excluded.since, doing = excluded.doing, lease = excluded.lease,
        renewed = clock_timestamp()
    where held.holder = '' or held.renewed + make_interval(secs => held.lease) < clock_timestamp()
    returning fencing_token
"""
_RENEW = "update reconcile.lock set renewed = clock_timestamp() where target = %s and holder = %s \
returning fencing_token"
_RELEASE = "update reconcile.lock set holder = '' where target = %s and holder = %s \
returning fencing_token"
_BREAK = """
    update reconcile.lock set
        fencing_token = fencing_token + 1, holder = %s, doing = doing || ', being broken'
    where target = %s and fencing_token = %s and holder <> ''
    returning extract(epoch from renewed + make_interval(secs => lease) - clock_timestamp())
"""
_HOLDER = """
    select who, since, doing, fencing_token, lease,
        extract(epoch from clock_timestamp() - renewed)::double precision
    from reconcile.lock where target = %s and holder <> ''
"""
_POLL = 0.5


class PostgresLock:
    """The lock of a target. A holder sends its heartbeats on a connection of their own."""

    def __init__(self, url: str, target: str, database: Database) -> None:
        self._url = url
        self._target = target
        self._database = database

    @contextmanager
    def hold(self, info: LockInfo, timeout: float, lease: float) -> Iterator[RenewedLease]:
        """See Store.lock."""
        holder_id = token_hex(16)
        fencing_token, begun = self._take(info, timeout, lease, holder_id)
        own = Database(self._url, self._target)

        def renew() -> bool:
            return bool(own.write(_RENEW, (self._target, holder_id)))

        taken = RenewedLease(fencing_token, lease, begun, self._database.where, renew)
        try:
            yield taken
        finally:
            # A lock that cannot be released expires.
            if taken.stop():
                with suppress(ReconcileError):
                    self._database.write(_RELEASE, (self._target, holder_id))
                own.close()

    def holder(self) -> Holder | None:
        """See Store."""
        found = self._read()
        return found[0] if found else None

    def break_(self, fencing_token: int) -> None:
        """See Store.break_lock. Nobody holds the lock for the rest of the former holder's lease."""
        if self._read() is None:
            return
        rows = self._database.write(_BREAK, (token_hex(16), self._target, fencing_token))
        if rows:
            left = max(0.0, float(rows[0][0]))
            with watched(f"the end of the broken lock's lease, {left:.0f} s"):
                time.sleep(left)
            return
        found = self._read()
        if found:
            raise locked(self._database.where, *found)

    def _read(self) -> tuple[Holder, float] | None:
        """Return the holder and its lease in seconds, or None when the lock is free."""
        rows = self._database.read(_HOLDER, (self._target,))
        if not rows:
            return None
        who, since, doing, fencing_token, lease, age = rows[0]
        if age > lease:
            return None
        return Holder(LockInfo(who, since, doing), fencing_token, max(0.0, age)), lease

    def _take(
        self, info: LockInfo, timeout: float, lease: float, holder_id: str
    ) -> tuple[int, float]:
        end = monotonic() + timeout
        who, since, doing = astuple(info)
        values = {"target": self._target, "holder": holder_id, "lease": lease}
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
