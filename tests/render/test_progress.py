"""The progress bar."""

import io
import subprocess
import sys

import pytest

from reconcile.render.progress import progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_bar_counts_for_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal it says what is being done and how far it is; markup in it is data."""
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with progress(3, "reading [bold]orders[/bold]\x1b", stream=stream) as advance:
        advance(1)
        advance(2)
    assert r"reading [bold]orders[/bold]\x1b" in stream.getvalue()
    assert "3/3" in stream.getvalue()


def test_nothing_is_written_for_anybody_else() -> None:
    """A log or a pipe stays clean, and rich is not imported."""
    code = (
        "import sys\n"
        "from reconcile.render.progress import progress\n"
        "with progress(None, 'x') as advance: advance(1)\n"
        "sys.exit('rich' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
