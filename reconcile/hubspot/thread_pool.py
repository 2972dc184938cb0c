"""A small thread pool for reads."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Self, TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


class Pool:
    """A few threads, started when first needed. Made for reads: a failure ends the rest."""

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise ValueError("at least one worker is needed")
        self._workers = workers
        self._starting = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Begin nothing more. After an interrupt a read may never end, so none is waited for."""
        with self._starting:
            executor, self._executor = self._executor, None
        if executor:
            executor.shutdown(wait=False, cancel_futures=True)

    def map(self, work: Callable[[Item], Made], items: Sequence[Item]) -> list[Made]:
        """``work`` on every item, results in the order of the items.

        On a failure, items under way are finished, others not begun, and the first error by
        order of the items is raised.
        """
        if len(items) < 2 or self._workers == 1:
            return [work(item) for item in items]
        # In a copy of this thread's context: the calls belong to the same step (``steps``).
        futures = [self._running().submit(copy_context().run, work, item) for item in items]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            for future in futures:
                future.cancel()
        wait([future for future in futures if not future.cancelled()])
        for future in futures:
            if not future.cancelled() and (error := future.exception()):
                raise error
        return [future.result() for future in futures]

    def _running(self) -> ThreadPoolExecutor:
        with self._starting:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(self._workers, "hubspot")
            return self._executor
