"""The journal of a run: what is about to be sent, and what came of it, durable before going on.

A log in the store, one line for each call's intent, one for its outcome, one for what each slice's
records came to. A run that died is resolved from it, the audit log is written from it, and the
summary that users see is read from it, so that none of them depends on what a process remembered.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, replace
from typing import Any

from reconcile.applying.journal_outcomes import encode
from reconcile.applying.run_log import FORMAT, LOGS, Process, Run
from reconcile.applying.task import Item
from reconcile.audit.chain import origin_data
from reconcile.model.address import Address
from reconcile.model.digest import canonical
from reconcile.model.outcome import APPLIED_EARLIER, Outcome, Overwrite
from reconcile.stores.contract import Store

NOT_SENT = "not sent: the run had been stopped"
"""What is said of a write that was begun, and that nothing was sent of."""


class Journal:
    """Writes one run's journal. Several threads may write at a time.

    ``so_far`` is the run as the journal has it, and learns every line that is written. ``check`` is
    asked before every intent, and raises where nothing may be sent any more.
    """

    def __init__(self, store: Store, so_far: Run, check: Callable[[], None]) -> None:
        self.store = store
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
        """How many lines it has; None where one of them is not surely there.

        As long as ``lock`` is held, that and ``so_far`` stay as they are.
        """
        return None if self._pending else self._next

    def begin(self) -> None:
        """The first line."""
        origin = origin_data(self.so_far.process.origin)
        self._append("run", format=FORMAT, **asdict(self.so_far.head), **origin)

    def resume(self, process: Process) -> None:
        """Say that a process carries on with the run."""
        origin = origin_data(process.origin)
        self._append("resumed", since=process.since, allow=list(process.allow), **origin)

    def recover(self, process: Process) -> None:
        """Say that a process finds out what became of the writes that were begun."""
        origin = origin_data(process.origin)
        self._append("recovery", since=process.since, by=process.resolved_by, **origin)

    def intend(self, call: str, items: Iterable[Item]) -> int:
        """Say which records a call is about to write; the call's number. Nothing is sent before.

        Raises LockLost where the lock is not surely ours any more, and what the store raises.
        """
        self.check()
        with self.lock:
            number, self._calls = self._calls, self._calls + 1
        records = [
            [str(item.change.address), str(item.unit), item.id, item.trace] for item in items
        ]
        self._append("intent", call=call, number=number, records=records)
        self.check()
        return number

    def answered(self, number: int, items: Iterable[Item], *, of_records: bool = False) -> None:
        """Say what a call came to, as HubSpot answered; ``of_records`` where it wrote records."""
        records = [
            [
                str(item.change.address),
                item.message,
                item.id,
                str(item.status or "") if of_records else "",
                item.late,
            ]
            for item in items
        ]
        self._append("answer", number=number, records=records)

    def overwrote(self, address: Address, overwrites: Sequence[Overwrite]) -> None:
        """Say what of others a record's write overwrote. It holds for whatever end comes later."""
        if overwrites:
            self._append("overwrote", records=[[str(address), [*map(astuple, overwrites)]]])

    def found(self, names: Mapping[Address, Sequence[str]]) -> None:
        """Say which properties of records were found as planned, and so are not sent.

        It comes before the write that leaves them out, and holds until it is said anew.
        """
        with self.lock:
            known = {address: self.so_far.found.get(address, ()) for address in names}
        news = [[str(one), [*found]] for one, found in names.items() if tuple(found) != known[one]]
        if news:
            self._append("found", records=news)

    def decided(self, outcomes: Sequence[Outcome]) -> None:
        """Say what records came to in the end: read back and recorded in the state."""
        news = [one for one in outcomes if self._is_news(one)]
        if news:
            self._append("outcomes", records=[encode(outcome) for outcome in news])

    def _is_news(self, outcome: Outcome) -> bool:
        known = self.so_far.outcomes.get(outcome.address)
        if known is None:
            return True
        # Whether a conflict stood before the run was decided when the run first came to it.
        same = replace(outcome, standing=known.standing, overwrites=())
        return outcome.message != APPLIED_EARLIER and same != known

    def undone(self, addresses: Sequence[Address], why: str) -> None:
        """Say that writes that were begun were not carried out, and why."""
        if addresses:
            self._append("undone", why=why, records=[str(address) for address in addresses])

    def written(self, ids: Mapping[Address, str]) -> None:
        """Say that records were written as planned, and that their associations are not made."""
        if ids:
            self._append(
                "written", records=[[str(one), record_id] for one, record_id in ids.items()]
            )

    def resolved(self) -> None:
        """Say that everything that was begun has been resolved."""
        self._append("resolved")

    def audited(self) -> None:
        """Say that the audit log has all that the journal says so far."""
        self._append("audited")

    def end(self, why: str) -> None:
        """The last line of a run that can write it; ``why`` is empty where all was tried."""
        self._append("end", why=why)

    def _append(self, about: str, **more: Any) -> None:
        with self.lock:
            position, self._next = self._next, self._next + 1
            self._pending += 1
        entry = {"about": about, **more}
        self.store.append(LOGS + self.run, position, canonical(entry))
        with self.lock:
            self._pending -= 1
            self.so_far.take(position, entry)
