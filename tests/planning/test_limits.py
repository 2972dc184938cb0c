"""Limits and amounts in an account: shares of what is managed, and what belongs to a currency."""

from dataclasses import replace

import pytest
from held import guards, held
from world import World, line, order, statuses

from reconcile.errors import GuardRefused
from reconcile.model.kinds import kinds
from reconcile.plan_files import save_plan
from reconcile.project import Limits

AMOUNTS = {
    "order": {
        "hs_total_price",
        "hs_subtotal_price",
        "hs_tax",
        "hs_shipping_cost",
        "hs_order_discount",
        "hs_refund_amount",
    },
    "cart": {
        "hs_total_price",
        "hs_subtotal_price",
        "hs_tax",
        "hs_shipping_cost",
        "hs_cart_discount",
    },
    "line_item": {"price", "discount", "tax", "hs_cost_of_goods_sold"},
}


def test_a_share_is_of_the_managed_records_of_a_kind(world: World) -> None:
    """Half of 50 orders is 25; of one line item and of no carts it is 20, the least that there is.

    Records that a manifest does not declare any more are managed, and those of others are not.
    """
    world.converge(order("O-00", [line("L-00")]), *(order(f"O-{n:02}") for n in range(1, 50)))
    for _ in range(9):
        world.make("orders", memo="theirs")
    world.settings = replace(world.settings, limits=Limits(create="50%"))
    declared = [order(f"O-{n:02}") for n in range(1, 50)]
    new = [order(f"N-{n:02}") for n in range(26)]
    plan = world.plan(*declared, *new)
    assert {(name, kind): most for name, kind, most in plan.limits} == {
        ("create", "order"): 25,
        ("create", "cart"): 20,
        ("create", "line_item"): 20,
    }
    assert [one.message for one in plan.guards] == [
        "26 orders would be created, and the limit is 25"
    ]
    assert world.plan(*declared, *new[1:]).guards == ()
    lines = order("N-00", [line(f"M-{n:02}") for n in range(21)])
    plan = world.plan(*declared, lines, *new[1:])
    assert [(one.allowance, one.message) for one in plan.guards] == [
        (
            "limit-create=47",
            "26 orders (limit 25), 21 line items (limit 20) would be created, 47 records in all",
        )
    ]
    assert world.plan(allow={"limit-create": 47}).guards == ()


def test_a_plan_that_a_limit_refuses_is_not_saved(world: World) -> None:
    """As one with a wrong number: nobody can take it for one that may be applied."""
    world.settings = replace(world.settings, limits=Limits(create="1"))
    path = world.folder / "saved.plan"
    for allow in ({}, {"limit-create": 3}):
        plan = world.plan(order("A"), order("B"), allow=allow)
        with pytest.raises(GuardRefused, match="limit-create"):
            save_plan(plan, path, created="2026-11-30T00:00:00Z")
        assert not path.exists()
    save_plan(world.plan(allow={"limit-create": 2}), path, created="2026-11-30T00:00:00Z")


@pytest.mark.parametrize("kind", sorted(AMOUNTS))
def test_all_amounts_belong_to_the_currency(kind: str) -> None:
    """What HubSpot computes of them does not: nobody declares it."""
    (group,) = (one for one in kinds()[kind].together if kinds()[kind].currency in one)
    assert group == AMOUNTS[kind] | {kinds()[kind].currency}
    assert group.isdisjoint(kinds()[kind].computed)


@pytest.mark.parametrize("others", ["hs_currency_code", "hs_total_price"])
def test_a_refund_is_not_written_beside_an_amount_that_others_changed(
    world: World, others: str
) -> None:
    """In another currency it would be another refund."""
    values = {"hs_currency_code": "USD", "hs_total_price": "100", "hs_refund_amount": "20"}
    world.converge(order("A", **values))
    theirs = {"hs_currency_code": "EUR", "hs_total_price": "90"}[others]
    world.edit("orders", world.id_of("orders", "A"), **{others: theirs})
    plan = world.plan(order("A", **values | {"hs_refund_amount": "30"}), allow={})
    assert guards(plan) == {"both": 1}
    assert set(held(plan)) == {"order/A"}
    assert statuses(world.apply(plan)) == {}
    assert world.record("orders", "A")["hs_refund_amount"] == "20"
