"""Values that manifests took over from HubSpot: whatever happens next, nobody is overwritten.

The planner and the entries that applies leave in the state, without an account: one order with a
value that others edit, and another one that only git changes.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pure import DEFINITIONS, HASHER, IDENTITIES, ORDER, actual, applied, desired, one, plan_of
from random_examples import examples

from reconcile.applying.state_entries import AppliedChange, Entries
from reconcile.model.plan import Plan, Reason
from reconcile.model.records import NO_HASHES, Unit
from reconcile.pulling.taken import accepted, differences_of, drift_of, refused
from reconcile.state.accepted import with_accepted

ENTRIES = Entries(IDENTITIES, DEFINITIONS, HASHER)
KEYS = {kind: identity.key_property for kind, identity in IDENTITIES.items()}
EQUAL = None


class Order:
    """One order, two branches of manifests, and the state."""

    def __init__(self, memo: str = "a", weight: str = "1") -> None:
        self.held = {"memo": memo, "weight": weight}
        self.branch = {"memo": memo, "weight": weight}
        self.main = dict(self.branch)
        self.last = applied(memo=memo, weight=weight)

    def plan(self, manifest: Mapping[str, str], *, allow: tuple[str, ...] = ()) -> Plan:
        """Plan one of the branches."""
        inputs = one(desired(**manifest), actual(**self.held), self.last)
        numbers = dict.fromkeys(allow, 1)
        return plan_of([inputs], allow=numbers)

    def reason(self, manifest: Mapping[str, str]) -> Reason | None:
        """Why the memo differs in a plan of a branch, None if it does not."""
        (unit,) = self.plan(manifest).units or (None,)
        parts = (*unit.changes, *unit.held, *unit.left_alone) if unit else ()
        found = [field.reason for part in parts for field in part.fields if field.name == "memo"]
        return found[0] if found else EQUAL

    def apply(self, manifest: Mapping[str, str], *, allow: tuple[str, ...] = ()) -> set[str]:
        """Apply a branch; the names of what was written."""
        written: set[str] = set()
        for change in self.plan(manifest, allow=allow).records():
            self.held |= {field.name: field.after for field in change.fields}
            written |= {field.name for field in change.fields}
            done = AppliedChange(change.effect, change.refresh, "1", frozenset(), self.last)
            self.last = ENTRIES.verified(done, actual(**self.held)).entry
        return written

    def pull(self, *, everything: bool = False, discard: bool = False) -> set[str]:
        """Take over drift, or all that differs, into the branch; the names of what was taken.

        With ``discard`` the branch is put back afterwards.
        """
        before = dict(self.branch)
        plan = self.plan(self.branch)
        found = list(differences_of(plan, {ORDER.folded()}, KEYS) if everything else drift_of(plan))
        for taken in found:
            self.branch |= taken.values
        for record in accepted(found, {}, DEFINITIONS, HASHER):
            self.last = with_accepted(self.last, record.hashes)
        if discard:
            self.branch = before
        return {name for taken in found for name in taken.values}


def test_an_accepted_value_is_the_one_to_compare_with() -> None:
    """Another edit is drift, and so is the value that was applied before."""
    order = Order()
    order.held["memo"] = "b"
    order.pull()
    assert order.branch["memo"] == "b"
    assert order.reason(order.branch) is EQUAL
    for edited in ("c", "a", ""):
        order.held["memo"] = edited
        assert order.reason(order.branch) is Reason.DRIFT


def test_it_counts_only_for_the_manifest_that_has_it() -> None:
    """Others declare what was written last, and plan as if nothing had been accepted."""
    order = Order()
    order.held["memo"] = "b"
    order.pull()
    assert order.reason(order.main) is Reason.DRIFT
    order.main["memo"] = "c"
    assert order.reason(order.main) is Reason.BOTH
    order.held["memo"] = "a"
    assert order.reason(order.main) is Reason.CHANGE


def test_an_apply_replaces_it_by_what_it_remembers() -> None:
    """Whether HubSpot has the accepted value still, or another one by then."""
    for edited in ("b", "c"):
        order = Order()
        order.held["memo"] = "b"
        order.pull()
        order.held["memo"] = edited
        assert order.last.accepted.keys() == {"memo"}
        assert order.apply(order.branch) == set()
        assert order.last.accepted == {}
        assert order.plan(order.branch).empty
        order.held["memo"] = "a"
        assert order.reason(order.branch) is Reason.DRIFT


def test_an_apply_of_a_branch_without_it_keeps_it() -> None:
    """Such a branch may be merged before the one that accepted the value."""
    order = Order()
    order.held["memo"] = "b"
    order.pull()
    order.main["weight"] = "2"
    assert order.apply(order.main) == {"weight"}
    order.held["memo"] = "c"
    order.branch["weight"] = "2"
    assert order.reason(order.branch) is Reason.DRIFT


@pytest.mark.parametrize("edited", ["a", "c", ""])
def test_a_pull_that_is_discarded_ends_no_earlier_one(edited: str) -> None:
    """Whether somebody set the applied value again or another one: it stays drift."""
    order = Order()
    order.held["memo"] = "b"
    order.pull()
    for _ in range(2):
        order.held["memo"] = edited
        assert order.pull(discard=True) == {"memo"}
        assert order.reason(order.branch) is Reason.DRIFT
        assert order.apply(order.branch) == set()
        assert order.reason(order.branch) is Reason.DRIFT


def test_taking_back_the_applied_value_ends_earlier_ones() -> None:
    """After the next apply, so that git can ask for one of them as a change."""
    order = Order()
    for edited in ("b", "a"):
        order.held["memo"] = edited
        order.pull()
    order.apply(order.branch)
    assert order.last.accepted == {}
    assert order.plan(order.branch).units == ()
    order.branch["memo"] = "b"
    assert order.reason(order.branch) is Reason.CHANGE


def test_writing_the_value_ends_its_acceptance() -> None:
    """Git has decided otherwise since, so that asking for the accepted value is a change again."""
    order = Order()
    order.held["memo"] = "b"
    order.pull()
    assert order.apply(order.main, allow=("drift",)) == {"memo"}
    assert order.last.accepted == {}
    assert order.reason(order.branch) is Reason.CHANGE


def test_it_is_not_of_another_record() -> None:
    """One that a document adopts instead has values that nobody has accepted."""
    order = Order()
    order.held["memo"] = "b"
    order.pull()
    order.main["weight"] = "2"
    (change,) = order.plan(order.main).records()
    kept = AppliedChange(change.effect, change.refresh, "1", frozenset(), order.last)
    assert ENTRIES.verified(kept, actual(**order.held)).entry.accepted
    other = replace(kept, id="2")
    assert ENTRIES.verified(other, actual("2", **order.held)).entry.accepted == {}


@pytest.mark.parametrize(
    "last",
    [{"fingerprint": "", "value_hashes": {"memo": NO_HASHES}}, {"value_hashes": {}}],
    ids=["hashes of another key", "no hashes"],
)
def test_it_counts_where_nothing_else_can_be_compared(last: dict[str, object]) -> None:
    """For a record that was never read back, and for a property that was not managed before."""
    order = Order()
    order.last = replace(order.last, **last)  # type: ignore[arg-type]
    order.held["memo"] = "b"
    assert order.reason(order.branch) in (Reason.UNKNOWN, Reason.UNSEEN)
    order.pull(everything=True)
    order.held["memo"] = "c"
    assert order.reason(order.branch) is Reason.DRIFT


def test_a_record_that_is_in_doubt_is_not_pulled() -> None:
    """What it holds may change yet; the place of its document is named."""
    record = desired(memo="a")
    unit = Unit(ORDER, record)
    plan = replace(plan_of([one(record, actual(memo="b"), applied(memo="a"))]), in_doubt=(ORDER,))
    ((address, problem),) = refused(plan, [(unit, record)])
    assert address == ORDER.folded()
    assert str(problem).startswith("shop.yaml:3:1: order/A: an interrupted run wrote to it")
    assert [*refused(replace(plan, in_doubt=()), [(unit, record)])] == []


class Step(NamedTuple):
    """Something that happens: who does it, and the value if there is one."""

    what: str
    value: str = ""


VALUES = st.sampled_from(["a", "b", "c", ""])
STEPS = st.one_of(
    st.builds(Step, st.sampled_from(["edit", "git", "edit", "git main"]), VALUES),
    st.builds(Step, st.just("weight"), st.sampled_from(["1", "2"])),
    st.builds(
        Step,
        st.sampled_from(
            [
                *("pull", "pull", "pull all", "pull and discard", "pull and discard"),
                *("apply", "apply", "apply main", "merge", "put back"),
            ]
        ),
    ),
)
PULL, DISCARDED = Step("pull"), Step("pull and discard")


@example([Step("edit", "b"), PULL, Step("edit", "a"), Step("apply")])
@example([Step("edit", "b"), PULL, Step("apply main"), Step("edit", "c"), Step("apply")])
@example([Step("edit", "b"), PULL, Step("weight", "2"), Step("apply main"), Step("edit", "a")])
@example([Step("edit", "b"), PULL, Step("edit", "a"), DISCARDED, Step("apply")])
@example([Step("edit", "b"), PULL, Step("edit", "c"), DISCARDED, Step("apply")])
@examples(300)
@given(st.lists(STEPS, max_size=14))
def test_whatever_happens_an_edit_after_a_pull_is_drift(steps: list[Step]) -> None:
    """Never a change, until git says otherwise; and no apply overwrites what it has not seen."""
    order = Order()
    accepts = False  # whether the branch still declares what was pulled into it
    seen = {"applied": "a", "pulled": "a"}  # what HubSpot had when that happened
    for what, value in steps:
        held = order.held["memo"]
        if what == "edit":
            order.held["memo"] = value
        elif what == "git":
            accepts = accepts and value == order.branch["memo"]
            order.branch["memo"] = value
        elif what == "git main":
            order.main["memo"] = value
        elif what == "weight":
            order.branch["weight"] = order.main["weight"] = value
        elif what == "merge":
            order.main = dict(order.branch)
        elif what.startswith("pull"):
            discard = what == "pull and discard"
            taken = order.pull(everything=what == "pull all", discard=discard)
            if "memo" in taken and not discard:
                accepts, seen["pulled"] = True, held
        else:
            manifest = order.main if what == "apply main" else order.branch
            allow = ("drift",) if what == "put back" else ()
            pending = "memo" in order.last.accepted
            if "memo" in order.apply(manifest, allow=allow):
                assert allow or held in seen.values()
                accepts, seen["applied"] = False, manifest["memo"]
            elif manifest["memo"] in (held, seen["pulled"]):
                seen["applied"] = manifest["memo"]
                # An older manifest was applied again after the branch.
                accepts = accepts and (pending or manifest["memo"] == order.branch["memo"])
        if accepts:
            assert order.reason(order.branch) in (EQUAL, Reason.DRIFT)
            assert "memo" not in {
                field.name
                for change in order.plan(order.branch).records()
                for field in change.fields
            }
