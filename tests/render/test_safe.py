"""What is done to foreign text."""

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.render import escaping


def test_no_character_that_acts_instead_of_showing_is_left() -> None:
    """Controls, formats, surrogates, line separators and what has no known look are written out."""
    acting = {"Cc", "Cf", "Cs", "Zl", "Zp", "Cn", "Co"}
    left = [
        hex(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in acting and escaping.visible(chr(code)) == chr(code)
    ]
    assert left == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Münster, 東京, ❤️", "Münster, 東京, ❤️"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("evil\u202etxt", r"evil\u202etxt"),
        ("\ufeffa\u200bb\u2028", r"\ufeffa\u200bb\u2028"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud7fc\ue0b0", r"\ud7fc\ue0b0"),
        ("##[add-mask]x", r"#\x23[add-mask]x"),
    ],
)
def test_hidden_characters_are_written_out(text: str, shown: str) -> None:
    """Letters of every script stay; what hides or directs is named."""
    assert escaping.visible(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("USD", "USD"),
        ("59 rue de l'Abbaye", "59 rue de l'Abbaye"),
        (r"C:\new", r"C:\new"),
        (" padded", '" padded"'),
        ("12 -> 14", '"12 -> 14"'),
        ("1  # drift: no", '"1  # drift: no"'),
        ("(cleared)", '"(cleared)"'),
        ("changed (personal)", '"changed (personal)"'),
        ('"quoted"', r'"\"quoted\""'),
        ("a\nb\\c", r'"a\nb\\c"'),
    ],
)
def test_a_value_that_could_be_misread_is_quoted(text: str, shown: str) -> None:
    """Nothing that a value holds can pass for an arrow, a note or a word of ours."""
    assert escaping.value(text) == shown


@given(st.text(max_size=30), st.text(max_size=30))
def test_two_values_are_never_shown_alike(left: str, right: str) -> None:
    """Where a value is escaped, it can be told from one that is written so."""
    assert (escaping.value(left) == escaping.value(right)) == (left == right)


def test_look_alikes_are_told_apart_in_a_pair() -> None:
    """A narrow space, a decomposed letter: the change is visible though it looks the same."""
    assert escaping.pair("1 000", "1\u00a0000") == ('"1 000"', r'"1\xa0000"')
    assert escaping.pair("é", "e\u0301") == (r'"\xe9"', r'"e\u0301"')
    assert escaping.pair("Münster", "Munster") == ("Münster", "Munster")


def test_long_values_keep_their_ends_and_what_differs() -> None:
    """The middle is left out and counted; two long values are cut around their difference."""
    assert escaping.value("x" * 200) == "x" * 200
    shown = escaping.value("a" * 60 + "b" * 900 + "c" * 40)
    assert shown.startswith("a" * 60) and shown.endswith("c" * 40)
    assert " … [900 characters] … " in shown
    before, after = escaping.pair("x" * 1000 + "OLD" + "y" * 1000, "x" * 1000 + "NEW" + "y" * 1000)
    assert "OLD" in before and "NEW" in after
    assert len(before) < 300
    before, after = escaping.pair("x" * 300, "x" * 300 + "!")
    assert before != after


@given(st.text(min_size=201, max_size=2000))
def test_shortening_accounts_for_every_character(text: str) -> None:
    """What is shown and what is said to be left out add up."""
    text = text.replace("…", "-")
    shown = escaping.shorten(text)
    left = [int(n.replace(",", "")) for n in re.findall(r" … \[([\d,]+) characters\] … ", shown)]
    kept = re.sub(r" … \[[\d,]+ characters\] … ", "", shown)
    assert len(kept) + sum(left) == len(text)


def test_a_line_that_would_be_a_runner_command_is_not_one() -> None:
    """GitHub reads a line that starts with two colons as a command, after any spaces."""
    assert escaping.line_start("  ::add-mask::x") == r"  \x3a:add-mask::x"
    assert escaping.line_start("  name  ::x") == "  name  ::x"


def test_masking_leaves_out_what_is_personal() -> None:
    """Known values, addresses and quoted sentences go; names of properties stay."""
    text = "12 rue X: \"Paul H\" is not valid for 'hs_note', paul@example.com (FR)"
    assert (
        escaping.mask(text, ["12 rue X", "FR", " "])
        == "(personal): \"…\" is not valid for 'hs_note', (personal) ((personal))"
    )


def test_columns_are_counted_as_a_terminal_does() -> None:
    """Wide letters take two columns and combining marks none."""
    assert escaping.width("abc") == 3
    assert escaping.width("東京é") == 5
    assert escaping.width("e\u0301é") == 2


def test_markers_of_two_targets_differ() -> None:
    """A name that has to be changed for a comment gets a digest of its own."""
    assert escaping.marker_name("eu-prod.1") == "eu-prod.1"
    names = {
        escaping.marker_name(name) for name in ("a b", "a-b", "a--b", "a-->b", "ä", "", "x" * 99)
    }
    assert len(names) == 7
    assert all(re.fullmatch(r"[\w.-]*", name, re.ASCII) and "--" not in name for name in names)


def test_annotations_are_escaped_as_the_runner_reads_them() -> None:
    """Percent signs and line ends in data; colons and commas too in properties."""
    assert escaping.annotation_data("50%\r\n:,") == "50%25%0D%0A:,"
    assert escaping.annotation_property("a:b,c%") == "a%3Ab%2Cc%25"
