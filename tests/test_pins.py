"""The versions that CI installs: the newest, and the lowest that pyproject.toml allows."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
NEWEST = ROOT / ".ci" / "constraints.txt"
LOWEST = ROOT / ".ci" / "lowest.txt"


def pins(path: Path) -> dict[str, Version]:
    """Return the version that a file of pins has of each package."""
    found = re.findall(r"^([a-z0-9-]+)==([^\s;]+)", path.read_text(), re.MULTILINE)
    return {name: Version(version) for name, version in found}


def asked() -> Iterator[Requirement]:
    """Return what pyproject.toml asks for by itself to run, to be built and to be tested."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    texts = list(project["project"]["dependencies"])
    for extra in project["project"]["optional-dependencies"].values():
        texts += extra
    texts += project["build-system"]["requires"]
    texts += project["dependency-groups"]["build"]
    for requirement in map(Requirement, texts):
        if requirement.name != "hubspot-reconcile":
            yield requirement


@pytest.mark.parametrize("requirement", sorted(asked(), key=str), ids=str)
def test_lowest_version_allowed_is_the_one_tested(requirement: Requirement) -> None:
    """CI runs with exactly the lowest version of each package that pyproject.toml asks for."""
    (low,) = (one.version for one in requirement.specifier if one.operator in (">=", "=="))
    name = requirement.name.lower().replace(".", "-")
    assert pins(LOWEST)[name] == Version(low)
    assert pins(NEWEST)[name] in requirement.specifier


def test_no_version_of_deepdiff_with_a_known_hole() -> None:
    """CVE-2025-58367 is in deepdiff up to 8.6.0."""
    (deepdiff,) = (one for one in asked() if one.name == "deepdiff")
    assert "8.6.0" not in deepdiff.specifier
    assert "8.6.1" in deepdiff.specifier


@pytest.mark.parametrize("path", [NEWEST, LOWEST], ids=lambda path: path.name)
def test_every_pin_has_hashes_and_no_address(path: Path) -> None:
    """What is downloaded is known by its hash, wherever it comes from."""
    text = path.read_text()
    assert "://" not in text
    assert "--index-url" not in text
    blocks = re.split(r"^(?=[a-z0-9-]+==)", text, flags=re.MULTILINE)[1:]
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert len(blocks) == len(pins(path)) > 40
