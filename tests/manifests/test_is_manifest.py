"""``is_manifest`` agrees with ``find`` on which files are manifests."""

from pathlib import Path

import pytest

from reconcile.manifests.files import find, is_manifest

NAMES = (
    "reconcile.yaml",
    "a.yaml",
    "b.YML",
    "c.txt",
    ".hidden.yaml",
    ".hidden/d.yaml",
    "deep/e.yml",
    "deep/.hidden/f.yaml",
    "deep/reconcile.yaml",
    "deep/er/g.yaml",
)


@pytest.mark.parametrize(
    "given",
    [
        ["."],
        ["deep"],
        ["deep", "a.yaml"],
        [".hidden"],
        ["c.txt"],
        ["deep/er", ".hidden/d.yaml"],
        ["deep", "deep/er"],
    ],
)
def test_names_are_judged_as_in_finding(tmp_path: Path, given: list[str]) -> None:
    """A file counts as a manifest exactly when it is found, were it there."""
    for name in NAMES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    paths = [tmp_path / name for name in given]
    found = set(find(paths, tmp_path).files)
    assert found
    assert found == {tmp_path / name for name in NAMES if is_manifest(tmp_path / name, paths)}
