"""What the account lacks or does not accept is a conflict of the records that declare it."""

import re
from collections.abc import Mapping

import pytest
from world import World, actions, cart, changes, explained, line, order, statuses

from reconcile.errors import ManifestError
from reconcile.model.explanation import hints_of
from reconcile.model.plan import Action, Plan

PLACE = re.compile(r"manifests/all\.yaml:\d+:\d+: ")


def reasons(plan: Plan, address: str) -> tuple[str, ...]:
    """Why a record is in conflict, without the places, which each reason must have."""
    found = changes(plan)[address].why
    assert all(PLACE.match(str(one)) for one in found)
    return tuple(one.reason for one in found)


def test_a_contact_that_is_gone_stops_no_other_order(world: World) -> None:
    """Case 04: the order of a deleted contact is in conflict, the other one is updated."""
    gone = world.make("contacts", email="gone@example.com")
    first = order("O-0", memo="1", associations={"contact": [{"email": "gone@example.com"}]})
    world.converge(first, order("O-1", memo="1"))
    world.archive("contacts", gone)
    plan = world.plan(first, order("O-1", memo="2"))
    assert actions(plan) == {"order/O-0": Action.CONFLICT, "order/O-1": Action.UPDATE}
    assert reasons(plan, "order/O-0") == ("no contact has email 'gone@example.com'",)
    assert statuses(world.apply(plan)) == {"order/O-0": "conflict", "order/O-1": "done"}
    assert world.record("orders", "O-1")["memo"] == "2"
    assert world.record("orders", "O-0")["memo"] == "1"


def test_a_line_in_conflict_stops_neither_its_order_nor_its_neighbours(world: World) -> None:
    """One line has a value that is not an option; the order and the other line are made."""
    report = world.apply(
        world.plan(
            order("A", [line("A:1", name="x", channel="web"), line("A:2", channel="moon")]),
        )
    )
    assert statuses(report) == {
        "order/A": "done",
        "line_item/A:1": "done",
        "line_item/A:2": "conflict",
    }
    assert world.keys("line_items") == {"A:1": 1}


def test_an_order_in_conflict_holds_its_lines(world: World) -> None:
    """A new line has no parent if its order is not created."""
    plan = world.plan(order("A", [line("A:1", name="x")], channel="moon"), cart("C", memo="1"))
    assert actions(plan) == {
        "order/A": Action.CONFLICT,
        "line_item/A:1": Action.CONFLICT,
        "cart/C": Action.CREATE,
    }
    assert explained(changes(plan)["line_item/A:1"]) == "order/A is in conflict"


def test_a_record_is_not_associated_with_one_that_is_not_made(world: World) -> None:
    """Its other changes go on, and it says which record is in conflict."""
    plan = world.plan(
        cart("C", gift="perhaps"), order("A", memo="1", associations={"cart": [{"key": "C"}]})
    )
    change = changes(plan)["order/A"]
    assert (change.action, change.links) == (Action.CREATE, ())
    assert explained(change).startswith("cannot be associated with cart/C, which is in conflict\n")
    assert statuses(world.apply(plan)) == {"cart/C": "conflict", "order/A": "done"}


def test_every_reason_of_a_record_is_listed(world: World) -> None:
    """Values, references and what became of the record itself, and after them the ways out."""
    world.converge(order("A", memo="1"))
    id_ = world.id_of("orders", "A")
    world.archive("orders", id_)
    plan = world.plan(
        order(
            "A",
            memo="1",
            gift="perhaps",
            nonesuch="x",
            associations={"company": [{"id": "999"}]},
            lifecycle={"ignore": ["nothing"]},
        )
    )
    why = changes(plan)["order/A"].why
    assert [one.reason for one in why] == [
        f"record {id_} is archived in HubSpot",
        "no company has id '999'",
        "lifecycle.ignore names 'nothing', which orders do not have",
        "gift: 'perhaps' is not true or false",
        "orders have no property 'nonesuch'",
    ]
    assert hints_of(why) == (
        "restore it in HubSpot, create a new one with --recreate order/A, or remove it from the "
        "manifests",
        "create it in HubSpot first, or correct the reference",
    )


@pytest.mark.parametrize("parent", [{"id": "424242"}, {"key": "NONE"}])
def test_lines_under_a_parent_that_does_not_exist_are_in_conflict(
    world: World, parent: Mapping[str, str]
) -> None:
    """Something else owns the parent; its lines wait, and all else goes on."""
    documents = [
        {"kind": "line_item", "key": f"L:{n}", "parent": {"order": parent}} for n in (1, 2)
    ]
    plan = world.plan(*documents, order("A", memo="1"))
    assert actions(plan) == {
        "line_item/L:1": Action.CONFLICT,
        "line_item/L:2": Action.CONFLICT,
        "order/A": Action.CREATE,
    }
    (by, value), *_ = parent.items()
    assert reasons(plan, "line_item/L:1") == (f"no order has {by} {value!r}",)
    assert statuses(world.apply(plan))["order/A"] == "done"
    assert world.keys("line_items") == {}


def test_a_value_that_is_ignored_is_not_looked_at_once_the_record_exists(world: World) -> None:
    """Nothing of it is sent, so that the account need not take it."""
    world.make("orders", "A", memo="1")
    ignoring = {"ignore": ["channel"]}
    documents = [
        order("A", memo="2", channel="moon", lifecycle=ignoring),
        order("B", memo="2", channel="moon", lifecycle=ignoring),
    ]
    assert actions(world.plan(*documents)) == {
        "order/A": Action.UPDATE,
        "order/B": Action.CONFLICT,
    }


def test_a_currency_that_the_account_does_not_have_is_a_conflict(world: World) -> None:
    """Whether it is enabled only the account knows."""
    plan = world.plan(order("A", hs_currency_code="JPY"), order("B", hs_currency_code="EUR"))
    assert actions(plan) == {"order/A": Action.CONFLICT, "order/B": Action.CREATE}
    assert reasons(plan, "order/A") == (
        "hs_currency_code: 'JPY' is not a currency of this account (USD, EUR, GBP)",
    )


def test_a_conflict_ends_once_the_account_has_what_was_missing(world: World) -> None:
    """The same manifests then apply completely."""
    documents = (order("A", associations={"contact": [{"email": "new@example.com"}]}),)
    world.declare(*documents)
    assert statuses(world.apply()) == {"order/A": "conflict"}
    world.make("contacts", email="new@example.com")
    world.converge(*documents)


def test_problems_and_conflicts_are_told_in_one_run(world: World) -> None:
    """A problem ends the plan; what the account does not take is listed with it all the same."""
    world.declare(
        order("A", reconcile_key="A", gift="perhaps"),
        order("B", gift="perhaps", associations={"contact": [{"email": "no@example.com"}]}),
    )
    with pytest.raises(ManifestError) as caught:
        world.plan()
    assert [one.message for one in caught.value.problems] == [
        "reconcile_key holds the record's key; write it as `key:` only"
    ]
    assert [one.message for one in caught.value.conflicts] == [
        "gift: 'perhaps' is not true or false",
        "no contact has email 'no@example.com'",
        "gift: 'perhaps' is not true or false",
    ]
    assert world.writes() == []
