"""What `explain` finds out about one record, and how it shows it."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pure import (
    HERE,
    KEY,
    LINE,
    ORDER,
    PAYER,
    Inputs,
    actual,
    applied,
    company,
    context_of,
    desired,
    one,
    plan_of,
)

from reconcile.model.explained import Applied, ExplainedRecord, ExplainedValue, Fate
from reconcile.model.plan import Reason
from reconcile.model.records import Lifecycle, Unit
from reconcile.planning.explained_values import explained
from reconcile.planning.planner import record_inputs
from reconcile.render.explain_json import record_json
from reconcile.render.explain_lines import record_lines
from reconcile.render.plan_view import PlanView, view


def explain(inputs: Inputs, **options: Any) -> tuple[ExplainedRecord, PlanView]:
    """Explain the last record of a unit by the plan of it; ``options`` are those of plan_of."""
    plan = plan_of([inputs], **options)
    (*_, record) = record_inputs(*inputs.arguments, context_of([inputs]))
    return explained(record, plan), view(plan, personal=True)


def lines_of(record: ExplainedRecord, shown: PlanView, *, personal: bool = True) -> str:
    """Return the text for people."""
    return "\n".join(line.text() for line in record_lines(record, shown, personal=personal))


def value(record: ExplainedRecord, name: str) -> ExplainedValue:
    """Return one of its values."""
    (found,) = (each for each in record.values if each.name == name)
    return found


@pytest.mark.parametrize(
    ("stored", "last", "now", "does"),
    [
        ("a", "a", Applied.SAME, (Fate.NONE, None, ())),
        ("b", "b", Applied.SAME, (Fate.WRITE, Reason.CHANGE, ())),
        ("b", "a", Applied.CHANGED, (Fate.LEFT, Reason.DRIFT, ())),
        ("b", "c", Applied.CHANGED, (Fate.HELD, Reason.BOTH, ("both",))),
        ("b", None, Applied.NEVER, (Fate.HELD, Reason.UNSEEN, ("adopt-update",))),
        ("", None, Applied.NEVER, (Fate.WRITE, Reason.CHANGE, ())),
    ],
)
def test_a_value_has_a_fate_and_its_reason(
    stored: str,
    last: str | None,
    now: Applied,
    does: tuple[Fate, Reason | None, tuple[str, ...]],
) -> None:
    """As the plan has it."""
    known = applied(memo=last) if last is not None else applied()
    record, _ = explain(one(desired(memo="a"), actual(memo=stored), known))
    found = value(record, "memo")
    assert (found.declared, found.now, found.location) == ("a", stored, HERE)
    assert (found.applied, (found.fate, found.reason, found.guards)) == (now, does)


def test_what_a_record_lacks_in_hubspot_is_created() -> None:
    """Its key is among what is written."""
    record, _ = explain(one(desired(memo="a")))
    assert {each.name: (each.now, each.fate) for each in record.values} == {
        KEY: (None, Fate.WRITE),
        "memo": (None, Fate.WRITE),
    }
    assert (record.id, record.managed) == ("", False)


def test_a_value_goes_with_the_rest_of_its_record() -> None:
    """No guard is its own."""
    inputs = one(desired(memo="a", weight="2"), actual(memo="b", weight="1"), applied(weight="1"))
    record, shown = explain(inputs)
    assert value(record, "weight").guards == ()
    text = lines_of(record, shown)
    assert "held back with the rest of the record: the manifest changed" in text
    assert "held back (adopt-update): reconcile has never seen the value in HubSpot" in text
    assert "shows all that is held back, and how to let it in" in text


def test_what_is_ignored_is_not_compared() -> None:
    """Once the record exists."""
    options = {"ignore": frozenset({"memo"})}
    record, _ = explain(one(desired(memo="a", options=options), actual(memo="b"), applied()))
    assert value(record, "memo").fate is Fate.IGNORED


def test_a_conflict_leaves_every_value() -> None:
    """Its reason is shown once."""
    declared = {"declared": {"order": frozenset({"z"})}}
    inputs = one(desired(memo="a"), actual(key="Z", memo="b"), applied(), context=declared)
    record, shown = explain(inputs)
    assert value(record, "memo").fate is Fate.CONFLICT
    assert lines_of(record, shown).count("which is declared as well") == 1


def test_associations_are_explained_like_values() -> None:
    """Made, as declared, and not declared any more."""
    declared = {"references": (company(), company("502"))}
    links = {ORDER: frozenset({PAYER})}
    inputs = one(
        desired(options=declared),
        actual(),
        applied(options={"links": frozenset({PAYER})}),
        observed={"links": links},
    )
    record, shown = explain(inputs)
    ends = [(each.declared, each.now, each.fate) for each in record.values if each.association]
    assert (str(company("502")), "", Fate.WRITE) in ends
    assert None in {declared for declared, *_ in ends}
    text = lines_of(record, shown)
    assert "association with a company" in text
    assert "no longer" in text


def test_a_personal_value_is_hidden_where_it_must_be() -> None:
    """In the table and in JSON."""
    declared = {"references": (company(),)}
    ana = desired(memo="Ana", options=declared)
    record, shown = explain(one(ana, actual(), applied()))
    values = tuple(replace(each, personal=True) for each in record.values)
    record = replace(record, run="run-1", values=values)
    for personal in (False, True):
        text = lines_of(record, shown, personal=personal)
        data = json.loads(record_json(record, shown, personal=personal))
        names = {each["name"]: each["declared"] for each in data["values"]}
        assert ("Ana" in text) is personal
        assert names["memo"] == ("Ana" if personal else "(personal)")
        assert "by run run-1" in text


def test_a_line_item_is_explained_with_its_order() -> None:
    """What is to be forgotten is not read; its id is remembered."""
    line = desired(LINE, options={"lifecycle": Lifecycle.FORGET})
    inputs = Inputs(
        Unit(ORDER, desired(), (line,)),
        {ORDER: actual()},
        {ORDER: applied(), LINE: applied("7", options={"key": "A:1"})},
    )
    record, shown = explain(inputs)
    assert (record.id, record.unit) == ("7", ORDER)
    text = lines_of(record, shown)
    assert "belongs to" in text
    assert json.loads(record_json(record, shown, personal=True))["action"] == "forget"
