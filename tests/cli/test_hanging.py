"""Ctrl-C while HubSpot does not answer: the process ends by itself, after it has said how."""

import signal
import sys

import pytest

from tests.cli.conftest import PROJECT, Project, Relay

ORDERS = 120
MANY = "---\n".join(
    f"kind: order\nkey: M-{number}\nproperties: {{hs_order_name: Order {number}}}\n"
    for number in range(ORDERS)
)
PATIENT = (
    sys.executable,
    "-c",
    "import sys; from reconcile.cli import main; from reconcile.applying import executor; "
    "executor.GRACE = 0.3; sys.modules['reconcile.cli.main'].PATIENCE = 3600.0; main()",
)
"""The program with a short grace for calls in flight, and a watchdog that never comes."""


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
@pytest.mark.parametrize("held", ["/orders/batch/upsert", "/orders/batch/read"])
def test_an_interrupted_apply_ends_by_itself(
    project: Project, number: signal.Signals, held: str
) -> None:
    """No thread that waits for an answer keeps it alive once its summary is out."""
    project.write(MANY)
    project.fine("plan", "--out", "p")
    with Relay(project.account, held) as relay:
        project.settings(PROJECT.replace("{url}", relay.url))
        process = project.process("apply", "p", program=PATIENT)
        assert relay.held.wait(20)
        result = project.end(process, number)
    assert result.code == 5, result.all
    assert result.out.splitlines()[-2].startswith("Interrupted: 0 of 120 orders created; ")
    assert "waiting for its answer" not in result.err
    project.settings(PROJECT)
    project.fine("resume")
    assert project.account.count("orders") == ORDERS
    assert "No changes." in project.fine("plan", "--detailed-exitcode")


def test_what_was_written_before_a_hang_is_not_lost(project: Project) -> None:
    """A batch that was answered before another hung is known by the next run, and made once."""
    project.write(MANY)
    project.fine("plan", "--out", "p")
    with Relay(project.account, "/orders/batch/upsert", after=1) as relay:
        project.settings(PROJECT.replace("{url}", relay.url))
        process = project.process("apply", "p", program=PATIENT)
        assert relay.held.wait(20)
        result = project.end(process, signal.SIGINT)
    assert result.code == 5, result.all
    project.settings(PROJECT)
    project.fine("resume")
    assert project.account.count("orders") == ORDERS
    assert "No changes." in project.fine("plan", "--detailed-exitcode")


def test_an_interrupted_plan_ends_by_itself(project: Project) -> None:
    """A plan has nothing to report: it ends at once, whatever its reads wait for."""
    project.write(MANY)
    with Relay(project.account, "/orders/batch/read") as relay:
        project.settings(PROJECT.replace("{url}", relay.url))
        process = project.process("plan", program=PATIENT)
        assert relay.held.wait(20)
        result = project.end(process, signal.SIGINT)
    assert (result.code, result.out, result.err.strip()) == (1, "", "interrupted")
