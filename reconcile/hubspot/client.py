"""The client: HubSpot's API as the other packages use it."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from copy import copy
from functools import partial
from types import MappingProxyType
from typing import Self

from reconcile.call_watchdog import CALL_LIMIT
from reconcile.hubspot.account_definitions import AccountReader
from reconcile.hubspot.association_reads import AssociationReader
from reconcile.hubspot.association_writes import AssociationWriter
from reconcile.hubspot.connection import Connection, MakeTransport
from reconcile.hubspot.history_reads import HistoryReader
from reconcile.hubspot.rate_limit import Clock, Sleep
from reconcile.hubspot.record_lists import RecordLister
from reconcile.hubspot.record_reads import RecordReader
from reconcile.hubspot.record_searches import RecordSearcher
from reconcile.hubspot.record_writes import RecordWriter
from reconcile.hubspot.routes import Routes
from reconcile.hubspot.steps import Step
from reconcile.hubspot.thread_pool import Pool
from reconcile.hubspot.transport import Transport
from reconcile.hubspot.write_freshness import WriteFreshness


class Records(RecordReader, RecordLister, RecordWriter, HistoryReader):
    """Reads, lists and writes records, and reads their histories."""


class Associations(AssociationReader, AssociationWriter):
    """Reads and writes associations."""


class HubSpot:
    """One account, reached with one token. Safe to share between threads.

    ``definitions`` are the account's own: properties, pipelines, labels, owners, scopes, limits.
    ``records`` and ``associations`` are read in any number; each write is one call. ``searches``
    only propose records. Objects are
    named as HubSpot names a kind of record (``orders``), or by type id.

    Every method raises

    - CallRefused if HubSpot refuses the call as a whole: a write changed nothing.
    - AuthError or RateLimited if HubSpot would refuse the next call too.
    - Unreachable if no usable response came to a call that is safe to repeat or was never sent.
    - Ambiguous if no usable response came to a create that may have been carried out.

    ``api`` is ``v3`` or a dated version. ``rate_limit`` is the account's requests per 10 s; None
    disables waiting. ``timeout`` is the seconds that one attempt of a call may take in total. A
    call is attempted at most ``attempts`` times, within ``patience`` seconds after its first
    failure. ``sleep`` may raise to stop a run that is waiting. ``notice`` gets the reason whenever
    a call is retried after a noticeable wait. ``http`` makes what carries requests out.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        api: str = "v3",
        rate_limit: int | None = 190,
        workers: int = 4,
        timeout: float = CALL_LIMIT,
        attempts: int = 8,
        patience: float = 120.0,
        clock: Clock = time.monotonic,
        sleep: Sleep = time.sleep,
        notice: Callable[[str], None] = lambda _: None,
        http: MakeTransport | None = None,
    ) -> None:
        self._routes = routes = Routes(api)
        self._pool = Pool(workers)
        self._transport = Transport(
            url,
            token,
            rate_limit=rate_limit,
            timeout=timeout,
            attempts=attempts,
            patience=patience,
            clock=clock,
            sleep=sleep,
            notice=notice,
            connect=partial(Connection, make_transport=http),
        )
        self.definitions = AccountReader(self._transport, routes)
        self.records = Records(self._transport, routes, self._pool)
        self.searches = RecordSearcher(self._transport, routes, self._pool)
        self.associations = Associations(self._transport, routes, self._pool)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close connections and threads."""
        self._pool.close()
        self._transport.close()

    @property
    def calls(self) -> Mapping[str, int]:
        """The number of requests sent so far, retries included, by ``METHOD route``."""
        return MappingProxyType(self._transport.calls)

    @property
    def transport(self) -> Transport:
        """The transport underneath, for calls without a method here: `doctor --probe` only."""
        return self._transport

    def permitted(self, permit: Callable[[], None]) -> AbstractContextManager[None]:
        """Call ``permit`` right before each request of this thread is sent, after any waiting.

        It may raise to prevent the request. It is not called for batch reads in the client's own
        threads.
        """
        return self._transport.permitted(permit)

    def step(self, *, objects: int = 0, associations: int = 0) -> AbstractContextManager[Step]:
        """Wait for the rate-limit slots of a whole step at once: a re-check and the write after it.

        Calls made in the block use these slots, whichever thread makes them.
        """
        return self._transport.step(objects=objects, associations=associations)

    def with_freshness(self, freshness: WriteFreshness) -> "HubSpot":
        """Return a client whose writes raise Stale if their re-check is too old."""
        other = copy(self)
        other.records = Records(self._transport, self._routes, self._pool, freshness)
        other.associations = Associations(self._transport, self._routes, self._pool, freshness)
        return other
