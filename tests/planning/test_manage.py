"""What may be written on a target: `manage` in the project file."""

from typing import Any

import pytest
from world import (
    World,
    actions,
    cart,
    changes,
    explained,
    held,
    incomplete,
    line,
    order,
    statuses,
)

from reconcile.errors import ManifestError, StalePlan
from reconcile.model.plan import Action


def adopted(world: World, **properties: str) -> str:
    """Return the id of an order A that somebody made and that was applied once."""
    id_ = world.make("orders", "A", **properties)
    world.converge(order("A", **properties))
    return id_


def problems_of(world: World, *documents: Any) -> list[str]:
    """Return the messages of the problems that stop a plan of these documents."""
    with pytest.raises(ManifestError) as stop:
        world.plan(*documents)
    return [f"{one.line}:{one.column} {one.message}" for one in stop.value.problems]


def read_of(world: World, object_: str) -> set[str]:
    """Return the properties of an object that were asked for since the last forgetting."""
    reads = world.proxy.to("POST", f"/{object_}/batch/read")
    return {name for one in reads for name in one.body["properties"]}


def test_without_manage_everything_may_be_written(world: World) -> None:
    """Creating and archiving too."""
    world.converge(order("A", memo="x", lines=[line("A:1", name="Mug")]))
    world.converge(order("A", lifecycle={"state": "absent"}))


def test_what_is_listed_is_written(world: World) -> None:
    """And the record's associations with a listed object."""
    adopted(world, memo="x")
    world.manage(order=["memo", "contact"])
    world.converge(order("A", memo="y", associations={"contact": [{"email": "ana@example.com"}]}))
    assert world.record("orders", "A")["memo"] == "y"


def test_what_is_not_listed_is_a_problem_with_its_place(world: World) -> None:
    """All at once: properties, associations and kinds."""
    world.manage(order=["memo"], create="true")
    associations = {"contact": [{"email": "ana@example.com"}]}
    found = problems_of(
        world,
        order("A", memo="x", weight="1", associations=associations, lines=[line("A:1", name="M")]),
        cart("C"),
    )
    assert [text.partition(" ")[2] for text in found] == [
        "associations of orders with a contact may not be written: `manage` does not list them",
        "weight of orders may not be written: `manage` does not list it",
        "line items may not be written: `manage` does not name them",
        "carts may not be written: `manage` does not name them",
    ]
    assert all(text.split(":")[0] != "0" for text in found)


def test_what_hubspot_copies_from_a_product_must_be_listed_too(world: World) -> None:
    """It would be written with the product, and nobody has let that in."""
    world.manage(order=[], line_item=["hs_product_id", "price"], create="true")
    mug = line("A:1", hs_product_id="17", price="2")
    (text,) = problems_of(world, order("A", lines=[mug]))
    assert "HubSpot writes description, " in text
    assert "price" not in text
    assert "together with hs_product_id: `manage` does not list them" in text
    world.manage(order=[], line_item="all", create="true")
    world.plan(order("A", lines=[mug]))


def test_what_is_not_listed_is_not_read_even_where_it_is_declared(watched: World) -> None:
    """A plan that fails for it has not asked for it, nor for who it refers to."""
    world = watched
    adopted(world, memo="x")
    world.manage(order=["memo"])
    world.proxy.seen.clear()
    problems_of(
        world,
        order(
            "A",
            memo="x",
            weight="1",
            associations={"contact": [{"email": "ana@example.com"}]},
        ),
    )
    assert "weight" not in read_of(world, "orders")
    assert read_of(world, "orders") == {"memo", "hs_order_name", "reconcile_key"}
    assert not [c for c in world.proxy.seen if "contacts" in c.path]


@pytest.mark.parametrize("listed", ["all", ["memo"]])
def test_a_record_that_does_not_exist_is_in_conflict_unless_it_may_be_created(
    world: World, listed: Any
) -> None:
    """The others are planned, and applied."""
    id_ = adopted(world, memo="x")
    world.manage(order=listed)
    made = world.plan(order("A", memo="y"), order("B", memo="z"))
    assert actions(made) == {"order/A": Action.UPDATE, "order/B": Action.CONFLICT}
    assert "does not let records be created" in explained(changes(made)["order/B"])
    assert "adopt it" in explained(changes(made)["order/B"])
    assert statuses(world.apply(made)) == {"order/A": "done", "order/B": "conflict"}
    assert world.ever("orders") == [id_]
    world.manage(order=listed, create="true")
    assert incomplete(world.apply()) == ()


def test_a_line_is_not_created_in_an_order_that_exists(world: World) -> None:
    """The order itself is updated."""
    adopted(world, memo="x")
    world.manage(order="all", line_item="all")
    made = world.plan(order("A", memo="y", lines=[line("A:1", name="Mug")]))
    assert actions(made) == {"order/A": Action.UPDATE, "line_item/A:1": Action.CONFLICT}


def test_recreating_is_creating(world: World) -> None:
    """No hint offers it either."""
    world.archive("orders", adopted(world, memo="x"))
    world.manage(order="all")
    (lost,) = world.plan().records()
    assert "--recreate" not in explained(lost)
    (again,) = world.plan(recreate=["order/A"]).records()
    assert again.action is Action.CONFLICT
    assert "does not let records be created" in explained(again)


def test_archiving_is_a_conflict_unless_it_is_allowed(world: World) -> None:
    """Declared absent, or pruned."""
    id_ = adopted(world, memo="x")
    world.manage(order=["memo"])
    (one,) = world.plan(order("A", lifecycle={"state": "absent"})).records()
    assert one.action is Action.CONFLICT
    assert "does not let records be archived" in explained(one)
    world.declare(order("B", lifecycle={"state": "forget"}))
    (pruned,) = world.plan(prune=True).records()
    assert pruned.action is Action.CONFLICT
    world.apply(world.plan(order("A", lifecycle={"state": "absent"})))
    assert list(world.dump("orders")) == [id_]
    world.manage(order=["memo"], archive="true")
    world.converge(order("A", lifecycle={"state": "absent"}))
    assert not world.dump("orders")


def test_an_order_stays_while_its_lines_may_not_be_archived(world: World) -> None:
    """Line items of a kind that `manage` does not name keep their order."""
    world.converge(order("A", lines=[line("A:1", name="Mug")]))
    world.manage(order="all", archive="true")
    made = world.plan(order("A", lifecycle={"state": "absent"}))
    assert set(actions(made).values()) == {Action.CONFLICT}


def test_what_was_written_before_is_neither_read_nor_removed(watched: World) -> None:
    """A property and an association that `manage` no longer lists stay as others have them."""
    world = watched
    contact = {"contact": [{"email": "ana@example.com"}]}
    world.converge(order("A", memo="x", weight="1", associations=contact))
    world.manage(order=["memo"])
    id_ = world.id_of("orders", "A")
    world.edit("orders", id_, weight="7")
    world.proxy.seen.clear()
    made = world.plan(order("A", memo="x"))
    assert [(c.fields, c.links) for c in made.records()] in ([], [((), ())])
    assert "weight" not in read_of(world, "orders")
    assert not [c for c in world.proxy.seen if "contacts" in c.path]
    world.apply(made)
    assert world.plan().units == ()
    assert world.links(("orders", id_), "contacts")
    assert world.record("orders", "A")["weight"] == "7"


def test_applying_reads_no_more_than_planning(watched: World) -> None:
    """The re-check before a write and the reading after it ask for what is listed."""
    world = watched
    world.converge(order("A", memo="x", weight="1"))
    world.manage(order=["memo"])
    world.proxy.seen.clear()
    world.converge(order("A", memo="y"))
    assert "weight" not in read_of(world, "orders")
    assert world.record("orders", "A")["weight"] == "1"


def test_a_later_wider_manage_overwrites_nothing_unseen(world: World) -> None:
    """What was not looked at in between is held back like a value that was never seen."""
    world.converge(order("A", memo="x", weight="1"))
    world.manage(order=["memo"])
    world.converge(order("A", memo="x"))
    world.edit("orders", world.id_of("orders", "A"), weight="7")
    world.manage()
    assert held(world.plan(order("A", memo="x", weight="1"), allow={})) == {
        "order/A": Action.UPDATE
    }


def test_an_archive_shows_only_what_is_listed(watched: World) -> None:
    """And reads nothing else, but for the key and the title."""
    world = watched
    world.converge(order("A", memo="x", weight="1", hs_order_name="First"))
    world.manage(order=["memo"], archive="true")
    world.proxy.seen.clear()
    (one,) = world.plan(order("A", lifecycle={"state": "absent"})).records()
    assert {field.name for field in one.fields} == {"reconcile_key", "memo", "hs_order_name"}
    assert read_of(world, "orders") == {"memo", "hs_order_name", "reconcile_key"}
    world.converge(order("A", lifecycle={"state": "absent"}))


def test_forgetting_needs_no_permission(world: World) -> None:
    """It writes nothing in HubSpot, and is the way out for kinds that are no longer named."""
    world.converge(cart("C"))
    world.manage(order="all")
    world.converge(cart("C", lifecycle={"state": "forget"}))
    assert world.dump("carts")


def test_the_property_that_identifies_a_record_need_not_be_listed(build: Any) -> None:
    """The SKU of a line item is like a key where lines are found by it."""
    world = build(identity={"line_item": "within_parent:hs_sku"})
    world.converge(order("A", lines=[line("A:1", hs_sku="S", price="1")]))
    world.manage(order=[], line_item=["price"])
    world.converge(order("A", lines=[line("A:1", hs_sku="S", price="2")]))


def test_a_line_item_may_be_put_under_its_order(world: World) -> None:
    """Its parent need not be listed: it is part of what a line item is."""
    world.converge(order("A", lines=[line("A:1", name="Mug")]))
    order_id, line_id = world.id_of("orders", "A"), world.id_of("line_items", "A:1")
    world.unlink(("orders", order_id), ("line_items", line_id))
    world.manage(order=[], line_item=["name"])
    world.converge(order("A", lines=[line("A:1", name="Cup")]))
    assert list(world.links(("orders", order_id), "line_items")) == [line_id]


def test_a_line_item_that_moves_in_git_is_moved(world: World) -> None:
    """Out of its former order, which needs no permission of its own."""
    world.converge(order("A", lines=[line("A:1", name="Mug")]), order("B"))
    world.manage(order=[], line_item=["name"])
    world.converge(order("A"), order("B", lines=[line("A:1", name="Mug")]))
    (line_id,) = world.dump("line_items")
    assert list(world.links(("orders", world.id_of("orders", "B")), "line_items")) == [line_id]


def test_adopting_stamps_the_key(world: World) -> None:
    """Whether it is written follows from `stamp`, not from `manage`."""
    id_ = world.make("orders", memo="x")
    world.manage(order=["memo"])
    world.converge(order("A", memo="y", adopt={"id": id_}))
    assert world.id_of("orders", "A") == id_


@pytest.mark.parametrize(
    ("narrower", "said"),
    [
        ({"order": ["weight"], "create": "true"}, "manages memo of orders"),
        ({"order": ["memo"]}, "creates orders"),
        ({"cart": "all", "create": "true"}, "changes orders"),
    ],
)
def test_a_plan_from_before_manage_was_narrowed_is_not_applied(
    world: World, narrower: dict[str, Any], said: str
) -> None:
    """It is stale as a whole, and nothing was written; a wider `manage` changes nothing."""
    made = world.plan(order("A", memo="x"))
    world.manage(**narrower)
    world.forget_calls()
    with pytest.raises(StalePlan, match=said):
        world.apply(made)
    assert world.writes() == []
    world.manage(order=["memo", "weight"], create="true")
    assert incomplete(world.apply(made)) == ()


@pytest.mark.parametrize("listed", [["memo", "contact"], ["memo"]])
def test_a_saved_plan_is_checked_for_associations_and_archives(
    world: World, listed: list[str]
) -> None:
    """Associations to make, and records to archive."""
    adopted(world, memo="x")
    contact = {"contact": [{"email": "ana@example.com"}]}
    linking = world.plan(order("A", memo="x", associations=contact))
    archiving = world.plan(order("A", lifecycle={"state": "absent"}))
    world.manage(order=listed)
    if "contact" not in listed:
        with pytest.raises(StalePlan, match=r"associations \(contact\) of orders"):
            world.apply(linking)
    with pytest.raises(StalePlan, match="archives orders"):
        world.apply(archiving)
