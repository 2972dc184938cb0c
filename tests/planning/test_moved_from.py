"""Renames: ``moved_from`` names the former key of a record."""

from collections.abc import Mapping
from dataclasses import replace

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
    statuses,
)

from reconcile.errors import ManifestError
from reconcile.model.plan import Action, Plan
from reconcile.planning.plan_file import content_digest


def entries(world: World) -> dict[str, tuple[str, str, str, str]]:
    """The state: each record's unit, id, key and parent, by address."""
    with world.session() as session:
        return {
            str(address): (str(unit), entry.id, entry.key, str(entry.parent or ""))
            for unit, address, entry in session.state().entries()
        }


def key_change(plan: Plan, address: str) -> tuple[str, str]:
    """A record's key before and after."""
    (field,) = (field for field in changes(plan)[address].fields if field.name == KEY)
    return field.before, field.after


def moved(key: str, former: str, /, **properties: str) -> Document:
    """A line item with another key than before."""
    return dict(line(key, **properties)) | {"moved_from": former}


def problems(world: World, *documents: Mapping[str, object]) -> list[str]:
    """What is wrong with manifests."""
    with pytest.raises(ManifestError) as caught:
        world.plan(*documents)
    return [problem.message for problem in caught.value.problems]


def test_a_renamed_order_keeps_its_record_and_its_lines(world: World) -> None:
    """One update writes the key; no guard; the state moves; the lines do not show."""
    world.converge(order("OLD", [line("L:1", name="x"), line("L:2", name="y")], memo="1"))
    record, item = world.id_of("orders", "OLD"), world.id_of("line_items", "L:1")
    new = order("New", [line("L:1", name="x"), line("L:2", name="y")], memo="1", moved_from="OLD")

    plan = world.plan(new)

    assert actions(plan) == {"order/New": Action.UPDATE}
    assert key_change(plan, "order/New") == ("OLD", "New")
    assert (guards(plan), plan.undeclared, plan.unchanged) == ({}, (), 2)
    assert incomplete(world.apply(plan)) == ()
    assert world.id_of("orders", "New") == record
    assert entries(world) == {
        "order/new": ("order/new", record, "New", ""),
        "line_item/l:1": ("order/new", item, "L:1", "order/New"),
        "line_item/l:2": ("order/new", world.id_of("line_items", "L:2"), "L:2", "order/New"),
    }
    assert world.plan().empty
    del new["moved_from"]  # type: ignore[attr-defined]
    assert world.plan(new).empty


def test_a_rename_with_an_edit_a_new_line_and_a_renamed_line(world: World) -> None:
    """All in one plan, each line found where it was."""
    world.converge(order("OLD", [line("L:1", name="x"), line("L:2", name="y")], memo="1"))
    ids = {key: world.id_of("line_items", key) for key in ("L:1", "L:2")}
    lines = [moved("N:1", "L:1", name="x"), line("L:2", name="z"), line("N:3", name="new")]
    plan = world.plan(order("NEW", lines, memo="2", moved_from="OLD"))
    assert actions(plan) == {
        "order/NEW": Action.UPDATE,
        "line_item/N:1": Action.UPDATE,
        "line_item/L:2": Action.UPDATE,
        "line_item/N:3": Action.CREATE,
    }
    assert guards(plan) == {}
    assert incomplete(world.apply(plan)) == ()
    assert world.keys("line_items") == {"N:1": 1, "L:2": 1, "N:3": 1}
    assert world.id_of("line_items", "N:1") == ids["L:1"]
    assert set(entries(world)) == {"order/new", "line_item/n:1", "line_item/l:2", "line_item/n:3"}
    assert {unit for unit, *_ in entries(world).values()} == {"order/new"}
    assert world.plan().empty


def test_a_renamed_cart_and_what_is_associated_with_it(world: World) -> None:
    """The association is between ids and does not depend on keys."""
    world.converge(order("A", associations={"cart": [{"key": "OLD"}]}), cart("OLD", memo="1"))
    before = world.dump_links()
    plan = world.plan(
        order("A", associations={"cart": [{"key": "NEW"}]}),
        cart("NEW", memo="1", moved_from="OLD"),
    )
    assert actions(plan) == {"cart/NEW": Action.UPDATE}
    assert guards(plan) == {}
    assert incomplete(world.apply(plan)) == ()
    assert before == world.dump_links()
    assert world.plan().empty


def test_a_rename_without_a_state_finds_the_record_by_its_former_key(world: World) -> None:
    """And asks for no guard, where the key is all that changes."""
    world.converge(order("OLD", [line("L:1", name="x")], memo="1"))
    record = world.id_of("orders", "OLD")
    world.lose_state()
    new = order("NEW", [line("L:1", name="x")], memo="1", moved_from="OLD")
    plan = world.plan(new)
    assert actions(plan) == {"order/NEW": Action.UPDATE, "line_item/L:1": Action.ADOPT}
    assert guards(plan) == {}
    other = world.plan(order("NEW", [line("L:1", name="x")], memo="2", moved_from="OLD"))
    assert guards(other) == {"adopt-update": 1}
    assert incomplete(world.apply(plan)) == ()
    assert world.id_of("orders", "NEW") == record
    world.declare(new)
    assert world.plan().empty
    world.lose_state()
    assert set(actions(world.plan()).values()) == {Action.ADOPT}


def test_a_reference_to_a_renamed_cart_is_bound_without_a_state(world: World) -> None:
    """The cart is known by its former key, so its association is found."""
    world.converge(order("A", associations={"cart": [{"key": "OLD"}]}), cart("OLD", memo="1"))
    world.lose_state()
    plan = world.plan(
        order("A", associations={"cart": [{"key": "NEW"}]}),
        cart("NEW", memo="1", moved_from="OLD"),
    )
    assert actions(plan) == {"order/A": Action.ADOPT, "cart/NEW": Action.UPDATE}


def test_an_account_that_never_had_the_record_gets_a_new_one(world: World) -> None:
    """A fresh account is made from the same manifests."""
    plan = world.plan(order("NEW", [moved("N:1", "L:1", name="x")], memo="1", moved_from="OLD"))
    assert set(actions(plan).values()) == {Action.CREATE}
    assert guards(plan) == {}
    assert incomplete(world.apply(plan)) == ()
    assert world.plan().empty


@pytest.mark.parametrize("state", ["kept", "lost"])
def test_a_new_key_that_another_record_has_is_a_conflict(world: World, state: str) -> None:
    """Neither of the two is touched."""
    world.converge(order("OLD", memo="1"))
    record = world.id_of("orders", "OLD")
    theirs = world.make("orders", "NEW", memo="theirs")
    if state == "lost":
        world.lose_state()
    plan = world.plan(order("NEW", memo="2", moved_from="OLD"))
    change = changes(plan)["order/NEW"]
    assert change.action is Action.CONFLICT
    assert record in explained(change)
    assert theirs in explained(change)
    world.apply(plan)
    assert {values["memo"] for values in world.dump("orders").values()} == {"1", "theirs"}


def test_a_key_of_another_record_that_we_manage_is_a_conflict(world: World) -> None:
    """Two records cannot become one by a rename."""
    world.converge(order("A", memo="1"), order("B", memo="1"))
    plan = world.plan(order("B", memo="1", moved_from="A"))
    assert changes(plan)["order/B"].action is Action.CONFLICT


def test_a_rename_that_hubspot_has_already_moves_the_state_alone(world: World) -> None:
    """Somebody changed the key there first."""
    world.converge(order("OLD", [line("L:1", name="x")], memo="1"))
    world.edit("orders", world.id_of("orders", "OLD"), **{KEY: "NEW"})
    plan = world.plan(order("NEW", [line("L:1", name="x")], memo="1", moved_from="OLD"))
    assert actions(plan) == {"order/NEW": Action.ADOPT}
    world.forget_calls()
    assert guards(plan) == {}
    assert incomplete(world.apply(plan)) == ()
    assert world.writes() == []
    assert set(entries(world)) == {"order/new", "line_item/l:1"}
    assert world.plan().empty


def test_a_former_key_that_somebody_put_back_is_a_rekey(world: World) -> None:
    """The move is over; what happens in HubSpot later asks for the guard."""
    world.converge(order("OLD", memo="1"))
    new = order("NEW", memo="1", moved_from="OLD")
    world.converge(new)
    world.edit("orders", world.id_of("orders", "NEW"), **{KEY: "OLD"})
    plan = world.plan()
    assert changes(plan)["order/NEW"].rekey
    holds(world, plan, "rekey")


def test_a_record_with_a_third_key_is_a_rekey_too(world: World) -> None:
    """The manifest did not say that one."""
    world.converge(order("OLD", memo="1"))
    world.edit("orders", world.id_of("orders", "OLD"), **{KEY: "THEIRS"})
    plan = world.plan(order("NEW", memo="1", moved_from="OLD"))
    assert guards(plan) == {"rekey": 1}
    assert incomplete(world.apply(plan)) == ()
    assert set(entries(world)) == {"order/new"}
    assert world.plan().empty


def test_a_key_that_moved_between_plan_and_apply_is_left_alone(world: World) -> None:
    """The key is compared like every other field."""
    world.converge(order("OLD", memo="1"))
    plan = world.plan(order("NEW", memo="1", moved_from="OLD"))
    world.edit("orders", world.id_of("orders", "OLD"), **{KEY: "THEIRS"})
    report = world.apply(plan)
    assert statuses(report) == {"order/NEW": "conflict"}
    assert "THEIRS" in messages(report)["order/NEW"]


def test_a_renamed_record_that_is_archived_can_be_made_again(world: World) -> None:
    """Under its new key; nothing of the former one is left in the state."""
    world.converge(order("OLD", memo="1"))
    world.archive("orders", world.id_of("orders", "OLD"))
    new = order("NEW", memo="1", moved_from="OLD")
    assert actions(world.plan(new)) == {"order/NEW": Action.CONFLICT}
    assert incomplete(world.apply(world.plan(recreate=["order/NEW"]))) == ()
    assert set(entries(world)) == {"order/new"}
    assert world.plan().empty


def test_a_renamed_record_can_be_removed(world: World) -> None:
    """Whether or not the rename was ever applied."""
    world.converge(order("OLD", [line("L:1", name="x")], memo="1"), order("OTHER"))
    plan = world.plan(order("NEW", moved_from="OLD", lifecycle={"state": "absent"}), order("OTHER"))
    assert actions(plan) == {"order/NEW": Action.ARCHIVE, "line_item/L:1": Action.ARCHIVE}
    assert guards(plan) == {}
    assert incomplete(world.apply(plan)) == ()
    assert set(entries(world)) == {"order/other"}
    assert world.plan().empty


def test_a_renamed_record_can_be_forgotten(world: World) -> None:
    """Under its former name, which the state has it by."""
    world.converge(order("OLD", [line("L:1", name="x")], memo="1"), order("OTHER"))
    plan = world.plan(order("NEW", moved_from="OLD", lifecycle={"state": "forget"}), order("OTHER"))
    assert set(actions(plan)) == {"order/NEW", "line_item/L:1"}
    assert guards(plan) == {}
    assert incomplete(world.apply(plan)) == ()
    assert set(entries(world)) == {"order/other"}
    assert world.keys("orders") == {"OLD": 1, "OTHER": 1}
    assert world.plan().empty


def test_prune_takes_lines_of_a_renamed_order_that_are_not_declared(world: World) -> None:
    """They lie under the former name in the state until then."""
    world.converge(order("OLD", [line("L:1", name="x"), line("L:2", name="y")], memo="1"))
    new = order("NEW", [line("L:1", name="x")], memo="1", moved_from="OLD")
    assert [str(address) for address in world.plan(new).undeclared] == ["line_item/L:2"]
    plan = world.plan(prune=True)
    assert actions(plan) == {"order/NEW": Action.UPDATE, "line_item/L:2": Action.ARCHIVE}
    assert guards(plan) == {"prune": 1}
    assert incomplete(world.apply(plan)) == ()
    assert set(entries(world)) == {"order/new", "line_item/l:1"}
    assert world.plan(prune=True).empty


def test_an_undeclared_line_follows_its_renamed_order(world: World) -> None:
    """So that a later prune, or forget, still finds it."""
    world.converge(order("OLD", [line("L:1", name="x"), line("L:2", name="y")], memo="1"))
    new = order("NEW", [line("L:1", name="x")], memo="1", moved_from="OLD")
    assert incomplete(world.apply(world.plan(new, allow={}))) == ()
    assert entries(world)["line_item/l:2"][0] == "order/new"
    plan = world.plan(prune=True)
    assert guards(plan) == {"prune": 1}
    assert incomplete(world.apply(plan)) == ()
    assert world.keys("line_items") == {"L:1": 1}


def test_a_line_that_moves_to_another_order_leaves_nothing_behind(world: World) -> None:
    """One record, one entry."""
    world.converge(order("A", [line("L", name="x")]), order("B"))
    item = world.id_of("line_items", "L")
    world.unlink(("line_items", item), ("orders", world.id_of("orders", "A")))
    plan = world.plan(order("A"), order("B", [line("L", name="x")]))
    assert incomplete(world.apply(plan)) == ()
    with world.session() as session:
        found = [str(a) for _, a, _ in session.state().entries()]
    assert sorted(found) == ["line_item/l", "order/a", "order/b"]


def test_the_same_plan_again_finds_the_rename_done(world: World) -> None:
    """Done stays done."""
    world.converge(order("OLD", [line("L:1", name="x")], memo="1"))
    plan = world.plan(order("NEW", [line("L:1", name="y")], memo="1", moved_from="OLD"))
    assert content_digest(plan) == content_digest(world.plan())
    assert content_digest(plan) != content_digest(replace(plan, units=()))
    assert guards(plan) == {}
    assert incomplete(world.apply(plan)) == ()
    world.forget_calls()
    assert incomplete(world.apply(plan)) == ()
    assert world.writes() == []


def test_a_rename_is_not_taken_for_done_because_the_values_are(world: World) -> None:
    """Another apply in between, of other things, does not make an old plan's rename done."""
    world.converge(order("OLD", memo="1"))
    plan = world.plan(order("NEW", memo="1", moved_from="OLD"))
    world.converge(order("OLD", memo="1", associations={"contact": [{"email": EMAILS[0]}]}))
    assert statuses(world.apply(plan)) == {"order/NEW": "conflict"}
    assert world.keys("orders") == {"OLD": 1}


def test_a_new_key_that_hubspot_does_not_show_is_told(watched: World) -> None:
    """An answer proves nothing: the key is read back."""
    watched.converge(order("OLD", memo="1"))
    record = watched.id_of("orders", "OLD")
    plan = watched.plan(order("NEW", memo="1", moved_from="OLD"))
    watched.proxy.hook = lambda method, _, __: (
        (200, {"id": record, "properties": {}}) if method == "PATCH" else None
    )
    report = watched.apply(plan)
    assert statuses(report) == {"order/NEW": "unknown"}
    assert KEY in messages(report)["order/NEW"]
    watched.proxy.hook = None
    assert actions(watched.plan()) == {"order/NEW": Action.UPDATE}
    assert incomplete(watched.apply()) == ()
    assert watched.keys("orders") == {"NEW": 1}


def test_a_former_key_must_mean_nothing_else(world: World) -> None:
    """Each with its place, before any call."""
    assert problems(world, order("NEW", moved_from="OLD"), order("old")) == [
        "the order 'OLD' is declared too, in manifests/all.yaml:3:1"
    ]
    assert problems(world, order("A", moved_from="OLD"), order("B", moved_from="old")) == [
        "the order 'old' was moved to 'A' already"
    ]
    standing = {"kind": "line_item", "key": "L", "parent": {"order": {"key": "OLD"}}}
    linked = cart("C", associations={"order": [{"key": "OLD"}]})
    assert problems(world, order("NEW", moved_from="OLD"), standing, linked) == [
        "the order 'OLD' is 'NEW' now",
        "the order 'OLD' is 'NEW' now",
    ]
