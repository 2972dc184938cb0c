"""What the locks of all homes share: the clock, leases that end, and how others' locks are told."""

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
"""The share of a lease, one in so many, that a holder gives up for what is on its way.

Heartbeats are that far apart, too.
"""

_LAST_CALL = 2
"""The share of a lease, one in so many, that a holder must still have when it sends something."""

_PATIENCE = 2.0
"""Seconds that the end of a run waits for a heartbeat on its way."""

UNKNOWN_HOLDER = LockInfo("another process", "", "")
"""Whoever holds a lock whose note cannot be read."""


def monotonic() -> float:
    """Seconds on a clock that nobody sets, and that goes on while the machine sleeps."""
    return time.clock_gettime(_CLOCK)


def utc_now() -> str:
    """Return this moment as locks, runs and plans note it: ``2026-01-02T03:04:05Z``."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def locked(where: str, holder: Holder, lease: float | None = None) -> Locked:
    """The error that names who holds a lock. ``lease`` is given where others can outlive it."""
    info = holder.info
    message = f"the state in {where} is locked by {info.who}"
    if info.since:
        message += f", since {info.since}, doing {info.doing}"
    cut = f"`reconcile lock break {holder.fencing_token}` takes the lock from a run that hangs"
    if lease is None:
        return Locked(message, hint=f"wait with --lock-timeout SECONDS; {cut}")
    if holder.heartbeat_age is not None:
        message += f"; its last heartbeat was about {holder.heartbeat_age:.0f} s ago"
        left = max(0.0, lease - holder.heartbeat_age)
        message += (
            f", and its lease ends about {left:.0f} s from now unless renewed"
            if left
            else ", longer than its lease"
        )
    wait = f"--lock-timeout {ceil(lease * 1.5)} waits, and takes over from a run that died"
    return Locked(message, hint=f"{wait}; {cut}")


def stuck(where: str, holder: Holder) -> Locked:
    """The error of those who wait for a process that stands still in the middle of a write."""
    return Locked(
        f"{holder.info.who} stands still while it writes to the state in {where}",
        hint="have that process go on, or end it: what it had begun is then settled by the next "
        "run",
    )


def lost(where: str, why: str) -> LockLost:
    """The error of a holder that is none any more."""
    return LockLost(
        f"the lock of the state in {where} is no longer surely ours: {why}",
        hint="nothing more was sent; look who holds it with `reconcile lock show`, then run the "
        "same command again: it goes on from there",
    )


class Held:
    """The lease that a store's writes go under, while there is one."""

    def __init__(self) -> None:
        self._lease: Lease | None = None

    @contextmanager
    def under(self, lease: Lease) -> Iterator[Lease]:
        """Have writes checked against a lease."""
        self._lease = lease
        try:
            yield lease
        finally:
            if self._lease is lease:
                self._lease = None

    @property
    def lease(self) -> Lease | None:
        """The lease, if there is one."""
        return self._lease

    def check(self) -> None:
        """Raise LockLost where a lock was held and is lost."""
        lease = self._lease
        if lease is not None:
            lease.check()


class RenewedLease:
    """A lock that ends ``lease`` seconds after its last heartbeat, and a thread that gives them.

    ``renew`` gives one: True when it was taken, False when somebody else has the lock; a
    ReconcileError means that it could not be told. ``begun`` is when asking for the lock began.
    """

    def __init__(
        self, number: int, lease: float, begun: float, where: str, renew: Callable[[], bool]
    ) -> None:
        self._number = number
        self._where = where
        self._renew = renew
        self._every = lease / _MARGIN
        self._good_for = lease - lease / _MARGIN
        self._last_call = lease / _LAST_CALL
        self._until = begun + self._good_for
        self._taken = False
        self._stopped = threading.Event()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._keep, name="lock", daemon=True)
        self._thread.start()

    @property
    def number(self) -> int:
        """See Lease."""
        return self._number

    def check(self) -> None:
        """See Lease."""
        with self._changed:
            while True:
                if self._stopped.is_set():
                    raise lost(self._where, "it was given back")
                if self._taken:
                    raise lost(self._where, "somebody else broke it or took it over")
                left = self._until - monotonic()
                if left <= 0:
                    raise lost(self._where, "it could not be renewed in time")
                if left >= self._last_call:
                    return
                self._changed.wait(left)

    def stop(self) -> bool:
        """End the heartbeats. False when the last one hangs, and may still arrive."""
        self._stopped.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join(_PATIENCE)
        return not self._thread.is_alive()

    def _keep(self) -> None:
        wait = self._every
        while not self._stopped.wait(wait):
            begun = monotonic()
            try:
                renewed = self._renew()
            except ReconcileError:
                # The next try, or the end of the lease, will tell.
                wait = self._every / 4
                continue
            with self._changed:
                self._taken = not renewed
                if renewed:
                    self._until = begun + self._good_for
                self._changed.notify_all()
            if not renewed:
                return
            wait = self._every
