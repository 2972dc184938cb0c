"""A host that cannot be reached is a matter of the network, and the hint names what of it."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from reconcile.errors import Unreachable
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.network import network_hint

NOBODY = "https://nobody.invalid"  # a name that never resolves (RFC 6761)
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own proxies do not count."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def refused(url: str) -> Unreachable:
    """Ask for the account, and return why it cannot be reached."""
    with (
        HubSpot(url, "pat-na1-5ec7e75e", timeout=5.0, sleep=lambda _: None) as hubspot,
        pytest.raises(Unreachable) as caught,
    ):
        hubspot.definitions.account()
    error = caught.value
    assert "HubSpot cannot be reached" in str(error)
    assert "token" not in error.hint
    return error


@contextmanager
def unused_port() -> Iterator[int]:
    """A port that stays free, so that a connection to it is refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextmanager
def answering(answer: bytes, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Answer every connection with the same bytes, over TLS where there is a context; its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                if context is None:
                    connection.recv(4096)
                    connection.sendall(answer)
                else:
                    context.wrap_socket(connection, server_side=True).close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_a_name_that_does_not_resolve_hints_at_the_network() -> None:
    """The host is named, and what a network with a proxy needs."""
    hint = refused(NOBODY).hint
    assert "the name nobody.invalid cannot be resolved" in hint
    assert "HTTPS_PROXY" in hint


def test_a_server_of_this_machine_that_does_not_run_is_asked_after() -> None:
    """No proxy is on the way to this machine: the server itself is missing."""
    with unused_port() as port:
        hint = refused(f"http://127.0.0.1:{port}").hint
    assert f"is a server running at 127.0.0.1:{port}?" in hint
    assert "reconcile sandbox serve" in hint
    assert "HTTPS_PROXY" not in hint


def test_a_proxy_that_does_not_run_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The host is not at fault, and what is secret in the proxy's URL stays secret."""
    with unused_port() as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ana:s3cret@127.0.0.1:{port}")
        error = refused(NOBODY)
    assert f"nobody.invalid is reached through the proxy 127.0.0.1:{port}" in error.hint
    assert "HTTPS_PROXY" in error.hint
    assert "s3cret" not in f"{error}{error.hint}"


def test_a_proxy_whose_name_does_not_resolve_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the proxy's name that is unknown, not the host's."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")
    hint = refused(NOBODY).hint
    assert "through the proxy proxy.invalid:3128; its name cannot be resolved" in hint


def test_a_proxy_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that wants a name and password answers 407 to CONNECT."""
    answer = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    with answering(answer) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        error = refused(NOBODY)
    assert "the proxy refused" in str(error)
    assert f"the proxy 127.0.0.1:{port} does not connect to nobody.invalid" in error.hint
    assert "HTTPS_PROXY" in error.hint


def test_an_untrusted_certificate_hints_at_who_reads_the_traffic(tmp_path: Path) -> None:
    """As of a firewall that intercepts TLS and signs with an authority of its own."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=localhost",
        "-days",
        "2",
    ]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with answering(b"", context) as port:
        hint = refused(f"https://localhost:{port}").hint
    assert f"the certificate received for localhost:{port} is not trusted" in hint
    assert "SSL_CERT_FILE" in hint


def test_an_answer_without_tls_hints_at_what_stands_between() -> None:
    """As of a captive portal that answers in plain HTTP."""
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") as port:
        hint = refused(f"https://localhost:{port}").hint
    assert f"the TLS connection to localhost:{port} failed" in hint


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (ConnectionRefusedError(111, "refused"), "api.hubapi.com refused the connection"),
        (OSError(113, "No route to host"), "this machine's network reaches api.hubapi.com"),
        (TimeoutError(), "this machine's network reaches api.hubapi.com"),
    ],
)
def test_every_other_failure_names_the_host_and_the_proxy_that_may_be_needed(
    cause: OSError, expected: str
) -> None:
    """Whatever the operating system calls it."""
    hint = network_hint(cause, "https://api.hubapi.com", environment=True)
    assert expected in hint
    assert "set HTTPS_PROXY" in hint


def test_a_host_that_goes_around_the_proxy_is_not_said_to_use_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """NO_PROXY counts here as it does for the connection."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "nobody.invalid")
    assert "the name nobody.invalid cannot be resolved" in refused(NOBODY).hint
