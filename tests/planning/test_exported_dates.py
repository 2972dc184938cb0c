"""Dates and moments as shops export them (case 14)."""

import pytest
from world import World, actions, changes, explained, order

from reconcile.model.definitions import Property
from reconcile.model.plan import Action
from reconcile.model.values import fault, same, to_wire

MOMENT, DATE = Property("t", "datetime"), Property("d", "date")


def test_a_moment_with_a_spaced_offset_is_accepted(world: World) -> None:
    """Shopify's export: shown as written, and sent in the form that HubSpot takes."""
    written = "2024-03-10 14:03:22 -0500"
    plan = world.plan(order("P-1", hs_external_created_date=written))
    field = changes(plan)["order/P-1"].fields[1]
    assert (field.after, field.shown_after) == ("2024-03-10T14:03:22-05:00", written)
    world.converge(order("P-1", hs_external_created_date=written))
    assert world.record("orders", "P-1")["hs_external_created_date"] == "2024-03-10T19:03:22Z"
    world.converge(order("P-1", hs_external_created_date="2024-03-10T19:03:22.000Z"))


def test_a_moment_without_an_offset_is_a_conflict_that_says_so(world: World) -> None:
    """WooCommerce's export could mean any of 24 hours."""
    plan = world.plan(
        order("P-1", memo="1"), order("P-2", hs_external_created_date="2024-03-10T14:03:22")
    )
    assert actions(plan) == {"order/P-1": Action.CREATE, "order/P-2": Action.CONFLICT}
    assert ": hs_external_created_date: '2024-03-10T14:03:22' has no offset from UTC" in explained(
        changes(plan)["order/P-2"]
    )
    assert explained(changes(plan)["order/P-2"]).endswith("as in 1996-07-04T00:00:00-05:00")


@pytest.mark.parametrize(
    ("definition", "written", "wire"),
    [
        (MOMENT, "2024-03-10 14:03:22 -0500", "2024-03-10T14:03:22-05:00"),
        (MOMENT, "2024-03-10 14:03:22 Z", "2024-03-10T14:03:22Z"),
        (MOMENT, "2024-03-10 14:03 +0530", "2024-03-10T14:03+05:30"),
        (MOMENT, "2024-03-10T14:03:22.500+0000", "2024-03-10T14:03:22.500+00:00"),
        (MOMENT, "2024-03-10T14:03:22-05:00", "2024-03-10T14:03:22-05:00"),
        (MOMENT, "836438400000", "836438400000"),
        (MOMENT, "1996-07-04", "1996-07-04"),
        (MOMENT, "", ""),
        (MOMENT, "soon", "soon"),
        (DATE, "1996-07-04", "1996-07-04"),
        (DATE, "1996-07-04T00:00:00Z", "1996-07-04"),
        (DATE, "1996-07-04 02:00:00 +0200", "1996-07-04"),
        (DATE, "1996-07-04T10:00:00Z", "1996-07-04T10:00:00Z"),
        (DATE, "", ""),
        (Property("s", "string"), "2024-03-10 14:03:22 -0500", "2024-03-10 14:03:22 -0500"),
    ],
)
def test_what_is_sent_is_a_form_that_hubspot_takes(
    definition: Property, written: str, wire: str
) -> None:
    """The same value in another spelling; what is not a date stays as it is written."""
    assert to_wire(written, definition) == wire
    assert same(written, wire, definition)


def test_a_date_written_as_a_moment_is_sent_as_a_date(world: World) -> None:
    """HubSpot takes no moment for a date, midnight or not."""
    world.converge(order("A", due="1996-07-04T00:00:00Z"))
    assert world.record("orders", "A")["due"] == "1996-07-04"


def test_a_value_that_is_personal_is_not_quoted_in_a_message() -> None:
    """Messages go to places where a sensitive value must not."""
    for type_ in ("number", "date", "datetime", "bool", "enumeration"):
        message = fault("secret", Property("x", type_, sensitive=True))
        assert message is not None
        assert message.startswith("the value ")
        assert "secret" not in message
