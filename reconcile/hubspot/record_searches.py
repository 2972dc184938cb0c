"""Search for records. It only proposes.

The index lags behind writes (reference §3): a record that is not found may exist, and one that is
found may have another value by now. What matters is read by id afterwards.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from reconcile.hubspot.calls import Calls
from reconcile.hubspot.schemas import SearchBody

_PAGE = 200
"""Maximum number of records on a page (reference §3)."""

WINDOW = 10_000
"""The most records that one search shows (reference §3)."""

_VALUES = 100
_LONGEST = 2_000
"""Characters of values in one search; a whole body may have 3,000 (reference §3)."""


class RecordSearcher(Calls):
    """Searches for records of one object."""

    def created_since(self, object_: str, created: str, moment: datetime) -> Iterator[str]:
        """Yield ids of records created since a moment, by their property ``created``, latest first.

        A record that is not among them may still exist.
        """
        value = str(int(moment.timestamp() * 1000))
        body = _body({"propertyName": created, "operator": "GTE", "value": value})
        body["sorts"] = [{"propertyName": created, "direction": "DESCENDING"}]
        yield from self._ids(object_, body)

    def with_values(self, object_: str, name: str, values: Sequence[str]) -> list[str]:
        """Return ids of records whose property seems to have one of these values.

        Text is compared in lower case, and values of options as they are (reference §3).
        """
        found: dict[str, None] = {}
        for chunk in _chunks(values):
            spelled = list(
                dict.fromkeys(form for value in chunk for form in (value, value.lower()))
            )
            body = _body({"propertyName": name, "operator": "IN", "values": spelled})
            found |= dict.fromkeys(self._ids(object_, body))
        return list(found)

    def count_without(self, object_: str, name: str) -> int:
        """Return the number of records without a value of a property, as far as it is indexed."""
        return self._count(object_, {"propertyName": name, "operator": "NOT_HAS_PROPERTY"})

    def count_with(self, object_: str, name: str) -> int:
        """Return the number of records with a value of a property, as far as it is indexed."""
        return self._count(object_, {"propertyName": name, "operator": "HAS_PROPERTY"})

    def _count(self, object_: str, wanted: dict[str, Any]) -> int:
        return self._search(object_, _body(wanted) | {"limit": 1}).total or 0

    def holds_any(self, object_: str) -> bool:
        """Return whether there are records, as far as they are indexed."""
        return bool(self._search(object_, {"filterGroups": [], "limit": 1}).results)

    def _ids(self, object_: str, body: dict[str, Any]) -> Iterator[str]:
        while True:
            page = self._search(object_, body)
            yield from (result.id for result in page.results or () if result.id)
            after = (page.paging.next.after if page.paging and page.paging.next else None) or ""
            if not after or not page.results or int(after) >= WINDOW:
                return
            body = body | {"after": after}

    def _search(self, object_: str, body: dict[str, Any]) -> SearchBody:
        path = self._routes.search(object_)
        answer = self._transport.call("POST", path, body=body, repeatable=True, pool="search")
        return answer.parse(SearchBody)


def _body(wanted: dict[str, Any]) -> dict[str, Any]:
    return {"filterGroups": [{"filters": [wanted]}], "limit": _PAGE}


def _chunks(values: Sequence[str]) -> Iterator[list[str]]:
    """Yield values that fit into one search, each in two spellings."""
    chunk: list[str] = []
    length = 0
    for value in values:
        size = 2 * len(json.dumps(value)) + 2
        if chunk and (length + size > _LONGEST or 2 * len(chunk) >= _VALUES):
            yield chunk
            chunk, length = [], 0
        chunk.append(value)
        length += size
    if chunk:
        yield chunk
