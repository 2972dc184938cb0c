"""The only module that imports httpx: one request out, one reply in, and what went wrong between.

httpx limits single reads and writes only, so an answer that drips in has no end. Here the whole
call has one limit, at which its socket is shut.

Callers learn of a failure only whether the request can have reached HubSpot. httpx's own
exceptions stop here because they carry the request, and with it the token; should an answer or a
failure quote the token, it is gone before anything is cut, parsed or shown.
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
from reconcile.hubspot.network import (
    is_untrusted,
    network_hint,
    proxy_hint,
    unusable_certificates,
    unusable_proxy,
)
from reconcile.waiting import watched

# httpx loads its own command line, and with it rich and pygments, wherever these are installed:
# a third of its time. None is how Python says that a module cannot be imported, which httpx is
# prepared for. It is taken back at once, so that others can still import that module.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
import httpx  # noqa: E402

if sys.modules["httpx._main"] is None:
    del sys.modules["httpx._main"]

MAX_BODY = 64 * 1024 * 1024
"""Largest reply taken, unpacked: hundreds of times what a full batch needs."""

CONNECT = 10.0
"""Seconds that connecting may take."""

_HIDDEN = "[token]"


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer, read to its end. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NotSent(Exception):
    """The request did not leave; ``hopeless`` where asking again cannot help.

    ``hint`` says what of the network to look at.
    """

    def __init__(self, message: str, *, hopeless: bool = False, hint: str = "") -> None:
        super().__init__(message)
        self.hopeless = hopeless
        self.hint = hint


class NoReply(Exception):
    """The request may have been carried out, but no whole answer came back.

    ``status`` is set where at least the answer's first line came.
    """

    def __init__(self, message: str, *, status: int = 0, hopeless: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.hopeless = hopeless


class _Line:
    """A client that makes one call at a time, over one connection whose socket it knows."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.is_over = False
        """Whether the time of the call was up."""
        self.has_left = False
        """Whether anything of the call may have been sent."""
        self._socket: socket.socket | None = None
        self._leave: Callable[[], None] | None = None

    def begin(self, leave: Callable[[], None]) -> None:
        """Begin a call; ``leave`` is asked when it is connected, right before it is sent."""
        self._leave, self.is_over, self.has_left = leave, False, False

    def cut(self) -> None:
        """End the call, in the middle of whatever it waits for."""
        self.is_over = True
        if self._socket is not None:
            with suppress(OSError):  # closed by the other end
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Follow httpcore's own account of the call (its documented ``trace`` extension)."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")
        elif event.endswith(".send_request_headers.started") and not _is_to_proxy(info["request"]):
            self.let_leave()

    def let_leave(self) -> None:
        """Ask once whether the call may be sent; raises NotSent where it is too late for it."""
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()
        if self.is_over:
            raise NotSent("no connection in time")
        self.has_left = True


def _trusted(url: str, *, environment: bool) -> ssl.SSLContext:
    if url.startswith("http://") and not environment:
        # Loading every authority takes as long as several calls to a sandbox, which asks for none.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.create_ssl_context(trust_env=environment)


class Connection:
    """Connections to one host, one for each thread that calls. Follows no redirects.

    ``timeout`` are the seconds that a call may take in all. ``transport`` takes the network's
    place. Safe to share between threads. Raises UsageError for settings of the machine's network
    that cannot be used.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float,
        environment: bool,
        max_body: int = MAX_BODY,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url = url
        self._token = token
        self._max_body = max_body
        self._timeout = timeout
        self._environment = environment
        self._transport = transport
        self._lines: list[_Line] = []
        self._turn = threading.Lock()
        try:
            self._trusted = _trusted(url, environment=environment)
            self._idle = [self._new_line()]
        except OSError as error:
            raise unusable_certificates(error) from None
        except (ImportError, ValueError, httpx.InvalidURL):
            raise unusable_proxy() from None  # the error may quote the proxy's password

    def close(self) -> None:
        """Close all connections."""
        for line in self._lines:
            line.client.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None,
        content: bytes | None,
        leave: Callable[[], None] = lambda: None,
        name: str = "",
    ) -> Reply:
        """Send one request. Raises NotSent or NoReply; every status is a Reply.

        ``leave`` is asked once, when all is ready and right before the request leaves; what it
        raises is raised, and nothing was sent. ``name`` is the call as messages name it.
        """
        if not path.startswith("/") or path.startswith("//"):
            raise ValueError(f"{path!r} is no path on the host")
        headers = {"Content-Type": "application/json"} if content is not None else None
        with (
            self._line() as line,
            watched(f"HubSpot: {name or method}", limit=self._timeout, cut=line.cut),
        ):
            line.begin(leave)
            if self._transport is not None:
                line.let_leave()
            try:
                with line.client.stream(
                    method,
                    self._url + path,
                    params=params,
                    content=content,
                    headers=headers,
                    extensions={"trace": line.trace},
                ) as response:
                    return self._read(response)
            except httpx.PoolTimeout as error:
                raise NotSent(self._said(error)) from None
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                hint = network_hint(error, self._url, environment=self._environment)
                raise NotSent(self._said(error), hopeless=is_untrusted(error), hint=hint) from None
            except httpx.ProxyError as error:
                hint = proxy_hint(self._url)
                raise NotSent(f"the proxy refused: {self._said(error)}", hint=hint) from None
            except httpx.TransportError as error:
                if not line.has_left:  # a proxy answered wrongly, or not in time
                    hint = proxy_hint(self._url)
                    raise NotSent(f"no tunnel: {self._said(error)}", hint=hint) from None
                late = f"no whole answer within {self._timeout:g} s" if line.is_over else ""
                raise NoReply(late or self._said(error)) from None
            except httpx.DecodingError:
                raise NoReply("the answer is not packed the way it says") from None

    @contextmanager
    def _line(self) -> Iterator[_Line]:
        """Use the line that was used last of those that nobody uses, or a new one."""
        with self._turn:
            line = self._idle.pop() if self._idle else self._new_line()
        try:
            yield line
        finally:
            with self._turn:
                self._idle.append(line)

    def _new_line(self) -> _Line:
        client = httpx.Client(
            headers={
                "Authorization": f"Bearer {self._token}",
                "Accept": "application/json",
                "User-Agent": f"reconcile/{__version__}",
            },
            timeout=httpx.Timeout(self._timeout, connect=min(self._timeout, CONNECT)),
            follow_redirects=False,
            trust_env=self._environment,
            verify=self._trusted,
            transport=self._transport,
        )
        line = _Line(client)
        self._lines.append(line)
        return line

    def _read(self, response: httpx.Response) -> Reply:
        parts: list[bytes] = []
        size = 0
        for part in response.iter_bytes():
            size += len(part)
            if size > self._max_body:
                message = f"the answer is larger than {self._max_body // 2**20} MiB"
                raise NoReply(message, status=response.status_code, hopeless=True)
            parts.append(part)
        headers = {name: self._hidden(value) for name, value in response.headers.items()}
        body = b"".join(parts).replace(self._token.encode(), _HIDDEN.encode())
        return Reply(response.status_code, headers, body)

    def _said(self, error: Exception) -> str:
        """What httpx says, or at least what kind of failure it was: some timeouts say nothing."""
        return self._hidden(str(error)) or type(error).__name__

    def _hidden(self, text: str) -> str:
        return text.replace(self._token, _HIDDEN)


def _is_to_proxy(request: Any) -> bool:
    """Whether a request asks a proxy for a tunnel, and is not yet the call itself."""
    return bool(request.method == b"CONNECT")
