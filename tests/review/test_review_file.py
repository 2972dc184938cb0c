"""The review file: its bytes, its seal, and every reason for which it counts as no review."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from reconcile.model.digest import Hasher, canonical
from reconcile.review.review_file import (
    LIFETIME,
    AllowComment,
    ReviewFile,
    Uncounted,
    Verdict,
    seal,
    verify,
)

KEY = Hasher(b"k" * 32)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REVIEW = ReviewFile(
    repository="acme/shop",
    pull_request=12,
    target="production",
    effects={"order/B-2": "b" * 64, "order/A-1": "a" * 64},
    allowed=[AllowComment(id=5, user="olga", allow="drift=3")],
    head="1" * 40,
    base="2" * 40,
    tree="3" * 40,
    run_id=7,
    run_attempt=1,
    made_at=NOW,
)


def check(data: bytes | None, hasher: Hasher = KEY, **other: Any) -> Verdict:
    """Verify a file for the pull request that it was made for, unless something else is said."""
    usual = {"repository": "acme/shop", "pull_request": 12, "target": "production", "now": NOW}
    return verify(data, hasher, **(usual | other))


def altered(**members: object) -> bytes:
    """Return the file with members changed and the seal as it was."""
    found = json.loads(seal(REVIEW, KEY))
    return json.dumps({**found, "review": {**found["review"], **members}}).encode()


def resealed(**members: object) -> bytes:
    """Return the file with members changed, as a later version with the key would make it."""
    data = {**json.loads(seal(REVIEW, KEY))["review"], **members}
    own = KEY.review_seal(canonical(data, ascii_only=True))
    return canonical({"review": data, "seal": own}, ascii_only=True)


def test_a_sealed_file_counts() -> None:
    """What was sealed is what is read."""
    assert check(seal(REVIEW, KEY)) == Verdict(REVIEW)


def test_the_same_review_has_the_same_bytes() -> None:
    """In whatever order its effects came, and in whatever zone its time was taken."""
    other = REVIEW.model_copy(
        update={
            "effects": dict(reversed(REVIEW.effects.items())),
            "made_at": NOW.astimezone(timezone(timedelta(hours=5))),
        }
    )
    assert seal(other, KEY) == seal(REVIEW, KEY)
    assert seal(REVIEW, KEY).isascii()


def test_names_of_any_script_are_sealed() -> None:
    """A lone surrogate too, which JSON can carry."""
    review = REVIEW.model_copy(update={"effects": {"order/Café": "a" * 64}})
    assert check(seal(review, KEY)).review == review


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"[" * 100_000,
        b"\xff",
        b'{"review": {}, "seal": null}',
        b'{"review": {}, "seal": "\\ud800"}',
        b'{"review": [], "seal": ""}',
        altered(effects={"order/A-1": "c" * 64}),
        altered(pull_request=13),
        altered(more=1),
        altered(made_at="2027-01-01T00:00:00+00:00"),
    ],
    ids=range(13),
)
def test_what_is_forged_or_altered_is_unsealed(data: bytes) -> None:
    """Nothing in it is believed, not even whose it is."""
    assert check(data).why is Uncounted.UNSEALED


def test_another_key_seals_nothing() -> None:
    """A workflow of a branch does not have the key."""
    assert check(seal(REVIEW, Hasher(b"x" * 32))).why is Uncounted.UNSEALED


def test_a_hash_for_another_purpose_is_no_seal() -> None:
    """The key also makes effect digests, over bytes that manifests decide."""
    data = json.loads(seal(REVIEW, KEY))["review"]
    digest = KEY.effect_digest(canonical(data, ascii_only=True))
    forged = canonical({"review": data, "seal": digest}, ascii_only=True)
    assert check(forged).why is Uncounted.UNSEALED


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"repository": "acme/other"}, Uncounted.OTHER_REPOSITORY),
        ({"pull_request": 13}, Uncounted.OTHER_REQUEST),
        ({"target": "staging"}, Uncounted.OTHER_TARGET),
        ({"now": NOW + LIFETIME + timedelta(seconds=1)}, Uncounted.EXPIRED),
        ({"now": NOW - timedelta(minutes=6)}, Uncounted.FROM_THE_FUTURE),
    ],
)
def test_a_file_of_something_else_does_not_count(other: dict[str, Any], why: Uncounted) -> None:
    """Its seal is right, and it is not about this; the text says so."""
    found = check(seal(REVIEW, KEY), **other)
    assert (found.review, found.why) == (None, why)
    assert found.text


def test_a_missing_file_does_not_count() -> None:
    """Where a plan run published nothing."""
    assert check(None).why is Uncounted.MISSING


def test_what_still_counts() -> None:
    """To the last second, with clocks a little apart, and in GitHub's other spelling of a name."""
    data = seal(REVIEW, KEY)
    assert check(data, now=NOW + LIFETIME).review
    assert check(data, now=NOW - timedelta(minutes=4)).review
    assert check(data, repository="Acme/Shop").review


@pytest.mark.parametrize(
    "members", [{"format": 2}, {"more": 1}, {"effects": {"order/A-1": "short"}}, {"run_id": "7"}]
)
def test_a_file_of_another_version_does_not_count(members: dict[str, object]) -> None:
    """Its members may mean something else."""
    assert check(resealed(**members)).why is Uncounted.NEWER


@pytest.mark.parametrize(
    "members",
    [{"head": "main"}, {"pull_request": 0}, {"made_at": NOW.replace(tzinfo=None)}],
    ids=["head", "pull_request", "made_at"],
)
def test_what_cannot_be_reviewed_is_not_made(members: dict[str, Any]) -> None:
    """A mistake of the plan run ends there."""
    with pytest.raises(ValidationError):
        ReviewFile(**(REVIEW.model_dump() | members))
