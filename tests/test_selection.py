"""Which tests run when, and rules that no linter knows."""

import ast
import re
from itertools import product
from pathlib import Path

from selection import representatives

HERE = Path(__file__).parent
FILES = sorted(path for path in HERE.rglob("test_*.py") if "benchmarks" not in path.parts)
CASES = {f"{a}-{b}": {("a", a), ("b", b)} for a, b in product(range(6), range(4))}


def test_the_default_run_has_every_value_of_a_matrix() -> None:
    """It has fewer cases than there are, and each value of each parameter at least once."""
    kept = representatives(CASES)
    assert len(kept) < len(CASES)
    assert set().union(*(CASES[name] for name in kept)) == set().union(*CASES.values())


def test_no_more_cases_are_kept_than_asked_for() -> None:
    """Values are left to the long form then."""
    assert len(representatives(CASES, keep=3)) == 3


def test_the_same_cases_are_kept_whatever_their_order() -> None:
    """Each process that runs tests chooses alike."""
    assert representatives(dict(reversed(CASES.items()))) == representatives(CASES)


def test_the_guide_names_files_that_exist() -> None:
    """Each path in tests/README.md is in the tree, and each folder of tests is in the guide."""
    text = (HERE / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:tests|\.ci)/[\w./-]+)`", text))
    assert [name for name in named if not (HERE.parent / name).exists()] == []
    folders = {f"tests/{path.relative_to(HERE).parts[0]}/" for path in FILES if path.parent != HERE}
    assert folders <= named


def test_no_test_has_to_be_quick() -> None:
    """None asserts that less than some time has passed: on a busy machine that is not so."""
    found = [
        f"{file.relative_to(HERE)}:{node.lineno}"
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert)
        if re.search(r"\b(monotonic|perf_counter|time)\(\)[^=>]*<", ast.unparse(node))
    ]
    assert found == []
