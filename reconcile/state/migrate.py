"""Move a target's state, with its journals and its audit log, to another store.

At no moment are both stores usable, and an interrupted move is completed by the same move again.
First the destination gets a head that says that it is incomplete; then everything is copied; then
the source's head is changed to say where the state was moved; then the destination gets its final
head. Only reconcile's own blobs are copied, and only those are replaced.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

from reconcile.errors import UsageError
from reconcile.state.head import HEAD, Content, encode, moved_away, read_head
from reconcile.stores.contract import Store
from reconcile.stores.own_names import is_own_blob

_SHOWN = 5
"""Unknown files that an error names."""


def move(source: Store, target: Store, record: Callable[[], None]) -> None:
    """Move everything, or complete an interrupted move. The caller holds both locks.

    ``record`` is called when all checks have passed, right before anything is copied; it may write
    to ``source``. Raise UsageError where there is no state to move, or where another state in
    ``target`` would be lost.
    """
    if _is_all_there(source, target):
        _finish(source, target)
        return
    _require_room(source, target)
    record()
    _copy(source, target)


def require_movable(source: Store, target: Store) -> None:
    """Raise UsageError where ``move`` would, or where ``target`` has files of others.

    To be called before anything, locks included, is written in either store.
    """
    if not _is_all_there(source, target):
        _require_room(source, target)
    require_no_unknown_names(target)


def _is_all_there(source: Store, target: Store) -> bool:
    """Return whether an earlier move copied everything: at most its last write is left to do."""
    head, there = read_head(source), read_head(target)
    if head is None or there is None:
        return False
    return head.moved_to == target.where and there.lineage == head.lineage and not there.moved_to


def _finish(source: Store, target: Store) -> None:
    there = read_head(target)
    if there is not None and there.moving_from:
        _copy_late(source, target)
        _put(target, HEAD, encode(replace(there, moving_from="")))


def _require_room(source: Store, target: Store) -> None:
    """Raise UsageError where there is no state to move, or where another one would be lost."""
    head = read_head(source)
    if head is None:
        raise UsageError(f"there is no state in {source.where}")
    if head.moved_to:
        raise moved_away(source, head.moved_to)
    there = read_head(target)
    if there is None:
        return
    if there.lineage != head.lineage:
        raise UsageError(
            f"{target.where} already has another state",
            hint="choose an empty store, or another target name",
        )
    if not there.moved_to and not there.moving_from:
        raise UsageError(
            f"{target.where} and {source.where} both hold this state",
            hint="name the store that was used last in reconcile.yaml",
        )


def _copy(source: Store, target: Store) -> None:
    head = read_head(source) or Content()
    _put(target, HEAD, encode(replace(head, moving_from=source.where)))
    target.remove(*_all_but_head(target))
    target.write_many(source.read_many(_all_but_head(source)))
    _put(source, HEAD, encode(replace(head, moved_to=target.where)))
    _copy_late(source, target)
    _put(target, HEAD, encode(head))


def _copy_late(source: Store, target: Store) -> None:
    """Copy what others have added meanwhile: refusals are logged without the lock."""
    there = set(target.names("audit"))
    late = (name for name in source.names("audit") if is_own_blob(name) and name not in there)
    target.write_many(source.read_many(late))


def _all_but_head(store: Store) -> Iterator[str]:
    return (name for name in store.names("") if is_own_blob(name) and name != HEAD)


def require_no_unknown_names(target: Store) -> None:
    """Raise UsageError where a store has files, objects or rows that are not reconcile's."""
    found = sorted(islice(target.unknown_names(), _SHOWN + 1))
    if found:
        more = ", and more" if len(found) > _SHOWN else ""
        raise UsageError(
            f"{target.where} has files that are not reconcile's: "
            f"{', '.join(map(ascii, found[:_SHOWN]))}{more}",
            hint="choose an empty store; nothing was written or removed",
        )


def _put(store: Store, name: str, data: bytes) -> None:
    there = store.read(name)
    store.write(name, data, there[1] if there else None)
