# ruff: noqa: A002 -- `object` and `id` are HubSpot's own words, and the contract's
"""HubSpot's API as the rest of the product sees it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from copy import copy
from datetime import datetime
from types import MappingProxyType
from typing import Self

from reconcile.hubspot.associations import LinkReader
from reconcile.hubspot.correlate import Owners
from reconcile.hubspot.definitions import Describer, Usage
from reconcile.hubspot.rate_limit import Clock, Sleep
from reconcile.hubspot.record_reads import Reader
from reconcile.hubspot.record_writes import Writer
from reconcile.hubspot.routes import Routes
from reconcile.hubspot.steps import Departure, Step
from reconcile.hubspot.thread_pool import Pool
from reconcile.hubspot.transport import Transport
from reconcile.hubspot.types import Answer, Pair, Refused, Unclear, Write, Written
from reconcile.model.definitions import Account, Label, Owner, Pipeline, Property
from reconcile.model.records import Actual, Link, Version
from reconcile.waiting import CALL_LIMIT

__all__ = [
    "Answer",
    "HubSpot",
    "Pair",
    "Refused",
    "Unclear",
    "Usage",
    "Write",
    "Written",
]


class HubSpot:
    """One account, reached with one token. Safe to share between threads.

    ``object`` is HubSpot's name for a kind of record (``orders``) or its type id.

    Every method raises ApiError where HubSpot refuses the call as a whole, AuthError and
    RateLimited where it would refuse the next one too, Unreachable where no usable answer came
    to a call that is safe to repeat (or was never sent), and Ambiguous where none came to a create
    that may have been carried out. Only a plain ApiError says that a write did nothing.

    ``api`` is ``v3`` or a dated version. ``timeout`` are the seconds that one call may take in all,
    each time it is made. ``rate_limit`` is the account's requests per 10 s, None
    for no waiting. ``sleep`` may raise, which stops whatever waits; ``notice`` is told why a call
    is asked again.
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
        self._describer = Describer(self._transport, routes)
        self._reader = Reader(self._transport, routes, self._pool)
        self._link_reader = LinkReader(self._transport, routes, self._pool)
        self._writer = Writer(self._transport, routes)

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
        """Requests sent so far, repeats included, by ``METHOD route``."""
        return MappingProxyType(self._transport.calls)

    @property
    def transport(self) -> Transport:
        """The calls underneath, for what no method asks: `doctor --probe`, and nothing else."""
        return self._transport

    def permitted(self, permit: Callable[[], None]) -> AbstractContextManager[None]:
        """Ask ``permit`` right before each request of this thread leaves, after any waiting.

        It may raise. What reads in batches goes through threads of the client's own.
        """
        return self._transport.permitted(permit)

    def step(self, *, objects: int = 0, associations: int = 0) -> AbstractContextManager[Step]:
        """Wait for the slots of all calls of a step at once: a re-check, and the write after it.

        The calls made in the block use them, whichever thread makes them.
        """
        return self._transport.step(objects=objects, associations=associations)

    def departing(self, departure: Departure) -> "HubSpot":
        """The same account, but writes raise Stale where ``departure`` does not let them leave."""
        other = copy(self)
        other._writer = Writer(self._transport, self._routes, departure)
        return other

    # What the account says about itself

    def account(self) -> Account:
        """The account the token belongs to."""
        account = self._describer.account()
        self._transport.time_zone = account.time_zone
        return account

    def scopes(self) -> frozenset[str] | None:
        """The token's scopes, None where HubSpot will not tell (OAuth apps cannot ask)."""
        return self._describer.scopes()

    def usage(self) -> Usage | None:
        """Today's calls by service keys and private apps, None where HubSpot will not tell."""
        return self._describer.usage()

    def properties(self, object: str) -> Mapping[str, Property]:
        """Live property definitions by name, sensitive ones where the token may see them."""
        return self._describer.properties(object)

    def define_unique(self, object: str, name: str, label: str, group: str) -> None:
        """Create a unique text property, or be content with one that is there already."""
        self._describer.define_unique(object, name, label, group)

    def groups(self, object: str) -> tuple[str, ...]:
        """Property groups, by internal name."""
        return self._describer.groups(object)

    def pipelines(self, object: str) -> tuple[Pipeline, ...]:
        """Live pipelines and stages. Carts and line items have none (reference §10)."""
        return self._describer.pipelines(object)

    def labels(self, from_object: str, to_object: str) -> tuple[Label, ...]:
        """Association types in this direction, the unlabelled one with an empty label."""
        return self._describer.labels(from_object, to_object)

    def owners(self) -> tuple[Owner, ...] | None:
        """All owners, those who left last; None where the token may not read them."""
        return self._describer.owners()

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
        """Records by the id, or the unique property's value, that was asked for.

        Any number, in batches. What is certainly not there is left out: what a batch's answer is
        silent about is asked for again, alone in the end. A value that no record has is looked for
        in its other Unicode form too. An answer that was not asked for, or two for one key, is an
        ApiError. ``also`` names a property with further values of ``id_property``, joined by
        semicolons, by which a record is found as well: HubSpot answers with the first one all the
        same, so what cannot be told by either is asked for alone.
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
        """One record, None where there is none. Another id than asked for: it was merged."""
        return self._reader.get(object, id, properties, id_property, archived=archived)

    def history(
        self, object: str, id: str, properties: Sequence[str], *, archived: bool = False
    ) -> Mapping[str, tuple[Version, ...]]:
        """The values that a record's properties had, the latest first. HubSpot keeps 20 or so."""
        return self._reader.history(object, id, properties, archived=archived)

    def histories(
        self, object: str, ids: Sequence[str], properties: Sequence[str]
    ) -> Mapping[str, Mapping[str, tuple[Version, ...]]]:
        """Return the same for any number of records, by id, in batches.

        A record that does not exist is left out.
        """
        return self._reader.histories(object, ids, properties)

    def created_since(self, object: str, created: str, moment: datetime) -> Iterator[str]:
        """The ids of records made since a moment, by their property ``created``, latest first.

        From search, whose index lags (reference §3): who is not among them may exist all the same.
        """
        return self._reader.created_since(object, created, moment)

    def links(
        self, from_object: str, to: str, to_object: str, ids: Sequence[str]
    ) -> Mapping[str, frozenset[Link]]:
        """All associations of each id; ``to`` is the word for the other end in each Link.

        None only where HubSpot says so; what an answer is silent about is asked for again.
        """
        return self._link_reader.links(from_object, to, to_object, ids)

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
        """Update one record, following merges. A refusal of this record is a Refused."""
        return self._writer.patch(object, write, id_property)

    def create(
        self,
        object: str,
        writes: Sequence[Write],
        *,
        match: str,
        owners: Owners | None = None,
    ) -> Mapping[str, Answer]:
        """Create up to 100 records with associations; answers by trace.

        Results are told apart by the property ``match``, whose values must differ within the call
        unless ``owners`` can read which records the new ones were associated with.
        Never repeated once it may have been carried out: that is Ambiguous.
        """
        return self._writer.create(object, writes, match=match, owners=owners)

    def archive(self, object: str, ids: Sequence[str]) -> Mapping[str, Answer]:
        """Move up to 100 records into the recycling bin; answers by id.

        HubSpot says nothing of single records, not even of ids that are none (reference §8): what
        is Written was not refused, and has to be read.
        """
        return self._writer.archive(object, ids)

    def associate(
        self, from_object: str, to_object: str, pairs: Sequence[Pair]
    ) -> Mapping[str, Answer]:
        """Associate up to 2,000 pairs; each pair's labels become exactly its types."""
        return self._writer.associate(from_object, to_object, pairs)

    def dissociate(
        self, from_object: str, to_object: str, pairs: Sequence[Pair]
    ) -> Mapping[str, Answer]:
        """Remove single association types of up to 2,000 pairs."""
        return self._writer.dissociate(from_object, to_object, pairs)
