"""Reading associations, in batches or of one record alone."""

from collections.abc import Container, Iterable, Iterator, Sequence

from reconcile.errors import ApiError
from reconcile.hubspot.complete_reads import Heard, conserve, contradictory, refuse_failures
from reconcile.hubspot.error_details import clean
from reconcile.hubspot.routes import ANY, Routes
from reconcile.hubspot.schemas import LinkedBody, LinksBody, LinksOfBody, LinksPageBody, PagingBody
from reconcile.hubspot.thread_pool import Pool
from reconcile.hubspot.transport import Transport
from reconcile.model.batches import LINKS_READ
from reconcile.model.records import Link

PAGE = 500
"""Associations on a page, the default and the most (reference §3)."""

_CIRCLE = "HubSpot's pages of associations go round in a circle"


class LinkReader:
    """Reads associations. A record has none only where HubSpot says so of this record."""

    def __init__(self, transport: Transport, routes: Routes, pool: Pool) -> None:
        self._transport = transport
        self._routes = routes
        self._pool = pool

    def links(
        self, from_object: str, to: str, to_object: str, ids: Sequence[str]
    ) -> dict[str, frozenset[Link]]:
        """Associations by record, every page of them."""
        wanted = list(dict.fromkeys(ids))

        def together(chunk: Sequence[str]) -> Heard[frozenset[Link]]:
            return self._read_batch(from_object, to, to_object, chunk)

        def alone(id_: str) -> frozenset[Link]:
            return self._list(from_object, to, to_object, id_)

        of = f"associations of {from_object} with {to_object}"
        found = conserve(self._pool, wanted, LINKS_READ, together=together, alone=alone, of=of)
        return {id_: found[id_] for id_ in wanted}

    def _read_batch(
        self, from_object: str, to: str, to_object: str, ids: Sequence[str]
    ) -> Heard[frozenset[Link]]:
        found: dict[str, set[Link]] = {id_: set() for id_ in ids}
        silent: dict[str, None] = {}
        seen: set[tuple[str, str]] = set()
        cursors = dict.fromkeys(ids, "")
        while cursors:
            answer = self._transport.call(
                "POST",
                self._routes.links(from_object, to_object, "read"),
                body={"inputs": [_input(id_, after) for id_, after in cursors.items()]},
                repeatable=True,
                pool="associations",
            ).parse(LinksBody)
            refuse_failures(answer)
            pages = _by_record(from_object, answer.results or (), cursors)
            ended = {
                name
                for error in answer.errors or ()
                for name in (*error.named("fromObjectId"), *error.culprits)
            }
            if both := [id_ for id_ in pages if id_ in ended]:
                raise contradictory(f"associations of {from_object}", both)
            silent |= dict.fromkeys(id_ for id_ in cursors if id_ not in pages and id_ not in ended)
            cursors = {}
            for id_, page in pages.items():
                found[id_].update(_links(to, page.to or ()))
                if after := _next(page.paging):
                    if (id_, after) in seen:
                        raise ApiError(_CIRCLE)
                    seen.add((id_, after))
                    cursors[id_] = after
        whole = {id_: frozenset(links) for id_, links in found.items() if id_ not in silent}
        return whole, list(silent)

    def _list(self, from_object: str, to: str, to_object: str, id_: str) -> frozenset[Link]:
        """One record's associations. A 404 is not caught: it may mean the path."""
        found: set[Link] = set()
        seen = {""}
        after = ""
        while True:
            page = self._transport.call(
                "GET",
                self._routes.links_of(from_object, id_, to_object),
                params={"limit": str(PAGE)} | ({"after": after} if after else {}),
                repeatable=True,
                pool="associations",
                route=self._routes.links_of(from_object, ANY, to_object),
            ).parse(LinksPageBody)
            if page.results is None:
                raise ApiError("an answer without results")
            found.update(_links(to, page.results))
            after = _next(page.paging)
            if not after:
                return frozenset(found)
            if after in seen:
                raise ApiError(_CIRCLE)
            seen.add(after)


def _input(id_: str, after: str) -> dict[str, str]:
    return {"id": id_} | ({"after": after} if after else {})


def _by_record(
    from_object: str, pages: Iterable[LinksOfBody], asked: Container[str]
) -> dict[str, LinksOfBody]:
    by_record: dict[str, LinksOfBody] = {}
    for page in pages:
        id_ = page.from_.id if page.from_ else ""
        if id_ not in asked or id_ in by_record:
            odd = "twice" if id_ in by_record else "and was not asked for them"
            raise ApiError(
                f"HubSpot answered with associations of {from_object} {clean(id_, 40)!r} {odd}"
            )
        by_record[id_] = page
    return by_record


def _links(to: str, others: Iterable[LinkedBody]) -> Iterator[Link]:
    for other in others:
        if not other.to_object_id or not other.association_types:
            raise ApiError("HubSpot answered with an association without its record or its type")
        for kind in other.association_types:
            yield Link(to, other.to_object_id, kind.type_id, kind.category)


def _next(paging: PagingBody | None) -> str:
    return (paging.next.after if paging and paging.next else None) or ""
