"""Tokens, scopes and accounts that are not what the settings say: refused before anything else."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from reconcile.sandbox import Switches
from tests.cli.conftest import PROJECT, Account, MakeProject, Project

READ = [f"crm.objects.{name}.read" for name in ("orders", "carts", "line_items", "contacts")]
READ += ["crm.pipelines.orders.read", "crm.objects.companies.read"]
WRITE = [f"crm.objects.{name}.write" for name in ("orders", "carts", "line_items", "contacts")]
COMMANDS = [("plan",), ("apply", "--auto-approve"), ("init", "--auto-approve"), ("doctor",)]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other at once."""
    monkeypatch.setattr("reconcile.hubspot.retry_policy.backoff", lambda _: 0.0)


@contextmanager
def answering(status: int, body: bytes, kind: str = "text/html") -> Iterator[str]:
    """A plain HTTP server that is no HubSpot; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Location", "https://evil.example/")
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def revoked(account: Account) -> str:
    """A token that was good once."""
    token = account.server.add_token(READ)
    account.server.revoke_token(token)
    return token


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    "make", [lambda _: "pat-na1-00000000-wrong", revoked], ids=["wrong", "revoked"]
)
def test_bad_token(
    reader: Project, command: tuple[str, ...], make: Callable[[Account], str]
) -> None:
    """A wrong or revoked token is told with the target, its address and the token's variable."""
    reader.token(make(reader.account))
    said = reader.refused(*command)
    assert said.startswith(f"error: target shop at {reader.account.url}: HTTP 401: ")
    assert "hint: the token in SHOP_TOKEN is wrong, expired or revoked" in said


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("ci", [False, True], ids=["", "CI"])
def test_token_not_set(reader: Project, command: tuple[str, ...], *, ci: bool) -> None:
    """An unset variable is an error that names it, in CI too; no sandbox takes its place."""
    reader.monkeypatch.delenv("SHOP_TOKEN")
    if ci:
        reader.env(CI="1", RECONCILE_TARGET="shop")
        command = (*command, "--accept-local-store") if command[0] == "apply" else command
    said = reader.refused(*command)
    assert "SHOP_TOKEN is not set" in said
    assert "target shop" in said
    assert reader.account.server.requests() == []


def test_tokens_do_not_stand_in_for_each_other(reader: Project) -> None:
    """Plan takes token_read, apply token_write; a missing one is not replaced by the other."""
    reader.settings(PROJECT.replace("token:", "token_read:"))
    reader.fine("plan")
    said = reader.refused("apply", "--auto-approve")
    assert "the target shop has no token to write with" in said


@pytest.mark.parametrize("text", [" ", "pat-na1 x", "pat\n", '"pat-na1"\x1b[31m', "päт"])
def test_token_with_odd_characters(reader: Project, text: str) -> None:
    """A token with a space, a line break or an escape in it is refused and not shown."""
    reader.env(SHOP_TOKEN=text)
    said = reader.refused("plan")
    assert "SHOP_TOKEN does not hold a token" in said
    assert text.strip() not in said or text == " "


@pytest.mark.parametrize("lacking", range(5))
def test_missing_scope(reader: Project, lacking: int) -> None:
    """A token without one of the scopes for reading is refused, naming a scope that would do."""
    scopes = [scope for number, scope in enumerate(READ) if number != lacking]
    reader.token(reader.account.server.add_token(scopes))
    said = reader.refused("plan")
    assert "error: HTTP 403" in said
    assert said.partition("hint: ")[0].count(READ[lacking]) == 1
    assert "hint: give the token's service key or app " in said
    assert READ[lacking] not in said.partition("hint: ")[2]


def test_missing_scope_in_the_other_shape(
    make_project: MakeProject, _filled: Path, tmp_path: Path
) -> None:
    """HubSpot's second shape of a 403, that of OAuth apps, is understood as well."""
    path = tmp_path / "oauth.sqlite"
    path.write_bytes(_filled.read_bytes())
    account = Account(path, switches=Switches(missing_scopes_shape="oauth"))
    with account.server:
        project = make_project(account)
        project.token(account.server.add_token(READ[1:]))
        said = project.refused("plan")
    assert "hint: give the token's service key or app one of these scopes" in said
    assert "crm.objects.orders.read" in said


def test_reading_token_cannot_apply(reader: Project) -> None:
    """A token that may only read plans; apply says which scopes it lacks, and writes nothing."""
    reader.token(reader.account.server.add_token(READ))
    reader.fine("plan")
    before = reader.account.dump()
    result = reader.run("apply", "--auto-approve")
    assert result.code == 1
    assert "crm.objects.orders.write" in result.err
    assert reader.account.writes() == []
    assert reader.account.dump() == before


def test_account_unreachable(reader: Project) -> None:
    """A port where nobody listens is told with the target and the address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        reader.settings(PROJECT.replace("{url}", url))
        said = reader.refused("plan")
    assert said.startswith(f"error: target shop at {url}: HubSpot cannot be reached: ")
    assert "\nhint: is a server running at 127.0.0.1:" in said


NOT_HUBSPOT = {
    "a web page": (200, b"<html>Welcome</html>", "text/html"),
    "a page not found": (404, b"<html>Not found</html>", "text/html"),
    "a redirect": (302, b"", "text/html"),
    "garbage": (200, b"\x00\xff\x1b[2J garbage", "application/json"),
    "nothing": (200, b"", "application/json"),
    "JSON of another service": (200, b'{"ok": true}', "application/json"),
    "a JSON list": (200, b"[1]", "application/json"),
    "a broken gateway": (502, b"<html>Bad gateway</html>", "text/html"),
}


@pytest.mark.parametrize(("status", "body", "kind"), NOT_HUBSPOT.values(), ids=NOT_HUBSPOT)
def test_not_hubspot(reader: Project, status: int, body: bytes, kind: str) -> None:
    """What answers in HubSpot's place is refused, and its text is not shown."""
    with answering(status, body, kind) as url:
        reader.settings(PROJECT.replace("{url}", url))
        said = reader.refused("plan")
    assert said.startswith(f"error: target shop at {url}: HTTP {status}")
    assert "not HubSpot's JSON" in said
    assert "hint: " in said
    assert "\x1b" not in said


def test_answer_quotes_the_token(reader: Project) -> None:
    """An answer that repeats the token does not bring it into the output."""
    body = json.dumps({"message": f"who is {reader.account.token}?"}).encode()
    with answering(403, body, "application/json") as url:
        reader.settings(PROJECT.replace("{url}", url))
        assert "who is [token]?" in reader.refused("plan")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_token_of_another_account(reader: Project, command: tuple[str, ...]) -> None:
    """A target whose token belongs to another account is refused after one call."""
    reader.settings(PROJECT.replace("    token:", "    portal: 12345\n    token:"))
    said = reader.refused(*command)
    portal = reader.account.server.portal_id
    assert f"error: target shop is account 12345, but its token belongs to account {portal}" in said
    assert len(reader.account.server.requests()) == 1


def test_state_of_another_account(project: Project) -> None:
    """State made for one account refuses to serve another."""
    project.fine("apply", "--auto-approve")
    head = project.folder / "state" / "shop" / "head.json"
    data = json.loads(head.read_text())
    head.write_text(json.dumps({**data, "portal_id": 999}))
    for command in ("plan", "apply"):
        said = project.refused(command)
        assert "belongs to account 999" in said


def test_missing_key_property(reader: Project) -> None:
    """An account without the key's property is refused, and init named as the remedy."""
    identity = "    identity: {order: 'unique:shop_key'}\n"
    reader.settings(PROJECT + identity)
    said = reader.refused("plan")
    assert "the account has no property 'shop_key' for orders" in said
    assert "run `reconcile init`" in said


def test_key_property_that_is_not_unique(reader: Project) -> None:
    """A property that is not unique is no key: refused, for plan and for init."""
    reader.settings(PROJECT + "    identity: {order: 'unique:hs_order_name'}\n")
    said = reader.refused("plan")
    assert "the property 'hs_order_name' of orders is not unique" in said
    said = reader.refused("init", "--auto-approve")
    assert "hs_order_name" in said
    assert "not unique" in said
