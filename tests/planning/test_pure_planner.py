"""Planning is a pure function: the same inputs in any order give the same bytes."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pure import (
    ARCHIVE,
    CONFLICT,
    CREATE,
    FORGET,
    HERE,
    KEY,
    PROPERTIES,
    TYPES,
    Inputs,
    file_of,
    fingerprint,
    plan_of,
    value_hash,
)
from strategies import VALUES
from world import COMPANIES, explained

from reconcile.model.address import Address
from reconcile.model.guarded import guards_of
from reconcile.model.plan import Plan, Reason, RecordChange
from reconcile.model.policy import DRIFT, HELD, Policy
from reconcile.model.records import (
    Actual,
    Desired,
    LastApplied,
    Lifecycle,
    Link,
    Missing,
    Reference,
    Unit,
    ValueHashes,
)
from reconcile.model.values import normalise
from reconcile.planning.consistency import contradictions
from reconcile.planning.plan_file import load

QUICK = settings(max_examples=60, deadline=None, database=None, derandomize=True)

VALUE_SETS = st.fixed_dictionaries({}, optional=VALUES)
REFERENCES = st.lists(
    st.builds(
        Reference,
        to=st.just("company"),
        by=st.just("id"),
        value=st.sampled_from(COMPANIES),
        label=st.sampled_from(["", "primary", "Payer"]),
    ),
    unique=True,
    max_size=4,
).map(tuple)
LINKS = st.frozensets(
    st.builds(
        Link,
        st.just("company"),
        st.sampled_from([*COMPANIES, "503"]),
        st.sampled_from([934, 509]),
        st.just("HUBSPOT_DEFINED"),
    )
    | st.builds(
        Link, st.just("company"), st.sampled_from(COMPANIES), st.just(37), st.just("USER_DEFINED")
    ),
    max_size=4,
)

IGNORED = st.frozensets(st.sampled_from(sorted(TYPES)), max_size=2)
LIFECYCLES = st.sampled_from([Lifecycle.PRESENT] * 3 + [Lifecycle.ABSENT, Lifecycle.FORGET])
MISSING = st.sampled_from(["archived", "merged", "gone"])


@st.composite
def inputs(draw: st.DrawFn) -> Inputs:
    """One order with a line item, each in a state of its own."""
    key = draw(st.sampled_from(["A", "B", "C", "D"]))
    order, line = Address("order", key), Address("line_item", f"{key}:1")
    records: dict[Address, Desired] = {}
    actual: dict[Address, Actual] = {}
    last: dict[Address, LastApplied] = {}
    missing: dict[Address, Missing] = {}
    key_moved: dict[Address, str] = {}
    by_id: set[Address] = set()
    for number, address in enumerate((order, line)):
        id_ = f"{ord(key)}{number}"
        record = draw(declared(address))
        if number == 0:
            root_state = record.lifecycle
        elif root_state is not Lifecycle.PRESENT:  # as manifests have it
            record = replace(record, lifecycle=root_state, properties={})
        records[address] = record
        if draw(st.booleans()):
            names = [address.key, record.former.key if record.former else "", "X"]
            carried = draw(st.sampled_from(names))
            actual[address] = Actual(id_, {KEY: carried, **draw(VALUE_SETS)})
            if carried not in names[:2]:
                by_id.add(address)
        if draw(st.booleans()):
            known = record.former if record.former and draw(st.booleans()) else address
            other_record = address in actual and draw(st.booleans()) and draw(st.booleans())
            last[known] = draw(entries(f"9{id_}" if other_record else id_, known, order, line))
            if other_record and draw(st.booleans()):
                key_moved[address] = f"9{id_}"
            if address not in actual:  # fetching says of each such record what became of it
                missing[address] = Missing(id_, draw(MISSING), "77")
    recreate = frozenset(a.folded() for a in missing if draw(st.booleans()))
    links = {order: draw(LINKS)} if order in actual else {}
    lines = {actual[line].id} if line in actual and draw(st.booleans()) else ()
    return Inputs(
        Unit(order, records[order], (records[line],)),
        actual,
        last,
        {
            "missing": missing,
            "key_moved": key_moved,
            "by_id": frozenset(by_id),
            "links": links,
            "lines": frozenset(lines),
            "others": draw(st.integers(0, 2)),
        },
        {"recreate": recreate},
    )


@st.composite
def declared(draw: st.DrawFn, address: Address) -> Desired:
    """A declared record; absent and forgotten ones have no properties."""
    lifecycle = draw(LIFECYCLES)
    present = lifecycle is Lifecycle.PRESENT
    former = Reference(address.kind, "key", f"{address.key}-old", "", HERE)
    return Desired(
        address,
        draw(VALUE_SETS) if present else {},
        HERE,
        references=draw(REFERENCES) if present and address.kind == "order" else (),
        ignore=draw(IGNORED) if present else frozenset(),
        protect=present and draw(st.booleans()),
        lifecycle=lifecycle,
        moved_from=draw(st.sampled_from([None, None, former])),
    )


@st.composite
def entries(
    draw: st.DrawFn, id_: str, address: Address, order: Address, line: Address
) -> LastApplied:
    """The state's entry of a record; HubSpot may have rewritten a value, or the key was lost."""
    values = draw(VALUE_SETS)
    stored = values | draw(st.sampled_from([{}, {}, {"memo": "rewritten"}]))
    known = draw(st.sampled_from([True, True, True, False]))
    hashes = {
        name: ValueHashes(value_hash(name, text), value_hash(name, stored[name]))
        if known
        else ValueHashes("", "")
        for name, text in values.items()
    }
    return LastApplied(
        id_,
        address.key,
        hashes,
        fingerprint(values) if known else "",
        draw(LINKS if address.kind == "order" else st.just(frozenset())),
        parent=order if address.kind == line.kind else None,
        protect=draw(st.booleans()),
    )


def backwards(one: Inputs) -> Inputs:
    """The same inputs with every mapping and list in the opposite order."""
    root = one.unit.root and _reversed(one.unit.root)
    observed = {
        name: _turned(found) if isinstance(found, Mapping) else found
        for name, found in one.observed.items()
    }
    return Inputs(
        Unit(one.unit.address, root, tuple(map(_reversed, one.unit.lines))),
        _turned({a: Actual(r.id, _turned(r.properties)) for a, r in one.actual.items()}),
        _turned({a: replace(e, value_hashes=_turned(e.value_hashes)) for a, e in one.last.items()}),
        observed,
        one.context,
    )


def _reversed(record: Desired) -> Desired:
    return replace(
        record, properties=_turned(record.properties), references=record.references[::-1]
    )


def _turned(mapping: Mapping[Any, Any]) -> dict[Any, Any]:
    return dict(reversed(list(mapping.items())))


ANY = st.lists(inputs(), min_size=1, max_size=4, unique_by=lambda one: one.unit.address)
LET_IN = st.sets(st.sampled_from([*HELD, DRIFT])).map(lambda names: dict.fromkeys(names, 1))
REVERTS = st.sampled_from([{}, {"order": frozenset({"memo"})}])


def everything(plan: Plan) -> Iterator[RecordChange]:
    """Yield every change of a plan, held back or not."""
    for unit in plan.units:
        yield from (*unit.changes, *unit.held)


@QUICK
@given(ANY)
def test_the_same_inputs_give_the_same_bytes(found: list[Inputs]) -> None:
    """A second plan of the same inputs is the same file."""
    assert file_of(plan_of(found)) == file_of(plan_of(found))


@QUICK
@given(ANY)
def test_the_order_of_inputs_does_not_matter(found: list[Inputs]) -> None:
    """The order of units, fields, records and associations has no effect."""
    assert plan_of(found) == plan_of([backwards(one) for one in reversed(found)])


@QUICK
@given(ANY, LET_IN, REVERTS)
def test_every_record_is_changed_held_back_left_alone_or_unchanged(
    found: list[Inputs], allow: dict[str, int], reverts: dict[str, frozenset[str]]
) -> None:
    """None is lost from the count, none counted twice."""
    made = plan_of(found, allow=allow, reverts=reverts)
    addresses = [change.address for change in everything(made)]
    left = [one.address for unit in made.units for one in unit.left_alone]
    assert len(set(addresses)) == len(addresses)
    assert len(set(left)) == len(left)
    records = sum(len(one.unit.records) for one in found)
    assert records == made.unchanged + len({*addresses, *left})


@QUICK
@given(ANY, LET_IN)
def test_what_is_held_back_is_what_would_be_done(
    found: list[Inputs], allow: dict[str, int]
) -> None:
    """Allowing more moves changes out of what is held back, and alters none of them."""
    made = plan_of(found, allow=allow)
    more = plan_of(found, allow=allow | dict.fromkeys(HELD, 1))
    assert not any(unit.held for unit in more.units)
    assert sorted(everything(made), key=str) == sorted(more.records(), key=str)
    assert {one.address for one in made.records()} <= {one.address for one in more.records()}
    for unit in made.units:
        for change in unit.changes:
            assert guards_of(change) <= allow.keys()


@QUICK
@given(ANY, REVERTS)
def test_drift_is_left_alone_unless_it_is_asked_for(
    found: list[Inputs], reverts: dict[str, frozenset[str]]
) -> None:
    """No change has it, held back or not, and what is left alone is nothing else."""
    made = plan_of(found, reverts=reverts)
    standing = Policy(reverts)
    for change in everything(made):
        for field in change.fields:
            if field.name == KEY or change.action is ARCHIVE:
                continue
            kind = change.address.kind
            assert field.reason is not Reason.DRIFT or standing.puts_back(kind, field.name)
    for unit in made.units:
        for left in unit.left_alone:
            assert left.fields or left.links
            assert all(field.reason is Reason.DRIFT for field in left.fields)
            assert all(link.add for link in left.links)
            assert not {f.name for f in left.fields} & reverts.get(left.address.kind, frozenset())
    put_back = plan_of(found, allow={DRIFT: 99})
    assert not any(unit.left_alone for unit in put_back.units)


@QUICK
@given(ANY, LET_IN)
def test_fields_change_only_where_values_mean_something_else(
    found: list[Inputs], allow: dict[str, int]
) -> None:
    """And only declared fields; ignored ones only while the record is created."""
    desired = {record.address: record for one in found for record in one.unit.records}
    actual = {address: record for one in found for address, record in one.actual.items()}
    for change in everything(plan_of(found, allow=allow)):
        for field in change.fields:
            record = desired[change.address]
            if field.name == KEY or change.action is ARCHIVE:
                continue
            assert record.properties[field.name] == field.after
            if change.action is CREATE:
                continue
            assert field.name not in record.ignore
            stored = actual[change.address].properties.get(field.name)
            assert normalise(field.after, PROPERTIES[field.name]) != normalise(
                stored, PROPERTIES[field.name]
            )


@QUICK
@given(ANY)
def test_labels_of_others_are_in_what_is_written_and_never_in_what_is_removed(
    found: list[Inputs],
) -> None:
    """HubSpot replaces a pair's whole set, and the plain type takes every label along."""
    present = {a: links for one in found for a, links in one.observed["links"].items()}
    ours = {
        record.address: entry.links
        for one in found
        for record in one.unit.records
        if (entry := record.entry_in(one.arguments[2]))
    }
    for change in everything(plan_of(found, allow={DRIFT: 99})):
        linked = present.get(change.address, frozenset()) if change.id else frozenset()
        for link in change.links:
            types = {(one.category, one.type_id) for one in linked if one.id == link.id}
            if link.to == "company" and link.add:
                assert types <= set(link.types)
                assert set(link.types) == types | set(link.ours)
            elif link.to == "company":
                mine = {(o.category, o.type_id) for o in ours[change.address] if o.id == link.id}
                assert set(link.types) <= mine & types
                if ("HUBSPOT_DEFINED", 934) in link.types:
                    assert types - {("HUBSPOT_DEFINED", 934)} <= mine


@QUICK
@given(ANY, LET_IN, REVERTS)
def test_a_plan_is_consistent_and_survives_its_file(
    found: list[Inputs], allow: dict[str, int], reverts: dict[str, frozenset[str]]
) -> None:
    """The checks that a loaded plan must pass hold for every plan that the planner makes."""
    made = plan_of(found, allow=allow, reverts=reverts)
    assert list(contradictions(made)) == []
    assert load(file_of(made))[0] == made


@QUICK
@given(ANY)
def test_only_absent_and_forgotten_records_are_removed(found: list[Inputs]) -> None:
    """And nothing else is done to these; a record in conflict is left alone."""
    desired = {record.address: record for one in found for record in one.unit.records}
    for change in everything(plan_of(found)):
        present = desired[change.address].lifecycle is Lifecycle.PRESENT
        assert change.action is CONFLICT or change.action.removes != present
        if change.action is CONFLICT:
            assert explained(change)
            assert not (change.fields or change.links or change.keep or change.kept_links)


@QUICK
@given(ANY)
def test_only_new_records_have_no_id(found: list[Inputs]) -> None:
    """A record that exists is never created a second time."""
    actual = {address: record.id for one in found for address, record in one.actual.items()}
    for change in everything(plan_of(found)):
        if change.action is CREATE:
            assert not change.id
            assert change.address not in actual
        elif change.action is not FORGET and change.action is not CONFLICT:
            assert change.id == actual[change.address]


SCRIPT = """
import sys
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/planning"]
import test_pure_planner as t
units = []
for key in "ABCD":
    address = t.Address("order", key)
    references = tuple(
        t.Reference("company", "id", id_, label) for id_ in t.COMPANIES for label in ("", "Payer")
    )
    desired = t.Desired(
        address, {"memo": "x", "topics": "b;a"}, t.HERE, references=references,
        ignore=frozenset(t.TYPES) - {"memo", "topics"},
    )
    links = frozenset(t.Link("company", str(n), 934) for n in range(499, 505))
    actual = {address: t.Actual("1", {t.KEY: key})}
    observed = {"links": {address: links}}
    last = t.LastApplied("1", key, links=links)
    units.append(t.Inputs(t.Unit(address, desired), actual, {address: last}, observed))
print(t.file_of(t.plan_of(units)))
"""


def test_the_hash_seed_of_the_process_does_not_matter() -> None:
    """Sets iterate differently in every process; plans must not."""
    files = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(Path(__file__).parent.parent)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(files) == 1
