"""Plans put together from units: their order, their guards, and the conflicts they resolve."""

import pytest
from held import guards, held
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
from reconcile.planning.guards import mismatches

B = Address("order", "B")
GONE = {"missing": {ORDER: Missing("1", "gone")}}
ABSENT = {"lifecycle": Lifecycle.ABSENT}
UNKNOWN = applied(options={"value_hashes": {"memo": ValueHashes("", "")}, "fingerprint": ""})

EDITED = applied(memo="1")

GUARDS: list[tuple[str, Inputs, set[str]]] = [
    ("create", one(desired(memo="1")), set()),
    ("change", one(desired(memo="2"), actual(memo="1"), applied(memo="1")), set()),
    ("drift", one(desired(memo="1"), actual(memo="3"), applied(memo="1")), set()),
    ("both", one(desired(memo="2"), actual(memo="3"), applied(memo="1")), {"both"}),
    (
        "archive of what was edited",
        one(desired(options=ABSENT), actual(memo="3"), EDITED),
        {"both"},
    ),
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
    ("inputs", "names"), [row[1:] for row in GUARDS], ids=[row[0] for row in GUARDS]
)
def test_guards_hold_back_what_may_destroy_the_work_of_others(
    inputs: Inputs, names: set[str]
) -> None:
    """Until each is allowed. The count is the same whether or not it is."""
    plan, let_in = plan_of([inputs]), plan_of([inputs], allow=dict.fromkeys(names, 1))
    assert guards(plan) == guards(let_in) == dict.fromkeys(names, 1)
    assert bool(held(plan)) is bool(names)
    assert held(let_in) == {}
    if names:
        assert list(plan.records()) == []
        assert tuple(held(plan).values()) == tuple(let_in.records())
    assert plan.guards == let_in.guards == ()


@pytest.mark.parametrize(("allowed", "fits"), [(0, True), (1, False), (2, True), (3, False)])
def test_a_guard_is_allowed_by_the_exact_number_of_records(allowed: int, *, fits: bool) -> None:
    """Any other number is a mistake, which says both. None at all is none."""
    pruned = {**ABSENT, "pruned": True}
    plan = plan_of(
        (
            one(desired(address, options=pruned), actual(key=address.key), applied())
            for address in (ORDER, B)
        ),
        allow={"prune": allowed} if allowed else {},
    )
    wrong = [] if fits else [f"--allow prune={allowed} was given, but the plan has 2"]
    assert mismatches(plan) == wrong
    assert len(held(plan)) == (0 if allowed else 2)


def test_drift_is_allowed_up_to_a_number_of_records() -> None:
    """Others go on changing records between one plan and the next."""
    found = [one(desired(memo="1"), actual(memo="3"), applied(memo="1"))]
    assert mismatches(plan_of(found, allow={"drift": 9})) == []
    assert mismatches(plan_of(found, allow={"drift": 1})) == []
    more = [
        *found,
        one(desired(B, memo="1"), actual("2", key="B", memo="3"), applied("2", memo="1")),
    ]
    assert mismatches(plan_of(more, allow={"drift": 1})) == [
        "--allow drift=1 was given, but the plan has 2"
    ]


LIMITED: list[tuple[str, dict[tuple[str, str], int], str]] = [
    ("as many as allowed", {("update", ""): 2}, ""),
    ("more", {("update", ""): 1}, "2 records would be updated, and the limit is 1"),
    ("another action", {("create", ""): 0, ("archive", ""): 0}, ""),
    (
        "of its kind",
        {("update", "order"): 0},
        "2 orders would be updated, and the limit is 0",
    ),
    ("of another kind", {("update", "cart"): 0}, ""),
]


@pytest.mark.parametrize(
    ("limits", "message"), [row[1:] for row in LIMITED], ids=[row[0] for row in LIMITED]
)
def test_a_limit_refuses_the_whole_plan(limits: dict[tuple[str, str], int], message: str) -> None:
    """Unless it is allowed by the exact number. Adoptions and what is held back do not count."""
    found = [
        one(desired(memo="2"), actual(memo="1"), applied(memo="1")),
        one(desired(B, memo="2"), actual("2", key="B", memo="1"), applied("2", memo="1")),
        one(
            desired(Address("order", "C"), memo="2"),
            actual("3", key="C", memo="3"),
            applied("3", memo="1"),
        ),
        one(desired(Address("order", "D"), memo="2"), actual("4", key="D")),
    ]
    plan = plan_of(found, limits=limits)
    assert [guard.message for guard in plan.guards] == ([message] if message else [])
    if message:
        assert [guard.allowance for guard in plan.guards] == ["limit-update=2"]
        with_number = plan_of(found, limits=limits, allow={"limit-update": 2})
        assert (with_number.guards, mismatches(with_number)) == ((), [])
        wrong = plan_of(found, limits=limits, allow={"limit-update": 3})
        assert [guard.name for guard in wrong.guards] == ["limit-update"]
        assert mismatches(wrong) == ["--allow limit-update=3 was given, but the plan has 2"]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({("update", "order"): 2, ("update", "line_item"): 9}, ""),
        (
            {("update", "order"): 1, ("update", "line_item"): 9},
            "2 orders (limit 1) would be updated, 5 records in all",
        ),
        (
            {("update", "order"): 1, ("update", "line_item"): 2, ("update", "cart"): 0},
            "2 orders (limit 1), 3 line items (limit 2) would be updated, 5 records in all",
        ),
        (
            {("update", ""): 4, ("update", "order"): 1},
            "5 records (limit 4), 2 orders (limit 1) would be updated, 5 records in all",
        ),
    ],
)
def test_limits_of_kinds_are_passed_by_one_number_for_all_kinds(
    limits: dict[tuple[str, str], int], message: str
) -> None:
    """The message has the number of each kind that is too many, and the one to allow."""
    addresses = [ORDER, B, *(Address("line_item", f"A:{number}") for number in range(3))]
    changes = [RecordChange(address, Action.UPDATE, "1") for address in addresses]
    units = [UnitChange(change.address, (change,)) for change in changes]
    plan = assembled(units, limits=limits)
    assert [guard.message for guard in plan.guards] == ([message] if message else [])
    if message:
        assert [guard.allowance for guard in plan.guards] == ["limit-update=5"]
        assert assembled(units, limits=limits, allowed=["limit-update=5"]).guards == ()


def test_everything_in_a_plan_is_sorted() -> None:
    """Units, definitions of properties, undeclared records and limits."""
    plan = assembled(
        [UnitChange(address, (RecordChange(address, Action.CREATE),)) for address in (B, ORDER)],
        undeclared=(Address("order", "Z"), Address("cart", "Z")),
        defines=[PropertyDefine(kind, "k", "K", "g") for kind in ("order", "cart")],
        limits={("update", ""): 1, ("archive", "order"): 2},
        identities={},
    )
    assert [unit.address for unit in plan.units] == [ORDER, B]
    assert [one.kind for one in plan.defines] == ["cart", "order"]
    assert [one.kind for one in plan.undeclared] == ["cart", "order"]
    assert plan.limits == (("archive", "order", 2), ("update", "", 1))


def test_conflicts_in_the_state_that_are_gone_are_resolved() -> None:
    """Units still in conflict stay recorded."""
    plan = assembled(
        [UnitChange(ORDER, (RecordChange(ORDER, Action.CONFLICT, why=(Explanation("still"),)),))],
        recorded_conflicts=(B, ORDER),
    )
    assert plan.resolved == (B,)
