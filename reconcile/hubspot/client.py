# ruff: noqa: A002 -- `object` and `id` are HubSpot's own words, and the contract's
"""The client: HubSpot's API as the other packages use it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from copy import copy
from datetime import datetime
from types import MappingProxyType
from typing import Self

from reconcile.call_watchdog import CALL_LIMIT
from reconcile.hubspot.account_definitions import AccountReader, Usage
from reconcile.hubspot.association_reads import AssociationReader
from reconcile.hubspot.association_writes import AssociationWriter
from reconcile.hubspot.correlate import ReadParents
from reconcile.hubspot.history_reads import HistoryReader
from reconcile.hubspot.rate_limit import Clock, Sleep
from reconcile.hubspot.record_reads import RecordReader
from reconcile.hubspot.record_writes import RecordWriter
from reconcile.hubspot.routes import Routes
from reconcile.hubspot.steps import Step
from reconcile.hubspot.thread_pool import Pool
from reconcile.hubspot.transport import Transport
from reconcile.hubspot.types import Answer, Pair, Write
from reconcile.hubspot.write_freshness import WriteFreshness
from reconcile.model.definitions import Account, Label, Owner, Pipeline, Property
from reconcile.model.records import Actual, Link, Version


class HubSpot:
    """One account, reached with one token. Safe to share between threads.

    ``object`` is HubSpot's name for a kind of record (``orders``) or its type id.

    Every method raises

    - CallRefused if HubSpot refuses the call as a whole: a write changed nothing.
    - AuthError or RateLimited if HubSpot would refuse the next call too.
    - Unreachable if no usable response came to a call that is safe to repeat or was never sent.
    - Ambiguous if no usable response came to a create that may have been carried out.

    ``api`` is ``v3`` or a dated version. ``rate_limit`` is the account's requests per 10 s; None
    disables waiting. ``timeout`` is the seconds that one attempt of a call may take in total. A
    call is attempted at most ``attempts`` times, within ``patience`` seconds after its first
    failure. ``sleep`` may raise to stop a run that is waiting. ``notice`` gets the reason whenever
    a call is retried after a noticeable wait.
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
        )
        self._account_reader = AccountReader(self._transport, routes)
        self._reader = RecordReader(self._transport, routes, self._pool)
        self._association_reader = AssociationReader(self._transport, routes, self._pool)
        self._history_reader = HistoryReader(self._transport, routes, self._pool)
        self._writer = RecordWriter(self._transport, routes)
        self._association_writer = AssociationWriter(self._transport, routes)

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
        other._writer = RecordWriter(self._transport, self._routes, freshness)
        other._association_writer = AssociationWriter(self._transport, self._routes, freshness)
        return other

    # Account and definitions

    def account(self) -> Account:
        """Return the account that the token belongs to."""
        account = self._account_reader.account()
        self._transport.time_zone = account.time_zone
        return account

    def scopes(self) -> frozenset[str] | None:
        """Return the token's scopes; None if HubSpot does not say (OAuth apps cannot ask)."""
        return self._account_reader.scopes()

    def usage(self) -> Usage | None:
        """Return today's calls by service keys and private apps; None if HubSpot does not say."""
        return self._account_reader.usage()

    def properties(self, object: str) -> Mapping[str, Property]:
        """Return live property definitions by name, including sensitive ones the token may see."""
        return self._account_reader.properties(object)

    def define_unique(self, object: str, name: str, label: str, group: str) -> None:
        """Create a unique text property, unless it already exists.

        Raise HubSpotError if a property of this name exists that is not unique text.
        """
        self._account_reader.define_unique(object, name, label, group)

    def groups(self, object: str) -> tuple[str, ...]:
        """Return the internal names of the property groups."""
        return self._account_reader.groups(object)

    def pipelines(self, object: str) -> tuple[Pipeline, ...]:
        """Return live pipelines with their live stages; carts and line items have none."""
        return self._account_reader.pipelines(object)

    def labels(self, from_object: str, to_object: str) -> tuple[Label, ...]:
        """Return the association types in this direction; the unlabelled one has an empty label."""
        return self._account_reader.labels(from_object, to_object)

    def owners(self) -> tuple[Owner, ...] | None:
        """Return all owners, deactivated ones last; None if the token may not read them."""
        return self._account_reader.owners()

    # Reading

    def read(
        self,
        object: str,
        ids: Sequence[str],
        properties: Sequence[str],
        *,
        id_property: str | None = None,
        also: str = "",
        archived: bool = False,
    ) -> Mapping[str, Actual]:
        """Return records by the requested id, or by the requested value of a unique property.

        Reads any number of records in batches. Absent records are omitted; an id that is missing
        from a response is retried, then read alone. A value that no record has is also looked up
        in its other Unicode form. Raise CallRefused for a record that was not requested, or for
        two records with one key.

        ``also`` names a property with further values of ``id_property``, joined by semicolons, by
        which HubSpot finds a record as well. HubSpot echoes the first value in any case, so a
        record that neither property identifies is read alone.
        """
        return self._reader.read(object, ids, properties, id_property, also, archived=archived)

    def get(
        self,
        object: str,
        id: str,
        properties: Sequence[str],
        *,
        id_property: str | None = None,
        archived: bool = False,
    ) -> Actual | None:
        """Return one record, or None. Its id differs from the requested one if it was merged."""
        return self._reader.get(object, id, properties, id_property, archived=archived)

    def history(
        self, object: str, id: str, properties: Sequence[str], *, archived: bool = False
    ) -> Mapping[str, tuple[Version, ...]]:
        """Return the past values of a record's properties, latest first; HubSpot keeps about 20."""
        return self._history_reader.history(object, id, properties, archived=archived)

    def histories(
        self, object: str, ids: Sequence[str], properties: Sequence[str]
    ) -> Mapping[str, Mapping[str, tuple[Version, ...]]]:
        """Return ``history`` for any number of records, by id. Absent records are omitted."""
        return self._history_reader.histories(object, ids, properties)

    def created_since(self, object: str, created: str, moment: datetime) -> Iterator[str]:
        """Yield ids of records created since a moment, by their property ``created``, latest first.

        The search index lags (reference §3): a record that is not among them may still exist.
        """
        return self._reader.created_since(object, created, moment)

    def links(
        self, from_object: str, to: str, to_object: str, ids: Sequence[str]
    ) -> Mapping[str, frozenset[Link]]:
        """Return all associations of each id; ``to`` becomes the ``to`` of each Link.

        A record is reported without associations only if HubSpot says so explicitly; ids missing
        from a response are queried again.
        """
        return self._association_reader.links(from_object, to, to_object, ids)

    # Writing: one call each

    def upsert(
        self,
        object: str,
        id_property: str,
        writes: Sequence[Write],
    ) -> Mapping[str, Answer]:
        """Create or update up to 100 records by a unique property; answers by trace."""
        return self._writer.upsert(object, id_property, writes)

    def update(self, object: str, writes: Sequence[Write]) -> Mapping[str, Answer]:
        """Update up to 100 records by id; answers by trace."""
        return self._writer.update(object, writes)

    def patch(
        self,
        object: str,
        write: Write,
        *,
        id_property: str | None = None,
    ) -> Answer:
        """Update one record, following merges. Return Refused if HubSpot refuses this record."""
        return self._writer.patch(object, write, id_property)

    def create(
        self,
        object: str,
        writes: Sequence[Write],
        *,
        match: str,
        read_parents: ReadParents | None = None,
    ) -> Mapping[str, Answer]:
        """Create up to 100 records with associations; answers by trace.

        Results are matched to inputs by the property ``match``. Its values must differ within the
        call unless ``read_parents`` can read which records the new ones are associated with.
        A create that may have been carried out is never retried: it raises Ambiguous.
        """
        return self._writer.create(object, writes, match=match, read_parents=read_parents)

    def archive(self, object: str, ids: Sequence[str]) -> Mapping[str, Answer]:
        """Move up to 100 records into the recycling bin; answers by id.

        HubSpot does not report on single records, not even on ids that do not exist (reference
        §8): Written means only that an id was not refused, so the caller must read it.
        """
        return self._writer.archive(object, ids)

    def associate(
        self, from_object: str, to_object: str, pairs: Sequence[Pair]
    ) -> Mapping[str, Answer]:
        """Associate up to 2,000 pairs; each pair's labels become exactly its types."""
        return self._association_writer.associate(from_object, to_object, pairs)

    def dissociate(
        self, from_object: str, to_object: str, pairs: Sequence[Pair]
    ) -> Mapping[str, Answer]:
        """Remove single association types of up to 2,000 pairs."""
        return self._association_writer.dissociate(from_object, to_object, pairs)
