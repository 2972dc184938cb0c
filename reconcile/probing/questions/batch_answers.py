"""Questions about batches: partial success, merged ids, order of results (reference §4, §6, §8)."""

from reconcile.hubspot.routes import Routes
from reconcile.probing.findings import Found, NotMade, Skip, Unclear
from reconcile.probing.lab import DEFINED, MARK, Lab
from reconcile.probing.needs import to_define, to_write
from reconcile.probing.question import Question
from reconcile.probing.raw_calls import READS
from reconcile.probing.raw_response import RawResponse

NOT_A_NUMBER = "not a number"
MERGING = "2026-03"
"""The version of the API that merges orders; v3 does not (reference §1)."""


def _traced_update(lab: Lab) -> Found:
    good, bad = lab.make("orders"), lab.make("orders")
    mark, trace = lab.unique_text(), lab.unique_text()
    inputs = [
        {"id": good, "properties": {MARK: mark}, "objectWriteTraceId": mark},
        {"id": bad, "properties": {"hs_tax": NOT_A_NUMBER}, "objectWriteTraceId": trace},
    ]
    seen = lab.call("POST", lab.routes.batch("orders", "update"), body={"inputs": inputs})
    if seen.status == 400:
        return Found("refused", seen.summary())
    if not seen.ok or [result.id for result in seen.results] != [good] or len(seen.errors) != 1:
        raise Unclear(seen.shape() if seen.ok else seen.summary())
    lab.read_visible("orders", good, [], mark)
    named = seen.errors[0].named("objectWriteTraceId") == (trace,)
    return Found("rescued" if named else "unnamed", seen.shape())


def merge_two(lab: Lab) -> tuple[str, str]:
    """Merge two orders of ours; return a former id, and the id of the merged record.

    It takes 3 calls, and up to ``READS`` until the merge is visible.
    """
    one, other = lab.make("orders"), lab.make("orders")
    body = {"primaryObjectId": one, "objectIdToMerge": other}
    path = f"{Routes(MERGING).objects('orders')}/merge"
    seen = lab.call("POST", path, body=body, repeatable=False)
    if not seen.ok:
        raise Skip(f"orders cannot be merged here: {seen.summary()}")
    if not seen.id:
        raise Unclear(seen.shape())
    lab.inventory.add("orders", seen.id)
    for former in {one, other} - {seen.id}:
        lab.inventory.removed("orders", former)
    former = other if seen.id == one else one
    into = lab.until(lambda: lab.get("orders", former), lambda got: got.id == seen.id)
    if into.id != seen.id:
        raise Unclear(
            f"a read of the former id does not lead to the merged record: {into.summary()}"
        )
    return former, seen.id


def _merged(lab: Lab) -> Found:
    former, merged = merge_two(lab)

    def read() -> RawResponse:
        inputs = {"inputs": [{"id": former}], "properties": []}
        return lab.call("POST", lab.routes.batch("orders", "read"), body=inputs)

    answer = lab.until(read, lambda seen: bool(seen.results))
    if not answer.ok:
        raise Unclear(answer.summary())
    if [result.id for result in answer.results] == [merged]:
        return Found("follows")
    if answer.results:
        raise Unclear(answer.shape())
    return Found("missing", answer.shape())


def _line_upsert(lab: Lab) -> Found:
    try:
        key = lab.key("line_items")
    except NotMade as refused:
        raise Skip(f"line items have no key to upsert by: {refused}") from None
    good, bad = lab.unique_text(), lab.unique_text()
    by_value = {good: {"quantity": "1"}, bad: {"price": NOT_A_NUMBER}}
    seen = lab.upsert("line_items", key, by_value, echo=True)
    if seen.status == 400:
        return Found("refused", seen.summary())
    shape = seen.shape() if seen.ok else seen.summary()
    if not seen.ok or len(seen.results) != 1 or len(seen.errors) != 1:
        raise Unclear(shape)
    if seen.status != 207:
        return Found("in-the-body", shape)
    if seen.errors[0].named("objectWriteTraceId") != (bad,):
        return Found("unnamed", shape)
    return Found("named", shape)


def _upsert_order(lab: Lab) -> Found:
    key = lab.key("orders")
    values = [lab.unique_text() for _ in range(5)]
    seen = lab.upsert("orders", key, {value: {} for value in values}, echo=True)
    came = [result.properties.get(key) for result in seen.results]
    if sorted(map(str, came)) != sorted(values):
        raise Unclear(seen.shape() if seen.ok else seen.summary())
    if came == values:
        raise Unclear("this once, five results came in the order of the inputs; do not rely on it")
    return Found("other", f"inputs 1 to 5 came back as {', '.join(_places(values, came))}")


def _places(values: list[str], came: list[object]) -> list[str]:
    return [str(values.index(str(value)) + 1) for value in came]


QUESTIONS = (
    Question(
        id="update-trace-ids",
        section="§17.1",
        words="Do trace ids let a batch update's valid inputs through beside an invalid one?",
        expected="refused",
        answers={
            "refused": "an invalid value refuses a whole batch update, trace ids or not",
            "rescued": "with trace ids an invalid input of a batch update fails alone",
            "unnamed": (
                "with trace ids an invalid input of a batch update fails alone, and the error "
                "does not name its trace id"
            ),
        },
        switch="trace_ids_rescue_batch_update",
        settings={
            "refused": False,
            "rescued": True,
        },
        ask=_traced_update,
        calls=3 + READS,
        needs=to_write("orders"),
        rows=("batch-update-validation-is-400", "trace-ids-rescue-batch-update-with-the-switch"),
    ),
    Question(
        id="batch-read-of-merged",
        section="§17.4",
        words="What does a batch read answer for the former id of a merged record?",
        expected="follows",
        answers={
            "follows": "a batch read of a merged id gives the record it became",
            "missing": "a batch read does not find a merged id",
        },
        switch="batch_read_follows_merges",
        settings={
            "follows": True,
            "missing": False,
        },
        ask=_merged,
        calls=3 + 2 * READS,
        needs=to_write("orders"),
        rows=("merge-makes-a-new-record", "merged-not-in-batch-read-with-the-switch"),
    ),
    Question(
        id="line-item-upsert-207",
        section="§17.8",
        words="How does an upsert of line items answer when one input is invalid?",
        expected="named",
        answers={
            "named": "an upsert of line items is a 207 that names the bad input's trace id",
            "unnamed": "the 207 of a line item upsert does not name the bad trace id",
            "in-the-body": "a line item upsert that fails in part is not a 207",
            "refused": "one invalid line item refuses the whole upsert, trace ids or not",
        },
        ask=_line_upsert,
        calls=DEFINED + 1,
        needs=to_define("line_items"),
        rows=("upsert-partial-success", "line-item-upsert"),
    ),
    Question(
        id="upsert-result-order",
        section="§4",
        words="Do the results of an upsert come in the order of its inputs?",
        expected="other",
        answers={
            "other": "the results of an upsert come in an order of their own",
        },
        ask=_upsert_order,
        calls=DEFINED + 1,
        needs=to_define("orders"),
        rows=("results-are-not-in-input-order",),
    ),
)
