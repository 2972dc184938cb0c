"""An error that interrupts a recovery says how to resume the run."""

import pytest
from proxy import DROP
from world import World, order

from reconcile.errors import HubSpotError

REFUSAL = {"status": "error", "message": "Down for maintenance", "correlationId": "c-9"}


def leave_unfinished(watched: World) -> None:
    """Have a run end with a write whose answer is lost, after which nothing answers."""
    down = []

    def lose(_: str, path: str, __: object) -> str | tuple[int, object] | None:
        if path.endswith("/batch/upsert") and not down:
            down.append(path)
            return DROP
        return (503, REFUSAL) if down else None

    watched.declare(order("A"), order("B"))
    watched.proxy.hook = lose
    report = watched.apply()
    assert report.resumable


@pytest.mark.parametrize("saved", [True, False], ids=["the same plan", "a new plan"])
def test_an_error_while_a_run_is_resolved_names_the_way_on(watched: World, *, saved: bool) -> None:
    """HubSpot's own word stays; the hint names the run and `reconcile resume`."""
    plan = watched.plan(order("A"), order("B"))
    leave_unfinished(watched)
    watched.proxy.hook = lambda _, path, __: (503, REFUSAL) if "/objects/" in path else None
    with pytest.raises(HubSpotError, match="Down for maintenance") as caught:
        watched.apply(plan if saved else None)
    assert "is not finished; `reconcile resume` continues it" in caught.value.hint
    assert caught.value.correlation_id == "c-9"
    watched.proxy.hook = None
    watched.apply(plan)
    assert watched.plan().units == ()
