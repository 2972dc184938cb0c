"""References to records that are in conflict because HubSpot no longer has them."""

from world import World, actions, cart, changes, explained, order, statuses

from reconcile.model.plan import Action

TO_CART = {"cart": [{"key": "C"}]}


def test_an_association_with_an_archived_record_is_not_planned(world: World) -> None:
    """The order says that it cannot be made and why; the rest of it is carried out."""
    world.converge(cart("C", memo="x"), order("A", memo="1"), order("B", memo="1"))
    world.archive("carts", world.id_of("carts", "C"))
    plan = world.plan(
        cart("C", memo="x"),
        order("A", memo="1", associations=TO_CART),
        order("B", memo="2", associations=TO_CART),
        order("N", memo="3", associations=TO_CART),
    )
    assert actions(plan) == {
        "cart/C": Action.CONFLICT,
        "order/A": Action.CONFLICT,
        "order/B": Action.UPDATE,
        "order/N": Action.CREATE,
    }
    for name in ("order/A", "order/B", "order/N"):
        change = changes(plan)[name]
        assert change.links == ()
        assert explained(change).startswith(
            "cannot be associated with cart/C, which is in conflict\n"
        )
    assert statuses(world.apply(plan)) == {
        "cart/C": "conflict",
        "order/A": "conflict",
        "order/B": "done",
        "order/N": "done",
    }


def test_it_is_made_once_the_conflict_is_resolved(world: World) -> None:
    """With the record recreated the same manifests associate all of them."""
    documents = (cart("C", memo="x"), order("A", memo="1", associations=TO_CART))
    world.converge(documents[0])
    world.archive("carts", world.id_of("carts", "C"))
    world.plan(*documents)
    world.apply()
    world.apply(world.plan(*documents, recreate=["cart/C"]))
    assert world.plan().units == ()
    assert len(world.links(("orders", world.id_of("orders", "A")), "carts")) == 1


def test_a_record_with_another_key_can_be_associated(world: World) -> None:
    """A record in conflict that exists can be associated with."""
    world.converge(cart("C", memo="x"))
    id_ = world.id_of("carts", "C")
    world.edit("carts", id_, reconcile_key="")
    plan = world.plan(cart("C", memo="x"), order("A", memo="1", associations=TO_CART))
    (link,) = changes(plan)["order/A"].links
    assert (link.id, explained(changes(plan)["order/A"])) == (id_, "")
