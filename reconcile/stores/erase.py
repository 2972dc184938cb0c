"""Erasing what a target keeps in its folder.

It is begun durably, by a mark in the folder, so that nothing half erased is taken for a state: a
marked folder is good for nothing but being erased again, to the end.
"""

from collections.abc import Callable
from pathlib import Path

from reconcile.errors import Locked, UsageError
from reconcile.stores.contract import LockInfo
from reconcile.stores.local import LocalStore
from reconcile.stores.own_names import is_own_blob, is_own_log
from reconcile.stores.sandbox_in_use import refuse_served, remove_left
from reconcile.stores.state_folder import replace_file, sync_folder, usable

_MARK = "being-erased"


def is_half_erased(home: Path) -> bool:
    """Whether erasing a folder was begun and did not come to its end."""
    return (home / _MARK).exists()


def refuse_half_erased(home: Path) -> None:
    """Raise UsageError for a folder that is half erased."""
    if is_half_erased(home):
        raise UsageError(
            f"the sandbox in {home} is half erased: a `sandbox reset` did not come to its end",
            hint="run `reconcile sandbox reset` again",
        )


def holds_state(home: Path) -> bool:
    """Whether there is anything of a state to erase."""
    store = LocalStore(home)
    return any(map(is_own_blob, store.names(""))) or any(map(is_own_log, store.logs("")))


def _mark(home: Path) -> None:
    """Mark the folder. Raises Locked, with no new mark left, where somebody has the sandbox open.

    Whoever opens it after the mark is there sees the mark, and whoever did before is seen here.
    """
    marked = is_half_erased(home)
    replace_file(home / _MARK, b"")
    try:
        refuse_served(home)
    except Locked:
        if not marked:
            (home / _MARK).unlink()
            sync_folder(home)
        raise


def erase(home: Path, info: LockInfo, erase_data: Callable[[], None]) -> None:
    """Erase a target's state, and with ``erase_data`` its sandbox; the hash key stays.

    Nothing happens while somebody else holds the state's lock, or has the sandbox open: raises
    Locked then.
    """
    store = LocalStore(home)
    with store.lock(info), usable(home):
        _mark(home)
        remove_left(home)
        for log in filter(is_own_log, list(store.logs(""))):
            store.drop(log)
        for name in filter(is_own_blob, list(store.names(""))):
            store.remove(name)
        store.remove_half_written()
        erase_data()
        sync_folder(home)
        (home / _MARK).unlink()
        sync_folder(home)
