"""Owners are named by e-mail address, or by id (case 05)."""

from collections.abc import Callable
from typing import Any

import pytest
from world import World, actions, changes, explained, order, statuses

from reconcile.model.plan import Action
from reconcile.planning.plan_file import dump
from reconcile.render.markdown import markdown
from reconcile.sandbox import Switches

ANNA, LEO = "anna@example.com", "leo@example.com"
PEOPLE = Switches(owners=("olive@example.com", ANNA))
OWNERS = "/crm/v3/owners"
SCOPES = (
    *(f"crm.objects.{one}.{access}" for one in ("orders", "carts") for access in ("read", "write")),
    "crm.pipelines.orders.read",
    "e-commerce",
)


def owned(key: str, owner: str) -> Any:
    """An order that belongs to somebody."""
    return order(key, memo="1", hubspot_owner_id=owner)


def owner_ids(world: World) -> dict[str, str]:
    """The ids of the account's owners, those who left too, by address."""
    found = [
        one
        for archived in ("false", "true")
        for one in world.http.get(OWNERS, params={"archived": archived}).json()["results"]
    ]
    return {one["email"]: one["id"] for one in found}


def owner_calls(world: World) -> int:
    """How often owners were asked for."""
    return sum(one.path == OWNERS for one in world.sandbox.requests())


@pytest.fixture
def staffed(build: Callable[..., World]) -> World:
    """A world with two owners, and one who left."""
    return build(switches=PEOPLE)


@pytest.mark.parametrize("address", [ANNA, "Anna@Example.com", LEO])
def test_an_owner_is_found_by_address(staffed: World, address: str) -> None:
    """The id is written, the address is shown, and a new plan is empty."""
    id_ = owner_ids(staffed)[address.lower()]
    plan = staffed.plan(owned("R-1", address))
    field = next(one for one in changes(plan)["order/R-1"].fields if one.name == "hubspot_owner_id")
    assert (field.after, field.shown_after, field.personal) == (id_, address, True)
    staffed.converge(owned("R-1", address))
    assert staffed.record("orders", "R-1")["hubspot_owner_id"] == id_
    staffed.converge(owned("R-1", id_))


def test_a_change_of_owner_shows_both_addresses(staffed: World) -> None:
    """The former one too, though the record holds an id."""
    staffed.converge(owned("R-1", ANNA))
    (field,) = changes(staffed.plan(owned("R-1", "olive@example.com")))["order/R-1"].fields
    assert (field.shown_before, field.shown_after) == (ANNA, "olive@example.com")


@pytest.mark.parametrize(
    ("owner", "message"),
    [
        ("nobody@example.com", "no owner of this account has the e-mail address"),
        ("7", "no owner of this account has the id '7'"),
        ("nobody", "'nobody' is neither an owner's e-mail address nor an owner's id"),
    ],
)
def test_an_unknown_owner_is_a_conflict_of_its_record(
    staffed: World, owner: str, message: str
) -> None:
    """With its place; nothing of it is sent, and the other record is written."""
    plan = staffed.plan(owned("R-1", owner), owned("R-2", ANNA))
    assert actions(plan) == {"order/R-1": Action.CONFLICT, "order/R-2": Action.CREATE}
    why = explained(changes(plan)["order/R-1"])
    assert why.startswith("manifests/all.yaml:1:")
    assert f": hubspot_owner_id: {message}" in why
    assert statuses(staffed.apply(plan)) == {"order/R-1": "conflict", "order/R-2": "done"}


def test_many_orders_of_an_unknown_owner_are_not_asked_for_one_by_one(staffed: World) -> None:
    """The account is asked who its owners are, and no record is sent to be refused."""
    staffed.declare(*(owned(f"R-{n}", "nobody@example.com") for n in range(150)))
    staffed.forget_calls()
    report = staffed.apply()
    assert set(statuses(report).values()) == {"conflict"}
    assert staffed.writes() == []
    assert owner_calls(staffed) == 2


def test_owners_are_read_only_where_a_value_names_one(staffed: World) -> None:
    """Clearing an owner needs nobody's id."""
    staffed.plan(order("R-1", memo="1", hubspot_owner_id=""), order("R-2", memo="1"))
    assert owner_calls(staffed) == 0


def test_owners_are_read_page_by_page(build: Callable[..., World]) -> None:
    """All of them, however many there are."""
    people = tuple(f"p{n}@example.com" for n in range(230))
    world = build(switches=Switches(owners=people, deactivated_owners=people[:3]))
    world.converge(owned("R-1", people[-1]), owned("R-2", people[0]), owned("R-3", people[100]))
    active = world.http.get(OWNERS, params={"limit": "500"}).json()["results"]
    assert world.record("orders", "R-2")["hubspot_owner_id"] == active[0]["id"]


def test_an_address_that_two_owners_have_is_a_conflict(build: Callable[..., World]) -> None:
    """One of those who left has it too would not count."""
    world = build(switches=Switches(owners=(ANNA, ANNA), deactivated_owners=()))
    assert "several owners have" in explained(changes(world.plan(owned("R-1", ANNA)))["order/R-1"])


@pytest.mark.parametrize("api", ["v3", "2026-03"])
def test_a_token_without_the_scope_is_told_which_one(build: Callable[..., World], api: str) -> None:
    """An address cannot be looked up then; an id is taken as it is written."""
    world = build(switches=PEOPLE, api=api)
    id_ = owner_ids(world)[ANNA]
    world.environ["TOKEN"] = world.sandbox.add_token(SCOPES)
    plan = world.plan(owned("R-1", ANNA), owned("R-2", id_))
    assert actions(plan) == {"order/R-1": Action.CONFLICT, "order/R-2": Action.CREATE}
    assert "needs the scope crm.objects.owners.read" in explained(changes(plan)["order/R-1"])
    assert statuses(world.apply(plan))["order/R-2"] == "done"


def test_a_custom_property_may_name_an_owner(staffed: World) -> None:
    """Its definition says what it refers to."""
    body = {
        "name": "packer",
        "label": "Packer",
        "type": "enumeration",
        "fieldType": "select",
        "groupName": "order_information",
        "externalOptions": True,
        "referencedObjectType": "OWNER",
    }
    staffed.http.post("/crm/v3/properties/orders", json=body).raise_for_status()
    staffed.converge(order("R-1", packer=ANNA))
    assert staffed.record("orders", "R-1")["packer"] == owner_ids(staffed)[ANNA]


@pytest.mark.parametrize(("may_own", "status"), [(True, "done"), (False, "failed")])
def test_an_owner_who_left(build: Callable[..., World], status: str, *, may_own: bool) -> None:
    """A record that has one already is left so; whether one is accepted HubSpot says."""
    world = build(switches=Switches(deactivated_owners_may_own=may_own))
    assert statuses(world.apply(world.plan(owned("R-1", LEO)))) == {"order/R-1": status}


def test_addresses_of_owners_do_not_show_in_ci(staffed: World) -> None:
    """Neither in a change nor in a conflict."""
    staffed.converge(owned("R-1", "olive@example.com"))
    plan = staffed.plan(owned("R-1", ANNA), owned("R-2", "nobody@example.com"))
    assert b"anna@example.com" in b"".join(dump(plan, version="0", created=""))
    shown = markdown(plan)
    assert "hubspot_owner_id" in shown
    assert "@example.com" not in shown
