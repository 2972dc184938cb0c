"""The options of the next plan: those given, those that let more in, and their numbers then."""

from collections.abc import Mapping

import pytest
from pure import DEFINITIONS, ORDER, Inputs, actual, applied, assembled, desired, one, plan_of

from reconcile.errors import Problem
from reconcile.model.address import Address
from reconcile.model.plan import Action, FieldChange, LeftAlone, Plan, Reason, RecordChange
from reconcile.model.plan import UnitChange as Unit
from reconcile.model.plan_options import options_again, options_to_let_in, options_to_put_back
from reconcile.model.records import Location
from reconcile.planning.policy_problems import policy_problems


def address(number: int) -> Address:
    """The address of an order."""
    return Address("order", f"O {number}")


def order(number: int, *, declared: str, stored: str, last: str = "1", **more: str) -> Inputs:
    """An order whose memo was applied as ``last``."""
    known = dict.fromkeys(more, "1")
    return one(
        desired(address(number), memo=declared, **more),
        actual(str(number), key=f"O {number}", memo=stored, **known),
        applied(str(number), memo=last, **known),
    )


BOTH = order(1, declared="2", stored="3")
CHANGE = order(2, declared="2", stored="1")
DRIFT = order(3, declared="1", stored="3")
CHANGE_AND_DRIFT = order(4, declared="1", stored="3", weight="2")
ALL = (BOTH, CHANGE, DRIFT, CHANGE_AND_DRIFT)
UPDATES = {("update", ""): 1}


def words(options: list[str]) -> str:
    """Return options as they are typed."""
    return " ".join(options)


@pytest.mark.parametrize(
    ("allow", "let_in", "put_back"),
    [
        ({}, "--allow both=1", "--allow drift=2"),
        ({"drift": 9}, "--allow both=1 --allow drift=9", "--allow drift=9"),
        ({"drift": 1}, "--allow both=1 --allow drift=2", "--allow drift=2"),
        ({"both": 7}, "--allow both=1", "--allow both=1 --allow drift=2"),
        ({"prune": 2}, "--allow both=1", "--allow drift=2"),
    ],
)
def test_what_was_given_is_repeated_with_the_numbers_there_are(
    allow: Mapping[str, int], let_in: str, put_back: str
) -> None:
    """Drift has an upper bound, which stays; what does not occur is left out."""
    plan = plan_of(ALL, allow=allow)
    assert words(options_to_let_in(plan)) == let_in
    assert words(options_to_put_back(plan)) == put_back


def test_the_number_that_passes_a_limit_counts_what_is_let_in() -> None:
    """Of what is held back, or left alone, or neither."""
    plan = plan_of(ALL, limits=UPDATES)
    assert words(options_again(plan)) == "--allow limit-update=2"
    assert words(options_to_let_in(plan)) == "--allow both=1 --allow limit-update=3"
    assert words(options_to_put_back(plan)) == "--allow drift=2 --allow limit-update=3"
    assert words(options_again(plan_of(ALL))) == ""


@pytest.mark.parametrize("allow", [{}, {"limit-update": 2}, {"both": 1, "drift": 5}])
def test_a_plan_with_its_options_holds_nothing_back_and_exceeds_nothing(
    allow: Mapping[str, int],
) -> None:
    """Whatever was given before, one more plan is enough."""
    options = options_to_let_in(plan_of(ALL, limits=UPDATES, allow=allow))
    given = {name: int(n) for name, _, n in (one[8:].partition("=") for one in options)}
    plan = plan_of(ALL, limits=UPDATES, allow=given)
    assert not [unit for unit in plan.units if unit.held]
    assert plan.guards == ()
    assert words(options_again(plan)) == words(options)


def removed(number: int, *, recreates: bool) -> Plan:
    """A plan that makes so many orders again, or archives them as no longer declared."""
    changes = [
        RecordChange(
            address(at),
            Action.CREATE if recreates else Action.ARCHIVE,
            "" if recreates else str(at),
            recreates=recreates,
            pruned=not recreates,
        )
        for at in range(number)
    ]
    return assembled([Unit(one.address, (one,)) for one in changes], prune=not recreates)


def test_records_are_named_again_and_pruning_too() -> None:
    """As a shell reads them. Of many records whoever named them knows the names."""
    assert words(options_to_let_in(removed(2, recreates=True))) == (
        "--recreate 'order/O 0' --recreate 'order/O 1' --allow recreate=2"
    )
    assert words(options_to_let_in(removed(11, recreates=True))) == (
        "--recreate … --allow recreate=11"
    )
    assert words(options_to_let_in(removed(2, recreates=False))) == "--prune --allow prune=2"
    assert words(options_again(removed(2, recreates=False))) == "--prune"


def test_drift_that_would_be_held_back_passes_no_limit() -> None:
    """What is left alone of a unit that is held back is not updated either."""
    held = RecordChange(ORDER, Action.UPDATE, "1", (FieldChange("memo", "1", "2", Reason.BOTH),))
    left = LeftAlone(ORDER, "1", fields=(FieldChange("weight", "1", "2", Reason.DRIFT),))
    plan = assembled([Unit(ORDER, (held,), left_alone=(left,))], limits={("update", ""): 0})
    assert words(options_to_put_back(plan)) == "--allow drift=1"
    assert words(options_to_let_in(plan)) == "--allow both=1 --allow limit-update=1"


def test_a_policy_names_properties_that_there_are() -> None:
    """Of kinds that are planned; others have no definitions."""
    place = Location("reconcile.yaml", 3, 9)
    drift = {kind: {"memo": place, "wieght": place} for kind in ("order", "unplanned")}
    assert list(policy_problems(drift, DEFINITIONS)) == [
        Problem(*place, "orders have no property 'wieght'; did you mean 'weight'?")
    ]
