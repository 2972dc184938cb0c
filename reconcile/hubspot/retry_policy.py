"""What to do about an answer: take it, wait and ask again, or stop. Decides; does nothing.

Facts: reference §3, "Status codes" and "Rate limits".
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from reconcile.errors import Ambiguous, ApiError, Unreachable
from reconcile.hubspot.connection import NoReply, NotSent, Reply
from reconcile.hubspot.error_bodies import Refusal, errors_from
from reconcile.hubspot.error_details import clean

MAX_RETRY_AFTER = 60.0
"""Sources disagree whether Retry-After means seconds or milliseconds; this bounds the error."""

LOCKED = 2.0
SECONDLY = 1.0
ROLLING = 10.0

_PASSING = frozenset({408, 500, 502, 503, 504, 520, 521, 523, 524})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is made of an attempt that did not succeed.

    ``error`` is what to raise where nothing more is done. ``wait`` are the seconds after which to
    ask again, None for not at all. ``in_doubt`` says that the attempt may have been carried out.
    """

    error: ApiError
    wait: float | None = None
    in_doubt: bool = False


def judge(
    outcome: Reply | NotSent | NoReply, *, repeatable: bool, attempt: int, resets: str
) -> Verdict:
    """Judge a failure, or a status of 300 and above.

    What may have been carried out is repeated only where the call is ``repeatable``; else it is
    Ambiguous. ``resets`` says when the daily limit starts anew.
    """
    match outcome:
        case NotSent():
            message = f"HubSpot cannot be reached: {clean(str(outcome))}"
            cannot = Unreachable(message, hint=outcome.hint)
            return Verdict(cannot, None if outcome.hopeless else backoff(attempt))
        case NoReply():
            kind = Unreachable if repeatable else Ambiguous
            error = kind(f"no usable answer: {clean(str(outcome))}", status=outcome.status)
            again = repeatable and not outcome.hopeless
            return Verdict(error, backoff(attempt) if again else None, in_doubt=True)
        case Reply():
            return _judge_refusal(outcome, repeatable=repeatable, attempt=attempt, resets=resets)


def _judge_refusal(reply: Reply, *, repeatable: bool, attempt: int, resets: str) -> Verdict:
    """429 and 423 are never counted as carried out, so even a create is sent again after them.

    After a 5xx nobody knows; nor after a 3xx, which comes from something that is not HubSpot's API.
    """
    refusal = Refusal.read(reply.status, reply.headers, reply.body)
    error = errors_from(refusal, reply.headers, resets)
    after = retry_after(reply.headers)
    match refusal.status:
        case 429 if refusal.is_daily:
            return Verdict(error)
        case 429:
            return Verdict(error, _limited(refusal, reply.headers) if after is None else after)
        case 423:
            return Verdict(error, max(LOCKED, after or 0.0))
        case status if status in _PASSING or not 400 <= status < 500:
            wait = max(backoff(attempt), after or 0.0)
            again = repeatable and status in _PASSING
            kind = Unreachable if repeatable else Ambiguous
            return Verdict(_unanswered(error, kind), wait if again else None, in_doubt=True)
        case _:
            return Verdict(error)


def backoff(attempt: int) -> float:
    """Seconds before the next attempt after the ``attempt``-th failure: 1, 2, 4 ... 30, spread."""
    return min(30.0, 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.0)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The Retry-After header in seconds, within bounds; None where absent or a date."""
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return min(max(seconds, SECONDLY), MAX_RETRY_AFTER) if seconds >= 0 else None


def _limited(refusal: Refusal, headers: Mapping[str, str]) -> float:
    if refusal.is_secondly:
        return SECONDLY
    interval = headers.get("x-hubspot-ratelimit-interval-milliseconds", "")
    if interval.isascii() and interval.isdigit():
        return min(int(interval) / 1000, MAX_RETRY_AFTER) or ROLLING
    return ROLLING


def _unanswered(error: ApiError, kind: type[ApiError]) -> ApiError:
    """A refusal that says nothing about what was done is as good as no answer."""
    return kind(
        str(error),
        status=error.status,
        category=error.category,
        correlation_id=error.correlation_id,
        hint=error.hint,
    )
