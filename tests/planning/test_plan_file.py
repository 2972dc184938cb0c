"""A plan as a file."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_examples import examples
from strategies import plans
from world import EMAILS, World, order

from reconcile.errors import UsageError
from reconcile.model.address import Address
from reconcile.model.plan import Action, Plan, RecordChange, TargetPin, UnitChange
from reconcile.planning.effect_digests import with_effect_digests
from reconcile.planning.plan_file import FORMAT, content_digest, dump, load, pinned_digest

QUICK = examples(60)


def file_of(plan: Plan, *, created: str = "2026-01-02T03:04:05Z") -> bytes:
    """The whole file."""
    return b"".join(dump(plan, version="0.1", created=created))


@QUICK
@given(plans())
def test_a_plan_survives_its_file(plan: Plan) -> None:
    """Every field of every change comes back."""
    loaded, footer = load(file_of(plan))
    assert (loaded, footer.content) == (plan, content_digest(plan))


@QUICK
@given(plans())
def test_the_clock_is_not_in_the_content_digest(plan: Plan) -> None:
    """An identical re-plan keeps what reviews are bound to."""
    early, late = file_of(plan), file_of(plan, created="2027-01-01T00:00:00Z")
    assert early != late
    assert load(early)[1].content == load(late)[1].content == content_digest(plan)


@QUICK
@given(plans(), plans())
def test_different_plans_have_different_digests(one: Plan, other: Plan) -> None:
    """And equal ones equal digests, whatever they say of other records."""
    beside = {"serial": 0, "paths": (), "unchanged": 0, "undeclared": ()}
    one, other = (replace(plan, **beside) for plan in (one, other))
    assert (one == other) == (pinned_digest(one) == pinned_digest(other))
    for change in ({"serial": 7}, {"paths": ("more",)}, {"unchanged": 7}, {"lineage": "other"}):
        assert content_digest(replace(one, **change)) == content_digest(one)
    assert pinned_digest(replace(one, lineage="other")) != pinned_digest(one)


def test_the_footer_counts_records_by_action_and_kind() -> None:
    """A reader of the last line alone knows how large the plan is."""
    footer = json.loads(file_of(example()).splitlines()[-1])
    assert footer["counts"] == {"adopt": {"order": 2}}


@QUICK
@given(plans(), st.data())
def test_a_changed_byte_is_refused_wherever_it_is(plan: Plan, data: st.DataObject) -> None:
    """Edits and damage of every sort end in one clear error."""
    whole = file_of(plan)
    at = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(1, 255))
    changed = whole[:at] + bytes([whole[at] ^ byte]) + whole[at + 1 :]
    with pytest.raises(UsageError):
        load(changed)


@QUICK
@given(plans(), st.data())
def test_a_cut_or_lengthened_file_is_refused(plan: Plan, data: st.DataObject) -> None:
    """So is one without its end, and one with something after it."""
    whole = file_of(plan)
    at = data.draw(st.integers(0, len(whole) - 1))
    for changed in (whole[:at], whole + whole[at:], whole + b"\n", whole[at:] or b"x"):
        if changed != whole:
            with pytest.raises(UsageError):
                load(changed)


def test_units_cannot_be_reordered_or_dropped() -> None:
    """Not even by whole lines."""
    plan = example()
    lines = file_of(plan).splitlines(keepends=True)
    assert len(lines) == 5
    for numbers in ([0, 1, 3, 2, 4], [0, 1, 2, 4], [0, 1, 2, 2, 3, 4]):
        with pytest.raises(UsageError, match="digest"):
            load(b"".join(lines[n] for n in numbers))


def test_another_format_is_refused_by_its_number() -> None:
    """A newer file is not guessed at."""
    lines = file_of(example()).splitlines(keepends=True)
    head = json.loads(lines[0]) | {"format": FORMAT + 1}
    with pytest.raises(UsageError, match=f"format {FORMAT + 1}"):
        load(json.dumps(head).encode() + b"\n" + b"".join(lines[1:]))


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"\n\n\n", b"{}\n{}\n{}\n", b"[]\n[]\n[]\n", b"\xff\xfe\n\n\n", b"1\n" * 9]
)
def test_what_is_not_a_plan_file_is_refused(data: bytes) -> None:
    """With an error a person can read."""
    with pytest.raises(UsageError):
        load(data)


def test_lines_break_at_newlines_only() -> None:
    """Values may hold characters that other programs take for the end of a line."""
    plan = example()
    odd = "a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g\rh"
    unit = plan.units[0]
    change = replace(unit.changes[0], keep=(("memo", odd),))
    plan = replace(plan, units=(replace(unit, changes=(change,)), *plan.units[1:]))
    assert plan == load(file_of(plan))[0]


def example() -> Plan:
    """Two units."""
    units = tuple(
        UnitChange(
            address=Address("order", key),
            changes=(RecordChange(Address("order", key), Action.ADOPT, id="1", adopts=True),),
            definitions="0" * 64,
        )
        for key in ("A", "B")
    )
    target = TargetPin("t", 1, "SANDBOX")
    units = with_effect_digests(units, target, None)
    return Plan(target, units, identities=(("order", "unique", "reconcile_key"),))


def test_an_identical_plan_of_the_same_account_has_the_same_digest(world: World) -> None:
    """Its digest depends neither on the time nor on where in the files its documents are."""
    company = [{"id": "501"}, {"id": "501", "label": "primary"}, {"id": "502"}]
    documents = [
        order("A", memo="x", weight="1", associations={"company": company}),
        order("B", associations={"contact": [{"email": email} for email in EMAILS]}),
    ]
    first = content_digest(world.plan(*documents))
    assert first == content_digest(world.plan())
    turned = order("A", weight="1", memo="x", associations={"company": company[::-1]})
    assert first == content_digest(world.plan(documents[1], turned))
    world.apply()
    assert first != content_digest(world.plan())
