"""What to do about an answer: take it, wait and ask again, or stop. Decides; does nothing.

Facts: reference §3, "Status codes" and "Rate limits".
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from reconcile.hubspot.refusals import Refusal

MAX_RETRY_AFTER = 60.0
"""Sources disagree whether Retry-After means seconds or milliseconds; this bounds the error."""

LOCKED = 2.0
SECONDLY = 1.0
ROLLING = 10.0

_PASSING = frozenset({408, 500, 502, 503, 504, 520, 521, 523, 524})


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask again after ``seconds``. ``clean`` says that the answer proves nothing was done."""

    seconds: float
    clean: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """Do not ask again. ``unclear`` says that the call may have been carried out."""

    unclear: bool


def backoff(attempt: int) -> float:
    """Seconds before the next attempt after the ``attempt``-th failure: 1, 2, 4 ... 30, spread."""
    return min(30.0, 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.0)


def decide(
    refusal: Refusal, headers: Mapping[str, str], *, repeatable: bool, attempt: int
) -> Wait | Stop:
    """Judge a status of 300 and above.

    429 and 423 are never counted as carried out, so even a create is sent again after them. After
    a 5xx nobody knows, so only calls that are safe to repeat are.
    """
    after = retry_after(headers)
    match refusal.status:
        case 429 if refusal.is_daily:
            return Stop(unclear=False)
        case 429:
            return Wait(_limited(refusal, headers) if after is None else after, clean=True)
        case 423:
            return Wait(max(LOCKED, after or 0.0), clean=True)
        case status if status in _PASSING:
            if not repeatable:
                return Stop(unclear=True)
            return Wait(max(backoff(attempt), after or 0.0), clean=False)
        case status:
            # A 3xx comes from something that is not HubSpot's API: nobody knows what it did.
            return Stop(unclear=status < 400 or status >= 500)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The Retry-After header in seconds, bounded; None where absent or a date."""
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return min(seconds, MAX_RETRY_AFTER) if seconds >= 0 else None


def _limited(refusal: Refusal, headers: Mapping[str, str]) -> float:
    if refusal.is_secondly:
        return SECONDLY
    interval = headers.get("x-hubspot-ratelimit-interval-milliseconds", "")
    if interval.isascii() and interval.isdigit():
        return min(int(interval) / 1000, MAX_RETRY_AFTER) or ROLLING
    return ROLLING
