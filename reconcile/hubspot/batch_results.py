"""Settling a batch: one answer for every input, from an answer that may say less.

The order of results means nothing, the status code says little, and success without results has
been seen (reference §4). So each result is matched by a key or an id and each error by trace id
or the ids it names; whatever that leaves open is Unclear, to be settled by reading.

A result or an error that matches no input is never dropped: it turns every input still open into
Unclear, and where none is open, all of them, since the answer then says more than was asked.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from reconcile.hubspot.error_bodies import ErrorBody
from reconcile.hubspot.error_details import clean, together
from reconcile.hubspot.types import Answer, Refused, Unclear, Written

Blame = Callable[[ErrorBody], Sequence[str]]
"""The traces of the inputs that an error means; none where it does not say."""

SILENT = "HubSpot's answer does not account for this input"


def settle(
    traces: Sequence[str],
    results: Iterable[tuple[str | None, Written]],
    errors: Sequence[ErrorBody],
    *,
    blame: Blame,
    num_errors: int | None = None,
    adopt_single: bool = False,
    one_record_each: bool = True,
) -> dict[str, Answer]:
    """Answer every trace.

    ``results`` come with the trace they match, None where they match none. ``adopt_single`` gives
    a result that matches nothing to the only input left open: right for updates, where it is a
    merged record that answers under its new id. ``one_record_each`` says that two inputs must not
    be answered with one id.
    """
    written, doubtful, foreign = _matched(results)
    if one_record_each:
        doubtful |= _shared(written)
    refused, loose = _refused(errors, blame)
    left = [t for t in traces if not (t in doubtful or t in written or t in refused)]
    # In the order of the inputs; those left over are silent until one of the rules below decides.
    answers: dict[str, Answer] = dict.fromkeys(traces, Unclear(_silence(loose)))
    answers |= written
    answers |= refused
    answers |= {
        t: Unclear(f"both written and refused: {refused[t].message}")
        for t in written.keys() & refused.keys()
    }
    answers |= {trace: Unclear(why) for trace, why in doubtful.items()}
    if adopt_single and len(left) == len(foreign) == 1 and foreign[0].id and not loose:
        return answers | {left[0]: foreign[0]}
    unlisted = max(0, (num_errors or 0) - len(errors))
    if foreign:
        message = f"HubSpot answered for records that were not sent: {_some(foreign)}"
        return answers | {trace: Unclear(message) for trace in left or traces}
    if not left and (loose or unlisted):
        return dict.fromkeys(traces, Unclear(_silence(loose)))
    if len(loose) == len(left) and not unlisted:
        # Results and errors together account for every input, so all that are left were refused.
        return answers | {trace: _any_of(loose) for trace in left}
    return answers


def settle_silent(
    traces: Sequence[str],
    errors: Sequence[ErrorBody],
    *,
    done: Mapping[str, Written],
    blame: Blame,
    num_errors: int | None,
) -> dict[str, Answer]:
    """Answer every trace of a call that reports errors only: what it does not refuse, it did."""
    refused, loose = _refused(errors, blame)
    if loose and len(traces) == 1:
        return {traces[0]: _any_of(loose)}
    doubt = bool(loose) or (num_errors or 0) > len(errors)
    rest: Mapping[str, Answer] = done
    if doubt:
        rest = {trace: Unclear(_silence(loose)) for trace in traces}
    return {trace: refused.get(trace) or rest[trace] for trace in traces}


def refusal_of(error: ErrorBody) -> Refused:
    """One error as an answer."""
    ids = error.owners or error.culprits
    return Refused(error.text, clean(error.category or "", 80), ids, error.invalid)


def blame_by(names: Iterable[tuple[str, str]]) -> Blame:
    """Blame by trace id, else by what else names an input, given as (name, trace)."""
    by_name: dict[str, str] = {}
    known: set[str] = set()
    for name, trace in names:
        by_name[name] = trace
        known.add(trace)

    def blame(error: ErrorBody) -> Sequence[str]:
        traced = [trace for trace in error.named("objectWriteTraceId") if trace in known]
        return traced or [by_name[name] for name in error.culprits if name in by_name]

    return blame


def _matched(
    results: Iterable[tuple[str | None, Written]],
) -> tuple[dict[str, Written], dict[str, str], list[Written]]:
    written: dict[str, Written] = {}
    doubtful: dict[str, str] = {}
    foreign: list[Written] = []
    for trace, result in results:
        if trace is None:
            foreign.append(result)
        elif not result.id:
            doubtful[trace] = "HubSpot's answer gives no id"
        elif trace in written and written[trace].id != result.id:
            both = f"{clean(written[trace].id, 40)} and {clean(result.id, 40)}"
            doubtful[trace] = f"HubSpot answered with two records: {both}"
        else:
            written[trace] = result
    return written, doubtful, foreign


def _shared(written: Mapping[str, Written]) -> dict[str, str]:
    """Traces whose record was also another input's answer."""
    traces: dict[str, list[str]] = {}
    for trace, answer in written.items():
        traces.setdefault(answer.id, []).append(trace)
    return {
        trace: f"HubSpot answered with record {clean(id_, 40)} for {len(several)} inputs"
        for id_, several in traces.items()
        if len(several) > 1
        for trace in several
    }


def _refused(
    errors: Sequence[ErrorBody], blame: Blame
) -> tuple[dict[str, Refused], list[ErrorBody]]:
    """Refusals by trace, and the errors that name no input."""
    refused: dict[str, Refused] = {}
    loose: list[ErrorBody] = []
    for error in errors:
        if traces := blame(error):
            refusal = refusal_of(error)
            if len(traces) > 1:
                refusal = replace(refusal, invalid=())
            refused.update(dict.fromkeys(traces, refusal))
        else:
            loose.append(error)
    return refused, loose


def _silence(loose: Sequence[ErrorBody]) -> str:
    reasons = together(error.text for error in loose)
    return f"{SILENT}, but refuses something: {reasons}" if reasons else SILENT


def _any_of(errors: Sequence[ErrorBody]) -> Refused:
    if len(errors) == 1:
        return refusal_of(errors[0])
    ids = tuple(dict.fromkeys(name for error in errors for name in refusal_of(error).ids))
    category = refusal_of(errors[0]).category
    return Refused(f"one of: {together(error.text for error in errors)}", category, ids)


def _some(foreign: Sequence[Written]) -> str:
    shown = ", ".join(clean(result.id, 40) or "one without id" for result in foreign[:3])
    return f"{shown} and {len(foreign) - 3} more" if len(foreign) > 3 else shown
