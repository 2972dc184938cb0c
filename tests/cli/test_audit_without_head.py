"""The audit log is read by itself: what is wrong with the state's head is no obstacle."""

import pytest

from tests.cli.conftest import Project

DAMAGES = {"missing": None, "empty": b"", "garbled": b"{", "of another format": b'{"format":1}'}
READING = [("audit", "log"), ("audit", "log", "--json"), ("audit", "export")]


@pytest.fixture(params=DAMAGES.values(), ids=DAMAGES)
def headless(request: pytest.FixtureRequest, project: Project) -> Project:
    """Return a project that was applied twice, and whose state's head was damaged since."""
    project.fine("apply", "--auto-approve")
    project.write("kind: order\nkey: A-9\n", "manifests/more.yaml")
    project.fine("apply", "--auto-approve")
    file = project.folder / "state" / "shop" / "head.json"
    if request.param is None:
        file.unlink()
    else:
        file.write_bytes(request.param)
    return project


@pytest.mark.matrix(keep=3)
@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_the_log_is_read(headless: Project, command: tuple[str, ...]) -> None:
    """It says what was applied, which is needed most when the state is damaged."""
    assert "apply" in headless.fine(*command)


def test_one_run_is_shown(headless: Project) -> None:
    """By its number in the log."""
    assert "order/A-1" in headless.fine("audit", "show", "1")


def test_the_log_is_verified_by_itself(headless: Project) -> None:
    """What could not be compared is said, and is no success."""
    done = headless.run("audit", "verify")
    assert done.code == 1
    assert "The audit log is intact." in done.out
    assert "so a cut-off end would not be detected" in done.out
    assert "The log could not be compared with the state: the state" in done.err
    assert "hint: " in done.err


@pytest.mark.matrix(keep=2)
def test_an_altered_log_is_found_without_the_state(headless: Project) -> None:
    """Its chain needs no state."""
    file = headless.folder / "state" / "shop" / "audit" / "000000" / "0000000000.json"
    file.write_bytes(file.read_bytes().replace(b"order/A-1", b"order/A-2", 1))
    done = headless.run("audit", "verify")
    assert done.code == 1
    assert "The audit log is BROKEN from entry" in done.out


def test_the_log_of_a_state_that_moved_is_verified_as_far_as_it_goes(project: Project) -> None:
    """What was written since is elsewhere: the hint says where."""
    project.fine("apply", "--auto-approve")
    project.fine("state", "push", "file:elsewhere")
    done = project.run("audit", "verify")
    assert done.code == 1
    assert "was moved to" in done.err
    assert "reconcile state pull file:" in done.err
