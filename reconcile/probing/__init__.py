"""`reconcile doctor --probe`: answer open questions about HubSpot by trying them on an account.

Besides the applier, this is the only package that writes to HubSpot. It creates records and
properties of its own, whose names contain a random run id, and removes them.
"""

from reconcile.probing.probe_run import Probe, Report
from reconcile.probing.question import Question, Result, Verdict
from reconcile.probing.questions import QUESTIONS
from reconcile.probing.results import as_json, row, settings_for_sandbox, summary

__all__ = [
    "QUESTIONS",
    "Probe",
    "Question",
    "Report",
    "Result",
    "Verdict",
    "as_json",
    "row",
    "settings_for_sandbox",
    "summary",
]
