"""The journal of a run: what is about to be sent, and what came of it, durable before going on.

A log in the store, one line for each call's intent, one for its outcome, one for what each slice's
records came to. A run that died is settled from it, and the summary that users see is read from
it, so that neither depends on what a process remembered.
"""

import itertools
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, replace
from typing import Any

from reconcile.applying.item import Item
from reconcile.applying.run import FORMAT, LOGS, Run, RunHead
from reconcile.model.address import Address
from reconcile.model.digest import canonical
from reconcile.model.outcome import ALREADY, Outcome, Overwrite
from reconcile.stores.contract import Store

Tell = Callable[[Sequence[Outcome], Mapping[Address, str]], None]


class Journal:
    """Writes one run's journal. Several threads may write at a time.

    ``check`` is asked before every intent, and raises where nothing may be sent any more.
    ``so_far`` is the run where it is gone on with. ``tell`` gets what records came to, once the
    journal has it, with the trace ids of their writes.
    """

    def __init__(
        self,
        store: Store,
        run: str,
        check: Callable[[], None],
        so_far: Run | None = None,
        *,
        tell: Tell = lambda _, __: None,
    ) -> None:
        self.store = store
        self.run = run
        self.check = check
        self._tell = tell
        self._traces = dict(so_far.traces) if so_far else {}
        self._known = dict(so_far.outcomes) if so_far else {}
        self._overwrites = dict(so_far.overwrites) if so_far else {}
        position = so_far.entries if so_far else 0
        self._positions = itertools.count(position)
        self._calls = itertools.count(position)
        self._numbering = threading.Lock()

    def begin(self, head: RunHead) -> None:
        """The first line."""
        self._append("run", format=FORMAT, **asdict(head))

    def intend(self, call: str, items: Iterable[Item]) -> int:
        """Say which records a call is about to write; the call's number. Nothing is sent before.

        Raises LockLost where the lock is not surely ours any more, and what the store raises.
        """
        self.check()
        items = list(items)
        with self._numbering:
            for item in items:
                self._known.pop(item.change.address, None)
                if item.trace:
                    self._traces[item.change.address] = item.trace
        number = next(self._calls)
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
            self._overwrites[address] = tuple(overwrites)
            self._append("overwrote", records=[[str(address), [*map(astuple, overwrites)]]])

    def decided(self, outcomes: Sequence[Outcome]) -> None:
        """Say what records came to in the end: read back and recorded in the state."""
        full = (replace(one, overwrites=self._overwrites.get(one.address, ())) for one in outcomes)
        news = [one for one in full if self._is_news(one)]
        if news:
            self._append("outcomes", records=[_encode(outcome) for outcome in news])
            self._tell(news, self._traces)

    def _is_news(self, outcome: Outcome) -> bool:
        known = self._known.get(outcome.address)
        if known is None:
            return True
        # Whether a conflict stood before the run was decided when the run first came to it.
        return outcome.message != ALREADY and replace(outcome, standing=known.standing) != known

    def undone(self, addresses: Sequence[Address]) -> None:
        """Say that writes that were begun were not carried out."""
        if addresses:
            self._append("undone", records=[str(address) for address in addresses])

    def audited(self) -> None:
        """Say that the audit log has all that the journal tells so far."""
        self._append("audited")

    def end(self, why: str) -> None:
        """The last line of a run that can write it; ``why`` is empty where all was tried."""
        self._append("end", why=why)

    def _append(self, about: str, **more: Any) -> None:
        with self._numbering:
            position = next(self._positions)
        self.store.append(LOGS + self.run, position, canonical({"about": about, **more}))


def _encode(outcome: Outcome) -> list[Any]:
    rewrites = [[r.name, r.sent, r.stored, r.personal] for r in outcome.rewrites]
    return [
        str(outcome.address),
        str(outcome.action),
        str(outcome.status),
        outcome.id,
        outcome.message,
        rewrites,
        list(outcome.not_persisted),
        outcome.written,
        outcome.standing,
        [[w.name, w.text, w.personal] for w in outcome.warnings],
    ]
