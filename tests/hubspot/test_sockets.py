"""A server that misbehaves on a real socket: what the HTTP library makes of it."""

import gzip
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from reconcile.errors import Ambiguous, HubSpotError, Unreachable
from reconcile.hubspot.schemas import ObjectBody
from reconcile.hubspot.transport import Transport

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"id":"1"}'
Serve = Callable[..., tuple[str, list[bytes]]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server that gives each connection the next of some raw answers, then closes it."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []
    unanswered: list[socket.socket] = []

    def start(*answers: bytes | None) -> tuple[str, list[bytes]]:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        requests: list[bytes] = []

        def run() -> None:
            for answer in answers:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                requests.append(connection.recv(65536))
                if answer is None:
                    unanswered.append(connection)
                    continue
                with connection:
                    connection.sendall(answer)

        thread = threading.Thread(target=run)
        thread.start()
        threads.append(thread)
        return f"http://127.0.0.1:{listener.getsockname()[1]}", requests

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for connection in unanswered:
        connection.close()
    for thread in threads:
        thread.join(5)


def post(url: str, *, repeatable: bool) -> ObjectBody:
    with Transport(
        url, "pat-na1-x", rate_limit=None, timeout=0.2, attempts=2, sleep=lambda _: None
    ) as transport:
        response = transport.call("POST", "/x", body={}, repeatable=repeatable)
        return response.parse(ObjectBody)


FAILURES = [
    pytest.param(None, id="no answer in time"),
    pytest.param(b"", id="closed without an answer"),
    pytest.param(OK[:-3], id="closed within the body"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", id="closed within the headers"),
    pytest.param(b"SSH-2.0-OpenSSH_9.9\r\n\r\n", id="another protocol"),
    pytest.param(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope", id="bad gzip"
    ),
]


@pytest.mark.parametrize("answer", FAILURES)
def test_a_create_is_sent_once_and_left_in_doubt(serve: Serve, answer: bytes | None) -> None:
    """The request was sent, so nobody knows."""
    url, requests = serve(answer, OK)
    with pytest.raises(Ambiguous):
        post(url, repeatable=False)
    assert len(requests) == 1


@pytest.mark.parametrize("answer", FAILURES)
def test_a_read_is_sent_again(serve: Serve, answer: bytes | None) -> None:
    """The second answer counts."""
    url, requests = serve(answer, OK)
    assert post(url, repeatable=True).id == "1"
    assert len(requests) == 2


def test_a_redirect_takes_the_token_nowhere(serve: Serve) -> None:
    """The other server is not even connected to."""
    elsewhere, there = serve(OK)
    redirect = f"HTTP/1.1 307 Go\r\nLocation: {elsewhere}/x\r\nContent-Length: 0\r\n\r\n".encode()
    url, here = serve(redirect)
    with pytest.raises(Unreachable, match="307"):
        post(url, repeatable=True)
    assert b"authorization: bearer pat-na1-x" in here[0].lower()
    assert there == []


def test_packed_answers_are_unpacked_and_measured_so(serve: Serve) -> None:
    """A small packed answer that grows huge is refused before it fills the memory."""
    small, bomb = gzip.compress(b'{"id":"1"}'), gzip.compress(b" " * (65 * 1024 * 1024))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    url, _ = serve(head % len(small) + small)
    assert post(url, repeatable=True).id == "1"
    url, _ = serve(head % len(bomb) + bomb)
    with pytest.raises(HubSpotError, match="larger than 64 MiB"):
        post(url, repeatable=True)


def test_connections_are_kept_and_replaced(serve: Serve) -> None:
    """A connection that the server has closed meanwhile is not used for a create."""
    url, requests = serve(OK, OK)
    with Transport(url, "pat-na1-x", rate_limit=None) as transport:
        for _ in range(2):
            assert transport.call("POST", "/x", body={}, repeatable=False).status == 200
            threading.Event().wait(0.05)  # lets the server's close arrive
    assert len(requests) == 2
