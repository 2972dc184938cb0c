"""The probe's results as lines, as settings of the sandbox, and as JSON."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from reconcile import __version__
from reconcile.probing.probe_run import Report
from reconcile.probing.question import Result, Setting, Verdict
from reconcile.probing.questions import NOT_ASKED

FORMAT_VERSION = "1.0"
"""MAJOR.MINOR: a reader ignores names it does not know and refuses another major."""

_COUNTED = {
    Verdict.HELD: "held as expected",
    Verdict.DIFFERS: "differ",
    Verdict.SKIPPED: "skipped",
    Verdict.UNCLEAR: "unclear",
}


def settings_for_sandbox(report: Report) -> tuple[dict[str, Setting], dict[str, list[Setting]]]:
    """Return the switches that make the sandbox behave like this account, if they differ.

    The second value has the switches for which answers ask for different values.
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
    contradictory = {name: list(values) for name, values in wanted.items() if len(values) > 1}
    return _account(report) | agreed, contradictory


def _account(report: Report) -> dict[str, Setting]:
    """Return the account's details that differ from the sandbox's defaults."""
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
    """Yield the lines of one result in the table."""
    question = result.question
    yield f"{result.verdict.value:<8} {question.id:<25} {result.text}"
    if result.verdict is Verdict.DIFFERS:
        below = " " * 35
        yield f"{below}expected: {question.answers[question.expected]}"
        if result.seen:
            yield f"{below}seen: {result.seen}"


def summary(report: Report) -> Iterator[str]:
    """Yield the lines after the table."""
    counts = Counter(result.verdict for result in report.results)
    counted = ", ".join(f"{counts[verdict]} {words}" for verdict, words in _COUNTED.items())
    yield f"{len(report.results)} questions: {counted}. {report.calls} calls were sent."
    if report.stopped:
        yield f"The probe did not finish: {report.stopped}"
    yield from _settings(report)
    if report.left:
        yield "Not removed, or not confirmed as removed:"
        yield from (f"  {what}" for what in report.left)
    else:
        yield "All records that were created are archived, all properties are deleted."


def _settings(report: Report) -> Iterator[str]:
    agreed, contradictory = settings_for_sandbox(report)
    if agreed:
        yield "To make the sandbox behave like this account, set these switches:"
        yield from (f"  {name} = {value!r}" for name, value in agreed.items())
    for name, values in contradictory.items():
        both = " and ".join(map(repr, values))
        yield f"No setting of {name} fits: the answers ask for {both}."
    unset = [
        result.question.id
        for result in report.results
        if result.verdict is Verdict.DIFFERS and not result.switches
    ]
    if unset:
        yield f"The sandbox has no switch yet for the answers to: {', '.join(unset)}."
    if not agreed and not contradictory and not unset:
        yield "As far as was answered, the sandbox behaves like this account by default."


def as_json(report: Report, *, at: str) -> dict[str, Any]:
    """Return the report as JSON data. It names no account and no records but the probe's."""
    agreed, contradictory = settings_for_sandbox(report)
    return {
        "format_version": FORMAT_VERSION,
        "reconcile_version": __version__,
        "run": report.run,
        "at": at,
        "account_type": report.account.type,
        "api": report.api,
        "ended": report.stopped or "complete",
        "calls": report.calls,
        "questions": [_as_json(result) for result in report.results],
        "switches": agreed,
        "no_switch_fits": contradictory,
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
