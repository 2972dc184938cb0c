"""Drift: what others changed while the manifest did not is left alone, and nothing forgets it."""

from collections.abc import Mapping

import pytest
from held import guards, held, left
from pure import (
    ORDER,
    Inputs,
    actual,
    applied,
    company,
    desired,
    fields_of,
    one,
    plan_of,
)
from world import EMAILS, World, actions, changes, incomplete, line, order

from reconcile.model.address import Address
from reconcile.model.guarded import counts, drifted
from reconcile.model.kinds import kinds
from reconcile.model.plan import Action, Plan, Reason
from reconcile.model.records import Link
from reconcile.planning.plan_file import content_digest

DRIFTED = one(desired(memo="1"), actual(memo="3"), applied(memo="1"))
BESIDE = one(
    desired(memo="1", weight="2"),
    actual(memo="3", weight="1"),
    applied(memo="1", weight="1"),
)


def kept(plan: Plan, name: str) -> str:
    """The value of a property that the only change of a plan remembers without writing it."""
    (change,) = plan.records()
    return dict(change.keep)[name]


def remembered(world: World, address: str = "order/a") -> Mapping[str, object]:
    """What the state has of a record, but for the run that wrote it."""
    with world.session() as session:
        (entry,) = (e for _, name, e in session.state().entries() if str(name) == address)
    return {
        "values": dict(entry.value_hashes),
        "links": entry.links,
        "fingerprint": entry.fingerprint,
    }


# What is left alone


def test_drift_alone_is_no_change() -> None:
    """The plan is empty, and shows what HubSpot has and what is declared."""
    plan = plan_of([DRIFTED])
    assert plan.empty
    assert not plan.acts
    assert (plan.unchanged, held(plan), plan.guards) == (0, {}, ())
    (unit,) = plan.units
    (found,) = unit.left_alone
    assert (found.address, found.id, found.links) == (ORDER, "1", ())
    (field,) = found.fields
    assert (field.name, field.before, field.after) == ("memo", "3", "1")
    assert field.reason is Reason.DRIFT


def test_drift_is_per_field() -> None:
    """The change of another field is made, and the declared value stays remembered."""
    plan = plan_of([BESIDE])
    (change,) = plan.records()
    assert fields_of(change) == {"weight": ("1", "2", Reason.CHANGE)}
    assert left(plan) == {"order/A": {"memo"}}
    assert kept(plan, "memo") == "1"


@pytest.mark.parametrize(
    ("declared", "stored", "reason"),
    [("2", "3", Reason.BOTH), ("2", "1", Reason.CHANGE)],
    ids=["both sides moved", "only the manifest moved"],
)
def test_what_git_changed_is_not_drift(declared: str, stored: str, reason: Reason) -> None:
    """Whoever else did something too."""
    plan = plan_of([one(desired(memo=declared), actual(memo=stored), applied(memo="1"))])
    (change,) = (*plan.records(), *held(plan).values())
    assert fields_of(change) == {"memo": (stored, declared, reason)}
    assert left(plan) == {}


def test_a_value_never_seen_is_not_drift() -> None:
    """A property that is managed for the first time over a person's value is held back."""
    plan = plan_of([one(desired(memo="1", gift="true"), actual(gift="false"), applied(memo=""))])
    assert left(plan) == {}
    assert guards(plan) == {"adopt-update": 1}
    (change,) = held(plan).values()
    assert fields_of(change) == {
        "gift": ("false", "true", Reason.UNSEEN),
        "memo": ("", "1", Reason.CHANGE),
    }


def test_a_key_changed_in_hubspot_is_held_back_and_not_drift() -> None:
    """It has a guard of its own; the record's other drift is left alone."""
    inputs = one(
        desired(memo="1"),
        actual(key="X", memo="3"),
        applied(memo="1"),
        observed={"by_id": frozenset({ORDER})},
    )
    plan = plan_of([inputs])
    assert left(plan) == {"order/A": {"memo"}}
    assert guards(plan) == {"rekey": 1}
    let_in = plan_of([inputs], allow={"rekey": 1})
    assert [set(fields_of(change)) for change in let_in.records()] == [{"reconcile_key"}]
    assert left(let_in) == {"order/A": {"memo"}}


# Putting it back


@pytest.mark.parametrize(
    "options",
    [{"allow": {"drift": 5}}, {"reverts": {"order": frozenset({"memo"})}}],
    ids=["allowed for this plan", "by the project file"],
)
def test_drift_that_was_asked_for_is_put_back(options: dict[str, dict[str, int]]) -> None:
    """As an update whose reason is drift."""
    plan = plan_of([DRIFTED], **options)  # type: ignore[arg-type]
    (change,) = plan.records()
    assert (change.action, fields_of(change)) == (
        Action.UPDATE,
        {"memo": ("3", "1", Reason.DRIFT)},
    )
    assert (left(plan), held(plan)) == ({}, {})
    assert counts(plan)["drift"] == 1


def test_the_project_file_names_properties_of_a_kind() -> None:
    """No other property is put back, nor the same one of another kind."""
    for reverts in ({"order": frozenset({"weight"})}, {"cart": frozenset({"memo"})}):
        assert left(plan_of([DRIFTED], reverts=reverts)) == {"order/A": {"memo"}}


def test_allowing_drift_lets_in_nothing_that_is_held_back() -> None:
    """A guard has a number of its own."""
    inputs = one(
        desired(memo="2", weight="1"),
        actual(memo="3", weight="7"),
        applied(memo="1", weight="1"),
    )
    plan = plan_of([inputs], allow={"drift": 1})
    assert list(plan.records()) == []
    assert [set(fields_of(change)) for change in held(plan).values()] == [{"memo", "weight"}]


# Fields that mean something only together

PIPELINE = {"hs_pipeline": "p1", "hs_pipeline_stage": "s1"}


def staged(
    stage: str, pipeline: str = "Orders", *, stored: str, stored_pipeline: str = "p1"
) -> Inputs:
    """An order whose pipeline and stage were applied as p1 and s1."""
    return one(
        desired(hs_pipeline=pipeline, hs_pipeline_stage=stage, memo="1"),
        actual(hs_pipeline=stored_pipeline, hs_pipeline_stage=stored, memo="1"),
        applied(memo="1", **PIPELINE),
    )


def test_a_drifted_stage_is_left_alone() -> None:
    """Nothing else of its group differs."""
    assert left(plan_of([staged("Open", stored="s2")])) == {"order/A": {"hs_pipeline_stage"}}


@pytest.mark.parametrize("reverts", [{}, {"order": frozenset({"hs_pipeline_stage"})}])
def test_a_group_that_drifted_is_left_alone_as_a_whole(
    reverts: Mapping[str, frozenset[str]],
) -> None:
    """Half of it put back would mean something that nobody ever wanted."""
    inputs = staged("Open", stored="s9", stored_pipeline="p9")
    plan = plan_of([inputs], reverts=reverts)
    assert left(plan) == {"order/A": {"hs_pipeline", "hs_pipeline_stage"}}
    assert plan.empty
    both = {"order": frozenset({"hs_pipeline", "hs_pipeline_stage"})}
    assert left(plan_of([inputs], reverts=both)) == {}


def test_every_kind_with_amounts_keeps_them_with_their_currency() -> None:
    """A price in another currency is another price."""
    for kind in kinds().values():
        groups = [group for group in kind.together if kind.currency in group]
        assert len(groups) == 1, kind.name
        assert any(name.endswith("price") for name in groups[0])


def test_a_pipeline_changed_in_git_while_the_stage_drifted_is_both(world: World) -> None:
    """Neither is written, and both are when their number is allowed."""
    world.converge(order("A", hs_pipeline="Order Pipeline", hs_pipeline_stage="Open", memo="1"))
    stages = world.stages
    record = world.id_of("orders", "A")
    world.edit("orders", record, hs_pipeline_stage=stages["Shipped"])
    pipeline = {"hs_pipeline": "Order Pipeline", "hs_pipeline_stage": "Delivered"}
    plan = world.plan(order("A", memo="2", **pipeline), allow={})
    (change,) = held(plan).values()
    assert {field.name: field.reason for field in change.fields} == {
        "hs_pipeline_stage": Reason.BOTH,
        "memo": Reason.CHANGE,
    }
    assert world.apply(plan).held == (Address("order", "A"),)
    assert world.dump("orders")[record]["memo"] == "1"
    assert incomplete(world.apply(world.plan(allow={"both": 1}))) == ()
    assert world.dump("orders")[record]["hs_pipeline_stage"] == stages["Delivered"]


def test_a_total_changed_in_git_while_the_currency_drifted_is_both(world: World) -> None:
    """The group makes one reason of a change and a drift."""
    world.converge(order("A", hs_total_price="10", hs_currency_code="USD"))
    world.edit("orders", world.id_of("orders", "A"), hs_tax="3", hs_total_price="12")
    plan = world.plan(order("A", hs_total_price="10", hs_currency_code="USD", hs_tax="1"), allow={})
    (change,) = held(plan).values()
    assert {field.name: field.reason for field in change.fields} == {
        "hs_tax": Reason.UNSEEN,
        "hs_total_price": Reason.BOTH,
    }
    assert guards(plan) == {"adopt-update": 1, "both": 1}


def test_a_price_on_both_sides_holds_a_total_that_only_git_changed(world: World) -> None:
    """Half an order is worse than none: the whole unit waits."""
    world.converge(order("A", [line("A:1", price="10", name="Mug")], hs_total_price="10"))
    item = world.id_of("line_items", "A:1")
    world.edit("line_items", item, price="11")
    after = order("A", [line("A:1", price="12", name="Mug")], hs_total_price="12")
    plan = world.plan(after, order("B"), allow={})
    assert actions(plan) == {"order/B": Action.CREATE}
    assert list(held(plan)) == ["order/A", "line_item/A:1"]
    assert guards(plan) == {"both": 1}
    world.apply(plan)
    assert world.record("orders", "A")["hs_total_price"] == "10"
    assert world.record("line_items", "A:1")["price"] == "11"
    assert incomplete(world.apply(world.plan(allow={"both": 1}))) == ()
    assert world.record("orders", "A")["hs_total_price"] == "12"
    assert world.record("line_items", "A:1")["price"] == "12"


# Associations

OURS = Link("company", "501", 934)


def linked(*present: Link, last: frozenset[Link] = frozenset({OURS})) -> Inputs:
    """An order that declares a company, which the last apply may have associated with it."""
    return one(
        desired(options={"references": (company(),)}),
        actual(),
        applied(options={"links": last}),
        observed={"links": {ORDER: frozenset(present)}},
    )


def test_an_association_that_others_removed_is_left_alone() -> None:
    """One that the manifest asks for only now is made."""
    plan = plan_of([linked()])
    assert left(plan) == {"order/A": {"company/501"}}
    assert plan.empty
    new = plan_of([linked(last=frozenset())])
    assert left(new) == {}
    assert [change.action for change in new.records()] == [Action.ASSOCIATE]
    assert left(plan_of([linked(OURS)])) == {}


def test_drift_counts_records_with_associations_too() -> None:
    """The number is the same before it is allowed and after."""
    for allow in ({}, {"drift": 1}):
        plan = plan_of([linked()], allow=allow)
        assert counts(plan)["drift"] == 1
        assert [drifted(unit) for unit in plan.units] == [{"order/A"}]
    assert [change.action for change in plan.records()] == [Action.ASSOCIATE]
    assert [link.reason for change in plan.records() for link in change.links] == [Reason.DRIFT]
    fresh = plan_of([linked(last=frozenset())], allow={"drift": 1})
    assert counts(fresh)["drift"] == 0


def test_a_removed_association_stays_ours_until_it_is_put_back(world: World) -> None:
    """While other fields change, the state keeps the association, and one number restores it."""
    contact = {"contact": [{"email": EMAILS[0]}]}
    world.converge(order("A", memo="0", associations=contact))
    record = ("orders", world.id_of("orders", "A"))
    ((ana, types),) = world.links(record, "contacts").items()
    world.unlink(record, ("contacts", ana))
    links = remembered(world)["links"]
    for number in range(1, 4):
        plan = world.plan(order("A", memo=str(number), associations=contact), allow={})
        assert left(plan) == {"order/A": {f"contact/{ana}"}}
        assert world.apply(plan).complete
        assert world.links(record, "contacts") == {}
        assert remembered(world)["links"] == links
    assert world.plan(allow={}).empty
    assert incomplete(world.apply(world.plan(allow={"drift": 1}))) == ()
    assert world.links(record, "contacts") == {ana: types}
    assert world.plan(allow={}).units == ()


def test_an_association_that_git_drops_after_others_removed_it_is_forgotten(world: World) -> None:
    """Both sides agree, so nothing is left alone."""
    contact = {"contact": [{"email": EMAILS[0]}]}
    world.converge(order("A", memo="0", associations=contact))
    record = ("orders", world.id_of("orders", "A"))
    (ana,) = world.links(record, "contacts")
    world.unlink(record, ("contacts", ana))
    plan = world.plan(order("A", memo="0"), allow={})
    assert left(plan) == {}
    assert world.apply(plan).complete
    assert remembered(world)["links"] == frozenset()


@pytest.mark.parametrize("renamed", [False, True])
def test_a_line_that_others_took_from_its_order_is_left_alone(
    world: World, *, renamed: bool
) -> None:
    """Also where git renames the order meanwhile."""
    world.converge(order("A", [line("A:1", name="x"), line("A:2", name="y")], memo="1"))
    item, record = world.id_of("line_items", "A:1"), world.id_of("orders", "A")
    world.unlink(("line_items", item), ("orders", record))
    key, more = ("B", {"moved_from": "A"}) if renamed else ("A", {})
    lines = [line("A:1", name="x"), line("A:2", name="y")]
    plan = world.plan(order(key, lines, memo="2", **more), allow={})
    assert actions(plan) == {f"order/{key}": Action.UPDATE}
    assert left(plan) == {"line_item/A:1": {f"order/{record}"}}
    assert world.apply(plan).complete
    assert world.links(("line_items", item), "orders") == {}
    assert left(world.plan(allow={})) == left(plan)
    assert incomplete(world.apply(world.plan(allow={"drift": 1}))) == ()
    assert set(world.links(("line_items", item), "orders")) == {record}
    assert world.plan(allow={}).units == ()


# Memory


def test_left_alone_ten_times_is_as_at_first(world: World) -> None:
    """Other fields change by git meanwhile; the entry of the field stays byte for byte."""
    world.converge(order("A", memo="ours", weight="0", gift="true"))
    record = world.id_of("orders", "A")
    world.edit("orders", record, memo="theirs", gift="")
    before = remembered(world)["values"]
    assert isinstance(before, dict)
    shown = world.plan(allow={}).units[0].left_alone
    for number in range(1, 11):
        document = order("A", memo="ours", weight=str(number), gift="true")
        plan = world.plan(document, allow={})
        assert plan.units[0].left_alone == shown
        assert [field.name for field in changes(plan)["order/A"].fields] == ["weight"]
        assert world.apply(plan).complete
        after = remembered(world)["values"]
        assert isinstance(after, dict)
        assert [after[name] for name in ("memo", "gift")] == [
            before[name] for name in ("memo", "gift")
        ]
    assert world.dump("orders")[record]["memo"] == "theirs"
    world.edit("orders", record, memo="ours", gift="true")
    assert world.plan(allow={}).units == ()


def test_drift_does_not_alter_what_a_review_is_bound_to(world: World) -> None:
    """Others may go on changing fields that the plan does not write."""
    world.converge(order("A", memo="1"), order("B", memo="1"))
    reviewed = content_digest(world.plan(order("A", memo="2"), order("B", memo="1"), allow={}))
    world.edit("orders", world.id_of("orders", "B"), memo="theirs")
    plan = world.plan(allow={})
    assert left(plan) == {"order/B": {"memo"}}
    assert content_digest(plan) == reviewed


def test_a_field_that_drifts_between_planning_and_applying_is_left_alone(world: World) -> None:
    """The plan did not write it, so the apply does not either, and it shows as drift afterwards."""
    world.converge(order("A", memo="1", weight="1"))
    plan = world.plan(order("A", memo="1", weight="2"), allow={})
    world.edit("orders", world.id_of("orders", "A"), memo="theirs")
    assert world.apply(plan).complete
    assert world.record("orders", "A")["memo"] == "theirs"
    assert left(world.plan(allow={})) == {"order/A": {"memo"}}


def test_a_line_that_others_took_away_and_git_changes_is_both(world: World) -> None:
    """Git may not know that it does not belong to the order any more."""
    world.converge(order("A", [line("A:1", name="x")], memo="1"))
    item, record = world.id_of("line_items", "A:1"), world.id_of("orders", "A")
    world.unlink(("line_items", item), ("orders", record))
    plan = world.plan(order("A", [line("A:1", name="y")], memo="1"), allow={})
    assert (guards(plan), left(plan)) == ({"both": 1}, {})
    assert world.apply(plan).held == (Address("line_item", "A:1"),)
    assert incomplete(world.apply(world.plan(allow={"both": 1}))) == ()
    assert set(world.links(("line_items", item), "orders")) == {record}
    assert world.plan(allow={}).units == ()
