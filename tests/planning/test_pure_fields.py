"""The planner's decisions about fields: create, update with each reason, adopt, nothing."""

from dataclasses import replace

import pytest
from pure import (
    ADOPT,
    CONFLICT,
    CREATE,
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
    fingerprint,
    flags_of,
    one,
    value_hash,
)
from world import explained

from reconcile.model.plan import Action, Reason
from reconcile.model.records import NO_HASHES, Desired, LastApplied, ValueHashes


def rewritten(sent: str, stored: str) -> LastApplied:
    """Return the state's entry of a memo that HubSpot stored in another spelling."""
    hashes = ValueHashes(value_hash("memo", sent), value_hash("memo", stored))
    return applied(
        options={"value_hashes": {"memo": hashes}, "fingerprint": fingerprint({"memo": sent})}
    )


NOTHING_TO_COMPARE = applied(
    options={"value_hashes": {"memo": ValueHashes("", "")}, "fingerprint": ""}
)
PARTLY_KNOWN = replace(
    NOTHING_TO_COMPARE,
    value_hashes={**applied(memo="1").value_hashes, "weight": NO_HASHES},
)
"""A change of another property was written, and no read showed it."""

UPDATES = [
    ("change", "2", "1", applied(memo="1"), Reason.CHANGE),
    ("drift", "1", "3", applied(memo="1"), Reason.DRIFT),
    ("both", "2", "3", applied(memo="1"), Reason.BOTH),
    ("drift to nothing", "1", "", applied(memo="1"), Reason.DRIFT),
    ("clear", "", "1", applied(memo="1"), Reason.CHANGE),
    ("clear a drifted value", "", "3", applied(memo="1"), Reason.BOTH),
    ("first managed, no value", "2", "", applied(), Reason.CHANGE),
    ("first managed, a value of others", "2", "3", applied(), Reason.UNSEEN),
    ("adopted, no value", "2", "", None, Reason.CHANGE),
    ("adopted, a value of others", "2", "3", None, Reason.UNSEEN),
    ("no hash to compare with", "2", "3", NOTHING_TO_COMPARE, Reason.UNKNOWN),
    ("another has no hash, changed in git", "2", "1", PARTLY_KNOWN, Reason.CHANGE),
    ("another has no hash, drift", "1", "3", PARTLY_KNOWN, Reason.DRIFT),
    ("another has no hash, both", "2", "3", PARTLY_KNOWN, Reason.BOTH),
    ("rewritten, then changed in git", "b", "A", rewritten("a", "A"), Reason.CHANGE),
    ("rewritten, then changed in HubSpot", "a", "x", rewritten("a", "A"), Reason.DRIFT),
    ("rewritten, then stored as sent", "b", "a", rewritten("a", "A"), Reason.CHANGE),
    ("not persisted, then changed in git", "b", "", rewritten("a", ""), Reason.CHANGE),
]


@pytest.mark.parametrize(
    ("declared", "stored", "last", "reason"),
    [row[1:] for row in UPDATES],
    ids=[row[0] for row in UPDATES],
)
def test_an_update_has_a_reason(
    declared: str, stored: str, last: LastApplied | None, reason: Reason
) -> None:
    """Each combination of desired, actual and last-applied has one reason."""
    change = change_of(one(desired(memo=declared), actual(memo=stored), last))
    assert change is not None
    assert (change.action, change.id) == (UPDATE, "1")
    assert fields_of(change) == {"memo": (stored, declared, reason)}
    assert change.adopts == (last is None)


IN_SYNC = [
    ("as applied", one(desired(memo="1"), actual(memo="1"), applied(memo="1"))),
    ("both clear", one(desired(memo=""), actual(), applied(memo=""))),
    ("rewritten", one(desired(memo="a"), actual(memo="A"), rewritten("a", "A"))),
    ("not persisted", one(desired(memo="a"), actual(), rewritten("a", ""))),
    (
        "spelled differently",
        one(desired(weight="1.50"), actual(weight="1.5"), applied(weight="01.5")),
    ),
    (
        "other order of options",
        one(desired(topics="b;a"), actual(topics="a;b"), applied(topics="a;b")),
    ),
    (
        "ignored",
        one(
            desired(memo="1", options={"ignore": frozenset({"memo"})}),
            actual(memo="3"),
            applied(),
        ),
    ),
    ("unmanaged", one(desired(), actual(memo="3"), applied())),
]


@pytest.mark.parametrize("inputs", [row[1] for row in IN_SYNC], ids=[row[0] for row in IN_SYNC])
def test_nothing_to_do_is_no_change(inputs: Inputs) -> None:
    """A record whose values are as declared is counted as unchanged."""
    assert change_of(inputs) is None


ADOPTS = [
    ("state has no entry", desired(memo="1"), None, {"adopts"}),
    ("no longer managed", desired(), applied(memo="1"), set()),
    ("protected now", desired(options={"protect": True}), applied(), {"protect"}),
    ("protected no longer", desired(), applied(options={"protect": True}), set()),
]


@pytest.mark.parametrize(
    ("declared", "last", "flags"), [row[1:] for row in ADOPTS], ids=[row[0] for row in ADOPTS]
)
def test_a_record_in_sync_is_adopted_if_the_state_differs(
    declared: Desired, last: LastApplied | None, flags: set[str]
) -> None:
    """Nothing is written to HubSpot; the change keeps what the state is to record."""
    change = change_of(one(declared, actual(memo="1"), last))
    assert change is not None
    assert (change.action, change.fields, change.links) == (ADOPT, (), ())
    assert flags_of(change) == flags
    assert change.keep == tuple(declared.properties.items())


def test_a_create_sends_the_key_first_and_then_the_values_by_name() -> None:
    """Cleared values are kept for the state and not sent; ignored ones are sent once."""
    change = change_of(one(desired(weight="2", memo="1", gift="", options={"ignore": {"memo"}})))
    assert change is not None
    expected: Fields = {
        KEY: ("", "A", Reason.NEW),
        "memo": ("", "1", Reason.NEW),
        "weight": ("", "2", Reason.NEW),
    }
    assert list(fields_of(change).items()) == list(expected.items())
    assert (change.action, change.id, change.state) == (CREATE, "", "")
    assert (change.keep, change.ignore) == ((("gift", ""),), ("memo",))


def test_labels_are_resolved_to_ids_and_shown_as_written() -> None:
    """A stage is compared and written by id, and read by label."""
    declared = desired(hs_pipeline="Orders", hs_pipeline_stage="Shipped")
    last = applied(hs_pipeline="p1", hs_pipeline_stage="s1")
    change = change_of(one(declared, actual(hs_pipeline="p1", hs_pipeline_stage="s1"), last))
    assert change is not None
    (field,) = change.fields
    assert (field.name, field.before, field.after) == ("hs_pipeline_stage", "s1", "s2")
    assert (field.shown_before, field.shown_after) == ("Open", "Shipped")
    assert field.reason is Reason.CHANGE


FAULTS = [
    ("unknown property", {"nothing": "1"}, "orders have no property 'nothing'"),
    ("not a number", {"weight": "x"}, "weight: 'x' is not a number"),
    ("not a date", {"due": "1 May"}, "due: '1 May' is not a date"),
    ("no such pipeline", {"hs_pipeline": "Shop"}, "hs_pipeline: 'Shop' is not a pipeline"),
    (
        "stage without its pipeline",
        {"hs_pipeline": "", "hs_pipeline_stage": "s1"},
        "hs_pipeline_stage: hs_pipeline is cleared",
    ),
]


@pytest.mark.parametrize(
    ("properties", "why"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS]
)
@pytest.mark.parametrize("exists", [True, False])
def test_what_the_account_does_not_accept_is_a_conflict(
    properties: dict[str, str], why: str, *, exists: bool
) -> None:
    """The conflict has the location in the manifest, and nothing of the record is written."""
    inputs = one(desired(memo="1", **properties), actual() if exists else None)
    change = change_of(inputs)
    assert change is not None
    assert change.action is CONFLICT
    assert explained(change).startswith(f"shop.yaml:3:1: {why}")
    assert (change.fields, change.links, change.keep) == ((), (), ())


def test_all_faults_of_a_record_are_reported_at_once() -> None:
    """Each fault is a line of its own, in the order of their locations."""
    at = {"weight": (4, 9), "due": (5, 9)}
    change = change_of(one(desired(due="x", weight="y", options={"at": at})))
    assert change is not None
    assert [line.split(" ")[0] for line in explained(change).splitlines()] == [
        "shop.yaml:4:9:",
        "shop.yaml:5:9:",
    ]


def test_the_state_digest_pins_the_entry() -> None:
    """Another entry in the state gives another digest, so that a stale plan is noticed."""
    inputs = one(desired(memo="2"), actual(memo="1"), applied(memo="1"))
    before = change_of(inputs)
    after = change_of(replace(inputs, last={ORDER: applied(memo="1", gift="true")}))
    assert before is not None
    assert after is not None
    assert before.state
    assert before.state != after.state
    assert Action.UPDATE is before.action is after.action
