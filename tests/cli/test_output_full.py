"""Output that cannot be written: to a full disk, or to a stream that the caller has closed."""

import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import SCRIPT

FULL = Path("/dev/full")
"""What is written there finds no room, on every Linux."""


def ended(redirected: str, *args: str, cwd: Path, buffered: bool = True) -> tuple[int, str]:
    """Run the program with its streams redirected by a shell; its exit code and stderr."""
    environ = {"PATH": "/usr/bin:/bin"} | ({} if buffered else {"PYTHONUNBUFFERED": "1"})
    command = ["sh", "-c", f'exec "$@" {redirected}', "-", str(SCRIPT), *args]
    done = subprocess.run(
        command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.matrix(keep=4)
@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize("words", ["version", "plan --help", "status", "validate --json"])
def test_stdout_on_a_full_disk(tmp_path: Path, words: str, *, buffered: bool) -> None:
    """It is an error in plain words, exit 1, whatever was printed."""
    (tmp_path / "reconcile.yaml").write_text(
        "version: 1\nmanifests: [m.yaml]\ntargets: {own: {sandbox: true}}\n", encoding="utf-8"
    )
    (tmp_path / "m.yaml").write_text("kind: order\nkey: A-1\n", encoding="utf-8")
    code, said = ended(f">{FULL}", *words.split(), cwd=tmp_path, buffered=buffered)
    assert code == 1
    assert said.splitlines() == [
        "error: the output cannot be written: No space left on device",
        "hint: make room on the disk, or send the output elsewhere",
    ]


@pytest.mark.parametrize("buffered", [True, False])
def test_stderr_on_a_full_disk(tmp_path: Path, *, buffered: bool) -> None:
    """The exit code stays what it is where the message cannot be written."""
    assert ended(f"2>{FULL}", "bogus", cwd=tmp_path, buffered=buffered)[0] == 1
    assert ended(f">{FULL} 2>&1", "version", cwd=tmp_path, buffered=buffered)[0] == 1


@pytest.mark.matrix(keep=2)
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_streams(tmp_path: Path, closed: str) -> None:
    """Whoever closes a stream wants nothing from it; everything else goes on."""
    assert ended(closed, "version", cwd=tmp_path) == (0, "")
    code, said = ended(closed, "state", "rm", "order/A-1", cwd=tmp_path)
    assert code == 1
    assert ("not in the state" in said) == ("2>" not in closed)
