"""Reading records, in batches or one alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from reconcile.errors import ApiError
from reconcile.hubspot.complete_reads import Heard, conserve, contradictory, refuse_failures
from reconcile.hubspot.error_bodies import ABSENT
from reconcile.hubspot.error_details import clean
from reconcile.hubspot.routes import ANY, Routes, is_segment
from reconcile.hubspot.schemas import ObjectBody, ObjectsBody, SearchBody
from reconcile.hubspot.thread_pool import Pool
from reconcile.hubspot.transport import Transport
from reconcile.model.address import fold, other_forms
from reconcile.model.batches import HISTORIES, OBJECTS
from reconcile.model.records import Actual, Version

_LONGEST_QUERY = 4000
"""Characters of property names in one GET: some servers answer 414 from 8,000 on."""

_SEARCHED = 200
"""Records a page of search has at most (reference §3)."""


class Reader:
    """Reads records: what is certainly not there is left out, a stranger is an error."""

    def __init__(self, transport: Transport, routes: Routes, pool: Pool) -> None:
        self._transport = transport
        self._routes = routes
        self._pool = pool

    def read(
        self,
        object_: str,
        ids: Sequence[str],
        properties: Sequence[str],
        id_property: str | None,
        also: str = "",
        *,
        archived: bool,
    ) -> dict[str, Actual]:
        """Records by id, or by the value of a unique property; see HubSpot.read."""
        wanted = list(dict.fromkeys(ids))
        if id_property is not None:
            _distinct(wanted)
        names = _names(properties, id_property, also)

        def together(chunk: Sequence[str]) -> Heard[Actual]:
            return self._read_batch(object_, chunk, names, id_property, also, archived=archived)

        def alone(id_: str) -> Actual | None:
            if not is_segment(id_):
                raise ApiError("its key cannot be part of a path")
            return self.get(object_, id_, properties, id_property, also, archived=archived)

        def found_as(names: Sequence[str]) -> dict[str, Actual]:
            return conserve(self._pool, names, OBJECTS, together=together, alone=alone, of=object_)

        found = found_as(wanted)
        if id_property is not None:
            return found | _in_other_forms(wanted, found, found_as)
        became = {actual.id for id_, actual in found.items() if id_ != actual.id}
        if strangers := found.keys() - became - set(wanted):
            raise _not_asked_for(object_, min(strangers))
        here = ((id_, found.get(id_)) for id_ in wanted)
        return {id_: actual for id_, actual in here if actual and actual.id == id_}

    def _read_batch(
        self,
        object_: str,
        ids: Sequence[str],
        names: Sequence[str],
        id_property: str | None,
        also: str,
        *,
        archived: bool,
    ) -> Heard[Actual]:
        """Records of one batch by input.

        A merged record may answer for its former id, under its new one (reference §8, unverified):
        by id, records that were not asked for are found under their own ids.
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
        spelt = {id_ if id_property is None else fold(id_): id_ for id_ in ids}
        said = (name for error in answer.errors or () for name in error.culprits)
        missing = {spelt.get(name if id_property is None else fold(name)) for name in said}
        found: dict[str, Actual] = {}
        for result in answer.results or ():
            if id_property is None:
                keys = [result.id]
            else:
                first, *more = _called(result, id_property, also)
                keys = [spelt[first]] if first in spelt else []
                # A further value counts only where HubSpot finds records by it.
                keys += [spelt[one] for one in more if one in spelt and spelt[one] not in missing]
            if not result.id or not (keys or also):
                raise _not_asked_for(object_, result.id)
            for key in keys:
                if key in found and key in ids and not (also and found[key].id == result.id):
                    raise ApiError(
                        f"HubSpot answered twice for {object_} {clean(key, 80)!r}: "
                        f"ids {clean(found[key].id, 40)} and {clean(result.id, 40)}",
                        hint="is the property that identifies records really unique?",
                    )
                found[key] = Actual(result.id, result.properties, result.archived)
        if both := [id_ for id_ in ids if id_ in missing and id_ in found]:
            raise contradictory(object_, both)
        return found, [id_ for id_ in ids if id_ not in missing and id_ not in found]

    def get(
        self,
        object_: str,
        id_: str,
        properties: Sequence[str],
        id_property: str | None,
        also: str = "",
        *,
        archived: bool,
    ) -> Actual | None:
        """One record, following merges; None where there is none.

        Asked for by a property that has further values (``also``), the answer is believed: it is
        to this one question, and not all of these values need be shown.
        """
        found: Actual | None = None
        for part in _parts(_names(properties, id_property)):
            params = {"properties": ",".join(part)}
            if id_property is not None:
                params["idProperty"] = id_property
            if archived:
                params["archived"] = "true"
            try:
                response = self._transport.call(
                    "GET",
                    self._routes.record(object_, id_),
                    params=params,
                    repeatable=True,
                    route=self._routes.record(object_, ANY),
                )
            except ApiError as error:
                if is_absence(error):
                    return None
                raise
            body = response.parse(ObjectBody)
            if not body.id:
                raise ApiError("HubSpot's answer gives no id", status=response.status)
            is_called = id_property is None or fold(_value(body, id_property)) == fold(id_)
            if not is_called and not also:
                raise ApiError(
                    f"HubSpot answered with {object_} {clean(body.id, 40)!r}, "
                    f"whose {id_property} is not the one asked for"
                )
            known = dict(found.properties) if found else {}
            found = Actual(body.id, known | body.properties, body.archived)
        return found

    def created_since(self, object_: str, created: str, moment: datetime) -> Iterator[str]:
        """The ids of records that search shows as made since a moment; see HubSpot."""
        wanted = {
            "propertyName": created,
            "operator": "GTE",
            "value": str(int(moment.timestamp() * 1000)),
        }
        body: dict[str, Any] = {
            "filterGroups": [{"filters": [wanted]}],
            "sorts": [{"propertyName": created, "direction": "DESCENDING"}],
            "limit": _SEARCHED,
        }
        while True:
            path = self._routes.search(object_)
            answer = self._transport.call("POST", path, body=body, repeatable=True, pool="search")
            page = answer.parse(SearchBody)
            yield from (result.id for result in page.results or () if result.id)
            after = (page.paging.next.after if page.paging and page.paging.next else None) or ""
            if not after or not page.results:
                return
            body["after"] = after

    def history(
        self, object_: str, id_: str, properties: Sequence[str], *, archived: bool
    ) -> dict[str, tuple[Version, ...]]:
        """The values that a record's properties had, the latest first; see HubSpot.history."""
        found: dict[str, tuple[Version, ...]] = {}
        for part in _parts(properties):
            params = {"propertiesWithHistory": ",".join(part)}
            body = self._transport.call(
                "GET",
                self._routes.record(object_, id_),
                params=params | ({"archived": "true"} if archived else {}),
                repeatable=True,
                route=self._routes.record(object_, ANY),
            ).parse(ObjectBody)
            found |= _versions(body)
        return found

    def histories(
        self, object_: str, ids: Sequence[str], properties: Sequence[str]
    ) -> dict[str, dict[str, tuple[Version, ...]]]:
        """The same of many records, by id; see HubSpot.histories."""

        def together(chunk: Sequence[str]) -> Heard[dict[str, tuple[Version, ...]]]:
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
            missing = {name for error in answer.errors or () for name in error.culprits}
            found = {id_: _versions(there[id_]) for id_ in chunk if id_ in there}
            return found, [id_ for id_ in chunk if id_ not in found and id_ not in missing]

        def alone(id_: str) -> dict[str, tuple[Version, ...]] | None:
            try:
                return self.history(object_, id_, properties, archived=False)
            except ApiError as error:
                if is_absence(error):
                    return None
                raise

        wanted = list(dict.fromkeys(ids))
        return conserve(self._pool, wanted, HISTORIES, together=together, alone=alone, of=object_)


def _in_other_forms(
    keys: Sequence[str],
    found: Mapping[str, Actual],
    read: Callable[[Sequence[str]], Mapping[str, Actual]],
) -> dict[str, Actual]:
    """Find records whose key is stored in another Unicode form than the one asked for.

    The form asked for goes before: only what is not under it is looked for under another.
    """
    more: dict[str, Actual] = {}
    forms = {key: other_forms(key) for key in keys if key not in found}
    for place in range(2):
        left = {f[place]: key for key, f in forms.items() if len(f) > place and key not in more}
        if left:
            more |= {left[form]: actual for form, actual in read(list(left)).items()}
    return more


def is_absence(error: ApiError) -> bool:
    """Whether an error says that a record is not there."""
    return error.status == 404 and error.category == ABSENT


def _versions(body: ObjectBody) -> dict[str, tuple[Version, ...]]:
    return {
        name: tuple(
            Version(one.value or "", one.timestamp or "", clean(one.source_type or "", 80))
            for one in versions
        )
        for name, versions in (body.properties_with_history or {}).items()
    }


def _not_asked_for(object_: str, id_: str) -> ApiError:
    return ApiError(f"HubSpot answered with {object_} {clean(id_, 40)!r}, which was not asked for")


def _value(body: ObjectBody, name: str) -> str:
    return body.properties.get(name) or ""


def _called(body: ObjectBody, id_property: str, also: str) -> Sequence[str]:
    """The folded values that a record is found by, each once."""
    more = _value(body, also).split(";") if also else []
    return list(dict.fromkeys(fold(value) for value in [_value(body, id_property), *more]))


def _names(properties: Sequence[str], id_property: str | None, also: str = "") -> list[str]:
    return list(dict.fromkeys([*properties, *filter(None, (id_property, also))]))


def _distinct(keys: Sequence[str]) -> None:
    if len({fold(key) for key in keys}) != len(keys):
        raise ValueError(
            "two of the keys asked for are the same but for case, spaces or Unicode form"
        )


def _parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Property names in pieces that fit a URL; one empty piece where there are none."""
    part: list[str] = []
    length = 0
    for name in names:
        if part and length + len(name) > _LONGEST_QUERY:
            yield part
            part, length = [], 0
        part.append(name)
        length += len(name) + 1
    yield part
