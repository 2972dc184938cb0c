"""Random edits in git and in HubSpot, faults, deaths, plans and applies: what must stay true."""

import json
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from random_examples import examples
from world import EMAILS, KEY, World, line, order, seed

from reconcile.errors import ReconcileError
from reconcile.hubspot.connection import Connection
from reconcile.model.plan import Action, Reason
from reconcile.recovery.runs import unfinished
from reconcile.sandbox import Sandbox, faults
from reconcile.sandbox.faults import Fault
from reconcile.stores.local import LocalStore

pytestmark = pytest.mark.long  # random, and minutes with more examples

KEYS = ("A", "B", "C")
LINES = ("1", "2")
FAULTS: tuple[Fault, ...] = (
    faults.CloseBefore(),
    faults.CloseDuring(),
    faults.CloseAfterCommit(),
    faults.GatewayAfterCommit(502),
    faults.EmptyResults(committed=True),
    faults.EmptyResults(committed=False),
    faults.TruncatedJson(),
    faults.DeliverTwice(),
    faults.Refuse(503),
    faults.LoseAssociations(),
)
TEMPLATE = Path(tempfile.mkdtemp()) / "account.sqlite"


class Killed(BaseException):
    """The process is dead: nothing that it would still do has an effect."""


@contextmanager
def dying(after: int) -> Iterator[None]:
    """Have this process die, as seen from outside, at its so many-th step outside."""
    left = after
    dead = False

    def mortal(original: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **named: Any) -> Any:
            nonlocal left, dead
            if dead:
                raise Killed
            left -= 1
            if left <= 0:
                dead = True
                if random.Random(after).random() < 0.5:
                    original(*args, **named)
                raise Killed
            return original(*args, **named)

        return step

    with ExitStack() as stack:
        for owner, name in (
            (LocalStore, "write"),
            (LocalStore, "remove"),
            (Connection, "send"),
        ):
            stack.enter_context(patch.object(owner, name, mortal(getattr(owner, name))))
        with suppress(Killed):
            yield


class Repository(RuleBasedStateMachine):
    """A repository, its account, the people who work in either, and bad luck.

    ``identified_by`` is the property that identifies lines.
    """

    identified_by = KEY

    @initialize()
    def begin(self) -> None:
        """Nothing is declared, nothing is there."""
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        if not TEMPLATE.exists():
            (TEMPLATE.parent / "seed.json").write_text(json.dumps(seed()), encoding="utf-8")
            with Sandbox(TEMPLATE, seed=TEMPLATE.parent / "seed.json"):
                pass
        within = {"line_item": f"within_parent:{self.identified_by}"}
        identity = {} if self.identified_by == KEY else within
        self.world = self.stack.enter_context(
            World(folder / "world", template=TEMPLATE, identity=identity)
        )
        self.declared: dict[str, dict[str, Any]] = {}
        self.ever: set[str] = set()
        self.edited: set[str] = set()
        self.unmanaged: dict[str, str] = {}

    def teardown(self) -> None:
        """Bad luck ends. Then the account becomes as declared, but for what others took away."""
        if not hasattr(self, "stack"):
            return
        try:
            self.world.sandbox.faults.clear()
            self.finish()
        finally:
            self.stack.close()

    # In git

    @rule(key=st.sampled_from(KEYS), memo=st.sampled_from("xyz"), data=st.data())
    def declare(self, key: str, memo: str, data: st.DataObject) -> None:
        """Somebody declares an order, or changes what it says."""
        lines = data.draw(st.sets(st.sampled_from(LINES)))
        before = self.declared.get(key, {}).get("lines", set())
        self.declared[key] = {
            "memo": memo,
            "lines": lines | before,
            "price": data.draw(st.sampled_from("123")),
            "email": data.draw(st.sampled_from(EMAILS)),
        }
        self.write()

    def write(self) -> None:
        """Save the manifests."""
        self.world.declare(
            *(
                order(
                    key,
                    [
                        line(f"{key}:{n}", price=one["price"], hs_sku=n)
                        for n in sorted(one["lines"])
                    ],
                    memo=one["memo"],
                    associations={"contact": [{"email": one["email"]}]},
                )
                for key, one in sorted(self.declared.items())
            )
        )
        self.ever |= set(self.declared)
        self.ever |= {f"{key}:{n}" for key, one in self.declared.items() for n in one["lines"]}

    # In HubSpot

    def live(self) -> list[tuple[str, str]]:
        """The records there are, as (object, id)."""
        return sorted((o, i) for o in ("orders", "line_items") for i in self.world.dump(o))

    @rule(data=st.data(), text=st.sampled_from("pq"))
    def edit(self, data: st.DataObject, text: str) -> None:
        """Somebody edits what is managed."""
        orders = sorted(self.world.dump("orders"))
        if orders:
            id_ = data.draw(st.sampled_from(orders))
            self.world.edit("orders", id_, memo=text)
            self.edited.add(id_)

    @rule(data=st.data(), weight=st.sampled_from("789"))
    def note(self, data: st.DataObject, weight: str) -> None:
        """Somebody edits what nobody manages."""
        if there := self.live():
            object_, id_ = data.draw(st.sampled_from(there))
            self.world.edit(object_, id_, weight=weight)
            self.unmanaged[id_] = weight

    @rule(data=st.data())
    def clear_key(self, data: st.DataObject) -> None:
        """Somebody clears a key, or another identity value."""
        if there := self.live():
            object_, id_ = data.draw(st.sampled_from(there))
            name = KEY if object_ == "orders" else self.identified_by
            self.world.edit(object_, id_, **{name: ""})
            self.edited.add(id_)

    # Plans and applies

    @rule(after=st.integers(1, 40))
    def apply_and_die(self, after: int) -> None:
        """An apply is killed."""
        if self.declared:
            with dying(after), suppress(ReconcileError):
                self.world.apply()

    @rule(fault=st.sampled_from(FAULTS), nth=st.integers(1, 5))
    def apply_with_a_fault(self, fault: Fault, nth: int) -> None:
        """An apply meets bad luck. Duplicated lines without a key are only reported."""
        twice = isinstance(fault, faults.DeliverTwice) and self.identified_by != KEY
        if self.declared and not twice:
            self.world.sandbox.faults.add(fault, writes=True, nth=nth)
            with suppress(ReconcileError):
                self.world.apply()
            self.world.sandbox.faults.clear()

    @rule()
    def apply(self) -> None:
        """An apply goes well."""
        if self.declared:
            self.world.apply()
            self.edited.clear()

    @invariant()
    def nothing_is_made_twice(self) -> None:
        """There were never more records than keys."""
        if hasattr(self, "world"):
            ever = sum(len(self.world.ever(o)) for o in ("orders", "line_items"))
            assert ever <= len(self.ever)

    @invariant()
    def what_nobody_manages_stays(self) -> None:
        """Nothing we do touches it."""
        if hasattr(self, "world"):
            for object_, id_ in self.live():
                if id_ in self.unmanaged:
                    weight = self.world.dump(object_)[id_].get("weight")
                    assert weight == self.unmanaged[id_]

    @invariant()
    def nobody_is_blamed(self) -> None:
        """Drift is only where somebody edited."""
        if hasattr(self, "world") and self.declared:
            blamed = {
                change.id
                for change in self.world.plan(in_doubt=True).records()
                for field in change.fields
                if field.reason in {Reason.DRIFT, Reason.BOTH}
            }
            assert blamed <= self.edited

    def finish(self) -> None:
        """Apply until nothing is left to do; then everything is as declared."""
        if not self.declared:
            return
        for _ in range(6):
            self.world.apply()
            plan = self.world.plan(in_doubt=True)
            if plan.empty and not unfinished(self.world.store):
                break
        assert not [c for c in plan.records() if c.action is not Action.CONFLICT]
        assert not unfinished(self.world.store)
        assert self.world.keys("orders") == dict.fromkeys(self.declared, 1)
        for key, one in self.declared.items():
            record = self.world.record("orders", key)
            assert record["memo"] == one["memo"]
            lines = self.world.dump("line_items")
            mine = self.world.links(("orders", str(record["id"])), "line_items")
            assert sorted(lines[i]["hs_sku"] for i in mine) == sorted(one["lines"])
            assert all(lines[i]["price"] == one["price"] for i in mine)
            contacts = self.world.dump("contacts")
            ends = self.world.links(("orders", str(record["id"])), "contacts")
            assert {contacts[i]["email"] for i in ends} == {one["email"]}


class RepositoryOfLinesWithoutKeys(Repository):
    """The same where lines are found within their orders."""

    identified_by = "hs_sku"


TestRepository = Repository.TestCase
TestLinesWithoutKeys = RepositoryOfLinesWithoutKeys.TestCase
TestRepository.settings = TestLinesWithoutKeys.settings = examples(
    12,
    stateful_step_count=12,
    suppress_health_check=list(HealthCheck),
)
