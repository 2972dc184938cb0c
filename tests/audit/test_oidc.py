"""GitHub's own word on the job: asked for where the job may, and never needed."""

import base64
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from reconcile.audit.actor import who_is_it
from reconcile.audit.oidc import claims

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
    """Only the ones the log tells are kept."""
    assert claims(issuer.environ, loopback=True) == CLAIMS
    assert issuer.asked == [("/token/1?api-version=2.0&audience=reconcile", f"Bearer {TOKEN}")]


def test_the_actor_is_marked_as_told_by_the_issuer(issuer: Issuer, tmp_path: Path) -> None:
    """The claims go before the environment, and no token is among the facts."""
    found = who_is_it(issuer.environ, tmp_path, home=tmp_path, loopback=True)
    assert (found.name, found.source) == ("octo", "oidc")
    assert found.facts == CLAIMS
    assert TOKEN not in repr(found)


def test_without_leave_to_use_loopback_nothing_is_asked(issuer: Issuer, tmp_path: Path) -> None:
    """Plain http would show the token to who listens."""
    assert claims(issuer.environ) == {}
    assert issuer.asked == []
    assert who_is_it(issuer.environ, tmp_path, home=tmp_path).source == "github"


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
    """The apply goes on; the environment's word is taken."""
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
