"""The time between a re-check and its write: kept under a second, or looked into afterwards."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

import pytest
from proxy import DROP, Proxy
from world import EMAILS, World, cart, line, messages, order, statuses

from reconcile.applying.journal import Journal
from reconcile.audit.log import AuditLog
from reconcile.audit.query import entries_of, summaries
from reconcile.cli.apply import exit_code
from reconcile.model.audit import Topic
from reconcile.model.outcome import UNKNOWN_OVERWRITE, Outcome, Report
from reconcile.model.plan import Plan
from reconcile.render.report import write_report
from reconcile.sandbox.faults import concurrent_changes as people

ROLLING = {
    "status": "error",
    "message": "You have reached your ten_secondly_rolling limit.",
    "errorType": "RATE_LIMIT",
    "policyName": "TEN_SECONDLY_ROLLING",
}
REFUSAL = {"status": "error", "message": "no", "category": "VALIDATION_ERROR"}
NO_HISTORY = (400, {"status": "error", "message": "no history", "category": "VALIDATION_ERROR"})
READ, UPDATE, ARCHIVE = "orders/batch/read", "orders/batch/update", "orders/batch/archive"
ABSENT = {"state": "absent"}


def outcomes(report: Report) -> dict[str, Outcome]:
    """What became of each record."""
    return {str(one.address): one for one in report.outcomes}


def overwritten(report: Report) -> dict[str, list[tuple[str, str, str]]]:
    """What each record's write overwrote, by whom."""
    return {
        str(one.address): [(lost.name, lost.value, lost.source) for lost in one.overwrites]
        for one in report.outcomes
        if one.overwrites
    }


def said(report: Report, *, personal: bool = True, plan: Plan | None = None) -> str:
    """What the command would print."""
    stream = io.StringIO()
    write_report(report, stream, personal=personal, color=False, plan=plan)
    return stream.getvalue()


def logged(world: World, address: str) -> list[tuple[str, str, str, tuple[str, ...] | None]]:
    """What the audit log's last event holds of a record's values."""
    log = AuditLog(world.store)
    last = list(summaries(log))[-1].first.run
    return [
        (one.topic.value, one.name, one.note.partition(" ")[0], one.values)
        for entry in entries_of(log, last)
        for record in entry.records
        if str(record.address) == address
        for one in record.details
        if one.topic in (Topic.FIELD, Topic.OVERWRITE)
    ]


def edit(world: World, key: str, path: str, *, nth: int = 1, **properties: str) -> None:
    """Have a person edit an order right before the nth request to a path is handled."""
    record = f"orders/reconcile_key={key}"
    world.sandbox.faults.add(people.Edit(record, properties), path=f"*{path}", nth=nth)


def reads(world: World) -> int:
    """Count the re-checks of orders since the calls were forgotten."""
    return sum(call.path.endswith(READ) for call in world.sandbox.requests())


def histories(world: World) -> int:
    """Count the readings of property history that came by the proxy."""
    return sum("propertiesWithHistory" in call.query for call in world.proxy.seen)


@contextmanager
def slow_journal(
    world: World, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """Have the store take two seconds for each intent, and somebody act meanwhile."""
    intend = Journal.intend

    def slowly(self: Journal, *args: object) -> int:
        number = intend(self, *args)  # type: ignore[arg-type]
        world.sleep(2)
        act()
        return number

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "intend", slowly)
        yield


def many(memo: str, number: int = 3) -> list[object]:
    """Several orders, so that they are updated as a batch."""
    return [order(f"O{n}", memo=memo) for n in range(number)]


def poisoned(number: int) -> list[object]:
    """Several orders, of which HubSpot will refuse the second."""
    return [order(f"O{n}", memo="poison" if n == 1 else "2") for n in range(number)]


@pytest.fixture
def tight(build: Callable[..., World]) -> World:
    """Return a world where every call waits 10 s: no step has the slots for both of its calls."""
    return build(proxy=Proxy, rate_limit=1)


def test_the_usual_write_is_checked_once_and_reads_no_history(watched: World) -> None:
    """Where nothing waits, nothing more is read."""
    watched.converge(*many("1"))
    plan = watched.plan(*many("2"))
    watched.forget_calls()
    watched.proxy.seen.clear()
    assert watched.apply(plan).complete
    assert reads(watched) == 2  # before, and to verify
    assert histories(watched) == 0


@pytest.mark.parametrize("number", [1, 3])
def test_an_edit_while_the_journal_was_slow_is_a_conflict(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """After more than a second the records are looked at again, and the others are written."""
    world.converge(*many("1", number), order("X", memo="1"))
    plan = world.plan(*many("2", number), order("X", memo="1"))
    record = world.id_of("orders", "O0")
    with slow_journal(world, monkeypatch, lambda: world.edit("orders", record, memo="HUMAN")):
        report = world.apply(plan)
    rest = {f"order/O{n}": "done" for n in range(1, number)}
    assert statuses(report) == {"order/O0": "conflict", **rest}
    assert "memo was '1', is 'HUMAN'" in messages(report)["order/O0"]
    assert world.record("orders", "O0")["memo"] == "HUMAN"
    assert overwritten(report) == {}


def test_an_edit_that_says_the_same_meanwhile_leaves_the_rest_to_write(
    watched: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second look decides what is sent, as the first does; a key stays what it is found by."""
    watched.converge(order("A", memo="1", weight="1"), order("B", memo="1"))
    plan = watched.plan(order("A", memo="2", weight="2"), order("B", memo="2"))
    ids = [watched.id_of("orders", key) for key in "AB"]

    def act() -> None:
        watched.edit("orders", ids[0], memo="2")
        watched.edit("orders", ids[1], memo="2")

    with slow_journal(watched, monkeypatch, act):
        assert watched.apply(plan).complete
    (write,) = watched.proxy.to("POST", UPDATE)
    assert [(one["id"], one["properties"]) for one in write.inputs] == [(ids[0], {"weight": "2"})]


def test_a_slow_read_is_not_repeated_for_ever(watched: World) -> None:
    """The age counts from the reply: what takes long to answer is not old for that."""
    watched.converge(*many("1"))
    plan = watched.plan(*many("2"))
    watched.forget_calls()

    def hook(method: str, path: str, body: object) -> None:
        if path.endswith(READ):
            watched.sleep(1.5)

    watched.proxy.hook = hook
    watched.proxy.seen.clear()
    assert watched.apply(plan).complete
    assert reads(watched) == 2
    assert histories(watched) == 0


def test_a_slow_read_of_a_late_write_is_made_once(
    watched: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once more than usual, and then the write goes."""
    watched.converge(*many("1"))
    plan = watched.plan(*many("2"))
    watched.forget_calls()

    def hook(method: str, path: str, body: object) -> None:
        if path.endswith(READ):
            watched.sleep(1.5)

    watched.proxy.hook = hook
    with slow_journal(watched, monkeypatch):
        assert watched.apply(plan).complete
    assert reads(watched) == 3


@pytest.mark.parametrize("number", [1, 3])
def test_an_edit_right_before_a_late_write_is_reported_as_overwritten(
    tight: World, number: int
) -> None:
    """Where even the second look is too old: what was lost, by whom, in outcome, log and exit."""
    tight.converge(*many("1", number))
    plan = tight.plan(*many("2", number))
    edit(tight, "O0", "/orders/O0" if number == 1 else UPDATE, memo="HUMAN")

    report = tight.apply(plan)

    assert {*statuses(report).values()} == {"done"}
    assert overwritten(report) == {"order/O0": [("memo", "HUMAN", "CRM_UI")]}
    assert "order/O0  update done, overwrote 'HUMAN' of memo by CRM_UI\n" in said(report)
    assert exit_code(report) == 5
    assert logged(tight, "order/O0") == [
        ("field", "memo", "change", ("HUMAN", "2")),
        ("overwrite", "memo", "CRM_UI", ("HUMAN", "2")),
    ]
    assert tight.plan().units == ()
    assert tight.apply(plan).complete


def test_late_writes_without_an_edit_are_done(tight: World) -> None:
    """They are looked at, and nothing is found; an edit of another field is nobody's loss."""
    documents = [order("A", [line("A:1", name="x")], memo="1"), cart("C", memo="1")]
    tight.converge(*documents)
    later = [order("A", [line("A:1", name="x")], memo="2"), cart("C", memo="2")]
    plan = tight.plan(*later, order("NEW", [line("NEW:1", name="z")], memo="3"))
    edit(tight, "A", "/orders/A", weight="7")
    tight.proxy.seen.clear()
    report = tight.apply(plan)
    assert report.complete
    assert histories(tight) == 2  # of the updates: what is new had nothing to overwrite
    assert tight.record("orders", "A")["weight"] == "7"


def test_every_edit_in_the_gap_is_reported_the_latest_first(tight: World) -> None:
    """And none that the plan had seen, of whatever field."""
    tight.converge(order("A", memo="0", weight="0"))
    tight.converge(order("A", memo="1", weight="1"))
    plan = tight.plan(order("A", memo="2", weight="2"))
    edit(tight, "A", "/orders/A", memo="first")
    edit(tight, "A", "/orders/A", memo="second", weight="9")
    report = tight.apply(plan)
    assert overwritten(report) == {
        "order/A": [
            ("memo", "second", "CRM_UI"),
            ("memo", "first", "CRM_UI"),
            ("weight", "9", "CRM_UI"),
        ]
    }
    fields = [one for one in logged(tight, "order/A") if one[0] == "field"]
    assert [values for *_, values in fields] == [("second", "2"), ("9", "2")]


def test_an_edit_after_a_late_write_is_not_overwritten(tight: World) -> None:
    """It is kept and reported as usual; only the edit before it was lost."""
    tight.converge(order("A", memo="1"))
    plan = tight.plan(order("A", memo="2"))
    edit(tight, "A", "/orders/A", memo="before")
    late = people.Edit("orders/reconcile_key=A", {"memo": "after"}, after=True)
    tight.sandbox.faults.add(late, path="*/orders/A", times=1)
    report = tight.apply(plan)
    assert overwritten(report) == {"order/A": [("memo", "before", "CRM_UI")]}
    assert statuses(report) == {"order/A": "conflict"}
    assert "changed right after: memo to 'after'" in messages(report)["order/A"]
    assert exit_code(report) == 5
    assert ("overwrite", "memo", "CRM_UI", ("before", "2")) in logged(tight, "order/A")


def test_a_cleared_value_that_was_overwritten_is_told(tight: World) -> None:
    """Nothing is a value too: somebody took it away."""
    tight.converge(order("A", memo="1"))
    plan = tight.plan(order("A", memo="2"))
    edit(tight, "A", "/orders/A", memo="")
    assert overwritten(tight.apply(plan)) == {"order/A": [("memo", "", "CRM_UI")]}


def test_a_personal_value_that_was_overwritten_stays_out_of_ci(tight: World) -> None:
    """It is said that one was lost, and whose doing it was."""
    tight.converge(order("A", hs_shipping_address_name="Ana"))
    plan = tight.plan(order("A", hs_shipping_address_name="Bo"))
    edit(tight, "A", "/orders/A", hs_shipping_address_name="Chidi Secret")
    report = tight.apply(plan)
    (lost,) = outcomes(report)["order/A"].overwrites
    assert (lost.value, lost.personal) == ("Chidi Secret", True)
    text = said(report, personal=False, plan=plan)
    assert "overwrote a personal value of hs_shipping_address_name by CRM_UI" in text
    assert "Chidi" not in text
    assert "Chidi Secret" in said(report)


def test_an_overwritten_value_cannot_move_the_cursor(tight: World) -> None:
    """What others wrote is text of theirs."""
    tight.converge(order("A", memo="1"))
    plan = tight.plan(order("A", memo="2"))
    edit(tight, "A", "/orders/A", memo="\x1b[2J\r\nann@example.com " + "x" * 900)
    text = said(tight.apply(plan), personal=False)
    assert "\x1b" not in text
    assert "ann@" not in text
    assert len(max(text.splitlines(), key=len)) < 400


def test_a_history_that_cannot_be_read_is_said_to_be_so(tight: World) -> None:
    """Then nobody knows, which is no reason to say that nothing happened."""
    tight.converge(order("A", memo="1"))
    plan = tight.plan(order("A", memo="2"))
    record = tight.id_of("orders", "A")
    tight.proxy.hook = lambda method, path, _: (
        NO_HISTORY if method == "GET" and path.endswith(record) else None
    )
    report = tight.apply(plan)
    assert outcomes(report)["order/A"].overwrites == (UNKNOWN_OVERWRITE,)
    assert exit_code(report) == 5
    assert "done, may have overwritten an edit that HubSpot's history does not show" in said(report)
    assert logged(tight, "order/A")[-1] == ("overwrite", "", "", ("", ""))


def test_a_write_that_hubspot_puts_off_is_checked_again_before_each_sending(
    watched: World,
) -> None:
    """A 429 and its ten seconds: who edits meanwhile is not overwritten."""
    watched.converge(*many("1"))
    plan = watched.plan(*many("2"))
    refused = iter(["O0", "O1"])

    def hook(method: str, path: str, body: object) -> object:
        if path.endswith(UPDATE) and (key := next(refused, "")):
            watched.edit("orders", watched.id_of("orders", key), memo=f"HUMAN {key}")
            return 429, ROLLING
        return None

    watched.proxy.hook = hook
    watched.proxy.seen.clear()
    report = watched.apply(plan)
    assert statuses(report) == {
        "order/O0": "conflict",
        "order/O1": "conflict",
        "order/O2": "done",
    }
    assert watched.record("orders", "O0")["memo"] == "HUMAN O0"
    assert [len(call.inputs) for call in watched.proxy.to("POST", UPDATE)] == [3, 2, 1]
    assert histories(watched) == 1
    assert overwritten(report) == {}


def test_a_write_without_an_answer_is_looked_at_before_it_is_repeated(
    watched: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was carried out is not written again; what somebody edited then is theirs."""
    monkeypatch.setattr("reconcile.hubspot.retry_policy.backoff", lambda attempt: 2.0)
    watched.converge(*many("1"))
    plan = watched.plan(*many("2"))
    lost = iter([DROP])
    watched.proxy.hook = lambda _, path, __: next(lost, None) if path.endswith(UPDATE) else None
    edit(watched, "O1", READ, nth=2, memo="HUMAN")

    report = watched.apply(plan)

    assert len(watched.proxy.to("POST", UPDATE)) == 1
    assert statuses(report) == {"order/O0": "done", "order/O1": "unknown", "order/O2": "done"}
    assert "is 'HUMAN'" in messages(report)["order/O1"]
    assert watched.record("orders", "O1")["memo"] == "HUMAN"
    again = watched.apply(plan)
    assert statuses(again)["order/O1"] != "done"
    assert watched.record("orders", "O1")["memo"] == "HUMAN"


def test_halves_of_a_refused_batch_are_checked_again_when_their_turn_comes_late(
    watched: World,
) -> None:
    """Each refusal takes its time, and somebody edits a record of the last half."""
    watched.converge(*many("1", 8))
    plan = watched.plan(*poisoned(8))
    last = watched.id_of("orders", "O7")
    times = count(1)

    def hook(method: str, path: str, body: object) -> object:
        if not path.endswith(UPDATE):
            return None
        values = [one["properties"]["memo"] for one in body["inputs"]]  # type: ignore[index]
        if "poison" not in values:
            return None
        watched.sleep(0.7)
        if next(times) == 3:
            watched.edit("orders", last, memo="HUMAN")
        return 400, REFUSAL

    watched.proxy.hook = hook
    report = watched.apply(plan)
    assert statuses(report) == {
        **{f"order/O{n}": "done" for n in range(8)},
        "order/O1": "failed",
        "order/O7": "conflict",
    }
    assert watched.record("orders", "O7")["memo"] == "HUMAN"


def test_a_record_that_a_second_look_left_alone_is_not_sent_with_a_half(
    watched: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal after a second look is narrowed down without what that look took out."""
    watched.converge(*many("1", 4))
    plan = watched.plan(*poisoned(4))
    first = watched.id_of("orders", "O0")

    def hook(method: str, path: str, body: object) -> object:
        if path.endswith(UPDATE):
            values = [one["properties"]["memo"] for one in body["inputs"]]  # type: ignore[index]
            return (400, REFUSAL) if "poison" in values else None
        return None

    watched.proxy.hook = hook
    with slow_journal(watched, monkeypatch, lambda: watched.edit("orders", first, memo="HUMAN")):
        report = watched.apply(plan)
    assert statuses(report) == {
        "order/O0": "conflict",
        "order/O1": "failed",
        "order/O2": "done",
        "order/O3": "done",
    }
    assert watched.record("orders", "O0")["memo"] == "HUMAN"


def test_a_second_look_that_hubspot_refuses_sends_nothing(
    watched: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The records fail, with the reason; their next plan shows the same changes."""
    watched.converge(*many("1"))
    plan = watched.plan(*many("2"))

    def hook(method: str, path: str, body: object) -> object:
        return (400, REFUSAL) if path.endswith(READ) and watched.proxy.hook else None

    def act() -> None:
        watched.proxy.hook = hook

    with slow_journal(watched, monkeypatch, act):
        report = watched.apply(plan)
    watched.proxy.hook = None
    assert {*statuses(report).values()} == {"failed"}
    assert "not sent, because it could not be re-checked" in messages(report)["order/O0"]
    assert watched.record("orders", "O0")["memo"] == "1"


def test_a_record_that_appears_while_a_creation_waits_is_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For creates the second look is for absence."""
    plan = world.plan(order("A", memo="ours"), order("B", memo="ours"))
    made = iter([None])

    def act() -> None:
        for _ in made:
            world.make("orders", "A", memo="theirs")

    with slow_journal(world, monkeypatch, act):
        report = world.apply(plan)
    assert statuses(report) == {"order/A": "conflict", "order/B": "done"}
    assert world.record("orders", "A")["memo"] == "theirs"


def test_a_creation_without_an_answer_is_looked_for_before_it_is_repeated(
    watched: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that is there then is the one that was made, and no conflict."""
    monkeypatch.setattr("reconcile.hubspot.retry_policy.backoff", lambda attempt: 2.0)
    plan = watched.plan(order("A", memo="x"), order("B", memo="y"))
    lost = iter([DROP])
    upsert = "orders/batch/upsert"
    watched.proxy.hook = lambda _, path, __: next(lost, None) if path.endswith(upsert) else None
    assert watched.apply(plan).complete
    assert len(watched.proxy.to("POST", upsert)) == 1
    assert watched.keys("orders") == {"A": 1, "B": 1}


@pytest.mark.parametrize("lines", ["unique:reconcile_key", "within_parent:hs_sku"])
def test_a_line_that_appears_while_a_creation_waits_is_left_alone(
    build: Callable[..., World], monkeypatch: pytest.MonkeyPatch, lines: str
) -> None:
    """This holds for every identity of lines."""
    world = build(identity={"line_item": lines})
    world.converge(order("A", memo="1"))
    plan = world.plan(order("A", [line("A:1", name="ours", hs_sku="1")], memo="1"))
    there = ("orders", world.by_key("orders", "A"))
    made: list[str] = []

    def act() -> None:
        if not made:
            key = "A:1" if lines.startswith("unique") else ""
            made.append(world.make("line_items", key, name="theirs", hs_sku="1"))
            world.link(there, ("line_items", made[0]))

    with slow_journal(world, monkeypatch, act):
        report = world.apply(plan)
    assert statuses(report)["line_item/A:1"] == "conflict"
    assert list(world.dump("line_items")) == made


def test_an_edit_while_an_archive_waits_is_a_conflict(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody works on is not taken away."""
    world.converge(*many("1"))
    plan = world.plan(*(order(f"O{n}", lifecycle=ABSENT) for n in range(3)))
    record = world.id_of("orders", "O0")
    with slow_journal(world, monkeypatch, lambda: world.edit("orders", record, memo="HUMAN")):
        report = world.apply(plan)
    assert statuses(report) == {"order/O0": "conflict", "order/O1": "done", "order/O2": "done"}
    assert list(world.dump("orders")) == [record]


def test_an_edit_right_before_a_late_archive_is_reported(tight: World) -> None:
    """The history of the archived record has it."""
    tight.converge(*many("1"))
    plan = tight.plan(*(order(f"O{n}", lifecycle=ABSENT) for n in range(3)))
    edit(tight, "O1", ARCHIVE, memo="HUMAN")
    report = tight.apply(plan)
    assert {*statuses(report).values()} == {"done"}
    assert overwritten(report) == {"order/O1": [("memo", "HUMAN", "CRM_UI")]}
    assert "order/O1  archive done, overwrote 'HUMAN' of memo by CRM_UI\n" in said(report)
    assert exit_code(report) == 5
    details = logged(tight, "order/O1")
    assert ("field", "memo", "change", ("HUMAN", "")) in details
    assert ("overwrite", "memo", "CRM_UI", ("HUMAN", "")) in details


def test_an_archive_that_hubspot_puts_off_is_checked_again(watched: World) -> None:
    """As an update is."""
    watched.converge(*many("1"))
    plan = watched.plan(*(order(f"O{n}", lifecycle=ABSENT) for n in range(3)))
    record = watched.id_of("orders", "O0")
    refused = iter([1])

    def hook(method: str, path: str, body: object) -> object:
        if path.endswith(ARCHIVE) and next(refused, 0):
            watched.edit("orders", record, memo="HUMAN")
            watched.archive("orders", watched.id_of("orders", "O1"))
            return 429, ROLLING
        return None

    watched.proxy.hook = hook
    report = watched.apply(plan)
    assert statuses(report) == {"order/O0": "conflict", "order/O1": "done", "order/O2": "done"}
    assert list(watched.dump("orders")) == [record]


def test_a_label_that_somebody_adds_while_an_association_waits_is_kept(
    watched: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HubSpot replaces the labels of a pair: what is written has what stands by then."""
    company = {"company": [{"id": "501"}]}
    watched.converge(order("A", memo="1"), order("B", memo="1"))
    plan = watched.plan(order("A", memo="1", associations=company), order("B", memo="1"))
    ours = ("orders", watched.id_of("orders", "A"))
    labels = watched.http.get("/crm/v4/associations/orders/companies/labels").json()["results"]
    (payer,) = [(one["category"], one["typeId"]) for one in labels if one["label"] == "Payer"]
    with slow_journal(
        watched, monkeypatch, lambda: watched.link(ours, ("companies", "501"), payer)
    ):
        assert watched.apply(plan).complete
    assert payer in watched.links(ours, "companies")["501"]
    assert watched.plan().units == ()


def test_an_association_that_is_made_while_ours_waits_is_not_written_again(
    watched: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands as declared by then."""
    watched.converge(order("A", memo="1"))
    contact = {"contact": [{"email": EMAILS[0]}]}
    plan = watched.plan(order("A", memo="1", associations=contact))
    ours = ("orders", watched.id_of("orders", "A"))
    (theirs,) = (i for i, one in watched.dump("contacts").items() if one["email"] == EMAILS[0])
    with slow_journal(watched, monkeypatch, lambda: watched.link(ours, ("contacts", theirs))):
        assert watched.apply(plan).complete
    assert watched.proxy.to("POST", "orders/contacts/batch/create") == []


UNAUTHORIZED = (401, {"category": "INVALID_AUTHENTICATION", "message": "no"})


def test_an_overwrite_is_found_where_the_run_ended_before_it_was_looked_for(tight: World) -> None:
    """The journal knows that the write was late; whoever recovers the run reads the history."""
    tight.converge(*many("1"))
    plan = tight.plan(*many("2"))
    edit(tight, "O0", UPDATE, memo="HUMAN")
    written: list[str] = []

    def hook(method: str, path: str, body: object) -> object:
        written.extend([path] if path.endswith(UPDATE) else [])
        return UNAUTHORIZED if written and method == "GET" else None

    tight.proxy.hook = hook
    first = tight.apply(plan)
    assert not first.complete
    assert first.resumable
    tight.proxy.hook = None
    report = tight.apply(plan)
    assert overwritten(report) == {"order/O0": [("memo", "HUMAN", "CRM_UI")]}
    assert exit_code(report) == 5
    assert ("field", "memo", "change", ("HUMAN", "2")) in logged(tight, "order/O0")


@pytest.mark.parametrize("wait", [0.5, 1.0], ids=["repeated", "re-checked before repeating"])
def test_an_overwrite_by_a_write_without_an_answer_is_found_when_it_is_recovered(
    watched: World, monkeypatch: pytest.MonkeyPatch, wait: float
) -> None:
    """Nobody knows when it arrived, also if it was sent once and in time; so it is looked into."""
    monkeypatch.setattr("reconcile.hubspot.retry_policy.random.uniform", lambda *_: wait)
    watched.converge(*many("1"))
    plan = watched.plan(*many("2"))
    edit(watched, "O0", UPDATE, memo="HUMAN")

    def hook(method: str, path: str, body: object) -> object:
        if path.endswith(UPDATE):
            watched.proxy.hook = lambda *_: UNAUTHORIZED
            return DROP
        return None

    watched.proxy.hook = hook
    assert watched.apply(plan).resumable
    watched.proxy.hook = None
    report = watched.apply(plan)
    assert {*statuses(report).values()} == {"done"}
    assert overwritten(report) == {"order/O0": [("memo", "HUMAN", "CRM_UI")]}


def test_an_overwrite_stays_known_when_associations_are_made_by_a_later_run(tight: World) -> None:
    """The record is written and the run ends: the one that associates it says what was lost."""
    tight.converge(order("A", memo="1"))
    contact = {"contact": [{"email": EMAILS[0]}]}
    plan = tight.plan(order("A", memo="2", associations=contact))
    edit(tight, "A", "/orders/A", memo="HUMAN")
    tight.proxy.hook = lambda _, path, __: (
        UNAUTHORIZED if path.endswith("contacts/batch/create") else None
    )
    assert tight.apply(plan).resumable
    tight.proxy.hook = None
    report = tight.apply(plan)
    assert statuses(report) == {"order/A": "done"}
    assert overwritten(report) == {"order/A": [("memo", "HUMAN", "CRM_UI")]}
    assert ("field", "memo", "change", ("HUMAN", "2")) in logged(tight, "order/A")


def test_an_overwrite_by_an_archive_is_found_when_it_is_recovered(tight: World) -> None:
    """Of archived records too."""
    tight.converge(*many("1"))
    plan = tight.plan(*(order(f"O{n}", lifecycle=ABSENT) for n in range(3)))
    edit(tight, "O1", ARCHIVE, memo="HUMAN")

    def hook(method: str, path: str, body: object) -> object:
        if path.endswith(ARCHIVE):
            tight.proxy.hook = lambda *_: UNAUTHORIZED
            return DROP
        return None

    tight.proxy.hook = hook
    assert tight.apply(plan).resumable
    tight.proxy.hook = None
    report = tight.apply(plan)
    assert {*statuses(report).values()} == {"done"}
    assert overwritten(report) == {"order/O1": [("memo", "HUMAN", "CRM_UI")]}
    assert ("field", "memo", "change", ("HUMAN", "")) in logged(tight, "order/O1")


def test_a_record_that_an_upsert_hit_is_logged_with_what_it_held(watched: World) -> None:
    """A conflict that wrote is no conflict that left alone: the log says what was there before."""
    plan = watched.plan(order("A", memo="ours"))

    def hook(method: str, path: str, body: object) -> None:
        if path.endswith("orders/batch/upsert") and not watched.keys("orders"):
            watched.make("orders", "A", memo="theirs")

    watched.proxy.hook = hook
    report = watched.apply(plan)
    assert statuses(report) == {"order/A": "conflict"}
    assert overwritten(report) == {"order/A": [("memo", "theirs", "INTEGRATION")]}
    assert exit_code(report) == 5
    assert ("field", "memo", "new", ("theirs", "ours")) in logged(watched, "order/A")
