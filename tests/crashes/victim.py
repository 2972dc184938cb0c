"""The real program, killed with SIGKILL, or stopped with SIGSTOP, at a chosen point.

``CRASH_AT`` or ``STOP_AT`` says where, as ``WHAT:NUMBER:WHEN``: at which ``append`` to a log, other
``write`` of the store or ``call`` to HubSpot, counted from 1, and whether right ``before`` or right
``after`` it. A call's ``after`` is when HubSpot has answered and nobody has read the answer.
An ``entry`` is a journal's line on its way to a bucket, when the lock has been looked at; a
``copy`` writes all blobs of a state, which PostgreSQL does in few statements; ``lines``
is a call that creates line items, ``upsert`` one that creates or updates by key.
``STOP_FILE`` is made right before stopping. ``LEASE`` is for how many seconds a shared store's lock
outlives its holder, and ``CALL_LIMIT`` for how many a request of a dead run may still arrive, so
that tests need not wait half a minute.
"""

import itertools
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reconcile.applying.run_head import LOGS
from reconcile.cli import main
from reconcile.hubspot.connection import Connection
from reconcile.recovery import recover
from reconcile.stores.bucket import Bucket
from reconcile.stores.local import LocalStore
from reconcile.stores.objects import ObjectStore
from reconcile.stores.postgres import PostgresStore

SHARED: tuple[type, ...] = (ObjectStore, PostgresStore)
POINTS: dict[str, tuple[str, tuple[type, ...]]] = {
    "append": ("write", (LocalStore, *SHARED)),
    "write": ("write", (LocalStore, *SHARED)),
    "call": ("send", (Connection,)),
    "entry": ("put", (Bucket,)),
    "copy": ("write_many", (LocalStore, *SHARED)),
    "lines": ("send", (Connection,)),
    "upsert": ("send", (Connection,)),
}
"""By the word for them: methods, and the classes that have them."""
ONLY: dict[str, Callable[..., bool]] = {
    "append": lambda _, name, *__: name.startswith((LOGS, "audit/")),
    "write": lambda _, name, *__: not name.startswith((LOGS, "audit/")),
    "entry": lambda _, name, *__: name.startswith(LOGS),
    "lines": lambda _, __, path: path.endswith("/line_items/batch/create"),
    "upsert": lambda _, __, path: path.endswith("/batch/upsert"),
}
"""Which of their calls count, where not all do."""


def die() -> None:
    """End, as power cuts do."""
    os.kill(os.getpid(), signal.SIGKILL)


def stop() -> None:
    """Stand still, as laptops do that are closed.

    The signal is for this thread: another one would take it later, and this one go on meanwhile.
    """
    Path(os.environ["STOP_FILE"]).touch()
    signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


def at(point: str, act: Callable[[], None]) -> None:
    """Have something done when the process gets there."""
    what, number, when = point.split(":")
    name, owners = POINTS[what]
    counting = threading.Lock()
    count = itertools.count(1)

    def watched(original: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **named: Any) -> Any:
            if what in ONLY and not ONLY[what](*args):
                return original(*args, **named)
            with counting:
                mine = next(count) == int(number)
            if mine and when == "before":
                act()
            result = original(*args, **named)
            if mine and when == "after":
                act()
            return result

        return counted

    for owner in owners:
        setattr(owner, name, watched(getattr(owner, name)))


def shorten_leases(seconds: float) -> None:
    """Have locks of shared stores end soon after their holders."""
    for store in SHARED:
        defaults = store.lock.__wrapped__.__kwdefaults__  # type: ignore[attr-defined]
        assert "lease" in defaults
        defaults["lease"] = seconds


def run() -> None:
    """Run the program, to be killed or stopped where the environment says."""
    shorten_leases(float(os.environ.get("LEASE", "30")))
    recover.LAST_CALLS_ARRIVE = float(os.environ.get("CALL_LIMIT", "0.1"))
    if point := os.environ.pop("CRASH_AT", ""):
        at(point, die)
    if point := os.environ.pop("STOP_AT", ""):
        at(point, stop)
    main()
