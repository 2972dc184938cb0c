"""The page's addresses."""

from urllib.parse import quote, urlencode

from reconcile.sandbox.object_types import ObjectType

HOME = "/"
PREFIX = "/_sandbox/page"


def to(*segments: object, **query: object) -> str:
    """Return the address of a view; a query field that is empty or None is omitted."""
    path = "/".join([PREFIX, *(quote(str(segment), safe="") for segment in segments)])
    fields = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(fields)}" if fields else path


def record(kind: ObjectType, record_id: int) -> str:
    """Return the address of one record."""
    return to("records", kind.plural, record_id)
