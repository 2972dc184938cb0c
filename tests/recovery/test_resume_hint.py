"""An error that interrupts a recovery says how to resume the run."""

import pytest
from world import World, order

from reconcile.errors import HubSpotError
from tests.recovery.interrupting import REFUSAL, leave_unfinished


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
