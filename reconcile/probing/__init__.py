"""`reconcile doctor --probe`: what nobody could confirm about HubSpot, asked of a real account.

Beside the applier this is the only package that writes to HubSpot (design, "The job in one
picture"). It makes records and properties of its own, named by a random run, and removes them.
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
