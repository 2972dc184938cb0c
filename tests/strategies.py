"""The vocabulary of random tests: values, manifests, plans, and what an account holds already."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hypothesis import strategies as st
from world import COMPANIES, EMAILS

from reconcile.model.address import Address
from reconcile.model.plan import (
    Action,
    FieldChange,
    Guard,
    LinkChange,
    Plan,
    PropertyDefine,
    Reason,
    RecordChange,
    TargetPin,
    UnitChange,
)
from reconcile.model.records import Link

# Values, as authors write them

TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cf", "Cn", "Co", "Zl", "Zp")),
    min_size=1,
    max_size=12,
)
ODD_TEXTS = st.sampled_from(
    [
        "05021",
        "NO",
        "null",
        "~",
        " x ",
        "=1+1",
        "<b>",
        "a;b",
        ";",
        "💶",
        "é",
        "e\u0301",
        "1e3",
        "-0",
    ]
)


@st.composite
def spelled_numbers(draw: st.DrawFn) -> str:
    """A number in one of its spellings."""
    sign = draw(st.sampled_from(["", "", "-"]))
    zeros = draw(st.sampled_from(["", "", "0", "00"]))
    whole = draw(st.integers(0, 10**12))
    fraction = draw(st.sampled_from(["", ".", ".0", ".50", ".125", ".000001", ".10"]))
    return f"{sign}{zeros}{whole}{fraction}"


@st.composite
def moments(draw: st.DrawFn) -> str:
    """A moment in one of its spellings."""
    moment = draw(
        st.datetimes(min_value=_year(1990), max_value=_year(2060), allow_imaginary=False).map(
            lambda m: m.replace(microsecond=0)
        )
    )
    style = draw(st.integers(0, 3))
    if style == 0:
        return f"{moment.isoformat()}Z"
    if style == 1:
        return f"{moment.isoformat()}.000Z"
    if style == 2:
        return f"{moment.isoformat()}+02:00"
    return str(int((moment - _year(1970)).total_seconds()) * 1000)


def _year(number: int) -> datetime:
    return datetime(number, 1, 1)  # noqa: DTZ001 (strategies take naive bounds)


VALUES: dict[str, st.SearchStrategy[str]] = {
    "memo": TEXTS | ODD_TEXTS,
    "weight": spelled_numbers(),
    "channel": st.sampled_from(["web", "shop"]),
    "topics": st.lists(st.sampled_from(["a", "b", "c d"]), max_size=4).map(";".join),
    "gift": st.sampled_from(["true", "false"]),
    "due": st.dates(min_value=_year(1990).date(), max_value=_year(2060).date()).map(
        lambda day: day.isoformat()
    ),
    "seen_at": moments(),
}
"""A strategy for each custom property of world.seed, all kinds alike."""


def properties(extra: st.SearchStrategy[dict[str, str]] | None = None) -> Any:
    """Some properties with good values, some of them cleared."""
    some = st.fixed_dictionaries({}, optional={n: v | st.just("") for n, v in VALUES.items()})
    return some if extra is None else st.builds(lambda a, b: a | b, some, extra)


STAGES = st.fixed_dictionaries(
    {},
    optional={
        "hs_pipeline_stage": st.sampled_from(["Open", "Shipped", "Delivered"]),
    },
).map(lambda stage: stage | ({"hs_pipeline": "Order Pipeline"} if stage else {}))

# Manifests

ORDER_KEYS = ("O-1", "o 2", "Ö/3")
CART_KEYS = ("C-1", "C:2")
FOREIGN = "FOREIGN"
"""Key of an order that nobody declares and standalone lines may hang under."""


@st.composite
def lines(draw: st.DrawFn, parent: str) -> list[dict[str, Any]]:
    """A unit's line items, of at most three keys."""
    keys = draw(st.lists(st.sampled_from(["1", "2", "é"]), unique=True, max_size=3))
    amounts = st.fixed_dictionaries(
        {}, optional={"quantity": st.sampled_from(["1", "2.0", "03"]), "name": TEXTS}
    )
    return [_record(f"{parent}:{key}", draw(properties(amounts))) for key in keys]


@st.composite
def manifests(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Documents that fit the account of world.seed; at least one."""
    orders = draw(st.lists(st.sampled_from(ORDER_KEYS), unique=True, max_size=3))
    carts = draw(st.lists(st.sampled_from(CART_KEYS), unique=True, max_size=2))
    documents: list[dict[str, Any]] = []
    for key in orders:
        ways: dict[str, Any] = {
            "contact": st.sampled_from([{"email": e} for e in (*EMAILS, EMAILS[0].upper())]),
            "company": st.sampled_from(COMPANIES).flatmap(
                lambda id_: st.sampled_from(["", "primary", "Payer"]).map(
                    lambda label: {"id": id_} | ({"label": label} if label else {})
                )
            ),
        }
        if carts:
            ways["cart"] = st.sampled_from(carts).map(lambda key: {"key": key})
        documents.append(_unit(draw, "order", key, STAGES, ways))
    for key in carts:
        ways = {"contact": st.sampled_from([{"email": e} for e in EMAILS])}
        if orders:
            ways["order"] = st.sampled_from(orders).map(lambda key: {"key": key})
        documents.append(_unit(draw, "cart", key, None, ways))
    if draw(st.booleans()) or not documents:
        document = {"kind": "line_item", "parent": {"order": {"key": FOREIGN}}}
        documents.append(document | _record("L-1", draw(properties())))
    return draw(st.permutations(documents))


def _unit(
    draw: st.DrawFn,
    kind: str,
    key: str,
    extra: Any,
    ways: dict[str, st.SearchStrategy[dict[str, str]]],
) -> dict[str, Any]:
    document: dict[str, Any] = {"kind": kind} | _record(key, draw(properties(extra)))
    if nested := draw(lines(key)):
        document["line_items"] = nested
    associations = {
        word: found
        for word, way in ways.items()
        if (found := draw(st.lists(way, unique_by=(_end, _once), max_size=2)))
    }
    if associations:
        document["associations"] = associations
    if document.get("properties") and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(document["properties"])))
        if not name.startswith("hs_"):
            document["lifecycle"] = {"ignore": [name]}
    return document


def _end(reference: dict[str, str]) -> tuple[str, ...]:
    return tuple(value.casefold() for _, value in sorted(reference.items()))


def _once(reference: dict[str, str]) -> tuple[str, ...]:
    """What no two references of a record may share: a record has one primary company."""
    return ("primary",) if reference.get("label") == "primary" else _end(reference)


def _record(key: str, values: dict[str, str]) -> dict[str, Any]:
    return {"key": key} | ({"properties": values} if values else {})


# What others did in HubSpot


@dataclass(frozen=True)
class Others:
    """What somebody put into the account: values to store, and how things hang together.

    ``keyed`` are records under keys that manifests may declare too; ``strangers`` have no key.
    """

    keyed: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    strangers: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    lines_on_orders: int = 0
    contact_links: int = 0
    labels: bool = False


STORED = {
    "memo": st.sampled_from(["theirs", "05021"]),
    "weight": st.sampled_from(["1", "2.5"]),
    "topics": st.sampled_from(["b;a", "c d"]),
    "gift": st.just("true"),
}

OTHERS = st.builds(
    Others,
    keyed=st.dictionaries(
        st.sampled_from(
            [("orders", k) for k in ORDER_KEYS]
            + [("carts", k) for k in CART_KEYS]
            + [("line_items", "O-1:1"), ("line_items", "L-1")]
        ),
        st.fixed_dictionaries({}, optional=STORED),
        max_size=4,
    ),
    strangers=st.dictionaries(
        st.sampled_from(["orders", "carts", "line_items"]),
        st.lists(st.fixed_dictionaries({}, optional=STORED), max_size=2),
    ),
    lines_on_orders=st.integers(0, 2),
    contact_links=st.integers(0, 2),
    labels=st.booleans(),
)

# Plans, whether or not they make sense

_SHORT = st.text(max_size=6)
_ADDRESSES = st.builds(
    Address, st.sampled_from(["order", "cart", "line_item"]), st.text(min_size=1, max_size=6)
)
_TYPES = st.lists(
    st.tuples(st.sampled_from(["HUBSPOT_DEFINED", "USER_DEFINED"]), st.integers(1, 999)),
    max_size=2,
).map(tuple)
_CHANGES = st.builds(
    RecordChange,
    address=_ADDRESSES,
    action=st.sampled_from(Action),
    id=_SHORT,
    title=_SHORT,
    fields=st.lists(
        st.builds(
            FieldChange,
            name=_SHORT,
            before=_SHORT,
            after=_SHORT,
            reason=st.sampled_from(Reason),
            shown_before=_SHORT,
            shown_after=_SHORT,
            personal=st.booleans(),
        ),
        max_size=2,
    ).map(tuple),
    links=st.lists(
        st.builds(
            LinkChange,
            add=st.booleans(),
            to=_SHORT,
            id=_SHORT,
            address=st.none() | _ADDRESSES,
            types=_TYPES,
            shown=_SHORT,
            ours=_TYPES,
            personal=st.booleans(),
        ),
        max_size=2,
    ).map(tuple),
    parent=st.none() | _ADDRESSES,
    parent_id=_SHORT,
    adopts=st.booleans(),
    rekey=st.booleans(),
    recreates=st.booleans(),
    pruned=st.booleans(),
    moved_from=_SHORT,
    why=_SHORT,
    keep=st.lists(st.tuples(_SHORT, _SHORT), max_size=2).map(tuple),
    kept_links=st.lists(st.builds(Link, _SHORT, _SHORT, st.integers(1, 9), _SHORT), max_size=2).map(
        tuple
    ),
    ignore=st.lists(_SHORT, max_size=2).map(tuple),
    protect=st.booleans(),
    state=_SHORT,
)


def plans() -> st.SearchStrategy[Plan]:
    """Plans with every field that a plan can have."""
    return st.builds(
        Plan,
        target=st.builds(TargetPin, _SHORT, st.integers(1, 10**9), _SHORT, st.booleans()),
        units=st.lists(
            st.builds(
                UnitChange,
                address=_ADDRESSES,
                changes=st.lists(_CHANGES, max_size=2).map(tuple),
                manifest=_SHORT,
                definitions=_SHORT,
                others=st.integers(0, 9),
            ),
            max_size=2,
        ).map(tuple),
        lineage=_SHORT,
        identities=st.lists(st.tuples(_SHORT, _SHORT, _SHORT), max_size=2).map(tuple),
        unchanged=st.integers(0, 999),
        defines=st.lists(st.builds(PropertyDefine, _SHORT, _SHORT, _SHORT, _SHORT), max_size=2).map(
            tuple
        ),
        undeclared=st.lists(_ADDRESSES, max_size=2).map(tuple),
        guards=st.lists(
            st.builds(Guard, _SHORT, st.integers(0, 9), st.integers(0, 9), _SHORT, st.booleans()),
            max_size=2,
        ).map(tuple),
        prune=st.booleans(),
    )
