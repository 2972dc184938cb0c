"""What reads back after a write: as sent, late, rewritten, edited by somebody, or not at all."""

from collections.abc import Callable
from typing import Any

import pytest
from proxy import DROP, Proxy
from world import KEY, World, changes, incomplete, line, messages, order, statuses

from reconcile.model.outcome import Outcome, Report, Rewrite
from reconcile.model.plan import Plan, Reason
from reconcile.sandbox import Switches
from reconcile.sandbox.faults import Edit, StaleReads, StoreAs

WRITES = "*/batch/upsert"
"""How orders are created; a single one is patched."""


def drift(plan: Plan, address: str = "order/A") -> dict[str, tuple[str, str, Reason]]:
    """What a plan wants changed of a record: before, after and why, by property."""
    change = changes(plan)[address]
    return {field.name: (field.before, field.after, field.reason) for field in change.fields}


def outcome(report: Report, address: str = "order/A") -> Outcome:
    """How a record ended."""
    (found,) = (one for one in report.outcomes if str(one.address) == address)
    return found


def asked_for_history(world: World) -> list[int]:
    """How many records each batch read asked the history of."""
    return [
        len(one.inputs)
        for one in world.proxy.to("POST", "/batch/read")
        if one.body.get("propertiesWithHistory")
    ]


# Edits


EDITS = [
    ("weight", "1", "1.50", "150"),
    ("weight", "1", "19.90", "1990"),
    ("weight", "1", "10000", "9990"),
    ("weight", "1", "1.2345", "1.23"),
    ("memo", "a", "Rue de la Paix", "rue de la paix"),
    ("due", "2024-03-01", "2024-03-10", "2024-03-11"),
    ("channel", "", "web", "shop"),
    ("gift", "", "true", "false"),
]


@pytest.mark.matrix(keep=3)
@pytest.mark.parametrize(("name", "before", "ours", "theirs"), EDITS)
def test_an_edit_before_the_reading_back_is_reported_and_is_drift(
    world: World, name: str, before: str, ours: str, theirs: str
) -> None:
    """However near it is to what was sent: the plan afterwards shows it with both values."""
    world.converge(order("A", hs_tags="1", **({name: before} if before else {})))
    plan = world.plan(order("A", hs_tags="1", **{name: ours}))
    edit = Edit(f"orders/{KEY}=A", {name: theirs}, after=True)
    world.sandbox.faults.add(edit, method="PATCH", times=1)

    report = world.apply(plan)

    assert statuses(report) == {"order/A": "conflict"}
    said = f"written, and changed right after: {name} to {theirs!r} by CRM_UI"
    assert messages(report)["order/A"] == said
    assert (outcome(report).rewrites, outcome(report).not_persisted) == ((), ())
    assert drift(world.plan()) == {name: (theirs, ours, Reason.DRIFT)}


def test_an_edit_of_a_new_record_by_another_program_is_reported(watched: World) -> None:
    """A second version is an edit, also from a source that might be us."""
    watched.declare(order("A", weight="1.50", memo="Tall"))
    done: list[str] = []

    def hook(method: str, path: str, body: Any) -> None:
        if path.endswith("orders/batch/upsert"):
            done.append(path)
        elif path.endswith("orders/batch/read") and len(done) == 1:
            done.append(path)
            watched.edit("orders", watched.id_of("orders", "A"), weight="150", memo="TALL")

    watched.proxy.hook = hook
    report = watched.apply()
    assert statuses(report) == {"order/A": "conflict"}
    assert messages(report)["order/A"] == (
        "written, and changed right after: memo to 'TALL' by INTEGRATION; "
        "weight to '150' by INTEGRATION"
    )
    assert drift(watched.plan()) == {
        "memo": ("TALL", "Tall", Reason.DRIFT),
        "weight": ("150", "1.50", Reason.DRIFT),
    }


def test_what_a_person_sets_in_place_of_a_dropped_value_is_no_rewrite(world: World) -> None:
    """One newer version is not enough: it must be ours."""
    world.converge(order("A", memo="1"))
    plan = world.plan(order("A", memo="Rue de la Paix"))
    world.sandbox.faults.add(StoreAs({"memo": None}), method="PATCH", times=1)
    edit = Edit(f"orders/{KEY}=A", {"memo": "rue de la paix"}, after=True)
    world.sandbox.faults.add(edit, method="PATCH", times=1)
    assert statuses(world.apply(plan)) == {"order/A": "conflict"}
    assert drift(world.plan()) == {"memo": ("rue de la paix", "Rue de la Paix", Reason.DRIFT)}


def test_an_edit_back_to_the_former_value_is_drift(world: World) -> None:
    """It is not taken for a write that HubSpot did not keep."""
    world.converge(order("A", memo="1"))
    plan = world.plan(order("A", memo="2"))
    edit = Edit(f"orders/{KEY}=A", {"memo": "1"}, after=True)
    world.sandbox.faults.add(edit, method="PATCH", times=1)
    assert statuses(world.apply(plan)) == {"order/A": "conflict"}
    assert drift(world.plan()) == {"memo": ("1", "2", Reason.DRIFT)}


# Rewrites


REWRITES = [
    ("memo", "Rue  de la Paix ", "rue de la paix"),
    ("weight", "1.2345", "1.23"),
    ("weight", "1.235", "1.24"),
]


@pytest.mark.matrix(keep=5)
@pytest.mark.parametrize(("name", "ours", "theirs"), REWRITES)
@pytest.mark.parametrize("new", [True, False])
def test_a_rewrite_is_done_and_no_drift_and_an_edit_of_it_is(
    world: World, name: str, ours: str, theirs: str, *, new: bool
) -> None:
    """The state remembers what HubSpot made of a value, of new records and of others."""
    if not new:
        world.converge(order("A", **{name: "7"}))
    world.sandbox.faults.add(StoreAs({name: theirs}), writes=True)
    report = world.converge(order("A", **{name: ours}))
    assert report.complete
    assert outcome(report).rewrites == (Rewrite(name, ours, theirs),)
    world.sandbox.faults.clear()
    world.edit("orders", world.id_of("orders", "A"), **{name: "9"})
    assert drift(world.plan()) == {name: ("9", ours, Reason.DRIFT)}


def test_histories_are_read_in_batches_and_of_differing_records_alone(watched: World) -> None:
    """HubSpot takes 50 records a call where histories are asked for."""
    watched.sandbox.faults.add(StoreAs({"memo": "tall"}), contains="Tall", writes=True)
    many = [order(f"A-{n}", memo="Tall") for n in range(120)]
    report = watched.converge(*many)
    assert len([one for one in report.outcomes if one.rewrites]) == 120
    # Records are sent a hundred at a time, and read back together.
    assert sorted(asked_for_history(watched)) == [20, 50, 50]


def test_no_history_is_read_where_everything_reads_back(watched: World) -> None:
    """An ordinary apply costs nothing more."""
    watched.converge(order("A", [line("A:1", name="x", price="1.50")], memo="1", weight="2.50"))
    assert asked_for_history(watched) == []


# Values that HubSpot does not keep


def test_a_value_that_was_not_kept_is_said_once(world: World) -> None:
    """HubSpot drops a line item's hs_external_id (reference §6): it is no drift, nor retried."""
    document = order("A", [line("A:1", name="x", price="10", hs_external_id="77")])
    world.declare(document)
    report = world.apply()
    lost = outcome(report, "line_item/A:1")
    assert statuses(report) == {"order/A": "done", "line_item/A:1": "done"}
    assert lost.not_persisted == ("hs_external_id",)
    assert lost.message == "HubSpot did not keep hs_external_id: a fresh read shows it empty"
    assert not report.complete
    assert not report.resumable
    world.forget_calls()
    assert world.plan().empty
    assert world.apply().complete
    assert world.writes() == []


def test_a_value_that_was_not_kept_is_sent_again_when_its_manifest_changes(world: World) -> None:
    """A change of another property does not send it, nor say it again."""
    world.declare(order("A", [line("A:1", name="x", hs_external_id="77")]))
    world.apply()
    world.converge(order("A", [line("A:1", name="y", hs_external_id="77")]))
    plan = world.plan(order("A", [line("A:1", name="y", hs_external_id="78")]))
    assert drift(plan, "line_item/A:1") == {"hs_external_id": ("", "78", Reason.CHANGE)}
    assert outcome(world.apply(plan), "line_item/A:1").not_persisted == ("hs_external_id",)
    assert world.plan().empty


@pytest.mark.parametrize("stored", [None, "0"])
def test_a_value_beyond_a_rewrite_is_not_kept(world: World, stored: str | None) -> None:
    """What HubSpot itself put in its place is said, and neither drift nor a rewrite."""
    world.converge(order("A", weight="7"))
    rule = world.sandbox.faults.add(StoreAs({"weight": stored}), method="PATCH")
    plan = world.plan(order("A", weight="0.40"))
    report = world.apply(plan)
    held = stored or "7"
    assert messages(report) == {
        "order/A": f"HubSpot did not keep weight: a fresh read shows '{held}'"
    }
    assert outcome(report).rewrites == ()
    assert world.plan().empty
    world.sandbox.faults.remove(rule)
    world.edit("orders", world.id_of("orders", "A"), weight="9")
    assert drift(world.plan()) == {"weight": ("9", "0.40", Reason.DRIFT)}


def test_a_value_that_hubspot_shows_later_is_as_declared(world: World) -> None:
    """Nor is it somebody's edit when the manifest changes."""
    world.converge(order("A", weight="7"))
    rule = world.sandbox.faults.add(StoreAs({"weight": None}), method="PATCH")
    world.plan(order("A", weight="8"))
    assert outcome(world.apply()).not_persisted == ("weight",)
    world.sandbox.faults.remove(rule)
    world.edit("orders", world.id_of("orders", "A"), weight="8.0")
    assert world.plan().empty
    assert drift(world.plan(order("A", weight="9"))) == {"weight": ("8", "9", Reason.CHANGE)}


def test_without_history_nothing_is_taken_for_a_rewrite(watched: World) -> None:
    """Where HubSpot refuses to show it, the value did not persist, and that is said."""
    watched.sandbox.faults.add(StoreAs({"memo": "tall"}), writes=True)
    watched.declare(order("A", memo="Tall", weight="1"))

    def hook(method: str, path: str, body: Any) -> tuple[int, Any] | None:
        if path.endswith("/batch/read") and body.get("propertiesWithHistory"):
            return 400, {"status": "error", "category": "VALIDATION_ERROR", "message": "no"}
        return None

    watched.proxy.hook = hook
    report = watched.apply()
    assert outcome(report).rewrites == ()
    assert outcome(report).not_persisted == ("memo",)
    assert watched.plan().empty


def test_a_personal_value_is_not_quoted(world: World) -> None:
    """Neither where it was edited nor where it was not kept."""
    names = ("hs_shipping_address_street", "hs_billing_address_street")
    world.converge(order("A", **dict.fromkeys(names, "Nowhere 1")))
    plan = world.plan(order("A", **dict.fromkeys(names, "Main St 5")))
    edit = Edit(f"orders/{KEY}=A", {names[1]: "Secret 9"}, after=True)
    world.sandbox.faults.add(edit, method="PATCH", times=1)
    world.sandbox.faults.add(StoreAs({names[0]: "Secret 8"}), method="PATCH", times=1)
    assert messages(world.apply(plan))["order/A"] == (
        f"written, and changed right after: {names[1]} by CRM_UI; "
        f"HubSpot did not keep {names[0]}: a fresh read shows another value"
    )


# Late readings


def test_a_reading_that_lags_is_waited_for(watched: World) -> None:
    """A value that shows within the waits is done, and no history is asked about it."""
    watched.converge(order("A", memo="1", weight="1"))
    plan = watched.plan(order("A", memo="2", weight="1.50"), order("B", memo="new"))
    watched.sleep(60)
    watched.sandbox.faults.add(StaleReads(3.2), path="*/batch/read")
    report = watched.apply(plan)
    assert incomplete(report) == ()
    assert report.complete
    assert asked_for_history(watched) == []
    watched.sandbox.faults.clear()
    assert watched.plan().empty
    watched.edit("orders", watched.id_of("orders", "A"), memo="1")
    assert drift(watched.plan()) == {"memo": ("1", "2", Reason.DRIFT)}


# After a crash


def lose(world: World, method: str, path: str) -> None:
    """Have the next such call carried out, its answer lost, and nothing answered after it."""

    def hook(called: str, to: str, body: Any) -> str | None:
        if called == method and to.endswith(path):
            world.proxy.hook = lambda *_: (403, {"category": "INVALID_AUTHENTICATION"})
            return DROP
        return None

    world.proxy.hook = hook


def die(world: World, *documents: Any, method: str = "POST", path: str = "/batch/update") -> None:
    """Apply documents in a run that dies with the answer to its write."""
    world.declare(*documents)
    lose(world, method, path)
    assert "unknown" in statuses(world.apply()).values()
    world.proxy.hook = None


TWO = (order("A", memo="1", weight="1"), order("B", memo="1"))


def test_a_rewrite_is_found_after_a_crash(watched: World) -> None:
    """By history alone, where no value is as sent; planning sees it before it is recorded."""
    watched.converge(*TWO)
    stored = {"memo": "tall", "weight": "1.23"}
    watched.sandbox.faults.add(StoreAs(stored), path="*/batch/update")
    die(watched, order("A", memo="Tall", weight="1.2345"), order("B", memo="1", channel="web"))
    watched.recover()
    assert watched.plan().empty
    assert watched.apply().complete
    assert watched.plan().empty
    watched.edit("orders", watched.id_of("orders", "A"), memo="9")
    assert drift(watched.plan()) == {"memo": ("9", "Tall", Reason.DRIFT)}


@pytest.mark.parametrize("theirs", ["tall", "150"])
def test_an_edit_after_a_crash_is_no_rewrite(watched: World, theirs: str) -> None:
    """Two versions are an edit, also where no other value shows that the write was carried out."""
    watched.converge(*TWO)
    name, ours = ("memo", "Tall") if theirs == "tall" else ("weight", "1.50")
    sent = {"memo": "1", "weight": "1"} | {name: ours}
    die(watched, order("A", **sent), order("B", memo="2"))
    watched.edit("orders", watched.id_of("orders", "A"), **{name: theirs})
    shown = {name: (theirs, ours, Reason.DRIFT)}
    watched.recover()
    assert drift(watched.plan()) == shown
    watched.apply(watched.plan(order("B", memo="2")))
    assert drift(watched.plan(order("A", **sent), order("B", memo="2"))) == shown


def test_a_value_that_was_not_kept_is_not_drift_after_a_crash(watched: World) -> None:
    """As long as another value shows that the write was carried out."""
    watched.converge(*TWO)
    watched.sandbox.faults.add(StoreAs({"weight": None}), path="*/batch/update")
    die(watched, order("A", memo="2", weight="8"), order("B", memo="2"))
    watched.recover()
    assert watched.plan().empty
    assert watched.apply().complete
    assert watched.plan().empty


def test_a_drift_whose_repair_never_left_is_nobodys_new_edit(watched: World) -> None:
    """That HubSpot once held what was to be written proves nothing of this write."""
    watched.converge(*TWO)
    watched.edit("orders", watched.id_of("orders", "A"), memo="theirs")

    def refuse(method: str, path: str, body: Any) -> tuple[int, Any] | None:
        if method == "PATCH":
            watched.proxy.hook = lambda *_: (403, {"category": "INVALID_AUTHENTICATION"})
            return 502, {"message": "bad gateway"}
        return None

    plan = watched.plan()
    watched.proxy.hook = refuse
    assert statuses(watched.apply(plan)) == {"order/A": "unknown"}
    watched.proxy.hook = None
    watched.recover()
    assert drift(watched.plan()) == {"memo": ("theirs", "1", Reason.DRIFT)}
    report = watched.apply(plan)
    assert statuses(report) == {"order/A": "done"}
    assert watched.plan().empty


@pytest.fixture
def within(build: Callable[..., World]) -> World:
    """Return a world whose line items are found within their parents."""
    world = build(
        identity={"line_item": "within_parent:hs_sku"},
        proxy=Proxy,
        switches=Switches(line_items_may_have_unique_properties=False),
    )
    world.converge(order("A", memo="1"))
    return world


@pytest.mark.parametrize("edited", [False, True])
def test_a_line_whose_values_were_rewritten_is_found_within_its_parent(
    within: World, *, edited: bool
) -> None:
    """Every value shows in its history as sent, or rewritten: it is not made again."""
    world = within
    stored = {"name": "thing", "weight": "1.23"}
    world.sandbox.faults.add(StoreAs(stored), path="*/line_items/batch/create")
    lines = [line("A:1", hs_sku="1", name="Thing", weight="1.2345", memo="x")]
    die(world, order("A", lines, memo="1"), path="line_items/batch/create")
    (new,) = world.dump("line_items")
    if edited:
        world.edit("line_items", new, memo="theirs")
        world.recover()
        assert drift(world.plan(), "line_item/A:1") == {"memo": ("theirs", "x", Reason.DRIFT)}
    else:
        world.recover()
        assert world.plan().empty
    assert incomplete(world.apply()) == ()
    assert world.plan().empty
    assert world.ever("line_items") == [new]


def test_a_line_with_a_value_that_is_only_started_is_found_within_its_parent(
    within: World,
) -> None:
    """What the manifest gives away once it is set may be anything by then."""
    started = dict(line("A:1", hs_sku="1", memo="start")) | {"lifecycle": {"ignore": ["memo"]}}
    die(within, order("A", [started], memo="1"), path="line_items/batch/create")
    (new,) = within.dump("line_items")
    within.edit("line_items", new, memo="theirs")
    within.recover()
    assert within.plan().empty
    assert incomplete(within.apply()) == ()
    assert within.dump("line_items")[new]["memo"] == "theirs"
    assert within.ever("line_items") == [new]
