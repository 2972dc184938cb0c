"""Write records: one call each, one answer for each input."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reconcile.errors import Ambiguous, ApiError, AuthError, RateLimited, Unreachable
from reconcile.hubspot.batch_inputs import checked_traces, trace_by_name, type_body
from reconcile.hubspot.batch_results import Blame, blame_by, settle, settle_silent
from reconcile.hubspot.correlate import Owners, tell_apart
from reconcile.hubspot.error_bodies import ABSENT, ErrorBody
from reconcile.hubspot.routes import ANY, Routes
from reconcile.hubspot.schemas import BatchBody, ObjectBody, ObjectsBody
from reconcile.hubspot.steps import Departure
from reconcile.hubspot.transport import Response, Transport
from reconcile.hubspot.types import Answer, Refused, Write, Written
from reconcile.model.address import fold
from reconcile.model.batches import OBJECTS


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
        traces = checked_traces(writes, OBJECTS)
        by_key = trace_by_name((fold(write.id), write.trace) for write in writes)
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
        traces = checked_traces(writes, OBJECTS)
        by_id = trace_by_name((write.id, write.trace) for write in writes)
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
        traces = checked_traces(writes, OBJECTS)
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


def _associations(write: Write) -> list[dict[str, Any]]:
    types: dict[str, list[dict[str, Any]]] = {}
    for to_id, category, type_id in write.links:
        types.setdefault(to_id, []).append(type_body(category, type_id))
    return [{"to": {"id": to_id}, "types": listed} for to_id, listed in types.items()]


def _nobody(_: ErrorBody) -> Sequence[str]:
    return ()
