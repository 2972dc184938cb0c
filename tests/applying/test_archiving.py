"""Archiving: what is looked at before and after, and what happens in between."""

from collections.abc import Callable

import pytest
from proxy import Proxy
from world import KEY, World, cart, held, incomplete, line, messages, order, statuses

from reconcile.applying import executor
from reconcile.errors import GuardRefused
from reconcile.model.plan import Action
from reconcile.planning.plan_file import content_digest
from reconcile.sandbox import Switches, faults

ABSENT = {"state": "absent"}


def gone(key: str) -> dict[str, object]:
    """An order that is not to be there."""
    return dict(order(key, lifecycle=ABSENT))


def remembered(world: World) -> set[str]:
    """The addresses in the state."""
    with world.session() as session:
        return {str(address) for _, address, _ in session.state().entries()}


def test_archives_come_last_and_lines_before_their_orders(watched: World) -> None:
    """Whatever else is to be done is done, and nothing is left without its parent meanwhile."""
    company = {"company": [{"id": "501"}]}
    watched.converge(
        order("A", [line("A:1", name="x")]),
        cart("C", [line("C:1", name="x")]),
        order("B", memo="1", associations=company),
    )
    plan = watched.plan(
        gone("A"), cart("C", lifecycle=ABSENT), order("B", [line("B:1", name="x")], memo="2")
    )
    watched.proxy.seen.clear()
    assert incomplete(watched.apply(plan)) == ()
    writes = [
        call.path.removeprefix("/crm/v3/objects")
        for call in watched.proxy.seen
        if call.method != "GET" and not call.path.endswith(("/read", "/access-token-info"))
    ]
    assert writes[-3:-1] == ["/line_items/batch/archive", "/carts/batch/archive"]
    assert writes[-1] == "/orders/batch/archive"
    assert not any("archive" in path.rpartition("/")[2] for path in writes[:-4])
    (lines,) = watched.proxy.to("POST", "/line_items/batch/archive")
    assert len(lines.inputs) == 2


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("api", ["v3", "2026-03"])
def test_archives_are_batches_of_a_hundred_ids(build: Callable[..., World], api: str) -> None:
    """And nothing but ids."""
    world = build(proxy=Proxy, api=api)
    several = range(130)
    world.converge(*(order(f"O{n}", memo="1") for n in several), order("REST"))
    ids = {values[KEY]: id_ for id_, values in world.dump("orders").items()}
    plan = world.plan(*(gone(f"O{n}") for n in several), order("REST"))
    world.proxy.seen.clear()
    assert incomplete(world.apply(plan)) == ()
    calls = world.proxy.to("POST", "/orders/batch/archive")
    assert sorted(len(call.inputs) for call in calls) == [30, 100]
    sent = [one for call in calls for one in call.inputs]
    assert {one["id"] for one in sent} == {ids[f"O{n}"] for n in several}
    assert all(one.keys() == {"id"} for one in sent)


def test_a_line_that_somebody_edits_meanwhile_is_left_alone(world: World) -> None:
    """Its order and its other lines stay with it: half an order is nothing anybody planned."""
    world.converge(order("A", [line("A:1", name="x"), line("A:2", name="y")]), order("B"))
    plan = world.plan(gone("A"), gone("B"))
    world.edit("line_items", world.id_of("line_items", "A:1"), name="theirs")
    report = world.apply(plan)
    assert statuses(report) == {
        "line_item/A:1": "conflict",
        "line_item/A:2": "skipped",
        "order/A": "skipped",
        "order/B": "done",
    }
    assert "'theirs'" in messages(report)["line_item/A:1"]
    why = "line_item/A:1 must stay, and order/A is archived as a whole or not at all"
    assert messages(report)["line_item/A:2"] == messages(report)["order/A"] == why
    assert world.keys("orders") == {"A": 1}
    assert world.keys("line_items") == {"A:1": 1, "A:2": 1}
    assert remembered(world) == {"order/a", "line_item/a:1", "line_item/a:2"}


def test_an_order_that_somebody_edits_meanwhile_keeps_its_lines(world: World) -> None:
    """Whoever works on the order needs them; that of others goes."""
    lines = [line(f"A:{n}", name="x") for n in range(3)]
    world.converge(order("A", lines, memo="1"), order("B", [line("B:1", name="x")]))
    plan = world.plan(gone("A"), gone("B"))
    world.edit("orders", world.id_of("orders", "A"), memo="theirs")
    report = world.apply(plan)
    assert statuses(report) == {
        "order/A": "conflict",
        **dict.fromkeys(("line_item/A:0", "line_item/A:1", "line_item/A:2"), "skipped"),
        "order/B": "done",
        "line_item/B:1": "done",
    }
    assert world.keys("line_items") == {"A:0": 1, "A:1": 1, "A:2": 1}


def test_a_record_whose_key_somebody_takes_meanwhile_is_left_alone(world: World) -> None:
    """It may be meant for something else now."""
    world.converge(order("A", memo="1"), order("B"))
    plan = world.plan(gone("A"), order("B"))
    world.edit("orders", world.id_of("orders", "A"), **{KEY: ""})
    assert statuses(world.apply(plan)) == {"order/A": "conflict"}
    assert len(world.dump("orders")) == 2


@pytest.mark.parametrize("answers", ["followed", "not there"])
def test_a_record_that_somebody_merges_meanwhile_is_left_alone(
    build: Callable[..., World], answers: str
) -> None:
    """And so is what it was merged into, whichever way batch reads answer for its former id."""
    world = build(switches=Switches(batch_read_follows_merges=answers == "followed"))
    world.converge(order("A", memo="1"), order("B", memo="1"))
    plan = world.plan(gone("A"), order("B", memo="1"))
    into = world.merge("orders", world.id_of("orders", "B"), world.id_of("orders", "A"))
    assert statuses(world.apply(plan)) == {"order/A": "conflict"}
    assert into in world.dump("orders")


def test_a_record_that_somebody_archives_meanwhile_is_done(world: World) -> None:
    """That is what was wanted."""
    world.converge(order("A", memo="1"), order("B"))
    plan = world.plan(gone("A"), order("B"))
    world.archive("orders", world.id_of("orders", "A"))
    world.forget_calls()
    assert statuses(world.apply(plan)) == {"order/A": "done"}
    assert world.writes() == []
    assert remembered(world) == {"order/b"}


def test_a_line_stays_where_its_order_was_not_written_as_planned(world: World) -> None:
    """Half a unit is nothing anybody planned."""
    world.converge(order("A", [line("A:1", name="x")], memo="1"))
    plan = world.plan(order("A", [{"key": "A:1", "lifecycle": ABSENT}], memo="2"))
    world.edit("orders", world.id_of("orders", "A"), memo="theirs")
    assert statuses(world.apply(plan)) == {"order/A": "conflict", "line_item/A:1": "skipped"}
    assert world.keys("line_items") == {"A:1": 1}


def test_an_answer_is_not_believed(watched: World) -> None:
    """HubSpot answers 204 whatever it did; what it still shows is not done, and not forgotten."""
    watched.converge(order("A", memo="1"), order("B"))
    plan = watched.plan(gone("A"), order("B"))
    watched.proxy.hook = lambda _, path, __: (
        (204, None) if path.endswith("/batch/archive") else None
    )
    report = watched.apply(plan)
    assert statuses(report) == {"order/A": "unknown"}
    assert report.resumable
    assert remembered(watched) == {"order/a", "order/b"}
    watched.proxy.hook = None
    assert incomplete(watched.apply(plan)) == ()
    assert remembered(watched) == {"order/b"}


def test_a_record_merged_while_it_is_archived_is_not_done(watched: World) -> None:
    """It is gone from the live ones, and not among the archived."""
    watched.converge(order("A", memo="1"), order("B", memo="1"))
    plan = watched.plan(gone("A"), order("B", memo="1"))
    ours, other = watched.id_of("orders", "A"), watched.id_of("orders", "B")

    def merge(_: str, path: str, __: object) -> tuple[int, object] | None:
        if not path.endswith("/batch/archive"):
            return None
        watched.merge("orders", other, ours)
        return 204, None

    watched.proxy.hook = merge
    assert statuses(watched.apply(plan)) == {"order/A": "unknown"}
    assert "order/a" in remembered(watched)


def test_a_bad_record_among_many_is_found_by_halving(watched: World) -> None:
    """The others go; it stays, and is still remembered."""
    keys = [f"O{n}" for n in range(20)]
    watched.converge(*(order(key, memo="1") for key in keys), order("REST"))
    bad = watched.id_of("orders", "O7")
    plan = watched.plan(*map(gone, keys), order("REST"))
    refusal = {"status": "error", "message": "no", "category": "VALIDATION_ERROR"}
    watched.proxy.hook = lambda _, path, body: (
        (400, refusal)
        if path.endswith("/batch/archive") and {"id": bad} in body["inputs"]
        else None
    )
    report = watched.apply(plan)
    assert [(address, status) for address, status, _ in incomplete(report)] == [
        ("order/O7", "failed")
    ]
    assert watched.keys("orders") == {"O7": 1, "REST": 1}
    assert remembered(watched) == {"order/o7", "order/rest"}


def test_reads_that_lag_are_waited_for(world: World) -> None:
    """What shows for a moment longer is gone all the same."""
    world.converge(order("A", memo="1"), order("B"))
    plan = world.plan(gone("A"), order("B"))
    world.sleep(5)
    world.sandbox.faults.add(faults.StaleReads(1.0))
    assert statuses(world.apply(plan)) == {"order/A": "done"}


def test_the_same_plan_again_finds_all_of_it_done(world: World) -> None:
    """Done stays done, and no call is made for it."""
    world.converge(order("A", [line("A:1", name="x")]), order("B"), order("C"))
    forget = order("C", lifecycle={"state": "forget"})
    plan = world.plan(gone("A"), order("B"), forget)
    assert content_digest(plan) == content_digest(world.plan())
    for _ in range(2):
        assert incomplete(world.apply(plan)) == ()
        world.forget_calls()
    assert world.writes() == []
    assert world.keys("orders") == {"B": 1, "C": 1}


def test_a_record_that_was_taken_out_of_the_state_meanwhile_is_left_alone(world: World) -> None:
    """It may no longer be the record that was meant."""
    world.converge(order("A", memo="1"), order("B"))
    plan = world.plan(gone("A"), order("B"))
    forget = order("A", lifecycle={"state": "forget"})
    assert incomplete(world.apply(world.plan(forget, order("B")))) == ()
    assert statuses(world.apply(plan)) == {"order/A": "conflict"}
    assert world.keys("orders") == {"A": 1, "B": 1}


def test_many_removals_go_unit_by_unit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the plan is cut into slices, a unit's lines and its root stay together."""
    monkeypatch.setattr(executor, "SLICE", 2)
    documents = [order(f"O{n}", [line(f"O{n}:1"), line(f"O{n}:2")]) for n in range(7)]
    world.converge(*documents, order("B"))
    plan = world.plan(order("B"), prune=True, allow={})
    assert len(held(plan)) == 21
    assert set(held(plan).values()) == {Action.ARCHIVE}
    world.forget_calls()
    world.apply(plan)
    assert world.writes() == []
    with pytest.raises(GuardRefused, match="prune=20 was given, but the plan has 21"):
        world.apply(world.plan(prune=True, allow={"prune": 20}))
    assert incomplete(world.apply(world.plan(prune=True, allow={"prune": 21}))) == ()
    assert world.keys("line_items") == {}
    assert remembered(world) == {"order/b"}


def test_a_halt_leaves_the_rest_of_the_removals_alone(world: World) -> None:
    """And forgets nothing either; applying again goes on."""
    world.converge(order("A", memo="1"), order("B", memo="1"), order("C"))
    forget = order("C", lifecycle={"state": "forget"})
    plan = world.plan(gone("A"), order("B", memo="2"), forget)
    world.edit("orders", world.id_of("orders", "B"), memo="theirs")
    report = world.apply(plan, halt=True)
    assert statuses(report) == {"order/A": "skipped", "order/B": "conflict", "order/C": "skipped"}
    assert world.keys("orders") == {"A": 1, "B": 1, "C": 1}
    assert remembered(world) == {"order/a", "order/b", "order/c"}
