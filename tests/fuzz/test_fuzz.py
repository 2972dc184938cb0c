"""Files as disks, editors and attackers leave them: every command ends in plain words.

Damage and command follow from a part's name and a number, so that these cases are always the same;
``run.py`` does as many others as there is time for.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fuzzing import PARTS, Fuzzer

CASES = 30
"""For each part: a few seconds."""


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Iterator[Fuzzer]:
    """Return projects that were applied, or killed while they were."""
    with Fuzzer(tmp_path_factory.mktemp("fuzz"), template) as made:
        yield made


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", PARTS)
def test_damaged_files(fuzzer: Fuzzer, part: str) -> None:
    """No traceback, no token, nothing written where it must not be, and a documented exit code."""
    wrong = [str(case) for number in range(CASES) if (case := fuzzer.case(part, number)).faults]
    assert wrong == []
