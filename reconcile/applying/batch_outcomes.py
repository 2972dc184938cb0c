"""How the records of one batch end: by HubSpot's answers, or by what kept them from coming."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from reconcile.applying.context import Tools
from reconcile.applying.fresh_recheck import Withheld
from reconcile.applying.journal import NOT_SENT
from reconcile.applying.readback import NOT_SHOWN
from reconcile.applying.task import Item
from reconcile.errors import ApiError, AuthError, RateLimited, Unreachable
from reconcile.hubspot.types import Answer, Refused, Unclear, Write, Written
from reconcile.model.outcome import HubSpotWarning, Status

_INVALID = "VALIDATION_ERROR"
"""HubSpot's category of what it refuses whenever it is sent (reference §5)."""


@contextmanager
def ending(
    tools: Tools,
    call: str,
    writes: Mapping[str, tuple[Item, Write]],
    end: Callable[[Item, Answer], None],
) -> Iterator[dict[str, Answer]]:
    """Give every item its end by the answers that the block collects, however the block ends.

    The journal says what is about to be sent before, and what was answered after. What has no
    answer though nothing went wrong was not sent, since the run had been halted: it was not begun.
    """
    items = [item for item, _ in writes.values()]
    number = tools.journal.intend(call, items)
    answers: dict[str, Answer] = {}
    unanswered: tuple[Status, str] | None
    unanswered = Status.UNKNOWN, "the run ended before HubSpot answered"
    try:
        yield answers
        unanswered = None
    except ApiError as error:
        # A call that may have been carried out is settled by the next plan's reading.
        # So may one that was repeated: a refusal then says nothing of the first attempt.
        lost = isinstance(error, (Unreachable, AuthError, RateLimited))
        unanswered = (Status.UNKNOWN if lost else Status.FAILED), str(error)
        raise
    finally:
        for name, (item, _) in writes.items():
            if name in answers:
                end(item, answers[name])
                if unanswered is not None and item.message == NOT_SHOWN:
                    item.message = f"written, and not read back: {unanswered[1]}"
                item.warnings = _warnings(item, answers[name])
            elif unanswered is not None:
                item.end(*unanswered)
        tools.halt.look(items)
        tools.journal.answered(number, items, of_records=True)
        tools.journal.undone(
            [item.change.address for item in items if item.status is None], NOT_SENT
        )


def end_created(item: Item, answer: Answer) -> None:
    match answer:
        case Written(id=record_id, new=False):
            item.end(
                Status.CONFLICT,
                f"record {record_id} appeared under this key while writing, and its values were "
                "overwritten; its property history in HubSpot shows the former ones",
            )
        case Written(id=record_id, new=new):
            item.id = record_id
            item.late = item.late and not new  # a new record had nothing to overwrite
            item.end(Status.DONE)
            if item.seen is None:
                item.end(Status.UNKNOWN, NOT_SHOWN)
        case _:
            _end_badly(item, answer)


def end_updated(item: Item, answer: Answer) -> None:
    match answer:
        case Written(id=record_id) if record_id != item.change.id:
            item.end(
                Status.CONFLICT,
                f"record {record_id} got the new values instead of {item.change.id}: that one was "
                "merged into it, or its key moved there, while writing; the property history in "
                "HubSpot shows the former ones",
            )
        case Written():
            item.end(Status.DONE)
        case _:
            _end_badly(item, answer)


def _warnings(item: Item, answer: Answer) -> tuple[HubSpotWarning, ...]:
    """HubSpot's warnings, marked where they quote a personal value."""
    personal = {field.name for field in item.change.fields if field.personal}
    given = answer.warnings if isinstance(answer, Written) else ()
    return tuple(replace(one, personal=one.name in personal) for one in given)


def _end_badly(item: Item, answer: Answer) -> None:
    match answer:
        case Withheld(message=message):
            item.end(Status.CONFLICT, message)
        case Refused(message=message, category=category, invalid=invalid):
            item.end(Status.FAILED, message)
            item.refused = bool(invalid) or category == _INVALID
        case Unclear(message=message):
            item.end(Status.UNKNOWN, f"{message}; the next plan finds out by reading")
        case _:
            raise AssertionError(answer)
