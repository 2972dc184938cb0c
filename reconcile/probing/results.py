"""The probe's results for people and for the contract: lines, the sandbox's settings, JSON."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from reconcile import __version__
from reconcile.probing.probe_run import Report
from reconcile.probing.question import Result, Setting, Verdict
from reconcile.probing.questions import NOT_ASKED

FORMAT = "reconcile-probe/1"

_COUNTED = {
    Verdict.HELD: "held as expected",
    Verdict.DIFFERS: "differ",
    Verdict.SKIPPED: "skipped",
    Verdict.UNCLEAR: "unclear",
}


def settings_for_sandbox(report: Report) -> tuple[dict[str, Setting], dict[str, list[Setting]]]:
    """The switches that make the sandbox behave like this account, where they differ.

    Second: switches to which several answers give different values, so that none is right.
    """
    wanted: dict[str, dict[Setting, bool]] = {}
    for result in report.results:
        for name, value in result.switches.items():
            differs = result.verdict is Verdict.DIFFERS
            values = wanted.setdefault(name, {})
            values[value] = values.get(value, False) or differs
    agreed = {
        name: value
        for name, values in wanted.items()
        if len(values) == 1
        for value, differs in values.items()
        if differs
    }
    torn = {name: list(values) for name, values in wanted.items() if len(values) > 1}
    return _account(report) | agreed, torn


def _account(report: Report) -> dict[str, Setting]:
    """What the account says of itself, where the sandbox plays another unless switched."""
    account = report.account
    said: dict[str, tuple[Setting, Setting]] = {
        "account_type": (account.type, "DEVELOPER_TEST"),
        "account_time_zone": (account.time_zone, "UTC"),
    }
    if account.currencies:
        said["company_currency"] = (account.currencies[0], "USD")
        said["additional_currencies"] = (account.currencies[1:], ("EUR", "GBP"))
    return {name: value for name, (value, usual) in said.items() if value not in ("", usual)}


def row(result: Result) -> Iterator[str]:
    """The lines of one result in the table."""
    question = result.question
    yield f"{result.verdict.value:<8} {question.id:<25} {result.says}"
    if result.verdict is Verdict.DIFFERS:
        below = " " * 35
        yield f"{below}expected: {question.answers[question.expected]}"
        if result.seen:
            yield f"{below}seen: {result.seen}"


def summary(report: Report) -> Iterator[str]:
    """The lines after the table."""
    counts = Counter(result.verdict for result in report.results)
    told = ", ".join(f"{counts[verdict]} {words}" for verdict, words in _COUNTED.items())
    yield f"{len(report.results)} questions: {told}. {report.calls} calls were sent."
    if report.stopped:
        yield f"The probe did not reach its end: {report.stopped}"
    yield from _settings(report)
    if report.left:
        yield "Not removed, or not for certain:"
        yield from (f"  {what}" for what in report.left)
    else:
        yield "All records that were made are archived, all properties deleted."


def _settings(report: Report) -> Iterator[str]:
    agreed, torn = settings_for_sandbox(report)
    if agreed:
        yield "To make the sandbox behave like this account, set these of its Switches:"
        yield from (f"  {name} = {value!r}" for name, value in agreed.items())
    for name, values in torn.items():
        both = " and ".join(map(repr, values))
        yield f"No setting of {name} fits: the answers ask for {both}."
    unset = [
        result.question.id
        for result in report.results
        if result.verdict is Verdict.DIFFERS and not result.switches
    ]
    if unset:
        yield f"The sandbox has no switch yet for what was seen of: {', '.join(unset)}."
    if not agreed and not torn and not unset:
        yield "The sandbox needs no switch to behave like this account, as far as was answered."


def as_json(report: Report, *, at: str) -> dict[str, Any]:
    """The report as data. It names no account, and holds nobody's records but the probe's."""
    agreed, torn = settings_for_sandbox(report)
    return {
        "format": FORMAT,
        "reconcile": __version__,
        "run": report.run,
        "at": at,
        "account_type": report.account.type,
        "api": report.api,
        "ended": report.stopped or "complete",
        "calls": report.calls,
        "questions": [_as_json(result) for result in report.results],
        "switches": agreed,
        "no_switch_fits": torn,
        "switches_not_asked": dict(NOT_ASKED),
        "left": list(report.left),
    }


def _as_json(result: Result) -> Mapping[str, Any]:
    question = result.question
    return {
        "id": question.id,
        "section": question.section,
        "question": question.words,
        "verdict": result.verdict.value,
        "expected": question.expected,
        "answer": result.answer or None,
        "answers": dict(question.answers),
        "seen": result.seen,
        "switches": dict(result.switches),
        "contract_rows": list(question.rows),
    }
