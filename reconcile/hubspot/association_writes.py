"""Write associations: one call each, one result for each pair."""

from collections.abc import Container, Sequence

from reconcile.hubspot.batch_inputs import checked_traces, trace_by_name, type_body
from reconcile.hubspot.batch_results import Attribution, answers_by_trace, answers_from_errors
from reconcile.hubspot.calls import Calls
from reconcile.hubspot.error_bodies import ErrorBody
from reconcile.hubspot.schemas import BatchBody, PairsBody
from reconcile.hubspot.transport import Response
from reconcile.hubspot.types import Answer, Pair, Written
from reconcile.model.batches import LINKS_WRITE


class AssociationWriter(Calls):
    """Associates and dissociates records. See ``RecordWriter`` for errors."""

    def associate(
        self, from_object: str, to_object: str, pairs: Sequence[Pair]
    ) -> dict[str, Answer]:
        """Associate up to 2,000 pairs; each pair's labels become exactly its types, by trace."""
        traces = checked_traces(pairs, LINKS_WRITE)
        by_ends = trace_by_name(((pair.from_id, pair.to_id), pair.trace) for pair in pairs)
        body = self._link(from_object, to_object, "create", pairs).parse(PairsBody)
        results = [
            (
                by_ends.get((result.from_object_id, result.to_object_id)),
                Written(result.from_object_id),
            )
            for result in body.results or ()
        ]
        done = {trace for trace, _ in results if trace is not None}
        return answers_by_trace(
            traces,
            results,
            body.errors or (),
            attribute=_attribute_by_ends(pairs, done),
            num_errors=body.num_errors,
            one_record_each=False,
        )

    def dissociate(
        self, from_object: str, to_object: str, pairs: Sequence[Pair]
    ) -> dict[str, Answer]:
        """Remove single association types of up to 2,000 pairs. Answers by trace.

        HubSpot answers 204: Written means only that the pair was not refused.
        """
        traces = checked_traces(pairs, LINKS_WRITE)
        response = self._link(from_object, to_object, "labels/archive", pairs)
        body = response.parse(BatchBody) if response.body.strip() else BatchBody()
        return answers_from_errors(
            traces,
            body.errors or (),
            done={pair.trace: Written(pair.from_id) for pair in pairs},
            attribute=_attribute_by_ends(pairs, set()),
            num_errors=body.num_errors,
        )

    def _link(self, from_object: str, to_object: str, verb: str, pairs: Sequence[Pair]) -> Response:
        inputs = [
            {
                "from": {"id": pair.from_id},
                "to": {"id": pair.to_id},
                "types": [type_body(category, type_id) for category, type_id in pair.types],
            }
            for pair in pairs
        ]
        return self._transport.call(
            "POST",
            self._routes.association_batch(from_object, to_object, verb),
            body={"inputs": inputs},
            repeatable=True,
            pool="associations",
            freshness=self._freshness,
        )


def _attribute_by_ends(pairs: Sequence[Pair], done: Container[str]) -> Attribution:
    """Return an attribution by record ids, since association errors carry no trace.

    They name both ends, or one bad id, or nothing. A bad id may be in several pairs; pairs that
    were made are excluded.
    """

    def attribute(error: ErrorBody) -> Sequence[str]:
        froms, tos = error.named("fromObjectId"), error.named("toObjectId")
        either = error.offending_inputs

        def is_meant(pair: Pair) -> bool:
            if froms or tos:
                return pair.from_id in (froms or (pair.from_id,)) and pair.to_id in (
                    tos or (pair.to_id,)
                )
            return pair.from_id in either or pair.to_id in either

        return [pair.trace for pair in pairs if pair.trace not in done and is_meant(pair)]

    return attribute
