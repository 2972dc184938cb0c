"""Edits of single values in YAML: what changes, what stays byte for byte, and what is refused."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from random_examples import examples

from reconcile.manifests.problems import ProblemReport
from reconcile.manifests.yaml_edit import edit_values
from reconcile.manifests.yaml_slots import Edit
from tests.manifests.yaml_styles import Writer

RENAME = (Edit((0, "moved_from"), "OLD", after="key"), Edit((0, "key"), "NEW"))

PRINTABLE = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
ODD = (
    *("", " ", "null", "~", "true", "no", "0123", "1e3", "0x1f", "1:30", "2024-01-31", ".5", "="),
    *(
        "# x",
        "a # b",
        "a #b",
        "a: b",
        "a:",
        ": a",
        "- a",
        "-",
        "---",
        "...",
        "? a",
        "a?",
        "<<",
        "a\\b",
    ),
    *("*a", "&a", "!a", "|", ">", "%a", "@a", "`a", "[a]", "{a}", "a, b", "'", '"', "it's", '"a"'),
    *(" a", "a ", "a\nb", "a\n\nb\n", "\n", "\t", "a\tb", "é", "e\u0301", "\U0001f600", "\u2028"),
    *("\ufeff", "\u200b", "\xa0", "a" * 3_000),
)
TEXTS = st.sampled_from(ODD) | st.text(PRINTABLE | st.sampled_from("\n\t"), max_size=20)


def edit(text: str | bytes, *edits: Edit) -> tuple[str | None, list[str]]:
    """The text after the edits, or None, and what was refused with its place."""
    report = ProblemReport("a.yaml")
    data = text if isinstance(text, bytes) else text.encode()
    edited = edit_values(data, edits, report)
    return None if edited is None else edited.decode(), [*map(str, report.problems)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("kind: order\nkey: OLD\n", "kind: order\nkey: NEW\nmoved_from: OLD\n"),
        ("key: 'OLD'\nx: y\n", "key: 'NEW'\nmoved_from: 'OLD'\nx: y\n"),
        ('key:   "OLD"   # c\n\nx: y', 'key:   "NEW"   # c\nmoved_from: "OLD"\n\nx: y'),
        ('"key": OLD\n', '"key": NEW\nmoved_from: OLD\n'),
        ("  key: OLD\n  x: y\n", "  key: NEW\n  moved_from: OLD\n  x: y\n"),
        ("key: OLD\r\nx: y\r\n", "key: NEW\r\nmoved_from: OLD\r\nx: y\r\n"),
        ("\ufeffkey: OLD\n", "\ufeffkey: NEW\nmoved_from: OLD\n"),
        ("x: y\nkey: OLD", "x: y\nkey: NEW\nmoved_from: OLD\n"),
        ("{kind: order, key: OLD, x: y}", "{kind: order, key: NEW, moved_from: OLD, x: y}"),
        ("{\n  key: OLD,  # c\n}\n", "{\n  key: NEW, moved_from: OLD,  # c\n}\n"),
        ("key: OLD\n  TOO\nx: y\n", "key: NEW\nmoved_from: OLD\nx: y\n"),
        ('key: "OLD\n  TOO"\nx: y\n', 'key: "NEW"\nmoved_from: "OLD"\nx: y\n'),
        ("? key\n: OLD\n", "? key\n: NEW\nmoved_from: OLD\n"),
        ("key: 0123\n", "key: NEW\nmoved_from: OLD\n"),
        ("key: ~\n", "key: NEW\nmoved_from: OLD\n"),
        ("# a\n---\nkey: OLD\n...\n", "# a\n---\nkey: NEW\nmoved_from: OLD\n...\n"),
        ("%YAML 1.2\n---\nkey: OLD\n", "%YAML 1.2\n---\nkey: NEW\nmoved_from: OLD\n"),
        ("--- {key: OLD}\n--- {key: X}\n", "--- {key: NEW, moved_from: OLD}\n--- {key: X}\n"),
        ("---\n# a\n---\nkey: OLD\n", "---\n# a\n---\nkey: NEW\nmoved_from: OLD\n"),
        ("x: |\n  a\n  b\nkey: OLD\n", "x: |\n  a\n  b\nkey: NEW\nmoved_from: OLD\n"),
        ("x: &a [1]\ny: *a\nkey: OLD\n", "x: &a [1]\ny: *a\nkey: NEW\nmoved_from: OLD\n"),
        ("x: &a [1]\ny: &a [2]\nkey: OLD", "x: &a [1]\ny: &a [2]\nkey: NEW\nmoved_from: OLD\n"),
    ],
)
def test_an_edit_changes_a_value_and_adds_a_line(before: str, after: str) -> None:
    """The value keeps its quotes, the new line has its neighbour's, and every other byte stays."""
    assert edit(before, *RENAME) == (after, [])


def test_each_document_is_edited_by_itself() -> None:
    """Documents count from 0; empty ones do not count."""
    text = "a: 1\n---\n# none\n---\na: 1\n...\n# none\n---\na: 1\n"
    first, second, third = (edit(text, Edit((n, "a"), "2"))[0] for n in range(3))
    assert first == "a: 2" + text[4:]
    assert second == text.replace("a: 1\n...", "a: 2\n...")
    assert third == text[:-5] + "a: 2\n"


def test_values_in_lists_and_mappings_are_found() -> None:
    """A path has names, and indexes of lists."""
    text = "lines:\n- key: A  # one\n- {key: B, x: [1, 2]}\n-   key: C\n    x: y\n"
    edits = [
        Edit((0, "lines", 0, "key"), "a"),
        Edit((0, "lines", 1, "x", 1), "b"),
        Edit((0, "lines", 2, "z"), "c", after="key"),
    ]
    wanted = "lines:\n- key: a  # one\n- {key: B, x: [1, b]}\n-   key: C\n    z: c\n    x: y\n"
    assert edit(text, *edits) == (wanted, [])


def test_a_name_without_a_neighbour_is_added_at_the_end_of_the_file() -> None:
    """Below its last comments, where the author looks for it."""
    assert edit("a: 1\n# end", Edit((0, "b"), "2"))[0] == 'a: 1\n# end\nb: "2"\n'
    assert edit("{a: 1, b: [2]}", Edit((0, "c"), "x"))[0] == '{a: 1, b: [2], c: "x"}'


@pytest.mark.parametrize(
    ("before", "refused"),
    [
        ("key: &a OLD\nx: *a\n", "1:6: an anchor (&a) repeats what is here in other places"),
        ("x: &a OLD\nkey: *a\n", "1:4: an anchor (&a) repeats what is here in other places"),
        ("key: |-\n  OLD\n", "1:6: a block of lines (|) is not edited"),
        ("x: y\nkey: >-\n  OLD\n", "2:6: a block of lines (>) is not edited"),
        ("key: !!str OLD\n", "1:6: a value with a tag (!) is not edited"),
        ("key:\nx: y\n", "1:5: there is no value here to replace"),
        ("key: {a: b}\n", "1:6: there are several values here, not one"),
        ("{}\n", "1:1: there is nothing here to add a line to"),
        (
            "# c\n---\nx: y\nkey:\tOLD\n",
            "4:5: ruamel.yaml does not read this: found character '\\t' "
            "that cannot start any token",
        ),
    ],
)
def test_what_cannot_be_edited_is_named_with_its_place(before: str, refused: str) -> None:
    """The file stays as it is, whatever else could be edited."""
    edited, problems = edit(before, Edit((0, "key"), "NEW"))
    assert edited is None
    assert problems == [f"a.yaml:{refused}"]


@pytest.mark.parametrize("after", ["", "x"])
def test_no_line_is_added_inside_a_file_without_a_neighbour(after: str) -> None:
    """Where a mapping ends, and whose the comments there are, is the author's to say."""
    edited, problems = edit("a:\n  x: [1]\nb: c\n", Edit((0, "a", "y"), "2", after=after))
    assert edited is None
    assert len(problems) == 1


def test_an_edit_that_would_change_another_value_is_refused() -> None:
    """A mapping that an alias repeats is not edited, and neither is one in a list's brackets."""
    text = "a: &m {x: y}\nb: *m\n"
    assert edit(text, Edit((0, "a", "x"), "z"))[0] is None
    assert edit(text, Edit((0, "b", "x"), "z"))[0] is None
    edited, problems = edit("a: [x: y]\n", Edit((0, "a", 0, "z"), "1", after="x"))
    assert (edited, problems) == (
        None,
        ["a.yaml:1:5: this edit would change what else the file says"],
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a\x07", "the control character U+0007 is not allowed in text"),
        ("a\r", "the control character U+000D is not allowed in text"),
        ("\ud800", "this is not YAML: found invalid Unicode character escape code"),
    ],
)
def test_text_that_no_manifest_can_hold_is_refused(text: str, why: str) -> None:
    """With the reason for which reading it would be refused."""
    edited, problems = edit("key: OLD\n", Edit((0, "key"), text))
    assert edited is None
    assert problems[0].startswith(f"a.yaml:1:6: the new text cannot be in a manifest: {why}")


def test_a_file_with_problems_is_not_edited() -> None:
    """They are reported as reading reports them."""
    edited, problems = edit("key: OLD\n<<: {a: b}\n", *RENAME)
    assert edited is None
    assert problems == ["a.yaml:2:1: merge keys (<<) are not supported"]


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        ("A", "0123", '"0123"'),
        ("1", "0123", "0123"),
        ("1.50", "12", "12"),
        ("1", "null", '"null"'),
        ("A", "yes", '"yes"'),
        ("A", "2024-01-31", '"2024-01-31"'),
        ("A", "a, b", "a, b"),
        ("[A]", "a, b", '["a, b"]'),
        ("[A]", "why?", '["why?"]'),
        ("A", 'say "a"', 'say "a"'),
        ("A", '"a"', "'\"a\"'"),
        ("'A'", "it's", "'it''s'"),
        ("'A'", "a\nb", '"a\\nb"'),
        ('"A"', "a\\b", '"a\\\\b"'),
        ("'A' # c", "a b", "'a b' # c"),
        ('"A" # c', "a", '"a" # c'),
    ],
)
def test_quotes_stay_and_are_added_where_the_text_needs_them(
    before: str, text: str, after: str
) -> None:
    """Text that looks like another type is written without quotes only where such text was."""
    path: tuple[int | str, ...] = (0, "x", 0) if before.startswith("[") else (0, "x")
    assert edit(f"x: {before}\n", Edit(path, text)) == (f"x: {after}\n", [])


def paths(node: Any, path: tuple[int | str, ...] = ()) -> list[tuple[int | str, ...]]:
    """The paths of all values in a tree."""
    if isinstance(node, str):
        return [path]
    steps = node.items() if isinstance(node, dict) else enumerate(node)
    return [found for step, value in steps for found in paths(value, (*path, step))]


NAMES = st.sampled_from(["key", "kind", "x", "properties", "b2"])
LEAVES = st.sampled_from(["A", "b7", "null", "0123", "a # b", "- é", "{x}", "a: b", ""])
TREES = st.dictionaries(
    NAMES,
    st.recursive(
        LEAVES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
        max_leaves=8,
    ),
    min_size=1,
    max_size=4,
).filter(paths)


Written = tuple[str, tuple[int | str, ...], tuple[int, int], Any]
"""A file, the path of one of its values, the value's place in the text, and what holds it."""


@st.composite
def files(draw: Any) -> Written:
    """Files of up to three documents."""
    tree = draw(TREES)
    target = draw(st.sampled_from(paths(tree)))
    writer = Writer(draw, target)
    before = draw(st.integers(0, 1))
    writer.text = writer.any("", "\ufeff") + f"other: 1{writer.newline}" * before
    if before or draw(st.booleans()):
        writer.text += f"---{writer.any('', ' # c')}{writer.newline}"
    if draw(st.booleans()):
        writer.flow(tree, ())
        writer.end(0)
    else:
        writer.block(tree, (), 0)
    writer.text += writer.any("", f"...{writer.newline}", f"--- {{more: 'x'}}{writer.newline}")
    return writer.text, (before, *target), writer.span, holder_of(tree, target)


def loaded(text: str) -> list[Any]:
    """What a reader that is not ours makes of a text."""
    return [one for one in yaml.load_all(text, yaml.BaseLoader) if one not in (None, "")]


def holder_of(tree: Any, path: tuple[int | str, ...]) -> Any:
    """The mapping or list that has the value at a path."""
    for step in path[:-1]:
        tree = tree[step]
    return tree


def alike(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))


@given(files(), TEXTS)
@examples(300)
def test_an_edit_of_any_style_changes_that_value_alone(written: Written, text: str) -> None:
    """Bytes outside the value stay, other values stay, and the same edit again changes nothing."""
    before, path, (start, end), _ = written
    change = Edit(path, text)
    edited, problems = edit(before, change)
    assert problems == []
    assert edited is not None
    assert edited[:start] == before[:start]
    assert edited[len(edited) - len(before) + end :] == before[end:]
    wanted = loaded(before)
    holder_of(wanted, path)[path[-1]] = text
    assert loaded(edited) == wanted
    assert edit(edited, change) == (edited, [])


@given(files(), TEXTS)
@examples(300)
def test_an_added_name_leaves_every_byte_that_was_there(written: Written, text: str) -> None:
    """Beside any value of a mapping, in brackets or in lines."""
    before, path, _, holder = written
    if not isinstance(holder, dict):
        return
    beside = (*path[:-1], "moved_from")
    change = Edit(beside, text, after=str(path[-1]))
    edited, problems = edit(before, change)
    assert problems == []
    assert edited is not None
    assert alike(before, edited) + alike(before[::-1], edited[::-1]) >= len(before)
    wanted = loaded(before)
    holder_of(wanted, beside)["moved_from"] = text
    assert loaded(edited) == wanted
    assert edit(edited, change) == (edited, [])
