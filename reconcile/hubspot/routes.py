"""Paths of the two families of the API: v3 with v4 associations, and the dated versions.

Their bodies are the same (reference §14). Every variable part is quoted.
"""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from reconcile.errors import UsageError

_DATED = re.compile(r"\d{4}-\d{2}(-beta)?\Z", re.ASCII)
_NO_SEGMENTS = ("", ".", "..")

_LONGEST_QUERY = 4000
"""Characters of property names in one GET: some servers respond 414 from 8,000 on."""

TOKEN_INFO = "/oauth/v2/private-apps/get/access-token-info"  # noqa: S105 -- a path, not a token


ANY_ID = "{id}"
"""Placeholder for record ids in the route that calls are counted under."""


class Routes:
    """Paths for one API version: ``v3``, or a dated one such as ``2026-03``."""

    def __init__(self, api: str) -> None:
        if api == "v3":
            self._objects, self._properties = "/crm/v3/objects", "/crm/v3/properties"
            self._pipelines, self._associations = "/crm/v3/pipelines", "/crm/v4/associations"
            self._linked = "/crm/v4/objects"
            self._account = "/account-info/v3"
            self._owners = "/crm/v3/owners"
        elif _DATED.match(api):
            self._objects, self._properties = f"/crm/objects/{api}", f"/crm/properties/{api}"
            self._pipelines, self._associations = (
                f"/crm/pipelines/{api}",
                f"/crm/associations/{api}",
            )
            self._linked = self._objects
            self._account = f"/account-info/{api}"
            self._owners = f"/crm/owners/{api}"
        else:
            raise UsageError(
                f"{api!r} is not a version of HubSpot's API", hint="use v3 or a date, as in 2026-03"
            )

    def objects(self, object_: str) -> str:
        """Return the path of all records of an object: list, create."""
        return f"{self._objects}/{quoted(object_)}"

    def batch(self, object_: str, verb: str) -> str:
        """Return the path of batch read, create, update, upsert or archive."""
        return f"{self._objects}/{quoted(object_)}/batch/{verb}"

    def search(self, object_: str) -> str:
        """Return the path of the search among an object's records."""
        return f"{self._objects}/{quoted(object_)}/search"

    def record(self, object_: str, id_: str) -> str:
        """Return the path of one record."""
        return f"{self._objects}/{quoted(object_)}/{quoted(id_)}"

    def properties(self, object_: str) -> str:
        """Return the path of all property definitions of an object."""
        return f"{self._properties}/{quoted(object_)}"

    def property(self, object_: str, name: str) -> str:
        """Return the path of one property definition."""
        return f"{self.properties(object_)}/{quoted(name)}"

    def groups(self, object_: str) -> str:
        """Return the path of all property groups of an object."""
        return f"{self.properties(object_)}/groups"

    def pipelines(self, object_: str) -> str:
        """Return the path of all pipelines of an object."""
        return f"{self._pipelines}/{quoted(object_)}"

    def association_batch(self, from_object: str, to_object: str, verb: str) -> str:
        """Return the path of association batch read, create or labels/archive."""
        return f"{self._associations}/{quoted(from_object)}/{quoted(to_object)}/batch/{verb}"

    def record_associations(self, from_object: str, id_: str, to_object: str) -> str:
        """Return the path of one record's associations with another object."""
        return (
            f"{self._linked}/{quoted(from_object)}/{quoted(id_)}/associations/{quoted(to_object)}"
        )

    def labels(self, from_object: str, to_object: str) -> str:
        """Return the path of the association types between two objects."""
        return f"{self._associations}/{quoted(from_object)}/{quoted(to_object)}/labels"

    def owners(self) -> str:
        """Return the path of the owners, which come in pages."""
        return self._owners

    def account(self) -> str:
        """Return the path of the account details."""
        return f"{self._account}/details"

    def usage(self) -> str:
        """Return the path of the daily counters of private apps."""
        return f"{self._account}/api-usage/daily/private-apps"


def quoted(part: str) -> str:
    """Return a text as one path segment. Raise ValueError for dots, which name other paths."""
    if part in _NO_SEGMENTS:
        raise ValueError(f"{part!r} cannot be part of a path")
    return part if part == ANY_ID else quote(part, safe="")


def is_segment(part: str) -> bool:
    """Return whether a text reaches the server as one path segment.

    Servers split paths at slashes, even quoted ones, and would respond for another path.
    """
    return part not in _NO_SEGMENTS and "/" not in part and "\\" not in part


def query_parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield property names in pieces that fit a URL; one empty piece if there are no names."""
    part: list[str] = []
    length = 0
    for name in names:
        if part and length + len(name) > _LONGEST_QUERY:
            yield part
            part, length = [], 0
        part.append(name)
        length += len(name) + 1
    yield part
