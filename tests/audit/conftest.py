"""Fixtures of the audit's tests."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

# Helpers are plain modules beside this file; importlib mode puts no folder on the path.
sys.path.insert(0, str(Path(__file__).parent))

from reconcile.audit.log import AuditLog
from reconcile.stores.local import LocalStore

PROJECT = """\
version: 1
manifests: [manifests]
targets:
  shop: {portal: 123, token: "${env:NOT_SET}"}
"""
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Clock:
    """A minute passes from each event to the next."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        now = self.now
        self.now += timedelta(minutes=1)
        return now


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project that we are in, with a real account as its target, and no token for it."""
    folder = tmp_path / "project"
    (folder / "manifests").mkdir(parents=True)
    (folder / "reconcile.yaml").write_text(PROJECT)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """Return a store in a folder that is not there yet."""
    return LocalStore(tmp_path / "state" / "shop")


@pytest.fixture
def log(store: LocalStore) -> AuditLog:
    """Return the store's audit log, empty, with a clock of its own."""
    return AuditLog(store, clock=Clock())
