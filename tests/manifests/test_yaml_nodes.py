"""YAML that is read, and YAML that is refused, with positions."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from random_examples import examples

from reconcile.manifests import yaml_nodes
from reconcile.manifests.documents import read_document
from reconcile.manifests.problems import ProblemReport
from reconcile.manifests.yaml_nodes import Items, Table, Text, read

pytestmark = pytest.mark.usefixtures("loader")

PRINTABLE = st.characters(exclude_categories=["Cs", "Cc"])
TEXTS = st.text(PRINTABLE | st.sampled_from("\n\t"), max_size=60)


def order(value: str) -> str:
    """A manifest with one property, its value at line 4, column 6."""
    return f"kind: order\nkey: A\nproperties:\n  x: {value}\n"


@pytest.mark.parametrize(
    "text",
    ["05021", "19.90", "NO", "1996-07-04", "1e3", "0x1F", "true", "1_000", ".5", "=", "null."],
)
def test_values_stay_the_characters_that_are_written(project: Any, text: str) -> None:
    """No value is taken for a number, a date or a truth value."""
    (unit,) = project.units(order(text))
    assert unit.root.properties == {"x": text}


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ('"null"', "null"),
        ("'~'", "~"),
        ("!!str 5", "5"),
        ("!!str null", "null"),
        ('""', ""),
        ("|\n    a\n    b\n", "a\nb\n"),
        (">-\n    a\n    b\n", "a b"),
        (r'"a\tb\n"', "a\tb\n"),
        ('"😀 \u00e9"', "😀 \u00e9"),
    ],
)
def test_quoted_and_tagged_text_is_text(project: Any, written: str, text: str) -> None:
    """Quotes, !!str and block scalars all make text, even of what would be a missing value."""
    (unit,) = project.units(order(written))
    assert unit.root.properties == {"x": text}


@pytest.mark.parametrize("written", ["", "~", "null", "Null", "NULL", "!!str"])
def test_a_missing_value_offers_both_meanings(project: Any, written: str) -> None:
    """A property without a value is an error that says how to clear it and how to leave it."""
    problem = project.problem(order(written))
    assert problem.line == 4
    assert "has no value" in problem.message
    assert '""' in problem.hint
    assert "leave it out" in problem.hint


@pytest.mark.parametrize(
    "written", ["!!int 5", "!foo x", "! Sale !", "!!null ''", "!!python/name:os.system x"]
)
def test_tags_other_than_text_are_refused(project: Any, written: str) -> None:
    """A tag asks for a type, and there are none; a lone exclamation mark would just vanish."""
    problem = project.problem(order(written))
    assert (problem.line, problem.column) == (4, 6)
    assert "tag" in problem.message


@pytest.mark.parametrize("collection", ["!!map {}", "!!omap []", "!foo {}"])
def test_tagged_collections_are_refused(project: Any, collection: str) -> None:
    """Lists and mappings take no tag either."""
    report = ProblemReport("a")
    list(read(f"a: {collection}".encode(), report))
    assert "tag" in report.problems[0].message


@pytest.mark.parametrize("escape", [r"\a", r"\0", r"\r", r"\e", r"\x7f", r"\N"])
def test_control_characters_in_text_are_refused(project: Any, escape: str) -> None:
    """Escapes cannot bring in what a terminal or HubSpot would choke on."""
    problem = project.problem(order(f'"a{escape}b"'))
    assert "control character U+" in problem.message
    assert (problem.line, problem.column) == (4, 6)


def test_lone_surrogates_are_refused(project: Any) -> None:
    """Half a character is not text, although one YAML parser accepts it."""
    assert project.problem(order(r'"\ud800"')).line == 4


@pytest.mark.parametrize("character", ["\x07", "\x00", "\x85", "\u2028", "\x7f", "\ufffe"])
def test_characters_that_yaml_readers_disagree_on_are_refused(project: Any, character: str) -> None:
    """Raw control characters and odd line separators end the file, with their place."""
    problem = project.problem(order(f"a{character}b"))
    assert f"U+{ord(character):04X}" in problem.message
    assert (problem.line, problem.column) == (4, 7)


def test_invalid_utf8_has_a_place(project: Any) -> None:
    """Latin-1 is not guessed at."""
    problem = project.problem("kind: order\nkey: é".encode() + b"\xe9")
    assert (problem.file, problem.line, problem.column) == ("a.yaml", 2, 7)
    assert "UTF-8" in problem.message


def test_utf16_is_refused(project: Any) -> None:
    """A byte order mark does not change the encoding."""
    assert "UTF-8" in project.problem(order("a").encode("utf-16")).message


def test_windows_files_are_read(project: Any) -> None:
    """A UTF-8 mark at the start and CRLF at the ends of lines are neither text nor harm."""
    text = b"\xef\xbb\xbf" + order("a").replace("\n", "\r\n").encode()
    (unit,) = project.units(text)
    assert unit.root.properties == {"x": "a"}
    assert unit.root.at == {"x": (4, 6)}


def test_broken_yaml_is_one_problem_with_a_place(project: Any) -> None:
    """The rest of a broken file is not guessed at."""
    problem = project.problem("kind: order\nkey: [1\nproperties: x: y\n")
    assert problem.line == 3
    assert "not YAML" in problem.message


def test_an_error_without_a_place_is_reported_too(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever PyYAML raises stays inside."""

    def fail(data: bytes) -> None:
        raise yaml.YAMLError

    monkeypatch.setattr(yaml_nodes, "LOADER", fail)
    assert project.problem(order("a")).message == "this is not YAML"


def test_a_colon_in_a_value_is_explained(project: Any) -> None:
    """The commonest slip has a hint."""
    assert "quotes" in project.problem(order("a: b")).hint


def test_a_tab_as_indentation_is_explained(project: Any) -> None:
    """So has the second commonest."""
    assert "tabs" in project.problem("kind: order\nproperties:\n\tx: a\n").hint


def test_a_name_standing_twice_names_the_first_place(project: Any) -> None:
    """The later of two equal names is the problem."""
    problem = project.problem(order("a") + "  x: b\n")
    assert (problem.line, problem.column) == (5, 3)
    assert "first in line 4, column 3" in problem.message


def test_merge_keys_are_refused(project: Any) -> None:
    """Merge keys would make it unclear which value counts."""
    text = "kind: order\nkey: A\nproperties: &p {x: a}\nlifecycle: {<<: *p}\n"
    problem = project.problem(text)
    assert "merge keys" in problem.message
    assert problem.line == 4


@pytest.mark.parametrize("key", ["? [a]\n: b", "? {a: b}\n: c", "~: b", "? *a\n: b"])
def test_names_must_be_text(key: str) -> None:
    """A list, a mapping, an alias or nothing cannot be a name."""
    report = ProblemReport("a")
    list(read(f"x: &a y\nz: *a\n{key}\n".encode(), report))
    (problem,) = report.problems
    assert "name in a mapping" in problem.message


def test_an_alias_repeats_its_anchor(project: Any) -> None:
    """An alias to a mapping or to a value writes it a second time."""
    (unit,) = project.units(
        "kind: order\nkey: &k A\nproperties: &p {x: a}\n"
        "line_items:\n- {key: 1, properties: *p}\n- {key: *k, properties: *p}\n"
    )
    assert [line.properties for line in unit.lines] == [{"x": "a"}, {"x": "a"}]
    assert unit.lines[1].address.key == "A"


@pytest.mark.parametrize("text", ["a: *b", "a: &a [*a]", "a: &b 1\nc: &b [*b]"])
def test_aliases_need_a_finished_anchor(text: str) -> None:
    """An alias to nothing, or to a node that contains it, ends the file."""
    report = ProblemReport("a")
    list(read(text.encode(), report))
    (problem,) = report.problems
    assert "is not an anchor that ends before it" in problem.message


def test_an_alias_bomb_is_defused(project: Any) -> None:
    """Ten levels of ten aliases are refused before they cost anything."""
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 11)
    )
    report = ProblemReport("a")
    assert list(read(bomb.encode(), report)) == []
    (problem,) = report.problems
    assert "aliases" in problem.message


def test_deep_nesting_is_refused(project: Any) -> None:
    """A hundred thousand brackets are refused at the thirty-third."""
    problem = project.problem("[" * 100_000)
    assert (problem.line, problem.column) == (1, 33)
    assert "32 levels" in problem.message
    report = ProblemReport("a")
    assert len(list(read(b"[" * 32 + b"]" * 32, report))) == 1
    assert report.problems == []


@pytest.mark.parametrize(
    ("inner", "messages"), [(15, []), (16, ["nested more than 32 levels deep"])]
)
def test_aliases_count_as_deep_as_what_they_repeat(inner: int, messages: list[str]) -> None:
    """A chain of aliases does not evade the limit."""
    first = "[" * inner + "x" + "]" * inner
    second = "[" * 16 + "*a" + "]" * 16
    report = ProblemReport("a")
    list(read(f"[&a {first}, &b {second}]".encode(), report))
    assert [problem.message for problem in report.problems] == messages


def test_nodes_carry_places() -> None:
    """Lines and columns count from 1; a mapping's entry knows its name's place."""
    (root,) = read(b"a:\n  - b\n  - {c: d}\n", ProblemReport("a"))
    assert isinstance(root, Table)
    entry = root.entries["a"]
    assert (entry.line, entry.column) == (1, 1)
    assert isinstance(entry.value, Items)
    first, second = entry.value.nodes
    assert first == Text("b", 2, 5)
    assert isinstance(second, Table)
    assert second.entries["c"].value == Text("d", 3, 9)


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True), TEXTS, max_size=4))
def test_what_is_written_is_read(properties: dict[str, str]) -> None:
    """Any text that a careful writer puts down comes back as it was."""
    document = {"kind": "order", "key": "A", "properties": properties}
    report = ProblemReport("a")
    (node,) = read(yaml.safe_dump(document, default_style='"').encode(), report)
    declared = read_document(node, report)
    assert report.problems == []
    assert declared is not None
    assert declared.record.properties == properties
    assert set(declared.record.at) == set(properties)


@examples(200)
@given(st.binary(max_size=80) | st.text("{}[]&*!|>:-,#~'\"\n a%@`<?", max_size=80).map(str.encode))
def test_anything_is_read_or_reported(data: bytes) -> None:
    """No input escapes as an exception."""
    report = ProblemReport("a")
    for node in read(data, report):
        read_document(node, report)
    assert all(problem.line >= 0 for problem in report.problems)
