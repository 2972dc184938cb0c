"""The variables that GitHub Actions sets for a job, by the fact that each states.

docs.github.com/actions/reference/workflows-and-actions/variables.
"""

from collections.abc import Mapping

VARIABLES = {
    "repository": "GITHUB_REPOSITORY",
    "run_id": "GITHUB_RUN_ID",
    "run_attempt": "GITHUB_RUN_ATTEMPT",
    "sha": "GITHUB_SHA",
    "ref": "GITHUB_REF",
    "workflow_ref": "GITHUB_WORKFLOW_REF",
    "triggering_actor": "GITHUB_TRIGGERING_ACTOR",
}
"""What the audit log keeps of a job."""


def is_github_job(environ: Mapping[str, str]) -> bool:
    """Return whether the environment says that this is a job of GitHub Actions."""
    return environ.get("GITHUB_ACTIONS") == "true"
