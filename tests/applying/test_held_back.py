"""What an apply says and remembers of changes that its plan holds back."""

import pytest
from world import (
    KEY,
    Document,
    World,
    actions,
    changes,
    held,
    incomplete,
    line,
    order,
    statuses,
)

import reconcile
from reconcile.audit.log import AuditLog
from reconcile.audit.query import summaries
from reconcile.model.address import Address
from reconcile.model.plan import Action
from reconcile.recovery.runs import unfinished
from reconcile.render.report import sentence

A, B = Address("order", "A"), Address("order", "B")
EXPIRED = {"status": "error", "message": "expired", "category": "INVALID_AUTHENTICATION"}


def both(world: World, *others: Document) -> None:
    """Order A has a field that its manifest and somebody in HubSpot changed."""
    world.converge(order("A", [line("A:1", name="x")], memo="1"), order("B", memo="1"), *others)
    world.edit("orders", world.id_of("orders", "A"), memo="theirs")


def changed(total: str = "1") -> tuple[Document, Document]:
    """Return what the manifests say then: A and its line changed, and B in its own way."""
    return order("A", [line("A:1", name="y")], memo="2"), order("B", memo=total)


def events(world: World) -> list[str]:
    """Return what the audit log lists."""
    return [one.first.event for one in summaries(AuditLog(world.store))]


def test_what_is_held_back_is_news_once(world: World) -> None:
    """A later run of the same manifest text counts it; another text makes it news again."""
    both(world)
    report = world.apply(world.plan(*changed("2"), allow={}))
    assert statuses(report) == {"order/B": "done"}
    assert report.held == (A, Address("line_item", "A:1"))
    assert (report.still_held, report.complete) == (0, False)
    report = world.apply(world.plan(*changed("3"), allow={}))
    assert (report.held, report.still_held, report.complete) == ((), 2, True)
    world.declare(order("A", [line("A:1", name="z")], memo="2"), order("B", memo="3"))
    report = world.apply(world.plan(allow={}))
    assert (len(report.held), report.still_held) == (2, 0)
    assert world.record("orders", "A")["memo"] == "theirs"


def test_a_run_that_was_interrupted_still_has_its_news_when_resumed(watched: World) -> None:
    """Only a run that has ended makes the next one call it old."""
    both(watched)
    watched.declare(*changed("2"))
    plan = watched.plan(allow={})
    watched.proxy.hook = lambda method, path, body: (
        (401, EXPIRED) if "/batch/update" in path or method == "PATCH" else None
    )
    report = watched.apply(plan)
    assert report.resumable
    assert len(report.held) == 2
    watched.proxy.hook = None
    report = watched.apply(plan)
    assert statuses(report) == {"order/B": "done"}
    assert (len(report.held), report.still_held, report.complete) == (2, 0, False)
    report = watched.apply(watched.plan(allow={}))
    assert (report.held, report.still_held, report.complete) == ((), 2, True)


def test_no_run_begins_where_everything_is_held_back(world: World) -> None:
    """Nothing is written to HubSpot or the audit log; that it was reported is remembered."""
    both(world)
    world.declare(*changed())
    before = events(world)
    project = reconcile.open(world.folder, environ=world.environ)
    with project.connect() as account:
        world.forget_calls()
        first, second = (account.apply(account.plan()) for _ in range(2))
    assert (first.held, first.still_held) == ((A, Address("line_item", "A:1")), 0)
    assert not first.complete
    assert (second.held, second.still_held, second.complete) == ((), 2, True)
    assert (first.run, second.run) == ("", "")
    assert world.writes() == []
    assert events(world) == before
    assert unfinished(world.store) == []


def test_a_saved_plan_that_only_holds_back_begins_no_run(world: World) -> None:
    """What it holds back is reported and remembered; HubSpot and the audit log get nothing."""
    both(world)
    plan = world.plan(*changed(), allow={})
    before = events(world)
    world.forget_calls()
    first, second = world.apply(plan), world.apply(plan)
    assert (first.held, first.still_held) == ((A, Address("line_item", "A:1")), 0)
    assert (first.run, first.already, first.complete) == ("", "", False)
    assert (second.held, second.still_held, second.complete) == ((), 2, True)
    assert world.writes() == []
    assert events(world) == before


def test_a_plan_that_was_already_applied_says_what_it_holds_back(world: World) -> None:
    """It is old when its run has ended, and news again after a run of another manifest text."""
    both(world)
    plan = world.plan(*changed("2"), allow={})
    world.apply(plan)
    report = world.apply(plan)
    assert report.already
    assert (report.held, report.still_held, report.complete) == ((), 2, True)
    said = f"Already applied by run {report.already}, and nothing changed since"
    assert sentence(report) == f"{said}; 2 declared changes are still held back."
    other = order("A", [line("A:1", name="z")], memo="2")
    world.apply(world.plan(other, order("B", memo="2"), allow={}))
    report = world.apply(plan)
    assert report.already
    assert (len(report.held), report.still_held, report.complete) == (2, 0, False)
    news = "2 declared changes were held back. The plan shows how to let in what was held back."
    assert sentence(report) == f"{said}; {news}"


def test_what_turns_from_a_conflict_into_held_back_is_news_and_back_again(world: World) -> None:
    """Each of the two is new once, however it was reported before."""
    world.converge(order("A", memo="1"), order("B"))
    id_ = world.id_of("orders", "A")
    world.edit("orders", id_, memo="theirs")
    world.declare(order("A", memo="2"), order("B"))

    def ends() -> list[tuple[int, int, list[bool]]]:
        """Apply twice, and return what was new, what was not, and which conflicts existed."""
        reports = [world.apply(allow={}) for _ in range(2)]
        return [
            (len(one.held), one.still_held, [end.standing for end in one.outcomes])
            for one in reports
        ]

    holding = [(1, 0, []), (0, 1, [])]
    conflict = [(0, 0, [False]), (0, 0, [True])]
    assert ends() == holding
    world.edit("orders", id_, **{KEY: "elsewhere"})
    other = world.make("orders", "A", memo="1")
    assert ends() == conflict
    world.archive("orders", other)
    world.edit("orders", id_, **{KEY: "A"})
    assert ends() == holding
    world.archive("orders", id_)
    assert ends() == conflict


def test_a_conflict_beside_what_is_held_back_is_forgotten_when_it_is_over(world: World) -> None:
    """Where only what is held back remains, no run begins, and that is remembered all the same."""
    lines = [line("A:1", name="x"), line("A:2", name="x")]
    world.converge(order("A", lines), order("B"))
    world.edit("line_items", world.id_of("line_items", "A:1"), name="theirs")
    item, a, b = (
        world.id_of(object_, key)
        for object_, key in (("line_items", "A:2"), ("orders", "A"), ("orders", "B"))
    )
    world.declare(order("A", [line("A:1", name="y"), lines[1]]), order("B"))

    def pull(here: str, there: str) -> None:
        """Somebody moves the other line item."""
        world.unlink(("line_items", item), ("orders", here))
        world.link(("line_items", item), ("orders", there))

    pull(a, b)
    world.declare(order("A", [line("A:1", name="y"), line("A:2", name="y")]), order("B"))
    assert [one.standing for one in world.apply(allow={}).outcomes] == [False]
    assert [one.standing for one in world.apply(allow={}).outcomes] == [True]
    pull(b, a)
    world.edit("line_items", item, name="theirs")
    assert set(held(world.plan(allow={}))) == {"line_item/A:1", "line_item/A:2"}
    assert world.apply(allow={}).outcomes == ()
    pull(a, b)
    assert [one.standing for one in world.apply(allow={}).outcomes] == [False]


def test_a_change_beside_a_held_one_of_its_unit_is_made(world: World) -> None:
    """What was pruned from an order waits for its number, and the order itself does not."""
    lines = [line("A:1", name="x"), line("A:2", name="y")]
    world.converge(order("A", lines, memo="1"))
    plan = world.plan(order("A", lines[:1], memo="2"), prune=True, allow={})
    assert (actions(plan), held(plan)) == (
        {"order/A": Action.UPDATE},
        {"line_item/A:2": Action.ARCHIVE},
    )
    assert statuses(world.apply(plan)) == {"order/A": "done"}
    assert world.keys("line_items") == {"A:1": 1, "A:2": 1}
    plan = world.plan(prune=True, allow={"prune": 1})
    assert statuses(world.apply(plan)) == {"line_item/A:2": "done"}
    assert world.keys("line_items") == {"A:1": 1}


def test_an_order_is_not_archived_before_its_held_lines(world: World) -> None:
    """Somebody edited a line of what is to go; nothing goes until that was looked at."""
    world.converge(order("A", [line("A:1", name="x"), line("A:2", name="y")]), order("B"))
    world.edit("line_items", world.id_of("line_items", "A:1"), name="theirs")
    plan = world.plan(order("A", lifecycle={"state": "absent"}), order("B"), allow={})
    assert changes(plan) == {}
    assert set(held(plan)) == {"order/A", "line_item/A:1", "line_item/A:2"}
    world.forget_calls()
    world.apply(plan)
    assert world.writes() == []
    plan = world.plan(allow={"both": 1})
    assert incomplete(world.apply(plan)) == ()
    assert world.keys("line_items") == {}


def test_a_record_to_make_again_waits_for_its_number_with_its_lines(world: World) -> None:
    """The lines need the order that is not there; the other order is applied."""
    world.converge(order("A", [line("A:1", name="x")], memo="1"), order("B", memo="1"))
    for object_, key in (("line_items", "A:1"), ("orders", "A")):
        world.archive(object_, world.id_of(object_, key))
    world.declare(order("A", [line("A:1", name="x")], memo="1"), order("B", memo="2"))
    again = ("order/A", "line_item/A:1")
    plan = world.plan(recreate=again, allow={})
    assert (set(actions(plan)), set(held(plan))) == ({"order/B"}, set(again))
    assert statuses(world.apply(plan)) == {"order/B": "done"}
    assert world.keys("orders") == {"B": 1}
    plan = world.plan(recreate=again, allow={"recreate": 2})
    assert incomplete(world.apply(plan)) == ()
    assert world.keys("line_items") == {"A:1": 1}


@pytest.mark.parametrize("allow", [{}, {"adopt-update": 1}])
def test_adopting_what_is_equal_goes_on_beside_what_is_held(
    world: World, allow: dict[str, int]
) -> None:
    """An order as declared is remembered; one with another value waits for its number."""
    world.make("orders", "A", memo="1")
    world.make("orders", "B", memo="theirs")
    plan = world.plan(order("A", memo="1"), order("B", memo="1"), allow=allow)
    adopted = {"order/A": Action.ADOPT}
    if not allow:
        assert (actions(plan), held(plan)) == (adopted, {"order/B": Action.UPDATE})
    assert incomplete(world.apply(plan)) == ()
    with world.session() as session:
        known = {address for _, address, _ in session.state().entries()}
    assert known == ({A.folded(), B.folded()} if allow else {A.folded()})
    assert world.record("orders", "B")["memo"] == ("1" if allow else "theirs")
