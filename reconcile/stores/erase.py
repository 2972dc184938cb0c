"""Erase what a target keeps in its folder.

A marker file is written durably first, so that nothing half erased is taken for a state. A marked
folder can only be erased again, until it is finished.
"""

from collections.abc import Callable
from pathlib import Path

from reconcile.atomic_files import sync_folder
from reconcile.errors import Locked, UsageError
from reconcile.stores.contract import LockInfo
from reconcile.stores.local import LocalStore
from reconcile.stores.own_names import is_own_blob
from reconcile.stores.sandbox_in_use import refuse_served, remove_left
from reconcile.stores.state_folder import replace_file, usable

_MARK = "being-erased"


def is_half_erased(folder: Path) -> bool:
    """Return whether erasing a folder was begun and interrupted."""
    return (folder / _MARK).exists()


def refuse_half_erased(folder: Path) -> None:
    """Raise UsageError for a half-erased folder."""
    if is_half_erased(folder):
        raise UsageError(
            f"the sandbox in {folder} is half erased: a `sandbox reset` was interrupted",
            hint="run `reconcile sandbox reset` again",
        )


def holds_state(folder: Path) -> bool:
    """Return whether there is anything of a state to erase."""
    return any(map(is_own_blob, LocalStore(folder).names("")))


def _mark(folder: Path) -> None:
    """Mark the folder. Raise Locked, without leaving a new mark, where the sandbox is in use.

    A process that opens the sandbox after this sees the mark; one that did before is seen here.
    """
    marked = is_half_erased(folder)
    replace_file(folder / _MARK, b"")
    try:
        refuse_served(folder)
    except Locked:
        if not marked:
            (folder / _MARK).unlink()
            sync_folder(folder)
        raise


def erase(folder: Path, info: LockInfo, erase_data: Callable[[], None]) -> None:
    """Erase a target's state, and with ``erase_data`` its sandbox; keep the hash key.

    Raise Locked, and erase nothing, while another process holds the state's lock or serves the
    sandbox.
    """
    store = LocalStore(folder)
    with store.lock(info), usable(folder):
        _mark(folder)
        remove_left(folder)
        store.remove(*filter(is_own_blob, store.names("")))
        store.remove_temporary_files()
        erase_data()
        sync_folder(folder)
        (folder / _MARK).unlink()
        sync_folder(folder)
