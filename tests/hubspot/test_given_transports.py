"""Transports that the caller gives: what is promised of httpx's own, and of any other."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from reconcile.errors import Ambiguous, UsageError
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.connection import Connection, MakeTransport, NoReply, NotSent
from reconcile.hubspot.transport import Transport
from reconcile.hubspot.write_freshness import MAX_AGE, Stale, WriteFreshness

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"id":"1"}'


class Server:
    """Answers every request with ``answer``, on as many connections as are opened.

    With ``drips`` the answer's end comes in drops, for ever.
    """

    def __init__(self) -> None:
        self.answer = OK
        self.drips = False
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept nobody any more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while received := connection.recv(65536):
                if not received.startswith((b"GET", b"POST")):
                    continue  # a body on its own
                self.requests.append(received)
                connection.sendall(self.answer)
                while self.drips:
                    time.sleep(0.05)
                    connection.sendall(b" ")


@pytest.fixture
def server() -> Iterator[Server]:
    """A server, which is closed at the end."""
    made = Server()
    yield made
    made.close()


class Around(httpx.BaseTransport):
    """A company's own transport: it does something, and passes requests on to httpx's."""

    def __init__(self, before: Callable[[httpx.Request], None] = lambda _: None) -> None:
        self.closed = 0
        self._before = before
        self._inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on."""
        self._before(request)
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Close what requests were passed on to."""
        self.closed += 1
        self._inner.close()


class Twice(Around):
    """A transport that makes every call a second time if its answer is an error."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on, and again."""
        answer = super().handle_request(request)
        if answer.status_code < 500:
            return answer
        answer.read()
        return super().handle_request(request)


def calls(server: Server, http: MakeTransport, **more: Any) -> Transport:
    """Return a transport of ours over one that is given."""

    def connect(*given: Any, **options: Any) -> Connection:
        return Connection(*given, **options, make_transport=http)

    options = {"rate_limit": None, "attempts": 2, "sleep": lambda _: None} | more
    return Transport(server.url, "pat-na1-x", connect=connect, **options)


def test_httpxs_own_is_asked_when_it_is_connected(server: Server) -> None:
    """So nothing, however slow, comes between the look at the lock and the request."""
    asked: list[int] = []

    def before_send() -> None:
        asked.append(len(server.requests))

    server.close()
    connection = Connection(
        server.url, "t", timeout=5, environment=False, make_transport=httpx.HTTPTransport
    )
    assert connection.shows_sending
    with pytest.raises(NotSent, match="refused") as caught:
        connection.send("POST", "/x", params=None, content=b"{}", before_send=before_send)
    connection.close()
    assert "the transport that the program gives" in caught.value.hint
    assert asked == []


def test_another_is_asked_before_it_gets_the_request(server: Server) -> None:
    """It may send it at once; refused, it gets nothing."""
    given: list[httpx.Request] = []

    def refuse() -> None:
        raise Stale

    connection = Connection(
        server.url, "t", timeout=5, environment=False, make_transport=lambda: Around(given.append)
    )
    assert not connection.shows_sending
    with pytest.raises(Stale):
        connection.send("POST", "/x", params=None, content=b"{}", before_send=refuse)
    assert given == []
    connection.send("POST", "/x", params=None, content=b"{}")
    connection.close()
    assert [request.headers["authorization"] for request in given] == ["Bearer t"]


@pytest.mark.parametrize("http", [httpx.HTTPTransport, Around])
def test_a_call_is_cut_if_its_socket_is_known(server: Server, http: MakeTransport) -> None:
    """httpx's own shows its socket, also to what is around it: an answer that drips in ends."""
    server.answer, server.drips = b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", True
    with calls(server, http, timeout=0.3) as transport, pytest.raises(Ambiguous, match="within"):
        transport.call("POST", "/x", body={}, repeatable=False)
    assert len(server.requests) == 1


def test_a_late_request_is_not_sent(server: Server) -> None:
    """What is around httpx's own may wait; when the call's time is up, httpx's own is stopped."""
    slow = calls(server, lambda: Around(lambda _: time.sleep(1.0)), timeout=0.2)
    with slow as transport, pytest.raises(Ambiguous, match="in time"):
        transport.call("POST", "/x", body={}, repeatable=False)
    assert server.requests == []


def test_a_request_is_not_sent_twice(server: Server) -> None:
    """A transport cannot know what is safe to repeat, so its second request is stopped."""
    server.answer = OK.replace(b"200 OK", b"502 Bad Gateway")
    with calls(server, Twice) as transport, pytest.raises(Ambiguous, match="sent it again"):
        transport.call("POST", "/x", body={}, repeatable=False)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("http", "late"),
    [(httpx.HTTPTransport, False), (lambda: httpx.MockTransport(lambda _: reply()), True)],
)
def test_a_slow_answer_makes_an_unseen_write_late(
    server: Server, http: MakeTransport, *, late: bool
) -> None:
    """It may have been sent long after its re-check: its history says what it overwrote."""
    moments = iter((100.0, 100.0, 100.0, 100.0))
    freshness = WriteFreshness(100.0)
    clock = lambda: next(moments, 100.0 + 2 * MAX_AGE)  # noqa: E731
    with calls(server, http, clock=clock) as transport:
        transport.call("POST", "/x", body={}, repeatable=True, freshness=freshness)
    assert freshness.late == late


def reply() -> httpx.Response:
    """Return what a server answers."""
    return httpx.Response(200, json={"id": "1"})


def test_each_connection_has_a_transport_of_its_own(server: Server) -> None:
    """Made when it is needed, used for one call at a time, closed at the end."""
    made: list[Around] = []
    together = threading.Barrier(2, timeout=20)

    def http() -> Around:
        made.append(Around(lambda _: together.wait() and None))
        return made[-1]

    with calls(server, http) as transport:
        threads = [
            threading.Thread(target=transport.call, args=("GET", "/x"), kwargs={"repeatable": True})
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.requests) == len(made) == 2
        assert [one.closed for one in made] == [0, 0]
    assert [one.closed for one in made] == [1, 1]


def test_an_error_of_another_kind_is_passed_on(server: Server) -> None:
    """It is not one of httpx's, so it says nothing of the call."""

    def fail(_: httpx.Request) -> None:
        raise LookupError("no such tenant")

    with calls(server, lambda: Around(fail)) as transport, pytest.raises(LookupError):
        transport.call("GET", "/x", repeatable=True)


def test_only_transports_are_taken() -> None:
    """Else every call would fail on its own."""
    with pytest.raises(UsageError, match="BaseTransport"):
        HubSpot("https://api.example", "t", http=httpx.Client)  # type: ignore[arg-type]


def test_a_transport_that_answers_no_reply_is_in_doubt(server: Server) -> None:
    """Whatever it says of the connection, its call may have been carried out."""

    def fail(_: httpx.Request) -> None:
        raise httpx.ProxyError("407")

    connection = Connection(
        server.url, "t", timeout=5, environment=False, make_transport=lambda: Around(fail)
    )
    with pytest.raises(NoReply, match="407"):
        connection.send("POST", "/x", params=None, content=b"{}")
    connection.close()
