"""Plans put together from units: their order, their guards, and the conflicts they resolve."""

import pytest
from pure import (
    ORDER,
    Inputs,
    actual,
    applied,
    assembled,
    desired,
    one,
    plan_of,
)

from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.plan import Action, PropertyDefine, RecordChange, UnitChange
from reconcile.model.records import Lifecycle, Missing, ValueHashes

B = Address("order", "B")
GONE = {"missing": {ORDER: Missing("1", "gone")}}
ABSENT = {"lifecycle": Lifecycle.ABSENT}
UNKNOWN = applied(options={"value_hashes": {"memo": ValueHashes("", "")}, "fingerprint": ""})

GUARDS: list[tuple[str, Inputs, set[str]]] = [
    ("create", one(desired(memo="1")), set()),
    ("change", one(desired(memo="2"), actual(memo="1"), applied(memo="1")), set()),
    ("drift", one(desired(memo="1"), actual(memo="3"), applied(memo="1")), set()),
    ("adopt in sync", one(desired(memo="1"), actual(memo="1")), set()),
    ("adopt, absent value", one(desired(memo="1"), actual()), set()),
    ("adopt, value of others", one(desired(memo="2"), actual(memo="3")), {"adopt-update"}),
    ("archive of others", one(desired(options=ABSENT), actual()), {"adopt-update"}),
    ("archive of ours", one(desired(options=ABSENT), actual(), applied()), set()),
    (
        "pruned",
        one(desired(options={**ABSENT, "pruned": True}), actual(), applied()),
        {"prune"},
    ),
    ("no hashes", one(desired(memo="2"), actual(memo="3"), UNKNOWN), {"unknown"}),
    (
        "key changed in HubSpot",
        one(desired(), actual(key="X"), applied(), observed={"by_id": frozenset({ORDER})}),
        {"rekey"},
    ),
    (
        "recreate",
        one(
            desired(),
            last=applied(),
            observed=GONE,
            context={"recreate": frozenset({ORDER.folded()})},
        ),
        {"recreate"},
    ),
    ("conflict", one(desired(nothing="1"), actual(memo="3")), set()),
]


@pytest.mark.parametrize(
    ("inputs", "guards"), [row[1:] for row in GUARDS], ids=[row[0] for row in GUARDS]
)
def test_guards_count_what_may_destroy_the_work_of_others(inputs: Inputs, guards: set[str]) -> None:
    """Without a limit of its own a guard allows no record; a limit of one allows this one."""
    assert {guard.name for guard in plan_of([inputs]).guards} == guards
    assert plan_of([inputs], limits=dict.fromkeys(guards, 1)).guards == ()


def test_a_guard_names_its_count_and_how_to_allow_it() -> None:
    """Only the guard for pruning is allowed for the count that was shown and no other."""
    pruned = {**ABSENT, "pruned": True}
    plan = plan_of(
        one(desired(address, options=pruned), actual(key=address.key), applied())
        for address in (ORDER, B)
    )
    (guard,) = plan.guards
    assert (guard.name, guard.count, guard.limit, guard.allowance) == ("prune", 2, 0, "prune=2")
    assert guard.message == "2 records are no longer declared: applying archives them"
    (single,) = plan_of([one(desired(options=pruned), actual(), applied())]).guards
    assert single.message == "1 record is no longer declared: applying archives it"
    (other,) = plan_of([one(desired(memo="2"), actual(memo="3"))]).guards
    assert other.allowance == "adopt-update"
    assert other.message.startswith("1 record is in HubSpot with values that")


def test_everything_in_a_plan_is_sorted() -> None:
    """Units, definitions of properties, undeclared records and limits."""
    plan = assembled(
        [UnitChange(address, (RecordChange(address, Action.CREATE),)) for address in (B, ORDER)],
        undeclared=(Address("order", "Z"), Address("cart", "Z")),
        defines=[PropertyDefine(kind, "k", "K", "g") for kind in ("order", "cart")],
        limits={"rekey": 1, "prune": 2},
        identities={},
    )
    assert [unit.address for unit in plan.units] == [ORDER, B]
    assert [one.kind for one in plan.defines] == ["cart", "order"]
    assert [one.kind for one in plan.undeclared] == ["cart", "order"]
    assert plan.limits == (("prune", 2), ("rekey", 1))


def test_conflicts_in_the_state_that_are_gone_are_resolved() -> None:
    """Units still in conflict stay recorded."""
    plan = assembled(
        [UnitChange(ORDER, (RecordChange(ORDER, Action.CONFLICT, why=(Explanation("still"),)),))],
        recorded_conflicts=(B, ORDER),
    )
    assert plan.resolved == (B,)
