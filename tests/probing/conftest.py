"""An account with neighbours in it, the probe on it, and answers that can be interfered with."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from probed import Interfere, Probed, advance

from reconcile.hubspot._http import Connection, Reply
from reconcile.hubspot.client import HubSpot
from reconcile.sandbox import Sandbox, Switches

Build = Callable[..., Probed]


@pytest.fixture(scope="session")
def neighbourhood(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An account's database with other people's records in it, associated with each other."""
    path = Path(shutil.copy(template, tmp_path_factory.mktemp("neighbourhood") / "a.sqlite"))
    with Sandbox(path) as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        with httpx.Client(base_url=sandbox.url, headers=headers, trust_env=False) as http:

            def make(object_: str, properties: dict[str, str], *links: tuple[str, int]) -> str:
                associations = [
                    {
                        "to": {"id": to},
                        "types": [
                            {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_}
                        ],
                    }
                    for to, type_ in links
                ]
                body = {"properties": properties, "associations": associations}
                answer = http.post(f"/crm/v3/objects/{object_}", json=body)
                answer.raise_for_status()
                return str(answer.json()["id"])

            order = make("orders", {"hs_order_name": "Theirs", "reconcile_key": "K-1"})
            make("line_items", {"name": "Theirs", "price": "5"}, (order, 514))
            make("carts", {"hs_cart_name": "Theirs"}, (order, 592))
    return path


@pytest.fixture
def build(neighbourhood: Path, tmp_path: Path) -> Iterator[Build]:
    """Build worlds: with switches, a plan, or a token of some scopes only."""
    with ExitStack() as stack:

        def make(
            switches: Switches | None = None,
            *,
            plan: str | None = None,
            scopes: Sequence[str] | None = None,
        ) -> Probed:
            path = tmp_path / f"{len(list(tmp_path.glob('*.sqlite')))}.sqlite"
            shutil.copy(neighbourhood, path)
            sandbox = stack.enter_context(Sandbox(path, switches=switches, plan=plan))
            token = sandbox.token if scopes is None else sandbox.add_token(scopes)
            client = HubSpot(
                sandbox.url, token, rate_limit=None, attempts=3, sleep=advance(sandbox)
            )
            hubspot = stack.enter_context(client)
            return Probed(path, sandbox, hubspot, hubspot.scopes())

        yield make


@pytest.fixture
def world(build: Build) -> Probed:
    """A world under default switches."""
    return build()


@pytest.fixture
def interfere(monkeypatch: pytest.MonkeyPatch) -> Callable[[Interfere], None]:
    """Put something between the client and the account."""
    send = Connection.send

    def install(change: Interfere) -> None:
        def between(
            self: Connection, method: str, path: str, *, params: Any, content: bytes | None
        ) -> Reply:
            def onward() -> Reply:
                return send(self, method, path, params=params, content=content)

            return change(method, path, content or b"", onward)

        monkeypatch.setattr(Connection, "send", between)

    return install


@pytest.fixture
def rewrite(interfere: Callable[[Interfere], None]) -> Callable[..., None]:
    """Make the account answer otherwise: text replaced, or the status, in some calls' answers."""

    def install(
        method: str, part: str, old: bytes = b"", new: bytes = b"", *, status: int = 0
    ) -> None:
        def change(verb: str, path: str, _: bytes, onward: Callable[[], Reply]) -> Reply:
            reply = onward()
            if verb != method or part not in f"{path}$":
                return reply
            body = reply.body.replace(old, new) if old else reply.body
            return replace(reply, body=body, status=status or reply.status)

        interfere(change)

    return install
