"""Raw calls: counted, bounded, every answer kept that may say something beside its content."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from reconcile.errors import ApiError, AuthError, RateLimited, Unreachable
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.routes import Routes
from reconcile.hubspot.transport import Transport
from reconcile.probing.findings import Unclear
from reconcile.probing.lenient_answers import Seen

Read = TypeVar("Read")

WAITS = (0.0, 0.3, 0.7, 1.5, 3.0, 5.0)
"""Seconds before each reading of what was just written: reads may be stale (reference §13)."""

READS = len(WAITS)


class Asker:
    """Sends calls for one question at a time, never more than it announced."""

    def __init__(
        self, hubspot: HubSpot, api: str, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.hubspot = hubspot
        self.routes = Routes(api)
        self.limited: list[str | None] = []
        """The Retry-After of every 429 that came by itself; None where it had none."""
        self._sleep = sleep
        self.headers: Mapping[str, str] = {}
        """Those of the last answer, names in lower case."""
        self._left: int | None = None
        self._last = Seen(0)

    @property
    def transport(self) -> Transport:
        """The client's own, under its limits."""
        return self.hubspot.transport

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Keep what answers say beside their content, for as long as this lasts."""
        with self.transport.watched(self._keep):
            yield

    @contextmanager
    def at_most(self, calls: int) -> Iterator[None]:
        """Within this, a call more than announced is refused."""
        self._left = calls
        try:
            yield
        finally:
            self._left = None

    def room(self, calls: int = 1) -> None:
        """Refuse where so many calls are more than announced."""
        if self._left is not None and self._left < calls:
            raise Unclear("it would take more calls than were announced")

    def spend(self, calls: int = 1) -> None:
        """Count calls that are about to be sent."""
        self.room(calls)
        if self._left is not None:
            self._left -= calls

    def pause(self, seconds: float) -> None:
        """Wait."""
        if seconds:
            self._sleep(seconds)

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
        repeatable: bool = True,
        forbidden: bool = False,
        pool: str = "objects",
    ) -> Seen:
        """Send one call; a refusal is an answer too.

        Raises as the transport does where the next call would be refused as well, or no answer
        came. ``forbidden`` makes a missing scope an answer.
        """
        self.spend()
        try:
            response = self.transport.call(
                method, path, params=params, body=body, repeatable=repeatable, pool=pool
            )
        except ApiError as error:
            if is_answer(error) or (forbidden and error.status == 403):
                return self._last
            raise
        return Seen.read(response.status, response.body)

    def until(self, read: Callable[[], Read], good: Callable[[Read], bool]) -> Read:
        """Read until it is good; the last reading where it never is."""
        for wait in WAITS:
            self.pause(wait)
            found = read()
            if good(found):
                break
        return found

    def _keep(self, reply: Any) -> None:
        self._last = Seen.read(reply.status, reply.body)
        self.headers = reply.headers
        if reply.status == 429:
            self.limited.append(reply.headers.get("retry-after"))


def is_answer(error: ApiError) -> bool:
    """Whether a refusal is of this call alone, and nothing was done."""
    return 400 <= error.status < 500 and not isinstance(
        error, AuthError | RateLimited | Unreachable
    )
