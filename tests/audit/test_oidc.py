"""GitHub's own word on the job: asked for where the job may, and never needed."""

import base64
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from reconcile.audit.actor import current_actor
from reconcile.audit.github_identity import claims

TOKEN = "runner-token-of-the-job"
CLAIMS = {
    "repository": "acme/shop",
    "ref": "refs/heads/main",
    "sha": "ab" * 20,
    "actor": "octo",
    "run_id": "42",
    "environment": "production",
    "workflow_ref": "acme/shop/.github/workflows/apply.yml@refs/heads/main",
    "iss": "https://token.actions.githubusercontent.com",
    "sub": "repo:acme/shop:environment:production",
}


def jwt(payload: object) -> str:
    """An identity token whose signature nobody looks at."""
    body = base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=").decode()
    return f"eyJhbGciOiJSUzI1NiJ9.{body}.signature"


class Issuer:
    """Answers as GitHub's service does, or as a test wants."""

    def __init__(self) -> None:
        self.status = 200
        self.body: bytes = json.dumps(
            {"count": 1, "value": jwt(CLAIMS | {"aud": "reconcile", "extra": "x", "number": 1})}
        ).encode()
        self.location = ""
        self.asked: list[tuple[str, str | None]] = []
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append((self.path, self.headers["Authorization"]))
                self.send_response(issuer.status)
                if issuer.location:
                    self.send_header("Location", issuer.location)
                self.send_header("Content-Length", str(len(issuer.body)))
                self.end_headers()
                self.wfile.write(issuer.body)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def environ(self) -> dict[str, str]:
        port = self.server.server_address[1]
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTOR": "someone",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://127.0.0.1:{port}/token/1?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": TOKEN,
        }


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """Serve an issuer on loopback."""
    served = Issuer()
    yield served
    served.server.shutdown()
    served.server.server_close()


def test_claims_are_asked_for_as_github_documents(issuer: Issuer) -> None:
    """Only those that the log shows are kept."""
    assert claims(issuer.environ, loopback=True) == CLAIMS
    assert issuer.asked == [("/token/1?api-version=2.0&audience=reconcile", f"Bearer {TOKEN}")]


def test_the_actor_is_marked_as_unverified(issuer: Issuer, tmp_path: Path) -> None:
    """The claims go before the environment, and no token is among the facts."""
    found = current_actor(issuer.environ, tmp_path, loopback=True)
    assert (found.name, found.source) == ("octo", "oidc-unverified")
    assert found.facts == CLAIMS
    assert TOKEN not in repr(found)


def test_without_leave_to_use_loopback_nothing_is_asked(issuer: Issuer, tmp_path: Path) -> None:
    """Plain http would show the token to who listens."""
    assert claims(issuer.environ) == {}
    assert issuer.asked == []
    assert current_actor(issuer.environ, tmp_path).source == "github"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "//127.0.0.1/",
        "https://",
        "http://127.0.0.1:99999/",
        "https://[::1/",
        "https://example.com/\n",
        "https://example.com/ x",
    ],
)
def test_an_address_that_is_none_is_not_asked(url: str) -> None:
    """Whatever the environment holds, the answer is no claims, and no error."""
    environ = {"ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": TOKEN}
    assert claims(environ, loopback=True) == {}


class Network:
    """Takes every request that would leave this machine, and answers as an issuer does."""

    def __init__(self, issuer: str) -> None:
        self.asked: list[str] = []
        claimed = CLAIMS | {"iss": issuer, "aud": "reconcile"}
        self._body = json.dumps({"value": jwt(claimed)}).encode()

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer one."""
        self.asked.append(request.url.host)
        return httpx.Response(200, content=self._body)


def claims_over(
    monkeypatch: pytest.MonkeyPatch, url: str, issuer: str
) -> tuple[dict[str, str], list[str]]:
    """The claims that an address leads to, and the hosts that were asked."""
    network = Network(issuer)
    monkeypatch.setattr(
        httpx.HTTPTransport, "handle_request", lambda _, request: network.answer(request)
    )
    environ = {"ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": TOKEN}
    return claims(environ), network.asked


GITHUB = "https://token.actions.githubusercontent.com"


@pytest.mark.parametrize(
    ("url", "issuer"),
    [
        ("https://pipelines.actions.githubusercontent.com/x?api-version=2.0", GITHUB),
        ("https://run-actions-3-azure-eastus.actions.githubusercontent.com/x", f"{GITHUB}/acme"),
        ("https://token.actions.acme.ghe.com:443/x", "https://token.actions.acme.ghe.com"),
    ],
)
def test_hosts_of_githubs_own_are_asked(
    monkeypatch: pytest.MonkeyPatch, url: str, issuer: str
) -> None:
    """The claims count where the issuer is the one that belongs to the host."""
    found, asked = claims_over(monkeypatch, url, issuer)
    assert found["iss"] == issuer
    assert len(asked) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/x",
        "https://actions.githubusercontent.com.example.com/x",
        "https://evilactions.githubusercontent.com/x",
        "https://pipelines.actions.githubusercontent.com@example.com/x",
        "https://me@pipelines.actions.githubusercontent.com/x",
        "https://example.com#.actions.githubusercontent.com/x",
        "https://example.com?.actions.githubusercontent.com/x",
        "https://example.com\\.actions.githubusercontent.com/x",
        "https://pipelines.actions.githubusercontent.com:8443/x",
        "http://pipelines.actions.githubusercontent.com/x",
        "https://raw.githubusercontent.com/acme/evil/main/claims",
        "https://acme.ghe.com/x",
        "https://token.actions.a.b.ghe.com/x",
    ],
)
def test_other_hosts_get_no_token(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Whoever answers there could claim to be anybody, and would have the runner's token."""
    assert claims_over(monkeypatch, url, GITHUB) == ({}, [])


@pytest.mark.parametrize(
    "claimed",
    [
        {"iss": "https://token.actions.githubusercontent.com.example.com"},
        {"iss": "https://example.com"},
        {"iss": "https://token.actions.acme.ghe.com"},
        {"iss": 1},
        {"aud": "https://github.com/acme"},
        {"aud": ["reconcile"]},
    ],
)
def test_claims_of_another_issuer_or_for_others_do_not_count(
    issuer: Issuer, claimed: dict[str, object]
) -> None:
    """A token that was given out for something else says nothing about this job."""
    issuer.body = json.dumps({"value": jwt(CLAIMS | {"aud": "reconcile"} | claimed)}).encode()
    assert claims(issuer.environ, loopback=True) == {}
    assert len(issuer.asked) == 1


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "ü"])
def test_a_token_that_is_none_is_not_sent(issuer: Issuer, token: str) -> None:
    """Nor is one that would make another header."""
    environ = issuer.environ | {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": token}
    assert claims(environ, loopback=True) == {}
    assert issuer.asked == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"value": 1}',
        b'{"value": "nodots"}',
        b'{"value": "a.!!!!.c"}',
        json.dumps({"value": jwt([1])}).encode(),
        json.dumps({"value": jwt("text")}).encode(),
        b"[" * 10_000,
        b'"' + b"x" * 100_000 + b'"',
    ],
)
def test_an_answer_that_is_none_is_no_claims(issuer: Issuer, body: bytes) -> None:
    """The apply continues with what the environment says."""
    issuer.body = body
    assert claims(issuer.environ, loopback=True) == {}


def test_a_refusal_is_no_claims(issuer: Issuer) -> None:
    """So is an issuer that is not there."""
    issuer.status = 403
    assert claims(issuer.environ, loopback=True) == {}
    issuer.server.shutdown()
    issuer.server.server_close()
    assert claims(issuer.environ, loopback=True) == {}


def test_a_redirect_is_not_followed(issuer: Issuer) -> None:
    """The token goes to one address only."""
    issuer.status, issuer.location = 302, f"{issuer.environ['ACTIONS_ID_TOKEN_REQUEST_URL']}&again"
    assert claims(issuer.environ, loopback=True) == {}
    assert len(issuer.asked) == 1
