"""What came of each input, from answers that say everything, something, or nothing."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.errors import Ambiguous, AuthError, CallRefused, HubSpotError
from reconcile.hubspot.association_writes import AssociationWriter
from reconcile.hubspot.batch_results import answers_by_trace, attribute_by_name
from reconcile.hubspot.error_bodies import ErrorBody
from reconcile.hubspot.record_writes import RecordWriter
from reconcile.hubspot.routes import Routes
from reconcile.hubspot.thread_pool import Pool
from reconcile.hubspot.transport import Transport
from reconcile.hubspot.types import Pair, Refused, Unclear, Write, Written

Talk = Callable[..., tuple[Transport, Any]]

KEY = "reconcile_key"
WRITES = [Write(f"t{n}", f"K{n}", {"hs_order_name": str(n)}) for n in (1, 2, 3)]
UPDATES = [Write(f"t{n}", str(n), {"hs_order_name": str(n)}) for n in (1, 2, 3)]
PAIRS = [Pair(f"t{n}", str(n), "50", (("HUBSPOT_DEFINED", 507),)) for n in (1, 2, 3)]


def record(number: int, **more: Any) -> dict[str, Any]:
    return {"id": str(number), "properties": {KEY: f"K{number}", "name": f"K{number}"}, **more}


def error(message: str = "no", category: str = "VALIDATION_ERROR", **context: Any) -> Any:
    return {"status": "error", "category": category, "message": message, "context": context}


def body(results: Any = (), errors: Any = None, **more: Any) -> dict[str, Any]:
    listed: dict[str, Any] = {"status": "COMPLETE", "results": list(results), **more}
    if errors is not None:
        listed |= {"errors": errors, "numErrors": more.get("numErrors", len(errors))}
    return listed


def upsert(talk: Talk, status: int, answer: Any) -> dict[str, Any]:
    transport, _ = talk((status, answer))
    return RecordWriter(transport, Routes("v3"), Pool(1)).upsert("orders", KEY, WRITES)


def update(talk: Talk, status: int, answer: Any) -> dict[str, Any]:
    transport, _ = talk((status, answer))
    return RecordWriter(transport, Routes("v3"), Pool(1)).update("orders", UPDATES)


def kinds(answers: dict[str, Any]) -> str:
    """``WRU``: what became of t1, t2, t3."""
    return "".join(type(answers[f"t{n}"]).__name__[0] for n in (1, 2, 3))


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        pytest.param(200, body([record(1), record(2), record(3)]), "WWW", id="all"),
        pytest.param(201, body([record(3), record(1), record(2)]), "WWW", id="reordered"),
        pytest.param(
            207, body([record(1), record(3)], [error(objectWriteTraceId=["t2"])]), "WRW", id="207"
        ),
        pytest.param(
            200, body([record(1), record(3)], [error(objectWriteTraceId=["t2"])]), "WRW", id="200"
        ),
        pytest.param(
            207, body([record(1)], [error(objectWriteTraceId=["t2", "t3"])]), "WRR", id="one error"
        ),
        pytest.param(207, body([record(1), record(3)], [error()]), "WRW", id="untraced, one left"),
        pytest.param(207, body([record(1)], [error("a"), error("b")]), "WRR", id="untraced, all"),
        pytest.param(207, body([record(1)], [error()]), "WUU", id="untraced, two left"),
        pytest.param(207, body([record(1)], [error(ids=["K3"])]), "WUR", id="by key"),
        pytest.param(200, body(), "UUU", id="empty"),
        pytest.param(200, {}, "UUU", id="nothing"),
        pytest.param(200, {"results": None, "errors": None}, "UUU", id="nulls"),
        pytest.param(207, body([], [], numErrors=3), "UUU", id="errors counted, not listed"),
        pytest.param(
            207, body([record(1), record(2)], [error()], numErrors=2), "WWU", id="more than listed"
        ),
        pytest.param(200, body([record(1), record(2), record(3)], [error()]), "UUU", id="too many"),
        pytest.param(200, body([record(1), record(2)]), "WWU", id="short"),
        pytest.param(200, body([record(1), record(2), record(9)]), "WWU", id="unexpected"),
        pytest.param(
            200,
            body([record(1), record(2), record(3), record(9)]),
            "UUU",
            id="unexpected beside all",
        ),
        pytest.param(200, body([record(1), record(1), record(2), record(3)]), "WWW", id="repeated"),
        pytest.param(
            200,
            body([record(1), {**record(1), "id": "8"}, record(2), record(3)]),
            "UWW",
            id="two records for one key",
        ),
        pytest.param(
            200,
            body([record(1), {**record(2), "id": "1"}, record(3)]),
            "UUW",
            id="one record for two keys",
        ),
        pytest.param(
            207,
            body([record(1), record(2), record(3)], [error(objectWriteTraceId=["t2"])]),
            "WUW",
            id="both",
        ),
        pytest.param(
            200, body([record(1), record(2), {"properties": {KEY: "K3"}}]), "WWU", id="no id"
        ),
        pytest.param(
            200,
            body([record(1), record(2), {"id": 3, "properties": {KEY: " k3 "}}]),
            "WWW",
            id="another spelling, number as id",
        ),
        pytest.param(
            200,
            body([record(1), record(2), {"id": "3", "objectWriteTraceId": "t3"}]),
            "WWW",
            id="echoed trace",
        ),
        pytest.param(
            200,
            body([record(1), record(2), {"id": "3", "objectWriteTraceId": "x"}]),
            "WWU",
            id="strange trace",
        ),
    ],
)
def test_every_input_of_an_upsert_is_answered_once(
    talk: Talk, status: int, answer: Any, expected: str
) -> None:
    """Results count by key, errors by trace, and what is left open is Unclear."""
    answers = upsert(talk, status, answer)
    assert list(answers) == ["t1", "t2", "t3"]
    assert kinds(answers) == expected


@given(
    results=st.lists(st.integers(1, 5), max_size=6),
    errors=st.lists(st.sampled_from(["t1", "t2", "t3", "t9", ""]), max_size=4),
    unlisted=st.integers(0, 2),
)
def test_written_is_only_what_has_a_result_of_its_own(
    results: list[int], errors: list[str], unlisted: int
) -> None:
    """Whatever HubSpot answers, no input counts as written without exactly its own result."""
    known = {1: "t1", 2: "t2", 3: "t3"}
    parsed = [
        ErrorBody.model_validate(error(objectWriteTraceId=[t] if t else None)) for t in errors
    ]
    answers = answers_by_trace(
        ["t1", "t2", "t3"],
        [(known.get(n), Written(str(n))) for n in results],
        parsed,
        attribute=attribute_by_name((f"K{n}", t) for n, t in known.items()),
        num_errors=len(errors) + unlisted,
    )
    assert set(answers) == {"t1", "t2", "t3"}
    for number, trace in known.items():
        answer = answers[trace]
        if isinstance(answer, Written):
            assert number in results
            assert trace not in errors
            assert answer.id == str(number)
        if isinstance(answer, Refused):
            assert number not in results
            assert errors


def test_an_upsert_sends_the_key_twice_and_a_trace(talk: Talk) -> None:
    """The key is the id and a property, else the answer would not echo it."""
    transport, script = talk((200, body([record(1), record(2), record(3)])))
    RecordWriter(transport, Routes("v3"), Pool(1)).upsert("orders", KEY, WRITES)
    assert script.requests[0].url.path == "/crm/v3/objects/orders/batch/upsert"
    assert script.bodies[0]["inputs"][0] == {
        "id": "K1",
        "idProperty": KEY,
        "properties": {KEY: "K1", "hs_order_name": "1"},
        "objectWriteTraceId": "t1",
    }


def test_an_upsert_tells_new_records_from_old(talk: Talk) -> None:
    """``new`` is passed on, and None where HubSpot does not say."""
    answers = upsert(talk, 200, body([record(1, new=True), record(2, new=False), record(3)]))
    assert [answers[f"t{n}"].new for n in (1, 2, 3)] == [True, False, None]


def test_a_repeated_upsert_does_not_call_its_own_records_old(talk: Talk) -> None:
    """After an attempt without an answer, ``new: false`` may mean our own first attempt."""
    answer = body([record(1, new=True), record(2, new=False), record(3, new=False)])
    transport, script = talk(httpx.ReadTimeout("no answer"), (200, answer))
    answers = RecordWriter(transport, Routes("v3"), Pool(1)).upsert("orders", KEY, WRITES)
    assert len(script.requests) == 2
    assert [answers[f"t{n}"].new for n in (1, 2, 3)] == [True, None, None]  # type: ignore[union-attr]


def test_a_unique_conflict_names_the_record_that_has_the_value(talk: Talk) -> None:
    """The id of the half-made record is not passed on, the owner's is."""
    message = (
        "Cannot set PropertyValueCoordinates{portalId=1, objectTypeId=ObjectTypeId{"
        "legacyObjectType=ORDER}, propertyName=k, value=V} on 777. 42 already has that value."
    )
    answer = body([record(1), record(3)], [error(message, objectWriteTraceId=["t2"])])
    refused = upsert(talk, 207, answer)["t2"]
    assert refused.ids == ("42",)
    assert refused.category == "VALIDATION_ERROR"
    assert refused.message.startswith("Cannot set")


def test_owners_in_error_tokens_are_found(talk: Talk) -> None:
    """The second shape of a unique conflict names the owner in errorTokens."""
    tokens = {"existingObjectId": ["42"], "objectId": ["777"], "propertyName": ["k"]}
    problem = {**error(objectWriteTraceId=["t2"]), "errorTokens": tokens}
    answers = upsert(talk, 207, body([record(1), record(3)], [problem]))
    assert answers["t2"].ids == ("42",)


@pytest.mark.parametrize("odd", [None, True, "x", 7, ["a"], {"ids": 5}, {"ids": [{"a": 1}]}])
def test_odd_error_contexts_do_not_lose_the_results(talk: Talk, odd: Any) -> None:
    """Errors are read leniently: a written record is never lost to a misshapen error."""
    problem = {"message": "no", "context": odd, "subCategory": {}, "errors": odd}
    for listed in (problem, {"message": odd, "category": odd}, odd):
        answers = upsert(talk, 207, body([record(1), record(3)], [listed]))
        assert kinds(answers) == "WRW"


def test_an_update_is_matched_by_id_and_missing_ones_are_refused(talk: Talk) -> None:
    """A missing id is named in the error's context, without a trace."""
    missing = error("Could not get some ORDER objects", "OBJECT_NOT_FOUND", ids=["2"])
    answers = update(talk, 207, body([record(3), record(1)], [missing]))
    assert kinds(answers) == "WRW"
    assert answers["t2"].category == "OBJECT_NOT_FOUND"
    assert answers["t2"].ids == ("2",)


def test_the_owner_of_a_unique_value_is_not_blamed_for_the_conflict(talk: Talk) -> None:
    """Of two ids in a conflict, the input refused is the one that wanted the value."""
    conflict = error("Cannot set x on 1. 3 already has that value.")
    assert kinds(update(talk, 207, body([record(2)], [conflict]))) == "RWU"


def test_an_update_that_answers_under_another_id_shows_it(talk: Talk) -> None:
    """A merged record answers under its new id, and the caller can see that."""
    answers = update(talk, 200, body([record(1), record(3), record(99)]))
    assert answers["t2"] == Written("99", {KEY: "K99", "name": "K99"})


def test_two_merged_records_of_one_update_are_unclear(talk: Talk) -> None:
    """Two new ids cannot be matched to two inputs."""
    assert kinds(update(talk, 200, body([record(1), record(98), record(99)]))) == "WUU"


def test_a_create_associates_in_the_same_call(talk: Talk) -> None:
    """Types of one pair are sent together, and results are matched by the given property."""
    transport, script = talk((201, body([record(2), record(1)])))
    links = (("7", "HUBSPOT_DEFINED", 514), ("7", "USER_DEFINED", 3), ("8", "HUBSPOT_DEFINED", 591))
    answers = RecordWriter(transport, Routes("v3"), Pool(1)).create(
        "line_items",
        [Write("t1", "", {"name": "K1"}, links), Write("t2", "", {"name": "K2"})],
        match="name",
    )
    assert {trace: answer.id for trace, answer in answers.items()} == {"t1": "1", "t2": "2"}  # type: ignore[union-attr]
    assert script.bodies[0]["inputs"][0] == {
        "properties": {"name": "K1"},
        "associations": [
            {
                "to": {"id": "7"},
                "types": [
                    {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 514},
                    {"associationCategory": "USER_DEFINED", "associationTypeId": 3},
                ],
            },
            {
                "to": {"id": "8"},
                "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 591}],
            },
        ],
        "objectWriteTraceId": "t1",
    }


@pytest.mark.parametrize(
    "answer", [httpx.ReadTimeout("no answer"), (502, b"<html>"), (201, b"<html>"), (201, b"")]
)
def test_a_create_without_a_usable_answer_is_ambiguous(talk: Talk, answer: Any) -> None:
    """HubSpot has no idempotency key: such a create is sent once and resolved by reading."""
    transport, script = talk(answer)
    with pytest.raises(Ambiguous):
        RecordWriter(transport, Routes("v3"), Pool(1)).create(
            "line_items", [Write("t1", "", {"name": "K1"})], match="name"
        )
    assert len(script.requests) == 1


def test_a_batch_refused_as_a_whole_raises(talk: Talk) -> None:
    """The caller splits it until the offending inputs stand alone."""
    for write in (upsert, update):
        with pytest.raises(HubSpotError) as caught:
            write(talk, 400, {"message": "no", "category": "VALIDATION_ERROR"})
        assert caught.value.category == "VALIDATION_ERROR"


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (200, {"id": "1", "properties": {}}, Written("1", {})),
        (200, {"id": "99", "properties": {}}, Written("99", {})),
        (400, error("bad"), Refused("HTTP 400: bad", "VALIDATION_ERROR")),
        (
            404,
            {"message": "resource not found"},
            Refused("HTTP 404: resource not found", "OBJECT_NOT_FOUND"),
        ),
        (409, error("taken", "CONFLICT"), Refused("HTTP 409: taken", "CONFLICT")),
        (200, {"properties": {}}, Unclear("HubSpot's answer gives no id")),
    ],
)
def test_one_record_patched_is_answered(
    talk: Talk, status: int, answer: Any, expected: Any
) -> None:
    """A refusal of a single record is an answer, not an error."""
    transport, script = talk((status, answer))
    write = Write("t", "a/b ?", {"hs_order_name": "x"})
    assert (
        RecordWriter(transport, Routes("v3"), Pool(1)).patch("orders", write, id_property=KEY)
        == expected
    )
    assert script.requests[0].url.raw_path == (
        b"/crm/v3/objects/orders/a%2Fb%20%3F?idProperty=reconcile_key"
    )
    assert transport.calls == {"PATCH /crm/v3/objects/orders/{id}": 1}


@pytest.mark.parametrize(
    ("status", "answer", "raised"),
    [
        (403, error("no", "MISSING_SCOPES"), AuthError),
        (404, {"message": "Unable to infer object type from: butterflies"}, CallRefused),
        (404, b"<html>", HubSpotError),
    ],
)
def test_a_patch_raises_what_is_not_about_the_record(
    talk: Talk, status: int, answer: Any, raised: type[HubSpotError]
) -> None:
    """A missing scope or a wrong path is not the record's fault."""
    transport, _ = talk((status, answer))
    with pytest.raises(raised):
        RecordWriter(transport, Routes("v3"), Pool(1)).patch("orders", Write("t", "1", {}))


def pair(from_id: Any, to_id: Any = "50") -> dict[str, Any]:
    return {"fromObjectId": from_id, "toObjectId": to_id, "labels": []}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(body([pair(3), pair(2), pair("1", 50)]), "WWW", id="numbers, reordered"),
        pytest.param(body([pair(1), pair(2)], [error(id=["3"])]), "WWR", id="bad from"),
        pytest.param(body([pair(1)], [error(id=["50"])]), "WRR", id="bad to"),
        pytest.param(
            body([pair(1)], [error(fromObjectId=["2"], toObjectId=["50"])]), "WRU", id="both ends"
        ),
        pytest.param(
            body([pair(1), pair(2)], [error("Object 3 cannot be associated to itself")]),
            "WWR",
            id="no context",
        ),
        pytest.param(body([]), "UUU", id="complete and empty"),
        pytest.param(body([pair(1), pair(2), pair(2, 3)]), "WWU", id="unexpected"),
    ],
)
def test_every_pair_is_answered_once(talk: Talk, answer: Any, expected: str) -> None:
    """Pairs are matched by both ends, errors by either."""
    transport, script = talk((207, answer))
    answers = AssociationWriter(transport, Routes("v3"), Pool(1)).associate(
        "orders", "contacts", PAIRS
    )
    assert kinds(answers) == expected
    assert script.requests[0].url.path == "/crm/v4/associations/orders/contacts/batch/create"
    assert script.bodies[0]["inputs"][0] == {
        "from": {"id": "1"},
        "to": {"id": "50"},
        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 507}],
    }


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (204, b"", "WWW"),
        (200, body([]), "WWW"),
        (207, body([], [error(id=["2"])]), "WRW"),
        (207, body([], [error("who knows")]), "UUU"),
        (207, body([], [error("who knows"), error(id=["2"])]), "URU"),
        (207, body([], [], numErrors=1), "UUU"),
    ],
)
def test_dissociating_trusts_silence_and_nothing_else(
    talk: Talk, status: int, answer: Any, expected: str
) -> None:
    """HubSpot answers 204 without a body: what is not refused is done."""
    transport, script = talk((status, answer))
    answers = AssociationWriter(transport, Routes("v3"), Pool(1)).dissociate(
        "orders", "contacts", PAIRS
    )
    assert kinds(answers) == expected
    assert script.requests[0].url.path.endswith("/batch/labels/archive")


def test_a_single_pair_refused_without_context_is_refused(talk: Talk) -> None:
    """With one input, an error must be about it."""
    transport, _ = talk((207, body([], [error("who knows")])))
    answers = AssociationWriter(transport, Routes("v3"), Pool(1)).dissociate(
        "orders", "contacts", PAIRS[:1]
    )
    assert answers == {"t1": Refused("who knows", "VALIDATION_ERROR")}


def test_calls_that_could_not_be_attributed_are_not_made(talk: Talk) -> None:
    """Shared traces, shared keys, oversized and empty batches are mistakes of the caller."""
    transport, script = talk((200, body()))
    writer = RecordWriter(transport, Routes("v3"), Pool(1))
    twice = [Write("t", "1", {}), Write("t", "2", {})]
    same_key = [Write("a", "K1", {}), Write("b", " k1", {})]
    many = [Write(str(n), str(n), {}) for n in range(101)]
    for bad in (twice, same_key, many, [], [Write("", "1", {})], [Write("a", "1", {KEY: "2"})]):
        with pytest.raises(ValueError, match=r"input|trace|upsert"):
            writer.upsert("orders", KEY, bad)
    with pytest.raises(ValueError, match="without name"):
        writer.create("line_items", [Write("a", "", {})], match="name")
    with pytest.raises(ValueError, match="both"):
        AssociationWriter(transport, Routes("v3"), Pool(1)).associate(
            "orders", "contacts", [PAIRS[0], Pair("x", "1", "50", ())]
        )
    assert script.requests == []


def test_a_validation_message_in_a_batch_is_unpacked(talk: Talk) -> None:
    """In a 207 the reasons are only in the message's JSON."""
    listed = json.dumps([{"message": "no such property", "name": "x", "error": "NOPE"}])
    problem = error(f"Property values were not valid: {listed}", objectWriteTraceId=["t2"])
    answers = upsert(talk, 207, body([record(1), record(3)], [problem]))
    assert answers["t2"].message == ("Property values were not valid: x: no such property (NOPE)")
