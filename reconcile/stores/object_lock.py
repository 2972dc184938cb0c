"""The lock of a bucket: one object that says who holds it, and changes as long as they live.

Nobody compares two machines' clocks. A holder counts from before its last renewal was sent; one
that waits counts from when it first saw the object as it still is. So a lease that the one takes
over has ended for the other.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from secrets import token_hex
from threading import Lock
from typing import Any

from reconcile.call_watchdog import watched
from reconcile.errors import Locked, ReconcileError, UsageError
from reconcile.model.digest import canonical
from reconcile.stores.bucket import Bucket, Found
from reconcile.stores.contract import Holder, LockInfo
from reconcile.stores.lease import RenewedLease, locked, monotonic

_NAME = "lock"
_TRIES = 5
_NO_INFO = LockInfo("", "", "")


@dataclass(frozen=True, slots=True)
class _Record:
    """What the lock's object says. ``token`` is the holder's own, empty when the lock is free."""

    number: int
    token: str = ""
    lease: float = 0.0
    info: LockInfo = _NO_INFO


@dataclass(frozen=True, slots=True)
class _Seen:
    """The lock's object as it was, and when."""

    record: _Record
    version: str | None
    found: Found | None


class _Holding:
    """A holder's own view of its record, which its thread of renewals and its end both write."""

    def __init__(self, lock: "ObjectLock", record: _Record, version: str) -> None:
        self._lock = lock
        self._record = record
        self._version = version
        self._turn = Lock()

    def renew(self) -> bool:
        """Give a heartbeat; False when the lock is somebody else's."""
        return self._write(self._record)

    def release(self) -> None:
        """Let the next one have it, with the number kept."""
        self._write(_Record(self._record.fencing_token))

    def _write(self, record: _Record) -> bool:
        with self._turn:
            for _ in range(_TRIES):
                version = self._lock.put(record, self._version)
                if version is not None:
                    self._version = version
                    return True
                # A renewal whose answer never came may have changed it meanwhile.
                seen = self._lock.see()
                if seen.record.token != self._record.token or seen.version is None:
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
        holding = _Holding(self, record, version)
        taken = RenewedLease(record.fencing_token, lease, begun, self._bucket.where, holding.renew)
        try:
            yield taken
        finally:
            # Where it cannot be released, it ends by itself.
            if taken.stop():
                with suppress(ReconcileError):
                    holding.release()

    def holder(self) -> Holder | None:
        """See Store."""
        seen = self.see()
        return self._shown(seen) if seen.record.token else None

    def break_(self, number: int) -> None:
        """See Store.break_lock: hold it oneself until the former holder's lease is over."""
        while (seen := self.see()).record.token:
            if seen.record.fencing_token != number:
                raise self._locked(seen)
            info = replace(seen.record.info, doing=f"{seen.record.info.doing}, being broken")
            broken = replace(seen.record, number=number + 1, token=token_hex(16), info=info)
            version = self.put(broken, seen.version)
            if version is not None:
                with watched(f"the end of the broken lock's lease, {broken.lease:.0f} s"):
                    time.sleep(broken.lease)
                _Holding(self, broken, version).release()
                return

    def see(self) -> _Seen:
        """The record as it is; a free one where there never was any."""
        found = self._bucket.get(_NAME)
        if found is None:
            return _Seen(_Record(0), None, None)
        try:
            return _Seen(_decode(json.loads(found.data)), found.version, found)
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise UsageError(
                f"the lock of the state in {self._bucket.where} is damaged",
                hint=f"if no run is going on, remove its object {_NAME}",
            ) from error

    def put(self, record: _Record, expected: str | None) -> str | None:
        """Replace the record that has a version; None where that is not what is there."""
        return self._bucket.put(_NAME, canonical(_encode(record)), expected)

    def _take(self, info: LockInfo, timeout: float, lease: float) -> tuple[_Record, str, float]:
        end = monotonic() + timeout
        same: str | None = None
        since = 0.0
        while True:
            seen = self.see()
            if seen.version != same:
                same, since = seen.version, monotonic()
            silent = monotonic() - since
            if not seen.record.token or silent > seen.record.lease:
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
        silent = None
        if seen.found:
            # By the server's clock alone; whoever may not write cannot ask for it.
            with suppress(UsageError):
                silent = max(0.0, (self._bucket.now() - seen.found.modified).total_seconds())
        return Holder(seen.record.info, seen.record.fencing_token, silent)


def _encode(record: _Record) -> dict[str, Any]:
    return {
        "number": record.fencing_token,
        "token": record.token,
        "lease": str(record.lease),
        **asdict(record.info),
    }


def _decode(raw: Mapping[str, Any]) -> _Record:
    info = LockInfo(str(raw["who"]), str(raw["since"]), str(raw["doing"]))
    return _Record(int(raw["number"]), str(raw["token"]), float(raw["lease"]), info)
