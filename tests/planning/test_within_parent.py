"""Line items that are found by the value of a property among their parent's line items."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from held import guards, holds
from proxy import DROP, Proxy
from world import (
    KEY,
    ORIGIN,
    Document,
    World,
    actions,
    cart,
    changes,
    explained,
    incomplete,
    line,
    order,
    statuses,
)

from reconcile import workflow
from reconcile.applying.journal import Journal
from reconcile.applying.journal_reader import read_run
from reconcile.errors import ManifestError, UsageError
from reconcile.model.address import Address
from reconcile.model.plan import Action, Plan, Reason
from reconcile.recovery import find_records
from reconcile.recovery.runs import unfinished
from reconcile.sandbox import Switches

SWITCHES = Switches(line_items_may_have_unique_properties=False)


@pytest.fixture
def within(build: Callable[..., World]) -> World:
    """Return a world where lines are found by their SKU, through a proxy."""
    identity = {"line_item": "within_parent:hs_sku"}
    return build(switches=SWITCHES, identity=identity, proxy=Proxy)


def item(key: str, sku: str, **more: str) -> Document:
    """A line item with a SKU."""
    return line(key, hs_sku=sku, name=f"thing {key}", **more)


def skus(world: World, key: str) -> dict[str, str]:
    """The SKUs of an order's lines, by the lines' ids."""
    lines = world.dump("line_items")
    under = world.links(("orders", world.id_of("orders", key)), "line_items")
    return {one: lines[one].get("hs_sku", "") for one in sorted(under)}


def fields(plan: Plan, address: str) -> dict[str, tuple[str, str, Reason]]:
    """A record's field changes."""
    return {f.name: (f.before, f.after, f.reason) for f in changes(plan)[address].fields}


def test_lines_are_made_once_and_carry_no_key(within: World) -> None:
    """Nothing is written but what is declared."""
    within.converge(order("A", [item("A:1", "1"), item("A:2", "2")]), cart("C", [item("C:1", "1")]))
    assert sorted(skus(within, "A").values()) == ["1", "2"]
    assert all(KEY not in values for values in within.dump("line_items").values())


def test_without_a_state_lines_are_found_again(within: World) -> None:
    """They are adopted, and none is made twice."""
    documents = [order("A", [item("A:1", "1"), item("A:2", "2")]), order("B", [item("B:1", "1")])]
    within.converge(*documents)
    before = within.dump("line_items")
    within.lose_state()
    assert set(actions(within.plan()).values()) == {Action.ADOPT}
    within.converge(*documents)
    assert within.dump("line_items") == before


def test_equal_lines_of_many_orders_are_told_apart_by_their_orders(within: World) -> None:
    """In one call, and however HubSpot orders its results."""
    within.forget_calls()
    within.converge(*(order(f"O-{n}", [item(f"O-{n}:1", "SHIP")]) for n in range(40)))
    calls = [one for one in within.writes() if one.path.endswith("/line_items/batch/create")]
    assert len(calls) == 1
    names = within.dump("line_items")
    for n in range(40):
        (one,) = skus(within, f"O-{n}")
        assert names[one]["name"] == f"thing O-{n}:1"


def test_the_value_may_change_in_the_manifest(within: World) -> None:
    """The state's ids say which record is meant, even where two lines swap their values."""
    within.converge(order("A", [item("A:1", "1"), item("A:2", "2"), item("A:3", "3")]))
    before = skus(within, "A")
    swapped = order("A", [item("A:1", "2"), item("A:2", "1"), item("A:3", "4")])
    plan = within.plan(swapped)
    assert fields(plan, "line_item/A:3") == {"hs_sku": ("3", "4", Reason.CHANGE)}
    within.converge(swapped)
    new = {"1": "2", "2": "1", "3": "4"}
    assert skus(within, "A") == {one: new[sku] for one, sku in before.items()}


def test_an_edit_of_the_value_in_hubspot_is_drift(within: World) -> None:
    """It is undone like any other."""
    within.converge(order("A", [item("A:1", "1")]))
    (one,) = skus(within, "A")
    within.edit("line_items", one, hs_sku="")
    assert fields(within.plan(), "line_item/A:1") == {"hs_sku": ("", "1", Reason.DRIFT)}
    assert incomplete(within.apply()) == ()
    assert skus(within, "A") == {one: "1"}


def test_manifests_must_tell_lines_apart(within: World) -> None:
    """All problems at once, each with its location."""
    lines = [item("A:1", "x"), item("A:2", " X "), line("A:3", name="n"), item("A:4", "")]
    with pytest.raises(ManifestError) as caught:
        within.plan(order("A", lines), order("B", [item("B:1", "x")]))
    assert sorted(problem.message for problem in caught.value.problems) == [
        "hs_sku identifies line items here, and is 'x' in line_item/A:1 too",
        "hs_sku identifies line items here, and is missing",
        "hs_sku identifies line items here, and is missing",
    ]
    assert all(problem.line for problem in caught.value.problems)


@pytest.mark.parametrize("name", ["no_such", "quantity", "hs_object_id"])
def test_the_property_must_be_a_text_that_can_be_written(
    build: Callable[..., World], name: str
) -> None:
    """Numbers are spelled otherwise by HubSpot, and its own values cannot be chosen."""
    world = build(identity={"line_item": f"within_parent:{name}"})
    with pytest.raises(UsageError, match=f"no writable text property '{name}'"):
        world.plan(order("A", [line("A:1", name="x")]))


@pytest.mark.parametrize("known", [True, False])
def test_two_lines_that_cannot_be_told_apart_are_left_alone(within: World, *, known: bool) -> None:
    """Whether the state knows one of them or not."""
    within.converge(order("A", [item("A:1", "1", quantity="1")]))
    (ours,) = skus(within, "A")
    theirs = within.make("line_items", hs_sku="1", name="theirs")
    within.link(("line_items", theirs), ("orders", within.id_of("orders", "A")))
    if not known:
        within.lose_state()
    change = changes(within.plan(order("A", [item("A:1", "1", quantity="2")])))["line_item/A:1"]
    assert change.action is Action.CONFLICT
    assert ours in explained(change)
    assert theirs in explained(change)
    within.edit("line_items", theirs, hs_sku="2")
    within.converge(order("A", [item("A:1", "1", quantity="2")]))
    assert skus(within, "A") == {ours: "1", theirs: "2"}


def test_another_key_for_a_line_must_be_said(within: World) -> None:
    """Else the state would have one record under two names."""
    within.converge(order("A", [item("A:1", "1")]))
    before = skus(within, "A")
    change = changes(within.plan(order("A", [line("A:x", hs_sku="1")])))["line_item/A:x"]
    assert change.action is Action.CONFLICT
    assert "moved_from: A:1" in explained(change)
    within.converge(order("A", [item("A:x", "1") | {"moved_from": "A:1"}]))
    within.converge(order("A", [item("A:x", "1")]))
    assert skus(within, "A") == before


def test_a_pruned_line_makes_room_for_a_new_one(within: World) -> None:
    """The value of one that goes is free for one that comes."""
    within.converge(order("A", [item("A:1", "1"), item("A:2", "2")]))
    before = skus(within, "A")
    within.declare(order("A", [item("A:1", "1"), item("A:new", "2")]))
    plan = within.plan(prune=True)
    assert actions(plan) == {"line_item/A:2": Action.ARCHIVE, "line_item/A:new": Action.CREATE}
    assert guards(plan) == {"prune": 1}
    assert incomplete(within.apply(plan)) == ()
    assert within.plan(prune=True).empty
    assert sorted(skus(within, "A").values()) == ["1", "2"]
    assert len(skus(within, "A").keys() - before.keys()) == 1


def test_a_line_of_the_same_value_that_appears_meanwhile_is_a_conflict(within: World) -> None:
    """Absence is looked at again right before creating."""
    within.converge(order("A", memo="1"))
    plan = within.plan(order("A", [item("A:1", "1")], memo="1"))
    theirs = within.make("line_items", hs_sku="1", name="theirs")
    within.link(("line_items", theirs), ("orders", within.id_of("orders", "A")))
    assert statuses(within.apply(plan)) == {"line_item/A:1": "conflict"}
    assert skus(within, "A") == {theirs: "1"}


def test_lines_under_somebody_elses_order(within: World) -> None:
    """Named by its id, and never written."""
    theirs = within.make("orders", hs_order_name="theirs")
    lines = [
        {"kind": "line_item", **item(f"L:{n}", f"{n}"), "parent": {"order": {"id": theirs}}}
        for n in (1, 2)
    ]
    within.converge(*lines)
    within.lose_state()
    within.converge(*lines)
    assert len(within.dump("line_items")) == 2


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("how", ["within_parent:hs_sku", f"unique:{KEY}"])
def test_a_line_whose_answer_was_lost_is_found_by_what_it_held(
    build: Callable[..., World], how: str
) -> None:
    """Somebody clears its identity value before it is read back: no second line is created."""
    world = build(identity={"line_item": how}, proxy=Proxy)
    world.converge(order("A", [item("A:1", "1")]))
    name = how.partition(":")[2]

    def lose(method: str, path: str, body: object) -> str | tuple[int, object] | None:
        if path.endswith("line_items/batch/create"):
            world.proxy.hook = lambda *_: (403, {"category": "INVALID_AUTHENTICATION"})
            return DROP
        return None

    world.proxy.hook = lose
    world.declare(order("A", [item("A:1", "1"), item("A:2", "2")]))
    assert statuses(world.apply()) == {"line_item/A:2": "unknown"}
    world.proxy.hook = None
    (new,) = (one for one, sku in skus(world, "A").items() if sku == "2")
    world.edit("line_items", new, **{name: "", "name": "theirs"})
    report = world.apply()
    assert set(statuses(report)) == {"line_item/A:2"}
    assert world.plan().empty
    assert len(world.ever("line_items")) == 2
    assert sorted(skus(world, "A").values()) == ["1", "2"]


def refuse(world: World, path: str) -> Callable[[str, str, object], tuple[int, object] | None]:
    """Answer calls that end so with 502, once, having done nothing; refuse all that follow."""

    def hook(method: str, called: str, body: object) -> tuple[int, object] | None:
        if called.endswith(path):
            world.proxy.hook = lambda *_: (403, {"category": "INVALID_AUTHENTICATION"})
            return 502, {"message": "bad gateway"}
        return None

    return hook


def lose_creation(world: World, *documents: Document) -> None:
    """Have creations of lines that never arrive end as unknown."""
    world.proxy.hook = refuse(world, "line_items/batch/create")
    world.declare(*documents)
    assert "unknown" in statuses(world.apply()).values()
    world.proxy.hook = None


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("how", ["within_parent:hs_sku", f"unique:{KEY}"])
def test_a_line_that_once_held_the_value_is_not_taken_for_ours(
    build: Callable[..., World], how: str
) -> None:
    """Only one that began with all of our values can be ours."""
    world = build(identity={"line_item": how}, proxy=Proxy)
    world.converge(order("A", [item("A:1", "1")]))
    theirs = world.make("line_items", "A:2", hs_sku="2", name="theirs", quantity="1")
    world.link(("line_items", theirs), ("orders", world.id_of("orders", "A")))
    world.edit("line_items", theirs, **{"hs_sku": "9", KEY: ""})
    documents = [order("A", [item("A:1", "1"), item("A:2", "2", quantity="1")])]
    lose_creation(world, *documents)
    world.converge(*documents)
    assert world.dump("line_items")[theirs]["hs_sku"] == "9"
    assert sorted(skus(world, "A").values()) == ["1", "2", "9"]


def test_a_line_that_somebody_made_after_a_failed_create_needs_the_guard(within: World) -> None:
    """The value is shared by design: with other values it is somebody else's."""
    within.converge(order("A", [item("A:1", "1")]))
    lose_creation(within, order("A", [item("A:1", "1"), item("A:2", "2", quantity="1")]))
    theirs = within.make("line_items", hs_sku="2", name="theirs", quantity="1")
    within.link(("line_items", theirs), ("orders", within.id_of("orders", "A")))
    within.recover()
    plan = within.plan()
    assert fields(plan, "line_item/A:2") == {"name": ("theirs", "thing A:2", Reason.UNSEEN)}
    assert guards(plan) == {"adopt-update": 1}
    holds(within, plan, "adopt-update")


def test_recovering_twice_comes_to_the_same(within: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recovery that dies once the state is written does not hide the record from the next."""
    within.converge(order("A", [item("A:1", "1")]))
    within.declare(order("A", [item("A:1", "1"), item("A:2", "2")]))

    def lose(method: str, path: str, body: object) -> object:
        if path.endswith("line_items/batch/create"):
            within.proxy.hook = lambda *_: (403, {"category": "INVALID_AUTHENTICATION"})
            return DROP
        return None

    within.proxy.hook = lose
    assert statuses(within.apply()) == {"line_item/A:2": "unknown"}
    within.proxy.hook = None
    with monkeypatch.context() as dying:
        dying.setattr(Journal, "decided", _die)
        with pytest.raises(MemoryError):
            within.apply()
    (run,) = unfinished(within.store)
    with within.session() as session:
        workflow.recover_unfinished(session, ORIGIN, sleep=within.sleep)
    recovered = read_run(within.store, run.run.head.run)
    outcomes = recovered.outcomes.values() if recovered else ()
    assert recovered is None or [one.status.value for one in outcomes] == ["done"]
    assert within.plan().empty
    assert len(within.ever("line_items")) == 2


def _die(*_: object) -> None:
    raise MemoryError


def under(parent: str, key: str, sku: str, **more: str) -> Document:
    """A line on its own, under an order named by its id."""
    return {"kind": "line_item", **item(key, sku, **more), "parent": {"order": {"id": parent}}}


def test_two_names_for_one_line_are_conflicts(within: World) -> None:
    """An order's line declared once more under the order's id: made, known, or adopted."""
    within.converge(order("A", memo="1"))
    parent = within.id_of("orders", "A")
    both = [order("A", [item("A:1", "1")], memo="1"), under(parent, "L:1", "1")]
    new = within.plan(*both)
    assert set(actions(new).values()) == {Action.CONFLICT}
    assert set(statuses(within.apply(new)).values()) == {"conflict"}
    assert within.dump("line_items") == {}

    within.converge(both[0])
    plan = within.plan(*both)
    assert actions(plan) == {"line_item/L:1": Action.CONFLICT}
    assert "moved_from: A:1" in explained(changes(plan)["line_item/L:1"])

    within.lose_state()
    assert actions(within.plan()) == {
        "order/A": Action.ADOPT,
        "line_item/A:1": Action.CONFLICT,
        "line_item/L:1": Action.CONFLICT,
    }


def test_two_saved_plans_do_not_give_one_line_two_names(within: World) -> None:
    """The state is asked again when a plan is applied."""
    theirs = within.make("orders", hs_order_name="theirs")
    existing = within.make("line_items", hs_sku="1", name="n")
    within.link(("line_items", existing), ("orders", theirs))
    plans = [within.plan(under(theirs, key, "1")) for key in ("L:1", "L:2")]
    assert statuses(within.apply(plans[0])) == {"line_item/L:1": "done"}
    assert statuses(within.apply(plans[1])) == {"line_item/L:2": "conflict"}


def test_what_a_declared_line_is_known_by_is_never_pruned(within: World) -> None:
    """A state with two names for one line, however it came to it, loses the undeclared one."""
    within.converge(order("A", [item("A:1", "1")]))
    with within.session() as session:
        state, unit = session.state(writing=True), Address("order", "A")
        entry = state.unit(unit)[Address("line_item", "A:1").folded()]
        state.put(unit, Address("line_item", "A:old"), replace(entry, key="A:old"))
        state.flush()
    plan = within.plan(prune=True)
    assert actions(plan) == {"line_item/A:old": Action.FORGET}
    assert incomplete(within.apply(plan)) == ()
    assert sorted(skus(within, "A").values()) == ["1"]
    assert within.plan(prune=True).empty


def test_what_was_adopted_by_its_value_must_still_have_it(within: World) -> None:
    """Another value makes it another line."""
    within.converge(order("A", memo="1"))
    theirs = within.make("line_items", hs_sku="1", name="theirs")
    within.link(("line_items", theirs), ("orders", within.id_of("orders", "A")))
    plan = within.plan(order("A", [item("A:1", "1")], memo="1"))
    within.edit("line_items", theirs, hs_sku="9")
    assert statuses(within.apply(plan)) == {"line_item/A:1": "conflict"}
    assert within.dump("line_items")[theirs]["name"] == "theirs"


def test_what_tells_lines_apart_cannot_be_ignored(within: World) -> None:
    """It would be left to whoever edits it."""
    with pytest.raises(ManifestError) as caught:
        within.plan(order("A", [item("A:1", "1") | {"lifecycle": {"ignore": ["hs_sku"]}}]))
    (problem,) = caught.value.problems
    assert problem.message.startswith("lifecycle.ignore names hs_sku")


def test_an_archive_shows_what_tells_the_line_apart(within: World) -> None:
    """And is not carried out where that has moved since planning."""
    within.converge(order("A", [item("A:1", "1")]))
    (one,) = skus(within, "A")
    within.edit("line_items", one, hs_sku="7")
    gone = item("A:1", "1") | {"lifecycle": {"state": "absent"}}
    plan = within.plan(order("A", [gone]))
    assert fields(plan, "line_item/A:1")["hs_sku"] == ("7", "", Reason.DRIFT)
    within.edit("line_items", one, hs_sku="9")
    assert statuses(within.apply(plan)) == {"line_item/A:1": "conflict"}


def test_a_line_from_before_the_run_is_not_taken_for_ours(
    within: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though somebody had made it with all of our values."""
    within.converge(order("A", [item("A:1", "1")]))
    theirs = within.make("line_items", hs_sku="2", name="thing A:2")
    within.link(("line_items", theirs), ("orders", within.id_of("orders", "A")))
    within.edit("line_items", theirs, hs_sku="9")
    # The account's clock goes ahead, and the run's own with it.
    within.sleep(600)
    monkeypatch.setattr(find_records, "_SKEW", -timedelta(minutes=5))
    documents = [order("A", [item("A:1", "1"), item("A:2", "2")])]
    lose_creation(within, *documents)
    within.converge(*documents)
    assert within.dump("line_items")[theirs]["hs_sku"] == "9"
    assert sorted(skus(within, "A").values()) == ["1", "2", "9"]


def test_two_lines_are_not_brought_to_one_value(within: World) -> None:
    """Neither by two changes, nor by a change and a new line, under whichever name of the order."""
    within.converge(order("A", [item("A:1", "1")], memo="1"))
    parent = within.id_of("orders", "A")
    lines = [item("A:1", "5")]
    new = within.plan(order("A", lines, memo="1"), under(parent, "L:1", "5"))
    assert set(actions(new).values()) == {Action.CONFLICT}
    within.converge(order("A", [item("A:1", "1")], memo="1"), under(parent, "L:1", "2"))
    both = within.plan(order("A", lines, memo="1"), under(parent, "L:1", "5"))
    assert set(actions(both).values()) == {Action.CONFLICT}
