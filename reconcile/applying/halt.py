"""End a run early: at the first failure if asked to, or because it cannot go on."""

import threading
from collections.abc import Iterable

from reconcile.applying.task import ChangeTask
from reconcile.model.outcome import Status
from reconcile.model.plan import Action


class Halted(Exception):
    """A call was about to be sent after the run had been halted. Nothing was sent."""


class Halt:
    """Keeps every thread of a run from beginning anything more. Safe to share between threads.

    ``on_failure`` halts the run at the first record that is not done as planned.
    """

    def __init__(self, *, on_failure: bool = False) -> None:
        self._on_failure = on_failure
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._why = ""

    @property
    def stopped(self) -> bool:
        """Whether nothing more may begin. A call in flight is still finished."""
        return self._stopped.is_set()

    @property
    def why(self) -> str:
        """Why the run was halted."""
        return self._why or "halted at the first record that was not done as planned"

    def stop(self, why: str = "") -> None:
        """Halt the run, whatever the settings. The first reason counts."""
        self._stopped.set()
        with self._lock:
            self._why = self._why or why

    def failed(self) -> None:
        """Halt if failures halt the run; called as soon as HubSpot's answer shows one."""
        if self._on_failure:
            self._stopped.set()

    def check_outcomes(self, tasks: Iterable[ChangeTask]) -> None:
        """Halt if failures halt the run and one of these tasks was not done as planned.

        A conflict that the plan itself shows is as planned.
        """
        if not self._on_failure:
            return
        for task in tasks:
            if task.change.action is not Action.CONFLICT and task.status not in (None, Status.DONE):
                self.stop(f"halted, because {task.change.address} was not done as planned")
                return

    def check(self) -> None:
        """Raise Halted if the run has been halted."""
        if self.stopped:
            raise Halted
