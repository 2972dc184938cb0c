"""Planning is a pure function: the same inputs in any order give the same bytes."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import VALUES
from world import COMPANIES, EMAILS, World, order

from reconcile.model.address import Address
from reconcile.model.definitions import Definitions, Label, Property
from reconcile.model.digest import Hasher
from reconcile.model.identity import Identity
from reconcile.model.kinds import kinds
from reconcile.model.plan import Action, Plan, Reason, TargetPin
from reconcile.model.records import (
    NOWHERE,
    Actual,
    Desired,
    LastApplied,
    Link,
    Observed,
    Reference,
    Unit,
    ValueHashes,
)
from reconcile.model.references import Bound, pointer
from reconcile.model.values import normalise
from reconcile.planning.assemble import assemble
from reconcile.planning.plan_file import content_digest, dump
from reconcile.planning.planner import plan_unit
from reconcile.planning.record_input import Context

QUICK = settings(max_examples=40, deadline=None, database=None, derandomize=True)
HASHER = Hasher(b"k" * 32)
TYPES = {
    "memo": "string",
    "weight": "number",
    "channel": "string",
    "topics": "enumeration",
    "gift": "bool",
    "due": "date",
    "seen_at": "datetime",
}
PROPERTIES: Mapping[str, Property] = {
    name: Property(name, type_, multiple=name == "topics") for name, type_ in TYPES.items()
} | {"reconcile_key": Property("reconcile_key", "string", unique=True)}
DEFINITIONS = Definitions(
    dict.fromkeys(kinds(), PROPERTIES),
    labels={("order", "company"): (Label("USER_DEFINED", 37, "Payer"),)},
)
IDENTITIES = dict.fromkeys(kinds(), Identity())
TARGET = TargetPin("t", 7, "SANDBOX")

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

Input = tuple[Unit, Observed, dict[Address, LastApplied]]


@st.composite
def inputs(draw: st.DrawFn) -> Input:
    """One unit in a state of its own."""
    key = draw(st.sampled_from(["A", "B", "C", "D"]))
    address = Address("order", key)
    records: list[Desired] = []
    actual: dict[Address, Actual] = {}
    last: dict[Address, LastApplied] = {}
    links: dict[Address, frozenset[Link]] = {}
    for number, where in enumerate([address, Address("line_item", f"{key}:1")]):
        desired = Desired(
            where,
            draw(VALUE_SETS),
            NOWHERE,
            references=draw(REFERENCES) if number == 0 else (),
            ignore=draw(st.frozensets(st.sampled_from(sorted(TYPES)), max_size=2)),
            protect=draw(st.booleans()),
        )
        records.append(desired)
        if draw(st.booleans()):
            stored = draw(VALUE_SETS)
            actual[where] = Actual(f"{ord(key)}{number}", {"reconcile_key": where.key, **stored})
        if number == 0:
            links[where] = draw(LINKS)
        if draw(st.booleans()):
            applied = draw(VALUE_SETS)
            hashes = {n: ValueHashes(*[_hash(n, v)] * 2) for n, v in applied.items()}
            last[where.folded()] = LastApplied(
                f"{ord(key)}{number}",
                where.key,
                hashes,
                HASHER.fingerprint(applied, PROPERTIES),
                draw(LINKS if number == 0 else st.just(frozenset())),
            )
    unit = Unit(address, records[0], tuple(records[1:]))
    return unit, Observed(actual, links=links, others=draw(st.integers(0, 2))), last


def _hash(name: str, value: str) -> str:
    return HASHER.value_hash(name, normalise(value, PROPERTIES[name]))


def plan(found: list[Input]) -> Plan:
    """A plan of units, as the workflow makes it."""
    bindings = {
        pointer(r): Bound(id=r.value)
        for unit, _, _ in found
        for d in unit.records
        for r in d.references
    }
    context = Context(DEFINITIONS, IDENTITIES, HASHER, bindings)
    planned = [plan_unit(*one, context) for one in found]
    return assemble(
        [change for change, _ in planned if change is not None],
        target=TARGET,
        lineage="l",
        identities=IDENTITIES,
        unchanged=sum(unchanged for _, unchanged in planned),
        undeclared=(),
        limits={},
        definitions=DEFINITIONS,
    )


def backwards(one: Input) -> Input:
    """The same input with every mapping and list in the opposite order."""
    unit, observed, last = one
    root = unit.root and _reversed(unit.root)
    return (
        Unit(unit.address, root, tuple(_reversed(line) for line in unit.lines)),
        Observed(
            {a: Actual(r.id, _turned(r.properties)) for a, r in reversed(observed.records.items())},
            links=_turned(
                {a: frozenset(sorted(ls, reverse=True)) for a, ls in observed.links.items()}
            ),
            others=observed.others,
        ),
        {
            a: LastApplied(
                e.id,
                e.key,
                _turned(e.value_hashes),
                e.fingerprint,
                frozenset(sorted(e.links)),
                protect=e.protect,
            )
            for a, e in reversed(last.items())
        },
    )


def _reversed(desired: Desired) -> Desired:
    return Desired(
        desired.address,
        _turned(desired.properties),
        NOWHERE,
        references=desired.references[::-1],
        ignore=frozenset(sorted(desired.ignore, reverse=True)),
        protect=desired.protect,
    )


def _turned(mapping: Mapping[str, object]) -> dict[str, object]:
    return dict(reversed(list(mapping.items())))


def file_of(made: Plan) -> bytes:
    """The plan's file at a fixed moment."""
    return b"".join(dump(made, version="0", created="2026-01-02T03:04:05Z"))


ANY = st.lists(inputs(), min_size=1, max_size=4, unique_by=lambda one: one[0].address)


@QUICK
@given(ANY)
def test_the_same_inputs_give_the_same_bytes(found: list[Input]) -> None:
    """A second plan of the same inputs is the same file."""
    assert file_of(plan(found)) == file_of(plan(found))


@QUICK
@given(ANY)
def test_the_order_of_inputs_does_not_matter(found: list[Input]) -> None:
    """The order of units, fields, records and associations has no effect."""
    assert plan(found) == plan([backwards(one) for one in reversed(found)])


@QUICK
@given(ANY)
def test_every_record_is_changed_or_unchanged(found: list[Input]) -> None:
    """None is lost from the count, none counted twice."""
    made = plan(found)
    assert sum(len(unit.records) for unit, _, _ in found) == made.unchanged + sum(
        1 for _ in made.records()
    )
    addresses = [change.address for change in made.records()]
    assert len(set(addresses)) == len(addresses)


@QUICK
@given(ANY)
def test_fields_change_only_where_values_mean_something_else(found: list[Input]) -> None:
    """And only declared fields; ignored ones only while the record is being made."""
    desired = {d.address: d for unit, _, _ in found for d in unit.records}
    actual = {a: r for _, observed, _ in found for a, r in observed.records.items()}
    for change in plan(found).records():
        for field in change.fields:
            if field.name == "reconcile_key":
                assert field.reason == Reason.NEW
                continue
            declared = desired[change.address]
            assert declared.properties[field.name] == field.after
            if change.action is Action.CREATE:
                continue
            assert field.name not in declared.ignore
            stored = actual[change.address].properties.get(field.name)
            assert normalise(field.after, PROPERTIES[field.name]) != normalise(
                stored, PROPERTIES[field.name]
            )


@QUICK
@given(ANY)
def test_labels_of_others_are_in_what_is_written_and_never_in_what_is_removed(
    found: list[Input],
) -> None:
    """HubSpot replaces a pair's whole set, and the plain type takes every label along."""
    present = {a: ls for _, observed, _ in found for a, ls in observed.links.items()}
    ours = {a: entry.links for _, _, last in found for a, entry in last.items()}
    for change in plan(found).records():
        linked = present.get(change.address, frozenset()) if change.id else frozenset()
        for link in change.links:
            types = {(one.category, one.type_id) for one in linked if one.id == link.id}
            if link.to == "company" and link.add:
                assert types <= set(link.types)
                assert set(link.types) == types | set(link.ours)
            elif link.to == "company":
                mine = {
                    (o.category, o.type_id)
                    for o in ours[change.address.folded()]
                    if o.id == link.id
                }
                assert set(link.types) <= mine & types
                if ("HUBSPOT_DEFINED", 934) in link.types:
                    assert types - {("HUBSPOT_DEFINED", 934)} <= mine


SCRIPT = """
import sys
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/planning"]
import test_planner as t
from world import *
units = []
for key in "ABCD":
    address = t.Address("order", key)
    references = tuple(
        t.Reference("company", "id", id_, label) for id_ in t.COMPANIES for label in ("", "Payer")
    )
    desired = t.Desired(
        address, {"memo": "x", "topics": "b;a"}, t.NOWHERE, references=references,
        ignore=frozenset(t.TYPES) - {"memo", "topics"},
    )
    links = frozenset(t.Link("company", str(n), 934) for n in range(499, 505))
    observed = t.Observed({address: t.Actual("1", {"reconcile_key": key})}, links={address: links})
    last = {address.folded(): t.LastApplied("1", links=links)}
    units.append((t.Unit(address, desired), observed, last))
print(t.content_digest(t.plan(units)))
"""


def test_the_hash_seed_of_the_process_does_not_matter() -> None:
    """Sets iterate differently in every process; plans must not."""
    digests = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(Path(__file__).parent.parent)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(digests) == 1


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
