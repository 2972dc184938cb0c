"""A search's query, parsed from its body and checked (ref §3, the "Search the CRM" page).

Wordings of malformed filters are recorded ones (hubspot-api-nodejs#128, #226); those of the limits
are not known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reconcile.sandbox.api_errors import invalid, invalid_json
from reconcile.sandbox.object_types import ObjectType
from reconcile.sandbox.rules.api_call import Call, list_of, text_of, text_or
from reconcile.sandbox.wire_format import record_id

WINDOW = 10_000
LINKED = "associations."
"""The prefix of a filter's property that names an associated object type."""

_MAX_BODY = 3_000
_MAX_QUERY = 3_000
_PAGE, _MAX_PAGE = 10, 200
_LISTS = {"IN", "NOT_IN"}
_PRESENCE = {"HAS_PROPERTY", "NOT_HAS_PROPERTY"}
_ONE_VALUE = {"EQ", "NEQ", "LT", "LTE", "GT", "GTE", "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"}
_OPERATORS = {"BETWEEN", *_LISTS, *_PRESENCE, *_ONE_VALUE}
_FILTER = "com.hubspot.inbounddb.publicobject.core.v3.search.Filter"


@dataclass(frozen=True)
class Filter:
    """One condition; ``values`` holds one value, a range's two ends, or a list."""

    name: str
    operator: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Search:
    """A whole search, within its limits."""

    groups: tuple[tuple[Filter, ...], ...]
    words: str
    sort: str | None
    descending: bool
    properties: tuple[str, ...]
    limit: int
    after: int


def read(call: Call, kind: ObjectType) -> Search:
    """Parse the body of a search. Raise ApiError if it is not valid."""
    if len(call.raw_body.decode(errors="replace")) > _MAX_BODY:
        raise invalid(f"The request body must not be longer than {_MAX_BODY} characters")
    body = call.json
    words = text_or(body, "query")
    if len(words) > _MAX_QUERY:
        raise invalid(f"query must not be longer than {_MAX_QUERY} characters")
    sort, descending = _sort(call, kind, list_of(body, "sorts"))
    limit, after = _number(body, "limit", _PAGE), _number(body, "after", 0)
    if not 1 <= limit <= _MAX_PAGE:
        raise invalid(f"limit must be between 1 and {_MAX_PAGE}", limit=[str(limit)])
    if after + limit > WINDOW:
        raise invalid(f"A search goes no further than {WINDOW} results", after=[str(after)])
    return Search(
        groups=_groups(call, kind, body),
        words=words.strip(),
        sort=sort,
        descending=descending,
        properties=tuple(text_of(name) for name in list_of(body, "properties")),
        limit=limit,
        after=after,
    )


def _groups(call: Call, kind: ObjectType, body: dict[str, Any]) -> tuple[tuple[Filter, ...], ...]:
    """Read the filter groups; ``filters`` beside them is one more (hubspot-api-nodejs#491)."""
    lists = [list_of(_object(group), "filters") for group in list_of(body, "filterGroups")]
    if filters := list_of(body, "filters"):
        lists.append(filters)
    most, most_each, most_of_all = call.switches.search_limits
    if len(lists) > most:
        raise invalid(f"A search has at most {most} filter groups")
    if any(len(filters) > most_each for filters in lists):
        raise invalid(f"A filter group has at most {most_each} filters")
    if sum(len(filters) for filters in lists) > most_of_all:
        raise invalid(f"A search has at most {most_of_all} filters")
    return tuple(
        tuple(_filter(call, kind, _object(one)) for one in filters) for filters in lists if filters
    )


def _filter(call: Call, kind: ObjectType, one: dict[str, Any]) -> Filter:
    missing = [name for name in ("propertyName", "operator") if one.get(name) is None]
    if missing:
        listed = ", ".join(missing)
        raise invalid_json(
            f"Cannot build Filter, some of required attributes are not set [{listed}]"
        )
    name, operator = text_of(one["propertyName"]), text_of(one["operator"])
    if operator not in _OPERATORS:
        raise invalid_json(
            f"Cannot deserialize value of type `FilterOperatorEnum` from String {operator!r}"
        )
    if name.startswith(LINKED):
        call.kind_of(name.removeprefix(LINKED))
        if operator not in {"EQ", "IN"}:
            raise invalid(f"operator {operator} is not supported for {name}")
    else:
        _known(call, kind, name)
    if operator in _PRESENCE:
        return Filter(name, operator)
    if operator in _LISTS:
        values = [text_of(value) for value in list_of(one, "values")]
        if not values:
            raise _unbuildable(f"operator {operator} requires values")
        return Filter(name, operator, tuple(values))
    if one.get("value") is None:
        raise _unbuildable(f"operator {operator} requires a value")
    first = text_of(one["value"])
    if operator != "BETWEEN":
        return Filter(name, operator, (first,))
    if one.get("highValue") is None:
        raise _unbuildable("operator BETWEEN requires a highValue")
    return Filter(name, operator, (first, text_of(one["highValue"])))


def _sort(call: Call, kind: ObjectType, sorts: Sequence[Any]) -> tuple[str | None, bool]:
    """Read the one sort there may be: a name, or an object with its direction."""
    if len(sorts) > 1:
        raise invalid("A search is sorted by one property only")
    if not sorts:
        return None, False
    if isinstance(sorts[0], str):
        name, descending = sorts[0].removeprefix("-"), sorts[0].startswith("-")
    else:
        one = _object(sorts[0])
        name = text_or(one, "propertyName")
        direction = text_or(one, "direction", "ASCENDING")
        if direction not in {"ASCENDING", "DESCENDING"}:
            raise invalid_json(f"Cannot deserialize a sort direction from String {direction!r}")
        descending = direction == "DESCENDING"
    _known(call, kind, name)
    return name, descending


def _known(call: Call, kind: ObjectType, name: str) -> None:
    if name not in call.definitions(kind.id):
        raise invalid(f'Property "{name}" does not exist', propertyName=[name])


def _unbuildable(problem: str) -> Exception:
    return invalid_json(f"Cannot construct instance of `{_FILTER}`, problem: {problem}")


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid_json("Cannot deserialize value of type `LinkedHashMap`")
    return value


def _number(body: dict[str, Any], name: str, default: int) -> int:
    value = body.get(name)
    if value in (None, ""):
        return default
    number = record_id(text_of(value))
    if number is None:
        raise invalid(f"{name} must be a whole number", **{name: [text_of(value)]})
    return number
