"""What set the values that drifted, read from the account: users, integrations, workflows."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from pure import HERE
from world import World, line, order

from reconcile import workflow
from reconcile.model.drift_sources import DriftSource, SetBy, SourceKind
from reconcile.model.drifted import DriftReport, Fate, drift_of
from reconcile.model.plan import Plan
from reconcile.sandbox import Switches, faults

LABELS = Switches(sources_have_labels=True, workflow_source="workflow")
HISTORY = '"propertiesWithHistory":["'
"""What the body of a batch read has that asks for histories."""

READ = (
    *(f"crm.objects.{one}.read" for one in ("orders", "carts", "line_items")),
    "crm.schemas.orders.read",
    "crm.pipelines.orders.read",
    "e-commerce",
)


def planned(world: World) -> Plan:
    """The plan that users get, with sources."""
    with world.session() as session:
        made = workflow.plan(session, world.units())
        return workflow.with_drift_sources(session, made)


def report(world: World) -> DriftReport:
    """The report that users get."""
    with world.session() as session:
        return workflow.drift_report(session, workflow.plan(session, world.units()))


def sources(found: DriftReport) -> Mapping[tuple[str, str], DriftSource]:
    """What set each value, by address and property."""
    assert found.sources is not None
    return {(str(address), name): one.source for (address, name), one in found.sources.items()}


def counted(plan: Plan) -> dict[tuple[str, str, str], int]:
    """How many records each kind of source changed a property of."""
    found: Counter[tuple[str, str, str]] = Counter()
    for one in plan.drift_sources.counts:
        found[one.kind, one.property, one.source.kind] += one.records
    return dict(found)


def reads(world: World) -> Callable[[], int]:
    """What tells how often histories were read since."""
    rule = world.sandbox.faults.add(faults.Latency(0), path="*/batch/read", contains=HISTORY)
    return lambda: world.sandbox.faults.struck(rule)


def edit(world: World, key: str, by: str = "", **values: str) -> None:
    """Somebody edits an order."""
    world.edit("orders", world.id_of("orders", key), by=by, **values)


@pytest.fixture
def shop(build: Callable[..., World]) -> World:
    """Three orders as they are declared, in an account whose histories have names."""
    world = build(switches=LABELS)
    world.converge(
        order("A", [line("A:1", name="Mug", price="5")], memo="1", weight="1"),
        order("B", memo="1", weight="1"),
        order("C", memo="1", weight="1"),
    )
    return world


def test_each_value_has_its_source_and_moment(shop: World) -> None:
    """A user is named by the owner's address, also one who left; others by the label."""
    edit(shop, "A", f"CRM_UI {shop.user('olive@example.com')}", memo="2")
    edit(shop, "B", f"CRM_UI {shop.user('leo@example.com')}", memo="2", weight="2")
    edit(shop, "C", "INTEGRATION 777 Shop sync", memo="2")
    shop.edit("line_items", shop.id_of("line_items", "A:1"), by="AUTOMATION_PLATFORM 42", price="6")
    found = report(shop)
    olive, leo = (
        DriftSource(SourceKind.USER, shop.user(email), email)
        for email in ("olive@example.com", "leo@example.com")
    )
    assert sources(found) == {
        ("order/A", "memo"): olive,
        ("order/B", "memo"): leo,
        ("order/B", "weight"): leo,
        ("order/C", "memo"): DriftSource(SourceKind.INTEGRATION, "777", "Shop sync"),
        ("line_item/A:1", "price"): DriftSource(SourceKind.WORKFLOW, "42"),
    }
    assert found.sources is not None
    assert all(one.at.startswith("20") and one.at.endswith("Z") for one in found.sources.values())
    assert counted(planned(shop)) == {
        ("order", "memo", "user"): 2,
        ("order", "memo", "integration"): 1,
        ("order", "weight", "user"): 1,
        ("line_item", "price", "workflow"): 1,
    }


def test_enrollments_in_a_workflow_are_one_source(build: Callable[..., World]) -> None:
    """HubSpot names each record's enrollment, not the workflow."""
    world = build()
    world.converge(order("A", memo="1"), order("B", memo="1"))
    for key in "AB":
        edit(world, key, "AUTOMATION_PLATFORM 42 Ship it", memo="2")
    (count,) = planned(world).drift_sources.counts
    assert (count.source, count.records) == (DriftSource(SourceKind.WORKFLOW), 2)


def test_users_without_the_owners_scope_are_named_by_id(shop: World) -> None:
    """Nothing fails for that."""
    user = shop.user("olive@example.com")
    edit(shop, "A", f"CRM_UI {user}", memo="2")
    shop.environ["TOKEN"] = shop.sandbox.add_token(READ)
    assert sources(report(shop)) == {("order/A", "memo"): DriftSource(SourceKind.USER, user)}


def test_owners_are_read_only_for_users(shop: World) -> None:
    """An older version that a user set does not count."""
    edit(shop, "A", f"CRM_UI {shop.user('olive@example.com')}", memo="2")
    edit(shop, "A", "INTEGRATION 777", memo="3")
    shop.forget_calls()
    report(shop)
    assert not [one for one in shop.sandbox.requests() if one.path == "/crm/v3/owners"]


def test_a_later_edit_is_not_the_source_of_the_value_shown(shop: World) -> None:
    """Somebody may edit again between the reading of the record and that of its history."""
    edit(shop, "A", "INTEGRATION 777", memo="2")
    with shop.session() as session:
        made = workflow.plan(session, shop.units())
        edit(shop, "A", "INTEGRATION 888", memo="3")
        found = workflow.drift_report(session, made)
    assert sources(found)["order/A", "memo"].id == "777"


def test_what_is_put_back_and_what_is_held_is_reported_too(shop: World) -> None:
    """By the standing policy, unless another field of the unit is held back."""
    for key in "ABC":
        edit(shop, key, "INTEGRATION 777", weight="2")
    edit(shop, "B", memo="theirs")
    edit(shop, "C", memo="theirs")
    shop.settings = replace(shop.settings, drift={"order": {"weight": HERE}})
    shop.declare(
        order("A", memo="1", weight="1"),
        order("B", memo="ours", weight="1"),
        order("C", memo="1", weight="1"),
    )
    found = report(shop)
    assert {
        (str(one.drift.address), one.fate, tuple(field.name for field in one.drift.fields))
        for one in drift_of(found.plan)
    } == {
        ("order/A", Fate.PUT_BACK, ("weight",)),
        ("order/B", Fate.HELD_BACK, ("weight",)),
        ("order/C", Fate.PUT_BACK, ("weight",)),
        ("order/C", Fate.LEFT_ALONE, ("memo",)),
    }
    assert sources(found)["order/B", "weight"].id == "777"
    assert ("order/B", "memo") not in sources(found)


def test_an_association_has_no_source(world: World) -> None:
    """HubSpot keeps no history of it: the record is listed, and nothing is read for it."""
    contact = {"contact": [{"email": "ana@example.com"}]}
    world.converge(order("A", memo="1", associations=contact))
    here = ("orders", world.id_of("orders", "A"))
    (ana,) = world.links(here, "contacts")
    world.unlink(here, ("contacts", ana))
    read = reads(world)
    found = report(world)
    assert [str(one.drift.address) for one in drift_of(found.plan)] == ["order/A"]
    assert found.drifted
    assert not found.sources
    assert read() == 0


def test_without_drift_no_history_is_read(shop: World) -> None:
    """A change of the manifest is no reason to."""
    shop.declare(order("A", memo="2", weight="1"))
    read = reads(shop)
    assert planned(shop).drift_sources.records == 0
    assert not report(shop).drifted
    assert read() == 0


def test_what_a_plan_does_is_the_same_with_sources(shop: World) -> None:
    """They are beside it."""
    edit(shop, "A", "INTEGRATION 777", memo="2")
    with shop.session() as session:
        made = workflow.plan(session, shop.units())
        named = workflow.with_drift_sources(session, made)
    assert replace(named, drift_sources=made.drift_sources) == made
    assert named.drift_sources.records == 1


def test_a_plan_looks_at_250_records_and_a_report_at_all(build: Callable[..., World]) -> None:
    """In calls for 50 records each."""
    world = build()
    keys = [f"O-{n:03}" for n in range(260)]
    world.converge(*(order(key, memo="1", weight="1") for key in keys))
    ids = {values["reconcile_key"]: id_ for id_, values in world.dump("orders").items()}
    for start in range(0, 260, 100):
        inputs = [
            {"id": ids[key], "properties": {"memo": "2"}} for key in keys[start : start + 100]
        ]
        body = {"inputs": inputs}
        by = {"X-Sandbox-Source": "INTEGRATION 777"}
        path = "/crm/v3/objects/orders/batch/update"
        world.http.post(path, json=body, headers=by).raise_for_status()
    edit(world, keys[7], "INTEGRATION 888", weight="2")
    read = reads(world)
    made = planned(world)
    assert read() == 5
    assert made.drift_sources.records == 250
    assert counted(made)["order", "memo", "integration"] == 250
    assert counted(made)["order", "weight", "integration"] == 1
    assert len(sources(report(world))) == 261
    assert read() == 5 + 6


@pytest.mark.parametrize(("status", "found"), [(403, 0), (400, 1)])
def test_histories_that_are_refused_stop_nothing(shop: World, status: int, found: int) -> None:
    """After a refusal that concerns one call, the histories of the other kind are still read."""
    edit(shop, "A", "INTEGRATION 777", memo="2")
    shop.edit("line_items", shop.id_of("line_items", "A:1"), by="INTEGRATION 777", price="6")
    shop.sandbox.faults.add(
        faults.Refuse(status=status), path="*/orders/batch/read", contains=HISTORY
    )
    shop.sandbox.faults.add(faults.Refuse(status=status), path="*/orders/4*", method="GET")
    made, listed = planned(shop), report(shop)
    for unread in (made.drift_sources.unread, listed.unread):
        assert unread
    assert made.drift_sources.records == len(sources(listed)) == found
    assert [str(one.drift.address) for one in drift_of(listed.plan)] == ["order/A", "line_item/A:1"]


def test_an_account_that_no_longer_answers_stops_nothing(shop: World) -> None:
    """The plan is made already; what was read before stays."""
    edit(shop, "A", "INTEGRATION 777", memo="2")
    shop.sandbox.faults.add(faults.CloseBefore(), contains=HISTORY)
    made = planned(shop)
    assert made.drift_sources.unread
    assert made.drift_sources.records == 0
    assert [str(one.drift.address) for one in drift_of(made)] == ["order/A"]


def test_a_record_that_is_gone_meanwhile_has_an_unknown_source(shop: World) -> None:
    """Its history is gone with it."""
    edit(shop, "A", "INTEGRATION 777", memo="2")
    with shop.session() as session:
        made = workflow.plan(session, shop.units())
        shop.archive("orders", shop.id_of("orders", "A"))
        found = workflow.drift_report(session, made)
    assert found.sources is not None
    assert set(found.sources.values()) == {SetBy(DriftSource(SourceKind.UNKNOWN))}
    assert not found.unread
