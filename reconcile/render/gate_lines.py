"""The settings that the gate relies on, for a terminal or a CI log, in 80 columns."""

from collections.abc import Iterator
from textwrap import wrap

from reconcile.model.gate import GateReport, GateSetting, SettingState
from reconcile.render.escaping import line_start, visible
from reconcile.render.phrasing import plural

_WIDTH = 80
_TITLES = {
    SettingState.OFF: "Off",
    SettingState.UNKNOWN: "Cannot be seen",
    SettingState.ON: "On",
}


def format_gate(report: GateReport) -> str:
    """Return the settings in groups, what is off first, and what to change in each group.

    A hint that several settings of a group share stands once, below the last of them.
    """
    where = f"{report.repository}, branch {report.branch}: what reviews rely on"
    lines = [*wrap(visible(where), _WIDTH), *_groups(report), "", *wrap(_summary(report), _WIDTH)]
    return "\n".join(line_start(line) for line in lines)


def _groups(report: GateReport) -> Iterator[str]:
    for state, title in _TITLES.items():
        found = list(report.of(state))
        if not found:
            continue
        yield ""
        yield f"{title}: {len(found)}"
        last = {one.hint: one for one in found}
        for one in found:
            yield from _setting(one, with_hint=last[one.hint] is one)


def _setting(setting: GateSetting, *, with_hint: bool) -> Iterator[str]:
    yield from _wrapped(f"{setting.name:<18}{visible(setting.text)}", "  ", " " * 20)
    if setting.hint and with_hint:
        yield from _wrapped(f"hint: {visible(setting.hint)}", " " * 20, " " * 26)


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return wrap(text, _WIDTH, initial_indent=first, subsequent_indent=rest)


def _summary(report: GateReport) -> str:
    many = {state: len(list(report.of(state))) for state in SettingState}
    if report.is_complete:
        return f"All {plural(len(report.settings), 'setting')} are on."
    parts = []
    if many[SettingState.OFF]:
        parts.append(f"{many[SettingState.OFF]} off")
    if many[SettingState.UNKNOWN]:
        parts.append(f"{many[SettingState.UNKNOWN]} cannot be seen with this token")
    return f"Of {plural(len(report.settings), 'setting')}: {', '.join(parts)}."
