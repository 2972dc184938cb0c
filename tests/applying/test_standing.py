"""Conflicts that stood before a run: reported, and no longer a reason to fail."""

import io
import json
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from world import World, actions, incomplete, line, order, statuses

from reconcile.cli import main
from reconcile.model.address import Address
from reconcile.model.outcome import Report
from reconcile.model.plan import Action
from reconcile.planning.plan_file import content_digest, dump, load
from reconcile.state.migrate import move
from reconcile.state.state import State
from reconcile.stores.local import LocalStore

NOTE = "existed before this run"
PUT_BACK = ("--allow", "drift=1")
"""What asks for a line item to be put back under its order; without it, that is left alone."""


@dataclass(frozen=True)
class Result:
    """What the program said, and how it ended."""

    code: int
    out: str
    err: str


Program = Callable[..., Result]


@pytest.fixture
def program(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Program:
    """Return what runs ``reconcile ARGS`` in the world's project; nobody is there to answer."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.chdir(world.folder)
    before = signal.getsignal(signal.SIGTERM)

    def run(*args: str) -> Result:
        capsys.readouterr()
        for name, value in world.environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["reconcile", *args])
        try:
            with pytest.raises(SystemExit) as stop:
                main()
        finally:
            signal.signal(signal.SIGTERM, before)
        out, err = capsys.readouterr()
        assert isinstance(stop.value.code, int)
        return Result(stop.value.code, out, err)

    return run


def standing(report: Report) -> dict[str, bool]:
    """Of the records in conflict, which stood before."""
    found = {str(one.address): one for one in report.outcomes}
    return {a: one.standing for a, one in found.items() if one.status.value == "conflict"}


def pull(world: World, line_key: str, there: str, here: str = "A") -> None:
    """Somebody gives a line item of one order to another one."""
    item = world.id_of("line_items", line_key)
    world.unlink(("line_items", item), ("orders", world.id_of("orders", here)))
    world.link(("line_items", item), ("orders", world.id_of("orders", there)))


def in_conflict(world: World, **more: Any) -> None:
    """Order A is applied, then archived by somebody; B is as declared."""
    world.converge(order("A", memo="1", **more), order("B", memo="1"))
    world.archive("orders", world.id_of("orders", "A"))


def test_a_conflict_fails_the_first_apply_and_no_later_one(world: World, program: Program) -> None:
    """It is still shown, said to be old, and asks nobody for approval: nothing would be done."""
    in_conflict(world)

    first = program("apply", "--auto-approve")
    assert first.code == 5
    assert NOTE not in first.out
    assert "  ! order/A  conflict\n      record" in first.out
    assert first.out.count("      hint: restore it in HubSpot") == 2  # in plan and report

    for _ in range(2):
        later = program("apply")
        assert later.code == 0, later
        assert "  ! order/A  conflict  # " + NOTE in later.out
        assert f"Apply complete: 1 conflict that {NOTE}." in later.out

    world.declare(order("A", memo="1"), order("B", memo="2"))
    later = program("apply", "--auto-approve")
    assert later.code == 0, later
    assert f"1 order updated; 1 conflict that {NOTE}." in later.out
    assert "a new plan shows only the conflicts." in later.out


def test_plan_says_nothing_else_than_before(world: World, program: Program) -> None:
    """A conflict is something to look at, old or new."""
    in_conflict(world)
    outputs = []
    for _ in range(2):
        found = program("plan", "--detailed-exitcode")
        assert found.code == 2
        outputs.append(found.out)
        program("apply", "--auto-approve")
    assert outputs[0] == outputs[1]


def test_a_changed_manifest_makes_the_conflict_count_again(world: World, program: Program) -> None:
    """Somebody wants something new of the record, and does not get it."""
    in_conflict(world)
    assert [program("apply", "--auto-approve").code for _ in range(2)] == [5, 0]
    world.declare(order("A", memo="2"), order("B", memo="1"))
    assert [program("apply", "--auto-approve").code for _ in range(2)] == [5, 0]
    # Where and how the manifest is written is no change of what it says.
    world.declare(order("B", memo="1"), order("A", memo="2"))
    assert program("apply", "--auto-approve").code == 0


def test_each_record_has_a_first_conflict(world: World) -> None:
    """Beside one that stood before, in the same order."""
    lines = [line("A:1", name="x"), line("A:2", name="y")]
    world.converge(order("A", lines), order("B"))
    pull(world, "A:1", "B")
    assert standing(world.apply()) == {"line_item/A:1": False}
    pull(world, "A:2", "B")
    report = world.apply()
    assert standing(report) == {"line_item/A:1": True, "line_item/A:2": False}
    assert not report.complete
    report = world.apply()
    assert standing(report) == {"line_item/A:1": True, "line_item/A:2": True}
    assert report.complete


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("way", ["with a change elsewhere", "with nothing to do", "a saved plan"])
def test_a_conflict_that_comes_back_counts_again(world: World, program: Program, way: str) -> None:
    """An apply in between saw that it was gone, and said nothing of it."""
    world.converge(order("A", [line("A:1", name="x")], memo="1"), order("B", memo="1"))
    pull(world, "A:1", "B")
    assert [program("apply", "--auto-approve", *PUT_BACK).code for _ in range(2)] == [5, 0]
    pull(world, "A:1", "A", here="B")

    assert "No changes." in program("plan").out
    if way == "with a change elsewhere":
        world.declare(order("A", [line("A:1", name="x")], memo="1"), order("B", memo="2"))
        assert program("apply", "--auto-approve").code == 0
    elif way == "with nothing to do":
        result = program("apply")
        assert (result.code, "No changes." in result.out) == (0, True)
    else:
        assert program("plan", "--out", "saved").code == 0
        assert program("apply", "saved").code == 0

    pull(world, "A:1", "B")
    assert program("apply", "--auto-approve", *PUT_BACK).code == 5


def test_a_conflict_that_turned_into_a_change_counts_again(world: World) -> None:
    """The unit is applied in between, so nothing stands in its way any more."""
    lines = [line("A:1", name="x")]
    world.converge(order("A", lines, memo="1"), order("B"))
    pull(world, "A:1", "B")
    world.apply()
    pull(world, "A:1", "A", here="B")
    world.edit("orders", world.id_of("orders", "A"), memo="theirs")
    assert actions(world.plan()) == {"order/A": Action.UPDATE}
    assert incomplete(world.apply()) == ()
    pull(world, "A:1", "B")
    assert standing(world.apply()) == {"line_item/A:1": False}


def test_what_is_forgotten_is_no_part_of_what_a_plan_is_approved_for(world: World) -> None:
    """It reaches the state alone; the plan file carries it, and stays one that changes nothing."""
    world.converge(order("A", [line("A:1", name="x")]), order("B"))
    clean = content_digest(world.plan())
    pull(world, "A:1", "B")
    world.apply()
    pull(world, "A:1", "A", here="B")
    plan = world.plan()
    assert plan.resolved == (Address("order", "A"),)
    assert plan.empty
    assert content_digest(replace(plan, lineage="")) == content_digest(
        replace(plan, lineage="", resolved=())
    )
    assert content_digest(plan) == clean
    data = b"".join(dump(plan, version="0", created="2026-01-02T03:04:05Z"))
    loaded, footer = load(data)
    assert (loaded, footer.content) == (plan, clean)


def test_a_conflict_that_arises_while_applying_is_never_old(world: World) -> None:
    """Each time somebody was faster than this run, which did not do what was planned."""
    world.converge(order("A", memo="1"))
    record = world.id_of("orders", "A")
    for number in (2, 3):
        plan = world.plan(order("A", memo=str(number)))
        world.edit("orders", record, memo="theirs")
        report = world.apply(plan)
        assert standing(report) == {"order/A": False}
        world.edit("orders", record, memo="1")
    plan = world.plan()
    world.archive("orders", record)
    assert standing(world.apply(plan)) == {"order/A": False}
    assert [standing(world.apply())["order/A"] for _ in range(2)] == [False, True]


def test_a_selection_of_units_says_nothing_of_the_others(world: World, program: Program) -> None:
    """Their conflicts are as old as before."""
    in_conflict(world)
    (world.folder / "manifests/b.yaml").write_text('{"kind": "order", "key": "N"}')
    assert [program("apply", "--auto-approve").code for _ in range(2)] == [5, 0]
    (world.folder / "manifests/b.yaml").write_text(
        '{"kind": "order", "key": "N", "properties": {"memo": "2"}}'
    )
    assert program("plan", "manifests/b.yaml", "--out", "saved").code == 0
    assert program("apply", "saved").code == 0
    assert program("apply", "--auto-approve").code == 0


def test_planning_what_is_removed_besides_is_no_other_manifest(
    world: World, program: Program
) -> None:
    """With and without ``--prune`` the manifests say the same of an order."""
    lines = [line("A:1", name="x"), line("A:2", name="y")]
    world.converge(order("A", lines, memo="1"), order("B"))
    pull(world, "A:1", "B")
    world.declare(order("A", [line("A:1", name="x")], memo="1"), order("B"))
    assert program("apply", "--auto-approve", *PUT_BACK).code == 5
    result = program("apply", "--auto-approve", "--prune", "--allow", "prune=1", *PUT_BACK)
    assert result.code == 0, result.out
    assert "A:2" not in world.keys("line_items")


def test_an_interrupted_run_counts_its_conflicts_to_the_end(watched: World) -> None:
    """Resumed, the run still has the conflict that was its own; the next one does not."""
    watched.converge(order("A", memo="1"), *(order(f"B-{n}", memo="1") for n in range(3)))
    watched.archive("orders", watched.id_of("orders", "A"))
    watched.declare(order("A", memo="1"), *(order(f"B-{n}", memo="2") for n in range(3)))
    plan = watched.plan()

    watched.proxy.hook = lambda method, path, body: (
        (401, {"status": "error", "message": "expired", "category": "INVALID_AUTHENTICATION"})
        if path.endswith("/orders/batch/update")
        else None
    )
    report = watched.apply(plan)
    assert report.resumable
    assert standing(report) == {"order/A": False}
    watched.proxy.hook = None

    report = watched.apply(plan)
    assert statuses(report) == {
        "order/A": "conflict",
        "order/B-0": "done",
        "order/B-1": "done",
        "order/B-2": "done",
    }
    assert standing(report) == {"order/A": False}
    assert [one.why for one in report.outcomes] == [one.why for one in plan.records()]
    assert not report.complete
    report = watched.apply()
    assert standing(report) == {"order/A": True}


def test_a_unit_that_was_not_decided_keeps_what_is_remembered(watched: World) -> None:
    """A run that ended early learnt nothing of it."""
    lines = [line("A:1", name="x")]
    watched.converge(order("A", lines, memo="1"), order("B"))
    pull(watched, "A:1", "B")
    watched.apply()
    assert standing(watched.apply()) == {"line_item/A:1": True}
    watched.edit("orders", watched.id_of("orders", "A"), memo="theirs")
    watched.proxy.hook = lambda method, path, body: (
        (401, {"status": "error", "message": "expired", "category": "INVALID_AUTHENTICATION"})
        if "/batch/update" in path or method == "PATCH"
        else None
    )
    assert watched.apply().resumable
    watched.proxy.hook = None
    assert standing(watched.apply()) == {"line_item/A:1": True}


def test_another_hash_key_makes_conflicts_count_again(world: World) -> None:
    """The state does not say which text it remembers the conflict of: only a keyed hash of it."""
    in_conflict(world)
    world.apply()
    assert world.apply().complete
    (world.settings.local_folder / "key").write_bytes(b"k" * 32)
    assert not world.apply().complete
    assert world.apply().complete


def test_a_moved_state_remembers_conflicts(world: World, tmp_path: Path) -> None:
    """Everything goes with it."""
    in_conflict(world)
    world.apply()
    (digest,) = (unit.manifest for unit in world.plan().units)
    there = LocalStore(tmp_path / "elsewhere")
    move(world.store, there, lambda: None)
    key = (world.settings.local_folder / "key").read_bytes()
    unit = Address("order", "A")
    assert State(there, key).standing(unit, digest) == {unit.folded(): "conflict"}
    assert State(there, key).standing(unit, "another text") == {}


def test_what_is_remembered_goes_with_the_last_entry(world: World, program: Program) -> None:
    """Nothing stays behind of an order that is not managed any more."""
    in_conflict(world)
    program("apply", "--auto-approve")
    shards = list((world.settings.local_folder / "shards").glob("*.json"))
    assert sum(b"standing" in shard.read_bytes() for shard in shards) == 1
    assert program("state", "rm", "order/A", "--auto-approve").code == 0
    assert not any(b"standing" in shard.read_bytes() for shard in shards)


def test_the_audit_log_says_that_a_conflict_is_old(world: World, program: Program) -> None:
    """Whoever reads it can leave those out."""
    in_conflict(world)
    for said in (False, True):
        program("apply", "--auto-approve")
        run = json.loads(program("audit", "log", "--json").out.splitlines()[-1])["run"]
        assert (", standing)" in program("audit", "show", run).out) is said
