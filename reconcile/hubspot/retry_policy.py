"""Decide what to do about a failed attempt: retry after a wait, or raise. Pure.

Facts: reference §3, "Status codes" and "Rate limits".
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from reconcile.errors import Ambiguous, HubSpotError, Unreachable
from reconcile.hubspot.connection import NoReply, NotSent, Reply
from reconcile.hubspot.error_bodies import Refusal, error_from
from reconcile.model.printable import clean

MAX_RETRY_AFTER = 60.0
"""Seconds. Sources disagree whether Retry-After is in seconds or milliseconds; this is a bound."""

LOCKED = 2.0
SECONDLY = 1.0
ROLLING = 10.0

_TRANSIENT = frozenset({408, 500, 502, 503, 504, 520, 521, 523, 524})


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do after an attempt that did not succeed.

    ``wait`` is the seconds before the next attempt; None means no retry, and ``error`` is raised.
    ``in_doubt`` says that the attempt may have been carried out; ``connecting`` that it failed
    while connecting.
    """

    error: HubSpotError
    wait: float | None = None
    in_doubt: bool = False
    connecting: bool = False


def decide(
    outcome: Reply | NotSent | NoReply, *, repeatable: bool, attempt: int, resets: str
) -> Decision:
    """Return what to do after a failure, or a status of 300 and above.

    A call that may have been carried out is retried only if it is ``repeatable``; otherwise its
    error is Ambiguous. ``attempt`` counts from 1. ``resets`` says when the daily limit resets.
    """
    match outcome:
        case NotSent():
            message = f"HubSpot cannot be reached: {clean(str(outcome))}"
            cannot = Unreachable(message, hint=outcome.hint)
            wait = None if outcome.permanent else backoff(attempt)
            return Decision(cannot, wait, connecting=True)
        case NoReply():
            kind = Unreachable if repeatable else Ambiguous
            error = kind(f"no usable answer: {clean(str(outcome))}", status=outcome.status)
            again = repeatable and not outcome.permanent
            wait = backoff(attempt) if again else None
            return Decision(error, wait, in_doubt=True, connecting=outcome.connecting)
        case Reply():
            return _decide_refusal(outcome, repeatable=repeatable, attempt=attempt, resets=resets)


def _decide_refusal(reply: Reply, *, repeatable: bool, attempt: int, resets: str) -> Decision:
    """Return what to do after a status of 300 and above.

    After 429 and 423 the call was certainly not carried out, so even a create is retried. After
    5xx it may have been, and after 3xx too, which does not come from HubSpot's API.
    """
    refusal = Refusal.read(reply.status, reply.headers, reply.body)
    error = error_from(refusal, reply.headers, resets)
    after = retry_after(reply.headers)
    match refusal.status:
        case 429 if refusal.is_daily:
            return Decision(error)
        case 429:
            return Decision(error, _limited(refusal, reply.headers) if after is None else after)
        case 423:
            return Decision(error, max(LOCKED, after or 0.0))
        case status if status in _TRANSIENT or not 400 <= status < 500:
            wait = max(backoff(attempt), after or 0.0)
            again = repeatable and status in _TRANSIENT
            kind = Unreachable if repeatable else Ambiguous
            return Decision(_unanswered(error, kind), wait if again else None, in_doubt=True)
        case _:
            return Decision(error)


def backoff(attempt: int) -> float:
    """Return seconds to wait after the ``attempt``-th failure: 1, 2, 4 ... 30, with jitter."""
    return min(30.0, 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.0)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the Retry-After header in seconds, within bounds; None if absent or a date."""
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


def _unanswered(error: HubSpotError, kind: type[HubSpotError]) -> HubSpotError:
    """Return a refusal that does not say what was done as an error of this kind."""
    return kind(
        str(error),
        status=error.status,
        category=error.category,
        correlation_id=error.correlation_id,
        hint=error.hint,
    )
