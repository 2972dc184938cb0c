"""Moving a target's state, with its journals and its audit log, to another store.

Everything is copied, the head last, and then the head left behind says where it all went: nobody
goes on with a state that others no longer see. Only reconcile's own blobs and logs are copied, and
only those are replaced.
"""

import json
from itertools import islice
from typing import Any

from reconcile.errors import UsageError
from reconcile.model.digest import canonical
from reconcile.stores.contract import Store
from reconcile.stores.names import is_blob, is_log
from reconcile.stores.state import HEAD, MOVED

_SHOWN = 5
"""Strangers that an error names."""


def move(source: Store, target: Store) -> int:
    """Move everything; how many blobs and log entries that were. The caller holds both locks."""
    head = _head(source) or {}
    copied = 0
    names = [name for name in source.names("") if is_blob(name) and name != HEAD]
    for name in filter(is_blob, list(target.names(""))):
        if name not in {*names, HEAD}:
            target.remove(name)
    for name in names:
        if (found := source.read(name)) is not None:
            _put(target, name, found[0])
            copied += 1
    for log in filter(is_log, list(target.logs(""))):
        target.drop(log)
    for log in filter(is_log, source.logs("")):
        for position, entry in source.entries(log):
            target.append(log, position, entry)
            copied += 1
    _put(target, HEAD, canonical(head))
    _put(source, HEAD, canonical(head | {MOVED: target.where}))
    return copied + 1


def require_no_strangers(target: Store) -> None:
    """See that where a state goes there is nothing but reconcile's own.

    To be asked before anything is written there, the lock included. Raises UsageError.
    """
    found = sorted(islice(target.strangers(), _SHOWN + 1))
    if found:
        more = ", and more" if len(found) > _SHOWN else ""
        raise UsageError(
            f"{target.where} holds what is not reconcile's: "
            f"{', '.join(map(ascii, found[:_SHOWN]))}{more}",
            hint="choose an empty place; nothing was written or removed",
        )


def require_room(source: Store, target: Store) -> None:
    """See that there is a state to move, and that nothing is lost where it goes.

    To be asked before anything is written to ``source``. Raises UsageError.
    """
    head = _head(source)
    if head is None:
        raise UsageError(f"there is no state in {source.where}")
    if MOVED in head:
        raise UsageError(f"the state in {source.where} was moved to {head[MOVED]} already")
    there = _head(target)
    if there is None:
        return
    if there.get("lineage") != head.get("lineage"):
        raise UsageError(
            f"{target.where} has another state already",
            hint="choose an empty place, or another target name",
        )
    # An equal serial is a move that ended half-way; any other has been used since.
    if MOVED not in there and there.get("serial") != head.get("serial"):
        raise UsageError(
            f"the state in {target.where} and the one in {source.where} have both been used",
            hint="keep the newer one: name its store in reconcile.yaml",
        )


def _head(store: Store) -> dict[str, Any] | None:
    found = store.read(HEAD)
    if found is None:
        return None
    try:
        head = json.loads(found[0])
    except ValueError:
        head = None
    if not isinstance(head, dict):
        raise UsageError(f"the head of the state in {store.where} is damaged")
    return head


def _put(store: Store, name: str, data: bytes) -> None:
    there = store.read(name)
    store.write(name, data, there[1] if there else None)
