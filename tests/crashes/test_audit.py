"""What the audit log says of applies that were killed: what was begun, and who resolved it."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

import pytest
from scene import Scene, before, save_plan
from world import World

from reconcile.audit.integrity import verify
from reconcile.audit.log import AuditLog
from reconcile.audit.query import all_entries
from reconcile.model.audit import Entry
from reconcile.recovery.runs import unfinished, unlogged
from reconcile.state.state import State

ORDERS = 8
RECORDS = 3 * ORDERS
"""Orders with two lines each."""


@pytest.fixture
def scene(build: Callable[..., World]) -> Scene:
    """Return a project whose orders are declared and planned, and the program."""
    scene = Scene(build())
    scene.world.declare(*before(ORDERS))
    save_plan(scene)
    return scene


def said(scene: Scene, *args: str) -> str:
    """Return what a command prints that must work."""
    ended = scene.run(*args)
    assert ended.code == 0, ended.err
    return ended.out


def entries(scene: Scene) -> list[Entry]:
    """Return what the log has, and what it does not have yet."""
    store = scene.world.store
    return list(all_entries(AuditLog(store), unlogged=unlogged(store)))


def records(scene: Scene, run: str) -> dict[str, dict[str, str]]:
    """Return how the log has the records of each event of a run."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for entry in entries(scene):
        for one in entry.records if entry.run == run else ():
            assert found[entry.event].setdefault(str(one.address), one.status) == one.status
    return dict(found)


def is_whole(scene: Scene) -> None:
    """Check that the chain is whole, and that no line of a journal is in it twice."""
    log = AuditLog(scene.world.store)
    found = verify(log, State(scene.world.store, b"").audit)
    assert (found.findings, found.erased) == ((), 0)
    assert "The audit log is intact." in said(scene, "audit", "verify")
    by_run: dict[str, list[Entry]] = defaultdict(list)
    for entry in log.entries():
        if entry.journal is not None:
            by_run[entry.run].append(entry)
    for entries in by_run.values():
        follow_each_other(entries)


def follow_each_other(entries: Iterable[Entry]) -> None:
    """Check that entries of one run divide its journal among them, record by record."""
    start, written = 0, 0
    for entry in entries:
        span = entry.journal
        assert span is not None
        assert (span.start, span.first) == (start, written)
        assert span.stop > span.start
        assert span.last - span.first == len(entry.records)
        start, written = (span.stop, 0) if span.complete else (start, span.last)
    assert not written


def killed(scene: Scene, point: str, *args: str) -> str:
    """Have the program killed; return the run that is not over."""
    ended = scene.run(*(args or ("apply", "plan.bin")), crash=point)
    assert ended.killed, (ended.code, ended.err)
    (one,) = unfinished(scene.world.store)
    return one.run.head.run


def begun(scene: Scene) -> set[str]:
    """Return what the journal says was begun."""
    (one,) = unfinished(scene.world.store)
    return {str(address) for address in one.run.in_doubt}


def ends_with(scene: Scene, *, all_done: bool = True) -> None:
    """Check that each record was done once, by whatever run, and that the log is whole."""
    is_whole(scene)
    done = Counter(
        (entry.run, str(one.address))
        for entry in entries(scene)
        for one in entry.records
        if one.status == "done"
    )
    assert set(done.values()) == {1}
    if all_done:
        assert len({address for _, address in done}) == RECORDS
    assert not [entry for entry in entries(scene) if not entry.number]


ORDERS_MADE, LINES_MADE = "call:13:after", "call:15:after"


def test_what_was_begun_is_said_before_anybody_has_looked(scene: Scene) -> None:
    """HubSpot has created the orders; every command says begun, which run, and that it is open."""
    run = killed(scene, ORDERS_MADE)
    assert len(scene.world.dump("orders")) == ORDERS
    assert records(scene, run) == {"apply": dict.fromkeys(begun(scene), "begun")}
    assert len(begun(scene)) == ORDERS
    shown = said(scene, "audit", "show", run)
    assert shown.count("create begun") == ORDERS
    assert "logged   not yet, read from the journal" in shown
    assert "O-1" in shown
    assert "skipped" not in shown
    about = said(scene, "audit", "log", "--address", "order/O-1")
    assert f"apply  {run}" in about
    assert "create 1 order: begun" in about
    (event,) = map(json.loads, said(scene, "audit", "log", "--json").splitlines())
    assert [(one["outcome"], one["records"]) for one in event["counts"]] == [("begun", ORDERS)]
    rows = [json.loads(text) for text in said(scene, "audit", "export").splitlines()]
    assert {(one["number"], one["run"], one["outcome"]) for one in rows} == {(0, run, "begun")}
    is_whole(scene)


def test_resuming_says_what_was_begun_and_what_became_of_it(scene: Scene) -> None:
    """The run that resumes is the same; what it resolved stands apart from what it then did."""
    run = killed(scene, LINES_MADE)
    orders = {f"order/O-{n}" for n in range(ORDERS)}
    lines = begun(scene) - orders
    assert len(lines) == 2 * ORDERS
    assert scene.run("resume").code == 0
    assert records(scene, run) == {
        "apply": dict.fromkeys(orders | lines, "begun"),
        "recover": dict.fromkeys(orders, "written") | dict.fromkeys(lines, "done"),
        "resume": dict.fromkeys(orders, "done"),
    }
    ends_with(scene)
    shown = said(scene, "audit", "show", run)
    assert f"resolved by  {run}" in shown
    assert "create written" in shown
    assert "written, but its associations are still to be made" in shown
    events = [json.loads(text) for text in said(scene, "audit", "log", "--json").splitlines()]
    assert [(one["event"], one["run"]) for one in events] == [
        ("apply", run),
        ("recover", run),
        ("resume", run),
    ]


def test_another_plan_resolves_what_was_begun(scene: Scene) -> None:
    """The log names the run that did, and shows it under both."""
    world = scene.world
    run = killed(scene, LINES_MADE)
    documents = before(ORDERS)
    documents[0]["properties"]["memo"] = "changed since"
    world.declare(*documents)
    assert scene.run("plan", "--out", "plan.bin").code == 0
    assert records(scene, run) == {"apply": dict.fromkeys(begun(scene), "begun")}
    ended = scene.run("apply", "plan.bin")
    assert ended.code == 5, ended.err
    assert "left out, in doubt until now: plan again." in ended.out
    found = entries(scene)
    assert [(one.event, one.run == run) for one in found] == [
        ("apply", True),
        ("recover", True),
        ("apply", False),
    ]
    by = found[-1].run
    assert found[1].facts["resolved_by"] == by
    is_whole(scene)
    for named in (run, by):
        assert f"resolved by  {by}" in said(scene, "audit", "show", named)
    log = said(scene, "audit", "log", "--address", "line_item/O-1:1")
    assert "create 1 line item: begun" in log
    assert f"resolved by: {by}" in log
    rows = [json.loads(text) for text in said(scene, "audit", "export").splitlines()]
    assert {one["resolved_by"] for one in rows if one["event"] == "recover"} == {by}


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize(
    ("point", "way"),
    [(f"append:{n}:after", ("resume", "apply")[n % 2]) for n in range(1, 7)],
)
def test_a_recovery_that_is_killed_is_not_logged_twice(scene: Scene, point: str, way: str) -> None:
    """Between any two lines of journal and log; whoever comes next writes the rest."""
    run = killed(scene, ORDERS_MADE)
    again = ("resume",) if way == "resume" else ("apply", "--auto-approve")
    killed(scene, point, *again)
    is_whole(scene)
    first = records(scene, run)["apply"]
    assert set(first.values()) == {"begun"}
    assert len(first) == ORDERS
    ended = scene.run(*again)
    assert ended.code == 0, ended.err
    last = records(scene, run)
    assert last["apply"] == first
    assert set(last["recover"].values()) == {"written"}
    is_whole(scene)
    assert not [one for one in entries(scene) if not one.number]


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize(
    "point", [f"append:{n}:{('before', 'after')[n % 2]}" for n in (2, 7, 8, 9, 10, 11)]
)
def test_a_run_that_is_killed_is_logged_once(scene: Scene, point: str) -> None:
    """Wherever in its journal, or in the log itself, it was killed."""
    killed(scene, point)
    is_whole(scene)
    assert scene.run("resume").code == 0
    ends_with(scene)
