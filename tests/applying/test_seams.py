"""Where the parts of an apply meet."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from applying.test_gap import slow_journal
from proxy import DROP, Proxy
from world import World, cart, line, order, statuses

from reconcile.hubspot.rate_limit import RateLimit
from reconcile.hubspot.steps import begin_step
from reconcile.sandbox import Switches

WITHIN = {"line_item": "within_parent:hs_sku"}
NO_KEYS = Switches(line_items_may_have_unique_properties=False)


def test_a_step_in_a_step_ends() -> None:
    """What the outer step has not used is free for the inner one."""
    limit = RateLimit(2, 0.01)
    ended = threading.Event()

    def work() -> None:
        with begin_step({limit: 2}) as outer:
            with outer.slot(limit) as slot:
                slot.used = False
            with begin_step({limit: 2}):
                ended.set()

    threading.Thread(target=work, daemon=True).start()
    assert ended.wait(5)


def test_a_late_create_at_a_tight_limit_ends(
    build: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing stands under the parent, so the re-check leaves a slot over, and then is too old."""
    tight = build(switches=NO_KEYS, identity=WITHIN, rate_limit=2)
    tight.converge(order("A", memo="1"))
    plan = tight.plan(order("A", [line("A:1", hs_sku="1", name="x")], memo="1"))
    done: list[Any] = []
    with slow_journal(tight, monkeypatch):
        thread = threading.Thread(target=lambda: done.append(tight.apply(plan)), daemon=True)
        thread.start()
        thread.join(20)
        assert done


def test_what_appeared_is_not_ours_when_the_answer_is_lost(
    build: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that somebody made before the late second look is theirs, whatever comes after."""
    world = build(switches=NO_KEYS, identity=WITHIN, proxy=Proxy)
    world.converge(order("A", memo="1"))
    lines = [line(f"A:{n}", hs_sku=str(n), name="x", price="5") for n in (1, 2)]
    plan = world.plan(order("A", lines, memo="1"))
    root = world.id_of("orders", "A")
    made: list[str] = []

    def act() -> None:
        if not made:
            made.append(world.make("line_items", hs_sku="1", name="theirs", price="7"))
            world.link(("line_items", made[0]), ("orders", root))

    world.proxy.hook = lambda m, p, b: DROP if p.endswith("line_items/batch/create") else None
    with slow_journal(world, monkeypatch, act):
        report = world.apply(plan)
    assert statuses(report) == {"line_item/A:1": "conflict", "line_item/A:2": "done"}


def test_a_halted_run_does_not_call_a_line_done_that_has_no_parent(
    build: Callable[..., World],
) -> None:
    """HubSpot made it without its association, and what halted the run kept it from being made."""
    world = build(switches=Switches(create_associations="lost"), proxy=Proxy)
    contact = {"contact": [{"email": "ana@example.com"}]}
    plan = world.plan(cart("C", [line("C:1", name="x")], memo="1", associations=contact))
    refusal = 400, {"status": "error", "message": "no", "category": "VALIDATION_ERROR"}
    world.proxy.hook = lambda _, path, __: (
        refusal if "carts/contacts" in path and path.endswith("create") else None
    )
    report = world.apply(plan, halt=True)
    assert statuses(report) == {"cart/C": "failed", "line_item/C:1": "unknown"}


def test_a_halted_run_calls_a_line_done_that_has_its_parent(watched: World) -> None:
    """Its records are read back even after a halt."""
    contact = {"contact": [{"email": "ana@example.com"}]}
    plan = watched.plan(cart("C", [line("C:1", name="x")], memo="1", associations=contact))
    refusal = 400, {"status": "error", "message": "no", "category": "VALIDATION_ERROR"}
    watched.proxy.hook = lambda _, path, __: (
        refusal if "carts/contacts" in path and path.endswith("create") else None
    )
    report = watched.apply(plan, halt=True)
    assert statuses(report) == {"cart/C": "failed", "line_item/C:1": "done"}


def test_what_a_second_look_found_written_is_not_failed_by_a_halt(
    watched: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of two is there already as wanted, the other is refused: only that one has failed."""
    watched.converge(order("A", memo="1"), order("B", memo="1"))
    plan = watched.plan(order("A", memo="2"), order("B", memo="2"))
    record = watched.id_of("orders", "A")
    refusal = 400, {"status": "error", "message": "no", "category": "VALIDATION_ERROR"}
    watched.proxy.hook = lambda _, path, __: refusal if path.endswith("batch/update") else None
    with slow_journal(watched, monkeypatch, lambda: watched.edit("orders", record, memo="2")):
        report = watched.apply(plan, halt=True)
    assert statuses(report) == {"order/A": "done", "order/B": "failed"}
