"""End the tasks of one batch: by HubSpot's answers, or by the error that prevented an answer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from reconcile.applying.change_states import ChangeState
from reconcile.applying.context import ApplyContext
from reconcile.applying.fresh_recheck import Withheld
from reconcile.applying.journal import NOT_SENT
from reconcile.applying.readback import NOT_SHOWN
from reconcile.applying.task import ChangeTask
from reconcile.errors import CallRefused, HubSpotError
from reconcile.hubspot.types import Answer, Refused, Unclear, Write, Written
from reconcile.model.outcome import HubSpotWarning, Status

_INVALID = "VALIDATION_ERROR"
"""HubSpot's category of what it refuses whenever it is sent (reference §5)."""


@contextmanager
def ending(
    context: ApplyContext,
    call: str,
    writes: Mapping[str, tuple[ChangeTask, Write]],
    end: Callable[[ChangeTask, Answer], None],
) -> Iterator[dict[str, Answer]]:
    """End every task by the answers that the block collects, however the block ends.

    The journal records the intent before the block and the answers after it. A write without an
    answer in a block that raised nothing was not sent, because the run had been halted.
    """
    tasks = [task for task, _ in writes.values()]
    number = context.journal.intend(call, tasks)
    for task in tasks:
        task.begin()
    answers: dict[str, Answer] = {}
    unanswered: str | None = "the run ended before HubSpot answered"
    refused = False
    try:
        yield answers
        unanswered = None
    except HubSpotError as error:
        # A call that may have been carried out is in doubt until the records are read. So is one
        # that was repeated: a refusal of the repetition proves nothing about the first attempt.
        unanswered, refused = str(error), isinstance(error, CallRefused)
        raise
    finally:
        for name, (task, _) in writes.items():
            if name in answers:
                end(task, answers[name])
                if unanswered is not None and task.message == NOT_SHOWN:
                    task.message = f"written, but not read back: {unanswered}"
                task.warnings = _warnings(task, answers[name])
            elif unanswered is not None:
                task.end_unanswered(unanswered, refused=refused)
        context.halt.check_outcomes(tasks)
        context.journal.answered(number, tasks, of_records=True)
        withdraw_unsent(context, tasks)


def withdraw_unsent(context: ApplyContext, tasks: Sequence[ChangeTask]) -> None:
    """Record which tasks were not sent: they have neither an answer nor an error."""
    unsent = [task for task in tasks if task.state is ChangeState.SENT]
    context.journal.not_applied([task.change.address for task in unsent], NOT_SENT)
    for task in unsent:
        task.withdraw()


def end_created(task: ChangeTask, answer: Answer) -> None:
    """End the task of a creation by HubSpot's answer."""
    match answer:
        case Written(id=record_id, new=False):
            task.end(
                Status.CONFLICT,
                f"record {record_id} appeared under this key while writing, and its values were "
                "overwritten; its property history in HubSpot shows the previous ones",
            )
        case Written(id=record_id, new=new):
            task.id = record_id
            task.late = task.late and not new  # a new record had nothing to overwrite
            if task.seen is None:
                task.doubt(NOT_SHOWN)
            else:
                task.accept()
        case _:
            _end_badly(task, answer)


def end_updated(task: ChangeTask, answer: Answer) -> None:
    """End the task of an update by HubSpot's answer."""
    match answer:
        case Written(id=record_id) if record_id != task.change.id:
            task.end(
                Status.CONFLICT,
                f"record {record_id} got the new values instead of {task.change.id}: that one was "
                "merged into it, or its key moved there, while writing; the property history in "
                "HubSpot shows the previous ones",
            )
        case Written():
            task.accept()
        case _:
            _end_badly(task, answer)


def _warnings(task: ChangeTask, answer: Answer) -> tuple[HubSpotWarning, ...]:
    """Return HubSpot's warnings; those about a personal property are marked as personal."""
    personal = {field.name for field in task.change.fields if field.personal}
    given = answer.warnings if isinstance(answer, Written) else ()
    return tuple(replace(one, personal=one.name in personal) for one in given)


def _end_badly(task: ChangeTask, answer: Answer) -> None:
    match answer:
        case Withheld(message=message):
            task.end(Status.CONFLICT, message)
        case Refused(message=message, category=category, invalid=invalid):
            task.end(Status.FAILED, message)
            task.refused = bool(invalid) or category == _INVALID
        case Unclear(message=message):
            task.doubt(f"{message}; the next plan reads the record to find out")
        case _:
            raise AssertionError(answer)
