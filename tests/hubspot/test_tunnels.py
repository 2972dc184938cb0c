"""A proxy that fails before there is a tunnel has not let the call through: it was not sent."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from reconcile.errors import Unreachable
from reconcile.hubspot.transport import Transport

ANSWERS = [
    pytest.param(b"", False, id="hangs up"),
    pytest.param(b"HTTP/1.1 200 Connection est", False, id="hangs up in its answer"),
    pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", False, id="not a proxy"),
    pytest.param(b"", True, id="says nothing"),
    pytest.param(b"HTTP/1.1 200 OK\r\nX-Slow: ", True, id="drips"),
]


@contextmanager
def proxy(answer: bytes, *, drips: bool) -> Iterator[str]:
    """Answer every request for a tunnel with these bytes, and then hang up or drip."""
    listener = socket.create_server(("127.0.0.1", 0))
    ending = threading.Event()

    def answer_to(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(4096)
            connection.sendall(answer)
            while drips and not ending.is_set():
                time.sleep(0.05)
                if answer:
                    connection.sendall(b"x")

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=answer_to, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ending.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.mark.parametrize(("answer", "drips"), ANSWERS)
def test_a_write_that_got_no_tunnel_was_not_sent(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, *, drips: bool
) -> None:
    """Nobody has to find out what became of it, and the proxy is named."""
    for name in ("ALL_PROXY", "NO_PROXY", "all_proxy", "no_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    left: list[str] = []
    with proxy(answer, drips=drips) as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        calls = Transport("https://nobody.invalid", "pat-na1-x", timeout=0.5, sleep=lambda _: None)
        with (
            calls,
            calls.permitted(lambda: left.append("left")),
            pytest.raises(Unreachable) as caught,
        ):
            calls.call("POST", "/x", body={}, repeatable=False)
        assert calls.calls.total() == 0
    assert left == []
    assert "HubSpot cannot be reached" in str(caught.value)
    assert "does not connect to nobody.invalid" in caught.value.hint
