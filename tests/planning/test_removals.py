"""Removals: absent, forget, and records that no manifest declares any more."""

from collections.abc import Callable

import pytest
from held import guards, holds
from world import (
    EMAILS,
    KEY,
    Document,
    World,
    actions,
    cart,
    changes,
    explained,
    incomplete,
    line,
    messages,
    order,
)

from reconcile.errors import ManifestError
from reconcile.model.plan import Action, Reason
from reconcile.sandbox import Switches

ABSENT = {"state": "absent"}
FORGET = {"state": "forget"}
OTHER = order("OTHER", memo="x")


def remembered(world: World) -> set[str]:
    """The addresses in the state."""
    with world.session() as session:
        return {str(address) for _, address, _ in session.state().entries()}


def archived(world: World, object_: str, id_: str) -> bool:
    """Whether a record is in the recycling bin, and not beside it."""
    path = f"/crm/v3/objects/{object_}/{id_}"
    live = world.http.get(path).status_code
    return live == 404 and world.http.get(path, params={"archived": "true"}).status_code == 200


@pytest.mark.parametrize(
    ("make", "object_"), [(order, "orders"), (cart, "carts")], ids=["order", "cart"]
)
def test_an_absent_record_goes_with_its_lines(
    world: World, make: Callable[..., Document], object_: str
) -> None:
    """The lines first, since HubSpot would leave them without it; then nothing is left to do."""
    world.converge(make("A", [line("A:1", name="x"), line("A:2", name="y")], memo="1"), OTHER)
    root, one = world.id_of(object_, "A"), world.id_of("line_items", "A:1")
    kind = str(make("A")["kind"])
    plan = world.plan(make("A", lifecycle=ABSENT), OTHER)
    assert actions(plan) == {
        f"{kind}/A": Action.ARCHIVE,
        "line_item/A:1": Action.ARCHIVE,
        "line_item/A:2": Action.ARCHIVE,
    }
    assert guards(plan) == {}
    assert plan.undeclared == ()
    world.forget_calls()

    assert incomplete(world.apply(plan)) == ()

    assert [call.path.rpartition("/objects/")[2] for call in world.writes()] == [
        "line_items/batch/archive",
        f"{object_}/batch/archive",
    ]
    assert archived(world, object_, root)
    assert archived(world, "line_items", one)
    assert remembered(world) == {"order/other"}
    assert world.plan().empty
    assert world.plan().unchanged == 2


def test_what_stands_beside_absent_means_nothing(world: World) -> None:
    """So that one line added to a document is enough, whatever it refers to."""
    contact = {"contact": [{"email": EMAILS[0]}]}
    lines = [line("A:1", name="x"), line("A:2", no_such_property="y")]
    world.converge(order("A", lines[:1], memo="1", associations=contact))
    plan = world.plan(
        order(
            "A",
            lines,
            no_such_property="1",
            associations={"contact": [{"email": "nobody@example.com"}]},
            lifecycle=ABSENT,
        )
    )
    assert actions(plan) == {"order/A": Action.ARCHIVE, "line_item/A:1": Action.ARCHIVE}
    assert incomplete(world.apply(plan)) == ()
    assert world.plan().empty


def test_a_line_that_is_absent_goes_alone(world: World) -> None:
    """Its order stays as it is."""
    world.converge(order("A", [line("A:1", name="x"), line("A:2", name="y")], memo="1"))
    gone = {"key": "A:1", "lifecycle": ABSENT}
    plan = world.plan(order("A", [gone, line("A:2", name="y")], memo="1"))
    assert actions(plan) == {"line_item/A:1": Action.ARCHIVE}
    assert incomplete(world.apply(plan)) == ()
    assert world.keys("line_items") == {"A:2": 1}
    assert world.plan().empty


def test_a_line_under_somebody_elses_order_can_be_absent(world: World) -> None:
    """The order is not touched, and may be gone."""
    theirs = world.make("orders", "THEIRS")
    document = {"kind": "line_item", "key": "L", "parent": {"order": {"id": theirs}}}
    world.converge(document | {"properties": {"name": "x"}})
    world.archive("orders", theirs)
    plan = world.plan(document | {"lifecycle": ABSENT})
    assert actions(plan) == {"line_item/L": Action.ARCHIVE}
    assert incomplete(world.apply(plan)) == ()
    assert world.keys("line_items") == {}
    assert world.plan().empty


def test_lines_of_others_under_an_absent_order_are_left_alone_and_counted(world: World) -> None:
    """Nobody declared them and the state does not know them."""
    world.converge(order("A", [line("A:1", name="x")], memo="1"))
    theirs = world.make("line_items", name="theirs")
    world.link(("line_items", theirs), ("orders", world.id_of("orders", "A")))
    plan = world.plan(order("A", lifecycle=ABSENT))
    assert [unit.others for unit in plan.units] == [1]
    assert incomplete(world.apply(plan)) == ()
    assert set(world.dump("line_items")) == {theirs}


def test_lines_of_others_are_counted_where_we_have_none(world: World) -> None:
    """An absent order without lines of ours is looked at all the same."""
    world.converge(order("A", memo="1"))
    world.link(
        ("line_items", world.make("line_items", name="theirs")),
        ("orders", world.id_of("orders", "A")),
    )
    assert [unit.others for unit in world.plan(order("A", lifecycle=ABSENT)).units] == [1]


def test_a_record_that_was_never_applied_is_archived_by_its_key(world: World) -> None:
    """The manifest declares it absent, whoever created it."""
    record = world.make("orders", "A", memo="theirs")
    plan = world.plan(order("A", lifecycle=ABSENT), OTHER)
    change = changes(plan)["order/A"]
    assert (change.action, change.adopts) == (Action.ARCHIVE, True)
    assert incomplete(world.apply(plan)) == ()
    assert archived(world, "orders", record)


@pytest.mark.parametrize("how", ["archived", "merged", "never there"])
def test_what_is_not_there_is_forgotten(world: World, how: str) -> None:
    """And what it was merged into is left alone."""
    if how != "never there":
        world.converge(order("A", memo="1"), OTHER)
        record = world.id_of("orders", "A")
        if how == "archived":
            world.archive("orders", record)
        else:
            into = world.merge("orders", world.id_of("orders", "OTHER"), record)
            world.edit("orders", into, **{KEY: "OTHER"})
    plan = world.plan(order("A", lifecycle=ABSENT), order("THIRD", memo="x"))
    if how == "never there":
        assert "order/A" not in actions(plan)
    else:
        assert changes(plan)["order/A"].action is Action.FORGET
        assert how in explained(changes(plan)["order/A"])
    live = set(world.dump("orders"))
    assert incomplete(world.apply(plan)) == ()
    assert live <= set(world.dump("orders"))
    assert "order/a" not in remembered(world)
    assert world.plan().empty


def test_a_record_that_took_the_key_over_is_never_archived(build: Callable[..., World]) -> None:
    """Be it what ours was merged into, or one that somebody made when ours was archived."""
    for how in ("merged", "made anew"):
        world = build()
        world.converge(order("A", memo="1"), order("B", memo="1"))
        ours, other = world.id_of("orders", "A"), world.id_of("orders", "B")
        if how == "merged":
            holder = world.merge("orders", other, ours)
            world.edit("orders", holder, **{KEY: "A"})
        else:
            world.archive("orders", ours)
            holder = world.make("orders", "A", memo="theirs")
        plan = world.plan(order("A", lifecycle=ABSENT), order("C"))
        change = changes(plan)["order/A"]
        assert change.action is Action.CONFLICT
        assert "state: forget" in explained(change)
        world.apply(plan)
        assert holder in world.dump("orders")


def test_a_record_with_a_changed_key_asks_for_the_guard(world: World) -> None:
    """Somebody may have meant to keep it."""
    world.converge(order("A", memo="1"), OTHER)
    record = world.id_of("orders", "A")
    world.edit("orders", record, **{KEY: "THEIRS"})
    plan = world.plan(order("A", lifecycle=ABSENT), OTHER)
    assert changes(plan)["order/A"].rekey
    holds(world, plan, "rekey")
    assert incomplete(world.apply(plan)) == ()
    assert archived(world, "orders", record)


def test_values_that_others_changed_are_shown_before_they_go(world: World) -> None:
    """A plan that archives somebody's work says so."""
    world.converge(order("A", memo="ours", weight="1"), OTHER)
    world.edit("orders", world.id_of("orders", "A"), memo="theirs")
    change = changes(world.plan(order("A", lifecycle=ABSENT), OTHER))["order/A"]
    reasons = {field.name: (field.before, field.reason) for field in change.fields}
    assert reasons == {
        KEY: ("A", Reason.CHANGE),
        "memo": ("theirs", Reason.DRIFT),
        "weight": ("1", Reason.CHANGE),
    }


def test_a_record_protected_by_the_last_apply_is_left_alone(world: World) -> None:
    """Until an apply without protect went before; and its order stays with it."""
    protect = {"protect": "true"}
    lines = [line("A:1", name="x"), {"key": "A:2", "lifecycle": protect}]
    world.converge(order("A", lines, memo="1"))
    plan = world.plan(order("A", lifecycle=ABSENT))
    assert set(actions(plan).values()) == {Action.CONFLICT}
    assert explained(changes(plan)["line_item/A:2"]) == (
        "it was protected by the last apply, so it is not archived\n"
        "declare it without protect and without state, apply that, then write "
        "lifecycle: {state: absent} again"
    )
    world.apply(plan)
    assert world.keys("orders") == {"A": 1}
    assert world.keys("line_items") == {"A:1": 1, "A:2": 1}

    world.converge(order("A", [line("A:1", name="x"), line("A:2")], memo="1"))
    assert incomplete(world.apply(world.plan(order("A", lifecycle=ABSENT)))) == ()
    assert world.dump("orders") == {}


def test_a_line_that_belongs_to_another_order_now_is_left_alone(world: World) -> None:
    """Taking it from there would alter that one."""
    world.converge(order("A", [line("A:1", name="x")]), order("B"))
    item = world.id_of("line_items", "A:1")
    world.unlink(("line_items", item), ("orders", world.id_of("orders", "A")))
    world.link(("line_items", item), ("orders", world.id_of("orders", "B")))
    plan = world.plan(order("A", lifecycle=ABSENT), order("B"))
    assert set(actions(plan).values()) == {Action.CONFLICT}
    assert "it belongs to order" in explained(changes(plan)["line_item/A:1"])


def test_forget_takes_a_record_and_its_lines_out_of_the_state(world: World) -> None:
    """HubSpot is not touched, then or later; the document may stay or go."""
    world.converge(order("A", [line("A:1", name="x"), line("A:2", name="y")], memo="1"), OTHER)
    before = world.dump("orders"), world.dump("line_items")
    plan = world.plan(order("A", [line("A:1", name="other")], memo="2", lifecycle=FORGET), OTHER)
    assert actions(plan) == {
        "order/A": Action.FORGET,
        "line_item/A:1": Action.FORGET,
        "line_item/A:2": Action.FORGET,
    }
    world.forget_calls()
    assert incomplete(world.apply(plan)) == ()
    assert world.writes() == []
    assert before == (world.dump("orders"), world.dump("line_items"))
    assert remembered(world) == {"order/other"}
    assert world.plan().empty
    plan = world.plan(OTHER)
    assert plan.empty
    assert plan.undeclared == ()


def test_a_forgotten_record_does_not_stand_in_the_way_of_its_successor(world: World) -> None:
    """Two names of one record in the state are a conflict, unless one of them is to go."""
    world.converge(order("A", memo="1"))
    record = world.id_of("orders", "A")
    world.edit("orders", record, **{KEY: "B"})
    world.converge(order("B", memo="1"))
    world.edit("orders", record, **{KEY: ""})
    plan = world.plan(order("A", lifecycle=FORGET), order("B", memo="1"))
    assert actions(plan) == {"order/A": Action.FORGET, "order/B": Action.UPDATE}
    assert incomplete(world.apply(plan)) == ()
    assert remembered(world) == {"order/b"}
    assert world.plan().empty


def test_what_hangs_on_an_absent_record_is_a_manifest_error(world: World) -> None:
    """Each with its place, before any call."""
    standing = {"kind": "line_item", "key": "L", "parent": {"order": {"key": "A"}}}
    with pytest.raises(ManifestError) as caught:
        world.plan(
            order("A", lifecycle=ABSENT),
            standing,
            cart("C", associations={"order": [{"key": "a"}]}),
            order("B", [{"key": "B:1", "lifecycle": {"protect": "true"}}], lifecycle=ABSENT),
        )
    assert {problem.message.partition(",")[0] for problem in caught.value.problems} == {
        "its order 'A' is declared absent",
        "the order 'a' is declared absent",
        "the line_item 'B:1' is protected",
    }


def test_prune_archives_what_is_no_longer_declared(world: World) -> None:
    """Orders with their lines, single lines, and lines under somebody else's order."""
    theirs = world.make("orders", "THEIRS")
    strange = {"kind": "line_item", "key": "L", "parent": {"order": {"id": theirs}}}
    world.make("orders", memo="not ours")
    world.converge(
        order("A", [line("A:1", name="x")], memo="1"),
        order("B", [line("B:1", name="x"), line("B:2", name="y")], memo="1"),
        strange | {"properties": {"name": "z"}},
    )
    rest = order("B", [line("B:1", name="x")], memo="1")
    assert [str(a) for a in world.plan(rest).undeclared] == [
        "line_item/A:1",
        "line_item/B:2",
        "line_item/L",
        "order/A",
    ]

    plan = world.plan(prune=True)

    assert set(actions(plan).values()) == {Action.ARCHIVE}
    assert set(actions(plan)) == {"order/A", "line_item/A:1", "line_item/B:2", "line_item/L"}
    assert plan.undeclared == ()
    assert guards(plan) == {"prune": 4}
    holds(world, plan, "prune", prune=True)
    assert incomplete(world.apply(plan)) == ()
    assert world.keys("line_items") == {"B:1": 1}
    assert world.keys("orders") == {"B": 1, "THEIRS": 1, "": 1}
    assert world.plan(prune=True).empty


def test_prune_never_takes_what_is_protected(world: World) -> None:
    """Nor the rest of a unit that nothing declares, of which a part is."""
    protect = {"protect": "true"}
    kept = {"key": "B:1", "lifecycle": protect}
    world.converge(
        order("A", [line("A:1", name="x")], lifecycle=protect),
        order("B", [kept, line("B:2", name="y")]),
        order("C", [{"key": "C:1", "lifecycle": protect}, line("C:2", name="y")]),
    )
    plan = world.plan(order("C"), prune=True)
    assert actions(plan) == {"line_item/C:2": Action.ARCHIVE}
    assert {str(a) for a in plan.undeclared} == {
        "order/A",
        "line_item/A:1",
        "order/B",
        "line_item/B:1",
        "line_item/B:2",
        "line_item/C:1",
    }


def test_prune_leaves_alone_what_declared_records_point_at(world: World) -> None:
    """A cart that an order is associated with, and an order that a declared line belongs to."""
    world.converge(cart("C"), cart("D"), order("A", [line("A:1")]), order("B"))
    plan = world.plan(
        order("B", associations={"cart": [{"key": "C"}, {"id": world.id_of("carts", "D")}]}),
        {"kind": "line_item", "key": "L", "parent": {"order": {"key": "A"}}},
        prune=True,
    )
    removed = {address for address, action in actions(plan).items() if action.removes}
    assert removed == {"line_item/A:1"}
    assert {str(address) for address in plan.undeclared} == {"cart/C", "cart/D", "order/A"}


def test_prune_forgets_what_is_not_there_any_more_without_a_guard(world: World) -> None:
    """Nothing is archived by it."""
    world.converge(order("A", memo="1"), OTHER)
    world.archive("orders", world.id_of("orders", "A"))
    plan = world.plan(OTHER, prune=True)
    assert actions(plan) == {"order/A": Action.FORGET}
    assert guards(plan) == {}
    assert incomplete(world.apply(plan)) == ()
    assert world.plan(prune=True).empty


def test_prune_finds_a_line_whose_foreign_order_is_gone(world: World) -> None:
    """A missing parent of lines that are removed is not a dangling reference."""
    theirs = world.make("orders", "Their Order")
    parent = {"order": {"key": "Their Order"}}
    world.converge({"kind": "line_item", "key": "L", "parent": parent}, OTHER)
    world.archive("orders", theirs)
    plan = world.plan(OTHER, prune=True)
    assert actions(plan) == {"line_item/L": Action.ARCHIVE}
    assert guards(plan) == {"prune": 1}
    assert incomplete(world.apply(plan)) == ()
    assert world.plan(prune=True).empty


def test_an_association_with_an_absent_cart_goes_before_it(world: World) -> None:
    """Archives come last, so nothing is left to be undone afterwards."""
    world.converge(order("A", associations={"cart": [{"key": "C"}]}), cart("C"))
    plan = world.plan(order("A"), cart("C", lifecycle=ABSENT))
    assert incomplete(world.apply(plan)) == ()
    assert world.plan().empty
    assert world.keys("carts") == {}


def test_absent_in_an_account_that_reserves_archived_keys(build: Callable[..., World]) -> None:
    """Whether a key is free again or not, an absent record stays absent."""
    world = build(switches=Switches(archived_unique_value="reserved"))
    world.converge(order("A", memo="1"), OTHER)
    assert incomplete(world.apply(world.plan(order("A", lifecycle=ABSENT), OTHER))) == ()
    assert world.plan().empty
    world.lose_state()
    assert "order/A" not in actions(world.plan())
    assert messages(world.apply()) == {"order/OTHER": ""}
