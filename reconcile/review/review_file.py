"""The review file: what a pull request's plan would do, sealed for the merge job. Pure.

A plan run publishes it, and the merge job applies the units whose effect digest is in one that
counts. Any workflow of any branch can publish a file of any name, so a file is evidence only by its
seal, a hash with the state's key: only jobs of the default branch can read that key.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hmac import compare_digest
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from reconcile.model.digest import Hasher, canonical

FORMAT: Final = 1
LIFETIME = timedelta(days=90)
"""As long as GitHub keeps what a run publishes, if nobody has set it otherwise."""
CLOCK_SKEW = timedelta(minutes=5)
"""How far the clocks of two runners may be apart."""
LARGEST = 16 * 1024 * 1024
"""Bytes: more than a plan of 100,000 units needs."""

Hex64 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
ObjectId = Annotated[str, StringConstraints(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
Positive = Annotated[int, Field(gt=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class AllowComment(_Part):
    """A comment that let something in: ``allow`` is NAME=NUMBER, ``user`` who wrote it."""

    id: Positive
    user: str
    allow: str


class ReviewFile(_Part):
    """What one plan run found.

    ``effects`` has the effect digest of each unit by its address. ``head``, ``base`` and ``tree``
    are ids of git: the pull request's commit, that of its base, and the tree that was planned.
    """

    format: Literal[1] = FORMAT
    repository: str
    pull_request: Positive
    target: str
    effects: Mapping[str, Hex64]
    allowed: list[AllowComment] = []
    head: ObjectId
    base: ObjectId
    tree: ObjectId
    run_id: Positive
    run_attempt: Positive
    made_at: AwareDatetime


class Uncounted(StrEnum):
    """Why a review file counts as no review."""

    MISSING = "missing"
    UNSEALED = "unsealed"
    NEWER = "newer"
    OTHER_REPOSITORY = "other repository"
    OTHER_REQUEST = "other pull request"
    OTHER_TARGET = "other target"
    FROM_THE_FUTURE = "from the future"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``review`` is the file if it counts; else ``why`` it does not, and ``text`` says it."""

    review: ReviewFile | None = None
    why: Uncounted | None = None
    text: str = ""


def seal(review: ReviewFile, hasher: Hasher) -> bytes:
    """Return the file's bytes: canonical JSON of the review with its seal.

    The same review has the same bytes. ``hasher`` has the state's key.
    """
    data = review.model_dump(mode="json")
    data["made_at"] = review.made_at.astimezone(UTC).isoformat(timespec="seconds")
    return canonical({"review": data, "seal": _seal(data, hasher)}, ascii_only=True)


def verify(
    data: bytes | None,
    hasher: Hasher,
    *,
    repository: str,
    pull_request: int,
    target: str,
    now: datetime,
    lifetime: timedelta = LIFETIME,
) -> Verdict:
    """Return the review if the file counts for a pull request and a target, else why it does not.

    Nothing of the file is believed before its seal is. ``data`` is None where there is no file.
    """
    if data is None:
        return _not(Uncounted.MISSING, "there is no review file")
    found = _sealed(data, hasher)
    if found is None:
        return _not(Uncounted.UNSEALED, "the review file has no seal of this project's key")
    if found.get("format") != FORMAT:
        return _not(Uncounted.NEWER, "the review file was made by another version of reconcile")
    try:
        review = ReviewFile.model_validate_json(json.dumps(found))
    except ValidationError:
        return _not(Uncounted.NEWER, "the review file was made by another version of reconcile")
    if review.repository.lower() != repository.lower():
        return _not(Uncounted.OTHER_REPOSITORY, "the review file is of another repository")
    if review.pull_request != pull_request:
        text = f"the review file is of pull request {review.pull_request}"
        return _not(Uncounted.OTHER_REQUEST, text)
    if review.target != target:
        return _not(Uncounted.OTHER_TARGET, "the review file is of another target")
    if review.made_at > now + CLOCK_SKEW:
        return _not(Uncounted.FROM_THE_FUTURE, "the review file is from the future")
    if review.made_at + lifetime < now:
        text = f"the review file is older than {lifetime.days} days"
        return _not(Uncounted.EXPIRED, text)
    return Verdict(review)


def _sealed(data: bytes, hasher: Hasher) -> Mapping[str, object] | None:
    """Return the sealed part of a file, None if it is not as its seal says."""
    if len(data) > LARGEST:
        return None
    try:
        outer = json.loads(data)
        found, given = outer["review"], outer["seal"]
        own = _seal(found, hasher)
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    same = isinstance(given, str) and compare_digest(given.encode("utf-8", "replace"), own.encode())
    return found if same and isinstance(found, dict) else None


def _seal(data: object, hasher: Hasher) -> str:
    return hasher.review_seal(canonical(data, ascii_only=True))


def _not(why: Uncounted, text: str) -> Verdict:
    return Verdict(why=why, text=text)
