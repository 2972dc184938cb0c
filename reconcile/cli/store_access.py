"""Access to a store that the user names by URL, and to its lock."""

import os
import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from math import ceil

from reconcile.errors import Locked
from reconcile.project import Settings, allowed_in_project_file, read_variable, variable_of
from reconcile.state.head import require_writable
from reconcile.stores.contract import LEASE, LockInfo, Store
from reconcile.stores.lease import utc_now
from reconcile.stores.store_urls import open_store
from reconcile.stores.this_process import lock_holder


@contextmanager
def store_at(url: str, settings: Settings) -> Iterator[Store]:
    """Open the target's part of the store that a URL, or ``${env:NAME}``, names."""
    variable = variable_of(url)
    named = read_variable(variable, os.environ) if variable else url
    store = open_store(named, settings.local_folder)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def locked(store: Store, doing: str, wait: float, *, url: str = "") -> Iterator[None]:
    """Hold a store's lock; ``url`` names the store if it is not the target's own.

    Raises Locked, with a hint that fits that store, while another run holds it, and
    NewerVersionNeeded where only a newer version of reconcile may write to it.
    """
    require_writable(store)
    since = utc_now()
    with ExitStack() as stack:
        try:
            stack.enter_context(store.lock(LockInfo(lock_holder(), since, doing), timeout=wait))
        except Locked as error:
            if not url:
                raise
            raise Locked(
                str(error),
                hint=f"--lock-timeout {ceil(LEASE * 1.5)} waits, and takes over from a run that "
                f"died; `reconcile lock show {as_argument(url)}` shows how to break the lock of a "
                "run that hangs",
            ) from error
        require_writable(store)  # again: a newer version may have held the lock before
        yield


def as_argument(url: str) -> str:
    """Return a store's URL quoted for a shell, or ``URL`` if it may hold secrets."""
    safe = allowed_in_project_file(url) or url.startswith("file:")
    return shlex.quote(url) if safe else "URL"
