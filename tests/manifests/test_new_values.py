"""Other values for declared properties, in the documents that declare them, and nothing else."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from random_examples import examples

from reconcile.errors import ManifestError
from reconcile.manifests import load_texts
from reconcile.manifests.files import ManifestFile
from reconcile.manifests.new_values import with_values
from reconcile.model.address import Address
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
    return {name: data.decode() for name, data in with_values(content, units, wanted).items()}


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


def test_every_place_that_cannot_be_edited_is_named() -> None:
    """With the value to write by hand."""
    files = {
        "a.yaml": SHOP,
        "b.yaml": "kind: cart\nkey: C\nproperties: {memo: &a x, hs_cart_name: *a}\n",
    }
    with pytest.raises(ManifestError) as refused:
        edited(files, {"order/A-1": {"memo": "b", "hs_order_name": "c"}, "cart/C": {"memo": "d"}})
    assert [(str(one), one.hint) for one in refused.value.problems] == [
        (
            "a.yaml:6:9: a block of lines (|) is not edited",
            "edit the file by hand: properties.memo must be 'b'",
        ),
        (
            "b.yaml:3:20: an anchor (&a) repeats what is here in other places",
            "edit the file by hand: properties.memo must be 'd'",
        ),
    ]
    assert refused.value.hint == "nothing was written"


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
