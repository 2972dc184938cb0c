"""`reconcile docs`."""

import os
import pty
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from reconcile.cli.docs import TOPICS, as_commands
from tests.cli.conftest import SCRIPT, Project
from tests.cli.test_docs import ROOT, TEXTS, readme_rows


def test_without_a_topic_the_pages_are_listed(reader: Project) -> None:
    """The list has each topic with its summary, in the README's order, and fits a terminal."""
    lines = reader.fine("docs").splitlines()
    shown = [tuple(line.split(None, 1)) for line in lines[: len(TEXTS)]]
    assert shown == readme_rows()
    assert lines[len(TEXTS) :] == ["", "Show a page with `reconcile docs TOPIC`."]
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("topic", TEXTS)
def test_a_page_is_printed_with_commands_for_links(reader: Project, topic: str) -> None:
    """A topic prints its page, unchanged but for the links, in 80 columns."""
    shown = reader.fine("docs", topic)
    assert "](" not in shown
    assert [line for line in shown.splitlines() if len(line) > 80] == []
    others = [line for line in TEXTS[topic].splitlines() if "[" not in line and "](" not in line]
    assert set(others) <= set(shown.splitlines())
    assert len(shown.splitlines()) == len(TEXTS[topic].splitlines())


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("[stores](stores.md)", "`reconcile docs stores`"),
        ("[Exit-codes](exit-codes.md)", "`reconcile docs exit-codes`"),
        ("[locks](stores.md#locks)", "locks (`reconcile docs stores`)"),
        ("[below](#guards)", "below"),
        ("[the\nREADME](../sandbox/README.md)", "the\nREADME"),
    ],
)
def test_a_link_becomes_what_can_be_typed(link: str, shown: str) -> None:
    """A link to a page becomes the command that shows it, and any other one its text."""
    assert as_commands(f"See {link} and {link}.") == f"See {shown} and {shown}."


@pytest.mark.parametrize(
    ("topic", "hint"),
    [
        ("plan", "did you mean plans? `reconcile docs` lists all topics"),
        ("exit", "did you mean exit-codes? `reconcile docs` lists all topics"),
        ("Stores", "did you mean stores? `reconcile docs` lists all topics"),
        ("../README", f"the topics are {', '.join(TOPICS)}"),
        ("", f"the topics are {', '.join(TOPICS)}"),
    ],
)
def test_an_unknown_topic_is_an_error(reader: Project, topic: str, hint: str) -> None:
    """The error names the topics that may be meant, or else all of them."""
    result = reader.run("docs", topic)
    assert (result.code, result.out) == (1, "")
    assert result.err == f"error: there is no topic {topic!r}\nhint: {hint}\n"


def test_an_unknown_topic_is_shown_harmlessly(reader: Project) -> None:
    """An escape sequence in the name of a topic does not reach the terminal."""
    result = reader.run("docs", "\x1b[31mred")
    assert (result.code, "\x1b" in result.err) == (1, False)


def test_docs_need_no_project(tmp_path: Path) -> None:
    """A broken project file keeps nobody from reading."""
    (tmp_path / "reconcile.yaml").write_text("version: [")
    done = subprocess.run(
        [SCRIPT, "docs", "project"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, as_commands(TEXTS["project"]), "")


def test_a_pipe_gets_no_pager(tmp_path: Path) -> None:
    """A page goes straight to a pipe, whatever pager is set."""
    environ = {**os.environ, "PAGER": f"cp /dev/stdin {tmp_path}/paged"}
    done = subprocess.run(
        [SCRIPT, "docs", "plans"], env=environ, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, as_commands(TEXTS["plans"]))
    assert not (tmp_path / "paged").exists()


def test_a_reader_that_ends_early_is_no_fault() -> None:
    """`reconcile docs commands | head` prints no error."""
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as gone:  # noqa: PTH123
        done = subprocess.run(
            [SCRIPT, "docs", "commands"], stdout=gone, stderr=subprocess.PIPE, check=False
        )
    assert done.stderr == b""


def test_a_terminal_gets_the_pager(tmp_path: Path) -> None:
    """On a terminal the person's own pager shows the page."""
    environ = {**os.environ, "TERM": "xterm", "PAGER": f"cp /dev/stdin {tmp_path}/paged"}
    control, terminal = pty.openpty()
    try:
        process = subprocess.Popen(
            [SCRIPT, "docs", "exit-codes"],
            env=environ,
            stdin=terminal,
            stdout=terminal,
            stderr=subprocess.PIPE,
        )
        os.close(terminal)
        with process:
            _, err = process.communicate(timeout=60)
    finally:
        os.close(control)
    assert (process.returncode, err) == (0, b"")
    assert (tmp_path / "paged").read_text() == as_commands(TEXTS["exit-codes"])


def test_the_wheel_holds_the_pages(tmp_path: Path) -> None:
    """An installed reconcile has every page, byte for byte."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*build, "--directory", tmp_path], cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        pages = {
            Path(name).stem: archive.read(name).decode()
            for name in archive.namelist()
            if name.startswith("reconcile/docs/")
        }
    assert pages == TEXTS
