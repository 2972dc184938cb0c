"""What belongs together has changed on both sides, whatever the policy says of drift alone."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from held import guards, held, left
from world import KEY, World, cart, incomplete, line, order

from reconcile import workflow
from reconcile.model.plan import Action, Plan, Reason
from reconcile.project import load_settings

COMPANY = ("companies", "501")
PLAIN, PRIMARY = ("HUBSPOT_DEFINED", 934), ("HUBSPOT_DEFINED", 509)
PAYER = ("USER_DEFINED", 37)


def company(*labels: str) -> dict[str, list[dict[str, str]]]:
    """Associations with the company 501, by label; ``""`` is the plain one."""
    return {"company": [{"id": "501", **({"label": one} if one else {})} for one in labels]}


def links_of(plan: Plan) -> list[tuple[str, bool, Reason]]:
    """The associations that a plan changes: record, whether it adds, and why."""
    return [
        (str(change.address), link.add, link.reason)
        for unit in plan.units
        for change in (*unit.changes, *unit.held)
        for link in change.links
    ]


def reverting(world: World, *names: str) -> None:
    """Let the project file put back the drift of these properties of orders."""
    path = world.folder / "reconcile.yaml"
    settings = json.loads(path.read_text())
    settings["drift"] = {"order": dict.fromkeys(names, "revert")}
    path.write_text(json.dumps(settings))
    world.settings = load_settings(world.folder, target=None, environ=world.environ)


# Fields that belong together


@pytest.mark.parametrize("how", ["nothing", "drift allowed", "one reverted", "all reverted"])
def test_asking_for_drift_lets_in_no_change_of_both_sides(world: World, how: str) -> None:
    """Others changed the subtotal, the manifest the total: only ``both`` decides about the two."""
    world.converge(order("A", hs_subtotal_price="90", hs_total_price="100"))
    world.edit("orders", world.id_of("orders", "A"), hs_subtotal_price="80")
    world.declare(order("A", hs_subtotal_price="90", hs_total_price="120"))
    names = {"one reverted": 1, "all reverted": 2}.get(how, 0)
    reverting(world, *["hs_subtotal_price", "hs_total_price"][:names])
    plan = world.plan(allow={"drift": 1} if how == "drift allowed" else {})
    (change,) = held(plan).values()
    assert {field.name: field.reason for field in change.fields} == dict.fromkeys(
        ["hs_subtotal_price", "hs_total_price"], Reason.BOTH
    )
    assert guards(plan) == {"both": 1}


def test_of_a_group_all_or_nothing_is_put_back(world: World) -> None:
    """Two amounts drifted, and the project reverts one of them: both are left alone."""
    amounts = {"hs_subtotal_price": "90", "hs_total_price": "100"}
    world.converge(order("A", **amounts))
    world.edit("orders", world.id_of("orders", "A"), hs_subtotal_price="80", hs_total_price="70")
    reverting(world, "hs_subtotal_price")
    plan = world.plan(allow={})
    assert plan.empty
    assert left(plan) == {"order/A": amounts.keys()}
    reverting(world, *amounts)
    assert left(world.plan(allow={})) == {}


# Labels of one pair


def test_a_label_that_others_removed_stays_removed_while_git_adds_one(world: World) -> None:
    """The two are apart: the new label is made, and the state keeps the other one."""
    world.converge(order("A", memo="1", associations=company("primary")))
    record = ("orders", world.id_of("orders", "A"))
    world.unlink(record, COMPANY)
    world.link(record, COMPANY)
    declared = order("A", memo="1", associations=company("primary", "Payer"))
    plan = world.plan(declared, allow={})
    assert links_of(plan) == [("order/A", True, Reason.CHANGE)]
    assert left(plan) == {"order/A": {"company/501"}}
    assert world.apply(plan).complete
    assert world.links(record, "companies") == {"501": {PLAIN, PAYER}}

    again = world.plan(allow={})
    assert (again.empty, left(again)) == (True, {"order/A": {"company/501"}})
    assert world.apply(world.plan(allow={"drift": 1})).complete
    assert world.links(record, "companies") == {"501": {PLAIN, PAYER, PRIMARY}}
    assert world.plan(allow={}).units == ()


def test_drift_put_back_and_a_new_label_are_one_write(world: World) -> None:
    """HubSpot replaces the labels of a pair, so two writes would undo each other."""
    world.converge(order("A", memo="1", associations=company("primary")))
    record = ("orders", world.id_of("orders", "A"))
    world.unlink(record, COMPANY)
    world.link(record, COMPANY)
    world.declare(order("A", memo="1", associations=company("primary", "Payer")))
    plan = world.plan(allow={"drift": 1})
    assert links_of(plan) == [("order/A", True, Reason.DRIFT)]
    assert world.apply(plan).complete
    assert world.links(record, "companies") == {"501": {PLAIN, PAYER, PRIMARY}}


def test_a_label_for_what_others_took_apart_is_both(world: World) -> None:
    """Adding a label would associate the two again."""
    world.converge(order("A", memo="1", associations=company("")))
    record = ("orders", world.id_of("orders", "A"))
    world.unlink(record, COMPANY)
    world.declare(order("A", memo="1", associations=company("", "Payer")))
    for allow in ({}, {"drift": 1}):
        plan = world.plan(allow=allow)
        assert guards(plan) == {"both": 1}
        assert links_of(plan) == [("order/A", True, Reason.BOTH)]
    world.apply(world.plan(allow={}))
    assert world.links(record, "companies") == {}
    assert world.apply(world.plan(allow={"both": 1})).complete
    assert world.links(record, "companies") == {"501": {PLAIN, PAYER}}


def test_git_drops_a_label_while_others_removed_another(world: World) -> None:
    """Of one pair something is removed, and something else left alone."""
    world.converge(order("A", memo="1", associations=company("primary", "Payer")))
    record = ("orders", world.id_of("orders", "A"))
    world.unlink(record, COMPANY)
    world.link(record, COMPANY, PAYER)
    plan = world.plan(order("A", memo="1", associations=company("primary")), allow={})
    assert links_of(plan) == [("order/A", False, Reason.CHANGE)]
    assert left(plan) == {"order/A": {"company/501"}}
    assert world.apply(plan).complete
    assert world.links(record, "companies") == {"501": {PLAIN}}
    assert left(world.plan(allow={})) == {"order/A": {"company/501"}}


def test_what_others_took_apart_is_not_made_from_the_other_end(world: World) -> None:
    """The order's end drifted, and the cart's declares the same association for the first time."""
    towards = order("A", memo="1", associations={"cart": [{"key": "C"}]})
    world.converge(towards, cart("C", memo="1"))
    ends = ("orders", world.id_of("orders", "A")), ("carts", world.id_of("carts", "C"))
    world.unlink(*ends)
    world.declare(towards, cart("C", memo="1", associations={"order": [{"key": "A"}]}))
    plan = world.plan(allow={})
    assert (guards(plan), list(held(plan))) == ({"both": 1}, ["cart/C"])
    units = world.units()
    with world.session() as session:
        of_cart = workflow.plan(
            session, [one for one in units if one.address.kind == "cart"], declared=units
        )
    assert list(held(of_cart)) == ["cart/C"]  # whether the order is planned too or not
    assert world.apply(world.plan(allow={"both": 1})).complete
    assert list(world.links(ends[0], "carts")) == [ends[1][1]]


# Line items and their parents


def refuse_associations(world: World) -> None:
    """Refuse every association from now on."""

    def hook(method: str, path: str, _: Any) -> tuple[int, dict[str, str]] | None:
        if method != "POST" or "/associations/" not in path or "/batch/read" in path:
            return None
        return 400, {"status": "error", "message": "refused", "category": "VALIDATION_ERROR"}

    world.proxy.hook = hook


def test_a_parent_that_an_apply_failed_to_give_has_not_drifted(watched: World) -> None:
    """Nobody took the line out of the order: it has never been in it."""
    watched.converge(order("A", memo="1"))
    watched.make("line_items", "L1", name="x")
    plan = watched.plan(order("A", [line("L1", name="x")], memo="1"), allow={})
    refuse_associations(watched)
    assert not watched.apply(plan).complete
    watched.proxy.hook = None
    again = watched.plan(allow={})
    assert (links_of(again), left(again)) == ([("line_item/L1", True, Reason.CHANGE)], {})
    assert watched.apply(again).complete
    assert watched.plan(allow={}).units == ()


def test_a_new_order_has_never_had_the_lines_of_the_one_before(world: World) -> None:
    """A line that waited while its order was made again is put under it afterwards."""
    world.converge(order("A", [line("L1", name="x"), line("L2", name="y")], memo="1"))
    record = world.id_of("line_items", "L2")
    world.archive("orders", world.id_of("orders", "A"))
    world.edit("line_items", record, **{KEY: "theirs"})
    world.apply(world.plan(recreate=["order/A"], allow={"recreate": 1}))
    plan = world.plan(allow={})
    assert (guards(plan), left(plan)) == ({"rekey": 1}, {})
    assert incomplete(world.apply(world.plan(allow={"rekey": 1}))) == ()
    assert list(world.links(("line_items", record), "orders")) == [world.id_of("orders", "A")]
    assert world.plan(allow={}).units == ()


def test_a_line_that_others_took_out_and_renamed_waits_alone(world: World) -> None:
    """Git's change of the order is made; the key goes back together with the parent."""
    lines = [line("L1", name="x"), line("L2", name="y")]
    world.converge(order("A", lines, memo="1"))
    record = world.id_of("line_items", "L2")
    world.unlink(("line_items", record), ("orders", world.id_of("orders", "A")))
    world.edit("line_items", record, **{KEY: "theirs"})
    plan = world.plan(order("A", lines, memo="2"), allow={})
    assert (list(held(plan)), guards(plan)) == (["line_item/L2"], {"rekey": 1})
    assert incomplete(world.apply(world.plan(allow={"rekey": 1}))) == ()
    assert list(world.links(("line_items", record), "orders")) == [world.id_of("orders", "A")]
    assert world.plan(allow={}).units == ()


def test_a_line_gets_no_name_that_others_gave_to_its_neighbour(build: Callable[..., World]) -> None:
    """It would be told apart from it no more: a conflict says whose name it is."""
    world = build(identity={"line_item": "within_parent:name"})
    world.converge(order("O", [line("L1", name="a"), line("L2", name="c")], memo="1"))
    (record,) = (id_ for id_, one in world.dump("line_items").items() if one["name"] == "a")
    world.edit("line_items", record, name="b")
    for lines in (
        [line("L1", name="a"), line("L2", name="b")],
        [line("L1", name="a"), line("L2", name="c"), line("L3", name="b")],
    ):
        world.declare(order("O", lines, memo="1"))
        (change,) = world.plan(allow={}).records()
        assert change.action is Action.CONFLICT
        assert f"others gave this name to line_item/L1, record {record}" in str(change.why[0])
    assert world.apply(world.plan(allow={"drift": 1})).complete
    assert sorted(one["name"] for one in world.dump("line_items").values()) == ["a", "b", "c"]


# Stages of other pipelines


def second_pipeline(world: World, *stages: str) -> dict[str, str]:
    """Make another pipeline for orders; return its id and its stages' by label."""
    body = {
        "label": "Second",
        "displayOrder": 2,
        "stages": [
            {"label": one, "displayOrder": number, "metadata": {"state": "OPEN"}}
            for number, one in enumerate(stages)
        ],
    }
    made = world.http.post("/crm/v3/pipelines/orders", json=body).json()
    return {"Second": made["id"], **{one["label"]: one["id"] for one in made["stages"]}}


@pytest.mark.parametrize("declared", ["stage", "pipeline"])
@pytest.mark.parametrize("labels", [["Open", "Shipped"], ["Odd"]], ids=["same labels", "others"])
def test_an_order_that_others_moved_to_another_pipeline_drifted(
    world: World, declared: str, labels: list[str]
) -> None:
    """The manifest says what it said, whatever its label means in the other pipeline."""
    first = {"hs_pipeline": "Order Pipeline", "hs_pipeline_stage": "Shipped"}
    name = "hs_pipeline_stage" if declared == "stage" else "hs_pipeline"
    world.converge(order("A", **first))
    world.converge(order("A", **{name: first[name]}))
    there = second_pipeline(world, *labels)
    record = world.id_of("orders", "A")
    world.edit("orders", record, hs_pipeline=there["Second"], hs_pipeline_stage=there[labels[0]])
    plan = world.plan(allow={})
    assert (plan.empty, left(plan)) == (True, {"order/A": {name}})
    assert world.apply(plan).complete
    assert left(world.plan(allow={})) == {"order/A": {name}}


def test_a_stage_put_back_is_that_of_the_pipeline_the_order_is_in(world: World) -> None:
    """The pipeline is not declared, so it stays; its stage gets the declared label."""
    world.converge(order("A", hs_pipeline_stage="Shipped"))
    there = second_pipeline(world, "Open", "Shipped")
    record = world.id_of("orders", "A")
    world.edit("orders", record, hs_pipeline=there["Second"], hs_pipeline_stage=there["Open"])
    assert guards(world.plan(allow={})) == {}
    assert world.apply(world.plan(allow={"drift": 1})).complete
    assert world.record("orders", "A")["hs_pipeline_stage"] == there["Shipped"]
    assert world.plan(allow={}).units == ()


def test_another_stage_in_git_for_an_order_that_others_moved_is_both(world: World) -> None:
    """It is the stage of that label in the pipeline that the order is in."""
    world.converge(order("A", hs_pipeline_stage="Shipped"))
    there = second_pipeline(world, "Open", "Delivered")
    record = world.id_of("orders", "A")
    world.edit("orders", record, hs_pipeline=there["Second"], hs_pipeline_stage=there["Open"])
    plan = world.plan(order("A", hs_pipeline_stage="Delivered"), allow={})
    assert guards(plan) == {"both": 1}
    assert world.apply(world.plan(allow={"both": 1})).complete
    assert world.record("orders", "A")["hs_pipeline_stage"] == there["Delivered"]
