"""``adopt``: which existing record a document takes over, and what is wrong with it."""

from typing import Any

import pytest

from reconcile.manifests.identity_rules import identity_problems
from reconcile.model.identity import RecordId, UniqueProperty
from reconcile.model.records import Adoption

ORDER = "kind: order\nkey: A\n"


def test_an_adoption_has_its_place(project: Any) -> None:
    """By id or by a property, on a document and on a nested line, for one target or for several."""
    (unit,) = project.units(
        'kind: order\nkey: A\nadopt: {production: {id: 12}, test: {hs_name: "x y"}}\n'
        "line_items:\n- {key: B, adopt: {hs_sku: M}}\n"
    )
    root, line = unit.records
    assert root.adopt == (
        Adoption("id", "12", "production", ("a.yaml", 3, 26)),
        Adoption("hs_name", "x y", "test", ("a.yaml", 3, 47)),
    )
    assert root.adoption("test").value == "x y"
    assert root.adoption("other") is None
    assert line.adoption("whatever") == Adoption("hs_sku", "M", "", ("a.yaml", 5, 28))


@pytest.mark.parametrize(
    ("text", "place", "words", "hint"),
    [
        ("adopt: 12", (3, 8), "'adopt' must be names with values", "{id: 123}"),
        ("adopt:", (3, 7), "'adopt' has no value", "{id: 123}"),
        ("adopt: {}", (3, 8), "must name one record, by one property", "{id: 123}"),
        ("adopt: {id: 1, hs_name: x}", (3, 8), "must name one record, by one property", ""),
        ("adopt: {id: NW-7}", (3, 13), "'NW-7' is not the id of a record", "Record ID"),
        ("adopt: {id: '007'}", (3, 13), "'007' is not the id of a record", "Record ID"),
        ("adopt: {id: \u0663}", (3, 13), "is not the id of a record", "Record ID"),
        ("adopt: {id: ''}", (3, 13), "the value of 'id' is empty", ""),
        ("adopt: {Name: x}", (3, 9), "'Name' is not a property name", ""),
        ("adopt: {id: 1, test: {id: 2}}", (3, 9), "'id' stands beside names of targets", ""),
        ("adopt: {test: {id: [1]}}", (3, 20), "the value of 'id' must be text", ""),
        (
            "adopt: {id: 1}\nlifecycle: {state: absent}",
            (3, 8),
            "a record cannot be adopted and absent",
            "adopt it and apply that first",
        ),
    ],
)
def test_what_does_not_fit_is_named(
    project: Any, text: str, place: tuple[int, int], words: str, hint: str
) -> None:
    """Each slip is one problem at its own place."""
    problem = project.problem(ORDER + text)
    assert (problem.line, problem.column) == place
    assert words in problem.message
    assert hint in problem.hint


def test_two_documents_with_one_record_are_a_problem_with_both_places(project: Any) -> None:
    """On one target; the same id on another target is another record."""
    project.write("a.yaml", "{kind: order, key: A, adopt: {id: 7}}")
    project.write("b.yaml", "{kind: order, key: B, adopt: {id: 7}}")
    (problem,) = project.problems()
    assert (problem.file, problem.line, problem.column) == ("b.yaml", 1, 35)
    assert "the order 'A' adopts the record with id '7' too, in a.yaml:1:1" in problem.message
    project.write("a.yaml", "{kind: order, key: A, adopt: {test: {id: 7}}}")
    project.write("b.yaml", "{kind: order, key: B, adopt: {production: {id: 7}}}")
    assert len(project.load()) == 2
    project.write("b.yaml", "{kind: cart, key: B, adopt: {test: {id: 7}}}")
    assert len(project.load()) == 2


def test_line_items_of_two_orders_may_have_one_value(project: Any) -> None:
    """Each is found among those of its own order; one order has one document for it."""
    line = "{key: '%s:mug', adopt: {hs_sku: MUG}}"
    document = "{kind: order, key: %s, line_items: [%s]}"
    project.write("a.yaml", document % ("A", line % "A"))
    project.write("b.yaml", document % ("B", line % "B"))
    assert len(project.load()) == 2
    project.write("b.yaml", document % ("B", f"{line % 'B'}, {line % 'b2'}"))
    (problem,) = project.problems()
    assert "the line item 'B:mug' adopts the record with hs_sku 'MUG' too" in problem.message


@pytest.mark.parametrize(
    ("adopt", "targets", "words"),
    [
        ("{id: 7}", ["test"], ""),
        ("{test: {id: 7}}", ["test"], ""),
        ("{test: {id: 7}}", ["production", "test"], ""),
        ("{id: 7}", ["production", "test"], "this project has several"),
        ("{staging: {id: 7}}", ["production", "test"], "there is no target 'staging'"),
    ],
)
def test_of_several_targets_one_is_named(
    project: Any, adopt: str, targets: list[str], words: str
) -> None:
    """A record has another id in every account."""
    (unit,) = project.units(f"{ORDER}adopt: {adopt}")
    problems = identity_problems(unit, {"order": UniqueProperty()}, targets)
    assert [words in one.message for one in problems] == ([True] if words else [])


def test_a_kind_found_by_id_adopts_nothing(project: Any) -> None:
    """Its key is the id already."""
    (unit,) = project.units('kind: order\nkey: "5"\nadopt: {id: 7}')
    (problem,) = identity_problems(unit, {"order": RecordId()}, ["test"])
    assert "its HubSpot id" in problem.message


@pytest.mark.parametrize("key", ["007", "0", "-7", "7.0", "\u0667", "seven", "7 7", "9" * 40])
def test_a_key_that_cannot_be_an_id_is_refused_where_keys_are_ids(project: Any, key: str) -> None:
    """HubSpot reads 007 as 7, so the record would not be found under its key."""
    (unit,) = project.units(f'kind: order\nkey: "{key}"')
    (problem,) = identity_problems(unit, {"order": RecordId()}, ["test"])
    assert problem.message.startswith(f"{key!r} is not a HubSpot record id")
