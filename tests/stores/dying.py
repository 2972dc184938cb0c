"""Stores whose process dies, or whose write fails, at a chosen change."""

from collections.abc import Iterable
from typing import Any, cast

from reconcile.errors import UsageError
from reconcile.stores.contract import Store

CHANGES = ("write", "write_many", "remove")
"""What changes a store. Several blobs are changed one after the other, so it can die in between."""


class Dead(BaseException):
    """The process ended here."""


class DyingProcess:
    """Counts the changes to the stores that share it, and ends or disturbs their process.

    ``left`` is how many changes are still made before the process dies instead of making one;
    ``fails`` are the numbers, from 1, of changes that fail and are not made.
    """

    def __init__(self, left: int | None = None, *, fails: frozenset[int] = frozenset()) -> None:
        self.left = left
        self.fails = fails
        self.made = 0

    def store(self, real: Store) -> Store:
        """Return a store that changes another one while the process lives."""
        return cast("Store", _Dying(real, self))

    def spend(self) -> None:
        """Make one more change, or raise what there is to raise."""
        if self.left is not None and self.made == self.left:
            raise Dead
        self.made += 1
        if self.made in self.fails:
            raise UsageError("the store cannot be reached")


class _Dying:
    def __init__(self, real: Store, process: DyingProcess) -> None:
        self._real = real
        self._process = process

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if name not in CHANGES:
            return found

        def change(*args: Any) -> Any:
            self._process.spend()
            return found(*args)

        def write_many(blobs: Iterable[tuple[str, bytes]]) -> None:
            for blob in blobs:
                change([blob])

        def remove(*names: str) -> None:
            for removed in names:
                change(removed)

        return {"write": change, "write_many": write_many, "remove": remove}[name]
