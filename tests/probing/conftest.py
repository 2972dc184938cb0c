"""An account with neighbours in it, the probe on it, and answers that can be interfered with."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from probed import Interfere, Probed, advance

from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.connection import Connection, Reply
from reconcile.sandbox import Sandbox, Switches


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


@contextmanager
def probed(
    neighbourhood: Path,
    folder: Path,
    switches: Switches | None = None,
    *,
    plan: str | None = None,
    scopes: Sequence[str] | None = None,
) -> Iterator[Probed]:
    """Serve an account of its own: with switches, a plan, or a token of some scopes only."""
    path = folder / f"{len(list(folder.glob('*.sqlite')))}.sqlite"
    shutil.copy(neighbourhood, path)
    with Sandbox(path, switches=switches, plan=plan) as sandbox:
        token = sandbox.token if scopes is None else sandbox.add_token(scopes)
        sleep = advance(sandbox)
        with HubSpot(sandbox.url, token, rate_limit=None, attempts=3, sleep=sleep) as hubspot:
            yield Probed(path, sandbox, hubspot, hubspot.definitions.scopes())


@pytest.fixture
def build(neighbourhood: Path, tmp_path: Path) -> Iterator[Callable[..., Probed]]:
    """Build accounts of the test's own; see ``probed``."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(
            probed(neighbourhood, tmp_path, *args, **options)
        )


@pytest.fixture(scope="module")
def shared(neighbourhood: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probed]:
    """An account under default switches for all tests of a module."""
    with probed(neighbourhood, tmp_path_factory.mktemp("shared")) as world:
        yield world


@pytest.fixture
def world(shared: Probed) -> Probed:
    """The module's account, its calls forgotten; a test may leave records in it, nothing worse."""
    shared.sandbox.clear_requests()
    return shared


@pytest.fixture
def interfere(monkeypatch: pytest.MonkeyPatch) -> Callable[[Interfere], None]:
    """Put something between the client and the account."""
    send = Connection.send

    def install(change: Interfere) -> None:
        def between(
            self: Connection, method: str, path: str, *, content: bytes | None, **more: Any
        ) -> Reply:
            def onward() -> Reply:
                return send(self, method, path, content=content, **more)

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
