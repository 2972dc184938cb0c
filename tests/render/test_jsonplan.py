"""A plan as JSON, in terraform's shape."""

import json
from typing import Any

import pytest

from reconcile import __version__
from reconcile.model.plan import Plan
from reconcile.render.json_plan import to_json


@pytest.fixture
def changes(plan: Plan) -> dict[str, Any]:
    """The changes by address, with personal values."""
    data = json.loads(to_json(plan, personal=True, digest="sha256:0123"))
    return {change["address"]: change for change in data["resource_changes"]}


def test_the_document_says_its_format_target_and_digest(plan: Plan) -> None:
    """What a reader must check before it trusts the rest."""
    data = json.loads(to_json(plan, personal=True, digest="sha256:0123"))
    assert data["format_version"] == "1.2"
    assert data["reconcile_version"] == __version__
    assert data["content_digest"] == "sha256:0123"
    assert data["target"] == {
        "name": "northwind-sandbox",
        "portal_id": 8675309,
        "account_type": "DEVELOPER_TEST",
        "sandbox": True,
    }
    assert data["undeclared"][0] == "order/OLD-00"
    assert data["guards"] == [
        {
            "name": "limit-update",
            "count": 4,
            "limit": 3,
            "message": "4 records would be updated, and the limit is 3",
            "allow": "limit-update=4",
        }
    ]


def test_the_summary_counts_by_action_and_kind(plan: Plan) -> None:
    """Policies need not count for themselves."""
    summary = json.loads(to_json(plan, personal=False))["summary"]
    assert summary.pop("text").startswith("Plan: 1 property to define; 1 order, 2 line items")
    assert summary == {
        "define": 1,
        "create": {"cart": 1, "line_item": 2, "order": 1},
        "create again": {"order": 1},
        "update": {"line_item": 2, "order": 2},
        "adopt and update": {"order": 1},
        "adopt": {"order": 1},
        "associate": {"order": 1},
        "conflict": 1,
        "unchanged": 2991,
        "remembered": 1,
        "held_back": 0,
        "drift": {},
    }


def test_a_creation_has_nothing_before(changes: dict[str, Any]) -> None:
    """After are the wire's values; what people read for them stands apart."""
    assert changes["order/NW-10248"] == {
        "address": "order/NW-10248",
        "type": "order",
        "name": "NW-10248",
        "id": "",
        "unit": "order/NW-10248",
        "title": "Vins et alcools Chevalier, 4 July 1996",
        "change": {
            "actions": ["create"],
            "before": None,
            "after": {
                "reconcile_key": "NW-10248",
                "hs_currency_code": "USD",
                "hs_order_name": "Vins et alcools Chevalier, 4 July 1996",
                "hs_pipeline_stage": "4b27b500",
                "hs_shipping_address_city": "Reims",
                "hs_shipping_address_street": "59 rue de l'Abbaye",
                "hs_total_price": "472.38",
            },
            "after_unknown": {},
            "before_sensitive": {},
            "after_sensitive": {
                "hs_order_name": True,
                "hs_shipping_address_city": True,
                "hs_shipping_address_street": True,
            },
            "reasons": dict.fromkeys(
                (
                    "reconcile_key",
                    "hs_currency_code",
                    "hs_order_name",
                    "hs_pipeline_stage",
                    "hs_shipping_address_city",
                    "hs_shipping_address_street",
                    "hs_total_price",
                ),
                "new",
            ),
            "shown": {"hs_pipeline_stage": {"before": "", "after": "Delivered"}},
        },
        "links": [
            {
                "action": "associate",
                "to": "contact",
                "id": "55",
                "types": [["HUBSPOT_DEFINED", 507]],
                "shown": "contact email=paul.henriot@example.com",
            }
        ],
    }


def test_an_update_says_both_sides_and_why(changes: dict[str, Any]) -> None:
    """Only the properties that change; removed associations are named as such."""
    change = changes["order/NW-10249"]
    assert change["change"]["actions"] == ["update"]
    assert change["change"]["before"]["hs_shipping_address_city"] == "Münster"
    assert change["change"]["after"]["hs_tags"] == ""
    assert change["change"]["reasons"]["hs_shipping_address_city"] == "drift"
    assert [link["action"] for link in change["links"]] == ["dissociate", "associate"]
    assert change["others"] == 2


def test_what_is_not_written_is_a_no_op(changes: dict[str, Any]) -> None:
    """Adoptions and conflicts change nothing in HubSpot."""
    assert changes["order/NW-10250"]["change"]["actions"] == ["no-op"]
    conflict = changes["order/NW-10252"]
    assert conflict["change"]["actions"] == ["no-op"]
    assert conflict["conflict"] == "record 9005 is archived in HubSpot"
    assert conflict["notes"] == ["conflict, left alone"]
    assert conflict["hints"] == ["restore it there, or --recreate it"]
    assert changes["order/NW-10254"]["adopts"]
    assert changes["order/NW-10255"]["rekey"]
    assert changes["order/NW-10256"]["recreates"]


def test_personal_values_are_marked_and_left_out(plan: Plan) -> None:
    """The fields are named; their values are the same words everywhere."""
    text = to_json(plan, personal=False)
    change = json.loads(text)["resource_changes"][2]
    assert change["change"]["after"]["hs_shipping_address_city"] == "changed (personal)"
    assert change["change"]["after_sensitive"]["hs_shipping_address_city"] is True
    assert change["links"][0]["id"] == ""
    for value in ("Reims", "Abbaye", "paul.henriot", "nster", "Thomas"):
        assert value not in text


def test_each_change_has_a_line(plan: Plan) -> None:
    """So that two documents can be compared by lines, and the same plan gives the same text.

    What only the state remembers is no change.
    """
    text = to_json(plan, personal=True)
    assert text == to_json(plan, personal=True)
    lines = [one for one in text.split("\n") if one.startswith('{"address":')]
    shown = [change for change in plan.records() if not change.is_remembered]
    assert len(lines) == len(shown) + len(plan.defines) < len(list(plan.records())) + 1


def test_a_property_definition_is_a_change_too(changes: dict[str, Any]) -> None:
    """It comes first, under the object it is defined for."""
    assert next(iter(changes)) == "property/orders.reconcile_key"
    assert changes["property/orders.reconcile_key"]["change"]["actions"] == ["create"]


def test_values_of_unknown_records_are_left_out_in_ci(plan: Plan) -> None:
    """What others keep in a record that reconcile does not know yet is not for every reader."""
    for personal, before, hidden in ((True, "1.00", {}), (False, "(differs)", True)):
        made = json.loads(to_json(plan, personal=personal))
        (one,) = [r for r in made["resource_changes"] if r["address"] == "order/NW-10254"]
        assert one["change"]["before"] == {"hs_total_price": before}
        assert one["change"]["before_sensitive"] == (hidden and {"hs_total_price": True})
        assert one["change"]["after"] == {"hs_total_price": "2.00"}
        assert one["change"]["after_sensitive"] == {}
