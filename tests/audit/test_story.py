"""What real runs leave in the log: planned and applied on an account."""

import pytest
from world import KEY, World

from reconcile.audit.integrity import verify
from reconcile.audit.log import AuditLog
from reconcile.audit.query import entries_of, summaries
from reconcile.errors import GuardRefused, StalePlan
from reconcile.model.audit import RecordEntry, Summary, Topic
from reconcile.sandbox.faults import Edit
from reconcile.state.state import State


def order(total: str, **more: object) -> dict[str, object]:
    """An order with a line item and a contact."""
    return {
        "kind": "order",
        "key": "NW-1",
        "properties": {
            "hs_order_name": "Anton's order",
            "hs_total_price": total,
            "hs_pipeline": "Order Pipeline",
            "hs_pipeline_stage": "Open",
        },
        "line_items": [{"key": "NW-1:mug", "properties": {"name": "Mug", "quantity": "2"}}],
        "associations": {"contact": [{"email": "ana@example.com"}]},
    } | more


def last(world: World) -> Summary:
    """The latest event."""
    return list(summaries(AuditLog(world.store)))[-1]


def records(world: World) -> dict[str, RecordEntry]:
    """The latest run's records by address."""
    entries = entries_of(AuditLog(world.store), last(world).first.run)
    return {str(one.address): one for entry in entries for one in entry.records}


def test_the_log_has_what_hubspot_got(world: World) -> None:
    """Created records with their ids and values, then what changed in them."""
    world.converge(order("10.00"))
    first = records(world)
    assert first["order/NW-1"].id == world.id_of("orders", "NW-1")
    assert {(one.action, one.status) for one in first.values()} == {("create", "done")}
    values = {one.name: one.values for one in first["order/NW-1"].details}
    assert values["hs_total_price"] == ("", "10.00")
    assert values["hs_pipeline_stage"] == ("", world.stages["Open"], "", "Open")
    assert str(first["line_item/NW-1:mug"].parent) == "order/NW-1"

    world.converge(order("12.50", associations={"company": [{"id": "501"}]}))
    (changed,) = records(world).values()
    fields = [one.values for one in changed.details if one.topic is Topic.FIELD]
    assert fields == [("10", "12.50")]  # as HubSpot told the one, and as we wrote the other
    links = {(one.note, one.name) for one in changed.details if one.topic is Topic.LINK}
    assert links == {("add", "company"), ("remove", "contact")}


def test_the_log_says_what_hubspot_did_not_keep(world: World) -> None:
    """Beside what was sent, and by name."""
    line = {"key": "NW-1:mug", "properties": {"name": "Mug", "hs_external_id": "77"}}
    world.declare({"kind": "order", "key": "NW-1", "line_items": [line]})
    world.apply()
    mug = records(world)["line_item/NW-1:mug"]
    assert mug.status == "done"
    (said,) = (one.values for one in mug.details if one.topic is Topic.MESSAGE)
    assert said == ("HubSpot did not keep hs_external_id: a fresh read shows it empty",)


def test_a_write_that_somebody_changed_right_after_is_in_the_log(world: World) -> None:
    """Although the record is in conflict, HubSpot got the value."""
    world.converge(order("10.00"))
    edit = Edit(f"orders/{KEY}=NW-1", {"hs_total_price": "150"}, after=True)
    world.sandbox.faults.add(edit, method="PATCH", times=1)
    world.declare(order("1.50"))
    world.apply()
    (changed,) = records(world).values()
    assert changed.status == "conflict"
    fields = [(one.name, one.values) for one in changed.details if one.topic is Topic.FIELD]
    assert fields == [("hs_total_price", ("10", "1.50"))]


def test_state_and_log_fit_each_other(world: World) -> None:
    """After each run the state knows the log's last entry."""
    log = AuditLog(world.store)
    for total in ("10.00", "12.50", "15.00"):
        world.converge(order(total))
        head = State(world.store, b"").audit
        assert head == log.tail()
        found = verify(log, head)
        assert (found.findings, found.against_state) == ((), True)
    assert [one.first.event for one in summaries(log)] == ["apply"] * 3


def test_refusals_are_in_the_log(world: World) -> None:
    """By a guard, and for a plan of another state; and the next run's entry follows them."""
    world.make("orders", "NW-1", hs_total_price="1")
    planned = world.plan(order("10.00"))
    with pytest.raises(GuardRefused):
        world.apply(world.plan(allow={"adopt-update": 2}))
    assert (last(world).first.event, last(world).first.facts["refusal"]) == ("refused", "guard")
    world.apply(planned)
    assert last(world).first.event == "apply"
    stale = world.plan(order("12.50"))
    world.lose_state()
    world.apply(world.plan(order("13.00")))
    with pytest.raises(StalePlan):
        world.apply(stale)
    assert last(world).first.facts["refusal"] == "stale plan"
    assert verify(AuditLog(world.store), State(world.store, b"").audit).findings == ()
