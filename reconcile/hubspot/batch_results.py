"""Turn a batch response, which may be incomplete, into exactly one answer per input.

The order of results means nothing, the status code says little, and success without results has
been seen (reference §4). So each result is matched by a key or an id, and each error by trace id
or the ids it names. Any other input is Unclear: whether it was written must be read.

A result or an error that matches no input is never dropped. It makes every input without an
answer Unclear; if all inputs have one, it makes all of them Unclear, since it contradicts them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from reconcile.hubspot.error_bodies import ErrorBody
from reconcile.hubspot.error_details import join_reasons
from reconcile.hubspot.types import Answer, Refused, Unclear, Written
from reconcile.model.printable import clean

Attribution = Callable[[ErrorBody], Sequence[str]]
"""Returns the traces of the inputs that an error is about; none if the error does not say."""

UNACCOUNTED = "HubSpot's answer does not account for this input"


def answers_by_trace(
    traces: Sequence[str],
    results: Iterable[tuple[str | None, Written]],
    errors: Sequence[ErrorBody],
    *,
    attribute: Attribution,
    num_errors: int | None = None,
    match_single: bool = False,
    one_record_each: bool = True,
) -> dict[str, Answer]:
    """Return the answer for every trace, from a response with results and errors.

    ``results`` come with the trace they match, or None. ``match_single`` assigns a result that
    matches no input to the only input without an answer: right for updates, where a merged record
    answers under its new id. ``one_record_each`` says that two inputs must not share an id.
    """
    written, ambiguous, unexpected = _matched(results)
    if one_record_each:
        ambiguous |= _with_shared_id(written)
    refused, unattributed = _refused(errors, attribute)
    left = [t for t in traces if not (t in ambiguous or t in written or t in refused)]
    # In the order of the inputs. Whatever no rule below decides stays unaccounted for.
    answers: dict[str, Answer] = dict.fromkeys(traces, Unclear(_unaccounted(unattributed)))
    answers |= written
    answers |= refused
    answers |= {
        t: Unclear(f"both written and refused: {refused[t].message}")
        for t in written.keys() & refused.keys()
    }
    answers |= {trace: Unclear(why) for trace, why in ambiguous.items()}
    if match_single and len(left) == len(unexpected) == 1 and unexpected[0].id and not unattributed:
        return answers | {left[0]: unexpected[0]}
    unlisted = max(0, (num_errors or 0) - len(errors))
    if unexpected:
        message = f"HubSpot answered for records that were not sent: {_first_few(unexpected)}"
        return answers | {trace: Unclear(message) for trace in left or traces}
    if not left and (unattributed or unlisted):
        return dict.fromkeys(traces, Unclear(_unaccounted(unattributed)))
    if len(unattributed) == len(left) and not unlisted:
        # Results and errors together account for every input, so all that are left were refused.
        return answers | {trace: _any_of(unattributed) for trace in left}
    return answers


def answers_from_errors(
    traces: Sequence[str],
    errors: Sequence[ErrorBody],
    *,
    done: Mapping[str, Written],
    attribute: Attribution,
    num_errors: int | None,
) -> dict[str, Answer]:
    """Return the answer for every trace of a call that reports errors only.

    An input that is not refused was carried out: its answer is the one in ``done``.
    """
    refused, unattributed = _refused(errors, attribute)
    if unattributed and len(traces) == 1:
        return {traces[0]: _any_of(unattributed)}
    doubt = bool(unattributed) or (num_errors or 0) > len(errors)
    rest: Mapping[str, Answer] = done
    if doubt:
        rest = {trace: Unclear(_unaccounted(unattributed)) for trace in traces}
    return {trace: refused.get(trace) or rest[trace] for trace in traces}


def refusal_of(error: ErrorBody) -> Refused:
    """Return an error as the answer of the input that it is about."""
    ids = error.value_holders or error.offending_inputs
    return Refused(error.text, clean(error.category or "", 80), ids, error.invalid)


def attribute_by_name(names: Iterable[tuple[str, str]]) -> Attribution:
    """Return an attribution by trace id, else by the names of inputs, given as (name, trace)."""
    by_name: dict[str, str] = {}
    known: set[str] = set()
    for name, trace in names:
        by_name[name] = trace
        known.add(trace)

    def attribute(error: ErrorBody) -> Sequence[str]:
        traced = [trace for trace in error.named("objectWriteTraceId") if trace in known]
        return traced or [by_name[name] for name in error.offending_inputs if name in by_name]

    return attribute


def _matched(
    results: Iterable[tuple[str | None, Written]],
) -> tuple[dict[str, Written], dict[str, str], list[Written]]:
    written: dict[str, Written] = {}
    ambiguous: dict[str, str] = {}
    unexpected: list[Written] = []
    for trace, result in results:
        if trace is None:
            unexpected.append(result)
        elif not result.id:
            ambiguous[trace] = "HubSpot's answer gives no id"
        elif trace in written and written[trace].id != result.id:
            both = f"{clean(written[trace].id, 40)} and {clean(result.id, 40)}"
            ambiguous[trace] = f"HubSpot answered with two records: {both}"
        else:
            written[trace] = result
    return written, ambiguous, unexpected


def _with_shared_id(written: Mapping[str, Written]) -> dict[str, str]:
    """Return why, for each trace whose record was also another input's answer."""
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
    errors: Sequence[ErrorBody], attribute: Attribution
) -> tuple[dict[str, Refused], list[ErrorBody]]:
    """Return the refusals by trace, and the errors that name no input."""
    refused: dict[str, Refused] = {}
    unattributed: list[ErrorBody] = []
    for error in errors:
        if traces := attribute(error):
            refusal = refusal_of(error)
            if len(traces) > 1:
                refusal = replace(refusal, invalid=())
            refused.update(dict.fromkeys(traces, refusal))
        else:
            unattributed.append(error)
    return refused, unattributed


def _unaccounted(unattributed: Sequence[ErrorBody]) -> str:
    reasons = join_reasons(error.text for error in unattributed)
    return f"{UNACCOUNTED}, but refuses at least one: {reasons}" if reasons else UNACCOUNTED


def _any_of(errors: Sequence[ErrorBody]) -> Refused:
    if len(errors) == 1:
        return refusal_of(errors[0])
    ids = tuple(dict.fromkeys(name for error in errors for name in refusal_of(error).ids))
    category = refusal_of(errors[0]).category
    return Refused(f"one of: {join_reasons(error.text for error in errors)}", category, ids)


def _first_few(unexpected: Sequence[Written]) -> str:
    shown = ", ".join(clean(result.id, 40) or "one without id" for result in unexpected[:3])
    return f"{shown} and {len(unexpected) - 3} more" if len(unexpected) > 3 else shown
