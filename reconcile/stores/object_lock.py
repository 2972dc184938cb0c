"""The lock of a bucket: one object that names the holder and changes with every heartbeat.

The clocks of two machines are never compared. The holder counts its lease from before it sent the
last heartbeat; a process that waits counts from when it first saw the object's present version. So
when the lease has ended for the one that waits, it has ended for the holder too.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from secrets import token_hex
from threading import Lock

from pydantic import NonNegativeFloat, TypeAdapter, ValidationError

from reconcile.call_watchdog import watched
from reconcile.errors import Locked, ReconcileError, UsageError
from reconcile.stores.bucket import Bucket, Found
from reconcile.stores.contract import Holder, LockInfo
from reconcile.stores.lease import RenewedLease, locked, monotonic

_NAME = "lock"
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class _Record:
    """The lock's object. ``holder`` is a random id of the holder, empty when the lock is free."""

    fencing_token: int
    holder: str
    lease: NonNegativeFloat
    info: LockInfo


_RECORD = TypeAdapter(_Record)


@dataclass(frozen=True, slots=True)
class _Seen:
    """The lock's object as it was read, with its version."""

    record: _Record
    version: str | None
    found: Found | None


class _HeldLock:
    """The holder's side of the lock, which the heartbeat thread and the release both write."""

    def __init__(self, lock: "ObjectLock", record: _Record, version: str) -> None:
        self._lock = lock
        self._record = record
        self._version = version
        self._turn = Lock()

    def renew(self) -> bool:
        """Send a heartbeat. Return False when another process has the lock."""
        return self._write(self._record)

    def release(self) -> None:
        """Release the lock; the fencing token stays in the object."""
        self._write(_free(self._record.fencing_token))

    def _write(self, record: _Record) -> bool:
        with self._turn:
            for _ in range(_ATTEMPTS):
                version = self._lock.put(record, self._version)
                if version is not None:
                    self._version = version
                    return True
                # A heartbeat whose response was lost may have changed it meanwhile.
                seen = self._lock.see()
                if seen.record.holder != self._record.holder or seen.version is None:
                    return False
                self._version = seen.version
        return False


class ObjectLock:
    """The lock of a bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    @contextmanager
    def hold(self, info: LockInfo, timeout: float, lease: float) -> Iterator[RenewedLease]:
        """See Store.lock."""
        record, version, begun = self._take(info, timeout, lease)
        held = _HeldLock(self, record, version)
        taken = RenewedLease(record.fencing_token, lease, begun, self._bucket.where, held.renew)
        try:
            yield taken
        finally:
            # A lock that cannot be released expires.
            if taken.stop():
                with suppress(ReconcileError):
                    held.release()

    def holder(self) -> Holder | None:
        """See Store."""
        seen = self.see()
        return self._shown(seen) if seen.record.holder else None

    def break_(self, fencing_token: int) -> None:
        """See Store.break_lock. Hold the lock until the former holder's lease has ended."""
        while (seen := self.see()).record.holder:
            if seen.record.fencing_token != fencing_token:
                raise self._locked(seen)
            info = replace(seen.record.info, doing=f"{seen.record.info.doing}, being broken")
            broken = replace(
                seen.record, fencing_token=fencing_token + 1, holder=token_hex(16), info=info
            )
            version = self.put(broken, seen.version)
            if version is not None:
                with watched(f"the end of the broken lock's lease, {broken.lease:.0f} s"):
                    time.sleep(broken.lease)
                _HeldLock(self, broken, version).release()
                return

    def see(self) -> _Seen:
        """Return the object as it is now; a free lock where there is none."""
        found = self._bucket.get(_NAME)
        if found is None:
            return _Seen(_free(0), None, None)
        try:
            return _Seen(_RECORD.validate_json(found.data), found.version, found)
        except ValidationError as error:
            raise UsageError(
                f"the lock of the state in {self._bucket.where} is damaged",
                hint=f"make sure that nothing is running, then remove the object {_NAME}",
            ) from error

    def put(self, record: _Record, expected: str | None) -> str | None:
        """Replace the object. Return its new version, or None where it had another one."""
        return self._bucket.put(_NAME, _RECORD.dump_json(record), expected)

    def _take(self, info: LockInfo, timeout: float, lease: float) -> tuple[_Record, str, float]:
        end = monotonic() + timeout
        same: str | None = None
        since = 0.0
        while True:
            seen = self.see()
            if seen.version != same:
                same, since = seen.version, monotonic()
            age = monotonic() - since
            if not seen.record.holder or age > seen.record.lease:
                begun = monotonic()
                record = _Record(seen.record.fencing_token + 1, token_hex(16), lease, info)
                version = self.put(record, seen.version)
                if version is not None:
                    return record, version, begun
                continue
            left = end - monotonic()
            if left <= 0:
                raise self._locked(seen)
            time.sleep(min(left, max(0.02, min(1.0, seen.record.lease / 10))))

    def _locked(self, seen: _Seen) -> Locked:
        return locked(self._bucket.where, self._shown(seen), seen.record.lease)

    def _shown(self, seen: _Seen) -> Holder:
        age = None
        if seen.found:
            # By the server's clock alone, which only a writer can ask for.
            with suppress(UsageError):
                age = max(0.0, (self._bucket.now() - seen.found.modified).total_seconds())
        return Holder(seen.record.info, seen.record.fencing_token, age)


def _free(fencing_token: int) -> _Record:
    return _Record(fencing_token, "", 0.0, LockInfo("", "", ""))
