"""What an account says about itself, and what it keeps to itself."""

from collections.abc import Callable
from typing import Any

import pytest

from reconcile.errors import AuthError, HubSpotError, RateLimited
from reconcile.hubspot.account_definitions import AccountReader, Usage
from reconcile.hubspot.routes import Routes
from reconcile.hubspot.transport import Transport
from reconcile.model.definitions import Account, Label, Pipeline, Property

Talk = Callable[..., tuple[Transport, Any]]
FORBIDDEN = (403, {"message": "no", "category": "MISSING_SCOPES"})
UNIQUE = {"name": "k", "type": "string", "fieldType": "text", "hasUniqueValue": True}
EXISTS = (409, {"message": "exists", "category": "OBJECT_ALREADY_EXISTS"})


def describer(talk: Talk, *answers: Any) -> tuple[AccountReader, Any]:
    transport, script = talk(*answers)
    return AccountReader(transport, Routes("v3")), script


def results(*items: Any) -> Any:
    return (200, {"results": list(items)})


def test_definitions_are_read_whole(talk: Talk) -> None:
    """Flags that matter for planning come from several fields."""
    describe, _ = describer(
        talk,
        results(
            {
                "name": "tags",
                "label": "Tags",
                "type": "enumeration",
                "fieldType": "checkbox",
                "options": [{"value": "a", "label": "A", "displayOrder": 1, "hidden": False}],
            },
            {
                "name": "owner",
                "type": "enumeration",
                "fieldType": "select",
                "externalOptions": True,
            },
            {"name": "sum", "type": "number", "calculated": True},
            {"name": "made", "type": "datetime", "modificationMetadata": {"readOnlyValue": True}},
            {"name": "gone", "type": "string", "archived": True},
            UNIQUE,
        ),
        FORBIDDEN,
    )
    assert dict(describe.properties("orders")) == {
        "tags": Property("tags", "enumeration", "Tags", {"a": "A"}, multiple=True),
        "owner": Property("owner", "enumeration", open_options=True),
        "sum": Property("sum", "number", read_only=True),
        "made": Property("made", "datetime", read_only=True),
        "k": Property("k", "string", unique=True),
    }


def test_sensitive_definitions_are_added_and_marked(talk: Talk) -> None:
    """They come in lists of their own; a server that repeats the ordinary list marks nothing."""
    describe, script = describer(
        talk,
        results({"name": "a"}, {"name": "b", "dataSensitivity": "non_sensitive"}),
        results({"name": "s", "dataSensitivity": "sensitive"}, {"name": "a"}),
        results({"name": "h"}),
    )
    found = describe.properties("orders")
    assert {name for name, prop in found.items() if prop.sensitive} == {"s", "h"}
    assert set(found) == {"a", "b", "s", "h"}
    assert [r.url.params.get("dataSensitivity") for r in script.requests] == [
        None,
        "sensitive",
        "highly_sensitive",
    ]


@pytest.mark.parametrize("status", [400, 403, 404])
def test_sensitive_definitions_may_be_refused(talk: Talk, status: int) -> None:
    """A token that may not see them plans without them."""
    describe, _ = describer(talk, results({"name": "a"}), (status, {"message": "no"}))
    assert set(describe.properties("orders")) == {"a"}


def test_a_used_up_limit_is_not_taken_for_a_refusal(talk: Talk) -> None:
    """Half the definitions must not pass for all of them."""
    daily = (429, {"policyName": "DAILY", "message": "daily limit"})
    describe, _ = describer(talk, results({"name": "a"}), daily)
    with pytest.raises(RateLimited):
        describe.properties("orders")
    describe, _ = describer(talk, daily)
    for question in (describe.scopes, describe.usage):
        with pytest.raises(RateLimited):
            question()


def test_the_ordinary_definitions_must_be_readable(talk: Talk) -> None:
    """Without them nothing can be planned."""
    describe, _ = describer(talk, FORBIDDEN)
    with pytest.raises(AuthError):
        describe.properties("orders")


def test_a_unique_property_is_text(talk: Talk) -> None:
    """The body of the definition."""
    describe, script = describer(talk, (201, UNIQUE))
    describe.define_unique("orders", "k", "Key", "order_information")
    assert script.bodies == [
        {
            "name": "k",
            "label": "Key",
            "groupName": "order_information",
            "type": "string",
            "fieldType": "text",
            "hasUniqueValue": True,
        }
    ]


@pytest.mark.parametrize(
    ("there", "good"),
    [
        ((200, UNIQUE), True),
        ((200, {**UNIQUE, "hasUniqueValue": False}), False),
        ((200, {**UNIQUE, "type": "number"}), False),
        ((200, {**UNIQUE, "archived": True}), False),
        ((404, {"message": "not found"}), False),
    ],
)
def test_a_property_that_exists_must_be_the_right_one(
    talk: Talk, there: Any, *, good: bool
) -> None:
    """Uniqueness cannot be added later, so another property of the name is an error."""
    describe, _ = describer(talk, EXISTS, there)
    if good:
        describe.define_unique("orders", "k", "Key", "g")
        return
    with pytest.raises(HubSpotError, match="not a unique text property") as caught:
        describe.define_unique("orders", "k", "Key", "g")
    assert caught.value.status == 409


def test_other_refusals_of_a_definition_are_errors(talk: Talk) -> None:
    """A missing scope is not a property that exists."""
    describe, _ = describer(talk, FORBIDDEN)
    with pytest.raises(AuthError):
        describe.define_unique("orders", "k", "Key", "g")


def test_a_failed_look_at_one_property_is_an_error(talk: Talk) -> None:
    """Only a 404 means that it is not there."""
    describe, _ = describer(talk, FORBIDDEN)
    with pytest.raises(AuthError):
        describe.property("orders", "k")


def test_archived_groups_pipelines_and_stages_are_left_out(talk: Talk) -> None:
    """What is archived cannot be used."""
    describe, _ = describer(talk, results({"name": "g"}, {"name": "old", "archived": True}))
    assert describe.groups("orders") == ("g",)
    stages = [{"id": 1, "label": "Open"}, {"id": "2", "label": "Old", "archived": True}]
    describe, _ = describer(
        talk,
        results({"id": "p", "label": "P", "stages": stages}, {"id": "q", "archived": True}),
    )
    assert describe.pipelines("orders") == (Pipeline("p", "P", {"1": "Open"}),)


def test_the_unlabelled_type_has_an_empty_label(talk: Talk) -> None:
    """HubSpot says null."""
    describe, script = describer(
        talk, results({"category": "HUBSPOT_DEFINED", "typeId": 934, "label": None})
    )
    assert describe.labels("orders", "companies") == (Label("HUBSPOT_DEFINED", 934),)
    assert script.requests[0].url.path == "/crm/v4/associations/orders/companies/labels"


def test_an_account_without_a_portal_id_is_an_error(talk: Talk) -> None:
    """Without an id it could not be distinguished from another account."""
    describe, _ = describer(talk, (200, {"portalId": 5, "accountType": "SANDBOX"}))
    assert describe.account() == Account(5, "SANDBOX")
    describe, _ = describer(talk, (200, {"accountType": "SANDBOX"}))
    with pytest.raises(HubSpotError, match="portalId"):
        describe.account()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (results({"usageLimit": 9, "currentUsage": 4, "resetsAt": "z"}), Usage(9, 4, "z")),
        (results({"usageLimit": 9, "currentUsage": 4, "fetchStatus": "CACHED"}), Usage(9, 4)),
        (results({"usageLimit": 9, "currentUsage": 4, "fetchStatus": "FAILURE"}), None),
        (results({"fetchStatus": "SUCCESS"}), None),
        (results(), None),
        (FORBIDDEN, None),
    ],
)
def test_usage_is_told_or_not(talk: Talk, answer: Any, expected: Usage | None) -> None:
    """OAuth apps and failed lookups have none."""
    assert describer(talk, answer)[0].usage() == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((200, {"hubId": 1, "scopes": ["a", "b"]}), {"a", "b"}),
        ((200, {"hubId": 1}), None),
        ((404, {"message": "not found"}), None),
    ],
)
def test_scopes_are_told_or_not(talk: Talk, answer: Any, expected: set[str] | None) -> None:
    """Only private apps can ask, with the token in the body as well."""
    describe, script = describer(talk, answer)
    assert describe.scopes() == expected
    token = script.requests[0].headers["authorization"].removeprefix("Bearer ")
    assert script.bodies == [{"tokenKey": token}]


def test_usage_and_scopes_do_not_hide_an_outage(talk: Talk) -> None:
    """No answer is not the answer no."""
    describe, _ = describer(talk, (501, {"message": "down"}))
    for question in (describe.scopes, describe.usage):
        with pytest.raises(HubSpotError, match="down"):
            question()
