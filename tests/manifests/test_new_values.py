"""Other values for declared properties, in the documents that declare them, and nothing else."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from random_examples import examples

from reconcile.manifests import load_texts
from reconcile.manifests.files import ManifestFile
from reconcile.manifests.identity_rules import identity_problems
from reconcile.manifests.new_values import with_values
from reconcile.model.address import Address
from reconcile.model.identity import Identity, UniqueProperty, WithinParent
from reconcile.model.kinds import kinds
from tests.manifests.yaml_styles import Writer

SHOP = """\
# The first order
kind: order
key: A-1
properties:
  hs_order_name: First   # theirs
  memo: |-
    two
    lines
line_items:
  - key: A-1:mug   # a mug
    properties: {name: Mug}
  - key: A-1:cup
---
kind: order
key: B-1
"""
DEFAULTS = """\
kind: defaults
order:
  properties: {hs_tags: ours}
line_item:
  properties: {quantity: 1}
"""
FILES = {"defaults.yaml": DEFAULTS, "shop.yaml": SHOP}


def edited(files: Mapping[str, str], values: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The files that change."""
    content = {
        name: ManifestFile(name, text.encode(), PurePath("/shop", name).parent)
        for name, text in files.items()
    }
    units, problems = load_texts(content.values())
    assert problems == []
    wanted = {Address.parse(name).folded(): new for name, new in values.items()}
    found = with_values(content, units, wanted)
    assert found.problems == []
    return {name: data.decode() for name, data in found.files.items()}


def test_each_value_goes_into_the_document_of_its_record() -> None:
    """One that the document does not give is added: after a property, or as the first one."""
    found = edited(
        FILES,
        {
            "order/A-1": {"hs_order_name": "Second", "hs_tags": "a", "weight": "0123"},
            "line_item/A-1:mug": {"quantity": "2"},
            "line_item/A-1:cup": {"quantity": "3", "name": "Cup"},
            "order/B-1": {"hs_tags": ""},
        },
    )
    assert found == {
        "shop.yaml": SHOP.replace(
            "First   # theirs\n", 'Second   # theirs\n  hs_tags: a\n  weight: "0123"\n'
        )
        .replace("{name: Mug}", '{name: Mug, quantity: "2"}')
        .replace("A-1:cup\n", 'A-1:cup\n    properties: {quantity: "3", name: "Cup"}\n')
        .replace("key: B-1\n", 'key: B-1\nproperties: {hs_tags: ""}\n')
    }


def test_values_that_are_declared_already_change_no_file() -> None:
    """Not even the quotes around them."""
    assert edited(FILES, {"order/A-1": {"hs_order_name": "First"}}) == {}


def left_out(
    files: Mapping[str, str],
    values: Mapping[str, Mapping[str, str]],
    **identity: Identity,
) -> tuple[dict[str, str], dict[str, list[tuple[str, str]]]]:
    """The files that change, and what is left out by address: problems with hints."""
    content = {name: ManifestFile(name, text.encode(), None) for name, text in files.items()}
    units, problems = load_texts(content.values())
    assert problems == []
    identities = {kind: UniqueProperty("reconcile_key") for kind in kinds()} | identity
    found = with_values(
        content,
        units,
        {Address.parse(name).folded(): new for name, new in values.items()},
        faults=lambda unit: identity_problems(unit, identities),
    )
    why = {str(one): [(str(p), p.hint) for p in ps] for one, ps in found.left_out.items()}
    return {name: data.decode() for name, data in found.files.items()}, why


def test_records_with_a_place_that_cannot_be_edited_are_left_out() -> None:
    """As a whole, with the value to write by hand; others in the file are written."""
    files = {
        "a.yaml": SHOP,
        "b.yaml": "kind: cart\nkey: C\nproperties: {memo: &a x, hs_cart_name: *a}\n",
    }
    values = {
        "order/A-1": {"memo": "b", "hs_order_name": "c"},
        "line_item/A-1:mug": {"name": "Cup"},
        "cart/C": {"memo": "d"},
    }
    assert left_out(files, values) == (
        {"a.yaml": SHOP.replace("Mug", "Cup")},
        {
            "order/a-1": [
                (
                    "a.yaml:6:9: a block of lines (|) is not edited",
                    "edit the file by hand: properties.memo must be 'b'",
                )
            ],
            "cart/c": [
                (
                    "b.yaml:3:20: an anchor (&a) repeats what is here in other places",
                    "edit the file by hand: properties.memo must be 'd'",
                )
            ],
        },
    )


def test_places_are_those_in_the_file_as_it_will_be() -> None:
    """Lines that were added above count."""
    text = "kind: order\nkey: A\n---\nkind: order\nkey: B\nproperties:\n  memo: |\n    b\n"
    files, why = left_out({"a.yaml": text}, {"order/A": {"memo": "a"}, "order/B": {"memo": "c"}})
    assert files["a.yaml"].startswith('kind: order\nkey: A\nproperties: {memo: "a"}\n---\n')
    (((message, _),),) = why.values()
    assert message == "a.yaml:8:9: a block of lines (|) is not edited"


def test_what_no_manifest_can_hold_is_not_asked_for_by_hand() -> None:
    """A control character cannot be written in any style."""
    new = {"order/A-1": {"hs_order_name": "a\r\nb", "weight": "1"}, "order/B-1": {"weight": "1"}}
    files, why = left_out({"a.yaml": SHOP}, new)
    assert files == {"a.yaml": SHOP + 'properties: {weight: "1"}\n'}
    assert why == {
        "order/a-1": [
            (
                "a.yaml:5:18: the new text cannot be in a manifest: the control character U+000D "
                "is not allowed in text",
                "change it where it comes from, or keep what the manifest has",
            )
        ]
    }


PRODUCTS = """\
kind: order
key: A
properties: {memo: a}
line_items:
  - {key: X, product: {hs_sku: MUG}, properties: {quantity: 1}}
  - {key: Y, properties: {price: 1}}
"""


def test_what_cannot_be_declared_is_left_out() -> None:
    """A product that is named otherwise, and a value that no account accepts."""
    new = {
        "order/A": {"memo": "b"},
        "line_item/X": {"hs_product_id": "41", "quantity": "2"},
        "line_item/Y": {"price": "-1"},
    }
    files, why = left_out({"a.yaml": PRODUCTS}, new)
    assert files == {"a.yaml": PRODUCTS.replace("memo: a", "memo: b")}
    assert [*why] == ["line_item/y", "line_item/x"]
    assert why["line_item/x"][0][0].startswith("a.yaml:5:23: the product is another one in HubSpot")
    assert why["line_item/y"][0][0].startswith("a.yaml:6:34: price is '-1', and HubSpot accepts")


LINES = """\
kind: order
key: A
line_items:
  - {key: X, properties: {hs_sku: a, name: x}}
  - {key: Y, properties: {hs_sku: b, name: y}}
  - {key: Z, properties: {hs_sku: c, name: z}}
"""


@pytest.mark.parametrize(
    ("new", "written", "problems"),
    [
        ({"X": "", "Z": "d"}, {"c,": "d,"}, {"x": "4:35"}),
        ({"Y": "A", "Z": "d"}, {"c,": "d,"}, {"y": "5:35"}),
        (
            {"X": "d", "Y": "d", "Z": "e"},
            {"a,": "d,", "c,": "e,"},
            {"y": "5:35"},
        ),
        ({"X": "b", "Y": "a"}, {"a,": "B,", "b,": "a,", "B,": "b,"}, {}),
    ],
    ids=["missing", "the same as another", "the same among several", "exchanged"],
)
def test_line_items_stay_told_apart(
    new: Mapping[str, str], written: Mapping[str, str], problems: Mapping[str, str]
) -> None:
    """By the property that identifies them under their parent; what would not be is left out."""
    values = {f"line_item/{key}": {"hs_sku": value} for key, value in new.items()}
    files, why = left_out({"a.yaml": LINES}, values, line_item=WithinParent("hs_sku"))
    text = LINES
    for before, after in written.items():
        text = text.replace(before, after)
    assert files == ({"a.yaml": text} if written else {})
    assert why.keys() == {f"line_item/{key}" for key in problems}
    for key, place in problems.items():
        ((message, hint),) = why[f"line_item/{key}"]
        assert hint == "change it where it comes from, or keep what the manifest has"
        assert message.startswith(f"a.yaml:{place}: hs_sku identifies line items here, and is ")


VALUES = st.sampled_from(["A", "b7", "0123", "a # b", "- é", "{x}", "a: b", ""])
NEW = (
    VALUES
    | st.sampled_from(["null", "it's", "a\nb"])
    | st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"))
)
NAMES = st.sampled_from(["memo", "hs_order_name", "hs_tags", "weight"])
PROPERTIES = st.dictionaries(NAMES, VALUES, min_size=1)


@st.composite
def orders(draw: Any) -> tuple[str, tuple[int | str, ...], tuple[int, int]]:
    """A file with an order, the path of one of its values, and the value's place."""
    tree = {
        "kind": "order",
        "key": "A",
        "properties": draw(PROPERTIES),
        "line_items": [
            {"key": f"A:{number}", "properties": draw(PROPERTIES)}
            for number in range(draw(st.integers(0, 2)))
        ],
    }
    places = [("properties", name) for name in tree["properties"]] + [
        ("line_items", number, "properties", name)
        for number, line in enumerate(tree["line_items"])
        for name in line["properties"]
    ]
    path = draw(st.sampled_from(places))
    tree = {name: tree[name] for name in draw(st.permutations([*tree]))}
    writer = Writer(draw, path, names=("kind", "key"))
    writer.text = writer.any("", "\ufeff", f"# {writer.newline}---{writer.newline}")
    if draw(st.booleans()):
        writer.flow(tree, ())
        writer.end(0)
    else:
        writer.block(tree, (), 0)
    return writer.text, path, writer.span


@given(orders(), NEW)
@examples(60)
def test_in_any_style_only_the_value_changes(
    written: tuple[str, tuple[int | str, ...], tuple[int, int]],
    text: str,
) -> None:
    """Byte for byte, whatever the author's quotes, indents, comments, brackets and line ends."""
    before, path, (start, end) = written
    address = "order/A" if path[0] == "properties" else f"line_item/A:{path[1]}"
    name = str(path[-1])
    files = {"a.yaml": before}
    after = edited(files, {address: {name: text}}).get("a.yaml", before)
    assert after[:start] == before[:start]
    assert after[len(after) - len(before) + end :] == before[end:]
    assert edited({"a.yaml": after}, {address: {name: text}}) == {}
    (wanted,) = filter(None, yaml.load_all(before, yaml.BaseLoader))
    holder: Any = wanted
    for step in path[:-1]:
        holder = holder[step]
    holder[name] = text
    assert [*filter(None, yaml.load_all(after, yaml.BaseLoader))] == [wanted]
