"""The only module that imports httpx: one request out, one reply in, and what went wrong between.

Callers learn of a failure only whether the request can have reached HubSpot. httpx's own
exceptions stop here because they carry the request, and with it the token; should an answer or a
failure quote the token, it is gone before anything is cut, parsed or shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from reconcile import __version__
from reconcile.hubspot.network import is_untrusted, network_hint, proxy_hint

MAX_BODY = 64 * 1024 * 1024
"""Largest reply taken, unpacked: hundreds of times what a full batch needs."""

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


class Connection:
    """A pool of connections to one host. Follows no redirects; safe to share between threads."""

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
        self._environment = environment
        self._client = httpx.Client(
            headers={
                "Authorization": f"Bearer {token}",
                "Accept": "application/json",
                "User-Agent": f"reconcile/{__version__}",
            },
            timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
            follow_redirects=False,
            trust_env=environment,
            transport=transport,
        )

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def send(
        self, method: str, path: str, *, params: Mapping[str, str] | None, content: bytes | None
    ) -> Reply:
        """Send one request. Raises NotSent or NoReply; every status is a Reply."""
        if not path.startswith("/") or path.startswith("//"):
            raise ValueError(f"{path!r} is no path on the host")
        headers = {"Content-Type": "application/json"} if content is not None else None
        try:
            with self._client.stream(
                method, self._url + path, params=params, content=content, headers=headers
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
            raise NoReply(self._said(error)) from None
        except httpx.DecodingError:
            raise NoReply("the answer is not packed the way it says") from None

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
