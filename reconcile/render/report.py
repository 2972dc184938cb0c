"""The report of an apply: what was not done and why, what HubSpot rewrote, and a summary."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TextIO

from reconcile.model.address import Address
from reconcile.model.outcome import (
    APPLIED_EARLIER,
    MADE_BY_OTHERS,
    UNKNOWN_OVERWRITE,
    Outcome,
    Report,
    Rewrite,
    Status,
)
from reconcile.model.plan import Action, Plan
from reconcile.render.escaping import EMPTY, PERSONAL, mask, pair, value, visible
from reconcile.render.outcome_lines import DONE, FROM_BEFORE, GLYPHS, Typed, not_as_planned
from reconcile.render.output import write_lines
from reconcile.render.phrasing import count, duration, in_order, listed, plural, target_line
from reconcile.render.plan_lines import warning
from reconcile.render.record_views import personal_values
from reconcile.render.styled_lines import BLANK, Line, plain

_MANY = {Status.CONFLICT: "conflicts"}
_AFTER = "came after the record was written"


def _typed(*words: str) -> str:
    return " ".join(("reconcile", *words))


def write_report(
    report: Report,
    stream: TextIO,
    *,
    personal: bool,
    color: bool,
    plan: Plan | None = None,
    typed: Typed = _typed,
) -> None:
    """Write a report. ``plan`` lets ``personal=False`` know the values to keep out of messages.

    ``typed`` returns the command to type for the words of one, with its options.
    """
    lines = report_lines(report, personal=personal, plan=plan, typed=typed)
    write_lines(lines, stream, color=color)


def report_lines(
    report: Report, *, personal: bool, plan: Plan | None = None, typed: Typed = _typed
) -> Iterator[Line]:
    """Yield the report, from target line to target line."""
    top = plain(visible(target_line(report.target)), "heading")
    yield top
    yield BLANK
    body = list(_body(report, personal=personal, plan=plan, typed=typed))
    yield from body
    if body:
        yield BLANK
    yield plain(sentence(report, typed), "heading")
    yield top


def sentence(report: Report, typed: Typed = _typed) -> str:
    """Return the whole apply in one or two sentences."""
    if report.already:
        what = "; ".join(("and nothing changed since", *_held(report)))
        return f"Already applied by run {visible(report.already)}, {what}.{_to_let_in(report)}"
    return f"{_start(report)}: {_did(report)}.{_cost(report)}{_what_next(report, typed)}"


def _start(report: Report) -> str:
    if report.complete:
        return "Apply complete"
    if report.interrupted:
        return "Interrupted"
    if not _any_done(report):
        return "Nothing was applied"
    return "Applied" if _all_kept(report) else "Applied in part"


def _did(report: Report) -> str:
    already = sum(outcome.message == APPLIED_EARLIER for outcome in report.outcomes)
    if already and already == len(report.outcomes):
        return f"nothing was left to do; an earlier run carried out {plural(already, 'change')}"
    counted = report.interrupted or _any_done(report)
    done = (*_by_action(report), _renewed(report)) if counted else ()
    parts = [*done, _not_done(report), _lost(report)]
    parts = [part for part in parts if part] or ([] if report.held else ["nothing to change"])
    return "; ".join((*parts, *_held(report)))


def _held(report: Report) -> Iterator[str]:
    if number := len(report.held):
        yield plural(number, "declared change was held back", "declared changes were held back")
    if number := report.still_held:
        one, many = (f"declared {verb} still held back" for verb in ("change is", "changes are"))
        yield plural(number, one, many)


def _cost(report: Report) -> str:
    if not report.calls:
        return ""
    about = f" ({report.estimated:,} estimated)" if report.estimated else ""
    return f" {plural(report.calls, 'call')}{about} in {duration(report.seconds)}."


def _what_next(report: Report, typed: Typed) -> str:
    if report.complete:
        return _verified(report)
    if replace(report, held=()).complete:
        return _to_let_in(report)
    if _all_done(report) and (report.left_out or _lost(report)):
        return _after_all(report)
    if report.resumable:
        return f" Continue with `{typed('resume')}`."
    ends = {outcome.status for outcome in report.outcomes}
    if ends & {Status.FAILED, Status.UNKNOWN}:
        if _all_refused(report):
            return " Correct the values that HubSpot refused in the manifests, then plan again."
        # Not "the same command": there is nothing to resume, and a saved plan stays as it is.
        return " Plan and apply again to continue."
    if ends == {Status.DONE} and any(outcome.not_persisted for outcome in report.outcomes):
        return " What HubSpot did not keep is sent again only when its manifest changes."
    return f" Conflicts were left alone; {_way_out(report)}."


def _to_let_in(report: Report) -> str:
    return " The plan shows how to let in what was held back." if report.held else ""


def _way_out(report: Report) -> str:
    if any(one.action is Action.CONFLICT and not one.standing for one in report.outcomes):
        return "correct the manifest or the account, then plan again"
    return "plan again to resolve them"


def _after_all(report: Report) -> str:
    """Return what to do although every change of the plan was made."""
    if report.left_out:
        return f" {plural(len(report.left_out), 'unit')} left out, in doubt until now: plan again."
    return " The audit log shows what was overwritten; restore what should be kept."


def _verified(report: Report) -> str:
    """Return what a new plan shows: DONE means read back as declared, or as a known rewrite."""
    if not any(outcome.status is Status.DONE for outcome in report.outcomes):
        return ""
    standing = ["the conflicts"] if any(one.standing for one in report.outcomes) else []
    if report.still_held:
        standing.append("what is held back")
    shows = f"shows only {' and '.join(standing)}" if standing else "is empty"
    of = " of the same selection" if report.selected else ""
    return f" Verified: a new plan{of} {shows}."


def _all_refused(report: Report) -> bool:
    """Return whether sending again what failed would meet the same refusals."""
    failed = (one for one in report.outcomes if one.status in (Status.FAILED, Status.UNKNOWN))
    return all(one.status is Status.FAILED and one.address in report.refused for one in failed)


def _by_action(report: Report) -> Iterator[str]:
    ours = _ours(report)
    total = Counter((o.action, o.address.kind) for o in ours)
    done = Counter((o.action, o.address.kind) for o in ours if _stands(o))
    before = Counter(o.action for o in ours if o.message == APPLIED_EARLIER)
    for action, verb in DONE.items():
        names = in_order(kind for one, kind in total if one is action)
        if not names:
            continue
        all_done = sum(done[action, name] for name in names)
        earlier = _of_which(before[action], all_done, "by an earlier run", joint="")
        if all(done[action, name] == total[action, name] for name in names):
            yield f"{listed({name: total[action, name] for name in names})} {verb}{earlier}"
        else:
            counts_done = (_of(name, done[action, name], total[action, name]) for name in names)
            yield f"{', '.join(counts_done)} {verb}{earlier}"
    if found := Counter(o.address.kind for o in report.outcomes if o.message == MADE_BY_OTHERS):
        yield f"{listed(found)} already as declared"


def _ours(report: Report) -> list[Outcome]:
    """Return the outcomes of changes but for those that others made or only the state remembers."""
    return [one for one in report.outcomes if one.message != MADE_BY_OTHERS and not one.remembered]


def _renewed(report: Report) -> str:
    found = Counter(o.address.kind for o in report.outcomes if o.remembered and _stands(o))
    return f"entries of {listed(found)} in the state renewed" if found else ""


def _stands(outcome: Outcome) -> bool:
    """Return whether HubSpot has the record as it was written, whatever failed afterwards."""
    return outcome.status is Status.DONE or (outcome.written and outcome.action in DONE)


def _of(kind: str, done: int, total: int) -> str:
    return count(kind, total) if done == total else f"{done:,} of {count(kind, total)}"


def _not_done(report: Report) -> str:
    counts = Counter(outcome.status for outcome in report.outcomes)
    stood = sum(outcome.standing for outcome in report.outcomes)
    after = Counter(one.status for one in report.outcomes if one.written)
    parts = [
        plural(counts[status], str(status), _MANY.get(status, str(status)))
        + (_of_which(stood, counts[status], FROM_BEFORE) if status is Status.CONFLICT else "")
        + _of_which(after[status], counts[status], _AFTER)
        for status in GLYPHS
        if counts[status]
    ]
    if lost := sum(len(outcome.not_persisted) for outcome in report.outcomes):
        parts.append(f"{plural(lost, 'value')} not kept by HubSpot")
    return ", ".join(parts)


def _any_done(report: Report) -> bool:
    """Return whether HubSpot or the state has something of the plan, as far as is known."""
    return any(
        one.written or one.status in (Status.DONE, Status.UNKNOWN) for one in report.outcomes
    )


def _all_done(report: Report) -> bool:
    return all(outcome.status is Status.DONE for outcome in report.outcomes)


def _all_kept(report: Report) -> bool:
    return _all_done(report) and not any(one.not_persisted for one in report.outcomes)


def _lost(report: Report) -> str:
    lost = [one for outcome in report.outcomes for one in outcome.overwrites]
    unread = lost.count(UNKNOWN_OVERWRITE)
    parts = []
    if len(lost) > unread:
        edits = plural(len(lost) - unread, "edit by others", "edits by others")
        parts.append(f"{edits} overwritten")
    if unread:
        parts.append(f"an edit may have been overwritten in {plural(unread, 'record')}")
    return ", ".join(parts)


def _of_which(some: int, every: int, what: str, joint: str = "that ") -> str:
    """Return the note on those that are special, with ``joint`` before it where all of them are."""
    if not some:
        return ""
    return f" {joint}{what}" if some == every else f" ({some:,} of them {what})"


def _body(report: Report, *, personal: bool, plan: Plan | None, typed: Typed) -> Iterator[Line]:
    secret = {} if personal else _secrets(report, plan)
    yield from not_as_planned(report, secret, personal=personal, typed=typed)
    yield from _rewrites(report, personal=personal)
    yield from _warnings(report, secret, personal=personal)
    if report.stopped and not report.interrupted:
        why = report.stopped if personal else mask(report.stopped)
        yield plain(f"The run ended early: {visible(why)}", "failed")
    for text in report.unchecked:
        yield plain(warning(text), "conflict")


def _rewrites(report: Report, *, personal: bool) -> Iterator[Line]:
    """Yield a line for each property that HubSpot rewrote, with the first record as example."""
    first: dict[tuple[str, str], tuple[Address, Rewrite]] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for outcome in report.outcomes:
        for rewrite in outcome.rewrites:
            key = (outcome.address.kind, rewrite.name)
            counts[key] += 1
            first.setdefault(key, (outcome.address, rewrite))
    if first:
        yield plain("Rewritten by HubSpot (not drift):")
    for key, (address, rewrite) in first.items():
        values = PERSONAL
        if personal or not rewrite.personal:
            values = " -> ".join(_pair(rewrite.sent, rewrite.stored))
        others = f" and {counts[key] - 1:,} more" if counts[key] > 1 else ""
        example = f"  ({visible(str(address))}{others})"
        spans = ((f"{visible(rewrite.name)}  ", "name"), (values, "new"), (example, "note"))
        yield Line(2, "~", Action.UPDATE, spans)


def _warnings(
    report: Report, secret: Mapping[Address, Sequence[str]], *, personal: bool
) -> Iterator[Line]:
    """Yield a line for each property that HubSpot warned about, with the first record as example.

    Warnings without a property are grouped by their text.
    """
    first: dict[tuple[str, str], str] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for outcome in report.outcomes:
        for one in outcome.warnings:
            text = one.text if personal else mask(one.text, secret.get(outcome.address, ()))
            if one.personal and not personal:
                text = f"{one.name}: {PERSONAL}"
            key = (outcome.address.kind, one.name or text)
            counts[key] += 1
            first.setdefault(key, f"{visible(text)}  ({visible(str(outcome.address))}")
    if first:
        yield plain("HubSpot warned about values that it accepted:")
    for key, text in first.items():
        others = f" and {counts[key] - 1:,} more" if counts[key] > 1 else ""
        yield plain(f"{text}{others})", "note", indent=2)


def _pair(sent: str, stored: str) -> tuple[str, str]:
    if sent and stored:
        return pair(sent, stored)
    return value(sent) if sent else EMPTY, value(stored) if stored else EMPTY


def _secrets(report: Report, plan: Plan | None) -> dict[Address, tuple[str, ...]]:
    if plan is None:
        return {}
    failed = {
        o.address for o in report.outcomes if o.status is not Status.DONE or o.message or o.warnings
    }
    return {
        change.address: tuple(personal_values(change))
        for change in plan.records()
        if change.address in failed
    }
