"""Holding back: what git asks for waits where it would overwrite what nobody has looked at."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from held import guards, held, left
from hypothesis import given
from hypothesis import strategies as st
from pure import (
    IDENTITIES,
    LINE,
    ORDER,
    WITHIN_PARENT,
    Inputs,
    actual,
    applied,
    assembled,
    desired,
    fields_of,
    one,
    plan_of,
)
from world import World, actions, cart, incomplete, line, order, statuses

from reconcile.errors import GuardRefused
from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.plan import (
    Action,
    FieldChange,
    LinkChange,
    LinkReference,
    Plan,
    Reason,
    RecordChange,
    UnitChange,
)
from reconcile.model.records import LastApplied, Lifecycle, Unit, ValueHashes
from reconcile.planning.consistency import contradictions
from reconcile.planning.guards import mismatches

NO_HASHES = {"value_hashes": {"memo": ValueHashes("", "")}, "fingerprint": ""}
FIELD = FieldChange("memo", "1", "2", Reason.CHANGE)
OTHER = Address("order", "B")
CART = Address("cart", "C")


def update(address: Address, /, **more: Any) -> RecordChange:
    """An update that nothing holds back."""
    fields = {"id": "1", "fields": (FIELD,), "state": "0" * 64}
    return RecordChange(address, Action.UPDATE, **fields | more)


def both(address: Address, /, **more: Any) -> RecordChange:
    """An update of what both sides changed."""
    return update(address, fields=(replace(FIELD, reason=Reason.BOTH),), **more)


def parts(plan: Plan) -> tuple[list[str], list[str]]:
    """The addresses that a plan changes, and those that it holds back."""
    return [str(one.address) for one in plan.records()], list(held(plan))


def units(*changes: RecordChange) -> list[UnitChange]:
    """A unit for each change."""
    return [UnitChange(change.address, (change,)) for change in changes]


# How far a guard reaches

WHOLE = {
    "both": ("3", applied("2", memo="1", options={"key": "A:1", "parent": ORDER})),
    "adopt-update": ("3", None),
    "unknown": ("3", applied("2", options={"key": "A:1", "parent": ORDER, **NO_HASHES})),
}


def with_line(stored: str, last: LastApplied | None) -> Inputs:
    """An order that git changes, with a line item that it changes and one that it adds."""
    more = Address("line_item", "A:2")
    return Inputs(
        Unit(ORDER, desired(memo="2"), (desired(LINE, memo="2"), desired(more, memo="2"))),
        {ORDER: actual(memo="1"), LINE: actual("2", key="A:1", memo=stored)},
        {ORDER: applied(memo="1")} | ({LINE: last} if last else {}),
        {"lines": frozenset({"2"})},
    )


@pytest.mark.parametrize("name", WHOLE)
def test_a_value_that_nobody_looked_at_holds_the_whole_unit(name: str) -> None:
    """Half an order is worse than none: its new line waits as well, and other orders do not."""
    beside = one(desired(OTHER, memo="2"), actual("9", key="B", memo="1"), applied("9", memo="1"))
    found = [with_line(*WHOLE[name]), beside]
    plan = plan_of(found)
    assert parts(plan) == (["order/B"], ["order/A", "line_item/A:1", "line_item/A:2"])
    assert guards(plan) == {name: 1}
    let_in = plan_of(found, allow={name: 1})
    assert parts(let_in) == (["order/A", "line_item/A:1", "line_item/A:2", "order/B"], [])


def test_a_changed_key_holds_its_record_alone() -> None:
    """Unless it is the order's, which holds its lines."""
    rekeyed = update(LINE, rekey=True, parent=ORDER, parent_id="1")
    plain = update(LINE, parent=ORDER, parent_id="1")
    plan = assembled([UnitChange(ORDER, (update(ORDER), rekeyed))])
    assert parts(plan) == (["order/A"], ["line_item/A:1"])
    plan = assembled([UnitChange(ORDER, (update(ORDER, rekey=True), plain))])
    assert parts(plan) == ([], ["order/A", "line_item/A:1"])


def test_an_order_is_archived_with_all_of_its_lines_or_not_at_all() -> None:
    """A line that waits would be left without its order, and nobody asked for the others alone."""
    goes = RecordChange(ORDER, Action.ARCHIVE, "1", state="0" * 64)
    waits = RecordChange(LINE, Action.ARCHIVE, "2", state="0" * 64, rekey=True, parent_id="1")
    first = RecordChange(Address("line_item", "A:0"), Action.ARCHIVE, "3", state="0" * 64)
    plan = assembled([UnitChange(ORDER, (goes, first, waits))])
    assert parts(plan) == ([], ["order/A", "line_item/A:0", "line_item/A:1"])


def test_what_only_the_state_learns_is_not_held_back(world: World) -> None:
    """A value that both sides have by now is remembered, so that a later edit of it is drift."""
    lines = [line("L1", name="x", memo="1")]
    world.converge(order("A", lines, memo="1"))
    item = world.id_of("line_items", "L1")
    world.edit("orders", world.id_of("orders", "A"), memo="9")
    world.edit("line_items", item, memo="2")
    plan = world.plan(order("A", [line("L1", name="x", memo="2")], memo="2"), allow={})
    assert parts(plan) == (["line_item/L1"], ["order/A"])
    assert world.apply(plan).held == (ORDER,)

    world.edit("line_items", item, memo="1")
    again = world.plan(allow={"both": 1})
    assert (parts(again), left(again)) == ((["order/A"], []), {"line_item/L1": {"memo"}})
    assert world.apply(again).complete
    assert world.dump("line_items")[item]["memo"] == "1"


def test_the_lines_of_a_renamed_order_wait_with_it(world: World) -> None:
    """The state has them under its former name until it is renamed."""
    lines = [line("L1", name="x")]
    world.converge(order("A", lines, memo="1"))
    world.edit("orders", world.id_of("orders", "A"), memo="9")
    plan = world.plan(order("B", lines, memo="2", moved_from="A"), allow={})
    assert parts(plan)[0] == []
    assert world.apply(plan).held[:1] == (OTHER,)
    assert world.apply(world.plan(allow={"both": 1})).complete
    assert world.plan(allow={}).units == ()


def test_archiving_what_somebody_edited_since_is_both() -> None:
    """Git removes it, and somebody worked on it: the edit shows in what is held back."""
    gone = {"lifecycle": Lifecycle.ABSENT}
    inputs = one(desired(options=gone), actual(memo="3"), applied(memo="1"))
    plan = plan_of([inputs])
    assert (guards(plan), parts(plan)) == ({"both": 1}, ([], ["order/A"]))
    assert guards(plan_of([one(desired(options=gone), actual(memo="1"), applied(memo="1"))])) == {}


def test_every_guard_of_a_record_must_be_allowed() -> None:
    """A record counts for each of its guards."""
    inputs = one(
        desired(memo="2"),
        actual(key="X", memo="3"),
        applied(memo="1"),
        observed={"by_id": frozenset({ORDER})},
    )
    numbers = {"both": 1, "rekey": 1}
    assert guards(plan_of([inputs])) == numbers
    for name in numbers:
        half = plan_of([inputs], allow={name: 1})
        assert (parts(half), mismatches(half)) == (([], ["order/A"]), [])
    assert parts(plan_of([inputs], allow=numbers)) == (["order/A"], [])


def test_a_conflict_is_shown_as_one_whatever_is_held_back() -> None:
    """It is left alone anyway, and no number lets it in."""
    conflict = RecordChange(LINE, Action.CONFLICT, "2", why=(Explanation("why"),))
    plan = assembled([UnitChange(ORDER, (both(ORDER), conflict))])
    assert parts(plan) == (["line_item/A:1"], ["order/A"])


# What is tied to a held record


def to_cart(address: Address | None, id_: str = "") -> LinkChange:
    """An association with a cart: one that the plan creates, or one that exists."""
    asked = (LinkReference("key", "C", "", "HUBSPOT_DEFINED", 593),)
    return LinkChange(True, "cart", id_, address, (("HUBSPOT_DEFINED", 593),), references=asked)  # noqa: FBT003


RECREATED = RecordChange(
    CART,
    Action.CREATE,
    fields=(FieldChange("reconcile_key", "", "C", Reason.NEW),),
    recreates=True,
    state="0" * 64,
)


def test_what_refers_to_a_record_that_is_not_created_yet_stays_with_it() -> None:
    """With its lines, and whatever refers to it in turn."""
    refers = update(ORDER, links=(to_cart(CART),))
    own = update(LINE, parent=ORDER, parent_id="1")
    plan = assembled([*units(RECREATED), UnitChange(ORDER, (refers, own))])
    assert parts(plan) == ([], ["cart/C", "order/A", "line_item/A:1"])
    let_in = assembled(
        [*units(RECREATED), UnitChange(ORDER, (refers, own))], allowed=["recreate=1"]
    )
    assert parts(let_in) == (["cart/C", "order/A", "line_item/A:1"], [])


def test_a_record_that_is_created_does_not_wait_for_what_refers_to_it() -> None:
    """Nor does what refers to a record that exists."""
    created = replace(RECREATED, recreates=False, state="")
    plan = assembled(units(created, both(ORDER, links=(to_cart(CART),))))
    assert parts(plan) == (["cart/C"], ["order/A"])
    plan = assembled(units(both(CART, id="7"), update(ORDER, links=(to_cart(None, "7"),))))
    assert parts(plan) == (["order/A"], ["cart/C"])


@pytest.mark.parametrize("held_first", [True, False])
def test_records_that_exchange_keys_go_or_stay_together(*, held_first: bool) -> None:
    """One half of it would be refused by HubSpot, or give a record another's values."""
    key = FieldChange("reconcile_key", "B", "A", Reason.CHANGE)
    halves = [
        update(ORDER, id="1", moved_from="B", fields=(key,)),
        update(OTHER, id="2", moved_from="a", fields=(replace(key, before="A", after="B"),)),
    ]
    where = 0 if held_first else 1
    memo = replace(FIELD, reason=Reason.BOTH)
    halves[where] = replace(halves[where], fields=(*halves[where].fields, memo))
    plan = assembled(units(*halves, update(Address("order", "C"), id="3")))
    assert parts(plan) == (["order/C"], ["order/A", "order/B"])
    assert parts(assembled(units(*halves), allowed=["both=1"])) == (["order/A", "order/B"], [])


def test_a_chain_of_renames_is_tied_from_end_to_end() -> None:
    """Each needs the key that the next one gives up."""
    keys = "ABCDE"
    chain = [
        update(Address("order", after), id=str(number), moved_from=before)
        for number, (before, after) in enumerate(pairwise(keys))
    ]
    chain[-1] = replace(chain[-1], fields=(replace(FIELD, reason=Reason.UNSEEN),))
    assert parts(assembled(units(*chain)))[0] == []


def test_a_line_does_not_get_the_value_of_one_that_is_held_back() -> None:
    """Two lines of one order with one value could not be told apart any more."""
    name = FieldChange("name", "Mug", "", Reason.CHANGE)
    pruned = RecordChange(
        LINE, Action.ARCHIVE, "2", (name,), parent_id="1", state="0" * 64, pruned=True
    )
    new = RecordChange(
        Address("line_item", "A:2"),
        Action.CREATE,
        fields=(replace(name, before="", after="MUG", reason=Reason.NEW),),
        parent_id="1",
    )
    for identities, waits in ((WITHIN_PARENT, True), (IDENTITIES, False)):
        plan = assembled([UnitChange(ORDER, (pruned, new))], prune=True, identities=identities)
        assert ("line_item/A:2" in held(plan)) is waits
        assert "line_item/A:1" in held(plan)


def test_what_is_held_back_is_in_the_order_of_a_plan() -> None:
    """Also where a unit is held in two steps: a line of its own, and then the rest."""
    lines = [
        update(Address("line_item", f"A:{number}"), parent=ORDER, parent_id="1", rekey=number == 3)
        for number in range(5)
    ]
    root = update(ORDER, links=(to_cart(CART),))
    plan = assembled([*units(RECREATED), UnitChange(ORDER, (root, *lines))])
    assert list(held(plan)) == ["cart/C", "order/A", *(f"line_item/A:{n}" for n in range(5))]


CHANGES = st.sampled_from(
    [update, both, lambda one, **more: replace(RECREATED, address=one, **more)]
)


@given(st.lists(CHANGES, min_size=2, max_size=6), st.data())
def test_holding_back_ends_and_does_not_depend_on_order(
    makers: list[Callable[..., RecordChange]], data: st.DataObject
) -> None:
    """Whatever refers to whatever: each created record that is referred to is there first."""
    addresses = [Address("cart", f"C{number}") for number in range(len(makers))]
    made = []
    for address, make in zip(addresses, makers, strict=True):
        change = make(address)
        ends = data.draw(st.sets(st.sampled_from(addresses), max_size=2))
        links = tuple(replace(to_cart(end), to="order") for end in sorted(ends - {address}))
        made.append(replace(change, links=links))
    plan = assembled(units(*made))
    assert plan == assembled(units(*reversed(made)))
    waits = {one.address for one in held(plan).values() if not one.id}
    for change in plan.records():
        assert waits.isdisjoint(link.address for link in change.links if link.address)
    for address, change in held(plan).items():
        own = change.recreates or any(field.reason is Reason.BOTH for field in change.fields)
        assert own or any(link.address in waits for link in change.links), address


# In an account


def entry(world: World) -> Mapping[str, object]:
    """What the state has of order A, but for the run that wrote it."""
    with world.session() as session:
        (found,) = (e for _, name, e in session.state().entries() if str(name) == "order/a")
    return {"values": dict(found.value_hashes), "print": found.fingerprint, "links": found.links}


@pytest.mark.parametrize("name", ["both", "adopt-update", "unknown"])
def test_held_back_ten_times_is_as_at_first(world: World, name: str) -> None:
    """Other fields of the record, and other records, change by git in between."""
    start, git = {"memo": "ours"}, {"memo": "git"}
    if name == "adopt-update":
        start, git = {}, {"hs_tags": "git"}
    world.converge(order("A", weight="0", **start), order("B", weight="0"))
    record = world.id_of("orders", "A")
    (field,) = git
    world.edit("orders", record, **{field: "theirs"})
    if name == "unknown":
        (world.settings.local_folder / "key").unlink()
    before = entry(world)
    reasons = {"both": Reason.BOTH, "adopt-update": Reason.UNSEEN, "unknown": Reason.UNKNOWN}
    for number in range(1, 11):
        weight = str(number)
        plan = world.plan(order("A", weight=weight, **git), order("B", weight=weight), allow={})
        # Without the key nothing is known of the other record either.
        assert guards(plan) == {name: 2 if name == "unknown" else 1}
        found = fields_of(held(plan)["order/A"])
        assert found[field] == ("theirs", "git", reasons[name])
        assert found["weight"][:2] == ("0", weight)
        report = world.apply(plan)
        assert [str(address) for address in report.held][:1] == ["order/A"]
        assert entry(world) == before
        if name != "unknown":
            assert world.record("orders", "B")["weight"] == weight
    assert world.record("orders", "A")[field] == "theirs"
    numbers = guards(world.plan(allow={}))
    assert incomplete(world.apply(world.plan(allow=numbers))) == ()
    assert world.record("orders", "A")[field] == "git"
    assert world.record("orders", "A")["weight"] == "10"
    assert world.plan(allow={}).units == ()


def test_what_was_held_back_before_is_not_news(world: World) -> None:
    """Until the manifest asks for something else."""
    world.converge(order("A", memo="1"))
    world.edit("orders", world.id_of("orders", "A"), memo="theirs")
    report = world.apply(world.plan(order("A", memo="2"), allow={}))
    assert ([str(one) for one in report.held], report.still_held) == (["order/A"], 0)
    assert not report.complete
    again = world.apply(world.plan(allow={}))
    assert (again.held, again.still_held, again.complete) == ((), 1, True)
    other = world.apply(world.plan(order("A", memo="3"), allow={}))
    assert ([str(one) for one in other.held], other.still_held) == (["order/A"], 0)


def test_counts_that_move_between_plan_and_allow_write_nothing(world: World) -> None:
    """What was reviewed is a number, and another one has not been reviewed."""
    documents = [order(key, memo="1") for key in "ABC"]
    world.converge(*documents)
    changed = [order(key, memo="2") for key in "ABC"]
    for key in "AB":
        world.edit("orders", world.id_of("orders", key), memo="theirs")
    assert guards(world.plan(*changed, allow={})) == {"both": 2}
    world.edit("orders", world.id_of("orders", "C"), memo="theirs")
    world.forget_calls()
    with pytest.raises(GuardRefused, match="both=2 was given, but the plan has 3"):
        world.apply(world.plan(allow={"both": 2}))
    world.edit("orders", world.id_of("orders", "C"), memo="1")
    world.edit("orders", world.id_of("orders", "B"), memo="1")
    with pytest.raises(GuardRefused, match="both=2 was given, but the plan has 1"):
        world.apply(world.plan(allow={"both": 2}))
    assert {world.record("orders", key)["memo"] for key in "ABC"} == {"1", "theirs"}


def test_drift_that_grows_beyond_its_number_writes_nothing(world: World) -> None:
    """Less of it than allowed is fine."""
    world.converge(order("A", memo="1"), order("B", memo="1"))
    world.edit("orders", world.id_of("orders", "A"), memo="theirs")
    world.edit("orders", world.id_of("orders", "B"), memo="theirs")
    with pytest.raises(GuardRefused, match="drift=1 was given, but the plan has 2"):
        world.apply(world.plan(allow={"drift": 1}))
    assert {one["memo"] for one in world.dump("orders").values()} == {"theirs"}
    assert incomplete(world.apply(world.plan(allow={"drift": 3}))) == ()
    assert {one["memo"] for one in world.dump("orders").values()} == {"1"}


def test_an_edit_of_a_held_record_after_planning_is_nobodys_loss(world: World) -> None:
    """What was allowed is written over the value that was shown, and over no other."""
    world.converge(order("A", memo="1"))
    record = world.id_of("orders", "A")
    world.edit("orders", record, memo="theirs")
    plan = world.plan(order("A", memo="2"), allow={"both": 1})
    world.edit("orders", record, memo="newer")
    assert statuses(world.apply(plan)) == {"order/A": "conflict"}
    assert world.dump("orders")[record]["memo"] == "newer"


def test_a_record_to_recreate_waits_with_what_refers_to_it(world: World) -> None:
    """Its order keeps the association that it has, and both go with the number."""
    documents = [order("A", associations={"cart": [{"key": "C"}]}), cart("C", memo="1")]
    world.converge(*documents)
    world.archive("carts", world.id_of("carts", "C"))
    plan = world.plan(recreate=["cart/C"], allow={})
    assert parts(plan) == ([], ["cart/C", "order/A"])
    assert world.apply(plan).outcomes == ()
    assert world.dump("carts") == {}
    let_in = world.plan(recreate=["cart/C"], allow={"recreate": 1})
    assert held(let_in) == {}
    assert incomplete(world.apply(let_in)) == ()
    assert world.plan(allow={}).units == ()


def test_what_is_not_declared_any_more_waits_with_what_takes_its_place(
    build: Callable[..., World],
) -> None:
    """A new line with the value of one that is to be pruned."""
    world = build(identity={"line_item": "within_parent:hs_sku"})
    world.converge(order("A", [line("A:1", hs_sku="1"), line("A:2", hs_sku="2")]))
    world.declare(order("A", [line("A:1", hs_sku="1"), line("A:new", hs_sku="2")]))
    plan = world.plan(prune=True, allow={})
    assert parts(plan) == ([], ["line_item/A:2", "line_item/A:new"])
    assert world.apply(plan).outcomes == ()
    assert incomplete(world.apply(world.plan(prune=True, allow={"prune": 1}))) == ()
    assert world.plan(prune=True, allow={}).units == ()


def test_drift_and_a_held_change_of_one_record_are_apart(world: World) -> None:
    """The number lets in what git changed, and drift is left alone as before."""
    world.converge(order("A", memo="1", weight="1"))
    record = world.id_of("orders", "A")
    world.edit("orders", record, memo="theirs", weight="7")
    plan = world.plan(order("A", memo="2", weight="1"), allow={})
    assert (set(held(plan)), left(plan)) == ({"order/A"}, {"order/A": {"weight"}})
    assert set(fields_of(held(plan)["order/A"])) == {"memo"}
    assert incomplete(world.apply(world.plan(allow={"both": 1}))) == ()
    assert world.dump("orders")[record]["memo"] == "2"
    again = world.plan(allow={})
    assert (again.empty, left(again)) == (True, {"order/A": {"weight"}})


def test_a_state_that_only_needs_refreshing_needs_no_leave(world: World) -> None:
    """Values found equal are remembered by every apply."""
    world.make("orders", "A", memo="1")
    plan = world.plan(order("A", memo="1"), allow={})
    assert actions(plan) == {"order/A": Action.ADOPT}
    world.forget_calls()
    assert world.apply(plan).complete
    assert world.writes() == []
    assert world.plan(allow={}).units == ()


def test_a_plan_with_held_changes_is_consistent() -> None:
    """As it must be to be read from its file; moved out of there by hand it is not."""
    found = [with_line(*WHOLE["both"])]
    plan = plan_of(found)
    assert list(contradictions(plan)) == []
    (unit,) = plan.units
    forged = replace(plan, units=(replace(unit, changes=unit.held, held=()),))
    assert "does not follow from what it allows" in "\n".join(contradictions(forged))


def test_the_rest_of_a_unit_is_applied_beside_a_record_that_is_held_back(world: World) -> None:
    """A changed key holds one line; the order and its other lines go, and then stand."""
    world.converge(order("A", [line("A:1", name="x"), line("A:2", name="y")], memo="1"))
    item = world.id_of("line_items", "A:1")
    world.edit("line_items", item, reconcile_key="THEIRS")
    after = order("A", [line("A:1", name="X"), line("A:2", name="Y"), line("A:3")], memo="2")
    plan = world.plan(after, allow={})
    assert parts(plan) == (["order/A", "line_item/A:2", "line_item/A:3"], ["line_item/A:1"])
    report = world.apply(plan)
    assert incomplete(report) == ()
    assert [str(address) for address in report.held] == ["line_item/A:1"]
    stored = world.dump("line_items")[item]
    assert (stored["reconcile_key"], stored["name"]) == ("THEIRS", "x")
    assert parts(world.plan(allow={})) == ([], ["line_item/A:1"])
    assert incomplete(world.apply(world.plan(allow={"rekey": 1}))) == ()
    assert world.plan(allow={}).units == ()
