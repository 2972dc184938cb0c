"""Conservation of reads: an answer speaks of every input, or those it is silent about are asked
for alone.

HubSpot has answered with success and without results (reference §4), and whether a batch read
always names what is missing is known for records (§4) but not for associations. So a record that
is only left out of an answer is never taken for one that is not there.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

from reconcile.errors import ApiError, AuthError, RateLimited, Unreachable
from reconcile.hubspot.error_bodies import ABSENT
from reconcile.hubspot.error_details import clean, together
from reconcile.hubspot.schemas import BatchBody
from reconcile.hubspot.thread_pool import Pool
from reconcile.model.batches import split

Found = TypeVar("Found")

Heard: TypeAlias = tuple[dict[str, Found], Sequence[str]]
"""What a batch's answer says: what it found, and the inputs it is silent about."""

_NAMED = 5
"""Records that an error names before it only counts the rest."""


def conserve(
    pool: Pool,
    inputs: Sequence[str],
    size: int,
    *,
    together: Callable[[Sequence[str]], Heard[Found]],
    alone: Callable[[str], Found | None],
    of: str,
) -> dict[str, Found]:
    """What is found for some inputs, read ``together`` in batches of ``size``.

    Several left open are asked for together once more, and what is still open ``alone``, where
    None says for certain that there is nothing. So each input costs at most one call of its own.
    Raises ApiError, naming the records, where that gives no certainty either; ``of`` says whose
    records they are.
    """
    found, open_ = _in_batches(pool, inputs, size, together)
    if len(open_) > 1:
        more, open_ = _in_batches(pool, open_, size, together)
        found |= more

    def certain(input_: str) -> Found | None:
        try:
            return alone(input_)
        except (AuthError, RateLimited, Unreachable):
            raise
        except ApiError as error:
            raise error.retold(
                f"HubSpot's answer about {of} is incomplete: it leaves out {named(open_)}; "
                f"asked for {named([input_])} alone: {error}",
                hint="nothing is taken for absent on such an answer; try again later",
            ) from error

    answers = zip(open_, pool.map(certain, open_), strict=True)
    return found | {input_: answer for input_, answer in answers if answer is not None}


def _in_batches(
    pool: Pool,
    inputs: Sequence[str],
    size: int,
    together: Callable[[Sequence[str]], Heard[Found]],
) -> Heard[Found]:
    found: dict[str, Found] = {}
    open_: list[str] = []
    for part, silent in pool.map(together, list(split(inputs, size))):
        found |= part
        open_ += silent
    return found, open_


def refuse_failures(answer: BatchBody) -> None:
    """Absence is normal in a batch read; any other error is not, nor is half an answer."""
    if failures := [error for error in answer.errors or () if error.category != ABSENT]:
        reasons = together(error.text for error in failures)
        raise ApiError(
            f"HubSpot cannot read the batch: {reasons}", category=failures[0].category or ""
        )
    if answer.status not in (None, "COMPLETE"):
        raise ApiError(f"HubSpot has not finished the batch: {clean(answer.status or '', 40)}")
    if answer.num_errors and not answer.errors:
        raise ApiError(f"HubSpot reports {answer.num_errors} errors without naming them")


def contradictory(of: str, inputs: Sequence[str]) -> ApiError:
    """The error for an answer that has results for records and says that they are not there."""
    return ApiError(f"HubSpot answered with {of} {named(inputs)} and also that they are not there")


def named(inputs: Sequence[str]) -> str:
    """Records in words, the first few by name."""
    shown = ", ".join(repr(clean(input_, 80)) for input_ in inputs[:_NAMED])
    more = len(inputs) - _NAMED
    return f"{shown} and {more} more" if more > 0 else shown
