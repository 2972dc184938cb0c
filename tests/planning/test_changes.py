"""Plans for records in every state that they can be in, and the account after an apply."""

import re
from collections.abc import Callable

import pytest
from held import guards, held
from world import (
    COMPANIES,
    EMAILS,
    KEY,
    World,
    actions,
    cart,
    changes,
    explained,
    incomplete,
    line,
    messages,
    order,
    statuses,
)

from reconcile.errors import ManifestError
from reconcile.model.plan import Action, Plan, Reason
from reconcile.sandbox import Switches

PAYER = "Payer"


def reasons(plan: Plan, address: str) -> dict[str, Reason]:
    """Why each field of a record differs."""
    return {field.name: field.reason for field in changes(plan)[address].fields}


def test_every_sort_of_change_stands_in_one_plan(world: World) -> None:
    """New, edited, drifted, ignored, adopted, linked, rekeyed and archived fit one plan."""
    before = [
        order("EDITED", memo="old"),
        order("DRIFTED", memo="ours"),
        order("BOTH", memo="old"),
        order("GROWS", [line("GROWS:1", name="one")]),
        order("LINKED"),
        order("CLEARED", memo="x"),
        order("ARCHIVED"),
        order("IGNORED", memo="first", lifecycle={"ignore": ["memo"]}),
        order("PROTECTED", memo="x"),
        order("SAME", memo="x"),
    ]
    world.converge(*before)
    ids = {key: world.id_of("orders", key) for key in ("DRIFTED", "BOTH", "CLEARED", "ARCHIVED")}
    world.edit("orders", ids["DRIFTED"], memo="theirs")
    world.edit("orders", ids["BOTH"], memo="theirs")
    world.edit("orders", world.id_of("orders", "IGNORED"), memo="theirs")
    world.edit("orders", ids["CLEARED"], **{KEY: ""})
    world.archive("orders", ids["ARCHIVED"])
    world.make("orders", "ADOPTED", memo="same")
    world.make("orders", "TAKEN", memo="other")

    plan = world.plan(
        order("EDITED", memo="new"),
        order("DRIFTED", memo="ours"),
        order("BOTH", memo="new"),
        order("GROWS", [line("GROWS:1", name="one"), line("GROWS:2", name="two")]),
        order("LINKED", associations={"contact": [{"email": EMAILS[0]}]}),
        order("CLEARED", memo="x"),
        order("ARCHIVED"),
        order("IGNORED", memo="second", lifecycle={"ignore": ["memo"]}),
        order("PROTECTED", memo="x", lifecycle={"protect": "true"}),
        order("SAME", memo="x"),
        order("ADOPTED", memo="same"),
        order("TAKEN", memo="ours"),
        order("NEW", memo="x"),
    )

    assert actions(plan) == {
        "order/ADOPTED": Action.ADOPT,
        "order/ARCHIVED": Action.CONFLICT,
        "order/BOTH": Action.UPDATE,
        "order/CLEARED": Action.UPDATE,
        "order/DRIFTED": Action.UPDATE,
        "order/EDITED": Action.UPDATE,
        "line_item/GROWS:2": Action.CREATE,
        "order/LINKED": Action.ASSOCIATE,
        "order/NEW": Action.CREATE,
        "order/PROTECTED": Action.ADOPT,
        "order/TAKEN": Action.UPDATE,
    }
    assert reasons(plan, "order/EDITED") == {"memo": Reason.CHANGE}
    assert reasons(plan, "order/DRIFTED") == {"memo": Reason.DRIFT}
    assert reasons(plan, "order/BOTH") == {"memo": Reason.BOTH}
    assert reasons(plan, "order/CLEARED") == {KEY: Reason.DRIFT}
    assert reasons(plan, "order/TAKEN") == {"memo": Reason.UNSEEN}
    assert reasons(plan, "order/NEW") == {KEY: Reason.NEW, "memo": Reason.NEW}
    assert guards(plan) == {"adopt-update": 1, "both": 1, "rekey": 1}

    report = world.apply(plan)

    assert [(a, s) for a, s, _ in incomplete(report)] == [("order/ARCHIVED", "conflict")]
    assert actions(world.plan()) == {"order/ARCHIVED": Action.CONFLICT}
    assert ids["CLEARED"] == world.id_of("orders", "CLEARED")
    assert world.record("orders", "IGNORED")["memo"] == "theirs"
    assert {"ours", "new"} == {world.record("orders", k)["memo"] for k in ("DRIFTED", "BOTH")}
    assert max(world.keys("orders").values()) == 1


def test_what_a_guard_holds_back_is_not_written_and_the_rest_is(world: World) -> None:
    """Overwriting a record the state does not know needs leave."""
    record = world.make("orders", "A", memo="theirs")
    plan = world.plan(order("A", memo="ours"), order("B"), allow={})

    assert actions(plan) == {"order/B": Action.CREATE}
    assert set(held(plan)) == {"order/A"}
    report = world.apply(plan)

    assert statuses(report) == {"order/B": "done"}
    assert [str(address) for address in report.held] == ["order/A"]
    assert world.dump("orders")[record]["memo"] == "theirs"
    assert incomplete(world.apply(world.plan(allow={"adopt-update": 1}))) == ()
    assert world.plan(allow={}).units == ()


def test_without_state_values_are_unseen_and_nothing_is_made_twice(world: World) -> None:
    """A lost state means adopting, never a second record."""
    documents = [order("A", [line("A:1", name="x")], memo="1"), cart("C", memo="2")]
    world.converge(*documents)
    world.edit("orders", world.id_of("orders", "A"), memo="theirs")
    world.lose_state()

    plan = world.plan()

    assert actions(plan) == {
        "cart/C": Action.ADOPT,
        "line_item/A:1": Action.ADOPT,
        "order/A": Action.UPDATE,
    }
    assert reasons(plan, "order/A") == {"memo": Reason.UNSEEN}
    world.converge(*documents)
    assert world.keys("orders") == {"A": 1}
    assert world.keys("line_items") == {"A:1": 1}
    assert world.keys("carts") == {"C": 1}


def test_an_ignored_property_is_set_when_the_record_is_made_and_then_left(world: World) -> None:
    """`ignore` starts a value and gives it away."""
    document = order("A", memo="first", weight="1", lifecycle={"ignore": ["memo"]})
    world.converge(document)
    assert world.record("orders", "A")["memo"] == "first"

    world.edit("orders", world.id_of("orders", "A"), memo="theirs")

    assert world.plan().units == ()
    world.converge(document | {"properties": {"memo": "second", "weight": "2"}})
    assert world.record("orders", "A")["memo"] == "theirs"


def test_a_property_named_ignored_later_is_left_with_its_value(world: World) -> None:
    """Removing a property from the manifest changes nothing in HubSpot."""
    world.converge(order("A", memo="first"))
    world.edit("orders", world.id_of("orders", "A"), memo="theirs")
    world.converge(order("A", memo="second", lifecycle={"ignore": ["memo"]}))
    assert world.record("orders", "A")["memo"] == "theirs"


def test_a_property_no_longer_declared_is_left_alone(world: World) -> None:
    """Absent means unmanaged."""
    world.converge(order("A", memo="first", weight="1"))
    world.converge(order("A", weight="1"))
    assert world.record("orders", "A")["memo"] == "first"


def test_an_empty_text_clears(world: World) -> None:
    """`""` takes a value away, and an absent one is that already."""
    world.converge(order("A", memo="first"))
    world.converge(order("A", memo="", weight=""))
    assert (world.record("orders", "A")["memo"] or "") == ""


def test_an_archived_record_is_made_again_only_when_asked(world: World) -> None:
    """`--recreate` answers an archived record with a new one, and a guard asks once more."""
    world.converge(order("A", [line("A:1", name="x")], memo="1"))
    former = world.id_of("orders", "A")
    world.archive("orders", former)
    assert {"archived" in messages(world.apply())["order/A"]} == {True}
    assert world.keys("orders") == {}

    plan = world.plan(recreate=["order/A"])

    assert actions(plan)["order/A"] == Action.CREATE
    assert guards(plan) == {"recreate": 1}
    assert incomplete(world.apply(plan)) == ()
    assert former != world.id_of("orders", "A")
    assert world.keys("orders") == {"A": 1}
    assert world.plan().units == ()


def test_a_protected_record_is_never_made_again(world: World) -> None:
    """`protect` outweighs `--recreate`."""
    world.converge(order("A", lifecycle={"protect": "true"}))
    world.archive("orders", world.id_of("orders", "A"))
    plan = world.plan(recreate=["order/A"])
    assert actions(plan) == {"order/A": Action.CONFLICT}


@pytest.mark.parametrize("follows", [True, False])
def test_a_merged_record_is_a_conflict(build: Callable[..., World], follows: bool) -> None:  # noqa: FBT001
    """What became of two records is somebody's decision, whatever batch reads answer."""
    world = build(switches=Switches(batch_read_follows_merges=follows))
    world.converge(order("A", memo="1"), order("B", memo="2"))
    merged = world.merge("orders", world.id_of("orders", "B"), world.id_of("orders", "A"))

    plan = world.plan()

    assert actions(plan)["order/A"] == Action.CONFLICT
    assert merged in explained(changes(plan)["order/A"])
    world.apply(plan)
    assert world.keys("orders") == {"B": 1}


def test_a_key_changed_to_a_declared_one_is_a_conflict(world: World) -> None:
    """Two manifests would otherwise fight over one record."""
    world.converge(order("A", memo="1"))
    world.edit("orders", world.id_of("orders", "A"), **{KEY: "B"})
    plan = world.plan(order("A", memo="1"), order("B", memo="1"))
    assert actions(plan)["order/A"] == Action.CONFLICT
    assert "'B'" in explained(changes(plan)["order/A"])


def test_a_key_changed_to_an_undeclared_one_is_written_back(world: World) -> None:
    """The id in the state still leads to the record."""
    world.converge(order("A", memo="1"))
    record = world.id_of("orders", "A")
    world.edit("orders", record, **{KEY: "ELSE"})
    plan = world.plan()
    assert changes(plan)["order/A"].rekey
    world.apply(plan)
    assert world.keys("orders") == {"A": 1}
    assert record == world.id_of("orders", "A")
    assert world.plan().units == ()


def test_a_key_that_changed_only_its_case_does_not_stop_updates(world: World) -> None:
    """Whether case counts is not known, so such a key is still the record's."""
    world.converge(order("Ab", memo="1"))
    record = world.id_of("orders", "Ab")
    world.edit("orders", record, **{KEY: "aB"})
    world.converge(order("Ab", memo="2"))
    assert len(world.dump("orders")) == 1
    assert world.dump("orders")[record]["memo"] == "2"


def test_a_line_under_another_order_is_a_conflict(world: World) -> None:
    """Taking a line from an order would silently change that order's money."""
    world.converge(order("A", [line("A:1", name="x")]), order("B"))
    one, other = (("orders", world.id_of("orders", key)) for key in "AB")
    item = ("line_items", world.id_of("line_items", "A:1"))
    world.unlink(item, one)
    world.link(item, other)

    plan = world.plan()

    assert actions(plan) == {"line_item/A:1": Action.CONFLICT}
    assert other[1] in explained(changes(plan)["line_item/A:1"])


def test_a_line_without_its_order_is_given_back(world: World) -> None:
    """A create may have made the line and lost its association."""
    document = order("A", [line("A:1", name="x")])
    world.converge(document)
    parent = ("orders", world.id_of("orders", "A"))
    item = ("line_items", world.id_of("line_items", "A:1"))
    world.unlink(item, parent)

    plan = world.plan()

    assert actions(plan) == {"line_item/A:1": Action.ASSOCIATE}
    world.converge(document)
    assert {item[1]} == set(world.links(parent, "line_items"))


@pytest.mark.parametrize("lost", ["lenient", "lost"])
def test_associations_lost_by_a_create_are_made_in_the_same_run(
    build: Callable[..., World], lost: str
) -> None:
    """Nothing documents that a create's associations are made, so it is looked at."""
    world = build(switches=Switches(create_associations=lost))
    world.converge(order("A", [line("A:1", name="x")]), cart("C", [line("C:1", name="y")]))
    assert len(world.links(("orders", world.id_of("orders", "A")), "line_items")) == 1
    assert len(world.links(("carts", world.id_of("carts", "C")), "line_items")) == 1


@pytest.mark.parametrize("by", ["key", "id"])
def test_a_line_under_somebody_elses_order_never_writes_that_order(world: World, by: str) -> None:
    """A standalone line needs its parent and nothing of it."""
    parent = world.make("orders", "THEIRS", memo="theirs")
    before = world.dump("orders")
    world.forget_calls()
    value = {"key": "THEIRS", "id": parent}[by]
    document = {
        "kind": "line_item",
        "key": "L",
        "parent": {"order": {by: value}},
        "properties": {"name": "x", "quantity": "2"},
    }
    world.converge(document)
    assert before == world.dump("orders")
    assert {world.id_of("line_items", "L")} == set(world.links(("orders", parent), "line_items"))
    assert [call for call in world.writes() if "/objects/orders" in call.path] == []
    world.converge(document | {"properties": {"name": "y", "quantity": "3"}})
    assert before == world.dump("orders")


def test_a_line_that_others_added_is_counted_and_left(world: World) -> None:
    """Unmanaged lines stay on a managed order."""
    world.converge(order("A", [line("A:1", name="x")]))
    foreign = world.make("line_items", name="theirs", quantity="1")
    world.link(("line_items", foreign), ("orders", world.id_of("orders", "A")))
    plan = world.plan(order("A", [line("A:1", name="y")]))
    assert [unit.others for unit in plan.units] == [1]
    world.apply(plan)
    assert world.dump("line_items")[foreign]["name"] == "theirs"


def test_an_association_of_ours_goes_and_those_of_others_stay(world: World) -> None:
    """Only what we made is ours to remove."""
    both = {"contact": [{"email": EMAILS[0]}, {"email": EMAILS[1]}]}
    world.converge(order("A", associations=both))
    here = ("orders", world.id_of("orders", "A"))
    contacts = {v["email"]: id_ for id_, v in world.dump("contacts").items()}
    world.link(here, ("contacts", contacts[EMAILS[2]]))

    plan = world.plan(order("A", associations={"contact": [{"email": EMAILS[0]}]}))

    assert actions(plan) == {"order/A": Action.ASSOCIATE}
    assert [link.add for link in changes(plan)["order/A"].links] == [False]
    assert incomplete(world.apply(plan)) == ()
    assert {contacts[EMAILS[0]], contacts[EMAILS[2]]} == set(world.links(here, "contacts"))
    assert world.plan().units == ()


def test_an_association_removed_by_hand_is_made_again(world: World) -> None:
    """A declared association that is gone is drift like any other."""
    document = order("A", associations={"contact": [{"email": EMAILS[0]}]})
    world.converge(document)
    here = ("orders", world.id_of("orders", "A"))
    (contact,) = world.links(here, "contacts")
    world.unlink(here, ("contacts", contact))
    assert actions(world.plan()) == {"order/A": Action.ASSOCIATE}
    world.converge(document)
    assert {contact} == set(world.links(here, "contacts"))


def test_labels_that_others_added_survive_ours(world: World) -> None:
    """HubSpot replaces a pair's labels, so what is written is the union."""
    company = ("companies", COMPANIES[0])
    world.converge(order("A"))
    here = ("orders", world.id_of("orders", "A"))
    world.link(here, company, ("HUBSPOT_DEFINED", 509))

    world.converge(order("A", associations={"company": [{"id": COMPANIES[0], "label": PAYER}]}))

    types = {number for _, number in world.links(here, "companies")[COMPANIES[0]]}
    assert {509, 934} < types
    assert len(types) == 3
    world.converge(order("A"))
    assert {509, 934} == {n for _, n in world.links(here, "companies")[COMPANIES[0]]}


def test_a_label_added_between_plan_and_apply_survives(world: World) -> None:
    """The present labels are read again before a pair's labels are replaced."""
    plan = world.plan(order("A", associations={"company": [{"id": COMPANIES[0], "label": PAYER}]}))
    first = world.plan(order("A"))
    world.apply(first)
    here = ("orders", world.id_of("orders", "A"))
    plan = world.plan(order("A", associations={"company": [{"id": COMPANIES[0], "label": PAYER}]}))
    world.link(here, ("companies", COMPANIES[0]), ("HUBSPOT_DEFINED", 509))
    assert incomplete(world.apply(plan)) == ()
    assert 509 in {number for _, number in world.links(here, "companies")[COMPANIES[0]]}
    assert world.plan().units == ()


def test_a_pair_can_have_a_label_and_no_label(world: World) -> None:
    """Two references to one record are one pair with both types."""
    company = [{"id": COMPANIES[0]}, {"id": COMPANIES[0], "label": "primary"}]
    world.converge(order("A", associations={"company": company}))
    here = ("orders", world.id_of("orders", "A"))
    assert {509, 934} == {n for _, n in world.links(here, "companies")[COMPANIES[0]]}
    world.converge(order("A", associations={"company": company[:1]}))
    assert {934} == {n for _, n in world.links(here, "companies")[COMPANIES[0]]}


def test_a_label_dropped_while_the_pair_stays_is_removed(world: World) -> None:
    """Types are removed one by one."""
    world.converge(order("A", associations={"company": [{"id": "501", "label": "primary"}]}))
    here = ("orders", world.id_of("orders", "A"))
    world.converge(order("A", associations={"company": [{"id": "501"}]}))
    assert {934} == {number for _, number in world.links(here, "companies")["501"]}


def test_one_end_may_stop_declaring_what_the_other_still_declares(world: World) -> None:
    """An association between an order and a cart has two ends, and either may declare it."""
    both = {"cart": [{"key": "C"}]}
    back = {"order": [{"key": "A"}]}
    world.converge(order("A", associations=both), cart("C", associations=back))
    world.converge(order("A"), cart("C", associations=back))
    here = ("orders", world.id_of("orders", "A"))
    assert {world.id_of("carts", "C")} == set(world.links(here, "carts"))


def test_records_made_by_one_plan_can_refer_to_each_other(world: World) -> None:
    """A reference to a record that is only being made is bound when applying."""
    world.converge(
        order("A", associations={"cart": [{"key": "C"}]}),
        cart("C", associations={"contact": [{"email": EMAILS[1].upper()}]}),
    )
    here = ("orders", world.id_of("orders", "A"))
    assert {world.id_of("carts", "C")} == set(world.links(here, "carts"))


def test_a_record_made_again_gets_the_associations_that_point_at_it(world: World) -> None:
    """A reference by key means the record that the plan makes, not the archived one."""
    documents = order("A", associations={"cart": [{"key": "C"}]}), cart("C")
    world.converge(*documents)
    world.archive("carts", world.id_of("carts", "C"))

    report = world.apply(world.plan(recreate=["cart/C"]))

    assert incomplete(report) == ()
    here = ("orders", world.id_of("orders", "A"))
    assert {world.id_of("carts", "C")} == set(world.links(here, "carts"))
    assert world.plan().units == ()


def test_a_set_that_begins_with_a_semicolon_replaces(world: World) -> None:
    """HubSpot would append; a manifest declares the whole set."""
    world.converge(order("A", topics="a;b"))
    world.converge(order("A", topics=";c d"))
    assert world.record("orders", "A")["topics"] == "c d"


def test_records_found_by_id_are_updated_and_never_made(build: Callable[..., World]) -> None:
    """Only HubSpot hands out ids."""
    world = build(identity={"order": "id", "line_item": f"unique:{KEY}"})
    there = world.make("orders", memo="theirs")
    plan = world.plan(
        order(there, [line("L:1", name="x")], memo="ours"), order("99999999999", memo="x")
    )
    assert {
        f"order/{there}": Action.UPDATE,
        "order/99999999999": Action.CONFLICT,
        "line_item/L:1": Action.CREATE,
    } == actions(plan)
    world.apply(plan)
    assert world.dump("orders")[there]["memo"] == "ours"
    assert len(world.dump("orders")) == 1
    assert actions(world.plan()) == {"order/99999999999": Action.CONFLICT}


def test_stages_may_be_named_by_label(world: World) -> None:
    """A record holds ids; people write labels, and both are shown."""
    world.converge(order("A", hs_pipeline="Order Pipeline", hs_pipeline_stage="Open"))
    plan = world.plan(order("A", hs_pipeline="Order Pipeline", hs_pipeline_stage="Shipped"))
    (field,) = changes(plan)["order/A"].fields
    assert (field.shown_before, field.shown_after) == ("Open", "Shipped")
    world.apply(plan)
    assert world.plan().units == ()


def test_every_value_the_account_refuses_is_found_before_anything_is_sent(world: World) -> None:
    """Each is a conflict of its record, with its place; all of one record come at once."""
    documents = [
        order("A", nonesuch="x", weight="much", gift="yes", hs_object_id="1"),
        order("B", channel="Web", topics="a;z", due="1996-02-30", seen_at="yesterday"),
        order("C", hs_pipeline_stage="Nowhere"),
        order("D", associations={"company": [{"id": "501", "label": "chief"}]}),
    ]
    world.declare(*documents)
    plan = world.plan()
    assert set(actions(plan).values()) == {Action.CONFLICT}
    reasons = {name: [*map(str, change.why)] for name, change in changes(plan).items()}
    assert {name: len(lines) for name, lines in reasons.items()} == {
        "order/A": 4,
        "order/B": 4,
        "order/C": 1,
        "order/D": 1,
    }
    assert all(
        re.match(r"manifests/all.yaml:\d+:\d+: ", r) for some in reasons.values() for r in some
    )
    world.apply(plan)
    assert world.writes() == []


def test_the_key_as_a_property_is_a_problem(world: World) -> None:
    """That is known without the account."""
    world.declare(order("C", reconcile_key="C"))
    with pytest.raises(ManifestError, match="1 problem"):
        world.plan()


def test_references_to_nothing_are_conflicts_with_a_place(world: World) -> None:
    """An association to a record nobody has is found when planning; all else is planned."""
    world.declare(
        order("A", associations={"contact": [{"email": "no@example.com"}, {"id": "12345678"}]}),
        order("B", associations={"cart": [{"key": "NONE"}]}),
        {"kind": "line_item", "key": "L", "parent": {"order": {"key": "NONE"}}},
        order("D", [line("D:1", name="x")]),
    )
    plan = world.plan()
    assert actions(plan) == {
        "order/A": Action.CONFLICT,
        "order/B": Action.CONFLICT,
        "line_item/L": Action.CONFLICT,
        "order/D": Action.CREATE,
        "line_item/D:1": Action.CREATE,
    }
    assert [len(change.why) for change in changes(plan).values() if change.why] == [2, 1, 1]


def test_what_is_no_longer_declared_is_listed_and_left(world: World) -> None:
    """Deleting a document removes nothing."""
    world.converge(order("A", [line("A:1", name="x")]), order("B"))
    plan = world.plan(order("B"))
    assert plan.units == ()
    assert [str(address) for address in plan.undeclared] == ["line_item/A:1", "order/A"]
    assert world.keys("orders") == {"A": 1, "B": 1}


def test_a_conflict_of_an_order_holds_its_new_lines_back(world: World) -> None:
    """Nothing is hung under an order of which nobody knows where it is."""
    world.converge(order("A", [line("A:1", name="x")]))
    world.archive("orders", world.id_of("orders", "A"))
    report = world.apply(world.plan(order("A", [line("A:1", name="y"), line("A:2", name="z")])))
    assert (statuses(report)) == {
        "order/A": "conflict",
        "line_item/A:1": "conflict",
        "line_item/A:2": "conflict",
    }
    assert world.keys("line_items") == {"A:1": 1}
