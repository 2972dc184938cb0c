"""Random units for the planner: all that it compares, in every combination of the three inputs."""

from typing import Any

from hypothesis import strategies as st
from pure import (
    HERE,
    KEY,
    LINE,
    ORDER,
    PROPERTIES,
    Inputs,
    applied,
    desired,
    fingerprint,
    value_hash,
)

from reconcile.model.address import Address
from reconcile.model.records import Actual, LastApplied, Link, Reference, Unit, ValueHashes
from reconcile.model.references import Bound, pointer

VALUES = {
    "memo": ["", "a", "b", "two\nlines", "['x']", "__", "é"],
    "weight": ["", "1", "1.0", "01.50", "1.5", "-0", "0"],
    "channel": ["", "web", "shop"],
    "gift": ["", "true", "false"],
    "due": ["", "2026-01-02", "2026-01-03", "1767312000000"],
    "seen_at": ["", "2026-01-02T00:00:00Z", "2026-01-02T00:00:00.000Z", "1767312000000"],
    "topics": ["", ";", "a;b", "b;a", "a", "c d"],
    "hs_order_name": ["", "First", "Second"],
}
"""Spellings that manifests, HubSpot and the last apply may have; some are of one value."""

COMPANIES = ("501", "502", "503")
CARTS = {"C": Bound(id="71"), "D": Bound(address=Address("cart", "D")), "E": Bound(id="72")}
REFERENCES = [
    *(
        Reference("company", "id", id_, label, HERE)
        for id_ in COMPANIES
        for label in ("", "primary", "Payer")
    ),
    *(Reference("cart", "key", key, "", HERE) for key in (*CARTS, "F")),
    Reference("contact", "email", "x@example.com", "", HERE),
    Reference("contact", "email", "y@example.com", "", HERE),
]
BINDINGS = {
    **{pointer(one): Bound(id=one.value) for one in REFERENCES if one.by == "id"},
    **{pointer(Reference("cart", "key", key)): bound for key, bound in CARTS.items()},
    pointer(Reference("cart", "key", "F")): Bound(address=Address("cart", "F")),
    # Two addresses of one person.
    pointer(Reference("contact", "email", "x@example.com")): Bound(id="9"),
    pointer(Reference("contact", "email", "y@example.com")): Bound(id="9"),
}
LINKS = [
    *(
        Link("company", id_, *type_)
        for id_ in COMPANIES
        for type_ in ((934, "HUBSPOT_DEFINED"), (509, "HUBSPOT_DEFINED"), (37, "USER_DEFINED"))
    ),
    *(Link("cart", id_, 593) for id_ in ("71", "72")),
    *(Link("contact", "9", *type_) for type_ in ((507, "HUBSPOT_DEFINED"), (88, "USER_DEFINED"))),
]

_some_links = st.frozensets(st.sampled_from(LINKS))
_values = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(some) for name, some in VALUES.items()}
)
_accepted = st.just({}) | _values


@st.composite
def _actual(draw: st.DrawFn, id_: str, key: str) -> Actual:
    held: dict[str, str | None] = dict(draw(_values))
    held |= dict.fromkeys(draw(st.sets(st.sampled_from(sorted(VALUES)))), None)
    return Actual(id_, held | {KEY: draw(st.sampled_from([key, key, key, key.lower(), "Z", ""]))})


@st.composite
def _last(draw: st.DrawFn, id_: str, key: str, parent: Address | None) -> LastApplied:
    values, read = draw(_values), draw(_values)
    hashes = {
        name: ValueHashes(
            value_hash(name, value), value_hash(name, read[name]) if name in read else ""
        )
        for name, value in values.items()
    }
    print_ = draw(st.sampled_from([fingerprint(values), fingerprint(values), ""]))
    options = {
        "key": key,
        "value_hashes": hashes,
        "fingerprint": print_,
        "links": draw(_some_links) if parent is None else frozenset(),
        "parent": parent,
        "protect": draw(st.booleans()),
        "accepted": {name: (value_hash(name, value),) for name, value in draw(_accepted).items()},
    }
    return applied(id_, options=options)


@st.composite
def inputs(draw: st.DrawFn) -> Inputs:
    """Draw an order with up to two line items: declared, in HubSpot and in the state, or not."""
    order = desired(
        ORDER,
        options={
            "references": tuple(draw(st.lists(st.sampled_from(REFERENCES), unique=True))),
            "ignore": draw(st.frozensets(st.sampled_from(sorted(VALUES)), max_size=2)),
            "protect": draw(st.booleans()),
            "moved_from": draw(st.sampled_from([None, None, Reference("order", "key", "Z")])),
        },
        **draw(_values),
    )
    lines = tuple(
        desired(Address(LINE.kind, f"A:{at}"), **draw(_values))
        for at in range(draw(st.integers(0, 2)))
    )
    actual: dict[Address, Actual] = {}
    last: dict[Address, LastApplied] = {}
    for number, one in enumerate((order, *lines), 1):
        parent = None if one is order else draw(st.sampled_from([ORDER, Address("order", "B")]))
        if draw(st.integers(0, 3)):
            actual[one.address] = draw(_actual(str(number), one.address.key))
        if draw(st.integers(0, 3)):
            last[one.address] = draw(_last(str(number), one.address.key, parent))
    observed: dict[str, Any] = {
        "links": {ORDER: draw(_some_links)},
        "lines": draw(st.frozensets(st.sampled_from(["2", "3"]))),
        "by_id": draw(st.frozensets(st.sampled_from([ORDER, LINE]))),
    }
    context: dict[str, Any] = {
        "bindings": BINDINGS,
        "reverse_associations": draw(
            st.frozensets(
                st.sampled_from([("order", "1", "cart", "71"), ("order", "1", "cart", "72")])
            )
        ),
        "keys": {("cart", "71"): "C"},
    }
    assert set(VALUES) < set(PROPERTIES)
    return Inputs(Unit(ORDER, order, lines), actual, last, observed, context)
