"""What is released: the version, its changelog, and what wheel and sdist hold.

``.ci/package`` installs and uses both.
"""

import email
import re
import subprocess
import sys
import tarfile
import zipfile
from datetime import date
from pathlib import Path

import pytest

from reconcile import __version__
from reconcile.cli.docs import TOPICS
from reconcile.model.kinds import kinds
from reconcile.model.versions import Release

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel and the sdist."""
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return folder


def sources(*folders: str) -> set[str]:
    """Return the files of some folders of the repository that people wrote."""
    return {
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".json", ".md", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml")
        and "__pycache__" not in path.parts
        and not (folder == "examples" and "state" in path.parts)
    }


def test_the_version_is_in_one_place(built: Path) -> None:
    """Both names, and the wheel's metadata, have the version of the package."""
    assert str(Release.parse(__version__)) == __version__
    assert {path.name for path in built.iterdir()} == {
        f"hubspot_reconcile-{__version__}-py3-none-any.whl",
        f"hubspot_reconcile-{__version__}.tar.gz",
    }
    assert __version__ not in (ROOT / "pyproject.toml").read_text(encoding="utf-8").split('"')


def test_the_changelog_has_the_version_with_a_date() -> None:
    """Its newest dated section is this version's."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (\S+) \((\S+)\)$", text, re.MULTILINE)
    assert headings[0][0] == __version__
    assert [date.fromisoformat(day) for _, day in headings]


def test_the_wheel_holds_what_the_program_reads(built: Path) -> None:
    """Pages, kinds, seeds, the type marker and the licence; no tests."""
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (info,) = {name.partition("/")[0] for name in names} - {"reconcile"}
        metadata = email.message_from_bytes(archive.read(f"{info}/METADATA"))
    assert {f"reconcile/docs/{topic}.md" for topic in TOPICS} <= names
    assert {f"reconcile/model/kinds/{kind}.toml" for kind in kinds()} <= names
    for example in ("northwind", "quickstart"):
        assert f"reconcile/examples/{example}/sandbox-seed.json" in names
    assert {"reconcile/py.typed", f"{info}/licenses/LICENSE"} <= names
    assert sources("reconcile") <= names
    assert (metadata["Name"], metadata["Version"]) == ("hubspot-reconcile", __version__)


def test_the_sdist_holds_what_the_two_commands_need(built: Path) -> None:
    """The sources, examples and tests, and what installs them."""
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert sources("reconcile", "examples", "tests", ".ci") <= names
    assert {"state/.gitignore", "state/README.md", ".gitignore", "pyproject.toml"} <= names
    assert {"LICENSE", "README.md", "CHANGELOG.md", ".ci/develop", ".ci/run"} <= names
