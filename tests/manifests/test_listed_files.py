"""Manifests among listed paths: those that ``find`` finds, in an order that can be loaded."""

from pathlib import Path

import pytest

from reconcile.manifests import load_some, load_texts
from reconcile.manifests.files import find
from reconcile.manifests.listed_files import as_manifests, listed_manifests

DEFAULTS = "kind: defaults\norder: {{properties: {{hs_currency_code: {}}}}}\n"
FILES = {
    "reconcile.yaml": "version: 1",
    "defaults.yaml": DEFAULTS.format("EUR"),
    "a.yaml": "kind: order\nkey: A\n",
    "b.YML": "kind: order\nkey: B\n",
    "c.txt": "no manifest",
    ".hidden.yaml": "kind: order\nkey: H\n",
    "deep/reconcile.yaml": "version: 1",
    "deep/e.yml": "kind: order\nkey: E\n",
    "deep/er/defaults.yml": DEFAULTS.format("USD"),
    "deep/er/g h.yaml": "kind: order\nkey: G\n",
    "deep/er/and/deeper/i.yaml": "kind: order\nkey: I\n",
    "other/defaults.yaml": DEFAULTS.format("GBP"),
    "other/j.yaml": "kind: order\nkey: J\n",
}


@pytest.mark.parametrize(
    "given",
    [["."], ["deep"], ["deep/er"], ["a.yaml", "deep/er/g h.yaml"], ["other", "deep/er/and"]],
)
def test_listed_files_load_as_those_on_disk(tmp_path: Path, given: list[str]) -> None:
    """With the defaults of all folders above."""
    root = tmp_path.resolve()
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    paths = [root / name for name in given]
    listed = listed_manifests([root / name for name in FILES], paths, root)
    found = find(paths, root)
    assert set(listed) == {*found.files, *found.defaults}
    contents = as_manifests(((path, path.read_bytes()) for path in listed), root)
    assert load_texts(contents) == load_some(paths, root=root)
