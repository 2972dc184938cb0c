"""What every test of the sandbox starts from."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from plain import NO_TLS

from reconcile.sandbox import Sandbox, Switches

# Helpers are plain modules beside this file; importlib mode puts no folder on the path.
sys.path.insert(0, str(Path(__file__).parent))

KEY = {
    "name": "reconcile_key",
    "label": "Key",
    "type": "string",
    "fieldType": "text",
    "hasUniqueValue": True,
}
GROUPS = {
    "orders": "order_information",
    "carts": "cart_information",
    "line_items": "lineiteminformation",
}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[Switches], Sandbox]]:
    """Start sandboxes that are stopped when the test ends."""
    running: list[Sandbox] = []

    def starter(switches: Switches) -> Sandbox:
        sandbox = Sandbox(tmp_path / f"sandbox-{len(running)}.db", switches=switches)
        running.append(sandbox.__enter__())
        return sandbox

    yield starter
    for sandbox in running:
        sandbox.__exit__(None, None, None)


@pytest.fixture
def sandbox(start: Callable[[Switches], Sandbox]) -> Sandbox:
    """Return a running sandbox with the defaults."""
    return start(Switches())


@pytest.fixture
def http(sandbox: Sandbox) -> Iterator[httpx.Client]:
    """Return a client with the full-scope token."""
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    with httpx.Client(base_url=sandbox.url, headers=headers, verify=NO_TLS) as client:
        yield client


@pytest.fixture
def browser(sandbox: Sandbox) -> Iterator[httpx.Client]:
    """Return a client that has opened the link."""
    with httpx.Client(base_url=sandbox.url, follow_redirects=True, verify=NO_TLS) as client:
        assert client.get(sandbox.page_url).status_code == 200
        yield client


@pytest.fixture
def make_key() -> Callable[[httpx.Client, str], None]:
    """Return what defines the unique property of a type."""

    def define(client: httpx.Client, kind: str) -> None:
        body = {**KEY, "groupName": GROUPS[kind]}
        client.post(f"/crm/v3/properties/{kind}", json=body).raise_for_status()

    return define
