"""Raw calls: counted, limited to what was announced, with raw responses."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from reconcile.errors import CallRefused, HubSpotError
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.routes import Routes
from reconcile.hubspot.transport import Transport
from reconcile.probing.findings import Unclear
from reconcile.probing.raw_response import RawResponse

Read = TypeVar("Read")

WAITS = (0.0, 0.3, 0.7, 1.5, 3.0, 5.0)
"""Seconds before each read of what was just written: reads may be stale (reference §13)."""

READS = len(WAITS)


class RawCalls:
    """Sends calls for one question at a time, never more than the question announced."""

    def __init__(
        self, hubspot: HubSpot, api: str, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.hubspot = hubspot
        self.routes = Routes(api)
        self.retry_afters: list[str | None] = []
        """The Retry-After of every 429 received; None for one without it."""
        self._sleep = sleep
        self.headers: Mapping[str, str] = {}
        """Headers of the last response, names in lower case."""
        self._left: int | None = None
        self._last = RawResponse(0)

    @property
    def transport(self) -> Transport:
        """The client's transport, with its rate limits."""
        return self.hubspot.transport

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record the headers and statuses of all responses in this block."""
        with self.transport.watched(self._keep):
            yield

    @contextmanager
    def limited_to(self, calls: int) -> Iterator[None]:
        """Allow at most this many calls in the block."""
        self._left = calls
        try:
            yield
        finally:
            self._left = None

    def require_calls(self, calls: int = 1) -> None:
        """Raise Unclear if this many calls would exceed the announced number."""
        if self._left is not None and self._left < calls:
            raise Unclear("it would take more calls than announced")

    def spend(self, calls: int = 1) -> None:
        """Count calls that are about to be sent."""
        self.require_calls(calls)
        if self._left is not None:
            self._left -= calls

    def pause(self, seconds: float) -> None:
        """Wait for this many seconds."""
        if seconds:
            self._sleep(seconds)

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
        repeatable: bool = True,
        forbidden: bool = False,
        pool: str = "objects",
    ) -> RawResponse:
        """Send one call, and return the response, refusals included.

        Raise as the transport does if the next call would be refused as well, or no response
        came. With ``forbidden``, a 403 is returned too.
        """
        self.spend()
        try:
            response = self.transport.call(
                method, path, params=params, body=body, repeatable=repeatable, pool=pool
            )
        except HubSpotError as error:
            if is_answer(error) or (forbidden and error.status == 403):
                return self._last
            raise
        return RawResponse.read(response.status, response.body)

    def until(self, read: Callable[[], Read], good: Callable[[Read], bool]) -> Read:
        """Read until ``good`` accepts the result; return the last result in any case."""
        for wait in WAITS:
            self.pause(wait)
            found = read()
            if good(found):
                break
        return found

    def _keep(self, reply: Any) -> None:
        self._last = RawResponse.read(reply.status, reply.body)
        self.headers = reply.headers
        if reply.status == 429:
            self.retry_afters.append(reply.headers.get("retry-after"))


def is_answer(error: HubSpotError) -> bool:
    """Return whether an error refuses this call alone, and nothing was written."""
    return isinstance(error, CallRefused) and 400 <= error.status < 500
