"""What the audit's tests record: plans, outcomes, runs, and a store that lives in memory."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from reconcile.applying.audit_writer import AuditWriter
from reconcile.applying.journal import Journal
from reconcile.applying.journal_reader import drop_run
from reconcile.applying.run_head import Process, RunHead
from reconcile.applying.run_log import Run
from reconcile.applying.task import ChangeTask
from reconcile.audit.chain import to_bytes
from reconcile.audit.log import AuditLog
from reconcile.model.address import Address
from reconcile.model.audit import Actor, Head, Origin
from reconcile.model.outcome import Outcome, Rewrite, Status
from reconcile.model.plan import (
    Action,
    FieldChange,
    LinkChange,
    Plan,
    Reason,
    RecordChange,
    TargetPin,
    UnitChange,
)
from reconcile.model.source import Files, Source
from reconcile.stores.contract import Store, VersionMoved
from reconcile.stores.logs import Log

ANA = Origin(
    Actor("Ana <ana@example.com>", "git", {"machine": "ana@mill"}), "new prices", "ab" * 20
)
ORDER = Address("order", "NW-1")
MUG = Address("line_item", "NW-1:mug")
CART = Address("cart", "C-1")


class Memory:
    """As much of a store as the logs need. ``before`` is called before each append."""

    where = "memory"

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.listed: list[str] = []
        self.before: list[Any] = []

    def read(self, name: str) -> tuple[bytes, str] | None:
        data = self.blobs.get(name)
        return None if data is None else (data, sha256(data).hexdigest())

    def read_many(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        for name in names:
            yield name, self.blobs[name]

    def write(self, name: str, data: bytes, expected: str | None) -> str:
        if self.before and name.startswith(("audit/", "runs/")):
            self.before.pop(0)()
        found = self.read(name)
        if (found[1] if found else None) != expected:
            raise VersionMoved(name)
        self.blobs[name] = data
        return sha256(data).hexdigest()

    def remove(self, *names: str) -> None:
        for name in names:
            del self.blobs[name]

    def names(self, prefix: str, after: str = "") -> Iterator[str]:
        self.listed.append(prefix.removesuffix("/"))
        yield from sorted(name for name in self.blobs if name.startswith(prefix) and name > after)

    def folders(self, prefix: str, after: str = "") -> Iterator[str]:
        inner = (name.removeprefix(prefix) for name in self.blobs if name.startswith(prefix))
        found = {prefix + name.partition("/")[0] for name in inner if "/" in name}
        yield from sorted(name for name in found if name > after)


def change(field: str, before: str, after: str, **more: Any) -> FieldChange:
    """A field that somebody changed in the manifest."""
    return FieldChange(field, before, after, more.pop("reason", Reason.CHANGE), **more)


CHANGES = (
    RecordChange(
        ORDER,
        Action.UPDATE,
        id="501",
        fields=(
            change("hs_order_name", "Old name", "Anton's order", personal=True),
            change("hs_total_price", "10.00", "12.50"),
            change("hs_pipeline_stage", "1", "2", shown_before="Open", shown_after="Shipped"),
        ),
        links=(
            LinkChange(
                add=True,
                to="contact",
                id="77",
                address=None,
                types=(("HUBSPOT_DEFINED", 507),),
                shown="contact email=anton@example.com",
                personal=True,
            ),
        ),
        adopts=True,
    ),
    RecordChange(
        MUG,
        Action.CREATE,
        parent=ORDER,
        fields=(change("name", "", "Mug", reason=Reason.NEW),),
    ),
    RecordChange(CART, Action.UPDATE, id="9", fields=(change("hs_cart_name", "a", "b"),)),
)

OUTCOMES = (
    Outcome(
        ORDER,
        Action.UPDATE,
        Status.DONE,
        "501",
        rewrites=(Rewrite("memo", "x ", "x"),),
    ),
    Outcome(MUG, Action.CREATE, Status.FAILED, "", 'HubSpot refused "Mug" of Anton\'s order'),
    Outcome(CART, Action.UPDATE, Status.SKIPPED, message="not begun"),
)


def plan(*changes: RecordChange) -> Plan:
    """A plan of these changes, each a unit of its own."""
    units = tuple(UnitChange(one.address, (one,)) for one in changes or CHANGES)
    source = Source("ab" * 20, Files.SAME)
    return Plan(TargetPin("shop", 123, "STANDARD"), units, source=source)


def updates(number: int) -> tuple[Plan, tuple[Outcome, ...]]:
    """A plan of so many updates of one field, and that all were done."""
    changes = [
        RecordChange(
            Address("order", f"K-{index:06}"),
            Action.UPDATE,
            id=str(index),
            fields=(change("hs_total_price", "1", str(index)),),
        )
        for index in range(number)
    ]
    done = tuple(Outcome(one.address, one.action, Status.DONE, one.id) for one in changes)
    return plan(*changes), done


def head_of(run: str, total: int = 3) -> RunHead:
    """A run's head as its journal has it."""
    return RunHead(
        run, "ab" * 32, "cd" * 32, 123, "ana@mill", "2026-01-02T03:04:05+00:00", total, ("rekey",)
    )


def record_run(
    log: AuditLog,
    planned: Plan,
    head: RunHead,
    outcomes: Sequence[Outcome],
    origin: Origin,
    *,
    after: Head | None = None,
    ended: str = "",
    traces: Mapping[Address, str] = MappingProxyType({}),
) -> Head:
    """Put a run into the log, all at once, from a journal that says no more."""
    audit = log.tail().number if after is None else after.number
    run = Run(replace(head, audit=audit), Process(0, "apply", origin, head.since, head.allow))
    journal = Journal(log.store, run, lambda: None)
    journal.begin()
    changes = {change.address: change for change in planned.records()}
    for outcome in outcomes:
        if trace := traces.get(outcome.address, ""):
            change = changes[outcome.address]
            journal.intend("update", [ChangeTask(change.address, change, trace=trace)])
        journal.overwrote(outcome.address, outcome.overwrites)
    journal.decided(outcomes)
    journal.end(ended)
    written = AuditWriter(log, planned, after)
    written.catch_up(head.run)
    drop_run(log.store, head.run)
    return written.head


def run(log: AuditLog, name: str = "R-1", after: Head | None = None, **more: Any) -> Head:
    """Record the usual run."""
    return record_run(log, plan(), head_of(name), OUTCOMES, ANA, after=after, **more)


def entry_of(line: bytes) -> dict[str, Any]:
    """What a line of the log says."""
    found: dict[str, Any] = json.loads(line)["entry"]
    return found


def sealed(entry: Mapping[str, Any]) -> bytes:
    """A line that says so, with the hash that belongs to it, as a forger would make it."""
    body = to_bytes(entry)
    return b'{"entry":%b,"hash":"%b"}' % (body, sha256(body).hexdigest().encode())


def replace_line(store: Store, log: str, index: int, line: bytes | None) -> None:
    """Rewrite a log with one entry replaced or removed, as who owns the store can."""
    lines = dict(Log(store, log).entries())
    Log(store, log).drop()
    for position, old in lines.items():
        new = line if position == index else old
        if new is not None:
            Log(store, log).append(position, new)
