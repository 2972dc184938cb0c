"""Write records: one call each, one answer for each input."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reconcile.errors import Ambiguous, CallRefused, HubSpotError
from reconcile.hubspot.batch_inputs import checked_traces, trace_by_name, type_body
from reconcile.hubspot.batch_results import (
    Attribution,
    answers_by_trace,
    answers_from_errors,
    attribute_by_name,
)
from reconcile.hubspot.calls import Calls
from reconcile.hubspot.correlate import ReadParents, correlate_results
from reconcile.hubspot.error_bodies import ABSENT, ErrorBody
from reconcile.hubspot.routes import ANY_ID
from reconcile.hubspot.schemas import BatchBody, ObjectBody, ObjectsBody
from reconcile.hubspot.transport import Response
from reconcile.hubspot.types import Answer, Refused, Write, Written
from reconcile.model.address import fold
from reconcile.model.batches import OBJECTS


class RecordWriter(Calls):
    """Writes records. Raises HubSpotError if HubSpot refuses a batch as a whole."""

    def upsert(self, object_: str, id_property: str, writes: Sequence[Write]) -> dict[str, Answer]:
        """Create or update up to 100 records by a unique property. Answers by trace."""
        traces = checked_traces(writes, OBJECTS)
        by_key = trace_by_name((fold(write.id), write.trace) for write in writes)
        if any(fold(w.properties.get(id_property, w.id)) != fold(w.id) for w in writes):
            raise ValueError(f"an upsert finds records by {id_property}; it cannot change it")
        inputs = [
            {
                "id": write.id,
                "idProperty": id_property,
                # Results echo only these properties, and are matched to inputs by the key.
                "properties": {id_property: write.id, **write.properties},
                "objectWriteTraceId": write.trace,
            }
            for write in writes
        ]
        response = self._send(object_, "upsert", inputs, repeatable=True)
        return _answers_of(
            response,
            traces,
            lambda made: [by_key.get(fold(one.properties.get(id_property) or "")) for one in made],
            attribute_by_name((write.id, write.trace) for write in writes),
        )

    def update(self, object_: str, writes: Sequence[Write]) -> dict[str, Answer]:
        """Update records by id. Answers by trace."""
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
        return _answers_of(
            response,
            traces,
            lambda made: [by_id.get(one.id) for one in made],
            attribute_by_name(by_id.items()),
            match_single=True,
        )

    def create(
        self,
        object_: str,
        writes: Sequence[Write],
        *,
        match: str,
        read_parents: ReadParents | None = None,
    ) -> dict[str, Answer]:
        """Create up to 100 records with associations. Answers by trace.

        Results are matched to inputs by the property ``match``. Its values must differ within the
        call unless ``read_parents`` can read which records the new ones are associated with.
        A create that may have been carried out is never retried: it raises Ambiguous.
        """
        traces = checked_traces(writes, OBJECTS)
        if any(match not in write.properties for write in writes):
            raise ValueError(f"a write without {match} could not be matched to its result")
        values = Counter(fold(write.properties[match]) for write in writes)
        if read_parents is None and len(values) < len(writes):
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
        return _answers_of(
            response,
            traces,
            lambda made: _correlated(writes, made, match, read_parents),
            attribute_by_name((value, trace) for value, trace in named if values[fold(value)] == 1),
        )

    def patch(self, object_: str, write: Write, *, id_property: str | None = None) -> Answer:
        """Update one record, following merges. Return Refused if HubSpot refuses this record."""
        try:
            response = self._transport.call(
                "PATCH",
                self._routes.record(object_, write.id),
                params=None if id_property is None else {"idProperty": id_property},
                body={"properties": dict(write.properties)},
                repeatable=True,
                route=self._routes.record(object_, ANY_ID),
                freshness=self._freshness,
            )
        except CallRefused as error:
            if error.status in (400, 409, 422) or error.category == ABSENT:
                return Refused(str(error), error.category, invalid=error.invalid)
            raise
        body = response.parse(ObjectBody)
        return answers_by_trace(
            [write.trace],
            [(write.trace, Written(body.id, body.properties, warnings=body.warned))],
            [],
            attribute=_attribute_to_none,
        )[write.trace]

    def archive(self, object_: str, ids: Sequence[str]) -> dict[str, Answer]:
        """Move up to 100 records into the recycling bin. Answers by id.

        HubSpot does not report on single records, not even on ids that do not exist (reference
        §8): Written means only that an id was not refused, so the caller must read it.
        """
        if not 0 < len(ids) <= OBJECTS or len(set(ids)) != len(ids):
            raise ValueError(f"one call takes 1 to {OBJECTS} different ids, not {len(ids)}")
        inputs = [{"id": id_} for id_ in ids]
        response = self._send(object_, "archive", inputs, repeatable=True)
        body = response.parse(BatchBody) if response.body.strip() else BatchBody()
        return answers_from_errors(
            ids,
            body.errors or (),
            done={id_: Written(id_) for id_ in ids},
            attribute=attribute_by_name((id_, id_) for id_ in ids),
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
            freshness=self._freshness,
        )


def _answers_of(
    response: Response,
    traces: Sequence[str],
    traces_of: Callable[[Sequence[ObjectBody]], Sequence[str | None]],
    attribute: Attribution,
    *,
    match_single: bool = False,
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
    return answers_by_trace(
        traces,
        results,
        body.errors or (),
        attribute=attribute,
        num_errors=body.num_errors,
        match_single=match_single,
    )


def _correlated(
    writes: Sequence[Write],
    made: Sequence[ObjectBody],
    match: str,
    read_parents: ReadParents | None,
) -> Sequence[str | None]:
    try:
        return correlate_results(writes, made, match, read_parents)
    except HubSpotError as error:
        # The records exist: an error while reading must not be mistaken for a refusal.
        raise Ambiguous(
            f"the records were created, but could not be matched to their inputs: {error}"
        ) from error


def _new(result: ObjectBody, response: Response) -> bool | None:
    """Return whether a record is new; None after a retry whose first attempt may have made it."""
    return None if response.repeated and result.new is False else result.new


def _associations(write: Write) -> list[dict[str, Any]]:
    types: dict[str, list[dict[str, Any]]] = {}
    for to_id, category, type_id in write.links:
        types.setdefault(to_id, []).append(type_body(category, type_id))
    return [{"to": {"id": to_id}, "types": listed} for to_id, listed in types.items()]


def _attribute_to_none(_: ErrorBody) -> Sequence[str]:
    return ()
