"""The first hour of a shop that has orders already, as its page shows it."""

from pathlib import Path

import pytest

from tests.cli.console_blocks import EXAMPLES, replay


@pytest.mark.slow
def test_the_page_is_what_happens(tmp_path: Path) -> None:
    """Every command and its output."""
    page = EXAMPLES / "existing-shop" / "README.md"
    replay(page.read_text(encoding="utf-8"), tmp_path, "existing-shop")
