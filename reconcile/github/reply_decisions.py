"""Decide what to do about a failed call to GitHub: repeat it after a wait, or raise. Pure.

Facts, from docs.github.com/rest/using-the-rest-api:

- "Rate limits for the REST API": beyond the primary limit, 403 or 429 with
  ``x-ratelimit-remaining: 0``, until ``x-ratelimit-reset`` (seconds since 1970). Beyond a secondary
  limit, 403 or 429 with a message that says so; wait ``retry-after`` seconds, or a minute without
  that header.
- "Troubleshooting the REST API": 404 in place of 403 for a private repository that the token may
  not see; 403 "Resource not accessible by integration" (or "by personal access token") where the
  token lacks a permission; 401 "Bad credentials".
- "Best practices": a renamed repository is answered with a redirect.
"""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from reconcile.errors import GitHubError, GitHubRefused, GitHubUnavailable
from reconcile.hubspot.connection import NoReply, NotSent, Reply
from reconcile.model.printable import clean

MAX_WAIT = 90.0
"""Most seconds to wait for a secondary limit: a little over what GitHub's documentation asks."""
_MINUTE = 60.0
_TRANSIENT = frozenset({500, 502, 503, 504})
_LONGEST = 300

NO_PLAN = "upgrade to github"
"""Part of GitHub's message where a repository's plan lacks a feature: "Upgrade to GitHub Pro or
make this repository public to enable this feature." (403)."""


@dataclass(frozen=True, slots=True)
class Decision:
    """``wait`` is the seconds before the next attempt; None means that ``error`` is raised."""

    error: GitHubError
    wait: float | None = None


class _ErrorBody(BaseModel):
    """``basic-error`` and ``validation-error`` of GitHub's OpenAPI description."""

    model_config = ConfigDict(extra="ignore")

    message: str = ""
    errors: list[object] = []


def decide(
    outcome: Reply | NotSent | NoReply,
    *,
    repeatable: bool,
    attempt: int,
    now: float,
    needs: str,
    variable: str,
) -> Decision:
    """Return what to do about a failure, or a status of 300 and above.

    A call that may have been carried out is repeated only if it is ``repeatable``. ``attempt``
    counts from 1, ``now`` is in seconds since 1970, ``needs`` names the permission that the call
    needs, and ``variable`` the one that the token is from.
    """
    match outcome:
        case NotSent():
            error = GitHubUnavailable(
                f"GitHub cannot be reached: {clean(str(outcome))}", hint=outcome.hint
            )
            return Decision(error, None if outcome.permanent else _backoff(attempt))
        case NoReply():
            text = f"no usable answer from GitHub: {clean(str(outcome))}"
            again = repeatable and not outcome.permanent
            error = GitHubUnavailable(text, status=outcome.status)
            return Decision(error, _backoff(attempt) if again else None)
        case Reply():
            reason = _reason(outcome.body)
            limited = _limited(outcome, reason, now)
            if limited is not None:
                return limited
            wait = _backoff(attempt) if repeatable and outcome.status in _TRANSIENT else None
            return Decision(_refusal(outcome.status, reason, needs, variable), wait)


def _refusal(status: int, reason: str, needs: str, variable: str) -> GitHubError:
    said = f"{status} {reason}".strip()
    if status >= 500:
        return GitHubUnavailable(f"GitHub failed: {said}", status=status)
    if status == 401:
        wrong = f"GitHub does not accept the token in {variable}: {said}"
        hint = "it may have expired or been revoked; a job's own token ends with the job"
        return GitHubUnavailable(wrong, status=status, hint=hint)
    hint = _hint(status, reason, needs)
    return GitHubRefused(f"GitHub refused: {said}", status=status, reason=reason, hint=hint)


def _hint(status: int, reason: str, needs: str) -> str:
    if 300 <= status < 400:
        return "the repository was renamed or moved: use its present name"
    if status == 404:
        return f"check the names; without {needs}, GitHub answers as if it did not exist"
    if status == 403 and NO_PLAN not in reason.lower():
        return (
            f"the token needs {needs}: in a workflow, add it to the job's `permissions:`; "
            "for a fine-grained token, to its repository permissions"
        )
    return ""


def _limited(reply: Reply, reason: str, now: float) -> Decision | None:
    """Return what to do about a rate limit, None if the refusal is about something else."""
    if reply.status not in (403, 429):
        return None
    headers = reply.headers
    after = _number(headers.get("retry-after"))
    if after is None and "secondary rate limit" in reason.lower():
        after = _MINUTE
    if after is not None and headers.get("x-ratelimit-remaining") != "0":
        error = GitHubUnavailable(
            f"GitHub's secondary rate limit is exceeded: {reply.status} {reason}".strip(),
            status=reply.status,
            hint=f"wait {after:.0f} s and run it again",
        )
        return Decision(error, after if after <= MAX_WAIT else None)
    if headers.get("x-ratelimit-remaining") != "0":
        return None
    resets = _number(headers.get("x-ratelimit-reset"))
    text = "GitHub's rate limit is used up"
    if resets is None:
        return Decision(GitHubUnavailable(text, status=reply.status))
    wait = max(resets - now, 1.0)
    at = datetime.fromtimestamp(now + wait, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    error = GitHubUnavailable(text, status=reply.status, hint=f"it resets at {at}")
    return Decision(error, wait if wait <= MAX_WAIT else None)


def _number(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else None


def _reason(body: bytes) -> str:
    """Return GitHub's message as one printable line; empty if the body is something else."""
    try:
        found = _ErrorBody.model_validate(json.loads(body))
    except (ValueError, ValidationError, RecursionError):
        return ""
    details = [_detail(one) for one in found.errors[:3]]
    return clean(": ".join(filter(None, (found.message, "; ".join(details)))), _LONGEST)


def _detail(error: object) -> str:
    if isinstance(error, Mapping):
        words = (str(error.get(name) or "") for name in ("field", "message", "code"))
        return " ".join(filter(None, words))
    return str(error)


def _backoff(attempt: int) -> float:
    """Return seconds to wait after the ``attempt``-th failure: 1, 2, 4, with jitter."""
    return min(8.0, 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.0)
