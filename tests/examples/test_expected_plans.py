"""Each example's expected plan text is what `reconcile plan` prints on a fresh sandbox."""

import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/reconcile.yaml"))
RECONCILE = Path(sysconfig.get_path("scripts")) / "reconcile"


def reconcile(folder: Path, *arguments: str) -> str:
    """The program's stdout, with the account's number left out since every sandbox has its own."""
    done = subprocess.run(
        [RECONCILE, "-C", folder, *arguments],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return re.sub(r"account \d+", "account NNN", done.stdout)


@pytest.fixture(params=NAMES)
def example(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of an example on a fresh sandbox that has the key properties."""
    folder = tmp_path / "examples" / request.param
    left_out = shutil.ignore_patterns("state", "*.plan")
    shutil.copytree(EXAMPLES / request.param, folder, ignore=left_out)
    reconcile(folder, "init", "--auto-approve")
    return folder


def test_the_expected_text_is_what_plan_prints(example: Path) -> None:
    """A newcomer sees what the example's folder says they will see."""
    expected = (EXAMPLES / example.name / "expected-plan.txt").read_text(encoding="utf-8")
    assert reconcile(example, "plan") == expected


def test_every_example_has_an_expected_text() -> None:
    """A new example cannot come without one."""
    assert sorted(path.parent.name for path in EXAMPLES.glob("*/expected-plan.txt")) == NAMES
