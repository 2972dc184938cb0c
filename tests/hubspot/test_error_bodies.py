"""Nested errors are shown: cleaned, and truncated to a readable length."""

import json
from typing import Any

import pytest

from reconcile.errors import AuthError, HubSpotError
from reconcile.hubspot.batch_results import answers_by_trace, attribute_by_name
from reconcile.hubspot.complete_reads import refuse_failures
from reconcile.hubspot.error_bodies import ErrorBody, Refusal, error_from
from reconcile.hubspot.error_details import MAX_REASONS
from reconcile.hubspot.schemas import ObjectBody, ObjectsBody
from reconcile.hubspot.types import Refused, Unclear
from reconcile.model.outcome import HubSpotWarning
from reconcile.model.printable import MAX_MESSAGE
from reconcile.probing.raw_response import RawResponse

NO_MESSAGE = {
    "status": "error",
    "category": "VALIDATION_ERROR",
    "errors": [
        {
            "message": "Carrier is required when the stage is Shipped",
            "code": "MISSING_CONDITIONAL_REQUIRED_PROPERTY",
            "context": {"propertyName": ["carrier"]},
        }
    ],
}
EMBEDDED = "Property values were not valid: " + json.dumps(
    [{"isValid": False, "message": "no such option", "error": "INVALID_OPTION", "name": "channel"}]
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            NO_MESSAGE,
            "carrier: Carrier is required when the stage is Shipped "
            "(MISSING_CONDITIONAL_REQUIRED_PROPERTY)",
            id="no message at the top",
        ),
        pytest.param(
            {
                "message": "The property values provided are invalid",
                "errors": [
                    {"message": "Missing", "code": "MISSING_REQUIRED_PROPERTY", "in": "name"},
                    {"message": "too long", "context": {"propertyName": "memo", "limit": ["10"]}},
                ],
            },
            "The property values provided are invalid: name: Missing (MISSING_REQUIRED_PROPERTY); "
            "memo: too long [limit: 10]",
            id="several, with the rest of their context",
        ),
        pytest.param(
            {
                "message": EMBEDDED,
                "errors": [
                    {
                        "message": "no such option at all",
                        "code": "INVALID_OPTION",
                        "context": {"propertyName": ["channel"]},
                    },
                    {"message": "no", "code": "OTHER", "context": {"propertyName": ["memo"]}},
                ],
            },
            "Property values were not valid: channel: no such option (INVALID_OPTION); "
            "memo: no (OTHER)",
            id="a list in the message too: each value once",
        ),
        pytest.param(
            {"message": "no good", "errors": [{"message": "no good", "code": "BAD"}]},
            "no good: BAD",
            id="the same message: its code alone",
        ),
        pytest.param(
            {"message": "no good (BAD)", "errors": [{"message": "no good", "code": "BAD"}]},
            "no good (BAD)",
            id="nothing new",
        ),
        pytest.param(
            {"errors": [{"errors": [{"message": "deep", "subCategory": 1}]}, "plain", 7, None]},
            "deep; plain",
            id="errors below errors, and odd ones",
        ),
        pytest.param(
            {"category": "VALIDATION_ERROR", "errors": []},
            "no reason given (VALIDATION_ERROR)",
            id="a category alone",
        ),
        pytest.param({"message": ["no"], "errors": {"a": 1}}, "no reason given", id="odd shapes"),
    ],
)
def test_an_error_says_all_that_is_inside_it(body: dict[str, Any], expected: str) -> None:
    """As a whole answer, as an item of a 207, and to the probe, in the same words."""
    whole = error_from(Refusal.read(400, {}, json.dumps(body).encode()), {}, "")
    assert str(whole) == f"HTTP 400: {expected}"
    item = {**body, "context": {"objectWriteTraceId": ["t1"]}}
    answers = answers_by_trace(
        ["t1"], [], [ErrorBody.model_validate(item)], attribute=attribute_by_name([("t1", "t1")])
    )
    assert isinstance(answers["t1"], Refused)
    assert answers["t1"].message == expected
    if expected != "no reason given" and (body.get("message") or body["errors"]):
        assert expected in RawResponse(400, body).summary()


def test_many_and_long_errors_are_cut_and_counted() -> None:
    """Twelve reasons are five and a number, however long each of them is."""
    body = {"errors": [{"message": f"{n} " + "x" * 10_000, "code": "BAD"} for n in range(12)]}
    text = ErrorBody.model_validate(body).text
    assert text.endswith("; and 7 more")
    assert text.count("; ") == MAX_REASONS
    assert len(text) < MAX_REASONS * MAX_MESSAGE
    listed = [{"message": f"no {n}", "error": "BAD", "name": f"p{n}"} for n in range(12)]
    text = ErrorBody(message=f"Not valid: {json.dumps(listed)}").text
    assert text.startswith("Not valid: p0: no 0 (BAD); p1: ")
    assert text.endswith("; and 7 more")


def test_errors_hold_nothing_that_acts_on_a_terminal() -> None:
    """Control characters, escapes and marks of direction in every part of them are gone."""
    bad = "a\x1b[31mb\u202ec\n::error::d"
    item = {"message": bad, "code": bad, "in": bad, "context": {bad: [bad], "propertyName": [bad]}}
    for body in ({"errors": [item]}, {"message": bad, "errors": [item]}, {"category": bad}):
        text = ErrorBody.model_validate(body).text
        assert text.isprintable()
        assert "a [31mb c ::error::d" in text
    (warned,) = ObjectBody.model_validate({"id": "1", "warnings": [item]}).warned
    assert warned.text.isprintable()
    assert warned.name.isprintable()


def test_deep_nesting_ends() -> None:
    """A body that nests errors without end is read to a few levels."""
    body: dict[str, Any] = {"message": "bottom"}
    for _ in range(100):
        body = {"errors": [body]}
    assert ErrorBody.model_validate(body).text == "no reason given"


def test_a_scope_that_only_a_nested_error_names_is_named_once() -> None:
    """Beside the sentence that HubSpot wrote about it."""
    body = {
        "message": "This app hasn't been granted all required scopes",
        "category": "MISSING_SCOPES",
        "errors": [
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": ["crm.objects.orders.write"]},
            }
        ],
    }
    error = error_from(Refusal.read(403, {}, json.dumps(body).encode()), {}, "")
    assert isinstance(error, AuthError)
    assert "One or more of the following scopes are required." in str(error)
    assert str(error).count("crm.objects.orders.write") == 1


def test_every_error_of_a_batch_that_cannot_be_read_is_named() -> None:
    """Not the first alone; records that are absent are none."""
    body = {
        "status": "COMPLETE",
        "errors": [
            {"category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": ["1"]}},
            {**NO_MESSAGE, "category": "VALIDATION_ERROR"},
            {"category": "OTHER", "message": "and this"},
        ],
    }
    with pytest.raises(HubSpotError) as caught:
        refuse_failures(ObjectsBody.model_validate(body))
    assert "carrier: Carrier is required" in str(caught.value)
    assert "and this" in str(caught.value)
    assert "gone" not in str(caught.value)


def test_errors_that_name_no_input_are_shown_with_all_that_they_say() -> None:
    """Where they account for all that is left, and where they leave it open."""
    errors = [ErrorBody.model_validate(NO_MESSAGE), ErrorBody(message="another")]
    both = answers_by_trace(["a", "b"], [], errors, attribute=lambda _: ())
    assert all(isinstance(one, Refused) for one in both.values())
    open_ = answers_by_trace(["a", "b", "c"], [], errors, attribute=lambda _: ())
    assert all(isinstance(one, Unclear) for one in open_.values())
    for one in (*both.values(), *open_.values()):
        assert "carrier: Carrier is required" in getattr(one, "message", "")
        assert "another" in getattr(one, "message", "")


def test_warnings_are_read_whatever_their_shape() -> None:
    """A context of plain texts or of lists; odd ones cost neither the record nor the others."""
    body = {
        "id": "1",
        "warnings": [
            {
                "category": "PROPERTY_VALUE_NORMALIZED",
                "context": {
                    "rawValue": "1/2/2026",
                    "normalizedValue": "2026-01-02",
                    "propertyName": "due",
                },
                "message": "The value was normalized",
            },
            {"category": "OTHER", "context": {"propertyName": ["memo"]}},
            "odd",
            {},
            None,
        ],
    }
    assert ObjectBody.model_validate(body).warned == (
        HubSpotWarning(
            "due",
            "due: The value was normalized (PROPERTY_VALUE_NORMALIZED) "
            "[rawValue: 1/2/2026, normalizedValue: 2026-01-02]",
        ),
        HubSpotWarning("memo", "memo (OTHER)"),
    )
    assert ObjectBody.model_validate({"id": "1", "warnings": "odd"}).warned == ()
    many = [{"message": f"w{n}"} for n in range(12)]
    assert ObjectBody.model_validate({"id": "1", "warnings": many}).warned[-1].text == "and 7 more"
