"""The vocabulary of random tests: values, manifests, plans, and what an account holds already."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from unicodedata import normalize

from hypothesis import strategies as st
from world import COMPANIES, EMAILS

from reconcile.model.address import Address
from reconcile.model.definitions import Definitions, Property
from reconcile.model.explanation import Explanation
from reconcile.model.guarded import puts_back
from reconcile.model.identity import UniqueProperty
from reconcile.model.manage import Manage
from reconcile.model.plan import (
    Action,
    FieldChange,
    LeftAlone,
    LinkChange,
    LinkReference,
    Plan,
    Reason,
    RecordChange,
    TargetPin,
    UnitChange,
)
from reconcile.model.policy import DRIFT, HELD
from reconcile.model.records import NOWHERE, Link, Location
from reconcile.planning.assemble import assemble

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
CART_KEYS = ("C-1", "Ç:2")
FORMS = st.sampled_from(["NFC", "NFD"])
"""The Unicode forms in which authors, and others in HubSpot, spell one and the same key."""
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
            ways["cart"] = _named(carts)
        documents.append(_unit(draw, "order", normalize(draw(FORMS), key), STAGES, ways))
    for key in carts:
        ways = {"contact": st.sampled_from([{"email": e} for e in EMAILS])}
        if orders:
            ways["order"] = _named(orders)
        documents.append(_unit(draw, "cart", normalize(draw(FORMS), key), None, ways))
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


def _named(keys: list[str]) -> st.SearchStrategy[dict[str, str]]:
    return st.builds(lambda key, form: {"key": normalize(form, key)}, st.sampled_from(keys), FORMS)


def _end(reference: dict[str, str]) -> tuple[str, ...]:
    return tuple(normalize("NFC", v.casefold()) for _, v in sorted(reference.items()))


def _once(reference: dict[str, str]) -> tuple[str, ...]:
    """What no two references of a record may share: a record has one primary company."""
    return ("primary",) if reference.get("label") == "primary" else _end(reference)


def _record(key: str, values: dict[str, str]) -> dict[str, Any]:
    return {"key": key} | ({"properties": values} if values else {})


# What others did in HubSpot


@dataclass(frozen=True)
class Others:
    """What somebody put into the account: values to store, and how things hang together.

    ``keyed`` are records under keys that manifests may declare too; ``unkeyed`` have no key.
    """

    keyed: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    unkeyed: dict[str, list[dict[str, str]]] = field(default_factory=dict)
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
    ).flatmap(
        lambda keyed: FORMS.map(
            lambda form: {(object_, normalize(form, key)): v for (object_, key), v in keyed.items()}
        )
    ),
    unkeyed=st.dictionaries(
        st.sampled_from(["orders", "carts", "line_items"]),
        st.lists(st.fixed_dictionaries({}, optional=STORED), max_size=2),
    ),
    lines_on_orders=st.integers(0, 2),
    contact_links=st.integers(0, 2),
    labels=st.booleans(),
)

# Plans as a planner makes them

_SHORT = st.text(max_size=6)
_SOME = st.text(min_size=1, max_size=6)
_IDS = st.integers(1, 10**9).map(str)
_LOCATIONS = st.builds(Location, _SOME, st.integers(0, 99), st.integers(0, 99))
_EXPLANATIONS = st.builds(Explanation, _SHORT, _SHORT, st.just(NOWHERE) | _LOCATIONS)
_WHY = st.lists(_EXPLANATIONS, max_size=3).map(tuple)
_DIGESTS = st.integers(0, 2**256 - 1).map(lambda number: f"{number:064x}")
_NAMES = ("hs_order_name", "memo", "name", "weight")
_STAGES = {"s1": "Open", "s2": "Shipped", "s3": "Open", "s4": ""}
_DEFINITIONS = Definitions(
    {
        kind: {
            name: Property(name, "string")
            for name in (*_NAMES, *VALUES, "reconcile_key", "hs_pipeline_stage")
        }
        for kind in ("cart", "line_item", "order")
    }
)
_IDENTITIES = {kind: UniqueProperty() for kind in ("cart", "line_item", "order")}


@st.composite
def _fields(draw: st.DrawFn, action: Action, kind: str, key: str) -> tuple[FieldChange, ...]:
    """The fields that an action has, at least one where it needs one."""
    if action not in (Action.CREATE, Action.UPDATE, Action.ARCHIVE):
        return ()
    new, gone = action is Action.CREATE, action is Action.ARCHIVE
    reasons = st.just(Reason.NEW) if new else st.sampled_from([r for r in Reason if r != "new"])
    fields = []
    if new or gone:
        before, after = ("", key) if new else (key, "")
        fields.append(FieldChange("reconcile_key", before, after, draw(reasons)))
    least = 1 if action is Action.UPDATE else 0
    for name in sorted(draw(st.sets(st.sampled_from(_NAMES), min_size=least))):
        before, after = draw(
            st.tuples(_SHORT, _SHORT).filter(lambda two: new or gone or two[0] != two[1])
        )
        before, after = ("", after or "x") if new else (before, "" if gone else after)
        personal = name == "weight" or (kind == "order" and name == "hs_order_name")
        fields.append(FieldChange(name, before, after, draw(reasons), personal=personal))
    if kind == "order" and action is Action.UPDATE and draw(st.booleans()):
        before, after = draw(st.permutations(list(_STAGES)))[:2]
        shown = _STAGES[before], _STAGES[after]
        field = FieldChange("hs_pipeline_stage", before, after, draw(reasons), *shown)
        fields = sorted([*fields, field], key=lambda one: one.name)
    return tuple(fields)


def _unseen(fields: tuple[FieldChange, ...]) -> tuple[FieldChange, ...]:
    """The fields of an adopted record: nothing is known of what it held."""
    return tuple(
        replace(field, reason=Reason.UNSEEN if field.before else Reason.CHANGE) for field in fields
    )


@st.composite
def _links(draw: st.DrawFn) -> tuple[LinkChange, ...]:
    """An order's associations to make and to remove."""
    found = []
    if draw(st.booleans()):
        plain, email = (("HUBSPOT_DEFINED", 507),), draw(_SOME)
        asked = (LinkReference("email", email, "", *plain[0]),)
        types = (*plain, ("USER_DEFINED", draw(st.integers(1, 99))))
        found.append(_link("contact", draw(_IDS), None, types, asked))
    if draw(st.booleans()):
        key, plain = draw(_SOME), ("HUBSPOT_DEFINED", 593)
        asked = (LinkReference("key", key, "", *plain),)
        end = ("", Address("cart", key)) if draw(st.booleans()) else (draw(_IDS), None)
        found.append(_link("cart", *end, (plain,), asked))
    if draw(st.booleans()):
        types = (("HUBSPOT_DEFINED", 509), ("HUBSPOT_DEFINED", 934))
        found.append(LinkChange(add=False, to="company", id=draw(_IDS), address=None, types=types))
    return tuple(found)


def _link(to: str, id_: str, address: Address | None, types: Any, references: Any) -> LinkChange:
    return LinkChange(add=True, to=to, id=id_, address=address, types=types, references=references)


@st.composite
def _change(draw: st.DrawFn, address: Address, parent_id: str, actions: Any) -> RecordChange:
    kind, key = address
    action = draw(actions)
    exists = action in (Action.UPDATE, Action.ADOPT, Action.ASSOCIATE, Action.ARCHIVE)
    fields = draw(_fields(action, kind, key))
    links = draw(_links()) if kind == "order" and action in (Action.CREATE, Action.UPDATE) else ()
    adopts = exists and draw(st.booleans())
    recreates = action is Action.CREATE and draw(st.booleans())
    known = recreates or action is Action.FORGET or (exists and not adopts)
    keeps = action in (Action.UPDATE, Action.ADOPT)
    names = sorted(draw(st.sets(st.sampled_from(["channel", "due", "gift"]))))
    keep = tuple((n, draw(_SHORT) if keeps else "") for n in names)
    return RecordChange(
        address,
        action,
        id=draw(_IDS) if exists or action is Action.FORGET else "",
        title=draw(_SHORT) if action is Action.CONFLICT else "",
        fields=_unseen(fields) if adopts and action is Action.UPDATE else fields,
        links=links,
        parent_id=parent_id if kind == "line_item" else "",
        adopts=adopts,
        recreates=recreates,
        why=draw(_WHY) if action in (Action.CONFLICT, Action.FORGET) else (),
        unreachable=action is Action.CONFLICT and draw(st.booleans()),
        keep=keep if keeps or action is Action.CREATE else (),
        kept_links=(Link("contact", "7", 507),) if keeps and draw(st.booleans()) else (),
        ignore=tuple(f.name for f in fields[1:2]) if action is Action.CREATE else (),
        state=draw(_DIGESTS) if known else "",
        protect=draw(st.booleans()),
        pruned=action.removes and draw(st.booleans()),
    )


@st.composite
def _unit_change(draw: st.DrawFn, address: Address) -> UnitChange:
    some = st.sampled_from([a for a in Action if a not in (Action.DEFINE, Action.ASSOCIATE)])
    root = draw(st.none() | _change(address, "", some))
    over = root.id if root is not None else draw(_IDS)
    writing = root is None or root.action not in (Action.CONFLICT, Action.FORGET, Action.ARCHIVE)
    below = some if writing else st.sampled_from([Action.CONFLICT, Action.FORGET])
    keys = sorted(draw(st.sets(st.sampled_from("123"), min_size=root is None)))
    lines = [
        draw(_change(Address("line_item", f"{address.kind}-{address.key}:{key}"), over, below))
        for key in keys
    ]
    return UnitChange(
        address,
        (*((root,) if root else ()), *lines),
        manifest=draw(_DIGESTS | st.just("")),
        others=draw(st.integers(0, 9)),
        left_alone=draw(_left_alone(address)),
    )


@st.composite
def _left_alone(draw: st.DrawFn, unit: Address) -> tuple[LeftAlone, ...]:
    """Drift of a unit's order or cart, and of a line item that does not change."""
    found = []
    for address in (unit, Address("line_item", f"{unit.kind}-{unit.key}:9")):
        names = sorted(draw(st.sets(st.sampled_from(["channel", "due"]))))
        values = st.tuples(_SHORT, _SHORT).filter(lambda two: two[0] != two[1])
        fields = tuple(
            FieldChange(name, *draw(values), Reason.DRIFT, personal=name == "due") for name in names
        )
        links: tuple[LinkChange, ...] = ()
        if address.kind == "order" and draw(st.booleans()):
            asked = (LinkReference("id", "7", "", "HUBSPOT_DEFINED", 934),)
            plain = (("HUBSPOT_DEFINED", 934),)
            links = (replace(_link("company", "7", None, plain, asked), reason=Reason.DRIFT),)
        if fields or links:
            found.append(LeftAlone(address, draw(_IDS), draw(_SHORT), fields, links))
    return tuple(found)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Plans of every sort that fits together."""
    addresses = st.builds(Address, st.sampled_from(["order", "cart"]), st.sampled_from("ABCD"))
    units = [draw(_unit_change(one)) for one in sorted(draw(st.sets(addresses, max_size=3)))]
    drifts = any(puts_back(change) for unit in units for change in unit.changes)
    names = draw(st.sets(st.sampled_from(HELD))) | ({DRIFT} if drifts else set())
    made = assemble(
        units,
        target=draw(st.builds(TargetPin, _SHORT, st.integers(1, 10**9), _SHORT, st.booleans())),
        lineage=draw(_SHORT),
        identities=_IDENTITIES,
        definitions=_DEFINITIONS,
        unchanged=draw(st.integers(0, 999)),
        undeclared=draw(st.sets(st.builds(Address, st.just("order"), _SOME), max_size=2)),
        limits=draw(
            st.dictionaries(
                st.tuples(st.sampled_from(["create", "update"]), st.sampled_from(["", "order"])),
                st.integers(0, 2),
            )
        ),
        allowed=[f"{name}={draw(st.integers(1, 9))}" for name in names],
        reverts=draw(st.sampled_from([{}, {"order": ["memo", "weight"], "cart": ["memo"]}])),
        manage=draw(
            st.sampled_from([Manage(), Manage({"order": frozenset({"memo"})}, creates=True)])
        ),
        prune=any(change.pruned for unit in units for change in unit.changes),
        serial=draw(st.integers(0, 99)),
    )
    return replace(made, paths=tuple(sorted(draw(st.sets(_SOME, max_size=2)))))
