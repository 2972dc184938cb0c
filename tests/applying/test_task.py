"""A change on its way is a state machine: every state with every event, and what it amounts to."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from world import World, incomplete, order, statuses

from reconcile.applying import create_update, executor
from reconcile.applying.change_states import TABLE, ChangeState, ImpossibleEvent
from reconcile.applying.journal import NOT_SENT, Journal
from reconcile.applying.run_head import Process, RunHead
from reconcile.applying.run_log import Run
from reconcile.applying.task import ChangeTask
from reconcile.model.address import Address
from reconcile.model.audit import Actor, Origin
from reconcile.model.outcome import Status
from reconcile.model.plan import Action, RecordChange
from reconcile.model.records import Actual
from reconcile.stores.local import LocalStore

EVENTS: Mapping[str, Callable[[ChangeTask], None]] = {
    "begin": ChangeTask.begin,
    "withdraw": ChangeTask.withdraw,
    "accept": ChangeTask.accept,
    "end": lambda task: task.end(Status.FAILED, "refused"),
    "doubt": lambda task: task.doubt("no answer"),
    "worsen": lambda task: task.worsen(Status.FAILED, "not associated"),
    "link": ChangeTask.link,
    "verify": ChangeTask.verify,
    "commit": ChangeTask.commit,
}

ALLOWED = {
    "prepared": {"begin": "sent", "accept": "written", "end": "ended"},
    "sent": {"withdraw": "prepared", "accept": "written", "end": "ended", "doubt": "in_doubt"},
    "written": {
        "link": "linked",
        "worsen": "written",
        "doubt": "in_doubt",
        "verify": "outstanding",
    },
    "linked": {"worsen": "linked", "doubt": "in_doubt", "verify": "verified"},
    "in_doubt": {"link": "in_doubt", "worsen": "in_doubt"},
    "verified": {"commit": "committed"},
    "outstanding": {},
    "committed": {},
    "ended": {},
}

WAYS = {
    "prepared": "",
    "sent": "begin",
    "written": "begin accept",
    "linked": "begin accept link",
    "in_doubt": "begin doubt",
    "verified": "begin accept link verify",
    "outstanding": "begin accept verify",
    "committed": "begin accept link verify commit",
    "ended": "begin end",
}

LONGEST = 8
"""Events of the longest way that is tried; a write can be begun and withdrawn again and again."""

Step = tuple[ChangeTask, str, ChangeTask]
"""An event of a way, between the task before and after it."""


def task_of(key: str = "A", *, action: Action = Action.UPDATE, links: int = 1) -> ChangeTask:
    """Return a task with one association to make, unless said otherwise."""
    address = Address("order", key)
    record_id = "" if action is Action.CREATE else "7"
    change = RecordChange(address, action, id=record_id)
    return ChangeTask(address, change, id=record_id, unlinked=links)


def after(way: str, task: ChangeTask | None = None) -> ChangeTask:
    """Return a task after some events."""
    task = task or task_of()
    for event in way.split():
        EVENTS[event](task)
    return task


def ways() -> Iterator[list[Step]]:
    """Yield every way through the states; events that change nothing are not repeated."""
    begun: list[list[Step]] = [[]]
    while begun:
        way = begun.pop()
        task = way[-1][2] if way else task_of()
        further = list(steps(task)) if len(way) < LONGEST else []
        further = [(old, event, new) for old, event, new in further if new != old]
        if not further:
            yield way
        begun += ([*way, step] for step in further)


def steps(task: ChangeTask) -> Iterator[Step]:
    """Yield each event that a task takes."""
    for event in EVENTS:
        new = replace(task)
        try:
            EVENTS[event](new)
        except ImpossibleEvent:
            continue
        yield task, event, new


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("state", ChangeState)
def test_every_state_takes_or_refuses_every_event(state: ChangeState, event: str) -> None:
    """An event leads to the state that is written above, or is refused and changes nothing."""
    task = after(WAYS[state])
    assert task.state is state
    old = replace(task)
    if (expected := ALLOWED[state].get(event)) is not None:
        EVENTS[event](task)
        assert task.state == expected
        return
    with pytest.raises(ImpossibleEvent) as caught:
        EVENTS[event](task)
    assert task == old
    assert str(caught.value) == (
        f"internal error: the change of order/A cannot {event}, "
        f"because it is {state.value.replace('_', ' ')}"
    )


def test_the_table_has_every_state_and_every_event() -> None:
    """It has a row for each state and a column for each event, which is a method of the task."""
    head, *rows = (line.split() for line in TABLE.strip().splitlines())
    assert sorted(head) == sorted(EVENTS)
    assert [row[0] for row in rows] == list(ChangeState)
    assert all(callable(getattr(ChangeTask, event)) for event in head)
    assert all(f"``{state}``" in str(ChangeState.__doc__) for state in ChangeState)


def test_a_change_is_linked_with_its_last_association() -> None:
    """A change without associations is linked once it is accepted; one too many is refused."""
    assert after("begin accept", task_of(links=0)).state is ChangeState.LINKED
    assert after("begin accept link", task_of(links=2)).state is ChangeState.WRITTEN
    linked = after("begin accept link link", task_of(links=2))
    assert linked.state is ChangeState.LINKED
    with pytest.raises(ImpossibleEvent):
        linked.link()
    assert linked.unlinked == 0


def test_a_worse_status_is_never_improved() -> None:
    """What is not done stays so, with its reason; only doubt replaces it, by unknown."""
    for way in ways():
        for old, event, new in way:
            if old.flaw is None:
                continue
            if event == "doubt":
                assert (new.status, new.message) == (Status.UNKNOWN, "no answer")
            else:
                assert (new.flaw, new.message) == (old.flaw, old.message)


def test_a_later_status_does_not_replace_an_earlier_one() -> None:
    """The first reason that a record is not as planned is the one that is reported."""
    task = after("begin accept")
    task.worsen(Status.CONFLICT, "somebody else's")
    task.worsen(Status.FAILED, "not associated")
    task.link()
    task.verify(Status.UNKNOWN, "not shown")
    task.commit()
    assert (task.status, task.message) == (Status.CONFLICT, "somebody else's")


@pytest.mark.parametrize("status", Status)
def test_what_a_read_showed_is_the_status_of_a_change_without_a_flaw(status: Status) -> None:
    """A note on a change that is done is kept as well; without one the message stays."""
    task = after("begin accept link")
    task.verify(status, "a note")
    assert (task.status, task.message) == (status, "a note")
    removed = task_of(links=0)
    removed.accept("archived already")
    removed.verify()
    assert (removed.status, removed.message) == (Status.DONE, "archived already")


def test_only_what_is_final_has_an_outcome() -> None:
    """Nothing follows it, and its status says how it ended; before an answer there is no status."""
    for way in ways():
        for _, _, task in way:
            outcome = task.outcome()
            assert (outcome is not None) == task.state.is_final
            assert (task.status is None) == (task.state in ("prepared", "sent"))
            if outcome is not None:
                assert list(steps(task)) == []
                assert outcome.status == task.status
            if task.state is ChangeState.ENDED:
                assert task.status in (Status.CONFLICT, Status.FAILED, Status.SKIPPED)


def test_a_write_that_was_sent_ends_or_stays_in_doubt_in_the_journal(tmp_path: Path) -> None:
    """Wherever it stops, the journal has its outcome, has it in doubt, or says it was not sent."""
    head = RunHead("run", "", "", 1, "", "2026-01-02T03:04:05+00:00", 0)
    process = Process(0, "apply", Origin(Actor("Ana", "git")))
    journal = Journal(LocalStore(tmp_path), Run(head, process), lambda: None)
    journal.begin()
    reached: set[ChangeState] = set()
    prefixes = {
        tuple(event for _, event, _ in way[:n]) for way in ways() for n in range(LONGEST + 1)
    }
    for number, events in enumerate(sorted(prefixes)):
        task = task_of(f"N-{number}")
        is_sent = carry_out(journal, task, events)
        reached.add(task.state)
        run, address = journal.so_far, task.change.address
        is_final = task.state.is_final
        assert (address in run.outcomes) == is_final
        assert (address in run.in_doubt) == (is_sent and not is_final)
        assert (address in run.not_applied) == (
            "withdraw" in events and not is_sent and not is_final
        )
    assert reached == set(ChangeState)


def carry_out(journal: Journal, task: ChangeTask, events: Sequence[str]) -> bool:
    """Journal some events as an apply does; return whether the write may have been sent."""
    is_sent = False
    for event in events:
        if event == "begin":
            journal.intend("update", [task])
            is_sent = True
        EVENTS[event](task)
        if event == "withdraw":
            journal.not_applied([task.change.address], NOT_SENT)
            is_sent = False
        elif is_sent and event in ("accept", "end", "doubt"):
            journal.answered(1, [task], of_records=True)
    if (outcome := task.outcome()) is not None:
        journal.decided([outcome])
    return is_sent


@pytest.mark.parametrize(
    ("action", "way", "status", "is_written"),
    [
        (Action.UPDATE, "begin accept link verify commit", Status.DONE, False),
        (Action.UPDATE, "begin accept worsen link verify commit", Status.FAILED, True),
        (Action.UPDATE, "begin end", Status.FAILED, False),
        (Action.CREATE, "begin accept worsen link verify commit", Status.FAILED, False),
        (Action.ASSOCIATE, "accept worsen link verify commit", Status.FAILED, False),
    ],
)
def test_an_outcome_says_whether_a_record_was_written(
    action: Action, way: str, status: Status, *, is_written: bool
) -> None:
    """A record that was written stays so if something else failed, and was seen if it is new."""
    task = after(way, task_of(action=action))
    outcome = task.outcome()
    assert outcome is not None
    assert (outcome.status, outcome.written) == (status, is_written)
    if action is Action.CREATE:
        task.seen = Actual("order", "7", {})
        outcome = task.outcome()
        assert outcome is not None
        assert outcome.written


@pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE, Action.ASSOCIATE])
def test_a_conflict_after_writing_leaves_the_record_written(action: Action) -> None:
    """Somebody edited the record right after, or it exists twice now."""
    task = after("begin accept link", task_of(action=action))
    task.verify(Status.CONFLICT, "changed right after")
    task.commit()
    outcome = task.outcome()
    assert outcome is not None
    assert (outcome.status, outcome.written) == (Status.CONFLICT, True)


def test_a_record_without_its_id_is_in_doubt() -> None:
    """An id that is another record's is given up, whatever else had failed already."""
    task = task_of(action=Action.CREATE)
    task.begin()
    task.id, task.seen = "9", Actual("order", "9", {})
    task.accept()
    assert task.is_known
    task.worsen(Status.FAILED, "not associated")
    task.reject_id("record 9 belongs to somebody else")
    assert (task.id, task.seen, task.is_known) == ("", None, False)
    assert (task.state, task.status) == (ChangeState.IN_DOUBT, Status.UNKNOWN)
    assert task.message == "record 9 belongs to somebody else"


def test_a_write_without_an_answer_may_have_been_late() -> None:
    """Nobody knows when it arrived; one that was refused did not arrive."""
    lost, refused = after("begin"), after("begin")
    lost.end_unanswered("no response", refused=False)
    refused.end_unanswered("HTTP 400", refused=True)
    assert (lost.status, lost.late) == (Status.UNKNOWN, True)
    assert (refused.status, refused.late) == (Status.FAILED, False)


@pytest.mark.parametrize("where", ["in a thread", "after writing", "while committing"])
def test_an_impossible_event_ends_the_run_and_loses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """The run reports what it sent as unknown, and the next apply of the plan completes it."""
    world.converge(order("A", memo="1"), order("B", memo="1"))
    plan = world.plan(order("A", memo="2"), order("B", memo="2"))

    def in_thread(task: ChangeTask, _: object) -> None:
        task.commit()

    def after_writing(_: object, tasks: Sequence[ChangeTask], __: object) -> None:
        tasks[0].begin()

    def commit(task: ChangeTask) -> None:
        task.verify()

    with monkeypatch.context() as patch:
        match where:
            case "in a thread":
                patch.setattr(create_update, "end_updated", in_thread)
            case "after writing":
                patch.setattr(executor, "associate", after_writing)
            case _:
                patch.setattr(ChangeTask, "commit", commit)
        report = world.apply(plan)

    assert report.stopped.startswith("internal error: the change of order/")
    assert report.resumable
    assert statuses(report) == {"order/A": "unknown", "order/B": "unknown"}
    assert {world.record("orders", key)["memo"] for key in "AB"} == {"2"}
    assert incomplete(world.apply(plan)) == ()
    assert world.plan().empty
