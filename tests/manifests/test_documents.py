"""What a document may contain, and the problems of everything else."""

from typing import Any

import pytest

from reconcile.model.address import Address
from reconcile.model.records import Location, Reference

FULL = """\
kind: order
key: NW-10248
properties:
  hs_order_name: Vins et alcools Chevalier, 4 July 1996
  hs_order_note: ""
line_items:
  - key: NW-10248:42
    properties: {name: Noodles, hs_sku: "042"}
  - key: NW-10248:11
    properties: {price: 14.00}
    lifecycle: {protect: true}
associations:
  contact: [{email: paul.henriot@example.com}]
  company:
    - {id: 501, label: primary}
  cart: [{key: NW-CART-77}]
lifecycle: {ignore: [hs_order_name, hs_tags], protect: true}
"""


def test_a_whole_order_is_read(project: Any) -> None:
    """Everything a manifest can say about an order arrives, with places."""
    (unit,) = project.units(FULL)
    root = unit.root
    assert unit.address == root.address == Address("order", "NW-10248")
    assert unit.parent is None
    assert root.location == Location("a.yaml", 1, 1)
    assert root.properties == {
        "hs_order_name": "Vins et alcools Chevalier, 4 July 1996",
        "hs_order_note": "",
    }
    assert root.at == {"hs_order_name": (4, 18), "hs_order_note": (5, 18)}
    assert len(root.at) == 2
    assert repr(root.at) == "{'hs_order_name': (4, 18), 'hs_order_note': (5, 18)}"
    assert root.location_of("hs_order_note") == Location("a.yaml", 5, 18)
    assert root.location_of("hs_tags") == Location("a.yaml", 1, 1)
    assert root.references == (
        Reference("contact", "email", "paul.henriot@example.com", "", Location("a.yaml", 13, 13)),
        Reference("company", "id", "501", "primary", Location("a.yaml", 15, 7)),
        Reference("cart", "key", "NW-CART-77", "", Location("a.yaml", 16, 10)),
    )
    assert root.ignore == {"hs_order_name", "hs_tags"}
    assert root.protect
    first, second = unit.lines
    assert first.address == Address("line_item", "NW-10248:11")
    assert first.location == Location("a.yaml", 9, 5)
    assert first.protect
    assert second.properties == {"name": "Noodles", "hs_sku": "042"}
    assert not second.protect


def test_records_cannot_be_changed(project: Any) -> None:
    """What is desired stays what was read."""
    (unit,) = project.units(FULL)
    with pytest.raises(TypeError):
        unit.root.properties["hs_order_name"] = "x"
    with pytest.raises(TypeError):
        unit.root.at["hs_order_name"] = (1, 1)


def test_a_kind_and_a_key_are_enough(project: Any) -> None:
    """An order without properties only asks to exist."""
    (unit,) = project.units("{kind: cart, key: A}")
    assert unit.root.properties == {}
    assert dict(unit.root.at) == {}


@pytest.mark.parametrize(
    ("text", "place", "words", "hint"),
    [
        ("key: A", (1, 1), "has no 'kind'", "order"),
        ("kind: order", (1, 1), "this order has no 'key'", ""),
        ("{kind: line_item, key: A}", (1, 1), "has no 'parent'", ""),
        ("kind: oder\nkey: A", (1, 7), "unknown kind 'oder'; did you mean 'order'?", "cart"),
        ("kind: [order]\nkey: A", (1, 7), "the kind must be text", ""),
        ("kind: order\nkey:", (2, 5), "the key has no value", ""),
        ("just text", (1, 1), "a document must be names with values", ""),
        ("[]", (1, 1), "a document must be names with values", ""),
        (
            "kind: order\nkey: A\npropertys: {x: a}",
            (3, 1),
            "unknown field 'propertys' in this order; did you mean 'properties'?",
            "line_items",
        ),
        ("kind: order\nkey: A\nparent: {cart: {key: B}}", (3, 1), "unknown field 'parent'", ""),
        (
            "kind: order\nkey: A\nline_items: [{key: B, parent: {order: {key: A}}}]",
            (3, 23),
            "unknown field 'parent' in this line_item",
            "",
        ),
        ("kind: order\nkey: A\nline_items: [{properties: {}}]", (3, 14), "has no 'key'", ""),
        ("kind: order\nkey: A\nline_items: {key: B}", (3, 13), "must be a list", "dash"),
        ("kind: order\nkey: A\nproperties: [x]", (3, 13), "must be names with values", ""),
        ("kind: order\nkey: A\nproperties:", (3, 12), "'properties' has no value", "leave it out"),
        ("kind: order\nkey: A\nproperties: {x: [a]}", (3, 17), "property x must be text", ""),
        ("kind: order\nkey: A\nproperties: {x: {a: b}}", (3, 17), "property x must be text", ""),
        (
            "kind: order\nkey: A\nproperties: {Name: a}",
            (3, 14),
            "'Name' is not a property name",
            "a-z",
        ),
        ("kind: order\nkey: A\nproperties: {1x: a}", (3, 14), "'1x' is not a property name", ""),
        ("kind: order\nkey: A\nproperties: {x-y: a}", (3, 14), "'x-y' is not a property name", ""),
        (
            "kind: order\nkey: A\nlifecycle: {state: abscent}",
            (3, 20),
            "'state' must be absent or forget, not 'abscent'; did you mean 'absent'?",
            "leave it out for a record that should exist",
        ),
        ("kind: order\nkey: A\nlifecycle: {state: [absent]}", (3, 20), "must be text", ""),
        (
            "kind: order\nkey: A\nlifecycle: {state: absent, protect: true}",
            (3, 13),
            "a record cannot be absent and protected",
            "remove protect and apply that first",
        ),
        ("kind: order\nkey: A\nmoved_from: [B]", (3, 13), "the former key must be text", ""),
        ("kind: order\nkey: A\nmoved_from: a", (3, 13), "the record's own key 'A'", "case alone"),
        ("kind: order\nkey: A\nlifecycle: [protect]", (3, 12), "must be names with values", ""),
        ("kind: order\nkey: A\nlifecycle: {protect: yes}", (3, 22), "must be true or false", ""),
        ("kind: order\nkey: A\nlifecycle: {ignore: x}", (3, 21), "must be a list", ""),
        ("kind: order\nkey: A\nlifecycle: {ignore: [X]}", (3, 22), "not a property name", ""),
        ("kind: order\nkey: A\nlifecycle: {ignore: [x, x]}", (3, 25), "is listed twice", ""),
        ("kind: order\nkey: A\nlifecycle: {ignore: [[x]]}", (3, 22), "must be text", ""),
    ],
)
def test_what_does_not_fit_is_named(
    project: Any, text: str, place: tuple[int, int], words: str, hint: str
) -> None:
    """Each slip is one problem at its own place."""
    problem = project.problem(text)
    assert (problem.line, problem.column) == place
    assert words in problem.message
    assert hint in problem.hint


def test_property_names_have_a_length(project: Any) -> None:
    """HubSpot's internal names end at 100 characters."""
    name = "x" * 100
    assert project.units(f"kind: order\nkey: A\nproperties: {{{name}: a}}")
    problem = project.problem(f"kind: order\nkey: A\nproperties: {{{name}y: a}}")
    assert "not a property name" in problem.message


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ('""', "is empty"),
        ('"  "', "is empty"),
        ('" A"', "white space"),
        ('"A\\t"', "white space"),
        ('"A\\nB"', "more than one line"),
        ('"A\\tB"', "an invisible character"),
        ('"A\\u200bB"', "an invisible character"),
        ("A" * 256, "256 characters"),
        ("id:501", "begins with id:"),
        ("[A]", "must be text"),
    ],
)
def test_keys_are_plain_to_see(project: Any, key: str, words: str) -> None:
    """A key is one visible line without white space around it, of at most 255 characters."""
    problem = project.problem(f"kind: order\nkey: {key}")
    assert words in problem.message
    assert (problem.line, problem.column) == (2, 6)


@pytest.mark.parametrize("key", ["A" * 255, "A B/C:1", "007", "é"])
def test_keys_may_be_any_other_text(project: Any, key: str) -> None:
    """Spaces, slashes, colons and leading zeros are fine inside."""
    (unit,) = project.units(f"kind: order\nkey: {key}")
    assert unit.address.key == key


def test_quoted_text_is_harmless_and_short(project: Any) -> None:
    """No control sequence and no flood of text gets from a manifest into a message."""
    problem = project.problem(f'kind: order\nkey: A\n"\\u202e{"x" * 5000}": b')
    assert "\u202e" not in problem.message
    assert len(problem.message) < 200


@pytest.mark.parametrize(
    ("associations", "words", "hint"),
    [
        ("contact: {email: a@example.com}", "must be a list", "[ ]"),
        ("contact: a@example.com", "must be a list", ""),
        ("contcat: [{id: 1}]", "no association 'contcat'; did you mean 'contact'?", "deal"),
        ("'2-123': [{id: 1, label: x}]", "unknown field 'label'", ""),
        ("contact: [{key: A}]", "unknown field 'key'", "id, email and label"),
        ("contact: [{Emial: a}]", "did you mean 'email'?", ""),
        ("contact: [{email: a, lable: b}]", "did you mean 'label'?", ""),
        ("contact: [{vat_id: a, tax_id: b}]", "exactly one of id, email, vat_id or tax_id", ""),
        ("contact: [{}]", "exactly one of id or email", ""),
        ("contact: [{label: x}]", "exactly one of id or email", ""),
        ("contact: [{id: 1, email: a}]", "exactly one of id or email", ""),
        ("cart: [{key: A, id: 1}]", "exactly one of key or id", ""),
        ("contact: [a@example.com]", "must be names with values", ""),
        ("contact: [{email: ''}]", "the contact's email is empty", ""),
        ("contact: [{email: ~}]", "has no value", ""),
        ("contact: [{id: x1}]", "'x1' is not a HubSpot id", ""),
        ("contact: [{id: 007}]", "'007' is not a HubSpot id", ""),
        ("company: [{id: ٣}]", "is not a HubSpot id", ""),
        ("contact: [{id: 1, label: ''}]", "the label is empty", ""),
        ("contact: [{email: A@x}, {email: a@x}]", "is listed twice", ""),
        ("line_item: [{key: A}]", "line items are not associated", "line_items"),
        ("[contact]", "must be names with values", ""),
    ],
)
def test_references_name_one_record(project: Any, associations: str, words: str, hint: str) -> None:
    """A reference is in a list and says in exactly one way which record it means."""
    problem = project.problem(f"kind: order\nkey: B\nassociations:\n  {associations}\n")
    assert problem.line == 4
    assert words in problem.message
    assert hint in problem.hint


def test_one_record_may_be_referred_to_with_two_labels(project: Any) -> None:
    """The same company under two labels is two references."""
    (unit,) = project.units(
        "kind: order\nkey: B\nassociations: {company: [{id: 1}, {id: 1, label: primary}]}"
    )
    assert [reference.label for reference in unit.root.references] == ["", "primary"]


@pytest.mark.parametrize("parent", ["order", "cart"])
def test_line_items_are_not_associated_to_parents(project: Any, parent: str) -> None:
    """A line item belongs to its parent by nesting or by ``parent``."""
    problem = project.problem(
        f"kind: cart\nkey: B\nline_items: [{{key: C, associations: {{{parent}: [{{key: A}}]}}}}]"
    )
    assert "is not associated" in problem.message
    assert "nest it" in problem.hint


@pytest.mark.parametrize(
    ("parent", "words"),
    [
        ("{}", "exactly one of order or cart"),
        ("{order: {key: A}, cart: {key: B}}", "exactly one of order or cart"),
        ("{ordr: {key: A}}", "did you mean 'order'?"),
        ("{order: A}", "the parent order must be names with values"),
        ("[order]", "'parent' must be names with values"),
        ("{order: {}}", "exactly one of key or id"),
        ("{order: {key: A, id: 1}}", "exactly one of key or id"),
        ("{order: {email: a}}", "unknown field 'email'"),
        ("{order: {key: A, label: x}}", "unknown field 'label'"),
        ("{order: {id: A}}", "not a HubSpot id"),
        ("{order: {key: ' A'}}", "white space"),
        ("~", "'parent' has no value"),
    ],
)
def test_a_parent_is_one_record(project: Any, parent: str, words: str) -> None:
    """``parent`` names one kind and one record of it, by key or by id."""
    problem = project.problem(f"kind: line_item\nkey: B\nparent: {parent}\n")
    assert problem.line == 3
    assert words in problem.message


def test_all_problems_come_at_once(project: Any) -> None:
    """Every file and document is looked at before failing; problems are sorted by place."""
    project.write("b.yaml", "kind: order\nkey: [1\n")
    project.write("a.yaml", "kind: nonsense\n---\nkind: cart\nkey:\nproperties: {X: 1, y: ~}\n")
    project.write("c.yaml", "kind: cart\nkey: C\n---\nkind: cart\nkey: c\n")
    project.write("d.yaml", "")
    found = [(p.file, p.line) for p in project.problems(".", "gone")]
    assert found == [
        ("a.yaml", 1),
        ("a.yaml", 4),
        ("a.yaml", 5),
        ("a.yaml", 5),
        ("b.yaml", 3),
        ("c.yaml", 4),
        ("d.yaml", 0),
        ("gone", 0),
    ]
