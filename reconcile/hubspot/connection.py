"""Send one HTTP request and read its reply. The only module that imports httpx.

httpx limits single reads and writes only, so a reply that trickles in would never time out. Here
the whole call has one limit, at which its socket is shut down.

Callers learn about a failure only whether the request can have reached HubSpot. httpx's own
exceptions are not raised from here because they carry the request, and with it the token. If a
reply or a failure quotes the token, it is masked before anything is truncated, parsed or shown.

Only httpx's own transport is known to show when it sends a request. What is given to any other one
counts as sent from then on.
"""

import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from reconcile import __version__
from reconcile.call_watchdog import watched
from reconcile.errors import UsageError
from reconcile.hubspot.network import (
    is_untrusted,
    network_hint,
    proxy_hint,
    unusable_certificates,
    unusable_proxy,
)

# httpx imports its own command line, and with it rich and pygments, if these are installed: a
# third of its import time. None makes Python report that a module cannot be imported, which httpx
# handles. It is removed at once, so that others can still import that module.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
import httpx  # noqa: E402

if sys.modules["httpx._main"] is None:
    del sys.modules["httpx._main"]

MAX_BODY = 64 * 1024 * 1024
"""Largest reply accepted, in bytes after decompression: hundreds of times a full batch."""

CONNECT = 10.0
"""Seconds that connecting may take."""

_MASK = "[token]"

_CONNECTED = (".connect_tcp.complete", ".connect_unix_socket.complete", ".start_tls.complete")

MakeTransport = Callable[[], httpx.BaseTransport]
"""Makes what carries requests out, instead of connections of our own: see ``reconcile.open``."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP response, read to its end. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NotSent(Exception):
    """The request was not sent; ``permanent`` if a retry cannot help.

    ``hint`` says what to check in the network.
    """

    def __init__(self, message: str, *, permanent: bool = False, hint: str = "") -> None:
        super().__init__(message)
        self.permanent = permanent
        self.hint = hint


class NoReply(Exception):
    """The request may have been carried out, but no complete response came back.

    ``status`` is set if at least the status line arrived; ``connecting`` if a transport says that
    it could not connect.
    """

    def __init__(
        self, message: str, *, status: int = 0, permanent: bool = False, connecting: bool = False
    ) -> None:
        super().__init__(message)
        self.status = status
        self.permanent = permanent
        self.connecting = connecting


class _Channel:
    """An httpx client that makes one call at a time, over one connection with a known socket.

    ``shows_sending`` says that ``trace`` is certainly called when a request is sent. If not, it may
    be called or not, and the socket may be unknown.
    """

    def __init__(self, client: httpx.Client, *, shows_sending: bool) -> None:
        self.client = client
        self.shows_sending = shows_sending
        self.timed_out = False
        """Whether the call was aborted because its time was up."""
        self.may_be_sent = False
        """Whether anything of the call may have been sent."""
        self._seen_sending = False
        self._socket: socket.socket | None = None
        self._before_send: Callable[[], None] | None = None

    def begin(self, before_send: Callable[[], None]) -> None:
        """Begin a call. ``before_send`` runs when it is connected, right before it is sent.

        If nobody sees when it is sent, ``before_send`` runs here, since it may be sent from now on.
        """
        self._before_send, self.timed_out = before_send, False
        self.may_be_sent = self._seen_sending = False
        if not self.shows_sending:
            self._allow_send()

    def abort(self) -> None:
        """End the call, whatever it is waiting for, if its socket is known."""
        self.timed_out = True
        if self._socket is not None:
            with suppress(OSError):  # closed by the other end
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Follow the progress of the call through httpcore's documented ``trace`` extension."""
        if event.endswith(_CONNECTED):
            self._socket = info["return_value"].get_extra_info("socket")
        elif event.endswith(".send_request_headers.started") and not _is_to_proxy(info["request"]):
            if self._seen_sending:
                # It repeats calls by itself, and cannot know which ones are safe to repeat.
                raise NoReply("the transport sent the request, and would have sent it again")
            self._seen_sending = True
            self._allow_send()

    def _allow_send(self) -> None:
        """Run ``before_send``, once for each call. Raise NotSent if the time of the call is up."""
        before_send, self._before_send = self._before_send, None
        if before_send is not None:
            before_send()
        if self.timed_out:
            late = "no connection in time"
            raise NoReply(late) if self.may_be_sent else NotSent(late)
        self.may_be_sent = True


def _trusted(url: str, *, environment: bool) -> ssl.SSLContext:
    if url.startswith("http://") and not environment:
        # Loading every authority takes as long as several calls to a sandbox, which asks for none.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.create_ssl_context(trust_env=environment)


class Connection:
    """Connections to one host, one for each thread that calls. Follows no redirects.

    ``timeout`` is the seconds that a call may take in total. ``environment`` says whether the
    machine's proxy and certificate settings apply. ``make_transport`` is called for each connection
    instead of connecting to the host; its result is closed with the connection. ``headers`` are
    sent over those that HubSpot gets; ``service`` names the host in messages. Safe to share
    between threads. Raise UsageError if the network settings cannot be used.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float,
        environment: bool,
        max_body: int = MAX_BODY,
        make_transport: MakeTransport | None = None,
        headers: Mapping[str, str] | None = None,
        service: str = "HubSpot",
    ) -> None:
        self._url = url
        self._token = token
        self._headers = dict(headers or {})
        self._service = service
        self._max_body = max_body
        self._timeout = timeout
        self._environment = environment
        self._make_transport = make_transport
        self._channels: list[_Channel] = []
        self._turn = threading.Lock()
        self._idle: list[_Channel] = []
        self.shows_sending = True
        """Whether ``before_send`` runs when a request is sent, and not when it is passed on."""
        if make_transport is not None:
            self._idle.append(self._new_channel())
            return
        try:
            self._trusted = _trusted(url, environment=environment)
            self._idle.append(self._new_channel())
        except OSError as error:
            raise unusable_certificates(error) from None
        except (ImportError, ValueError, httpx.InvalidURL):
            raise unusable_proxy() from None  # the error may quote the proxy's password

    def close(self) -> None:
        """Close all connections."""
        for channel in self._channels:
            channel.client.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None,
        content: bytes | None,
        before_send: Callable[[], None] = lambda: None,
        name: str = "",
    ) -> Reply:
        """Send one request and return its Reply, whatever the status. Raise NotSent or NoReply.

        ``before_send`` is called once, right before the request is sent; what it raises is passed
        on, and nothing is sent. ``name`` is the call as messages name it.
        """
        if not path.startswith("/") or path.startswith("//"):
            raise ValueError(f"{path!r} is not a path on the host")
        headers = {"Content-Type": "application/json"} if content is not None else None
        with (
            self._channel() as channel,
            watched(f"{self._service}: {name or method}", limit=self._timeout, cut=channel.abort),
        ):
            channel.begin(before_send)
            try:
                with channel.client.stream(
                    method,
                    self._url + path,
                    params=params,
                    content=content,
                    headers=headers,
                    extensions={"trace": channel.trace},
                ) as response:
                    return self._read(response)
            except httpx.TransportError as error:
                raise self._failure(error, channel) from None
            except httpx.DecodingError:
                raise NoReply("the answer is not compressed the way its headers say") from None

    def _failure(self, error: httpx.TransportError, channel: _Channel) -> NotSent | NoReply:
        """Return what a failed call means: NotSent only if nothing of it was sent."""
        text = self._text_of(error)
        connecting = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
        if channel.may_be_sent:
            # httpx waits as long as the call may take: on a busy machine it ends first.
            if channel.timed_out or isinstance(error, httpx.TimeoutException):
                text = f"no complete answer within {self._timeout:g} s"
            return NoReply(text, connecting=connecting)
        if isinstance(error, httpx.PoolTimeout):
            return NotSent(text)
        if self._make_transport is not None:
            hint = "check the proxy and the certificates of the transport that the program gives"
            return NotSent(text, permanent=is_untrusted(error), hint=hint)
        if connecting:
            hint = network_hint(error, self._url, environment=self._environment)
            return NotSent(text, permanent=is_untrusted(error), hint=hint)
        hint = proxy_hint(self._url)
        if isinstance(error, httpx.ProxyError):
            return NotSent(f"the proxy refused: {text}", hint=hint)
        # It answered wrongly, or not in time.
        return NotSent(f"the proxy opened no tunnel: {text}", hint=hint)

    @contextmanager
    def _channel(self) -> Iterator[_Channel]:
        """Yield the idle channel that was used last, or a new one."""
        with self._turn:
            channel = self._idle.pop() if self._idle else self._new_channel()
        try:
            yield channel
        finally:
            with self._turn:
                self._idle.append(channel)

    def _new_channel(self) -> _Channel:
        made = self._make_transport() if self._make_transport is not None else None
        if not isinstance(made, httpx.BaseTransport | None):
            raise UsageError("what makes a transport has to return an httpx.BaseTransport")
        # A class derived from httpx's own may do anything.
        self.shows_sending = made is None or type(made) is httpx.HTTPTransport
        client = httpx.Client(
            headers={
                "Authorization": f"Bearer {self._token}",
                "Accept": "application/json",
                "User-Agent": f"reconcile/{__version__}",
                **self._headers,
            },
            timeout=httpx.Timeout(self._timeout, connect=min(self._timeout, CONNECT)),
            follow_redirects=False,
            trust_env=self._environment,
            verify=self._trusted if made is None else False,
            transport=made,
        )
        channel = _Channel(client, shows_sending=self.shows_sending)
        self._channels.append(channel)
        return channel

    def _read(self, response: httpx.Response) -> Reply:
        parts: list[bytes] = []
        size = 0
        for part in response.iter_bytes():
            size += len(part)
            if size > self._max_body:
                message = f"the answer is larger than {self._max_body // 2**20} MiB"
                raise NoReply(message, status=response.status_code, permanent=True)
            parts.append(part)
        headers = {name: self._without_token(value) for name, value in response.headers.items()}
        body = b"".join(parts).replace(self._token.encode(), _MASK.encode())
        return Reply(response.status_code, headers, body)

    def _text_of(self, error: Exception) -> str:
        """Return httpx's message, or the kind of failure: some timeouts have no message."""
        return self._without_token(str(error)) or type(error).__name__

    def _without_token(self, text: str) -> str:
        return text.replace(self._token, _MASK)


def _is_to_proxy(request: Any) -> bool:
    """Return whether a request asks a proxy for a tunnel, and is not yet the call itself."""
    return bool(request.method == b"CONNECT")
