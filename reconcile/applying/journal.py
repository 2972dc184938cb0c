"""The journal of a run: durable intents before anything is sent, and durable outcomes.

It is a log in the store with one line for each call's intent, one for its answer and one for the
final outcomes of each slice. Recovery, the audit log and the summary for the user are all made
from it, so that none of them depends on what a process had in memory.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, replace
from typing import Any

from reconcile.applying.journal_lines import encode_line
from reconcile.applying.journal_outcomes import encode
from reconcile.applying.run_head import FORMAT, LOGS, Process
from reconcile.applying.run_log import Run
from reconcile.applying.task import ChangeTask
from reconcile.audit.chain import origin_data
from reconcile.model.address import Address
from reconcile.model.outcome import APPLIED_EARLIER, Outcome, Overwrite
from reconcile.stores.contract import Store
from reconcile.stores.logs import Log

NOT_SENT = "not sent: the run had been stopped"
"""Why a write was not applied whose intent is in the journal."""


class Journal:
    """Writes one run's journal. Several threads may write at a time.

    ``so_far`` is the run as the journal has it; every written line is applied to it. ``check`` is
    called before and after every intent, and raises if nothing may be sent any more.
    """

    def __init__(self, store: Store, so_far: Run, check: Callable[[], None]) -> None:
        self.store = store
        self._log = Log(store, LOGS + so_far.head.run)
        self.so_far = so_far
        self.check = check
        self._next = self._calls = so_far.entries
        self._pending = 0
        self.lock = threading.Lock()

    @property
    def run(self) -> str:
        """The run's name."""
        return self.so_far.head.run

    @property
    def length(self) -> int | None:
        """The number of lines; None if one of them may not be in the store.

        Neither it nor ``so_far`` changes while ``lock`` is held.
        """
        return None if self._pending else self._next

    def begin(self) -> None:
        """Write the first line."""
        origin = origin_data(self.so_far.process.origin)
        self._append("run", format=FORMAT, **asdict(self.so_far.head), **origin)

    def resume(self, process: Process) -> None:
        """Record that a process resumes the run."""
        origin = origin_data(process.origin)
        self._append("resumed", since=process.since, allow=list(process.allow), **origin)

    def recover(self, process: Process) -> None:
        """Record that a process resolves the run's in-doubt writes."""
        origin = origin_data(process.origin)
        self._append("recovery", since=process.since, by=process.resolved_by, **origin)

    def intend(self, call: str, tasks: Iterable[ChangeTask]) -> int:
        """Record which records a call is about to write, and return the call's number.

        Nothing may be sent before. Raises LockLost if this process may have lost the lock, and what
        the store raises.
        """
        self.check()
        with self.lock:
            number, self._calls = self._calls, self._calls + 1
        records = [
            [str(task.change.address), str(task.unit), task.id, task.trace] for task in tasks
        ]
        self._append("intent", call=call, number=number, records=records)
        self.check()
        return number

    def answered(
        self, number: int, tasks: Iterable[ChangeTask], *, of_records: bool = False
    ) -> None:
        """Record what HubSpot answered to a call; ``of_records`` says that it wrote records."""
        records = [
            [
                str(task.change.address),
                task.message,
                task.id,
                str(task.status or "") if of_records else "",
                task.late,
            ]
            for task in tasks
        ]
        self._append("answer", number=number, records=records)

    def overwrote(self, address: Address, overwrites: Sequence[Overwrite]) -> None:
        """Record which edits of others a write overwrote, whatever outcome follows."""
        if overwrites:
            self._append("overwrote", records=[[str(address), [*map(astuple, overwrites)]]])

    def found(self, names: Mapping[Address, Sequence[str]]) -> None:
        """Record which properties of records were found as planned, and so are not sent.

        The line is written before the write that leaves them out, and holds until the next one.
        """
        with self.lock:
            known = {address: self.so_far.found.get(address, ()) for address in names}
        news = [[str(one), [*found]] for one, found in names.items() if tuple(found) != known[one]]
        if news:
            self._append("found", records=news)

    def decided(self, outcomes: Sequence[Outcome]) -> None:
        """Record final outcomes, of records that are read back and committed to the state."""
        news = [one for one in outcomes if self._is_news(one)]
        if news:
            self._append("outcomes", records=[encode(outcome) for outcome in news])

    def _is_news(self, outcome: Outcome) -> bool:
        known = self.so_far.outcomes.get(outcome.address)
        if known is None:
            return True
        # Whether a conflict is standing was decided when the run first reached it.
        same = replace(outcome, standing=known.standing, overwrites=())
        return outcome.message != APPLIED_EARLIER and same != known

    def not_applied(self, addresses: Sequence[Address], why: str) -> None:
        """Record that writes whose intent is in the journal were not applied, and why."""
        if addresses:
            self._append("not_applied", why=why, records=[str(address) for address in addresses])

    def written(self, ids: Mapping[Address, str]) -> None:
        """Record that records were written as planned, but without their associations."""
        if ids:
            self._append(
                "written", records=[[str(one), record_id] for one, record_id in ids.items()]
            )

    def resolved(self) -> None:
        """Record that every in-doubt write has been resolved."""
        self._append("resolved")

    def audited(self) -> None:
        """Record that the audit log covers every line so far."""
        self._append("audited")

    def end(self, why: str) -> None:
        """Write the last line; ``why`` is empty if every change was tried."""
        self._append("end", why=why)

    def _append(self, about: str, **more: Any) -> None:
        with self.lock:
            position, self._next = self._next, self._next + 1
            self._pending += 1
        entry = {"about": about, **more}
        self._log.append(position, encode_line(self.run, position, entry))
        with self.lock:
            self._pending -= 1
            self.so_far.take(position, entry)
