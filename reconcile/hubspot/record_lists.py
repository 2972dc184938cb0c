"""List all records of an object, page by page. Unlike search, a list is complete (reference §3)."""

from collections.abc import Iterator, Sequence

from reconcile.hubspot.calls import Calls
from reconcile.hubspot.routes import query_parts
from reconcile.hubspot.schemas import SearchBody
from reconcile.model.records import Actual

_PAGE = 100
"""Maximum number of records on a page (reference §1)."""


class RecordLister(Calls):
    """Lists records that are not archived, by ascending id."""

    def pages(self, object_: str, properties: Sequence[str]) -> Iterator[list[Actual]]:
        """Yield the records of each page with these properties.

        More properties than fit into one address are not listed: read them by id.
        """
        names = next(query_parts(properties), ())
        params = {"limit": str(_PAGE)} | ({"properties": ",".join(names)} if names else {})
        while True:
            answer = self._transport.call(
                "GET", self._routes.objects(object_), params=params, repeatable=True
            ).parse(SearchBody)
            yield [
                Actual(one.id, one.properties, one.archived)
                for one in answer.results or ()
                if one.id
            ]
            after = (answer.paging.next.after if answer.paging and answer.paging.next else "") or ""
            if not after or after == params.get("after"):
                return
            params = {**params, "after": after}
