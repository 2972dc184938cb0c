"""Read associations, in batches or of one record alone."""

from collections.abc import Container, Iterable, Iterator, Sequence

from reconcile.errors import CallRefused
from reconcile.hubspot.calls import Calls
from reconcile.hubspot.complete_reads import (
    BatchRead,
    complete_read,
    contradiction,
    refuse_failures,
)
from reconcile.hubspot.routes import ANY_ID
from reconcile.hubspot.schemas import LinkedBody, LinksBody, LinksOfBody, LinksPageBody, PagingBody
from reconcile.model.batches import LINKS_READ
from reconcile.model.printable import clean
from reconcile.model.records import Link

PAGE = 500
"""Associations on a page: the default and the maximum (reference §3)."""

_ENDLESS = "HubSpot's pages of associations never end: a cursor came twice"


class AssociationReader(Calls):
    """Reads associations.

    A record is reported without associations only if HubSpot says so explicitly; ids missing from
    a response are queried again.
    """

    def links(
        self, from_object: str, to: str, to_object: str, ids: Sequence[str]
    ) -> dict[str, frozenset[Link]]:
        """Return all associations of each id; ``to`` becomes the ``to`` of each Link."""
        wanted = list(dict.fromkeys(ids))

        def together(chunk: Sequence[str]) -> BatchRead[frozenset[Link]]:
            return self._read_batch(from_object, to, to_object, chunk)

        def alone(id_: str) -> frozenset[Link]:
            return self._list(from_object, to, to_object, id_)

        of = f"associations of {from_object} with {to_object}"
        found = complete_read(self._pool, wanted, LINKS_READ, together=together, alone=alone, of=of)
        return {id_: found[id_] for id_ in wanted}

    def _read_batch(
        self, from_object: str, to: str, to_object: str, ids: Sequence[str]
    ) -> BatchRead[frozenset[Link]]:
        found: dict[str, set[Link]] = {id_: set() for id_ in ids}
        unanswered: dict[str, None] = {}
        seen: set[tuple[str, str]] = set()
        cursors = dict.fromkeys(ids, "")
        while cursors:
            answer = self._transport.call(
                "POST",
                self._routes.association_batch(from_object, to_object, "read"),
                body={"inputs": [_input(id_, after) for id_, after in cursors.items()]},
                repeatable=True,
                pool="associations",
            ).parse(LinksBody)
            refuse_failures(answer)
            pages = _by_record(from_object, answer.results or (), cursors)
            ended = {
                name
                for error in answer.errors or ()
                for name in (*error.named("fromObjectId"), *error.offending_inputs)
            }
            if both := [id_ for id_ in pages if id_ in ended]:
                raise contradiction(f"associations of {from_object}", both)
            unanswered |= dict.fromkeys(
                id_ for id_ in cursors if id_ not in pages and id_ not in ended
            )
            cursors = {}
            for id_, page in pages.items():
                found[id_].update(_links(to, page.to or ()))
                if after := _next(page.paging):
                    if (id_, after) in seen:
                        raise CallRefused(_ENDLESS)
                    seen.add((id_, after))
                    cursors[id_] = after
        complete = {id_: frozenset(links) for id_, links in found.items() if id_ not in unanswered}
        return complete, list(unanswered)

    def _list(self, from_object: str, to: str, to_object: str, id_: str) -> frozenset[Link]:
        """Return one record's associations. A 404 is raised: it may be about the path."""
        found: set[Link] = set()
        seen = {""}
        after = ""
        while True:
            page = self._transport.call(
                "GET",
                self._routes.record_associations(from_object, id_, to_object),
                params={"limit": str(PAGE)} | ({"after": after} if after else {}),
                repeatable=True,
                pool="associations",
                route=self._routes.record_associations(from_object, ANY_ID, to_object),
            ).parse(LinksPageBody)
            if page.results is None:
                raise CallRefused("HubSpot's response has no results")
            found.update(_links(to, page.results))
            after = _next(page.paging)
            if not after:
                return frozenset(found)
            if after in seen:
                raise CallRefused(_ENDLESS)
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
            odd = "twice" if id_ in by_record else "and they were not requested"
            raise CallRefused(
                f"HubSpot answered with associations of {from_object} {clean(id_, 40)!r} {odd}"
            )
        by_record[id_] = page
    return by_record


def _links(to: str, others: Iterable[LinkedBody]) -> Iterator[Link]:
    for other in others:
        if not other.to_object_id or not other.association_types:
            raise CallRefused("HubSpot answered with an association without its record or its type")
        for kind in other.association_types:
            yield Link(to, other.to_object_id, kind.type_id, kind.category)


def _next(paging: PagingBody | None) -> str:
    return (paging.next.after if paging and paging.next else None) or ""
