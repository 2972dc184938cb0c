"""Words that the project has given up for the field's own do not come back."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

NOTES_ON_HUBSPOT = ROOT / "reconcile/sandbox/README.md"
"""Quotes HubSpot and other people's tools, in their words."""

IDENTIFIERS = (
    *("Belongings", "Departure", "LinkReader", "Overlay", "Settler", "Survey", "Unsettled"),
    *("began_as", "was_born_as", "conserve", "culprit", "culprits", "displaced", "fencing_number"),
    *("open_home", "make_home", "retold", "rival", "rivals", "settle", "settled", "settler"),
    *("settles", "settle_unfinished", "settling", "sign_of_life", "stranger", "strangers"),
    *("surgery", "tell_apart", "tell_twins", "twin", "twins", "unsettled", "untaken"),
    "who_is_it",
)
"""Names and single words, matched as a whole and in this spelling of capitals."""

PHRASES = (
    "asking again in",
    "begins with no known word",
    "begun and not yet settled",
    "ended in the middle",
    "fencing number",
    "finds out by reading",
    "for want of",
    "gave a sign of",
    "go on with a run",
    "goes on with it",
    "holds what is not reconcile's",
    "is no currency",
    "is no date",
    "is no drift",
    "is no guard",
    "is no kind",
    "is no name",
    "is no number",
    "is no plan file",
    "is no text",
    "is not whole: moving",
    "is there to erase",
    "it cannot be told",
    "let a guard pass",
    "names no kind of record",
    "no longer surely ours",
    "nobody knows whom",
    "nothing is taken for absent",
    "plan again to see",
    "planning again shows nothing",
    "removing what was made",
    "sign of life",
    "stands still while",
    "told from the others",
    "what came of it",
    "what its records are found by",
    "work on it by hand",
)
"""Parts of sentences, in any spelling of capitals, also across the end of a line or literal."""

_BETWEEN_WORDS = r"""(?:\s|\#|["']\s*[rf]*["'])+"""
"""Spaces, and what stands where a comment, a docstring or a literal goes on in the next line."""


def _pattern() -> re.Pattern[str]:
    names = "|".join(map(re.escape, IDENTIFIERS))
    texts = "|".join(
        _BETWEEN_WORDS.join(map(re.escape, phrase.split(" "))) for phrase in sorted(PHRASES)
    )
    return re.compile(rf"(?<!\w)(?:{names}|(?i:{texts}))(?!\w)")


RETIRED = _pattern()


def _hits(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line, counted from 1, and the wording of each retired word in a text."""
    for found in RETIRED.finditer(text):
        yield text.count("\n", 0, found.start()) + 1, " ".join(found[0].split())


def _test_names(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the words of the names that a module of tests defines, its own first."""
    yield 1, path.stem.replace("_", " ")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.lineno, node.name.replace("_", " ")


def _texts() -> Iterator[Path]:
    """Yield the files of the package and the pages that people read."""
    for path in sorted((ROOT / "reconcile").rglob("*.*")):
        if path.suffix in {".py", ".md", ".toml", ".html"} and path != NOTES_ON_HUBSPOT:
            yield path
    for folder in (".", "examples", "state", "tests"):
        yield from sorted((ROOT / folder).glob("**/*.md" if folder != "." else "*.md"))


def test_retired_words_stay_retired() -> None:
    """No code, docstring, message, page, or name in tests uses a retired word."""
    found = [
        f"{path.relative_to(ROOT)}:{line}: {words}"
        for path in _texts()
        for line, words in _hits(path.read_text(encoding="utf-8"))
    ]
    found += [
        f"{path.relative_to(ROOT)}:{line}: {words}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for line, name in _test_names(path)
        for _, words in _hits(name)
    ]
    assert not found, "\n".join(
        ["retired words; the vocabulary is in reconcile/README.md:", *found]
    )


@pytest.mark.parametrize(
    "text",
    [
        "class Settler:",
        "found.twins[address]",
        '"Go on with a run that"',
        '    f"{name} is "\n    f"no number"',
        "# It gave a\n    # sign of life.",
        '"""It ended in\n    the middle."""',
    ],
)
def test_retired_words_are_found(text: str) -> None:
    """A retired word is found in a name, a literal, a comment and across the end of a line."""
    assert [line for line, _ in _hits(f"\n{text}")] == [2]


@pytest.mark.parametrize("text", ["RateLimit", "Arrivals", "is no longer", "settings", "untwined"])
def test_other_words_are_left_in_peace(text: str) -> None:
    """A word that merely contains a retired one, or begins like it, is not found."""
    assert not list(_hits(text))
