"""What differs between two documents: a record as it is, and as it is declared."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from deepdiff import Delta
from generated import inputs
from hypothesis import given
from hypothesis import strategies as st
from pure import Inputs, context_of

from reconcile.planning import planner
from reconcile.planning.associations import managed_associations
from reconcile.planning.compare import Difference, Document, Value, differences
from reconcile.planning.record_differences import documents

TEXTS = st.sampled_from(["", "x", "y", "two\nlines"])
NAMES = st.sampled_from(["a", "b", "c", "__d", "1", "2"])
TYPES = st.dictionaries(NAMES, st.just(value=True), max_size=3)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "properties": st.dictionaries(NAMES, TEXTS),
        "associations": st.dictionaries(NAMES, st.dictionaries(NAMES, TYPES, max_size=3)),
        "parent": TEXTS,
    },
)


def documents_of(drawn: Inputs) -> Iterator[tuple[Document, Document]]:
    """Yield the two documents of each record of a unit."""
    unit, observed, last = drawn.arguments
    for declared in unit.records:
        record = planner._record_input(declared, unit, observed, last, context_of([drawn]))
        yield documents(record, managed_associations(record))


def delta_of(found: list[Difference]) -> Delta:
    """Return differences as deepdiff's delta, which fails on a value that it does not expect."""
    rows: list[dict[str, Any]] = []
    for path, before, after in found:
        row: dict[str, Any] = {"path": list(path)}
        if before is None:
            row |= {"action": "dictionary_item_added", "value": after}
        elif after is None:
            row |= {"action": "dictionary_item_removed", "value": before}
        else:
            row |= {"action": "values_changed", "value": after, "old_value": before}
        rows.append(row)
    return Delta(flat_dict_list=rows, bidirectional=True, raise_errors=True)


def leaves(value: Value, *path: str) -> Iterator[tuple[tuple[str, ...], Value]]:
    """Yield all that is not a document itself, with its path."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from leaves(member, *path, name)
    else:
        yield path, value


@given(inputs())
def test_the_differences_of_a_record_turn_either_document_into_the_other(drawn: Inputs) -> None:
    """As a delta they turn the actual document into the declared one, and their inverse back."""
    for actual, desired in documents_of(drawn):
        found = differences(actual, desired)
        if found:
            delta = delta_of(found)
            assert actual + delta == desired
            assert desired - delta == actual
        else:
            assert actual == desired


@given(DOCUMENTS, DOCUMENTS)
def test_each_leaf_that_differs_is_reported_once(left: Document, right: Document) -> None:
    """Whatever is nested, added, removed or changed: nothing is left out, and nothing is equal."""
    reported = [path for one in differences(left, right) for path in one.leaves()]
    before, after = dict(leaves(left)), dict(leaves(right))
    assert sorted(reported) == sorted(
        path for path in before | after if before.get(path) != after.get(path)
    )


def test_documents_with_nothing_in_common_are_compared_member_by_member() -> None:
    """The change is never the document as a whole, however little two documents share."""
    left: Document = {"properties": {"a": "1", "b": "2", "c": "3"}}
    right: Document = {"properties": {"c": "4", "d": "5", "e": "6"}}
    found = differences(left, right)
    assert {one.path[-1]: one[1:] for one in found} == {
        "a": ("1", None),
        "b": ("2", None),
        "c": ("3", "4"),
        "d": (None, "5"),
        "e": (None, "6"),
    }


def test_texts_are_not_compared_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself deepdiff makes a diff of texts with lines, which takes seconds if they are long."""
    called: list[tuple[Any, ...]] = []
    monkeypatch.setattr(difflib, "unified_diff", lambda *texts, **_: called.append(texts) or [])
    old, new = "one\ntwo", "one\nthree"
    left: Document = {"properties": {"note": old, "gone": old}}
    right: Document = {"properties": {"note": new, "here": new}}
    found = differences(left, right)
    assert Difference(("properties", "note"), old, new) in found
    assert (len(found), called) == (3, [])
