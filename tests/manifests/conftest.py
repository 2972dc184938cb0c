"""A project folder to write manifests into and to load."""

from collections.abc import Collection
from pathlib import Path

import pytest
import yaml

from reconcile.errors import ManifestError, Problem
from reconcile.manifests import load, yaml_nodes
from reconcile.model.records import Unit


class Project:
    """A folder of manifests."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, text: str | bytes) -> Path:
        """Put a file into the folder."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def load(self, *paths: str, by_id: Collection[str] = ()) -> tuple[Unit, ...]:
        """The units under some paths of the folder, or under all of it."""
        chosen = [self.root / path for path in paths or (".",)]
        return load(chosen, root=self.root, by_id=by_id)

    def problems(self, *paths: str, by_id: Collection[str] = ()) -> tuple[Problem, ...]:
        """What is wrong; fails where nothing is."""
        with pytest.raises(ManifestError) as caught:
            self.load(*paths, by_id=by_id)
        return caught.value.problems

    def units(self, text: str | bytes) -> tuple[Unit, ...]:
        """The units of a folder that holds this one file."""
        self.write("a.yaml", text)
        return self.load("a.yaml")

    def problem(self, text: str | bytes) -> Problem:
        """The one thing wrong in this one file; fails where there are more."""
        self.write("a.yaml", text)
        (problem,) = self.problems("a.yaml")
        return problem


@pytest.fixture(params=["libyaml", "pure"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both readers of events."""
    if request.param == "libyaml" and not yaml.__with_libyaml__:
        pytest.skip("PyYAML was built without libyaml")
    chosen = yaml.CBaseLoader if request.param == "libyaml" else yaml.BaseLoader
    monkeypatch.setattr(yaml_nodes, "LOADER", chosen)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project."""
    return Project(tmp_path)
