"""When an apply without changes closes an interrupted run, and when it leaves it to be resumed."""

from collections.abc import Callable

import pytest
from world import Document, World, drifted, held, order, statuses

import reconcile
from reconcile.model.outcome import Report
from reconcile.model.plan import Plan
from reconcile.recovery.runs import unfinished

KEYS = ("A", "B", "C")


def orders(memo: str = "ours") -> list[Document]:
    """Return three orders of the same memo."""
    return [order(key, memo=memo) for key in KEYS]


def edit(world: World, memo: str, *keys: str) -> None:
    """Somebody edits orders in HubSpot."""
    for key in keys:
        world.edit("orders", world.id_of("orders", key), memo=memo)


def halted(world: World, plan: Plan) -> None:
    """Have a run of the plan end at its first record, which somebody edits; the rest is left."""
    edit(world, "theirs again", "A")
    report = world.apply(plan, halt=True)
    assert report.resumable
    assert statuses(report)["order/A"] == "conflict"
    assert open_runs(world) == 1


def open_runs(world: World) -> int:
    """Return how many runs can be resumed."""
    return len(unfinished(world.store))


def apply_now(world: World, *paths: str) -> Report:
    """Apply what the manifests say now, as programs do that allow nothing."""
    project = reconcile.open(world.folder, environ=world.environ)
    with project.connect() as account:
        plan = account.plan(*(world.folder / path for path in paths))
        assert plan.data.idle
        return account.apply(plan)


def drifting(world: World) -> Plan:
    """Return a plan that is allowed to put back what others changed."""
    world.converge(*orders())
    edit(world, "theirs", *KEYS)
    return world.plan(allow={"drift": 3})


def changed_by_both(world: World) -> Plan:
    """Return a plan that is allowed to overwrite what others changed and git too."""
    world.converge(*orders())
    edit(world, "theirs", *KEYS)
    return world.plan(*orders("new"), allow={"both": 3})


def pruning(world: World) -> Plan:
    """Return a plan that is allowed to archive what nothing declares any more."""
    world.converge(*orders(), order("Z"))
    return world.plan(order("Z"), prune=True, allow={"prune": 3})


@pytest.mark.parametrize("allowed", [drifting, changed_by_both, pruning])
def test_a_run_that_may_do_more_than_other_plans_stays_open(
    world: World, allowed: Callable[[World], Plan]
) -> None:
    """What it was allowed to do, and did not, no plan does that allows nothing: it is resumed."""
    plan = allowed(world)
    halted(world, plan)
    for _ in range(2):
        report = apply_now(world)
        assert report.outcomes == ()
        assert open_runs(world) == 1
    assert statuses(world.apply(plan)) == {
        "order/A": "conflict",
        "order/B": "done",
        "order/C": "done",
    }
    assert open_runs(world) == 0


def test_a_run_of_which_nothing_is_left_is_closed(world: World) -> None:
    """Somebody made its changes; what others changed elsewhere has nothing to do with it."""
    world.converge(*orders(), order("Z", memo="ours"))
    edit(world, "theirs", *KEYS)
    plan = world.plan(allow={"drift": 3})
    halted(world, plan)
    edit(world, "theirs", "Z")
    edit(world, "ours", *KEYS)
    apply_now(world)
    assert open_runs(world) == 0
    assert drifted(world.plan(allow={})) == {"order/Z": ["memo"]}


def test_a_renamed_order_is_known_by_its_former_name(world: World) -> None:
    """The run has it under that, and the plan holds it back under the new one."""
    plan = changed_by_both(world)
    halted(world, plan)
    edit(world, "ours", "A", "B")
    world.declare(*orders()[:2], order("D", memo="new", moved_from="C"))
    assert held(world.plan(allow={})).keys() == {"order/D"}
    apply_now(world)
    assert open_runs(world) == 1


def test_a_plan_of_a_part_closes_nothing(world: World) -> None:
    """It says nothing of the rest, which the run is to change."""
    world.converge(*orders())
    folder = world.folder / "manifests"
    (folder / "z.yaml").write_text('{"kind": "order", "key": "Z"}')
    world.apply()
    (folder / "all.yaml").unlink()
    world.declare(*orders("new"))
    halted(world, world.plan())
    apply_now(world, "manifests/z.yaml")
    assert open_runs(world) == 1


def test_an_older_plan_closes_nothing(world: World) -> None:
    """A run that began after it was made may do what it does not know of."""
    world.converge(*orders())
    project = reconcile.open(world.folder, environ=world.environ)
    with project.connect() as account:
        older = account.plan()
    halted(world, world.plan(*orders("new")))
    with project.connect() as account:
        assert older.data.idle
        account.apply(older)
    assert open_runs(world) == 1


def test_a_saved_plan_without_changes_closes_nothing(world: World) -> None:
    """It is what was reviewed; what it holds back is reported."""
    plan = changed_by_both(world)
    halted(world, plan)
    report = world.apply(world.plan(allow={}))
    assert (report.run, report.outcomes, len(report.held)) == ("", (), 3)
    assert open_runs(world) == 1
