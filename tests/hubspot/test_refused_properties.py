"""Which values a refusal names, whatever the shape of its body."""

import json
from typing import Any

import pytest

from reconcile.errors import InvalidValue
from reconcile.hubspot.error_bodies import ErrorBody, Refusal, errors_from

OPTION = {
    "isValid": False,
    "message": "x was not one of the allowed options",
    "error": "INVALID_OPTION",
    "name": "channel",
    "propertyValue": "x",
}
GONE = {"message": "no such property", "error": "PROPERTY_DOESNT_EXIST", "name": "memo"}
SAID = "Property values were not valid: "
FIRST = InvalidValue(
    "channel",
    f"{SAID}channel: x was not one of the allowed options (INVALID_OPTION)",
    "INVALID_OPTION",
    "x",
)
TAKEN = (
    "Cannot set PropertyValueCoordinates{portalId=1, objectTypeId=ObjectTypeId{"
    "legacyObjectType=ORDER}, propertyName=erp, value=a} on 7. 9} on 5. 6 already has that value."
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            {"message": f"{SAID}{json.dumps([OPTION, GONE])}"},
            [
                FIRST,
                InvalidValue(
                    "memo",
                    f"{SAID}memo: no such property (PROPERTY_DOESNT_EXIST)",
                    "PROPERTY_DOESNT_EXIST",
                ),
            ],
            id="the list in the message",
        ),
        pytest.param(
            {
                "message": f"{SAID}{json.dumps([OPTION])}",
                "errors": [{"message": "no", "code": "NO", "context": {"propertyName": ["memo"]}}],
            },
            [FIRST],
            id="the list counts for more than errors",
        ),
        pytest.param(
            {
                "message": "The property values provided are invalid",
                "errors": [{"message": "no", "code": "NO", "context": {"propertyName": ["memo"]}}],
            },
            [InvalidValue("memo", "memo: no (NO)", "NO")],
            id="errors alone",
        ),
        pytest.param(
            {"message": "no", "errors": [{"code": "NO", "context": {"propertyName": "memo"}}]},
            [InvalidValue("memo", "memo: NO", "NO")],
            id="a context that is plain text",
        ),
        pytest.param(
            {"message": TAKEN},
            [InvalidValue("erp", TAKEN, "UNIQUE_VALUE_CONFLICT", "a} on 7. 9")],
            id="a taken value, whatever is in it",
        ),
        pytest.param(
            {
                "message": "taken",
                "errorTokens": {"propertyName": ["erp"], "conflictingValue": ["a"]},
            },
            [InvalidValue("erp", "taken", "UNIQUE_VALUE_CONFLICT", "a")],
            id="tokens",
        ),
        pytest.param({"message": "the record is locked"}, [], id="names nothing"),
        pytest.param({"message": f"{SAID}[{{broken"}, [], id="broken JSON"),
        pytest.param({"message": f'{SAID}[{{"name": 7, "error": []}}]'}, [], id="odd JSON"),
        pytest.param({"message": "no", "errors": [7, {"context": []}]}, [], id="odd errors"),
        pytest.param(
            {"message": "no", "errors": [{"context": {"propertyName": []}}]}, [], id="empty context"
        ),
        pytest.param({"message": "no", "errorTokens": {"propertyName": 7}}, [], id="odd tokens"),
        pytest.param({}, [], id="nothing at all"),
    ],
)
def test_a_refusal_names_values(body: Any, expected: list[InvalidValue]) -> None:
    """Each has a message of its own, which says nothing of the others."""
    assert ErrorBody.model_validate(body).invalid == tuple(expected)


def test_the_error_of_a_whole_call_carries_what_it_names() -> None:
    """Control characters do not reach a terminal, and the status is in front."""
    bad = OPTION | {"message": "x\u001b[31m is bad", "name": "cha\u202ennel"}
    body = {"message": f"{SAID}{json.dumps([bad])}", "category": "VALIDATION_ERROR"}
    refusal = Refusal.read(400, {}, json.dumps(body).encode())
    error = errors_from(refusal, {}, "")
    assert [one.message for one in error.invalid] == [str(error)]
    assert str(error).startswith(
        "HTTP 400: Property values were not valid: cha nnel: x [31m is bad"
    )
    assert error.reworded("other words", hint="").invalid == error.invalid
