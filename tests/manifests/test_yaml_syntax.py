"""Text that YAML would drop from a value, and text that YAML reads as syntax."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_examples import examples

from reconcile.manifests.documents import read_document
from reconcile.manifests.problems import ProblemReport
from reconcile.manifests.yaml_nodes import read

pytestmark = pytest.mark.usefixtures("loader")

SHOP = """\
kind: order
key: SH-1001
properties:
  hs_order_name: Order #1001
  hs_shipping_address_street: 12 Main St #4
  hs_tags: vip, #wholesale
  hs_shipping_address_name: &Sons Ltd
"""


def order(value: str) -> str:
    """A manifest with a property x, its value at line 4, column 6, and a property w after it."""
    return f"kind: order\nkey: A\nproperties:\n  x: {value}\n  w: 2\n"


def test_every_value_of_an_exported_order_that_yaml_cuts_is_refused(project: Any) -> None:
    """Text behind a number sign and a name behind an ampersand are refused where they are cut."""
    project.write("a.yaml", SHOP)
    problems = project.problems()
    assert [str(one).split(": ")[0] for one in problems] == [
        "a.yaml:4:24",
        "a.yaml:5:42",
        "a.yaml:6:17",
        "a.yaml:7:29",
    ]
    for one in problems:
        assert "in quotes" in one.hint
    assert all("comment" in one.message for one in problems[:3])
    assert "anchor" in problems[3].message


@pytest.mark.parametrize(
    "value",
    [
        "Order #1001",
        "12 Main St # 4",
        "12 Main St # 4B",
        "12 Main St  #4B",
        "12 Main St\t# 4B",
        "vip, #gold",
        "a #",
        "Order\n    number #1001",
        "~ #1",
        "#1001",
    ],
)
def test_what_may_be_text_is_never_taken_for_a_comment(project: Any, value: str) -> None:
    """Only two spaces before the number sign, and one behind it, make a comment after a value."""
    project.write("a.yaml", order(value))
    before, _, _ = order(value).partition("#")
    lines = before.split("\n")
    found = {(one.line, one.column): one for one in project.problems("a.yaml")}
    assert "comment" in found[len(lines), len(lines[-1]) + 1].message


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("kind: order\nkey: A #1\n", 2, 8),
        ("kind: order\nkey: A\nmoved_from: B #1\n", 3, 15),
        ("kind: order\nkey: A\nproperties: {x: a #b\n  }\n", 3, 19),
        ("kind: order\nkey: A\nlifecycle:\n  ignore: [hs_tags, #hs_note\n    hs_x]\n", 4, 21),
        ('kind: order\nkey: A\nlifecycle:\n  ignore: ["hs_tags", #a\n    hs_x]\n', 4, 23),
        ("kind: order\nkey: A\nlifecycle:\n  state: absent #1\n", 4, 17),
        ("kind: order\nkey: A\nassociations:\n  contact: [{email: a@b.de #c\n  }]\n", 4, 28),
        ("kind: order\nkey: A\nproperties: {x: [vip, #gold]}\n", 3, 23),
        ("kind: order\nkey: A\nproperties: {x: '#', y: vip #gold}\n", 3, 29),
    ],
)
def test_text_is_not_cut_anywhere(project: Any, text: str, line: int, column: int) -> None:
    """Keys, references, lists and mappings in brackets lose no text either."""
    problem = project.problem(text)
    assert "comment" in problem.message
    assert (problem.line, problem.column) == (line, column)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Order Pipeline   # by label or by id", "Order Pipeline"),
        ("Order Pipeline  #", "Order Pipeline"),
        ("a\n  # the next one", "a"),
        ('"Order #1001" # its number', "Order #1001"),
        ("'vip, #gold' #tags", "vip, #gold"),
        ("|\n    a #b\n    #c\n", "a #b\n#c\n"),
        (">- # folded\n    a #b\n    c", "a #b c"),
        ("C#", "C#"),
        ("a\u00a0#b", "a\u00a0#b"),
        ("https://shop.example/#top", "https://shop.example/#top"),
    ],
)
def test_comments_and_number_signs_remain_possible(project: Any, value: str, text: str) -> None:
    """A comment set apart is a comment; in quotes, in blocks and inside words # is text."""
    (unit,) = project.units(order(value))
    assert unit.root.properties == {"x": text, "w": "2"}


def test_a_comment_may_follow_what_holds_no_text(project: Any) -> None:
    """Behind a name, a bracket or a dash nothing can be lost."""
    (unit,) = project.units(
        "kind: cart  # a cart\nkey: A\nproperties: # all\n  x: a\nassociations: # links\n"
        "  contact: [{id: '1'}] # by id\nline_items: # lines\n  - # first\n    key: B\n"
    )
    assert unit.root.properties == {"x": "a"}


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_places_are_right_whatever_ends_the_lines(project: Any, newline: str) -> None:
    """A mark at the start of the file and foreign line ends do not shift a place."""
    text = "\ufeff" + order("Order #1001").replace("\n", newline)
    problem = project.problem(text.encode())
    assert (problem.line, problem.column) == (4, 12)


@pytest.mark.parametrize("value", ["&Sons Ltd", "&Sons", "&Sons 'Ltd'", "&a &b"])
def test_an_anchor_that_nothing_refers_to_is_refused(project: Any, value: str) -> None:
    """The ampersand and the word after it would vanish."""
    project.write("a.yaml", order(value))
    problems = project.problems("a.yaml")
    assert any("anchor" in one.message and '"&…"' in one.hint for one in problems)
    assert problems[0].line == 4


def test_an_anchor_is_refused_unless_it_is_used_as_itself(project: Any) -> None:
    """A name given again, or in another document, means another anchor."""
    again = "kind: order\nkey: A\nproperties:\n  x: &a one\n  y: &a two\n  z: *a\n"
    assert project.problem(again).line == 4
    other = "kind: order\nkey: A\nproperties: {x: &a one}\n---\nkind: cart\nkey: &a B\n"
    project.write("a.yaml", other)
    assert [one.line for one in project.problems()] == [3, 6]
    nested = "kind: order\nkey: A\nproperties:\n  x: &a one\nassociations: &a {}\nlifecycle: *a\n"
    assert project.problem(nested).line == 4


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        ("*special offer*", "* begins an alias"),
        ("* special", "* begins an alias"),
        ("*special", "* begins an alias"),
        ("& Sons", "& begins an anchor"),
        ("!important", "! begins a tag"),
        ("! important", "! begins a tag"),
        ("%off", "% begins a directive"),
        ("@home", "@ is reserved"),
        ("`x`", "` is reserved"),
        ("|a|", "| begins a block"),
        ("|", "| begins a block"),
        ("> 5 items", "> begins a block"),
        (">5", "> begins a block"),
        ("[VIP] John", "[ begins a list"),
        ("{VIP} John", "{ begins a mapping"),
        ("] x", "] ends a list"),
        (", x", ", separates values"),
        ("? x", "? begins a name"),
        ("- x", "- begins an item of a list"),
    ],
)
def test_a_character_that_means_something_to_yaml_is_explained(
    project: Any, value: str, meaning: str
) -> None:
    """The message says what the first character means, and the hint how to write it as text."""
    problem = project.problem(order(value))
    assert (problem.line, problem.column) == (4, 6)
    assert meaning in problem.message
    assert "in quotes" in problem.hint
    assert f'"{value[0]}…"' in problem.hint


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('"12 inch', "is not closed"),
        ("'s-Hertogenbosch", "is not closed"),
        ("'s-Hertogenbosch\n---\nkind: cart\nkey: B", "is not closed"),
        ("'s-Hertogenbosch\n  y: 's-Gravenhage", "still open in line 5"),
        ("'t Hof\n  y: the dogs'", "still open in line 5"),
        ("'t Hof\n\n    and so on\n    'n' more", "closed only in line 7"),
        ('"Fine" wine', "before the value ends"),
        ("'Sam's Club'", "before the value ends"),
    ],
)
def test_a_quote_is_reported_where_it_opens(project: Any, value: str, message: str) -> None:
    """However far the text in quotes goes on, the place is the quote that was not closed."""
    project.write("a.yaml", order(value))
    problems = project.problems("a.yaml")
    assert (problems[0].line, problems[0].column) == (4, 6)
    assert message in problems[0].message
    assert "close it" in problems[0].hint
    assert "\"'s-H" in problems[0].hint or "'12\"" in problems[0].hint


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('kind: order\nkey: A\nproperties:\n  x: "a\n\n   b"\n', "a\nb"),
        ('kind: order\nkey: A\nproperties:\n  x:\n    "a\n    b"\n', "a b"),
        ('kind: order\nkey: A\nproperties: {x: "a\n b"}\n', "a b"),
        ('{kind: order, key: A, properties: {x: "a\nb"}}\n', "a b"),
    ],
)
def test_text_in_quotes_may_go_on_in_indented_lines(project: Any, text: str, value: str) -> None:
    """What YAML allows of lines within quotes is read."""
    (unit,) = project.units(text)
    assert unit.root.properties == {"x": value}


def test_text_in_quotes_may_go_on_below_a_dash(project: Any) -> None:
    """An item of a list goes on deeper than its dash."""
    report = ProblemReport("a")
    list(read(b'a:\n  - "x\n   y"\n  - {b: "x\n   y"}\n  - c: "x\n     y"\n', report))
    assert report.problems == []
    list(read(b'a:\n  - c: "x\n    y"\n', report))
    assert [one.line for one in report.problems] == [2]


def test_an_unknown_escape_is_explained(project: Any) -> None:
    """A path in double quotes needs other quotes, or two backslashes."""
    problem = project.problem(order(r'"C:\query"'))
    assert problem.line == 4
    assert "single quotes" in problem.hint


@pytest.mark.parametrize(
    ("value", "not_text", "hint"),
    [
        ("[a, b]", "not a list", '"a;b"'),
        ("\n  - a\n  - b", "not a list", '"a;b"'),
        ("{a: b}", "not names with values", "indented below"),
        ("\n    a: b", "not names with values", "indented below"),
    ],
)
def test_a_list_is_not_made_text_by_quotes(
    project: Any, value: str, not_text: str, hint: str
) -> None:
    """For several options of a property the hint shows how HubSpot wants them."""
    problem = project.problem(order(value))
    assert not_text in problem.message
    assert hint in problem.hint
    assert "quotes" not in problem.hint


@examples(200)
@given(st.text("ab#'\",&*!|>[]{}:- \t%@`", min_size=1, max_size=12))
def test_a_value_is_read_as_it_stands_or_refused(value: str) -> None:
    """Nothing after a name on its line is dropped, except a comment set apart."""
    report = ProblemReport("a")
    values = []
    for node in read(order(value).encode(), report):
        declared = read_document(node, report)
        if declared:
            values.append(declared.record.properties)
    if report.problems:
        return
    (properties,) = values
    stated = value.partition("  # ")[0].strip(" \t").removesuffix("  #").rstrip(" \t")
    if stated[:1] not in ("'", '"', "&"):
        assert properties.get("x") == stated
