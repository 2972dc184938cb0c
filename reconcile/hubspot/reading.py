"""Reading records and their associations in batches."""

from collections.abc import Iterator, Sequence

from reconcile.errors import ApiError
from reconcile.hubspot.batches import LINKS_READ, OBJECTS, Pool, split
from reconcile.hubspot.bodies import BatchBody, LinksBody, LinksOfBody, ObjectBody, ObjectsBody
from reconcile.hubspot.refusals import ABSENT, clean
from reconcile.hubspot.routes import Routes
from reconcile.hubspot.transport import Transport
from reconcile.model.address import fold
from reconcile.model.records import Actual, Link

_LONGEST_QUERY = 4000
"""Characters of property names in one GET: some servers answer 414 from 8,000 on."""


class Reader:
    """Reads records. What is not there is left out; what was not asked for is an error."""

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
        *,
        archived: bool,
    ) -> dict[str, Actual]:
        """Records by id, or by the value of a unique property; see HubSpot.read."""
        wanted = list(dict.fromkeys(ids))
        if id_property is not None:
            _distinct(wanted)
        names = _names(properties, id_property)

        def one(chunk: Sequence[str]) -> dict[str, Actual]:
            return self._read_batch(object_, chunk, names, id_property, archived=archived)

        found: dict[str, Actual] = {}
        for part in self._pool.map(one, list(split(wanted, OBJECTS))):
            found.update(part)
        return found

    def _read_batch(
        self,
        object_: str,
        ids: Sequence[str],
        names: Sequence[str],
        id_property: str | None,
        *,
        archived: bool,
    ) -> dict[str, Actual]:
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
        _check(answer)
        asked = {id_ if id_property is None else fold(id_): id_ for id_ in ids}
        found: dict[str, Actual] = {}
        # Whether a batch answers for a merged record's former id is not known (reference §8). If it
        # does, it is with the new id; the former one then counts as not there, and only a single
        # read, which names both, says where it went.
        strangers: list[str] = []
        for result in answer.results or ():
            name = result.id if id_property is None else fold(_value(result, id_property))
            key = asked.get(name)
            if key is None and result.id and id_property is None:
                strangers.append(result.id)
                continue
            if key is None or not result.id:
                raise ApiError(
                    f"HubSpot answered with {object_} {clean(result.id, 40)!r}, "
                    "which was not asked for"
                )
            if key in found:
                raise ApiError(
                    f"HubSpot answered twice for {object_} {clean(key, 80)!r}: "
                    f"ids {clean(found[key].id, 40)} and {clean(result.id, 40)}",
                    hint="is the property that identifies records really unique?",
                )
            found[key] = Actual(result.id, result.properties, result.archived)
        if len(found) + len(strangers) > len(ids):
            raise ApiError(
                f"HubSpot answered with {object_} {clean(strangers[0], 40)!r}, "
                "which was not asked for"
            )
        return found

    def get(
        self,
        object_: str,
        id_: str,
        properties: Sequence[str],
        id_property: str | None,
        *,
        archived: bool,
    ) -> Actual | None:
        """One record, following merges; None where there is none."""
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
                    route=self._routes.record(object_, "id").removesuffix("id") + "{id}",
                )
            except ApiError as error:
                if is_absence(error):
                    return None
                raise
            body = response.parse(ObjectBody)
            if not body.id:
                raise ApiError("HubSpot's answer gives no id", status=response.status)
            if id_property is not None and fold(_value(body, id_property)) != fold(id_):
                raise ApiError(
                    f"HubSpot answered with {object_} {clean(body.id, 40)!r}, "
                    f"whose {id_property} is not the one asked for"
                )
            known = dict(found.properties) if found else {}
            found = Actual(body.id, known | body.properties, body.archived)
        return found

    def links(
        self, from_object: str, to: str, to_object: str, ids: Sequence[str]
    ) -> dict[str, frozenset[Link]]:
        """Associations by record, every page of them."""
        wanted = list(dict.fromkeys(ids))

        def one(chunk: Sequence[str]) -> dict[str, set[Link]]:
            return self._read_links(from_object, to, to_object, chunk)

        found: dict[str, frozenset[Link]] = dict.fromkeys(wanted, frozenset())
        for part in self._pool.map(one, list(split(wanted, LINKS_READ))):
            found.update({id_: frozenset(links) for id_, links in part.items()})
        return found

    def _read_links(
        self, from_object: str, to: str, to_object: str, ids: Sequence[str]
    ) -> dict[str, set[Link]]:
        asked = set(ids)
        found: dict[str, set[Link]] = {}
        seen: set[tuple[str, str]] = set()
        inputs: list[dict[str, str]] = [{"id": id_} for id_ in ids]
        while inputs:
            answer = self._transport.call(
                "POST",
                self._routes.links(from_object, to_object, "read"),
                body={"inputs": inputs},
                repeatable=True,
                pool="associations",
            ).parse(LinksBody)
            _check(answer)
            inputs = []
            for page in answer.results or ():
                from_id = page.from_.id if page.from_ else ""
                if from_id not in asked:
                    raise ApiError(
                        f"HubSpot answered with associations of {from_object} "
                        f"{clean(from_id, 40)!r}, which was not asked for"
                    )
                found.setdefault(from_id, set()).update(_links(to, page))
                after = page.paging.next.after if page.paging and page.paging.next else None
                if after:
                    if (from_id, after) in seen:
                        raise ApiError("HubSpot's pages of associations go round in a circle")
                    seen.add((from_id, after))
                    inputs.append({"id": from_id, "after": after})
        return found


def is_absence(error: ApiError) -> bool:
    """Whether an error says that a record is not there."""
    return error.status == 404 and error.category == ABSENT


def _links(to: str, page: LinksOfBody) -> Iterator[Link]:
    for other in page.to or ():
        for kind in other.association_types or ():
            yield Link(to, other.to_object_id, kind.type_id, kind.category)


def _check(answer: BatchBody) -> None:
    """Absence is normal in a batch read; any other error is not, nor is half an answer."""
    for error in answer.errors or ():
        if error.category != ABSENT:
            raise ApiError(
                f"HubSpot cannot read the batch: {error.text}", category=error.category or ""
            )
    if answer.status not in (None, "COMPLETE"):
        raise ApiError(f"HubSpot has not finished the batch: {clean(answer.status or '', 40)}")
    if answer.num_errors and not answer.errors:
        raise ApiError(f"HubSpot reports {answer.num_errors} errors without naming them")


def _value(body: ObjectBody, name: str) -> str:
    return body.properties.get(name) or ""


def _names(properties: Sequence[str], id_property: str | None) -> list[str]:
    names = dict.fromkeys(properties)
    if id_property is not None:
        names[id_property] = None
    return list(names)


def _distinct(keys: Sequence[str]) -> None:
    if len({fold(key) for key in keys}) != len(keys):
        raise ValueError("two of the keys asked for are the same but for case or spaces")


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
