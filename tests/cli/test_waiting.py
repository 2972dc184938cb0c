"""What is said on stderr while a call takes long, and where it is not said."""

import sys

from reconcile.sandbox.faults import Refuse
from tests.cli.conftest import PROJECT, Project, Relay

ORDER = "kind: order\nkey: W-1\nproperties: {hs_order_name: Mugs}\n"
TALKATIVE = (
    sys.executable,
    "-c",
    "from reconcile import call_watchdog; from reconcile.cli import main; "
    "call_watchdog.NOTICE_INTERVAL = 0.3; main()",
)
"""The program, which says after a third of a second what it waits for."""


def test_a_long_call_is_said_on_stderr_and_nowhere_else(project: Project) -> None:
    """Which call it is and since when; the plan on stdout is what it is without."""
    project.write(ORDER)
    usual = project.fine("plan")
    with Relay(project.account, "/orders/batch/read") as relay:
        project.settings(PROJECT.replace("{url}", relay.url))
        process = project.process("plan", program=TALKATIVE)
        assert relay.held.wait(20)
        assert process.stderr is not None
        said = process.stderr.readline()
        relay.release()
        result = project.end(process)
    assert said.startswith("waiting for HubSpot: POST ")
    assert "/orders/batch/read, " in said
    assert said.endswith(" s so far\n")
    assert result.code == 0
    assert result.out == usual


def test_why_a_call_is_made_again_is_said(project: Project) -> None:
    """HubSpot's word, and how long until then."""
    project.write(ORDER)
    project.account.server.faults.add(Refuse(423), path="*/orders/batch/read", times=1)
    result = project.run("plan")
    assert result.code == 0, result.err
    assert "; retrying in 2 s\n" in result.err
    assert "retrying" not in result.out


HASTY = (
    sys.executable,
    "-c",
    "from reconcile import call_watchdog; call_watchdog.CALL_LIMIT = 1.0; "
    "call_watchdog.NOTICE_INTERVAL = 0.4; "
    "from reconcile.cli import main; main()",
)
"""The program, whose calls may take a second, with two lines said of each."""


def test_a_second_attempt_after_silence_is_said(project: Project) -> None:
    """What is waited for begins anew only after it was said that the call is made again."""
    project.write(ORDER)
    with Relay(project.account, "/orders/batch/read") as relay:
        project.settings(PROJECT.replace("{url}", relay.url))
        process = project.process("plan", program=HASTY)
        assert process.stderr is not None
        waits = 0
        while (said := process.stderr.readline()).startswith("waiting for HubSpot: "):
            waits += 1
        then = process.stderr.readline()
        relay.release()
        assert project.end(process).code == 0
    assert waits <= 2
    assert "no complete answer within 1 s; retrying" in said
    assert then.startswith("waiting for HubSpot: ")
