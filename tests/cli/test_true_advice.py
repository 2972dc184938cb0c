"""Advice that works when it is followed, and ends that say what was done."""

import os
import pty
import shlex
import signal
import subprocess
import time

import pytest

from tests.cli.conftest import PROJECT, SCRIPT, SHOP, Project

MORE = "\n---\nkind: order\nkey: A-9\nline_items:\n  - key: A-9:1\n"


def words(text: str) -> list[str]:
    """Return the words of the command ``reconcile WORDS`` that a text ends with."""
    return shlex.split(text.strip().partition("reconcile ")[2])


def test_the_advice_for_what_a_plan_holds_back_names_the_limit_too(project: Project) -> None:
    """One more command is enough, and the advice has all of its options."""
    project.settings(f"{PROJECT}limits: {{archive: 1}}\n")
    project.write(SHOP + MORE)
    project.fine("apply", "--auto-approve")
    project.write(SHOP)
    held = project.fine("plan", "--prune", "--out", "p")
    advice = held.partition("to let them in, plan with\n")[2].partition("\n")[0].strip()
    assert advice == "--prune --allow prune=2 --allow limit-archive=2"
    again = project.run("plan", "--out", "p", *shlex.split(advice))
    command = words(again.err.splitlines()[-1].partition("exactly this plan: ")[2])
    assert command == ["apply", "p"]
    assert "1 order, 1 line item archived" in project.fine(*command)


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_the_command_that_lists_every_problem_reads_the_same_files(
    reader: Project, command: str
) -> None:
    """PATHS of the command line stand in it again, quoted for the shell."""
    bad = "---\n".join(f"kind: order\nkey: B{n}\ny: 1\n" for n in range(9))
    reader.write(bad, "other files/b.yaml")
    said = reader.refused(command, "other files", "manifests")
    assert f"`reconcile {command} --json 'other files' manifests` lists every problem" in said


def prompted(project: Project, *args: str) -> tuple[int, str]:
    """Run a command on a terminal and press Ctrl-C at its question; its code and what it said."""
    main, side = pty.openpty()
    process = subprocess.Popen(
        [SCRIPT, *args],
        cwd=project.folder,
        stdin=side,
        stdout=side,
        stderr=side,
        start_new_session=True,
    )
    os.close(side)
    said = b""
    while b"is accepted" not in said:
        said += os.read(main, 65536)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    try:
        while piece := os.read(main, 65536):
            said += piece
    except OSError:  # the other side is closed
        pass
    os.close(main)
    return process.wait(20), said.decode()


def test_an_interrupt_at_the_question_says_that_nothing_was_applied(project: Project) -> None:
    """What is said stands on a line of its own."""
    before = project.account.dump()
    code, said = prompted(project, "apply")
    assert (code, project.account.dump()) == (1, before)
    assert said.splitlines()[-1] == "Nothing was applied."


def test_a_seed_that_is_not_there_is_named(project: Project) -> None:
    """The project file's seed that cannot be read is named with the reason."""
    project.settings(
        "version: 1\nmanifests: [manifests]\ntargets: {own: {sandbox: {seed: nope.json}}}\n"
    )
    said = project.run("plan").err
    assert "nope.json cannot be read: No such file or directory" in said
    assert "the file:" not in said


def test_an_interrupted_run_gives_interrupted_as_its_reason(project: Project) -> None:
    """The reason is that of the whole run, a part of which may be done."""
    declared = "kind: order\nkey: M-{0}\nline_items:\n  - key: M-{0}:1\n"
    project.write("---\n".join(map(declared.format, range(3))))
    project.interrupted("apply", "--auto-approve", at="/orders/batch/upsert")
    shown = project.fine("status")
    assert "not finished" in shown
    assert "  It ended early: interrupted\n" in shown
