"""Read the values that records' properties had before."""

from collections.abc import Sequence

from reconcile.hubspot.calls import Calls
from reconcile.hubspot.complete_reads import BatchRead, complete_read, refuse_failures
from reconcile.hubspot.refusals import is_absence, none_if
from reconcile.hubspot.routes import ANY_ID, query_parts
from reconcile.hubspot.schemas import ObjectBody, ObjectsBody
from reconcile.model.batches import HISTORIES
from reconcile.model.printable import clean
from reconcile.model.records import Version


class HistoryReader(Calls):
    """Reads property histories, in batches or of one record alone."""

    def history(
        self, object_: str, id_: str, properties: Sequence[str], *, archived: bool = False
    ) -> dict[str, tuple[Version, ...]]:
        """Return the past values of a record's properties, latest first; HubSpot keeps about 20."""
        found: dict[str, tuple[Version, ...]] = {}
        for part in query_parts(properties):
            params = {"propertiesWithHistory": ",".join(part)}
            body = self._transport.call(
                "GET",
                self._routes.record(object_, id_),
                params=params | ({"archived": "true"} if archived else {}),
                repeatable=True,
                route=self._routes.record(object_, ANY_ID),
            ).parse(ObjectBody)
            found |= _versions(body)
        return found

    def histories(
        self, object_: str, ids: Sequence[str], properties: Sequence[str]
    ) -> dict[str, dict[str, tuple[Version, ...]]]:
        """Return ``history`` for any number of records, by id. Absent records are omitted."""

        def together(chunk: Sequence[str]) -> BatchRead[dict[str, tuple[Version, ...]]]:
            answer = self._transport.call(
                "POST",
                self._routes.batch(object_, "read"),
                body={
                    "properties": [],
                    "propertiesWithHistory": list(properties),
                    "inputs": [{"id": id_} for id_ in chunk],
                },
                repeatable=True,
            ).parse(ObjectsBody)
            refuse_failures(answer)
            there = {result.id: result for result in answer.results or ()}
            missing = {name for error in answer.errors or () for name in error.offending_inputs}
            found = {id_: _versions(there[id_]) for id_ in chunk if id_ in there}
            return found, [id_ for id_ in chunk if id_ not in found and id_ not in missing]

        def alone(id_: str) -> dict[str, tuple[Version, ...]] | None:
            return none_if(is_absence, self.history, object_, id_, properties, archived=False)

        wanted = list(dict.fromkeys(ids))
        return complete_read(
            self._pool, wanted, HISTORIES, together=together, alone=alone, of=object_
        )


def _versions(body: ObjectBody) -> dict[str, tuple[Version, ...]]:
    return {
        name: tuple(
            Version(
                one.value or "",
                one.timestamp or "",
                _named(one.source_type),
                _named(one.source_id),
                _named(one.source_label),
                _named(one.updated_by_user_id),
            )
            for one in versions
        )
        for name, versions in (body.properties_with_history or {}).items()
    }


def _named(text: str | None) -> str:
    return clean(text, 80) if text else ""
