"""A search as SQL over the records the index has seen.

Text is compared without regard to case, options with it; IN and NOT_IN compare the value as it was
sent with text in lower case, so that a value with a capital matches nothing (ref §3, H).
"""

import re
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from reconcile.sandbox.api_errors import invalid
from reconcile.sandbox.object_types import (
    CART,
    COMPANY,
    CONTACT,
    DEAL,
    LINE_ITEM,
    ORDER,
    PRODUCT,
    ObjectType,
)
from reconcile.sandbox.rules import recalculation
from reconcile.sandbox.rules.api_call import Call
from reconcile.sandbox.rules.property_values import BadValueError, normalise, number
from reconcile.sandbox.rules.record_versions import VISIBLE
from reconcile.sandbox.rules.search_query import LINKED, Filter, Search
from reconcile.sandbox.storage.property_table import Definition
from reconcile.sandbox.wire_format import EPOCH

_SEARCHED = {
    CONTACT.id: ("firstname", "lastname", "email", "phone", "mobilephone", "company"),
    COMPANY.id: ("website", "phone", "name", "domain"),
    DEAL.id: ("dealname", "pipeline", "dealstage", "description", "dealtype"),
    PRODUCT.id: ("name", "description", "price", "hs_sku"),
    # The page has no row for the commerce objects; what names them is the likeliest.
    LINE_ITEM.id: ("name", "description", "hs_sku"),
    ORDER.id: ("hs_order_name", "hs_external_order_id"),
    CART.id: ("hs_cart_name", "hs_external_cart_id"),
}
"""The properties that ``query`` searches ("Search the CRM", default searchable properties)."""

_COMPARED = {"EQ": "=", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">="}
_NEGATED = {"NEQ": "EQ", "NOT_IN": "IN", "NOT_CONTAINS_TOKEN": "CONTAINS_TOKEN"}
_WORDS = re.compile(r"[^\w*]+")

Parameters = list[str | int | float]


def matching(call: Call, kind: ObjectType, search: Search, at: int) -> list[int]:
    """Return the ids of all records that match as the index saw them at a time, in order."""
    _register_functions(call.connection)
    builder = _Builder(call, kind)
    conditions = ["archived_at IS NULL"]
    if search.groups:
        groups = (" AND ".join(builder.condition(one) for one in group) for group in search.groups)
        conditions.append("(" + " OR ".join(f"({group})" for group in groups) + ")")
    if search.words:
        conditions.append(builder.words(search.words))
    order = "created_at, id"
    if search.sort is not None:
        way = "DESC" if search.descending else "ASC"
        order = f"{builder.value(search.sort)} {way} NULLS LAST, id {way}"
    named = {f"p{index}": value for index, value in enumerate(builder.parameters)}
    rows = call.connection.execute(
        f"SELECT id FROM ({VISIBLE}) WHERE {' AND '.join(conditions)} "  # noqa: S608 - no outside text
        f"ORDER BY {order}",
        {"type": kind.id, "at": at, **named},
    )
    return [row[0] for row in rows]


class _Builder:
    """Writes conditions; every value and name goes into a parameter."""

    def __init__(self, call: Call, kind: ObjectType) -> None:
        self._call = call
        self._kind = kind
        self._definitions = call.definitions(kind.id)
        self.parameters: Parameters = []

    def condition(self, one: Filter) -> str:
        """Return one filter as a condition."""
        if one.name.startswith(LINKED):
            return self._linked(one)
        value, definition = self.value(one.name), self._definitions[one.name]
        has = f"coalesce({value}, '') <> ''"
        if one.operator == "HAS_PROPERTY":
            return has
        if one.operator == "NOT_HAS_PROPERTY":
            return f"NOT ({has})"
        if one.operator in _NEGATED:
            opposite = replace(one, operator=_NEGATED[one.operator])
            same = self._positive(value, definition, opposite)
            if self._call.switches.search_not_equal_needs_value:
                return f"({has} AND NOT ({same}))"
            return f"NOT ({has} AND {same})"
        return f"({has} AND {self._positive(value, definition, one)})"

    def value(self, name: str) -> str:
        """Return the SQL of a property's value, ready to be compared and sorted."""
        system = {
            self._kind.created_property: "created_at",
            self._kind.modified_property: recalculation.updated_at_sql(self._call),
            "hs_object_id": "id",
        }
        if name in system:
            return system[name]
        text = self._property(name)
        match self._definitions[name].type:
            case "number":
                return f"CAST(nullif({text}, '') AS REAL)"
            case "date" | "datetime":
                return f"sandbox_instant({text})"
            case "enumeration" | "bool":
                return text
            case _:
                return f"sandbox_fold({text})"

    def words(self, words: str) -> str:
        """Return the condition that every word of a query starts a word of the properties."""
        names = [name for name in _SEARCHED.get(self._kind.id, ()) if name in self._definitions]
        if not names:
            return "0"
        texts = " || ' ' || ".join(f"coalesce({self._property(name)}, '')" for name in names)
        started = [f"{word}*" for word in _WORDS.split(words.replace("*", " ")) if word]
        return " AND ".join(f"sandbox_token({texts}, {self._put(one)})" for one in started) or "0"

    def _positive(self, value: str, definition: Definition, one: Filter) -> str:
        if one.operator == "CONTAINS_TOKEN":
            return f"sandbox_token({value}, {self._put(one.values[0])})"
        if definition.is_set and one.operator in {"EQ", "IN"}:
            options = (self._put(f";{option};") for option in one.values)
            return "(" + " OR ".join(f"instr(';' || {value} || ';', {o})" for o in options) + ")"
        if one.operator == "IN":
            listed = ", ".join(self._operand(definition, text, exact=True) for text in one.values)
            return f"{value} IN ({listed})"
        operands = [self._operand(definition, text) for text in one.values]
        if one.operator == "BETWEEN":
            return f"{value} BETWEEN {operands[0]} AND {operands[1]}"
        return f"{value} {_COMPARED[one.operator]} {operands[0]}"

    def _operand(self, definition: Definition, text: str, *, exact: bool = False) -> str:
        """Put a value into a parameter, in the form its property is compared in."""
        try:
            match definition.type:
                case "number":
                    return self._put(float(number(text)))
                case "date" | "datetime":
                    return self._put(_instant(_moment(definition, text)) or 0)
                case "enumeration" | "bool":
                    return self._put(text)
                case _:
                    return self._put(text if exact else text.casefold())
        except BadValueError as error:
            raise invalid(str(error), propertyName=[definition.name]) from None

    def _linked(self, one: Filter) -> str:
        to = self._call.kind_of(one.name.removeprefix(LINKED))
        ids = ", ".join(self._put(text) for text in one.values)
        return (
            f"id IN (SELECT from_id FROM association WHERE from_type = :type "  # noqa: S608
            f"AND to_type = {self._put(to.id)} AND CAST(to_id AS TEXT) IN ({ids}))"
        )

    def _property(self, name: str) -> str:
        path = f'$."{name}"'
        return f"(properties ->> {self._put(path)})"

    def _put(self, value: str | float) -> str:
        self.parameters.append(value)
        return f":p{len(self.parameters) - 1}"


def _moment(definition: Definition, text: str) -> str:
    """Read a filter's time: milliseconds or ISO 8601, for a date any moment of it."""
    moment = normalise(_AS_DATETIME, text, None)
    return moment[:10] if definition.type == "date" else moment


_AS_DATETIME = Definition({"name": "", "type": "datetime", "fieldType": "date", "options": []})


def _register_functions(connection: sqlite3.Connection) -> None:
    """Register the comparisons that SQLite does not have."""
    functions: dict[str, tuple[int, Callable[..., str | int | None]]] = {
        "sandbox_fold": (1, _fold),
        "sandbox_instant": (1, _instant),
        "sandbox_token": (2, _has_token),
    }
    for name, (arguments, function) in functions.items():
        connection.create_function(name, arguments, function, deterministic=True)


def _fold(text: str | None) -> str | None:
    return None if text is None else text.casefold()


def _instant(text: str | None) -> int | None:
    """Read a stored date or time as epoch milliseconds."""
    try:
        moment = datetime.fromisoformat(text if text and "T" in text else f"{text}T00:00:00Z")
        return (moment - EPOCH) // timedelta(milliseconds=1)
    except ValueError:  # unset, or kept from when the property had another type
        return None


def _has_token(text: object, pattern: str) -> bool:
    """Return whether a text has every word of a pattern; ``*`` stands for any characters."""
    whole = str(text or "").casefold()
    wanted = pattern.casefold()
    words = [word for word in _WORDS.split(whole.replace("*", " ")) if word]
    if "*" in wanted:
        return any(_consists_of(one, wanted.split("*")) for one in (whole, *words))
    return {word for word in _WORDS.split(wanted) if word} <= set(words)


def _consists_of(text: str, parts: list[str]) -> bool:
    """Return whether a text consists of the parts with anything between them."""
    first, *middle, last = parts
    if len(text) < len(first) + len(last) or not text.startswith(first):
        return False
    if not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        at = text.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True
