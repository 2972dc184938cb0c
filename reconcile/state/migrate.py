"""Moving a target's state, with its journals and its audit log, to another store.

At no moment can two stores be used, and wherever a move ends in the middle, the same move again
completes it: a head that refuses to be used is written to the target first; then everything is
copied; then the head left behind says where it all went; then the target gets its own head. Only
reconcile's own blobs and logs are copied, and only those are replaced.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import islice

from reconcile.errors import UsageError
from reconcile.state.head import HEAD, Content, encode, moved_away, read_head
from reconcile.stores.contract import Store
from reconcile.stores.own_names import is_own_blob, is_own_log

_SHOWN = 5
"""Strangers that an error names."""


def move(source: Store, target: Store, record: Callable[[], None]) -> None:
    """Move everything, or complete a move that ended in the middle. The caller holds both locks.

    ``record`` is called right before anything is copied, once it is sure that nothing speaks
    against the move; it may write to ``source``. Raises UsageError where there is no state to
    move, or where something would be lost where it goes.
    """
    if _is_all_there(source, target):
        _finish(target)
        return
    _require_room(source, target)
    record()
    _copy(source, target)


def require_movable(source: Store, target: Store) -> None:
    """Raise UsageError where ``move`` would, and where there is anything of others in ``target``.

    To be asked before anything is written in either, their locks included.
    """
    if not _is_all_there(source, target):
        _require_room(source, target)
    require_no_unknown_names(target)


def _is_all_there(source: Store, target: Store) -> bool:
    """Whether a move had copied everything: at most its last write is left to do."""
    head, there = read_head(source), read_head(target)
    if head is None or there is None:
        return False
    return head.moved == target.where and there.lineage == head.lineage and not there.moved


def _finish(target: Store) -> None:
    there = read_head(target)
    if there is not None and there.arriving:
        _put(target, HEAD, encode(replace(there, arriving="")))


def _require_room(source: Store, target: Store) -> None:
    """Raise UsageError where there is no state to move, or where another one would be lost."""
    head = read_head(source)
    if head is None:
        raise UsageError(f"there is no state in {source.where}")
    if head.moved:
        raise moved_away(source, head.moved)
    there = read_head(target)
    if there is None:
        return
    if there.lineage != head.lineage:
        raise UsageError(
            f"{target.where} has another state already",
            hint="choose an empty place, or another target name",
        )
    if not there.moved and not there.arriving:
        raise UsageError(
            f"{target.where} and {source.where} both hold this state",
            hint="keep the one that was used last: name its store in reconcile.yaml",
        )


def _copy(source: Store, target: Store) -> None:
    head = read_head(source) or Content()
    _put(target, HEAD, encode(replace(head, arriving=source.where)))
    names = [name for name in source.names("") if is_own_blob(name) and name != HEAD]
    for name in filter(is_own_blob, list(target.names(""))):
        if name not in {*names, HEAD}:
            target.remove(name)
    for name in names:
        if (found := source.read(name)) is not None:
            _put(target, name, found[0])
    for log in filter(is_own_log, list(target.logs(""))):
        target.drop(log)
    for log in filter(is_own_log, source.logs("")):
        for position, entry in source.entries(log):
            target.append(log, position, entry)
    _put(source, HEAD, encode(replace(head, moved=target.where)))
    _put(target, HEAD, encode(head))


def require_no_unknown_names(target: Store) -> None:
    """See that where a state goes there is nothing but reconcile's own. Raises UsageError."""
    found = sorted(islice(target.unknown_names(), _SHOWN + 1))
    if found:
        more = ", and more" if len(found) > _SHOWN else ""
        raise UsageError(
            f"{target.where} holds what is not reconcile's: "
            f"{', '.join(map(ascii, found[:_SHOWN]))}{more}",
            hint="choose an empty place; nothing was written or removed",
        )


def _put(store: Store, name: str, data: bytes) -> None:
    there = store.read(name)
    store.write(name, data, there[1] if there else None)
