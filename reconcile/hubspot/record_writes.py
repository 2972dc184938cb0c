"""Writing records and associations: one call each, one answer for each input."""

from collections import Counter
from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from reconcile.errors import Ambiguous, ApiError, AuthError, RateLimited, Unreachable
from reconcile.hubspot.batch_results import Blame, blame_by, settle, settle_silent
from reconcile.hubspot.correlate import Owners, tell_apart
from reconcile.hubspot.error_bodies import ABSENT, ErrorBody
from reconcile.hubspot.routes import ANY, Routes
from reconcile.hubspot.schemas import BatchBody, ObjectBody, ObjectsBody, PairsBody
from reconcile.hubspot.steps import Departure
from reconcile.hubspot.transport import Response, Transport
from reconcile.hubspot.types import Answer, Pair, Refused, Write, Written
from reconcile.model.address import fold
from reconcile.model.batches import LINKS_WRITE, OBJECTS

Name = TypeVar("Name", bound=Hashable)


class Writer:
    """Writes records. A whole batch refused is an ApiError; what came of it is in the answers.

    ``departure`` is asked before each sending; it raises Stale.
    """

    def __init__(
        self, transport: Transport, routes: Routes, departure: Departure | None = None
    ) -> None:
        self._transport = transport
        self._routes = routes
        self._departure = departure

    def upsert(self, object_: str, id_property: str, writes: Sequence[Write]) -> dict[str, Answer]:
        """Create or update by a unique property."""
        traces = _checked(writes, OBJECTS)
        by_key = _by_key((fold(write.id), write.trace) for write in writes)
        if any(fold(w.properties.get(id_property, w.id)) != fold(w.id) for w in writes):
            raise ValueError(f"an upsert finds records by {id_property}; it cannot change it")
        inputs = [
            {
                "id": write.id,
                "idProperty": id_property,
                # Answers echo only what is among the properties, and are matched by the key.
                "properties": {id_property: write.id, **write.properties},
                "objectWriteTraceId": write.trace,
            }
            for write in writes
        ]
        response = self._send(object_, "upsert", inputs, repeatable=True)
        return _settled(
            response,
            traces,
            lambda made: [by_key.get(fold(one.properties.get(id_property) or "")) for one in made],
            blame_by((write.id, write.trace) for write in writes),
        )

    def update(self, object_: str, writes: Sequence[Write]) -> dict[str, Answer]:
        """Update by id."""
        traces = _checked(writes, OBJECTS)
        by_id = _by_key((write.id, write.trace) for write in writes)
        inputs = [
            {
                "id": write.id,
                "properties": dict(write.properties),
                "objectWriteTraceId": write.trace,
            }
            for write in writes
        ]
        response = self._send(object_, "update", inputs, repeatable=True)
        return _settled(
            response,
            traces,
            lambda made: [by_id.get(one.id) for one in made],
            blame_by(by_id.items()),
            adopt_single=True,
        )

    def create(
        self, object_: str, writes: Sequence[Write], *, match: str, owners: Owners | None = None
    ) -> dict[str, Answer]:
        """Create with associations. Never repeated once it may have been carried out."""
        traces = _checked(writes, OBJECTS)
        if any(match not in write.properties for write in writes):
            raise ValueError(f"a write without {match} could not be told from the others")
        values = Counter(fold(write.properties[match]) for write in writes)
        if owners is None and len(values) < len(writes):
            raise ValueError(f"two inputs of one call have the same {match}")
        inputs = [
            {
                "properties": dict(write.properties),
                "associations": _associations(write),
                "objectWriteTraceId": write.trace,
            }
            for write in writes
        ]
        response = self._send(object_, "create", inputs, repeatable=False)
        named = ((write.properties[match], write.trace) for write in writes)
        return _settled(
            response,
            traces,
            lambda made: _told_apart(writes, made, match, owners),
            blame_by((value, trace) for value, trace in named if values[fold(value)] == 1),
        )

    def patch(self, object_: str, write: Write, id_property: str | None) -> Answer:
        """Update one record, following merges."""
        try:
            response = self._transport.call(
                "PATCH",
                self._routes.record(object_, write.id),
                params=None if id_property is None else {"idProperty": id_property},
                body={"properties": dict(write.properties)},
                repeatable=True,
                route=self._routes.record(object_, ANY),
                departure=self._departure,
            )
        except (AuthError, RateLimited, Unreachable):
            raise
        except ApiError as error:
            if error.status in (400, 409, 422) or error.category == ABSENT:
                return Refused(str(error), error.category, invalid=error.invalid)
            raise
        body = response.parse(ObjectBody)
        return settle(
            [write.trace],
            [(write.trace, Written(body.id, body.properties, warnings=body.warned))],
            [],
            blame=_nobody,
        )[write.trace]

    def archive(self, object_: str, ids: Sequence[str]) -> dict[str, Answer]:
        """Archive by id. HubSpot answers 204 whatever the ids are: done means not refused."""
        if not 0 < len(ids) <= OBJECTS or len(set(ids)) != len(ids):
            raise ValueError(f"one call takes 1 to {OBJECTS} different ids, not {len(ids)}")
        inputs = [{"id": id_} for id_ in ids]
        response = self._send(object_, "archive", inputs, repeatable=True)
        body = response.parse(BatchBody) if response.body.strip() else BatchBody()
        return settle_silent(
            ids,
            body.errors or (),
            done={id_: Written(id_) for id_ in ids},
            blame=blame_by((id_, id_) for id_ in ids),
            num_errors=body.num_errors,
        )

    def associate(
        self, from_object: str, to_object: str, pairs: Sequence[Pair]
    ) -> dict[str, Answer]:
        """Associate pairs; each pair's labels become exactly its types."""
        traces = _checked(pairs, LINKS_WRITE)
        by_ends = _by_key(((pair.from_id, pair.to_id), pair.trace) for pair in pairs)
        body = self._link(from_object, to_object, "create", pairs).parse(PairsBody)
        results = [
            (
                by_ends.get((result.from_object_id, result.to_object_id)),
                Written(result.from_object_id),
            )
            for result in body.results or ()
        ]
        done = {trace for trace, _ in results if trace is not None}
        return settle(
            traces,
            results,
            body.errors or (),
            blame=_blame_ends(pairs, done),
            num_errors=body.num_errors,
            one_record_each=False,
        )

    def dissociate(
        self, from_object: str, to_object: str, pairs: Sequence[Pair]
    ) -> dict[str, Answer]:
        """Remove single association types. HubSpot answers 204: done means not refused."""
        traces = _checked(pairs, LINKS_WRITE)
        response = self._link(from_object, to_object, "labels/archive", pairs)
        body = response.parse(BatchBody) if response.body.strip() else BatchBody()
        return settle_silent(
            traces,
            body.errors or (),
            done={pair.trace: Written(pair.from_id) for pair in pairs},
            blame=_blame_ends(pairs, set()),
            num_errors=body.num_errors,
        )

    def _send(
        self, object_: str, verb: str, inputs: Sequence[Mapping[str, Any]], *, repeatable: bool
    ) -> Response:
        return self._transport.call(
            "POST",
            self._routes.batch(object_, verb),
            body={"inputs": inputs},
            repeatable=repeatable,
            departure=self._departure,
        )

    def _link(self, from_object: str, to_object: str, verb: str, pairs: Sequence[Pair]) -> Response:
        inputs = [
            {
                "from": {"id": pair.from_id},
                "to": {"id": pair.to_id},
                "types": [_type(category, type_id) for category, type_id in pair.types],
            }
            for pair in pairs
        ]
        return self._transport.call(
            "POST",
            self._routes.links(from_object, to_object, verb),
            body={"inputs": inputs},
            repeatable=True,
            pool="associations",
            departure=self._departure,
        )


def _settled(
    response: Response,
    traces: Sequence[str],
    traces_of: Callable[[Sequence[ObjectBody]], Sequence[str | None]],
    blame: Blame,
    *,
    adopt_single: bool = False,
) -> dict[str, Answer]:
    body = response.parse(ObjectsBody)
    known = set(traces)

    made = body.results or []
    echoed = [one if (one := r.object_write_trace_id) in known else None for r in made]
    results = [
        (
            trace or echo,
            Written(result.id, result.properties, _new(result, response), result.warned),
        )
        for result, trace, echo in zip(made, traces_of(made), echoed, strict=True)
    ]
    return settle(
        traces,
        results,
        body.errors or (),
        blame=blame,
        num_errors=body.num_errors,
        adopt_single=adopt_single,
    )


def _told_apart(
    writes: Sequence[Write], made: Sequence[ObjectBody], match: str, owners: Owners | None
) -> Sequence[str | None]:
    try:
        return tell_apart(writes, made, match, owners)
    except ApiError as error:
        # The records are made: an error of reading must not be taken for a refusal of them.
        raise Ambiguous(f"created, but not told apart: {error}") from error


def _new(result: ObjectBody, response: Response) -> bool | None:
    """Not new after a repeated call: the first attempt may have made it, so nobody knows."""
    return None if response.repeated and result.new is False else result.new


def _checked(writes: Sequence[Write] | Sequence[Pair], limit: int) -> list[str]:
    traces = [write.trace for write in writes]
    if not 0 < len(traces) <= limit:
        raise ValueError(f"one call takes 1 to {limit} inputs, not {len(traces)}")
    if len(set(traces)) != len(traces) or "" in traces:
        raise ValueError("every input of a call needs a trace of its own")
    return traces


def _by_key(named: Iterable[tuple[Name, str]]) -> dict[Name, str]:
    by_key: dict[Name, str] = {}
    for name, trace in named:
        if name in by_key:
            raise ValueError(f"two inputs of one call are both {name!r}")
        by_key[name] = trace
    return by_key


def _associations(write: Write) -> list[dict[str, Any]]:
    types: dict[str, list[dict[str, Any]]] = {}
    for to_id, category, type_id in write.links:
        types.setdefault(to_id, []).append(_type(category, type_id))
    return [{"to": {"id": to_id}, "types": listed} for to_id, listed in types.items()]


def _type(category: str, type_id: int) -> dict[str, Any]:
    return {"associationCategory": category, "associationTypeId": type_id}


def _nobody(_: ErrorBody) -> Sequence[str]:
    return ()


def _blame_ends(pairs: Sequence[Pair], done: Container[str]) -> Blame:
    """Association errors carry no trace: they name both ends, or one bad id, or nothing.

    One bad id may be in several pairs; those that were made are not meant.
    """

    def blame(error: ErrorBody) -> Sequence[str]:
        froms, tos = error.named("fromObjectId"), error.named("toObjectId")
        either = error.culprits

        def is_meant(pair: Pair) -> bool:
            if froms or tos:
                return pair.from_id in (froms or (pair.from_id,)) and pair.to_id in (
                    tos or (pair.to_id,)
                )
            return pair.from_id in either or pair.to_id in either

        return [pair.trace for pair in pairs if pair.trace not in done and is_meant(pair)]

    return blame
