"""A plan that was applied before is not applied twice; see also the plan files of ``tests/cli``."""

from dataclasses import replace

import pytest
from world import World, cart, incomplete, line, order, statuses

from reconcile.audit.log import AuditLog
from reconcile.errors import GuardRefused, StalePlan
from reconcile.model.plan import Action, Plan
from reconcile.project import Limits

GONE = order("O-1", lifecycle={"state": "absent"})


def test_applied_again_at_once(world: World) -> None:
    """Applying a plan again right away writes nothing and names the run that applied it."""
    planned = world.plan(order("O-1", [line("O-1:1", name="Mug")], memo="a"))
    first = world.apply(planned)
    assert incomplete(first) == ()
    world.forget_calls()
    again = world.apply(planned)
    assert again.complete
    assert again.already
    assert again.outcomes == ()
    assert world.writes() == []


def test_finished_plan_that_a_guard_was_allowed_for(world: World) -> None:
    """Applied again it says that it was applied, and logs no refusal."""
    world.converge(order("O-1"), order("O-2"))
    world.declare(order("O-1"))
    world.settings = replace(world.settings, limits=Limits(archive="0"))
    with pytest.raises(GuardRefused, match="limit-archive"):
        world.apply(world.plan(prune=True, allow={"prune": 1}))
    pruned = world.plan(prune=True, allow={"prune": 1, "limit-archive": 1})
    assert incomplete(world.apply(pruned)) == ()
    logged = AuditLog(world.store).tail()
    assert world.apply(pruned).already
    assert AuditLog(world.store).tail() == logged


def test_finished_pruning_that_was_undone_is_stale(world: World) -> None:
    """What was declared again since is not archived a second time."""
    world.converge(order("O-1"), order("O-2"))
    world.declare(order("O-1"))
    pruned = world.plan(prune=True, allow={"prune": 1})
    world.apply(pruned)
    world.converge(order("O-1"), order("O-2"))
    with pytest.raises(StalePlan, match="changed or removed since"):
        world.apply(pruned)
    assert world.keys("orders") == {"O-1": 1, "O-2": 1}


def test_archived_by_a_person(world: World) -> None:
    """A plan whose record a person archived since is stale, and the record is not made again."""
    planned = world.plan(order("O-1", memo="a"))
    world.apply(planned)
    world.archive("orders", world.id_of("orders", "O-1"))
    world.forget_calls()
    with pytest.raises(StalePlan, match="changed or removed since"):
        world.apply(planned)
    assert world.writes() == []
    assert world.dump("orders") == {}


def test_archived_by_another_plan(world: World) -> None:
    """A plan whose record another plan archived since is stale, and makes it no second time."""
    world.converge(order("O-0"))
    planned = world.plan(order("O-0"), order("O-1", memo="a"))
    world.apply(planned)
    assert incomplete(world.apply(world.plan(order("O-0"), GONE))) == ()
    world.forget_calls()
    with pytest.raises(StalePlan, match="changed or removed since"):
        world.apply(planned)
    assert world.writes() == []
    assert world.keys("orders") == {"O-0": 1}


def test_changed_by_another_plan(world: World) -> None:
    """A plan whose record another plan updated since is stale."""
    planned = world.plan(order("O-1", memo="a"))
    world.apply(planned)
    world.converge(order("O-1", memo="b"))
    with pytest.raises(StalePlan):
        world.apply(planned)
    assert world.record("orders", "O-1")["memo"] == "b"


def test_same_content_planned_again(world: World) -> None:
    """A new plan of the same content as an earlier one is applied."""
    world.converge(order("O-0"))
    documents = order("O-0"), order("O-1", memo="a")
    first = world.plan(*documents)
    world.apply(first)
    world.converge(order("O-0"), GONE)
    second = world.plan(*documents)
    assert (second.units, second.lineage) == (first.units, first.lineage)
    assert incomplete(world.apply(second)) == ()
    assert world.keys("orders") == {"O-0": 1, "O-1": 1}


def test_planned_before_and_applied_after_another_of_its_content(world: World) -> None:
    """A plan never applied is stale too once one of the same content was applied and reverted."""
    world.converge(order("O-0"))
    documents = order("O-0"), order("O-1", memo="a")
    early = world.plan(*documents)
    world.apply(world.plan(*documents))
    world.converge(order("O-0"), GONE)
    with pytest.raises(StalePlan):
        world.apply(early)
    assert world.keys("orders") == {"O-0": 1}


def test_removal_undone_since(world: World) -> None:
    """A plan that archived a record which was declared again since does not archive it twice."""
    world.converge(order("O-1", memo="a"))
    removal = world.plan(GONE)
    assert incomplete(world.apply(removal)) == ()
    world.converge(order("O-1", memo="a"))
    with pytest.raises(StalePlan):
        world.apply(removal)
    assert world.keys("orders") == {"O-1": 1}


def test_what_was_not_done_can_be_tried_again(world: World) -> None:
    """A plan of which a record failed is applied again for that record, then it is complete."""
    planned = world.plan(order("O-1", memo="a"), order("O-2", memo="b"))
    world.make("orders", "O-2")
    assert statuses(world.apply(planned)) == {"order/O-1": "done", "order/O-2": "conflict"}
    world.archive("orders", world.id_of("orders", "O-2"))
    assert statuses(world.apply(planned)) == {"order/O-1": "done", "order/O-2": "done"}
    assert world.apply(planned).already


def halted(world: World, planned: Plan) -> None:
    """Begin a plan, and halt before its cart's line is made since the cart is in conflict."""
    world.make("carts", "C-1")
    report = world.apply(planned, halt=True)
    ends = {"order/O-1": "done", "cart/C-1": "conflict", "line_item/C-1:1": "skipped"}
    assert statuses(report) == ends
    assert report.resumable
    world.archive("carts", world.id_of("carts", "C-1"))


def test_begun_then_another_plan(world: World) -> None:
    """A plan that a halted run had begun is stale once another plan was applied."""
    world.converge(order("O-0"))
    planned = world.plan(
        order("O-0"), order("O-1", memo="a"), cart("C-1", [line("C-1:1", name="x")])
    )
    halted(world, planned)
    world.converge(order("O-0"), GONE)
    world.forget_calls()
    with pytest.raises(StalePlan, match="interrupted"):
        world.apply(planned)
    assert world.writes() == []
    assert world.keys("orders") == {"O-0": 1}
    assert world.keys("carts") == {}


def test_begun_then_continued(world: World) -> None:
    """A plan that a halted run had begun goes on where it ended, and is complete then."""
    planned = world.plan(order("O-1", memo="a"), cart("C-1", [line("C-1:1", name="x")]))
    halted(world, planned)
    assert statuses(world.apply(planned))["line_item/C-1:1"] == "done"
    assert incomplete(world.apply(planned)) == ()
    assert world.keys("orders") == {"O-1": 1}
    assert world.apply(planned).already
    assert world.plan().units == ()


def test_older_than_what_is_remembered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan older than every run that is remembered is stale: it may have been applied."""
    monkeypatch.setattr("reconcile.state.applied_plans.MAX_PLANS", 2)
    world.converge(order("O-0"))
    early = world.plan(order("O-0"), order("O-1"))
    assert {c.action for c in early.records()} == {Action.CREATE}
    world.apply(early)
    world.converge(order("O-0"), GONE)
    for number in range(3):
        world.converge(order("O-0", memo=str(number)))
    with pytest.raises(StalePlan, match="older than the runs"):
        world.apply(early)
    assert world.keys("orders") == {"O-0": 1}
