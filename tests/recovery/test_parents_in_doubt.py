"""Line items whose association with their order is in doubt: recovery reads whether it is there."""

from typing import Any

import pytest
from proxy import DROP
from world import World, actions, line, order

REFUSAL = {"status": "error", "message": "Down for maintenance", "correlationId": "c-9"}


def end_while_associating(watched: World, *, carried_out: bool) -> None:
    """Apply until the association of a line item is sent; nothing answers from then on."""
    down = []

    def lose(method: str, path: str, _: Any) -> str | tuple[int, object] | None:
        writes = method == "POST" and "/associations/line_items" in path
        if writes and "/batch/read" not in path and not down:
            down.append(path)
            return DROP if carried_out else (503, REFUSAL)
        return (503, REFUSAL) if down else None

    watched.proxy.hook = lose
    assert watched.apply(watched.plan(allow={})).resumable
    watched.proxy.hook = None


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_parent_in_doubt_is_remembered_as_it_is(watched: World, *, carried_out: bool) -> None:
    """What was not carried out is to be done, and what was is as declared: neither is drift."""
    watched.converge(order("A", memo="1"))
    watched.make("line_items", "L1", name="x")
    watched.declare(order("A", [line("L1", name="x")], memo="1"))
    end_while_associating(watched, carried_out=carried_out)
    watched.recover()
    plan = watched.plan(allow={})
    assert actions(plan) == ({} if carried_out else {"line_item/L1": "associate"})
    assert watched.apply(plan).complete
    assert watched.plan(allow={}).units == ()


def test_a_parent_given_by_a_run_that_died_can_be_taken_away(watched: World) -> None:
    """After recovery, a line that others take out of the order has drifted."""
    watched.converge(order("A", memo="1"))
    record = watched.make("line_items", "L1", name="x")
    watched.declare(order("A", [line("L1", name="x")], memo="1"))
    end_while_associating(watched, carried_out=True)
    watched.recover()
    watched.unlink(("line_items", record), ("orders", watched.id_of("orders", "A")))
    plan = watched.plan(allow={})
    assert plan.empty
    assert [str(left.address) for left in plan.units[0].left_alone] == ["line_item/L1"]
