"""What somebody does in HubSpot between the plan and the apply, and while it runs."""

from collections.abc import Callable
from pathlib import Path

import pytest
from proxy import DROP, Proxy
from world import EMAILS, KEY, World, actions, cart, incomplete, line, messages, order, statuses

from reconcile.errors import Locked, StalePlan, UsageError
from reconcile.model.plan import Action
from reconcile.model.values import MAX_LENGTH
from reconcile.planning.plan_file import content_digest
from reconcile.sandbox import Switches
from reconcile.sandbox.faults import StaleReads
from reconcile.stores.contract import LockInfo

OTHERS = {"order/OTHER": "done", "line_item/OTHER:1": "done"}


def other(memo: str = "1") -> dict[str, object]:
    """An order that nobody touches."""
    return dict(order("OTHER", [line("OTHER:1", name="x")], memo=memo))


def test_a_record_somebody_creates_meanwhile_is_left_alone(world: World) -> None:
    """Absence is looked at again just before creating."""
    plan = world.plan(order("A", [line("A:1", name="x")], memo="ours"), other())
    theirs = world.make("orders", "A", memo="theirs")

    report = world.apply(plan)

    assert statuses(report) == OTHERS | {"order/A": "conflict", "line_item/A:1": "skipped"}
    assert world.keys("orders") == {"A": 1, "OTHER": 1}
    assert world.dump("orders")[theirs]["memo"] == "theirs"
    assert not report.complete


def test_a_line_somebody_creates_meanwhile_is_left_alone(world: World) -> None:
    """So is a line item's."""
    plan = world.plan(order("A", [line("A:1", name="ours")]), other())
    theirs = world.make("line_items", "A:1", name="theirs")
    report = world.apply(plan)
    assert statuses(report) == OTHERS | {"order/A": "done", "line_item/A:1": "conflict"}
    assert world.dump("line_items")[theirs]["name"] == "theirs"


def test_a_field_somebody_edits_meanwhile_is_left_alone(world: World) -> None:
    """A value that is no longer what the plan showed is not overwritten."""
    world.converge(order("A", memo="1", weight="1"), other())
    plan = world.plan(order("A", memo="2", weight="2"), other("2"))
    world.edit("orders", world.id_of("orders", "A"), memo="theirs")

    report = world.apply(plan)

    assert statuses(report) == {"order/A": "conflict", "order/OTHER": "done"}
    assert "'theirs'" in messages(report)["order/A"]
    record = world.record("orders", "A")
    assert (record["memo"], record["weight"]) == ("theirs", "1")


def test_an_edit_that_says_what_we_would_is_no_conflict(world: World) -> None:
    """Somebody else made the planned change already: the rest is written."""
    world.converge(order("A", memo="1", weight="1"))
    plan = world.plan(order("A", memo="2", weight="2"))
    world.edit("orders", world.id_of("orders", "A"), weight="2.0")
    assert incomplete(world.apply(plan)) == ()
    assert world.record("orders", "A")["memo"] == "2"
    assert world.plan().units == ()


def test_an_edit_of_a_field_the_plan_does_not_touch_is_drift_of_the_next_plan(
    world: World,
) -> None:
    """It is neither overwritten unseen nor taken for ours."""
    world.converge(order("A", memo="1", weight="1"))
    plan = world.plan(order("A", memo="2", weight="1"))
    world.edit("orders", world.id_of("orders", "A"), weight="9")
    assert incomplete(world.apply(plan)) == ()
    again = world.plan()
    (change,) = again.records()
    assert [(field.name, field.reason.value) for field in change.fields] == [("weight", "drift")]


def test_a_record_somebody_archives_meanwhile_is_not_made_again(world: World) -> None:
    """Nor is it written."""
    world.converge(order("A", memo="1"), other())
    plan = world.plan(order("A", memo="2"), other("2"))
    world.archive("orders", world.id_of("orders", "A"))
    report = world.apply(plan)
    assert statuses(report) == {"order/A": "conflict", "order/OTHER": "done"}
    assert world.keys("orders") == {"OTHER": 1}


def test_a_record_somebody_merges_meanwhile_is_left_alone(build: Callable[..., World]) -> None:
    """Whichever way batch reads answer for its former id."""
    for follows in (True, False):
        world = build(switches=Switches(batch_read_follows_merges=follows))
        world.converge(order("A", memo="1"), order("B", memo="1"))
        plan = world.plan(order("A", memo="2"), order("B", memo="1"))
        into = world.merge("orders", world.id_of("orders", "B"), world.id_of("orders", "A"))
        report = world.apply(plan)
        assert statuses(report) == {"order/A": "conflict"}
        assert world.dump("orders")[into]["memo"] == "1"


def test_a_key_somebody_clears_meanwhile_stops_the_update(world: World) -> None:
    """The record may not be ours any more."""
    world.converge(order("A", memo="1"))
    plan = world.plan(order("A", memo="2"))
    record = world.id_of("orders", "A")
    world.edit("orders", record, **{KEY: ""})
    assert statuses(world.apply(plan)) == {"order/A": "conflict"}
    assert world.dump("orders")[record]["memo"] == "1"


def test_a_record_created_in_the_last_moment_is_reported(watched: World) -> None:
    """Between the check and the upsert a moment remains; its victim is named."""
    plan = watched.plan(order("A", memo="ours"))

    def hook(method: str, path: str, body: object) -> None:
        if path.endswith("orders/batch/upsert") and not watched.keys("orders"):
            watched.make("orders", "A", memo="theirs")

    watched.proxy.hook = hook
    report = watched.apply(plan)
    assert statuses(report) == {"order/A": "conflict"}
    assert "overwritten" in messages(report)["order/A"]
    (outcome,) = report.outcomes
    assert [(one.name, one.value) for one in outcome.overwrites] == [("memo", "theirs")]
    assert watched.keys("orders") == {"A": 1}


def test_an_edit_right_after_the_write_is_told_from_a_dropped_value(watched: World) -> None:
    """The property history has what was sent, and what came after it."""
    watched.converge(order("A", memo="1", weight="1"))
    plan = watched.plan(order("A", memo="2", weight="2"))
    record = watched.id_of("orders", "A")
    done = []

    def hook(method: str, path: str, body: object) -> None:
        if path.endswith("orders/batch/read") and done:
            if len(done) == 1:
                watched.edit("orders", record, memo="theirs")
            done.append(path)
        elif method == "PATCH":
            done.append(path)

    watched.proxy.hook = hook
    report = watched.apply(plan)
    assert statuses(report) == {"order/A": "conflict"}
    said = messages(report)["order/A"]
    assert said.startswith("written, and changed right after: memo to 'theirs' by ")
    assert "weight" not in said
    again = watched.plan()
    (change,) = again.records()
    assert [(f.name, f.before, f.reason) for f in change.fields] == [("memo", "theirs", "drift")]


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_create_whose_answer_is_lost_is_resolved_by_reading(
    watched: World,
    carried_out: bool,  # noqa: FBT001
) -> None:
    """A line item is never created twice, whether or not the lost call did it."""
    watched.declare(order("A", [line("A:1", name="x"), line("A:2", name="y")]))
    plan = watched.plan()
    lost: list[str] = []

    def hook(method: str, path: str, body: object) -> object:
        if path.endswith("line_items/batch/create") and not lost:
            lost.append(path)
            return DROP if carried_out else (502, {"message": "bad gateway"})
        return None

    watched.proxy.hook = hook
    report = watched.apply(plan)

    end = "done" if carried_out else "unknown"
    assert {"order/A": "done", "line_item/A:1": end, "line_item/A:2": end} == statuses(report)
    assert incomplete(watched.apply()) == ()
    assert watched.plan().units == ()
    assert watched.keys("line_items") == {"A:1": 1, "A:2": 1}


def test_an_upsert_whose_answer_is_lost_is_repeated(
    watched: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is safe to repeat, and its second answer (`new: false`) is no conflict."""
    monkeypatch.setattr("reconcile.hubspot.retry_policy.backoff", lambda attempt: 0.0)
    monkeypatch.setattr("reconcile.hubspot.retry_policy.backoff", lambda attempt: 0.0)
    plan = watched.plan(order("A", memo="x"))
    lost: list[str] = []

    def hook(method: str, path: str, body: object) -> object:
        if path.endswith("orders/batch/upsert") and not lost:
            lost.append(path)
            return DROP
        return None

    watched.proxy.hook = hook
    assert incomplete(watched.apply(plan)) == ()
    assert watched.keys("orders") == {"A": 1}
    assert watched.plan().units == ()


def test_success_without_results_is_not_believed(watched: World) -> None:
    """HubSpot has answered 200 with neither results nor errors; the records are looked at."""
    watched.converge(order("A", memo="1"), order("B", memo="1"))
    plan = watched.plan(order("A", memo="2"), order("B", memo="2"))
    empty = (200, {"status": "COMPLETE", "results": []})
    watched.proxy.hook = lambda m, path, b: empty if path.endswith("batch/update") else None
    assert statuses(watched.apply(plan)) == {"order/A": "unknown", "order/B": "unknown"}
    watched.proxy.hook = None
    assert incomplete(watched.apply()) == ()
    assert watched.plan().units == ()


def test_a_token_that_may_not_associate_never_ends_as_done(world: World) -> None:
    """A run that is stopped before its associations says so, and the next one makes them."""
    world.declare(order("A", memo="x", associations={"contact": [{"email": EMAILS[0]}]}))
    plan = world.plan()
    full = world.environ["TOKEN"]
    scopes = ["crm.objects.orders.read", "crm.objects.orders.write", "crm.objects.contacts.read"]
    world.environ["TOKEN"] = world.sandbox.add_token(
        [*scopes, "crm.schemas.orders.read", "crm.pipelines.orders.read", "oauth"]
    )

    report = world.apply(plan)

    assert not report.complete
    world.environ["TOKEN"] = full
    assert incomplete(world.apply()) == ()
    assert world.plan().units == ()
    assert world.keys("orders") == {"A": 1}


def test_associations_refused_as_a_whole_are_reported_and_the_records_remembered(
    watched: World,
) -> None:
    """A 400 for the batch of associations fails those records and no others."""
    watched.declare(order("A", associations={"contact": [{"email": EMAILS[0]}]}), other())
    plan = watched.plan()
    refusal = (400, {"status": "error", "message": "no", "category": "VALIDATION_ERROR"})

    def hook(method: str, path: str, body: object) -> object:
        return refusal if path.endswith("associations/orders/contacts/batch/create") else None

    watched.proxy.hook = hook
    report = watched.apply(plan)

    assert statuses(report) == OTHERS | {"order/A": "failed"}
    watched.proxy.hook = None
    assert actions(watched.plan()) == {"order/A": Action.ASSOCIATE}


def test_a_limit_reached_midway_keeps_what_was_done(watched: World) -> None:
    """Records written before the stop are remembered; the rest is skipped and goes on later."""
    watched.declare(order("A", [line("A:1", name="x")], memo="1"))
    plan = watched.plan()
    daily = {
        "status": "error",
        "message": "You have reached your daily limit.",
        "errorType": "RATE_LIMIT",
        "policyName": "DAILY",
    }

    def hook(method: str, path: str, body: object) -> object:
        return (429, daily) if path.endswith("line_items/batch/create") else None

    watched.proxy.hook = hook
    report = watched.apply(plan)

    assert not report.complete
    assert watched.keys("orders") == {"A": 1}
    watched.proxy.hook = None
    watched.recover()
    again = watched.plan()
    assert actions(again)["line_item/A:1"] == Action.CREATE
    assert incomplete(watched.apply(again)) == ()
    assert watched.plan().units == ()


def test_a_plan_that_was_applied_is_done(world: World) -> None:
    """The second time everything is as the plan says already, and nothing is written."""
    world.converge(order("A", memo="1"))
    plan = world.plan(order("A", memo="2"))
    assert incomplete(world.apply(plan)) == ()
    world.forget_calls()
    assert world.apply(plan).already
    assert world.writes() == []


def test_a_plan_of_another_state_is_stale(world: World) -> None:
    """A state that was begun anew knows nothing of what the plan was made from."""
    world.converge(order("A", memo="1"))
    plan = world.plan(order("A", memo="2"))
    world.lose_state()
    world.converge(order("B"))
    with pytest.raises(StalePlan):
        world.apply(plan)


def test_a_plan_of_another_account_is_refused(build: Callable[..., World], tmp_path: Path) -> None:
    """The account is part of the plan."""
    one = build()
    plan = one.plan(order("A"))
    with World(tmp_path / "elsewhere") as elsewhere:
        assert one.sandbox.portal_id != elsewhere.sandbox.portal_id
        with pytest.raises(UsageError, match="is for account"):
            elsewhere.apply(plan)
        assert elsewhere.writes() == []


def test_a_changed_definition_makes_its_units_stale(world: World) -> None:
    """A plan made under other rules is not carried out; units without that property are."""
    world.converge(order("A", channel="web"), order("B", memo="1"))
    plan = world.plan(order("A", channel="shop"), order("B", memo="2"))
    options = [{"label": "Web", "value": "web"}, {"label": "Fax", "value": "fax"}]
    path = "/crm/v3/properties/orders/channel"
    world.http.patch(path, json={"options": options}).raise_for_status()
    assert statuses(world.apply(plan)) == {"order/A": "conflict", "order/B": "done"}


def test_a_property_deleted_meanwhile_makes_its_units_stale(world: World) -> None:
    """It is a conflict of those units, not a crash."""
    world.converge(order("A", channel="web"), order("B", memo="1"))
    plan = world.plan(order("A", channel="shop"), order("B", memo="2"))
    world.http.delete("/crm/v3/properties/orders/channel").raise_for_status()
    assert statuses(world.apply(plan)) == {"order/A": "conflict", "order/B": "done"}


def test_an_interrupt_records_what_was_done(
    watched: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is skipped, and the next run makes it without a second record of anything."""
    watched.declare(order("A", [line("A:1", name="x")]), cart("C"))
    plan = watched.plan()

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("reconcile.hubspot.client.Records.create", interrupt)
        report = watched.apply(plan)

    assert report.interrupted
    assert not report.complete
    assert incomplete(watched.apply()) == ()
    assert watched.plan().units == ()
    assert watched.keys("orders") == {"A": 1}
    assert watched.keys("line_items") == {"A:1": 1}


def test_one_run_at_a_time(world: World) -> None:
    """A run that finds the lock taken writes nothing and says who holds it."""
    plan = world.plan(order("A"))
    info = LockInfo(who="ana@mill", since="2026-01-02T03:04:05+00:00", doing="apply")
    with world.store.lock(info), pytest.raises(Locked, match="ana@mill, since 2026-01-02"):
        world.apply(plan)
    assert world.writes() == []
    assert Locked.exit_code == 4


def test_planning_writes_nothing_anywhere(world: World) -> None:
    """Neither in HubSpot nor on disk."""
    world.declare(order("A", [line("A:1", name="x")], memo="1" * MAX_LENGTH))
    before = world.files()
    assert content_digest(world.plan()) == content_digest(world.plan())
    assert world.writes() == []
    assert world.files() == before


def test_a_value_that_falls_back_is_not_called_hubspots_spelling(watched: World) -> None:
    """The value before is no spelling of the new one, though the state knows its hash."""
    watched.converge(order("A", memo="1", weight="1"))
    plan = watched.plan(order("A", memo="2", weight="2"))
    record = watched.id_of("orders", "A")
    done: list[str] = []

    def hook(method: str, path: str, body: object) -> None:
        if path.endswith("orders/batch/read") and len(done) == 1:
            watched.edit("orders", record, weight="1")
            done.append(path)
        elif method == "PATCH":
            done.append(path)

    watched.proxy.hook = hook
    assert statuses(watched.apply(plan)) == {"order/A": "conflict"}
    (change,) = watched.plan().records()
    assert [(f.name, f.before, f.after) for f in change.fields] == [("weight", "1", "2")]


def test_the_same_plan_again_does_not_write_a_dropped_value_again(world: World) -> None:
    """What HubSpot does not keep was said by the run that wrote it."""
    plan = world.plan(order("A", [line("A:1", name="x", hs_external_id="7")]))
    (lost,) = (one for one in world.apply(plan).outcomes if one.not_persisted)
    assert (str(lost.address), lost.status) == ("line_item/A:1", "done")
    world.forget_calls()
    assert world.apply(plan).already
    assert world.writes() == []


def test_a_failure_stays_one_when_the_run_goes_on(watched: World) -> None:
    """The same refusal again is the same outcome, and the run is over."""
    watched.converge(order("A", channel="web"), order("B", memo="1"))
    plan = watched.plan(order("A", channel="shop"), order("B", memo="2"))

    def hook(method: str, path: str, body: object) -> None:
        if path.endswith("orders/batch/update"):
            options = [{"label": "Web", "value": "web"}]
            watched.http.patch("/crm/v3/properties/orders/channel", json={"options": options})

    watched.proxy.hook = hook
    first = watched.apply(plan, halt=True)
    assert statuses(first)["order/A"] == "failed"
    watched.proxy.hook = None
    again = watched.apply(plan)
    assert statuses(again)["order/A"] in {"failed", "conflict"}
    assert not again.resumable


def test_a_value_that_shows_late_is_nobodys_edit(world: World) -> None:
    """Later changes of the manifest are the manifest's alone."""
    world.converge(order("A", memo="1"))
    plan = world.plan(order("A", memo="2"))
    world.sleep(60)
    rule = world.sandbox.faults.add(StaleReads(30.0))
    (late,) = world.apply(plan).outcomes
    assert late.message == "HubSpot did not keep memo: a fresh read shows '1'"
    world.sandbox.faults.remove(rule)
    assert world.plan().empty
    (change,) = world.plan(order("A", memo="3")).records()
    assert [(f.before, f.after, f.reason) for f in change.fields] == [("2", "3", "change")]
    world.edit("orders", change.id, memo="theirs")
    (change,) = world.plan(order("A", memo="2")).records()
    assert [(f.before, f.after, f.reason) for f in change.fields] == [("theirs", "2", "drift")]


def test_a_run_that_stops_before_its_associations_can_be_resumed(watched: World) -> None:
    """Records that are written but not yet associated are no failure, and not done."""
    plan = watched.plan(order("A", memo="1", associations={"contact": [{"email": EMAILS[0]}]}))

    def hook(method: str, path: str, body: object) -> object:
        broken = "/associations/" in path and path.endswith("create")
        return (502, {"message": "bad gateway"}) if broken else None

    watched.proxy.hook = hook
    first = watched.apply(plan)
    assert statuses(first) == {"order/A": "unknown"}
    assert first.resumable
    watched.proxy.hook = None
    again = watched.apply(plan)
    assert statuses(again) == {"order/A": "done"}
    assert not again.resumable
    assert watched.plan().empty


@pytest.mark.parametrize(("kind", "api"), [("order", "v3"), ("cart", "2026-03")])
def test_a_record_whose_answer_was_lost_is_found_without_its_key(
    build: Callable[..., World], kind: str, api: str
) -> None:
    """Somebody clears it before anybody has looked, and others made records like it."""
    watched = build(proxy=Proxy, api=api)
    make = {"order": order, "cart": cart}[kind]
    watched.converge(make("A", memo="1"))
    names = {"memo": "1"}

    def lose(method: str, path: str, body: object) -> object:
        if path.endswith(f"{kind}s/batch/upsert"):
            watched.proxy.hook = lambda *_: (403, {"category": "INVALID_AUTHENTICATION"})
            return DROP
        return None

    watched.make(f"{kind}s", **names)
    watched.proxy.hook = lose
    watched.declare(make("A", memo="1"), make("B", memo="1"))
    assert statuses(watched.apply()) == {f"{kind}/B": "unknown"}
    watched.proxy.hook = None
    made = watched.by_key(f"{kind}s", "B")
    watched.edit(f"{kind}s", made, **{KEY: ""})
    watched.make(f"{kind}s", **names)
    watched.sleep(5)
    watched.apply()
    assert watched.plan().empty
    assert watched.by_key(f"{kind}s", "B") == made
    assert len(watched.ever(f"{kind}s")) == 4


def test_a_key_that_moves_after_an_answered_creation_is_a_conflict(watched: World) -> None:
    """The record that was made is ours; the one that has its key now is not."""
    watched.converge(order("A", memo="1"))

    def stop(method: str, path: str, body: object) -> object:
        if path.endswith("orders/batch/upsert"):
            watched.proxy.hook = lambda *_: (403, {"category": "INVALID_AUTHENTICATION"})
        return None

    watched.proxy.hook = stop
    plan = watched.plan(order("A", memo="1"), order("B", memo="2"))
    assert statuses(watched.apply(plan)) == {"order/B": "unknown"}
    watched.proxy.hook = None
    made = watched.by_key("orders", "B")
    watched.edit("orders", made, **{KEY: "", "memo": "edited"})
    theirs = watched.make("orders", "B", memo="theirs")
    watched.recover()
    for _ in range(2):
        assert actions(watched.plan()) == {"order/B": Action.CONFLICT}
        watched.apply()
    assert watched.dump("orders")[made]["memo"] == "edited"
    assert watched.dump("orders")[theirs]["memo"] == "theirs"
