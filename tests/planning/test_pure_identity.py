"""The planner's decisions about identity: moved keys, missing records, and key conflicts."""

from collections.abc import Mapping
from typing import Any

import pytest
from pure import (
    ARCHIVE,
    CONFLICT,
    CREATE,
    FORGET,
    HERE,
    IDENTITIES,
    KEY,
    ORDER,
    UPDATE,
    Fields,
    Inputs,
    actual,
    applied,
    change_of,
    desired,
    fields_of,
    flags_of,
    one,
)
from world import explained

from reconcile.model.address import Address
from reconcile.model.identity import RecordId
from reconcile.model.plan import Reason
from reconcile.model.records import Desired, LastApplied, Lifecycle, Missing, Reference, Unit

BY_ID = {**IDENTITIES, "order": RecordId()}
OLD = Address("order", "OLD")
MOVED = {"moved_from": Reference("order", "key", "OLD", "", HERE)}
PROTECTED = {"protect": True}


def missing(why: str, into: str = "") -> dict[str, Any]:
    """Return the observation that the order in the state is missing."""
    return {"missing": {ORDER: Missing("1", why, into)}}


CONFLICTS = [
    (
        "archived",
        one(desired(), last=applied(), observed=missing("archived")),
        "record 1 is archived in HubSpot\n"
        "restore it in HubSpot, create a new one with --recreate order/A, or remove it from the "
        "manifests",
    ),
    (
        "merged",
        one(desired(), last=applied(), observed=missing("merged", "9")),
        "record 1 was merged into record 9 in HubSpot",
    ),
    (
        "gone",
        one(desired(), last=applied(), observed=missing("gone")),
        "record 1 no longer exists in HubSpot",
    ),
    (
        "archived and protected",
        one(desired(options=PROTECTED), last=applied(), observed=missing("archived")),
        "restore it in HubSpot, or remove it from the manifests",
    ),
    (
        "recreate, but protected",
        one(
            desired(options=PROTECTED),
            last=applied(),
            observed=missing("gone"),
            context={"recreate": {ORDER.folded()}},
        ),
        "it is protected, so it is not recreated",
    ),
    (
        "no record with this id",
        one(desired(Address("order", "7")), context={"identities": BY_ID}),
        "no record has this id, and only HubSpot assigns ids",
    ),
    (
        "two addresses with one id in the state",
        one(desired(), last=applied(), context={"shared_ids": {ORDER.folded()}}),
        "two declared records have the same HubSpot id in the state",
    ),
    (
        "key moved to another record",
        one(desired(), actual("2"), applied("1"), observed={"key_moved": {ORDER: "1"}}),
        "record 2 now has its key, and record 1, which had it, still exists",
    ),
    (
        "new key is another record's",
        one(desired(options=MOVED), actual("2"), observed={"key_moved": {ORDER: "1"}}),
        "record 2 already has this key, and record 1, which had the key 'OLD', still exists",
    ),
    (
        "its record has another declared key",
        one(
            desired(),
            actual("1", key="B"),
            applied(),
            observed={"by_id": frozenset({ORDER})},
            context={"declared": {"order": frozenset({"a", "b"})}},
        ),
        "its record now has the key 'B', which is declared as well",
    ),
]


@pytest.mark.parametrize(
    ("inputs", "why"), [row[1:] for row in CONFLICTS], ids=[row[0] for row in CONFLICTS]
)
def test_a_record_in_doubt_is_left_alone(inputs: Inputs, why: str) -> None:
    """Nothing is written, and the conflict says why and what to do."""
    change = change_of(inputs)
    assert change is not None
    assert change.action is CONFLICT
    assert why in explained(change)
    assert (change.fields, change.links) == ((), ())


def test_a_missing_record_is_recreated_if_that_was_asked_for() -> None:
    """The change is marked, and pins the entry in the state that it replaces."""
    recreate = {"recreate": frozenset({ORDER.folded()})}
    change = change_of(
        one(desired(memo="1"), last=applied(), observed=missing("gone"), context=recreate)
    )
    assert change is not None
    assert (change.action, change.id) == (CREATE, "")
    assert flags_of(change) == {"recreates"}
    assert change.state


KEYS: list[tuple[str, Inputs, tuple[str, Reason], set[str], str]] = [
    (
        "changed in HubSpot",
        one(
            desired(),
            actual(key="X"),
            applied(),
            observed={"by_id": frozenset({ORDER})},
        ),
        ("X", Reason.DRIFT),
        {"rekey"},
        "",
    ),
    (
        "cleared in HubSpot",
        one(desired(), actual(key=""), applied(), observed={"by_id": frozenset({ORDER})}),
        ("", Reason.DRIFT),
        {"rekey"},
        "",
    ),
    (
        "moved in git",
        Inputs(
            Unit(ORDER, desired(options=MOVED)),
            {ORDER: actual(key="OLD")},
            {OLD: applied(options={"key": "OLD"})},
        ),
        ("OLD", Reason.CHANGE),
        set(),
        "OLD",
    ),
    (
        "moved in git, unknown to the state",
        one(desired(options=MOVED), actual(key="OLD")),
        ("OLD", Reason.CHANGE),
        {"adopts"},
        "OLD",
    ),
]


@pytest.mark.parametrize(
    ("inputs", "key", "flags", "moved_from"),
    [row[1:] for row in KEYS],
    ids=[row[0] for row in KEYS],
)
def test_the_declared_key_is_written_back(
    inputs: Inputs, key: tuple[str, Reason], flags: set[str], moved_from: str
) -> None:
    """A key that was changed in HubSpot is drift; one that moves in git is a change."""
    before, reason = key
    change = change_of(inputs)
    assert change is not None
    assert change.action is UPDATE
    assert fields_of(change) == {KEY: (before, "A", reason)}
    assert (flags_of(change), change.moved_from) == (flags, moved_from)


def absent(last: LastApplied | None, **options: Any) -> Inputs:
    """Return the inputs of an order that is declared absent and exists."""
    return one(gone(), actual(memo="1"), last, **options)


def gone(state: Lifecycle = Lifecycle.ABSENT) -> Desired:
    """Declare the order absent or forgotten."""
    return desired(options={"lifecycle": state})


ARCHIVES: list[tuple[str, Inputs, Fields, set[str]]] = [
    (
        "as applied",
        absent(applied(memo="1")),
        {KEY: ("A", "", Reason.CHANGE), "memo": ("1", "", Reason.CHANGE)},
        set(),
    ),
    (
        "with drift",
        absent(applied(memo="0")),
        {KEY: ("A", "", Reason.CHANGE), "memo": ("1", "", Reason.DRIFT)},
        set(),
    ),
    ("unknown to the state", absent(None), {KEY: ("A", "", Reason.CHANGE)}, {"adopts"}),
    (
        "without hashes",
        absent(applied(memo="1", options={"fingerprint": ""})),
        {KEY: ("A", "", Reason.CHANGE), "memo": ("1", "", Reason.UNKNOWN)},
        set(),
    ),
    (
        "with a changed key",
        one(
            gone(),
            actual(key="X"),
            applied(),
            observed={"by_id": frozenset({ORDER})},
        ),
        {KEY: ("X", "", Reason.DRIFT)},
        {"rekey"},
    ),
]


@pytest.mark.parametrize(
    ("inputs", "fields", "flags"), [row[1:] for row in ARCHIVES], ids=[row[0] for row in ARCHIVES]
)
def test_an_absent_record_is_archived(inputs: Inputs, fields: Fields, flags: set[str]) -> None:
    """The change has the key and the managed values, which are compared again before the write."""
    change = change_of(inputs)
    assert change is not None
    assert (change.action, change.id) == (ARCHIVE, "1")
    assert fields_of(change) == fields
    assert flags_of(change) == flags


FORGETS: list[tuple[str, Inputs, str | None]] = [
    ("forget", one(gone(Lifecycle.FORGET), actual(), applied()), ""),
    ("forget what the state does not know", one(gone(Lifecycle.FORGET), actual()), None),
    ("absent and not there", one(gone()), None),
    (
        "absent and archived already",
        one(gone(), last=applied(), observed=missing("archived")),
        "record 1 is archived in HubSpot",
    ),
]


@pytest.mark.parametrize(
    ("inputs", "why"), [row[1:] for row in FORGETS], ids=[row[0] for row in FORGETS]
)
def test_only_the_state_changes_if_nothing_is_to_be_archived(
    inputs: Inputs, why: str | None
) -> None:
    """A record that the state does not know either is no change."""
    change = change_of(inputs)
    assert (change and (change.action, explained(change))) == (
        None if why is None else (FORGET, why)
    )


KEPT: list[tuple[str, Mapping[str, Any], str]] = [
    (
        "protected by the last apply",
        {"last": applied(options=PROTECTED)},
        "it was protected by the last apply, so it is not archived",
    ),
    (
        "another record has the key",
        {"last": applied("9")},
        "record 1 now has its key; the last apply wrote record 9",
    ),
    (
        "the record that was applied still exists",
        {"last": applied("9"), "observed": {"key_moved": {ORDER: "9"}}},
        "record 1 now has its key, and record 9, which had it, still exists",
    ),
]


@pytest.mark.parametrize(
    ("options", "why"), [row[1:] for row in KEPT], ids=[row[0] for row in KEPT]
)
def test_a_record_that_may_not_be_the_applied_one_is_not_archived(
    options: dict[str, Any], why: str
) -> None:
    """An archive cannot be undone through the API, so a doubt is a conflict."""
    change = change_of(absent(**options))
    assert change is not None
    assert (change.action, change.id) == (CONFLICT, "1")
    assert why in explained(change)
