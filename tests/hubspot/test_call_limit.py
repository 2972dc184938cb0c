"""The limit of a whole call, on real sockets: an answer that drips in has an end, and is waited for
aloud.
"""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from typing import Any

import pytest

from reconcile import call_watchdog
from reconcile.errors import Ambiguous, Unreachable
from reconcile.hubspot.connection import Connection, NotSent
from reconcile.hubspot.transport import Transport
from reconcile.hubspot.write_freshness import Stale, WriteFreshness

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"id":"1"}'
BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
DRIPS = [
    pytest.param(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x", id="headers"),
    pytest.param(BODY, b" ", id="body"),
    pytest.param(
        BODY.replace(b"Content-Length: 1000", b"Transfer-Encoding: chunked"),
        b"1\r\n \r\n",
        id="chunks",
    ),
]


class Dripper:
    """A server whose answers begin with ``head`` and then come in drops, for as long as asked.

    While ``head`` is None it answers at once.
    """

    def __init__(self) -> None:
        self.head: bytes | None = None
        self.drop = b""
        self.requests: list[bytes] = []
        self.ended = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept nobody any more."""
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while request := connection.recv(65536):
                self.requests.append(request)
                if self.head is None:
                    connection.sendall(OK)
                    continue
                try:
                    connection.sendall(self.head)
                    while True:
                        time.sleep(0.02)
                        connection.sendall(self.drop)
                finally:
                    self.ended.set()


@pytest.fixture
def dripper() -> Iterator[Dripper]:
    """Start a server that can drip."""
    server = Dripper()
    yield server
    server.close()


def transport(url: str, **options: Any) -> Transport:
    """A client whose calls have half a second."""
    usual = {"rate_limit": None, "timeout": 0.5, "attempts": 1, "sleep": lambda _: None}
    return Transport(url, "pat-na1-x", **{**usual, **options})


@pytest.mark.parametrize("reused", [False, True], ids=["new connection", "used connection"])
@pytest.mark.parametrize(("head", "drop"), DRIPS)
def test_an_answer_that_drips_in_ends_at_the_limit(
    dripper: Dripper, head: bytes, drop: bytes, *, reused: bool
) -> None:
    """However often a byte comes, the call ends, and its connection with it."""
    with transport(dripper.url) as calls:
        if reused:
            assert calls.call("GET", "/x", repeatable=True).status == 200
        dripper.head, dripper.drop = head, drop
        with pytest.raises(Ambiguous, match=r"no complete answer within 0\.5 s"):
            calls.call("POST", "/x", body={}, repeatable=False)
        assert dripper.ended.wait(20)
        dripper.head = None
        assert calls.call("GET", "/x", repeatable=True).status == 200


def test_a_read_that_drips_is_asked_again_and_given_up(dripper: Dripper) -> None:
    """Each attempt has the limit."""
    dripper.head, dripper.drop = BODY, b" "
    with transport(dripper.url, attempts=2) as calls, pytest.raises(Unreachable, match=r"0\.5 s"):
        calls.call("GET", "/x", repeatable=True)
    assert len(dripper.requests) == 2


def test_the_reason_is_the_same_whichever_clock_ends_a_call(
    dripper: Dripper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine the HTTP client's own limit is up before the watchdog wakes."""
    monkeypatch.setattr("reconcile.hubspot.connection.watched", lambda *_, **__: nullcontext())
    dripper.head = BODY
    with (
        transport(dripper.url) as calls,
        pytest.raises(Ambiguous, match=r"no complete answer within 0\.5 s"),
    ):
        calls.call("POST", "/x", body={}, repeatable=False)


def test_a_server_that_takes_no_bytes_ends_at_the_limit() -> None:
    """A request that cannot be written is cut as well as an answer that does not come."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with transport(url) as calls, pytest.raises(Ambiguous):
            calls.call("POST", "/x", body={"x": "y" * 20_000_000}, repeatable=False)


def test_what_a_long_call_waits_for_is_said(
    dripper: Dripper, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without ids, and again every so many seconds."""
    monkeypatch.setattr(call_watchdog, "NOTICE_INTERVAL", 0.2)
    caplog.set_level(logging.INFO, "reconcile.call_watchdog")
    dripper.head, dripper.drop = BODY, b" "
    with transport(dripper.url, timeout=1.0) as calls, pytest.raises(Unreachable):
        calls.call("GET", "/crm/v3/objects/orders/4711", repeatable=True, route="/crm/orders/{id}")
    said = [record.getMessage() for record in caplog.records]
    assert len(said) >= 2
    assert all(line.startswith("waiting for HubSpot: GET /crm/orders/{id}, ") for line in said)
    assert all(line.endswith(" s so far") for line in said)


def test_nothing_is_said_of_calls_that_are_answered(
    dripper: Dripper, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A usual run shows no notice, though many calls together take long."""
    monkeypatch.setattr(call_watchdog, "NOTICE_INTERVAL", 1.0)
    caplog.set_level(logging.INFO, "reconcile.call_watchdog")
    with transport(dripper.url, timeout=20) as calls:
        for _ in range(20):
            calls.call("GET", "/x", repeatable=True)
            time.sleep(0.06)
    assert [record.getMessage() for record in caplog.records] == []


def test_permission_is_asked_when_connected_and_right_before_sending(dripper: Dripper) -> None:
    """So that no connecting, however slow, comes between the look at the lock and the request."""
    asked: list[int] = []
    connection = Connection(dripper.url, "t", timeout=20, environment=False)

    def refuse() -> None:
        asked.append(len(dripper.requests))
        raise Stale

    for _ in range(2):
        with pytest.raises(Stale):
            connection.send("POST", "/x", params=None, content=b"{}", before_send=refuse)
    assert connection.send("GET", "/x", params=None, content=None).status == 200
    with pytest.raises(Stale):
        connection.send("POST", "/x", params=None, content=b"{}", before_send=refuse)
    assert asked == [0, 0, 1]
    assert len(dripper.requests) == 1
    connection.close()


def test_a_call_whose_time_is_up_before_it_is_sent_is_not_sent(dripper: Dripper) -> None:
    """A call that could not be sent in time is not sent late."""
    connection = Connection(dripper.url, "t", timeout=0.2, environment=False)
    with pytest.raises(NotSent, match="in time"):
        connection.send(
            "POST", "/x", params=None, content=b"{}", before_send=lambda: time.sleep(1.0)
        )
    connection.close()
    assert dripper.requests == []


def test_a_write_that_waits_for_permission_is_noted_as_late(dripper: Dripper) -> None:
    """Its re-check is old when it leaves at last, so its history is to be looked up."""
    moments = iter((100.0, 100.0, 100.0, 105.0))
    freshness = WriteFreshness(100.0)
    with (
        transport(dripper.url, timeout=20, clock=lambda: next(moments, 105.0)) as calls,
        calls.permitted(lambda: None),
    ):
        calls.call("POST", "/x", body={}, repeatable=True, freshness=freshness)
    assert freshness.late
