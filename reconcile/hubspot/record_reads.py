"""Read records, in batches or one alone."""

from collections.abc import Callable, Mapping, Sequence

from reconcile.errors import CallRefused, HubSpotError
from reconcile.hubspot.calls import Calls
from reconcile.hubspot.complete_reads import (
    BatchRead,
    complete_read,
    contradiction,
    refuse_failures,
)
from reconcile.hubspot.refusals import is_absence, none_if
from reconcile.hubspot.routes import ANY_ID, is_segment, query_parts
from reconcile.hubspot.schemas import ObjectBody, ObjectsBody
from reconcile.model.address import fold, other_forms
from reconcile.model.batches import OBJECTS
from reconcile.model.printable import clean
from reconcile.model.records import Actual


class RecordReader(Calls):
    """Reads records. Absent records are omitted; a record not requested raises HubSpotError."""

    def read(
        self,
        object_: str,
        ids: Sequence[str],
        properties: Sequence[str],
        *,
        id_property: str | None = None,
        secondary: str = "",
        archived: bool = False,
    ) -> dict[str, Actual]:
        """Return records by the requested id, or by the requested value of a unique property.

        Reads any number of records in batches. Absent records are omitted; an id that is missing
        from a response is retried, then read alone. A value that no record has is also looked up
        in its other Unicode form. Raise CallRefused for a record that was not requested, or for
        two records with one key.

        ``secondary`` names a property with further values of ``id_property``, joined by
        semicolons, by which HubSpot finds a record as well. HubSpot echoes the first value in any
        case, so a record that neither property identifies is read alone.
        """
        wanted = list(dict.fromkeys(ids))
        if id_property is not None:
            _require_distinct(wanted)
        names = _names(properties, id_property, secondary)

        def together(chunk: Sequence[str]) -> BatchRead[Actual]:
            return self._read_batch(
                object_, chunk, names, id_property, secondary, archived=archived
            )

        def alone(id_: str) -> Actual | None:
            if not is_segment(id_):
                raise CallRefused("its key cannot be part of a path")
            return self.get(
                object_,
                id_,
                properties,
                id_property=id_property,
                secondary=secondary,
                archived=archived,
            )

        def found_as(names: Sequence[str]) -> dict[str, Actual]:
            return complete_read(
                self._pool, names, OBJECTS, together=together, alone=alone, of=object_
            )

        found = found_as(wanted)
        if id_property is not None:
            return found | _in_other_forms(wanted, found, found_as)
        became = {actual.id for id_, actual in found.items() if id_ != actual.id}
        if unexpected := found.keys() - became - set(wanted):
            raise _unexpected_record(object_, min(unexpected))
        here = ((id_, found.get(id_)) for id_ in wanted)
        return {id_: actual for id_, actual in here if actual and actual.id == id_}

    def _read_batch(
        self,
        object_: str,
        ids: Sequence[str],
        names: Sequence[str],
        id_property: str | None,
        secondary: str,
        *,
        archived: bool,
    ) -> BatchRead[Actual]:
        """Return the records of one batch by input, and the inputs that the response leaves out.

        A merged record may be returned for its former id, under its new one (reference §8,
        unverified): reading by id, such a record is in the result under its own id.
        """
        body: dict[str, object] = {
            "properties": names,
            "propertiesWithHistory": [],
            "inputs": [{"id": id_} for id_ in ids],
        }
        if id_property is not None:
            body["idProperty"] = id_property
        answer = self._transport.call(
            "POST",
            self._routes.batch(object_, "read"),
            params={"archived": "true"} if archived else None,
            body=body,
            repeatable=True,
        ).parse(ObjectsBody)
        refuse_failures(answer)
        requested = {id_ if id_property is None else fold(id_): id_ for id_ in ids}
        named = (name for error in answer.errors or () for name in error.offending_inputs)
        missing = {requested.get(name if id_property is None else fold(name)) for name in named}
        found: dict[str, Actual] = {}
        for result in answer.results or ():
            if id_property is None:
                keys = [result.id]
            else:
                first, *more = _key_values(result, id_property, secondary)
                keys = [requested[first]] if first in requested else []
                # A further value counts only if HubSpot finds records by it.
                keys += [
                    requested[one]
                    for one in more
                    if one in requested and requested[one] not in missing
                ]
            if not result.id or not (keys or secondary):
                raise _unexpected_record(object_, result.id)
            for key in keys:
                if key in found and key in ids and not (secondary and found[key].id == result.id):
                    raise CallRefused(
                        f"HubSpot answered twice for {object_} {clean(key, 80)!r}: "
                        f"ids {clean(found[key].id, 40)} and {clean(result.id, 40)}",
                        hint="is the property that identifies records really unique?",
                    )
                found[key] = Actual(result.id, result.properties, result.archived)
        if both := [id_ for id_ in ids if id_ in missing and id_ in found]:
            raise contradiction(object_, both)
        return found, [id_ for id_ in ids if id_ not in missing and id_ not in found]

    def get(
        self,
        object_: str,
        id_: str,
        properties: Sequence[str],
        *,
        id_property: str | None = None,
        secondary: str = "",
        archived: bool = False,
    ) -> Actual | None:
        """Return one record, or None. Its id differs from the requested one if it was merged.

        If ``secondary`` names further values of ``id_property``, the key of the response is not
        checked: HubSpot need not echo the value that the record was found by.
        """
        found: Actual | None = None
        for part in query_parts(_names(properties, id_property)):
            params = {"properties": ",".join(part)}
            if id_property is not None:
                params["idProperty"] = id_property
            if archived:
                params["archived"] = "true"
            response = none_if(
                is_absence,
                self._transport.call,
                "GET",
                self._routes.record(object_, id_),
                params=params,
                repeatable=True,
                route=self._routes.record(object_, ANY_ID),
            )
            if response is None:
                return None
            body = response.parse(ObjectBody)
            if not body.id:
                raise CallRefused("HubSpot's answer gives no id", status=response.status)
            is_requested = id_property is None or fold(_value(body, id_property)) == fold(id_)
            if not is_requested and not secondary:
                raise CallRefused(
                    f"HubSpot answered with {object_} {clean(body.id, 40)!r}, "
                    f"whose {id_property} is not the requested one"
                )
            known = dict(found.properties) if found else {}
            found = Actual(body.id, known | body.properties, body.archived)
        return found


def _in_other_forms(
    keys: Sequence[str],
    found: Mapping[str, Actual],
    read: Callable[[Sequence[str]], Mapping[str, Actual]],
) -> dict[str, Actual]:
    """Return records whose key is stored in another Unicode form than the requested one.

    Only keys not ``found`` in the requested form are looked up in another.
    """
    more: dict[str, Actual] = {}
    forms = {key: other_forms(key) for key in keys if key not in found}
    for place in range(2):
        left = {f[place]: key for key, f in forms.items() if len(f) > place and key not in more}
        if left:
            more |= {left[form]: actual for form, actual in read(list(left)).items()}
    return more


def _unexpected_record(object_: str, id_: str) -> HubSpotError:
    return CallRefused(
        f"HubSpot answered with {object_} {clean(id_, 40)!r}, which was not requested"
    )


def _value(body: ObjectBody, name: str) -> str:
    return body.properties.get(name) or ""


def _key_values(body: ObjectBody, id_property: str, secondary: str) -> Sequence[str]:
    """Return the folded values that a record is found by, each once."""
    more = _value(body, secondary).split(";") if secondary else []
    return list(dict.fromkeys(fold(value) for value in [_value(body, id_property), *more]))


def _names(properties: Sequence[str], id_property: str | None, secondary: str = "") -> list[str]:
    return list(dict.fromkeys([*properties, *filter(None, (id_property, secondary))]))


def _require_distinct(keys: Sequence[str]) -> None:
    if len({fold(key) for key in keys}) != len(keys):
        raise ValueError("two requested keys differ only in case, spaces or Unicode form")
