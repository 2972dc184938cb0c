"""Seeds: the first content of a database."""

import json
from pathlib import Path

import httpx
import pytest

from reconcile.sandbox import Sandbox, SeedError, describe

LINK = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 507}]
SEED = {
    "properties": {
        "orders": [
            {
                "name": "reconcile_key",
                "label": "Key",
                "type": "string",
                "fieldType": "text",
                "groupName": "order_information",
                "hasUniqueValue": True,
            }
        ]
    },
    "labels": {"orders/companies": [{"label": "Reseller", "name": "reseller"}]},
    "objects": {
        "orders": [
            {
                "properties": {"reconcile_key": "K1"},
                "associations": [{"to": {"id": "501"}, "types": LINK}],
            }
        ],
        "contacts": [{"id": "501", "properties": {"email": "Paul@Example.com"}}],
        "companies": [{"id": "501", "properties": {"name": "Vins et alcools Chevalier"}}],
    },
}


def write(tmp_path: Path, content: object) -> Path:
    """Write a seed."""
    path = tmp_path / "seed.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_seed_fills_a_new_database(tmp_path: Path) -> None:
    """A seed brings records with their ids, definitions, labels, and links in any order."""
    seed = write(tmp_path, SEED)
    with Sandbox(tmp_path / "sandbox.db", seed=seed) as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        with httpx.Client(base_url=sandbox.url, headers=headers) as client:
            contact = client.get("/crm/v3/objects/contacts/501").json()
            assert contact["properties"]["email"] == "paul@example.com"
            order = client.get("/crm/v3/objects/orders/K1?idProperty=reconcile_key").json()
            path = f"/crm/v4/objects/orders/{order['id']}/associations/contacts"
            assert client.get(path).json()["results"][0]["toObjectId"] == 501
            labels = client.get("/crm/v4/associations/orders/companies/labels").json()["results"]
            assert "Reseller" in [label["label"] for label in labels]


def test_seed_is_loaded_once(tmp_path: Path) -> None:
    """A seed is ignored when the database is there."""
    with Sandbox(tmp_path / "sandbox.db"):
        pass
    with Sandbox(tmp_path / "sandbox.db", seed=write(tmp_path, "not even JSON")):
        pass
    assert describe(tmp_path / "sandbox.db").counts["contacts"] == 0


@pytest.mark.parametrize(
    ("content", "place", "reason"),
    [
        ("{", "the file", "Invalid input JSON"),
        ([], "the file", "must be an object"),
        ({"other": {}}, "the file", "unknown part 'other'"),
        ({"objects": {"things": [{"properties": {}}]}}, "objects.things[0]", "unknown object type"),
        ({"objects": {"orders": {}}}, "objects.orders", "must be a list"),
        ({"objects": {"orders": [5]}}, "objects.orders[0]", "must be an object"),
        ({"objects": {"orders": [{}]}}, "objects.orders[0]", "[properties]"),
        (
            {"objects": {"orders": [{"properties": {}}, {"properties": {"nope": 1}}]}},
            "objects.orders[1]",
            "PROPERTY_DOESNT_EXIST",
        ),
        (
            {"objects": {"orders": [{"id": "5", "properties": {}}, {"id": 5, "properties": {}}]}},
            "objects.orders[1]",
            "id 5 is already taken",
        ),
        ({"objects": {"orders": [{"id": "x", "properties": {}}]}}, "objects.orders[0]", "'x'"),
        (
            {
                "objects": {
                    "orders": [
                        {
                            "properties": {},
                            "associations": [{"to": {"id": "9"}, "types": LINK}],
                        }
                    ]
                }
            },
            "objects.orders[0]",
            "associations are invalid",
        ),
        ({"properties": {"orders": [{"name": "x"}]}}, "properties.orders[0]", "label"),
        ({"properties": {"x": [{"name": "x"}]}}, "properties.x[0]", "infer object type"),
        ({"labels": {"orders": [{}]}}, "labels.orders[0]", "two object types"),
    ],
)
def test_broken_seeds(tmp_path: Path, content: object, place: str, reason: str) -> None:
    """A broken seed is told in one line with file and place, and leaves no database."""
    seed = write(tmp_path, content)
    with pytest.raises(SeedError) as caught, Sandbox(tmp_path / "sandbox.db", seed=seed):
        pass
    message = str(caught.value)
    assert message.startswith(f"{seed}: {place}: ")
    assert reason in message
    assert "\n" not in message
    assert list(tmp_path.iterdir()) == [seed]


def test_missing_seed(tmp_path: Path) -> None:
    """A seed that is not there is a SeedError too."""
    with (
        pytest.raises(SeedError, match="No such file"),
        Sandbox(tmp_path / "sandbox.db", seed=tmp_path / "none.json"),
    ):
        pass
