"""A bucket that refuses requests for the time they bear, as S3 does beyond 15 minutes."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from reconcile.errors import UsageError
from reconcile.stores.store_urls import open_store

SENT, THERE = "20260729T101500Z", "2026-07-29T11:02:44Z"
SKEWED = f"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>RequestTimeTooSkewed</Code><Message>The difference between the request time and the \
current time is too large.</Message><RequestTime>{SENT}</RequestTime>\
<ServerTime>{THERE}</ServerTime>\
<MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds></Error>"""
EXPIRED = "<Error><Code>RequestExpired</Code><Message>Request has expired</Message></Error>"
DENIED = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, str]]]:
    """Serve S3's refusals: the last status and body of the list, for every request."""
    said: list[tuple[int, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = said[-1]
            self.send_response(status)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        do_PUT = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "not-a-secret",
        "AWS_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    yield said
    server.shutdown()
    thread.join()
    server.server_close()


def refusal(folder: Path) -> UsageError:
    """Return the error of reading the store."""
    store = open_store("s3://orders/prefix", folder / "shop")
    with pytest.raises(UsageError) as caught:
        store.read("head.json")
    return caught.value


def test_clock_skew_is_called_by_its_name(answering: list[tuple[int, str]], tmp_path: Path) -> None:
    """The message has both times, and the hint is about the clock."""
    answering.append((403, SKEWED))
    error = refusal(tmp_path)
    assert SENT in str(error)
    assert THERE in str(error)
    assert error.hint == ("set this machine's clock (turn on NTP); the credentials may be right")


def test_clock_skew_without_times(answering: list[tuple[int, str]], tmp_path: Path) -> None:
    """A server that gives no times is understood by its code."""
    answering.append((400, EXPIRED))
    error = refusal(tmp_path)
    assert "this machine's clock and the server's differ" in str(error)
    assert "clock" in error.hint


def test_other_refusals_are_about_credentials(
    answering: list[tuple[int, str]], tmp_path: Path
) -> None:
    """A clock is not blamed for what it did not do."""
    answering.append((403, DENIED))
    error = refusal(tmp_path)
    assert "clock" not in str(error) + error.hint
    assert "credentials" in error.hint
