"""The settings that the gate relies on, as JSON for programs."""

from reconcile.model.gate import GateReport, SettingState

FORMAT_VERSION = "1.0"


def gate_document(report: GateReport) -> dict[str, object]:
    """Return the document of `ci github check --json`."""
    return {
        "format_version": FORMAT_VERSION,
        "repository": report.repository,
        "branch": report.branch,
        "environment": report.environment,
        "check": report.check,
        "summary": {state.value: len(list(report.of(state))) for state in SettingState},
        "settings": [
            {"name": one.name, "state": one.state.value, "text": one.text, "hint": one.hint}
            for one in report.settings
        ],
    }
