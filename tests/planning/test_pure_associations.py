"""The planner's decisions about associations: what it adds, keeps, removes and leaves alone."""

from collections.abc import Collection, Iterable
from dataclasses import replace

import pytest
from pure import (
    ASSOCIATE,
    CONFLICT,
    CREATE,
    HERE,
    LINE,
    ORDER,
    PAYER,
    PLAIN,
    PRIMARY,
    TO_ORDER,
    UPDATE,
    Inputs,
    actual,
    applied,
    assembled,
    change_of,
    changes_of,
    company,
    desired,
    one,
)
from world import explained

from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.plan import Action, LinkChange, Reason, RecordChange, UnitChange
from reconcile.model.records import Link, Reference, Unit
from reconcile.model.references import Bound

CART = Address("cart", "C")
TO_CART = Reference("cart", "key", "C", "", HERE)
POINTER = ("cart", "key", "c")

Types = set[tuple[str, int]]


def linked(
    references: Iterable[Reference], present: Iterable[Link], ours: Iterable[Link] | None
) -> Inputs:
    """Return an order with these declared, present and last applied associations."""
    last = None if ours is None else applied(options={"links": frozenset(ours)})
    record = desired(options={"references": tuple(references)})
    return one(record, actual(), last, observed={"links": {ORDER: frozenset(present)}})


def types(*links: Link) -> Types:
    """Return the types of associations as the plan has them."""
    return {(link.category, link.type_id) for link in links}


ADDED = [
    ("plain", [company()], [], types(PLAIN), types(PLAIN)),
    ("label", [company(label="primary")], [], types(PRIMARY), types(PRIMARY)),
    (
        "label beside a plain one",
        [company(), company(label="Payer")],
        [],
        types(PLAIN, PAYER),
        types(PLAIN, PAYER),
    ),
    (
        "label beside labels of others",
        [company(label="Payer")],
        [PLAIN, PRIMARY],
        types(PLAIN, PRIMARY, PAYER),
        types(PAYER),
    ),
]


@pytest.mark.parametrize(
    ("references", "present", "written", "ours"),
    [row[1:] for row in ADDED],
    ids=[row[0] for row in ADDED],
)
def test_the_union_of_present_and_declared_types_is_written(
    references: list[Reference], present: list[Link], written: Types, ours: Types
) -> None:
    """HubSpot replaces a pair's types; only the declared ones are ours."""
    change = change_of(linked(references, present, []))
    assert change is not None
    assert change.action is ASSOCIATE
    (link,) = change.links
    assert (link.add, link.to, link.id) == (True, "company", "501")
    assert (set(link.types), set(link.ours)) == (written, ours)


REMOVED: list[tuple[str, list[Link], list[Link], Types]] = [
    ("plain", [PLAIN], [PLAIN], types(PLAIN)),
    ("label with its plain type", [PLAIN, PAYER], [PLAIN, PAYER], types(PLAIN, PAYER)),
    ("label beside one of others", [PLAIN, PAYER, PRIMARY], [PLAIN, PAYER], types(PAYER)),
    ("one of others", [PLAIN], [], set()),
    ("one that is gone already", [], [PLAIN], set()),
    ("plain below a label of others", [PLAIN, PRIMARY], [PLAIN], set()),
]


@pytest.mark.parametrize(
    ("present", "ours", "removed"), [row[1:] for row in REMOVED], ids=[row[0] for row in REMOVED]
)
def test_only_our_types_are_removed(present: list[Link], ours: list[Link], removed: Types) -> None:
    """The plain type is kept while others have a label: removing it would remove theirs."""
    change = change_of(linked([], present, ours))
    found: Collection[LinkChange] = change.links if change else ()
    assert [(link.add, link.id, set(link.types)) for link in found] == (
        [(False, "501", removed)] if removed else []
    )


def test_an_association_that_the_other_end_declares_is_kept() -> None:
    """An order that drops a cart leaves the association that the cart still declares."""
    link = Link("cart", "5", 593)
    inputs = linked([], [link], [link])
    dropped = change_of(inputs)
    kept = change_of(
        replace(inputs, context={"reverse_associations": {("order", "1", "cart", "5")}})
    )
    assert dropped is not None
    assert [one.add for one in dropped.links] == [False]
    assert kept is not None
    assert kept.links == ()


def test_what_exists_already_is_kept_for_the_state() -> None:
    """With a change of a value it is recorded, and not written again."""
    record = desired(memo="2", options={"references": (company(),)})
    observed = {"links": {ORDER: frozenset({PLAIN, PRIMARY})}}
    change = change_of(one(record, actual(memo="1"), applied(memo="1"), observed=observed))
    assert change is not None
    assert (change.action, change.links, change.kept_links) == (UPDATE, (), (PLAIN,))


def test_a_record_of_the_same_plan_is_referred_to_by_address() -> None:
    """Its id is not known yet; apply fills it in."""
    record = desired(options={"references": (TO_CART,)})
    change = change_of(one(record, context={"bindings": {POINTER: Bound(address=CART)}}))
    assert change is not None
    assert change.action is CREATE
    assert [(link.id, link.address, link.shown) for link in change.links] == [
        ("", CART, "cart key=C")
    ]


DANGLING = [
    ("no such record", TO_CART, "no cart has key 'C'"),
    ("no such label", company(label="Buyer"), "'Buyer' is not an association label"),
]


@pytest.mark.parametrize(
    ("reference", "why"), [row[1:] for row in DANGLING], ids=[row[0] for row in DANGLING]
)
def test_a_reference_to_nothing_is_a_conflict(reference: Reference, why: str) -> None:
    """It has the location of the reference."""
    change = change_of(one(desired(options={"references": (reference,)}), actual()))
    assert change is not None
    assert change.action is CONFLICT
    assert explained(change).startswith(f"shop.yaml:3:1: {why}")


def test_a_line_item_without_its_parent_is_associated() -> None:
    """A line item that has the parent already is left alone."""
    last = {ORDER: applied(), LINE: applied("2", options={"key": "A:1", "parent": ORDER})}
    records = {ORDER: actual(), LINE: actual("2", key="A:1")}
    unit = Unit(ORDER, desired(), (desired(LINE),))
    (change,) = changes_of(Inputs(unit, records, last))
    assert (change.action, change.parent, change.parent_id) == (ASSOCIATE, ORDER, "1")
    assert [(link.id, link.types, link.reason) for link in change.links] == [
        ("1", ((TO_ORDER.category, TO_ORDER.type_id),), Reason.CHANGE)
    ]
    last[LINE] = replace(last[LINE], parent_id="1")
    assert changes_of(Inputs(unit, records, last, {"lines": frozenset({"2"})})) == ()
    (change,) = changes_of(Inputs(unit, records, last))
    assert [link.reason for link in change.links] == [Reason.DRIFT]


LOST = RecordChange(
    CART, CONFLICT, id="5", why=(Explanation("record 5 is archived"),), unreachable=True
)


@pytest.mark.parametrize(
    "link",
    [
        LinkChange(True, "cart", "5", None, (("HUBSPOT_DEFINED", 593),)),  # noqa: FBT003
        LinkChange(True, "cart", "", CART, (("HUBSPOT_DEFINED", 593),)),  # noqa: FBT003
    ],
    ids=["by id", "by address"],
)
def test_an_association_with_a_lost_record_is_left_out(link: LinkChange) -> None:
    """The rest of the change stays; a change that would do nothing else is a conflict."""
    create = RecordChange(ORDER, CREATE, links=(link,))
    associate = RecordChange(Address("order", "B"), Action.ASSOCIATE, id="2", links=(link,))
    plan = assembled(UnitChange(change.address, (change,)) for change in (create, associate, LOST))
    found = {str(change.address): change for change in plan.records()}
    assert found["order/A"].action is CREATE
    assert found["order/B"].action is CONFLICT
    for name in ("order/A", "order/B"):
        assert found[name].links == ()
        assert explained(found[name]) == (
            "cannot be associated with cart/C, which is in conflict\n"
            "resolve that conflict, then plan again"
        )
