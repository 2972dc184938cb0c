"""Questions about single records and pipelines: reads, deletes, no-ops (reference §1, §6-§10)."""

from collections.abc import Callable

from reconcile.probing.findings import Found, Skip, Unclear
from reconcile.probing.lab import Lab
from reconcile.probing.needs import Need, to_write
from reconcile.probing.question import Question
from reconcile.probing.raw_calls import READS
from reconcile.probing.raw_response import RawResponse

UNSET = "hs_order_note"
HOME = "hs_homecurrency_amount"
PIPELINE = "14a2e10e-5471-408a-906e-c51f3b04369e"
STAGES = frozenset(
    {
        "4b27b500-f031-4927-9811-68a0b525cbae",
        "937ea84d-0a4f-4dcf-9028-3f9c2aafbf03",
        "aa99e8d0-c1d5-4071-b915-d240bbb1aed9",
        "3725360f-519b-4b18-a593-494d60a29c9f",
        "3c85a297-e9ce-400b-b42e-9f16853d69d6",
    }
)
"""The default order pipeline, the same in six unrelated accounts (reference §10)."""

RECALCULATION = 2.0
"""Seconds between two reads of updatedAt: HubSpot recalculates after a create (reference §6)."""


def _requested(name_of: Callable[[Lab], str]) -> Callable[[Lab], Found]:
    """Return a question's ``ask``: how reads show a requested name without a value."""

    def ask(lab: Lab) -> Found:
        order, name = lab.make("orders"), name_of(lab)
        seen = lab.until(lambda: lab.get("orders", order, [name]), lambda got: got.status != 404)
        body = {"inputs": [{"id": order}], "properties": [name]}
        batch = lab.call("POST", lab.routes.batch("orders", "read"), body=body)
        alone = _shown(seen, name, [seen])
        together = _shown(batch, name, batch.results)
        if alone == together:
            return Found(alone)
        return Found("mixed", f"single read {alone}, batch read {together}")

    return ask


def _shown(seen: RawResponse, name: str, found: list[RawResponse]) -> str:
    if seen.status == 400:
        return "refused"
    if not seen.ok or not found:
        raise Unclear(seen.summary())
    properties = found[0].properties
    if name not in properties:
        return "absent"
    if properties[name] is None:
        return "null"
    if properties[name] == "":
        return "empty"
    raise Unclear("a property that was never set has a value")


def _noop(lab: Lab) -> Found:
    order = lab.make("orders", {"hs_tags": "probe"})
    before = lab.read_visible("orders", order, ["hs_tags"])
    for _ in range(READS):
        lab.pause(RECALCULATION)
        again = lab.get("orders", order)
        stable, before = again.body.get("updatedAt") == before.body.get("updatedAt"), again
        if stable:
            break
    else:
        raise Unclear("updatedAt does not become stable after a create")
    body = {"properties": {"hs_tags": "probe"}}
    seen = lab.call("PATCH", lab.routes.record("orders", order), body=body)
    lab.pause(RECALCULATION)
    after = lab.get("orders", order)
    if not seen.ok or not after.ok:
        raise Unclear(seen.summary() if not seen.ok else after.summary())
    times = [one.body.get("updatedAt") for one in (before, seen, after)]
    detail = "before, in the answer and after: " + ", ".join(map(str, times))
    return Found("unchanged" if times[0] == times[2] else "moved", detail)


def _priced(lab: Lab) -> RawResponse:
    """Create an order that has an amount in the home currency."""
    currency = {"hs_currency_code": lab.currency} if lab.currency else {}
    made = lab.create_raw("orders", {"hs_total_price": "10", **currency})
    if not made.ok:
        raise Unclear(made.summary())
    return made


def _drift(lab: Lab) -> Found:
    made = _priced(lab)
    lab.pause(RECALCULATION)
    later = lab.read_visible("orders", made.id, [])
    times = [one.body.get("updatedAt") for one in (made, later)]
    detail = f"in the answer {times[0]}, later {times[1]}"
    return Found("still" if times[0] == times[1] else "drifts", detail)


def _home_currency(lab: Lab) -> Found:
    made = _priced(lab)
    if made.properties.get(HOME):
        return Found("at-once")
    seen = lab.until(lambda: lab.get("orders", made.id, [HOME]), lambda got: _has(got, HOME))
    if _has(seen, HOME):
        return Found("later")
    raise Unclear(f"{HOME} does not appear")


def _has(seen: RawResponse, name: str) -> bool:
    return bool(seen.properties.get(name))


def _foreign_delete(lab: Lab) -> Found:
    order = lab.make("orders")
    lab.read_visible("orders", order, [])
    for archived in ("false", "true"):
        path = lab.routes.record("carts", order)
        if lab.call("GET", path, params={"archived": archived}).status != 404:
            raise Skip("a cart has the id of our order; it is left alone")
    seen = lab.call("DELETE", lab.routes.record("carts", order))
    after = lab.get("orders", order)
    if after.status == 404:
        return Found("archives", seen.summary())
    if not after.ok:
        raise Unclear(after.summary())
    if seen.status == 204:
        return Found("204")
    if seen.status == 404:
        return Found("404", seen.summary())
    raise Unclear(seen.summary())


def _not_found(lab: Lab) -> Found:
    order = lab.make("orders")
    lab.archive("orders", order)
    seen = lab.get("orders", order)
    if seen.status != 404:
        raise Unclear(seen.summary())
    if not seen.category:
        return Found("bare", seen.summary())
    if seen.category == "OBJECT_NOT_FOUND":
        return Found("category")
    raise Unclear(seen.summary())


def _pipelines(lab: Lab) -> Found:
    lab.spend()
    found = {one.id: frozenset(one.stages) for one in lab.hubspot.definitions.pipelines("orders")}
    if PIPELINE not in found:
        return Found("other", f"{len(found)} pipelines, none with the known id")
    lacking = len(STAGES - found[PIPELINE])
    return Found("other", f"{lacking} of its 5 stages are missing") if lacking else Found("known")


def _requested_question(
    id_: str, words: str, what: str, name_of: Callable[[Lab], str], *, expected: str
) -> Question:
    return Question(
        id=id_,
        section="§1",
        words=words,
        expected=expected,
        answers={
            "null": f"a requested {what} is null",
            "absent": f"a requested {what} is left out silently",
            "empty": f'a requested {what} is ""',
            "refused": f"requesting a {what} is refused",
            "mixed": f"it depends on the endpoint what a {what} reads as",
        },
        ask=_requested(name_of),
        calls=2 + READS,
        needs=to_write("orders"),
        rows=("unset-is-null-and-undefined-is-left-out",),
    )


QUESTIONS = (
    _requested_question(
        "unset-reads-null",
        "Is a requested property that was never set null?",
        "property that was never set",
        lambda _: UNSET,
        expected="null",
    ),
    _requested_question(
        "undefined-name-omitted",
        "Is a requested name that is not defined left out silently?",
        "name that is not defined",
        lambda lab: f"{lab.prefix}_undefined",
        expected="absent",
    ),
    Question(
        id="noop-updated-at",
        section="§6",
        words="Does a write that changes nothing move updatedAt?",
        expected="unchanged",
        answers={
            "unchanged": "a write that changes nothing leaves updatedAt alone",
            "moved": "a write that changes nothing moves updatedAt",
        },
        ask=_noop,
        calls=3 + 2 * READS,
        needs=to_write("orders"),
        rows=("no-op-keeps-updated-at",),
    ),
    Question(
        id="updated-at-drift",
        section="§6",
        words="Does updatedAt move by itself after a create?",
        expected="drifts",
        answers={
            "still": "updatedAt stays as it is after a create",
            "drifts": "updatedAt moves by itself after a create",
        },
        switch="updated_at_drifts",
        settings={
            "still": False,
            "drifts": True,
        },
        ask=_drift,
        calls=1 + READS,
        needs=to_write("orders"),
    ),
    Question(
        id="home-currency",
        section="§12",
        words="Has the answer to a write the amount in the home currency already?",
        expected="at-once",
        answers={
            "at-once": "a write's answer has the amount in the home currency",
            "later": "the amount in the home currency appears after the write",
        },
        switch="home_currency_comes_later",
        settings={
            "at-once": False,
            "later": True,
        },
        ask=_home_currency,
        calls=1 + READS,
        needs=to_write("orders"),
    ),
    Question(
        id="foreign-delete",
        section="§17.10",
        words="What does DELETE do with the id of another object type's record?",
        expected="204",
        answers={
            "204": "DELETE of another type's id answers 204 and does nothing",
            "404": "DELETE of another type's id answers 404",
            "archives": "DELETE of another type's id archives that record",
        },
        ask=_foreign_delete,
        calls=5 + READS,
        needs=to_write("orders", "carts"),
        rows=("delete-of-nothing-is-204",),
    ),
    Question(
        id="not-found-category",
        section="§3",
        words="Does a 404 for a record carry a category?",
        expected="category",
        answers={
            "category": "a 404 for a record carries OBJECT_NOT_FOUND",
            "bare": "a 404 for a record carries no category",
        },
        switch="not_found_has_category",
        settings={
            "category": True,
            "bare": False,
        },
        ask=_not_found,
        calls=3 + READS,
        needs=to_write("orders"),
        rows=("not-found", "not-found-without-category-with-the-switch"),
    ),
    Question(
        id="default-pipeline",
        section="§10",
        words="Does the default order pipeline have the known ids?",
        expected="known",
        answers={
            "known": "the default order pipeline and its five stages have the known ids",
            "other": "the default order pipeline has other ids",
        },
        ask=_pipelines,
        calls=1,
        needs=(Need("orders", "pipelines"),),
        rows=("default-order-pipeline",),
    ),
)
