"""`state push` and `pull` that cannot be done: the hint works, and nothing is left behind."""

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.conftest import Project

FOLDERS = ("elsewhere", "./elsewhere", "state/../elsewhere", "two words")


@pytest.fixture
def applied(project: Project) -> Project:
    """Return a project that was applied once."""
    project.fine("apply", "--auto-approve")
    return project


def hinted(said: str) -> list[str]:
    """Return the arguments of the command that a hint names."""
    found = re.search(r"`reconcile ([^`]*)`", said)
    assert found, said
    return shlex.split(found[1])


@pytest.mark.matrix(keep=4)
@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize(
    "command",
    [("plan",), ("status",), ("state", "list"), ("state", "push", "file:other")],
    ids=" ".join,
)
def test_the_hint_brings_a_state_back_from_a_folder(
    applied: Project, folder: str, command: tuple[str, ...]
) -> None:
    """A folder cannot be the `store:` of a project; a second push is no exception."""
    applied.fine("state", "push", f"file:{folder}")
    said = applied.refused(*command)
    assert "was moved to" in said
    assert "store:" not in said
    applied.fine(*hinted(said))
    assert "No changes." in applied.fine("plan")


def test_the_hint_is_good_from_anywhere(applied: Project) -> None:
    """The folder is named by the whole of its path."""
    applied.fine("state", "push", "file:elsewhere")
    assert hinted(applied.refused("plan"))[-1] == f"file:{applied.folder / 'elsewhere'}"


@pytest.mark.parametrize("url", ["file:state", "file:./state", "file:link", "file:state/../state"])
@pytest.mark.parametrize("command", ["push", "pull"])
def test_the_store_itself_is_recognised_however_it_is_written(
    applied: Project, command: str, url: str
) -> None:
    """It is not another store that happens to be locked."""
    (applied.folder / "link").symlink_to("state")
    assert "the state is in that store already" in applied.refused("state", command, url)


def tree(folder: Path) -> list[Path]:
    """Return all that is in a folder, of any sort."""
    return sorted(folder.rglob("*"))


@pytest.mark.parametrize("command", ["push", "pull"])
def test_nothing_is_left_where_there_is_no_state_to_move(project: Project, command: str) -> None:
    """Not where it would go, and not where it would come from."""
    before = tree(project.folder)
    assert "there is no state in" in project.refused("state", command, "file:other")
    assert tree(project.folder) == before


def test_nothing_is_left_where_the_state_was_moved_already(applied: Project) -> None:
    """Nor where it was to go the second time."""
    applied.fine("state", "push", "file:elsewhere")
    before = tree(applied.folder)
    applied.refused("state", "push", "file:other")
    assert tree(applied.folder) == before


def test_a_second_push_to_the_same_folder_is_done_already(applied: Project) -> None:
    """However the folder is written."""
    applied.fine("state", "push", "file:elsewhere")
    applied.fine("state", "push", f"file:{applied.folder}/elsewhere")
