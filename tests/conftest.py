"""Fixtures that the tests of planning, applying, stores and the whole share."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

# Helpers are plain modules beside this file; importlib mode puts no folder on the path.
sys.path.insert(0, str(Path(__file__).parent))

import selection
from forge.guarded import guard
from forge.server import Forge
from proxy import Proxy
from random_examples import register_profiles
from world import World, seed

from reconcile.sandbox import Sandbox, Switches

register_profiles()


def pytest_configure() -> None:
    """Clear the environment, and see that fast tests start no process and no server.

    Whoever runs the tests, a person or a CI job: tests and the programs that they start find the
    same. What a test needs of these variables it sets itself.
    """
    outside = ("CI", "NO_COLOR", "FORCE_COLOR", "PYTHONUNBUFFERED")
    prefixes = ("RECONCILE_", "GITHUB_", "ACTIONS_", "GITLAB_")
    for name in [name for name in os.environ if name in outside or name.startswith(prefixes)]:
        del os.environ[name]
    selection.guard_fast()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is fast and what is long, before tests are chosen by their marks."""
    selection.mark_fast(items)
    selection.mark_long(items)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note which test runs."""
    selection.begin(item)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an account's database with the key properties, a few contacts and companies."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "seed.json").write_text(json.dumps(seed()), encoding="utf-8")
    with Sandbox(folder / "account.sqlite", seed=folder / "seed.json"):
        pass
    return folder / "account.sqlite"


@pytest.fixture
def build(tmp_path: Path, template: Path) -> Iterator[Callable[..., World]]:
    """Build worlds that differ from the usual one; see World."""
    with ExitStack() as stack:

        def make(*, switches: Switches | None = None, **options: Any) -> World:
            folder = tmp_path / f"world-{len(list(tmp_path.iterdir()))}"
            return stack.enter_context(
                World(folder, template=template, switches=switches, **options)
            )

        yield make


@pytest.fixture
def world(build: Callable[..., World]) -> World:
    """Return a project whose account has the key properties, three contacts, two companies."""
    return build()


@pytest.fixture
def watched(build: Callable[..., World]) -> World:
    """Return a world whose calls pass a proxy that records them and can be told to interfere."""
    return build(proxy=Proxy)


@pytest.fixture
def forge() -> Iterator[Forge]:
    """Serve a GitHub with a repository in which everything is on that reviews rely on."""
    with Forge() as forge:
        guard(forge.repository)
        yield forge
