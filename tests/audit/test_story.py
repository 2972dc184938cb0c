"""What real runs leave in the log: planned and applied on an account, then recorded."""

from making import ANA, head_of
from world import World

from reconcile.audit.log import AuditLog
from reconcile.audit.reading import shown
from reconcile.audit.recording import record_run
from reconcile.audit.verifying import verify
from reconcile.model.audit import Head, Recorded, What


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


def apply(world: World, log: AuditLog, name: str, after: Head | None) -> Head:
    """Apply what is declared and record it."""
    planned = world.plan()
    report = world.apply(planned)
    return record_run(log, planned, head_of(name), report.outcomes, ANA, after=after)


def records(log: AuditLog, name: str) -> dict[str, Recorded]:
    """A run's records by address."""
    return {str(one.address): one for entry in shown(log, name) for one in entry.records}


def test_the_log_tells_what_hubspot_got(world: World) -> None:
    """Created records with their ids and values, then what changed in them."""
    log = AuditLog(world.store)
    world.declare(order("10.00"))
    head = apply(world, log, "R-1", None)
    first = records(log, "R-1")
    assert first["order/NW-1"].id == world.id_of("orders", "NW-1")
    assert {(one.action, one.status) for one in first.values()} == {("create", "done")}
    values = {one.name: one.values for one in first["order/NW-1"].details}
    assert values["hs_total_price"] == ("", "10.00")
    assert values["hs_pipeline_stage"] is not None
    assert values["hs_pipeline_stage"][1:] == (world.stages["Open"], "", "Open")
    assert str(first["line_item/NW-1:mug"].parent) == "order/NW-1"

    world.declare(order("12.50", associations={"company": [{"id": "501"}]}))
    head = apply(world, log, "R-2", head)
    (changed,) = records(log, "R-2").values()
    fields = [one.values for one in changed.details if one.what is What.FIELD]
    assert fields == [("10", "12.50")]  # as HubSpot told the former, and as we wrote the latter
    links = {(one.note, one.name) for one in changed.details if one.what is What.LINK}
    assert links == {("add", "company"), ("remove", "contact")}
    found = verify(log, head)
    assert (found.findings, found.records) == ((), 3)


def test_the_log_lies_beside_the_state_and_disturbs_nothing(world: World) -> None:
    """Planning again finds nothing to do, and the state's own files are as they were."""
    log = AuditLog(world.store)
    world.declare(order("10.00"))
    apply(world, log, "R-1", None)
    assert world.plan().empty
    world.lose_state()
    assert list(log.entries()) == []
