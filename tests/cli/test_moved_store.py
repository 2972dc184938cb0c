"""`resume` and `status` on a store whose state was moved away while a run was unfinished."""

import signal
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import PROJECT, Project, Relay

ORDERS = "---\n".join(f"kind: order\nkey: M-{number}\n" for number in range(120))
HASTY = (
    sys.executable,
    "-c",
    "from reconcile.cli import main; from reconcile.applying import executor; "
    "executor.GRACE = 0.3; main()",
)


@pytest.fixture
def left_behind(project: Project, tmp_path: Path) -> Project:
    """Return a project whose interrupted run's store was moved to another folder."""
    project.write(ORDERS)
    with Relay(project.account, "/orders/batch/upsert") as relay:
        project.settings(PROJECT.replace("{url}", relay.url))
        process = project.process("apply", "--auto-approve", program=HASTY)
        assert relay.held.wait(20)
        assert project.end(process, signal.SIGINT).code == 5
    project.settings(PROJECT)
    project.fine("state", "push", f"file:{tmp_path / 'elsewhere'}")
    return project


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("command", ["resume", "status", "plan"])
def test_nothing_is_said_of_a_run_that_is_elsewhere(left_behind: Project, command: str) -> None:
    """The error is all there is: nobody reads that a run goes on which cannot."""
    result = left_behind.run(command)
    assert (result.code, result.out) == (1, "")
    first, *_ = result.err.splitlines()
    assert first.startswith("error: the state in ")
    assert "was moved to" in first
    assert "Run " not in result.err


def test_resume_says_how_far_the_run_got(left_behind: Project, tmp_path: Path) -> None:
    """In the store that has the state, the run is named before it is resumed."""
    left_behind.fine("state", "pull", f"file:{tmp_path / 'elsewhere'}")
    result = left_behind.run("resume")
    assert result.code == 0
    assert "is not finished: 0 of 120 records done" in result.err
    assert "Apply complete" in result.out
