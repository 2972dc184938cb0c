"""Batch updates that miss a record, in every world of what HubSpot says of it."""

from collections.abc import Callable
from typing import Any, get_args, get_type_hints

import pytest
from proxy import Proxy
from world import World, actions, messages, order, statuses

from reconcile.model.plan import Action
from reconcile.sandbox import Switches

REPORTS = get_args(get_type_hints(Switches)["missing_updates"])


def before_the_update(world: World, act: Callable[[], Any]) -> None:
    """Have somebody act once, after the records were looked at and before they are updated."""

    def hook(method: str, path: str, body: object) -> None:
        if path.endswith("/orders/batch/update"):
            world.proxy.hook = None
            act()

    world.proxy.hook = hook


def memos(world: World) -> dict[str, str]:
    """The memo of each order by key."""
    return {one["reconcile_key"]: one["memo"] for one in world.dump("orders").values()}


@pytest.mark.parametrize("report", REPORTS)
def test_records_archived_in_the_last_moment_fail_alone(
    build: Callable[..., World], report: str
) -> None:
    """The error names them by trace, by id or by both; every other record is written."""
    world = build(proxy=Proxy, switches=Switches(missing_updates=report))
    world.converge(*(order(key, memo="1") for key in "ABCD"))
    plan = world.plan(*(order(key, memo="2") for key in "ABCD"))
    ids = [world.id_of("orders", key) for key in "AC"]
    before_the_update(world, lambda: [world.archive("orders", id_) for id_ in ids])

    applied = world.apply(plan)

    assert statuses(applied) == {
        "order/A": "failed",
        "order/B": "done",
        "order/C": "failed",
        "order/D": "done",
    }
    assert "may be deleted or not exist" in messages(applied)["order/A"]
    assert memos(world) == {"B": "2", "D": "2"}
    assert actions(world.plan()) == {"order/A": Action.CONFLICT, "order/C": Action.CONFLICT}


@pytest.mark.matrix(keep=2)
@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize(("of_merged", "ends"), [("left_out", "unknown"), ("not_found", "failed")])
def test_a_record_merged_in_the_last_moment_is_not_done(
    build: Callable[..., World], of_merged: str, ends: str, report: str
) -> None:
    """Nor does the record that it became get its values, whether or not HubSpot names it."""
    world = build(
        proxy=Proxy, switches=Switches(update_of_merged=of_merged, missing_updates=report)
    )
    world.converge(*(order(key, memo="1") for key in "ABCD"))
    plan = world.plan(*(order(key, memo="2") for key in "ABC"), order("D", memo="1"))
    one, other = world.id_of("orders", "D"), world.id_of("orders", "A")
    before_the_update(world, lambda: world.merge("orders", one, other))

    applied = world.apply(plan)

    assert statuses(applied) == {"order/A": ends, "order/B": "done", "order/C": "done"}
    assert memos(world) == {"B": "2", "C": "2", "D": "1"}
    world.recover()
    again = world.plan()
    assert actions(again)["order/A"] is Action.CONFLICT
    assert world.apply(again).outcomes
    assert memos(world) == {"B": "2", "C": "2", "D": "1"}
