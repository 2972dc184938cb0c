"""Servers, and the backends on them."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import servers
from backends import Backend, opened


@pytest.fixture(scope="session")
def seaweedfs() -> Iterator[servers.Server]:
    """Start SeaweedFS once."""
    with servers.seaweedfs() as server:
        yield server


@pytest.fixture(scope="session")
def azurite() -> Iterator[servers.Server]:
    """Start Azurite once."""
    with servers.azurite() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[servers.Server]:
    """Start PostgreSQL once."""
    with servers.postgresql() as server:
        yield server


SHARED = [
    pytest.param("seaweedfs", marks=pytest.mark.servers),
    # Installing it may take a while.
    pytest.param("azurite", marks=[pytest.mark.servers, pytest.mark.timeout(300)]),
    pytest.param("postgresql", marks=pytest.mark.servers),
]


def _server(request: pytest.FixtureRequest) -> servers.Server | None:
    return None if request.param in {"local", "memory"} else request.getfixturevalue(request.param)


@pytest.fixture(params=["local", "memory", *SHARED])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Return each backend in turn."""
    with opened(request.param, tmp_path, _server(request)) as found:
        yield found


@pytest.fixture(params=["local", *SHARED])
def processes_backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Return each backend that several processes can open."""
    with opened(request.param, tmp_path, _server(request)) as found:
        yield found
