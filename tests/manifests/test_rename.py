"""Renaming a record in the manifests: its key, ``moved_from``, and references by key."""

from collections.abc import Mapping
from pathlib import PurePath

import pytest

from reconcile.errors import ManifestError, UsageError
from reconcile.manifests import load_texts
from reconcile.manifests.files import ManifestFile
from reconcile.manifests.rename import rename
from reconcile.model.address import Address

SHOP = """\
# The first order
kind: order
key: A-1
properties: {hs_order_name: A-1}
line_items:
  - key: A-1:mug   # a mug
    properties: {name: Mug}
associations:
  cart:
    - {key: C-1}
"""
CART = "kind: cart\nkey: 'C-1'\n"
CUP = "kind: line_item\nkey: A-1:cup\nparent:\n  order: {key: a-1}\nproperties: {name: Cup}\n"
FILES = {"cup.yaml": CUP, "cart.yaml": CART, "shop.yaml": SHOP}


def manifests(texts: Mapping[str, str]) -> dict[str, ManifestFile]:
    """The files of a project by name."""
    return {
        name: ManifestFile(name, text.encode(), PurePath("/shop", name).parent)
        for name, text in texts.items()
    }


def renamed(old: str, new: str, **files: str) -> dict[str, str]:
    """The files that change; FILES if none are given, else these with ``.yaml`` after the name."""
    given = {f"{name}.yaml": text for name, text in files.items()} or FILES
    content = manifests(given)
    units, problems = load_texts(content.values())
    assert problems == []
    found = rename(content, units, Address.parse(old), Address.parse(new))
    return {name: data.decode() for name, data in found.items()}


def test_an_order_takes_its_standalone_line_items_along() -> None:
    """Their parent is named by its new key; the keys of line items stay, nested or not."""
    found = renamed("order/A-1", "order/B-1")
    assert found == {
        "shop.yaml": SHOP.replace("\nkey: A-1\n", "\nkey: B-1\nmoved_from: A-1\n"),
        "cup.yaml": CUP.replace("key: a-1", "key: B-1"),
    }
    assert [*found] == ["shop.yaml", "cup.yaml"]  # the record first


def test_a_cart_takes_the_references_to_it_along() -> None:
    """Each is written in its own style."""
    assert renamed("cart/c-1", "cart/Ü #2") == {
        "cart.yaml": "kind: cart\nkey: 'Ü #2'\nmoved_from: 'C-1'\n",
        "shop.yaml": SHOP.replace("{key: C-1}", '{key: "Ü #2"}'),
    }


@pytest.mark.parametrize(
    ("old", "before", "after"),
    [
        (
            "line_item/A-1:mug",
            "  - key: A-1:mug   # a mug\n",
            "  - key: B:2   # a mug\n    moved_from: A-1:mug\n",
        ),
        ("line_item/a-1:MUG", "  - key: A-1:mug", "  - key: B:2"),
    ],
)
def test_a_nested_line_item_is_renamed_in_its_list(old: str, before: str, after: str) -> None:
    """In the indentation of its list; what moved_from says is the key as it was spelled."""
    found = renamed(old, "line_item/B:2")
    assert [*found] == ["shop.yaml"]
    assert after in found["shop.yaml"]
    assert before not in found["shop.yaml"]
    assert "moved_from: A-1:mug\n" in found["shop.yaml"]


def test_numbers_stay_without_quotes() -> None:
    """A key that looks like a number is text, and stays as its author writes it."""
    before = "kind: order\nkey: 00123\n"
    assert renamed("order/00123", "order/00124", a=before) == {
        "a.yaml": "kind: order\nkey: 00124\nmoved_from: 00123\n"
    }


def test_a_key_that_another_kind_has_too_stays_there() -> None:
    """Only references to records of the same kind are changed."""
    cart = "kind: cart\nkey: A-1\n---\nkind: order\nkey: X\nassociations: {cart: [{key: A-1}]}\n"
    assert [*renamed("order/A-1", "order/B", a=cart, b="kind: order\nkey: A-1\n")] == ["b.yaml"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("order/A-2", "order/B", "no manifest declares 'order/A-2'; did you mean 'order/A-1'?"),
        ("order/A-1", "cart/B", "'cart/B' is not an address of the same kind as 'order/A-1'"),
        ("order/A-1", "order/a-1", "'A-1' and 'a-1' are the same key"),
        ("order/A-1", "order/ B", "the new key ' B' begins or ends with white space"),
        ("order/A-1", "order/B\x1b[2J", "the new key 'B\\x1b[2J' contains an invisible character"),
        ("order/A-1", "order/\udcff", "the new key '\\udcff' contains an invisible character"),
        ("order/A-1", "order/" + "x" * 256, "has 256 characters; 255 are allowed"),
        ("order/A-1", "order/ID:5", "begins with id:; this prefix is reserved for HubSpot ids"),
        ("order/A-1", "order/TAKEN", "'order/TAKEN' is declared already, in more.yaml:1:1"),
        ("order/MOVED", "order/B", "was moved from 'BEFORE' already, in more.yaml:4:1"),
        ("order/GONE", "order/B", "'order/GONE' is declared absent, in more.yaml:8:1"),
        ("line_item/GONE:1", "line_item/B", "'line_item/GONE:1' is declared absent"),
        ("cart/LEFT", "cart/B", "'cart/LEFT' is declared forget"),
    ],
)
def test_a_rename_that_makes_no_sense_is_refused(old: str, new: str, message: str) -> None:
    """Before anything is edited, and with the place of what is in the way."""
    more = """\
kind: order
key: taken
---
kind: order
key: MOVED
moved_from: BEFORE
---
kind: order
key: GONE
lifecycle: {state: absent}
line_items: [{key: "GONE:1"}]
---
kind: cart
key: LEFT
lifecycle: {state: forget}
"""
    with pytest.raises(UsageError) as refused:
        renamed(old, new, shop=SHOP, cart=CART, more=more)
    assert message in str(refused.value)


def test_kinds_found_by_id_are_not_renamed() -> None:
    """HubSpot gives ids and does not change them."""
    files = manifests({"a.yaml": "kind: order\nkey: 123\n"})
    units, _ = load_texts(files.values(), by_id=["order"])
    with pytest.raises(UsageError, match="keys of orders are HubSpot ids here"):
        rename(files, units, Address("order", "123"), Address("order", "124"), by_id=["order"])


def test_every_place_that_cannot_be_edited_is_named() -> None:
    """The author edits those by hand, and nothing is half done."""
    orders = (
        "kind: order\nkey: A\nassociations:\n  cart: [{key: !!str C-1}]\n---\n"
        "kind: order\nkey: B\nassociations:\n  cart: [{key: C-1}]\n---\n"
        "kind: order\nkey: D\nassociations: {cart: [{key: C-1}]}\nmoved_from:\tE\n"
    )
    with pytest.raises(ManifestError) as refused:
        renamed("cart/C-1", "cart/NEW", cart="kind: cart\nkey: >-\n  C-1\n", orders=orders)
    assert [str(problem) for problem in refused.value.problems] == [
        "cart.yaml:1:1: a block of lines (>) is not edited",
        "cart.yaml:2:6: a block of lines (>) is not edited",
        "orders.yaml:4:16: a value with a tag (!) is not edited",
        "orders.yaml:14:12: ruamel.yaml does not read this: found character '\\t' that cannot "
        "start any token",
    ]
    assert "key must be 'NEW'" in refused.value.problems[1].hint
    assert refused.value.hint == "nothing was written"


def test_a_rename_that_would_change_other_records_is_refused() -> None:
    """Here a line item of an order that the manifests do not declare would become one of this."""
    with pytest.raises(UsageError, match="the edit would change other records too"):
        renamed("order/B", "order/a-1", cup=CUP, order="kind: order\nkey: B\n")


def test_a_key_that_was_given_up_is_not_taken_again() -> None:
    """The edited manifests are read as a whole, and their problem is reported."""
    moved = "kind: cart\nkey: D\nmoved_from: B\n"
    with pytest.raises(ManifestError, match="1 problem in the edited manifests") as refused:
        renamed("cart/C-1", "cart/B", cart=CART, moved=moved)
    (problem,) = refused.value.problems
    assert problem.message == "the cart 'B' is declared too, in cart.yaml:1:1"
