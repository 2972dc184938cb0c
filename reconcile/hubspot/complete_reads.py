"""Batch reads that account for every id.

HubSpot has answered with success and without results (reference §4). That a batch read always
names what is missing is known for records (§4) but not for associations. So an id that is only
missing from a response is never treated as absent: it is retried, then read alone.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

from reconcile.errors import CallRefused, HubSpotError
from reconcile.hubspot.error_bodies import ABSENT
from reconcile.hubspot.error_details import join_reasons
from reconcile.hubspot.schemas import BatchBody
from reconcile.hubspot.thread_pool import Pool
from reconcile.model.batches import split
from reconcile.model.printable import clean

Found = TypeVar("Found")

BatchRead: TypeAlias = tuple[dict[str, Found], Sequence[str]]
"""The content of a batch response: what was found by input, and the inputs it leaves out."""

_NAMED = 5
"""Inputs that an error names before it only counts the rest."""


def complete_read(
    pool: Pool,
    inputs: Sequence[str],
    size: int,
    *,
    together: Callable[[Sequence[str]], BatchRead[Found]],
    alone: Callable[[str], Found | None],
    of: str,
) -> dict[str, Found]:
    """Return what exists for the inputs, read ``together`` in batches of ``size``.

    Inputs missing from a response are read together once more, then each ``alone``, where None
    means that it certainly does not exist. So each input costs at most one call of its own.
    Raise HubSpotError, naming the inputs, if a read alone fails too; ``of`` names what is read.
    """
    found, unanswered = _in_batches(pool, inputs, size, together)
    if len(unanswered) > 1:
        more, unanswered = _in_batches(pool, unanswered, size, together)
        found |= more

    def read_alone(input_: str) -> Found | None:
        try:
            return alone(input_)
        except CallRefused as error:
            raise error.reworded(
                f"HubSpot's answer about {of} is incomplete: it leaves out "
                f"{shortlist(unanswered)}; reading {shortlist([input_])} alone failed: {error}",
                hint="no record is treated as absent on an incomplete answer; try again later",
            ) from error

    answers = zip(unanswered, pool.map(read_alone, unanswered), strict=True)
    return found | {input_: answer for input_, answer in answers if answer is not None}


def _in_batches(
    pool: Pool,
    inputs: Sequence[str],
    size: int,
    together: Callable[[Sequence[str]], BatchRead[Found]],
) -> BatchRead[Found]:
    found: dict[str, Found] = {}
    unanswered: list[str] = []
    for part, left_out in pool.map(together, list(split(inputs, size))):
        found |= part
        unanswered += left_out
    return found, unanswered


def refuse_failures(answer: BatchBody) -> None:
    """Raise HubSpotError if a batch read reports an error other than absence, or is unfinished."""
    if failures := [error for error in answer.errors or () if error.category != ABSENT]:
        reasons = join_reasons(error.text for error in failures)
        raise CallRefused(
            f"HubSpot cannot read the batch: {reasons}", category=failures[0].category or ""
        )
    if answer.status not in (None, "COMPLETE"):
        raise CallRefused(f"HubSpot has not finished the batch: {clean(answer.status or '', 40)}")
    if answer.num_errors and not answer.errors:
        raise CallRefused(f"HubSpot reports {answer.num_errors} errors without naming them")


def contradiction(of: str, inputs: Sequence[str]) -> HubSpotError:
    """Return the error for a response that has records and also reports them as missing."""
    return CallRefused(
        f"HubSpot answered with {of} {shortlist(inputs)} and also reports them as missing"
    )


def shortlist(inputs: Sequence[str]) -> str:
    """Return the first few inputs by name, and the number of the others."""
    shown = ", ".join(repr(clean(input_, 80)) for input_ in inputs[:_NAMED])
    more = len(inputs) - _NAMED
    return f"{shown} and {more} more" if more > 0 else shown
