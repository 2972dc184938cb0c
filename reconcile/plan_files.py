"""Plan files on disk; ``planning/plan_file`` says what is in them."""

from pathlib import Path

from reconcile import __version__
from reconcile.atomic_files import save_file
from reconcile.errors import UsageError
from reconcile.model.plan import Plan
from reconcile.planning.guards import require_allowed
from reconcile.planning.plan_file import dump, load


def save_plan(plan: Plan, path: Path, *, created: str) -> None:
    """Write a plan file, mode 0600, whole or not at all; ``created`` is a time in ISO 8601.

    Raises GuardRefused for a limit that the plan exceeds, or a number that was allowed and that it
    does not have, and UsageError if the file cannot be written.
    """
    require_allowed(plan)
    save_file(path, dump(plan, version=__version__, created=created), "the plan")


def read_plan(path: Path) -> tuple[Plan, str]:
    """Return the plan and content digest of a plan file, which is read once.

    Raises UsageError if it cannot be read, or is not intact.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"the plan file {path} cannot be read: {error.strerror}",
            hint="`reconcile plan --out FILE` creates one",
        ) from error
    plan, footer = load(data)
    return plan, footer.content
