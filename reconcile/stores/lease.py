"""What the locks of all backends share: a clock, leases that expire, and the errors of a lock."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from math import ceil

from reconcile.errors import Locked, ReconcileError
from reconcile.stores.contract import Holder, Lease, LockInfo, LockLost

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_MARGIN = 6
"""The holder regards its lease as ending a sixth early, for messages on their way.

Heartbeats are a sixth of the lease apart, too.
"""

_LAST_CALL = 2
"""Half of the lease must be left when the holder sends a call."""

_JOIN_TIMEOUT = 2.0
"""Seconds that the end of a run waits for a heartbeat on its way."""

UNKNOWN_HOLDER = LockInfo("another process", "", "")
"""The holder of a lock whose note cannot be read."""


def monotonic() -> float:
    """Return seconds of a monotonic clock that keeps running while the machine sleeps."""
    return time.clock_gettime(_CLOCK)


def utc_now() -> str:
    """Return the current time as locks, runs and plans record it: ``2026-01-02T03:04:05Z``."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def locked(where: str, holder: Holder, lease: float | None = None) -> Locked:
    """Return the error that names who holds a lock. ``lease`` is given where it can expire."""
    info = holder.info
    message = f"the state in {where} is locked by {info.who}"
    if info.since:
        message += f", since {info.since}, doing {info.doing}"
    cut = f"`reconcile lock break {holder.fencing_token}` takes the lock from a hung run"
    if lease is None:
        return Locked(message, hint=f"wait with --lock-timeout SECONDS; {cut}")
    if holder.heartbeat_age is not None:
        message += f"; last heartbeat {holder.heartbeat_age:.0f} s ago"
        left = max(0.0, lease - holder.heartbeat_age)
        message += (
            f", its lease ends in {left:.0f} s unless renewed" if left else ", its lease has ended"
        )
    wait = f"--lock-timeout {ceil(lease * 1.5)} waits, and takes the lock over from a run that died"
    return Locked(message, hint=f"{wait}; {cut}")


def stuck(where: str, holder: Holder) -> Locked:
    """Return the error for a process that hangs in the middle of a write."""
    return Locked(
        f"{holder.info.who} is hung while writing to the state in {where}",
        hint="let that process continue, or end it: the next run then recovers what it had begun",
    )


def lost(where: str, why: str) -> LockLost:
    """Return the error for a process that may no longer hold its lock."""
    return LockLost(
        f"this run may have lost the lock of the state in {where}: {why}",
        hint="nothing more was sent; see who holds the lock with `reconcile lock show`, then run "
        "the same command again: it continues from there",
    )


class Held:
    """The lease that a store's writes are checked against, while there is one."""

    def __init__(self) -> None:
        self._lease: Lease | None = None

    @contextmanager
    def under(self, lease: Lease) -> Iterator[Lease]:
        """Check writes in the block against a lease."""
        self._lease = lease
        try:
            yield lease
        finally:
            if self._lease is lease:
                self._lease = None

    @property
    def lease(self) -> Lease | None:
        """The lease, or None."""
        return self._lease

    def check(self) -> None:
        """Raise LockLost where the lock was held and may be lost."""
        lease = self._lease
        if lease is not None:
            lease.check()


class RenewedLease:
    """A lock that expires ``lease`` seconds after its last heartbeat, and a thread that sends them.

    ``renew`` sends one. It returns True when the lock was renewed and False when another process
    has it; a ReconcileError means that this is unknown. ``begun`` is when the lock was requested.
    """

    def __init__(
        self, fencing_token: int, lease: float, begun: float, where: str, renew: Callable[[], bool]
    ) -> None:
        self._fencing_token = fencing_token
        self._where = where
        self._renew = renew
        self._every = lease / _MARGIN
        self._usable_for = lease - lease / _MARGIN
        self._last_call = lease / _LAST_CALL
        self._until = begun + self._usable_for
        self._taken_over = False
        self._stopped = threading.Event()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._keep, name="lock", daemon=True)
        self._thread.start()

    @property
    def fencing_token(self) -> int:
        """See Lease."""
        return self._fencing_token

    def check(self) -> None:
        """See Lease."""
        with self._changed:
            while True:
                if self._stopped.is_set():
                    raise lost(self._where, "it was released")
                if self._taken_over:
                    raise lost(self._where, "another process broke it or took it over")
                left = self._until - monotonic()
                if left <= 0:
                    raise lost(self._where, "it could not be renewed in time")
                if left >= self._last_call:
                    return
                self._changed.wait(left)

    def stop(self) -> bool:
        """End the heartbeats. Return False when the last one hangs and may still arrive."""
        self._stopped.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join(_JOIN_TIMEOUT)
        return not self._thread.is_alive()

    def _keep(self) -> None:
        wait = self._every
        while not self._stopped.wait(wait):
            begun = monotonic()
            try:
                renewed = self._renew()
            except ReconcileError:
                # The next try, or the end of the lease, decides.
                wait = self._every / 4
                continue
            with self._changed:
                self._taken_over = not renewed
                if renewed:
                    self._until = begun + self._usable_for
                self._changed.notify_all()
            if not renewed:
                return
            wait = self._every
