"""Questions about scopes and limits that need no deliberate error (reference §2, §3)."""

from reconcile.probing.findings import Found, Skip, Unclear
from reconcile.probing.lab import Lab
from reconcile.probing.needs import KINDS, Need
from reconcile.probing.question import Question

NO_ID = "0"
"""An id that no record has: only the refusal of the call matters."""

SECONDS, MILLISECONDS = 60, 500
"""A Retry-After up to the first is in seconds, from the second on in milliseconds."""

_SKIPPED = "askable only with a second token that may write one object type and not the other"


def _missing_scope(lab: Lab) -> Found:
    if lab.granted is None:
        raise Skip("HubSpot does not list this token's scopes, so no missing one is known")
    lacking = [name for name, kind in KINDS.items() if lab.granted.isdisjoint(kind.read_scopes)]
    others = ("contacts", "companies", "deals", "products")
    lacking += [name for name in others if f"crm.objects.{name}.read" not in lab.granted]
    if not lacking:
        raise Skip("the token lacks no scope that this could be tried with")
    seen = lab.call("GET", lab.routes.record(lacking[0], NO_ID), forbidden=True)
    if seen.status != 403:
        raise Unclear(f"{lacking[0]} without their scope: {seen.summary()}")
    if seen.category == "MISSING_SCOPES":
        return Found("private_app")
    if "do not have permissions" in seen.message and not seen.category:
        return Found("oauth")
    raise Unclear(seen.summary())


def _association_scopes(_: Lab) -> Found:
    raise Skip(_SKIPPED)


def _retry_after(lab: Lab) -> Found:
    if not lab.retry_afters:
        raise Skip("no 429 was received, and none is provoked")
    given = [value for value in lab.retry_afters if value is not None]
    if not given:
        return Found("absent", f"{len(lab.retry_afters)} answers 429")
    detail = f"{len(given)} of {len(lab.retry_afters)} answers 429, first: {given[0]}"
    if not given[0].isdecimal() or SECONDS < int(given[0]) < MILLISECONDS:
        raise Unclear(detail)
    return Found("seconds" if int(given[0]) <= SECONDS else "milliseconds", detail)


def _association_headers(lab: Lab) -> Found:
    """Compare the rate-limit headers of an object call and an association call."""
    lab.call("GET", lab.routes.record("orders", NO_ID))
    objects = _limit(lab)
    if objects is None:
        raise Skip("the account sends no headers about its limit")
    path = lab.routes.association_batch("line_items", "orders", "read")
    seen = lab.call("POST", path, body={"inputs": [{"id": NO_ID}]}, pool="associations")
    associations = _limit(lab)
    detail = f"maximum and remaining of objects {objects}, of associations {associations}"
    if associations is None:
        return Found("absent", detail)
    if associations[0] != objects[0] or associations[1] > objects[1]:
        return Found("own", detail)
    if associations[1] in (objects[1], objects[1] - 1):  # it may count in its own pool only
        return Found("app", detail)
    raise Unclear(f"{detail}, HTTP {seen.status}")


def _limit(lab: Lab) -> tuple[int, int] | None:
    """Return the maximum and remaining calls of the interval from the last headers."""
    found = [lab.headers.get(f"x-hubspot-ratelimit-{name}", "") for name in ("max", "remaining")]
    if not all(text.isdecimal() for text in found):
        return None
    return int(found[0]), int(found[1])


QUESTIONS = (
    Question(
        id="missing-scope-shape",
        section="§2",
        words="Which of the two recorded bodies does a missing scope get?",
        expected="private_app",
        answers={
            "private_app": "a missing scope is a 403 MISSING_SCOPES",
            "oauth": "a missing scope is a 403 without a category",
        },
        switch="missing_scopes_shape",
        settings={
            "private_app": "private_app",
            "oauth": "oauth",
        },
        ask=_missing_scope,
        calls=1,
        rows=("missing-scope", "missing-scope-of-an-oauth-app"),
    ),
    Question(
        id="association-write-scopes",
        section="§2",
        words="Does associating need write access to both object types?",
        expected="both",
        answers={
            "both": "associating needs write access to both types",
            "from": "associating needs write access to the first type",
        },
        switch="association_write_needs",
        settings={
            "both": "both",
            "from": "from",
        },
        ask=_association_scopes,
        calls=0,
        rows=(
            "associating-needs-both-types",
            "associating-needs-the-first-type-with-the-switch",
        ),
    ),
    Question(
        id="association-rate-headers",
        section="§3",
        words="Which limit do the headers of an association call report?",
        expected="own",
        answers={
            "own": "association calls report a limit of their own",
            "app": "association calls report the limit of all calls",
            "absent": "association calls report no limit",
        },
        switch="association_rate_headers",
        settings={
            "own": "own",
            "app": "app",
            "absent": "absent",
        },
        ask=_association_headers,
        calls=2,
        needs=(Need("orders", "read"), Need("line_items", "read")),
    ),
    Question(
        id="retry-after",
        section="§17.9",
        words="Does a 429 carry Retry-After?",
        expected="absent",
        answers={
            "absent": "a 429 has no Retry-After",
            "seconds": "a 429 has a Retry-After in seconds",
            "milliseconds": "a 429 has a Retry-After in milliseconds",
        },
        switch="rate_limit_retry_after",
        settings={
            "absent": "absent",
            "seconds": "seconds",
            "milliseconds": "milliseconds",
        },
        ask=_retry_after,
        calls=0,
    ),
)
