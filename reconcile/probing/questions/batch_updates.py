"""Questions about batch updates of missing records, and archives of associations (ref §18)."""

from reconcile.hubspot.routes import Routes
from reconcile.probing.findings import Found, Unclear
from reconcile.probing.lab import MARK, Lab
from reconcile.probing.needs import to_write
from reconcile.probing.question import Question
from reconcile.probing.questions.batch_answers import merge_two
from reconcile.probing.raw_calls import READS
from reconcile.probing.raw_response import RawResponse

_DATED = "2026-03"


def _update(lab: Lab, *ids: str) -> tuple[RawResponse, list[str]]:
    """Update orders by id; return the response, and the trace id of each."""
    traces = [lab.unique_text() for _ in ids]
    inputs = [
        {"id": id_, "properties": {MARK: trace}, "objectWriteTraceId": trace}
        for id_, trace in zip(ids, traces, strict=True)
    ]
    body = {"inputs": inputs}
    return lab.call("POST", lab.routes.batch("orders", "update"), body=body), traces


def _missing(lab: Lab) -> Found:
    ids = [lab.make("orders") for _ in range(2)]
    for id_ in ids:
        lab.archive("orders", id_)
    seen, traces = _update(lab, *ids)
    if not seen.ok or seen.results or not seen.errors:
        raise Unclear(seen.shape() if seen.ok else seen.summary())
    named = [error.named("objectWriteTraceId") for error in seen.errors]
    if not any(named):
        return Found("untraced", seen.shape())
    if sorted(trace for several in named for trace in several) != sorted(traces):
        raise Unclear(seen.shape())
    return Found("each" if len(named) == len(ids) else "together", seen.shape())


def _merged(lab: Lab) -> Found:
    former, _ = merge_two(lab)
    seen, _ = _update(lab, former)
    if not seen.ok or seen.results:
        raise Unclear(seen.shape() if seen.ok else seen.summary())
    return Found("not-found" if seen.errors else "left-out", seen.shape())


def _dated_archive(lab: Lab) -> Found:
    line, order = lab.make("line_items"), lab.make("orders")
    path = Routes(_DATED).association_batch("line_items", "orders", "archive")
    body = {"inputs": [{"from": {"id": line}, "to": [{"id": order}]}]}
    seen = lab.call("POST", path, body=body, pool="associations")
    if not seen.ok:
        raise Unclear(seen.summary())
    return Found("body" if seen.body else "nothing", seen.shape())


QUESTIONS = (
    Question(
        id="update-of-missing",
        section="§18",
        words="What does a batch update say of records that it cannot find?",
        expected="each",
        answers={
            "each": "a batch update names each record it cannot find by its trace id",
            "together": "a batch update names the trace ids of all records it cannot find at once",
            "untraced": "a batch update names records it cannot find by their ids alone",
        },
        switch="missing_updates",
        settings={
            "each": "each",
            "together": "together",
            "untraced": "untraced",
        },
        ask=_missing,
        calls=5 + 2 * READS,
        needs=to_write("orders"),
        rows=("missing-updates-are-traced", "missing-updates-together-with-the-switch"),
    ),
    Question(
        id="update-of-merged",
        section="§18",
        words="What does a batch update answer for the former id of a merged record?",
        expected="left-out",
        answers={
            "left-out": "a batch update leaves a merged id out, without an error",
            "not-found": "a batch update does not find a merged id, and says so",
        },
        switch="update_of_merged",
        settings={
            "left-out": "left_out",
            "not-found": "not_found",
        },
        ask=_merged,
        calls=4 + READS,
        needs=to_write("orders"),
        rows=(
            "batch-update-leaves-a-merged-record-out",
            "batch-update-does-not-find-a-merged-record-with-the-switch",
        ),
    ),
    Question(
        id="dated-archives",
        section="§18",
        words="Do archives of associations have a body on dated paths?",
        expected="body",
        answers={
            "body": "an archive of associations on a dated path answers with the body of a batch",
            "nothing": "an archive of associations on a dated path answers with nothing",
        },
        switch="dated_archives_answer",
        settings={
            "body": "body",
            "nothing": "nothing",
        },
        ask=_dated_archive,
        calls=3,
        needs=to_write("orders", "line_items"),
        rows=("dated-archives-answer-a-batch", "dated-archives-answer-nothing-with-the-switch"),
    ),
)
