"""Moving a target's state, with its journals and its audit log, to another store.

At no moment can two stores be used, and wherever a move ends in the middle, the same move again
completes it: a head that refuses to be used is written to the target first; then everything is
copied; then the head left behind says where it all went; then the target gets its own head.
"""

from dataclasses import replace

from reconcile.errors import UsageError
from reconcile.stores.contract import Store
from reconcile.stores.head import HEAD, Content, encode, read_head


def move(source: Store, target: Store) -> None:
    """Move everything. The caller holds both locks."""
    head = read_head(source) or Content()
    _put(target, HEAD, encode(replace(head, arriving=source.where)))
    names = [name for name in source.names("") if name != HEAD]
    for name in list(target.names("")):
        if name not in {*names, HEAD}:
            target.remove(name)
    for name in names:
        if (found := source.read(name)) is not None:
            _put(target, name, found[0])
    for log in list(target.logs("")):
        target.drop(log)
    for log in source.logs(""):
        for position, entry in source.entries(log):
            target.append(log, position, entry)
    _put(source, HEAD, encode(replace(head, moved=target.where)))
    _put(target, HEAD, encode(head))


def finish(source: Store, target: Store) -> bool:
    """Do what is left of a move that copied everything; whether there was such a move.

    Nothing may be left but its last write, or nothing at all. The caller holds both locks.
    """
    head, there = read_head(source), read_head(target)
    if head is None or there is None:
        return False
    if head.moved != target.where or there.lineage != head.lineage or there.moved:
        return False
    if there.arriving:
        _put(target, HEAD, encode(replace(there, arriving="")))
    return True


def require_room(source: Store, target: Store) -> None:
    """See that there is a state to move, and that nothing is lost where it goes.

    To be asked before anything is written to ``source``. Raises UsageError.
    """
    head = read_head(source)
    if head is None:
        raise UsageError(f"there is no state in {source.where}")
    if head.moved:
        raise UsageError(f"the state in {source.where} was moved to {head.moved} already")
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


def _put(store: Store, name: str, data: bytes) -> None:
    there = store.read(name)
    store.write(name, data, there[1] if there else None)
