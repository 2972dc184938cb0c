"""The probe touches nothing but its own, sends what it announced, and removes what it made."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from probed import BY_ID, Interfere, Probed, advance

from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.connection import NoReply, Reply
from reconcile.probing import Question, Verdict, as_json
from reconcile.probing.findings import Found
from reconcile.probing.lab import Lab
from reconcile.sandbox import Switches

MADE = ("archived-unique-value", "line-item-upsert-207", "leading-semicolon", "foreign-delete")
"""Questions that make records of all kinds, and properties of two."""


def question(ask: Callable[[Lab], Found], *, calls: int = 9) -> Question:
    """A question of the test's own."""
    return Question("own", "§0", "What?", "a", {"a": "a"}, ask, calls)


@pytest.mark.parametrize(
    "switches",
    [
        Switches(),
        Switches(archived_unique_value="reserved", batch_read_follows_merges=False),
        Switches(line_items_may_have_unique_properties=False, create_associations="lost"),
        Switches(create_associations="lenient", second_parent="refused"),
        Switches(home_currency_comes_later=True, updated_at_drifts=False),
    ],
    ids=["usual", "reserving", "keyless", "lenient", "late"],
)
def test_the_account_is_left_as_it_was(build: Callable[..., Probed], switches: Switches) -> None:
    """After a run every record, link and definition is as before; archived ones are left out."""
    world = build(switches)
    before = world.dump()
    report = world.run()
    assert report.complete, report.left
    assert world.dump() == before


def test_an_error_in_the_middle(world: Probed) -> None:
    """A question that fails costs itself only, and what it made is removed as well."""

    def broken(lab: Lab) -> Found:
        lab.make("orders")
        lab.key("carts")
        raise RuntimeError("a bug")

    before = world.dump()
    asked = [BY_ID[MADE[0]], question(broken, calls=20), *(BY_ID[id_] for id_ in MADE[1:])]
    report = world.run(questions=asked)
    assert [result.verdict for result in report.results].count(Verdict.HELD) == 4
    assert report.results[1].seen == "RuntimeError: a bug"
    assert report.complete
    assert world.dump() == before


@pytest.mark.parametrize("committed", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", [3, 5, 12, 21, 27])
def test_interrupted(
    world: Probed, interfere: Callable[[Interfere], None], number: int, *, committed: bool
) -> None:
    """Interrupted at any call, before or after it was carried out, the probe leaves nothing."""
    probe = world.probe(*MADE)
    before, sent = world.dump(), []

    def change(method: str, path: str, _: bytes, onward: Callable[[], Reply]) -> Reply:
        sent.append(path)
        if len(sent) == number:
            if committed:
                onward()
            raise KeyboardInterrupt
        return onward()

    interfere(change)
    report = probe.run(lambda _: None)
    assert report.stopped == "interrupted"
    assert not report.complete
    assert len(report.results) == len(MADE)
    if any(path.endswith("/search") for path in sent):
        assert committed or report.left  # what was never made is looked for, and said
    else:
        assert report.left == ()
    assert world.dump() == before


def test_interrupted_twice(world: Probed, interfere: Callable[[Interfere], None]) -> None:
    """A second interrupt ends the cleanup, and what is left is listed by id and name."""
    probe = world.probe(*MADE[:2])

    def change(method: str, path: str, _: bytes, onward: Callable[[], Reply]) -> Reply:
        if path.endswith("/archive") or (method == "POST" and "line_items" in path):
            raise KeyboardInterrupt
        return onward()

    interfere(change)
    report = probe.run(lambda _: None)
    assert report.stopped == "interrupted"
    orders, key, *more = report.left
    assert orders.startswith("orders with the ids 4")
    assert key == f"the property {probe.prefix}_key of orders"
    assert more[-1] == "interrupted during the cleanup"


def test_token_revoked_in_the_middle(build: Callable[..., Probed]) -> None:
    """A token that ends stops the probe, which says why and what it could not remove."""
    world = build()

    def revoke(lab: Lab) -> Found:
        lab.make("orders")
        world.sandbox.revoke_token(world.sandbox.token)
        lab.make("orders")
        return Found("a")

    report = world.run(questions=[question(revoke), BY_ID["null-clears"]])
    assert report.stopped.startswith(
        "the token expired or was revoked while it was in use: HTTP 401"
    )
    assert [result.verdict for result in report.results] == [Verdict.SKIPPED] * 2
    assert report.left[0].startswith("orders with the ids 4")
    assert world.sandbox.token not in json.dumps(as_json(report, at="now"))


def test_connection_lost_for_good(world: Probed, interfere: Callable[[Interfere], None]) -> None:
    """When two questions in a row get no answer the probe stops and says what is left."""
    probe = world.probe("number-read-back", "null-clears", "zero-milliseconds")
    sent = []

    def change(*call: Any) -> Reply:
        sent.append(call[1])
        if len(sent) > 1:
            raise NoReply("gone")
        reply: Reply = call[3]()
        return reply

    interfere(change)
    report = probe.run(lambda _: None)
    assert report.stopped.startswith("no usable answer: gone")
    assert report.results[0].verdict is Verdict.UNCLEAR
    assert report.left[0].startswith("orders with the ids 4")
    assert "possibly one of the orders named" in report.left[1]


def test_a_create_without_an_answer_is_found(
    world: Probed, interfere: Callable[[Interfere], None]
) -> None:
    """A record that was made although no answer came is searched for by its name and removed."""
    probe = world.probe("number-read-back", "null-clears")
    before, turns = world.dump(), iter([True])

    def change(*call: Any) -> Reply:
        reply: Reply = call[3]()
        if next(turns, False):
            raise NoReply("cut")
        return reply

    interfere(change)
    report = probe.run(lambda _: None)
    assert [result.verdict for result in report.results] == [Verdict.UNCLEAR, Verdict.HELD]
    assert report.complete
    assert world.dump() == before


def test_a_record_without_our_name_is_left_alone(
    world: Probed, rewrite: Callable[..., None]
) -> None:
    """Whatever an id leads to, a record that does not carry the run's name is not archived."""
    probe = world.probe("number-read-back")
    rewrite("POST", "/batch/read", probe.prefix.encode(), b"Somebody else's")
    report = probe.run(lambda _: None)
    assert report.left[0].startswith("orders with the ids 4")
    assert "does not have the probe's prefix and is left alone" in report.left[1]
    assert not [call for call in world.writes() if call.endswith("/archive")]


def test_a_cart_with_the_id_of_our_order_is_left_alone(
    world: Probed, rewrite: Callable[..., None]
) -> None:
    """Before the DELETE of a foreign id the probe makes sure that the id is nobody's."""
    probe = world.probe("foreign-delete")
    rewrite("GET", "/carts/", status=200)
    (result,) = probe.run(lambda _: None).results
    assert result.seen == "a cart has the id of our order; it is left alone"
    assert not [call for call in world.writes() if call.startswith("DELETE") and "carts" in call]


def test_what_cannot_be_removed_is_told(world: Probed, rewrite: Callable[..., None]) -> None:
    """A property that still shows after its DELETE is named, and the run is not complete."""
    probe = world.probe("leading-semicolon")
    rewrite("GET", f"{probe.prefix}_set", status=200)
    report = probe.run(lambda _: None)
    assert report.left == (f"the property {probe.prefix}_set of orders",)
    assert not report.complete


def test_missing_scopes_are_told_beforehand(build: Callable[..., Probed]) -> None:
    """A question whose scope is missing is skipped with the scope's name; the rest is asked."""
    scopes = ["crm.objects.orders.read", "crm.objects.orders.write"]
    world = build(scopes=scopes)
    probe = world.probe()
    report = probe.run(lambda _: None)
    ends = {result.question.id: result for result in report.results}
    assert ends["foreign-delete"].seen == (
        "the token lacks crm.objects.carts.read, crm.objects.carts.write"
    )
    assert "crm.schemas.orders.write" in ends["leading-semicolon"].seen
    assert ends["null-clears"].verdict is Verdict.HELD
    lacking = {id_ for id_, result in ends.items() if result.seen.startswith("the token lacks ")}
    assert {question.id for question in probe.skipped} == lacking
    assert report.complete


def test_scopes_that_hubspot_does_not_tell(build: Callable[..., Probed]) -> None:
    """Where nobody knows the scopes, a call's refusal skips its question."""
    world = build(scopes=["crm.objects.orders.read", "crm.objects.orders.write"])
    world.granted = None
    before = world.dump()
    report = world.run("creation-key-carts", "leading-semicolon", "null-clears")
    verdicts = [result.verdict for result in report.results]
    assert verdicts == [Verdict.SKIPPED, Verdict.SKIPPED, Verdict.HELD]
    assert "crm.schemas.carts.write" in report.results[0].seen
    assert "crm.schemas.orders.write" in report.results[1].seen
    assert report.complete
    assert world.dump() == before


def test_no_more_calls_than_announced(world: Probed) -> None:
    """A question that would send more calls than it announced is stopped."""

    def greedy(lab: Lab) -> Found:
        while True:
            lab.make("orders")

    before = world.dump()
    report = world.run(questions=[question(greedy, calls=3)])
    assert report.results[0].seen == "it would take more calls than announced"
    created = [call for call in world.writes() if call.endswith("/batch/create")]
    assert len(created) == 3
    assert report.complete
    assert world.dump() == before


def test_the_limit_is_obeyed(build: Callable[..., Probed]) -> None:
    """Under the smallest plan the client waits, and no 429 is provoked."""
    world = build(plan="starter")
    clock = world.sandbox.clock
    with HubSpot(
        world.sandbox.url,
        world.sandbox.token,
        rate_limit=100,
        clock=lambda: clock.now_ms() / 1000,
        sleep=advance(world.sandbox),
    ) as world.hubspot:
        report = world.run()
    assert report.calls > 100
    assert report.complete
    assert "no 429 was received" in report.results[-1].seen


def test_stale_reads_are_waited_for(world: Probed, interfere: Callable[[Interfere], None]) -> None:
    """A read that does not show a change yet is repeated until it does."""
    probe = world.probe("null-clears", "number-read-back")
    reads: list[str] = []

    def change(method: str, path: str, _: bytes, onward: Callable[[], Reply]) -> Reply:
        reply = onward()
        if method == "GET" and len(reads) < 2:
            reads.append(path)
            return replace(reply, body=reply.body.replace(b"reconcile_probe", b"before"))
        return reply

    interfere(change)
    report = probe.run(lambda _: None)
    assert [result.answer for result in report.results] == ["kept", "canonical"]
    assert len(reads) == 2
