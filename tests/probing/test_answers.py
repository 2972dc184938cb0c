"""The probe finds what is so: under each setting of the sandbox, and where answers are changed."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from probed import BY_ID, Interfere, Probed

from reconcile.hubspot.connection import Reply
from reconcile.probing import QUESTIONS, Question, Verdict, settings_for_sandbox
from reconcile.probing.questions import NOT_ASKED
from reconcile.sandbox import Switches

FACTS = Path(__file__).parent.parent / "sandbox" / "facts"
NEVER_BY_THEMSELVES = {
    "missing-scope-shape",
    "association-write-scopes",
    "retry-after",
}
"""Questions that an account without limits and a token with every scope give no occasion for."""

OF_THE_ACCOUNT = {
    "account_type",
    "account_time_zone",
    "company_currency",
    "additional_currencies",
}
"""Switches that the account's details answer."""


def worlds() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every other answer that the sandbox can be set to give: question, answer, switches."""
    for question in QUESTIONS:
        if question.id not in NEVER_BY_THEMSELVES:
            for answer in question.settings:
                if answer != question.expected:
                    yield question.id, answer, dict(question.switches(answer))


def test_everything_holds_under_default_switches(world: Probed) -> None:
    """The sandbox gives every expected answer, with no more calls than announced."""
    probe = world.probe()
    report = probe.run(lambda _: None)
    ends = {result.question.id: (result.verdict, result.seen) for result in report.results}
    skipped = {id_ for id_, (verdict, _) in ends.items() if verdict is Verdict.SKIPPED}
    assert skipped == NEVER_BY_THEMSELVES
    odd = {id_: end for id_, end in ends.items() if end[0] is not Verdict.HELD}
    assert set(odd) == skipped, odd
    assert report.complete
    assert report.calls <= probe.most_calls
    assert settings_for_sandbox(report) == ({}, {})


@pytest.mark.parametrize(("id_", "answer", "switches"), list(worlds()))
def test_a_switched_world_is_found(
    build: Callable[..., Probed], id_: str, answer: str, switches: dict[str, Any]
) -> None:
    """In a sandbox set to an answer the probe finds that answer, and names the setting."""
    report = build(Switches(**switches)).run(id_)
    (result,) = report.results
    assert (result.answer, report.left) == (answer, ()), result.seen
    assert result.verdict is Verdict.DIFFERS
    assert settings_for_sandbox(report) == (switches, {})


@pytest.mark.parametrize("shape", ["private_app", "oauth"])
def test_shape_of_a_missing_scope(
    build: Callable[..., Probed], shape: Literal["private_app", "oauth"]
) -> None:
    """A scope that is missing anyway shows which of the two bodies its refusal has."""
    world = build(Switches(missing_scopes_shape=shape), scopes=["crm.objects.orders.read"])
    assert world.answer("missing-scope-shape") == shape
    assert world.writes() == []


@pytest.mark.parametrize("headers", ["own", "app", "absent"])
def test_headers_of_association_calls(
    build: Callable[..., Probed], headers: Literal["own", "app", "absent"]
) -> None:
    """The headers of two calls show whether associations have a limit of their own."""
    world = build(Switches(association_rate_headers=headers), plan="pro")
    assert world.answer("association-rate-headers") == headers
    assert world.writes() == []


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ({}, "absent"),
        ({"retry-after": "10"}, "seconds"),
        ({"retry-after": "10000"}, "milliseconds"),
    ],
)
def test_retry_after_of_a_429_that_came_by_itself(
    build: Callable[..., Probed],
    interfere: Callable[[Interfere], None],
    given: dict[str, str],
    answer: str,
) -> None:
    """A 429 that happens during other questions answers the one about Retry-After."""
    world = build()
    probe = world.probe("null-clears", "retry-after")
    limited = Reply(429, given, b'{"policyName":"TEN_SECONDLY_ROLLING","message":"limit"}')
    turns = iter([True])
    interfere(lambda *call: limited if next(turns, False) else call[3]())
    report = probe.run(lambda _: None)
    assert [result.answer for result in report.results] == ["kept", answer]


def text(id_: str, answer: str, call: tuple[str, str], old: bytes, new: bytes) -> Any:
    """A row in which the answers to a call have other text."""
    change = {"method": call[0], "part": call[1], "old": old, "new": new}
    return pytest.param(id_, answer, change, id=f"{id_}-{answer}")


def status(id_: str, answer: str, call: tuple[str, str], code: int) -> Any:
    """A row in which the answers to a call have another status."""
    change = {"method": call[0], "part": call[1], "status": code}
    return pytest.param(id_, answer, change, id=f"{id_}-{code}")


READ, CREATE = ("GET", "/orders/"), ("POST", "/objects/orders$")
LINKS = ("POST", "/associations/orders/line_items/")
LISTED = b'"results":[{"to":[]}],"x"'
"""A later name wins in JSON: these are the results."""


@pytest.mark.parametrize(
    ("id_", "answer", "change"),
    [
        text("zero-milliseconds", "kept", READ, b"00:00:00Z", b"00:00:00.000Z"),
        text("zero-milliseconds", "epoch", READ, b"2025-08-10T00:00:00Z", b"1754784000000"),
        text("leading-semicolon", "replaces", READ, b'"a;b;c"', b'"c"'),
        text("null-clears", "cleared", READ, b'"hs_tags":"probe"', b'"hs_tags":null'),
        text("unset-reads-null", "mixed", READ, b'note":null', b'note":""'),
        text("default-pipeline", "other", ("GET", "/pipelines/"), b"14a2e10e", b"00000000"),
        text("default-pipeline", "other", ("GET", "/pipelines/"), b"aa99e8d0", b"00000000"),
        text("unique-clash-shape", "unnamed", CREATE, b"already has", b"has"),
        text("unlinked-in-batch-read", "unnamed", LINKS, b"fromObjectId", b"x"),
        text("unlinked-in-batch-read", "silent", LINKS, b'"errors"', b'"x"'),
        text("unlinked-in-batch-read", "listed", LINKS, b'"errors"', LISTED),
        status("unique-clash-shape", "other-status", CREATE, 409),
        status("foreign-delete", "404", ("DELETE", "/carts/"), 404),
        status("line-item-upsert-207", "in-the-body", ("POST", "/batch/upsert"), 200),
        status("creation-key-orders", "undefined", ("GET", "/orders/hs_unique"), 404),
        status("null-clears", "refused", ("PATCH", "/orders/"), 400),
        status("leading-semicolon", "refused", ("PATCH", "/orders/"), 400),
    ],
)
def test_a_difference_without_a_switch_is_found(
    world: Probed, rewrite: Callable[..., None], id_: str, answer: str, change: dict[str, Any]
) -> None:
    """Where an account answers otherwise the probe says so, though no switch stands for it."""
    probe = world.probe(id_)
    rewrite(**change)
    report = probe.run(lambda _: None)
    (result,) = report.results
    assert (result.verdict, result.answer) == (Verdict.DIFFERS, answer), result.seen
    assert settings_for_sandbox(report) == ({}, {})


def test_an_echoed_key_is_found(world: Probed, interfere: Callable[[Interfere], None]) -> None:
    """An upsert that shows its key on updating only is reported as such."""
    probe = world.probe("key-echo")
    name = f"{probe.prefix}_key".encode()

    def change(_: str, path: str, __: bytes, onward: Callable[[], Reply]) -> Reply:
        reply = onward()
        if not path.endswith("/upsert") or b'"new":true' in reply.body:
            return reply
        shown = b'"properties":{"' + name + b'":"x",'
        return replace(reply, body=reply.body.replace(b'"properties":{', shown))

    interfere(change)
    (result,) = probe.run(lambda _: None).results
    assert (result.answer, result.seen) == ("echoed", "on updating")


def test_results_in_the_order_of_the_inputs_prove_nothing(
    world: Probed, interfere: Callable[[Interfere], None]
) -> None:
    """Five results in the order of the inputs are unclear: it may be chance."""
    probe = world.probe("upsert-result-order")

    def change(_: str, path: str, content: bytes, onward: Callable[[], Reply]) -> Reply:
        reply = onward()
        if not path.endswith("/upsert"):
            return reply
        body, sent = json.loads(reply.body), json.loads(content)["inputs"]
        order = [one["id"] for one in sent]
        key = sent[0]["idProperty"]
        body["results"].sort(key=lambda one: order.index(one["properties"][key]))
        return replace(reply, body=json.dumps(body).encode())

    interfere(change)
    (result,) = probe.run(lambda _: None).results
    assert result.verdict is Verdict.UNCLEAR
    assert "do not rely on it" in result.seen


def test_answers_that_contradict_each_other_are_told(
    world: Probed, rewrite: Callable[..., None]
) -> None:
    """Where two endpoints ask for different values of one switch, none is recommended."""
    probe = world.probe("cleared-get", "cleared-batch-read")
    rewrite("POST", "/batch/read", b'":""', b'":null')
    report = probe.run(lambda _: None)
    assert settings_for_sandbox(report) == ({}, {"cleared_reads_back": ["empty", "null"]})


def test_an_answer_nobody_foresaw_costs_one_question(
    world: Probed, interfere: Callable[[Interfere], None]
) -> None:
    """A body of another shape makes its question unclear; the next is asked all the same."""
    probe = world.probe("line-item-upsert-207", "null-clears")
    odd = Reply(200, {}, b'{"results": {"a": [1]}, "errors": 5}')
    interfere(lambda *call: odd if call[1].endswith("/upsert") else call[3]())
    first, second = probe.run(lambda _: None).results
    assert (first.verdict, second.verdict) == (Verdict.UNCLEAR, Verdict.HELD)
    assert "HTTP 200" in first.seen


# The table


@cache
def rows() -> frozenset[str]:
    """The ids of the contract's rows."""
    text = "".join(file.read_text(encoding="utf-8") for file in FACTS.glob("*.yaml"))
    return frozenset(re.findall(r"^- id: (\S+)$", text, re.MULTILINE))


def test_every_switch_is_asked_about() -> None:
    """Each of the sandbox's switches has a question, or a reason why not."""
    asked = {question.switch for question in QUESTIONS if question.switch}
    names = {field.name for field in fields(Switches)}
    assert names == asked | set(NOT_ASKED) | OF_THE_ACCOUNT
    assert not asked & set(NOT_ASKED)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.id)
def test_a_question_is_complete(question: Question) -> None:
    """Its expected answer is one of its answers, is what the sandbox does, and its rows exist."""
    assert question.expected in question.answers
    assert question.section.startswith("§")
    assert question.words.endswith("?")
    assert question.settings.keys() <= question.answers.keys()
    assert bool(question.switch) == bool(question.settings) or question.id.startswith("cleared-")
    for name, value in question.switches(question.expected).items():
        assert getattr(Switches(), name) == value
    hints = get_type_hints(Switches)
    for value in question.settings.values():
        hint = hints[question.switch]
        assert value in get_args(hint) if get_origin(hint) else isinstance(value, hint)
    assert set(question.rows) <= rows()


def test_open_questions_of_the_reference() -> None:
    """Each of the ten open questions has at least one question here."""
    sections = {question.section for question in BY_ID.values()}
    assert {f"§17.{number}" for number in range(1, 11)} <= sections
    assert len(BY_ID) == len(QUESTIONS)
