"""What the last sentence of an apply advises, and where it counts an earlier run."""

import pytest
from world import World, line, order, statuses

from reconcile.model.address import Address
from reconcile.model.outcome import APPLIED_EARLIER, Outcome, Report, Status
from reconcile.model.plan import Action, TargetPin
from reconcile.render.report import sentence

PIN = TargetPin("shop", 7, "STANDARD")
CONFLICTS = "Conflicts were left alone; plan again to resolve them."
CORRECT = "Correct the values that HubSpot refused in the manifests, then plan again."
AGAIN = "Plan and apply again to continue."
D, F, C, S = Status.DONE, Status.FAILED, Status.CONFLICT, Status.SKIPPED


def outcome(
    number: int, status: Status, message: str = "", action: Action = Action.UPDATE
) -> Outcome:
    """Return how the change of one order ended."""
    return Outcome(Address("order", f"O{number}"), action, status, message=message)


@pytest.mark.parametrize(
    ("ends", "refused", "advice"),
    [
        ((D, C, S), (), CONFLICTS),
        ((C, S), (), CONFLICTS),
        ((D, F, S), (1,), CORRECT),
        ((F, S, C), (0,), CORRECT),
        ((F, S, C), (), AGAIN),
        ((F, F), (0,), AGAIN),
    ],
)
def test_the_advice_can_be_followed_after_every_command(
    ends: tuple[Status, ...], refused: tuple[int, ...], advice: str
) -> None:
    """With nothing to resume only another plan helps, also after `resume` and `apply FILE`."""
    outcomes = tuple(outcome(number, end) for number, end in enumerate(ends))
    names = frozenset(outcomes[number].address for number in refused)
    assert sentence(Report(PIN, outcomes, refused=names)).endswith(f" {advice}")


def test_what_an_earlier_run_did_is_counted_where_it_belongs() -> None:
    """The bracket stands at the changes that were carried out, not at the conflicts."""
    outcomes = (
        outcome(0, D, APPLIED_EARLIER, Action.CREATE),
        *(outcome(number, D, APPLIED_EARLIER) for number in range(1, 3)),
        outcome(3, D),
        *(outcome(number, C) for number in range(4, 6)),
    )
    assert sentence(Report(PIN, outcomes)).startswith(
        "Applied in part: 1 order created by an earlier run; "
        "3 of 5 orders updated (2 of them by an earlier run); 2 conflicts. "
    )


def test_conflicts_with_skipped_line_items_are_not_to_be_run_again(world: World) -> None:
    """A line item whose order appeared since planning is skipped for good, and so nothing goes on.

    The same plan ends in the same way however often it is applied.
    """
    plan = world.plan(order("A", [line("A:1", name="Mug", quantity="1")]), order("B"))
    world.make("orders", "A", hs_order_name="Somebody's")
    for _ in range(2):
        report = world.apply(plan)
        assert not report.resumable
        assert statuses(report)["line_item/A:1"] == "skipped"
        assert sentence(report).endswith(CONFLICTS)
