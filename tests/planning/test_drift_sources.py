"""Who or what set a value that drifted, which records are looked at, and what a plan file says."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planfiles import parsed, written
from pure import actual, applied, desired, one, plan_of
from random_examples import examples

from reconcile.errors import UsageError
from reconcile.model.address import Address
from reconcile.model.drift_sources import (
    DriftSource,
    DriftSources,
    SourceCount,
    SourceKind,
    set_by,
    version_with,
)
from reconcile.model.plan import FieldChange, LeftAlone, Plan, Reason
from reconcile.model.records import Version
from reconcile.planning.drift_sample import sample
from reconcile.planning.plan_file import content_digest, dump, load, pinned_digest

AT = "2026-11-30T09:12:13.500Z"
ANA = {"41": "ana@example.com"}
SHOPIFY = DriftSource(SourceKind.INTEGRATION, "777", "Shopify")


def drifted(key: str, *names: str) -> LeftAlone:
    """An order with these properties drifted."""
    fields = tuple(FieldChange(name, "theirs", "ours", Reason.DRIFT) for name in sorted(names))
    return LeftAlone(Address("order", key), "1", fields=fields)


def keys(records: Any) -> list[str]:
    """The keys of records."""
    return [one.address.key for one in records]


# The source


@pytest.mark.parametrize(
    ("version", "source"),
    [
        (("CRM_UI", "userId:41", "", "41"), ("user", "41", "ana@example.com")),
        (("CRM_UI", "userId:41"), ("user", "41", "ana@example.com")),
        (("CRM_UI", "userId:42", "Bo", "42"), ("user", "42", "Bo")),
        (("MOBILE_IOS", "", "", "41"), ("user", "41", "ana@example.com")),
        (("CRM_UI", "userId:x"), ("user", "", "")),
        (("INTEGRATION", "777", "Shopify"), ("integration", "777", "Shopify")),
        (("INTEGRATION", "777", "", "41"), ("integration", "777", "")),
        (("API", ""), ("integration", "", "")),
        (("AUTOMATION_PLATFORM", "42"), ("workflow", "42", "")),
        (("AUTOMATION_PLATFORM", "42", "Ship it"), ("workflow", "42", "Ship it")),
        (("AUTOMATION_PLATFORM", "enrollmentId:9;actionExecutionIndex:0"), ("workflow", "", "")),
        (("IMPORT", "5"), ("import", "5", "")),
        (("CALCULATED", "Computer"), ("calculation", "", "")),
        (("FORM", "abc"), ("other", "", "FORM")),
        (("", "abc"), ("unknown", "", "")),
    ],
)
def test_a_version_names_its_source(
    version: tuple[str, ...], source: tuple[SourceKind, str, str]
) -> None:
    """A user by the owner's e-mail address; an enrollment in a workflow names no workflow."""
    found = set_by(Version("v", AT, *version), ANA)
    assert found.source == DriftSource(*source)
    assert found.at == "2026-11-30T09:12:13Z"


@pytest.mark.parametrize("at", ["", "soon", "2026-11-30T09:12:13", "0001-01-01T00:00:00+10:00"])
def test_what_is_not_a_moment_is_left_out(at: str) -> None:
    """Whatever HubSpot sends as one."""
    assert set_by(Version("v", at, "IMPORT"), {}).at == ""


@pytest.mark.parametrize(
    ("value", "at"),
    [("new", "3"), ("old", "2"), ("12.5", "1"), ("12.50", "1"), ("", "0"), ("never", "")],
)
def test_the_source_is_that_of_the_value(value: str, at: str) -> None:
    """Not that of a later edit; decimals may be cut off, and what is not there has none."""
    versions = [
        Version("new", "3", "CRM_UI"),
        Version("old", "2", "IMPORT"),
        Version("12.500", "1", "API"),
        Version("", "0", "API"),
    ]
    found = version_with(value, versions)
    assert (found.at if found else "") == at


def test_a_value_without_a_version_has_an_unknown_source() -> None:
    """HubSpot keeps a limited number of versions, and a history may lag."""
    assert set_by(None, ANA).source == DriftSource(SourceKind.UNKNOWN)


# The sample


def test_few_records_are_all_looked_at() -> None:
    """But those of which only an association was removed, which has no history."""
    records = [drifted("A", "memo"), drifted("B"), drifted("C", "memo")]
    assert keys(sample(records)) == ["A", "C"]


def test_what_is_rare_has_its_share() -> None:
    """The five of one property are all looked at, beside 245 of the other, spread over all."""
    many = [drifted(f"M-{n:04}", "stage") for n in range(1000)]
    few = [drifted(f"X-{n}", "memo") for n in range(5)]
    chosen = keys(sample([*many, *few]))
    assert len(chosen) == 250
    assert chosen[-5:] == keys(few)
    assert chosen[0] == "M-0000"
    assert chosen[244] > "M-0990"


@examples(100)
@given(
    st.lists(st.sets(st.sampled_from("abcd"), max_size=3), max_size=60),
    st.integers(min_value=4, max_value=30),
)
def test_a_sample_is_as_large_as_it_may_be(names: list[set[str]], most: int) -> None:
    """It keeps the order, and each property that drifted is in it."""
    records = [drifted(f"{n:02}", *some) for n, some in enumerate(names)]
    having = [one for one in records if one.fields]
    chosen = sample(records, most)
    assert keys(chosen) == sorted(keys(chosen))
    assert set(keys(chosen)) <= set(keys(having))
    assert len(chosen) == min(most, len(having))
    assert {f.name for one in chosen for f in one.fields} == set().union(*names)


# The plan file


def with_sources(**more: Any) -> Plan:
    """A plan that leaves the memo of an order alone, which an integration changed."""
    made = plan_of([one(desired(memo="1"), actual(memo="3"), applied(memo="1"))])
    stated = DriftSources(1, (SourceCount("order", "memo", SHOPIFY, 1),))
    return replace(made, drift_sources=replace(stated, **more))


def saved(plan: Plan) -> bytes:
    """The plan's file."""
    return b"".join(dump(plan, version="0.1", created="2026-01-02T03:04:05Z"))


@pytest.mark.parametrize("unread", ["", "no scope \x1b[31m"])
def test_a_saved_plan_names_the_same_sources(unread: str) -> None:
    """And does the same: no digest of what it does covers them."""
    plan = with_sources(unread=unread)
    found, footer = load(saved(plan))
    assert found == plan
    without = replace(plan, drift_sources=DriftSources())
    assert content_digest(plan) == content_digest(without) == footer.content
    assert pinned_digest(plan) == pinned_digest(without)
    assert b"drift_sources" not in saved(without)


@pytest.mark.parametrize(
    "more",
    [
        {"records": 2},
        {"records": 0},
        {"records": -1},
        {"counts": (SourceCount("order", "memo", SHOPIFY, 2),)},
        {"counts": (SourceCount("order", "memo", SHOPIFY, 0),)},
        {"counts": (SourceCount("order", "weight", SHOPIFY, 1),)},
        {"counts": (SourceCount("cart", "memo", SHOPIFY, 1),)},
        {"counts": (SourceCount("order", "memo", SHOPIFY, 1),) * 2},
    ],
)
def test_sources_of_other_drift_are_refused(more: dict[str, Any]) -> None:
    """A plan file cannot name sources of what the plan does not leave alone."""
    with pytest.raises(UsageError, match="contradicts itself"):
        load(saved(with_sources(**more)))


@pytest.mark.parametrize(
    "stated",
    [
        {"records": 1, "counts": [["order", "memo", {"kind": "god", "id": "", "name": ""}, 1]]},
        {"records": 1, "counts": [["order", "memo", {"kind": "user", "id": "", "name": 3}, 1]]},
        {"records": "many", "counts": [], "unread": ""},
        [],
    ],
)
def test_what_is_no_source_is_refused(stated: Any) -> None:
    """As anything else that the plan file's format does not have."""
    head, *lines = parsed(saved(with_sources()))
    with pytest.raises(UsageError, match="cannot be trusted"):
        load(written([head | {"drift_sources": stated}, *lines]))
