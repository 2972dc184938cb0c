"""Loading a seed into a sandbox in use: what is there stays, and nothing is loaded twice."""

import json
import sqlite3
import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconcile.sandbox import Sandbox, Seeded, SeedError, describe, load_seed

KEY = {
    "name": "reconcile_key",
    "label": "Key",
    "type": "string",
    "fieldType": "text",
    "groupName": "order_information",
    "hasUniqueValue": True,
}
LINK = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 507}]
SEED: dict[str, Any] = {
    "properties": {"orders": [KEY]},
    "labels": {"orders/companies": [{"label": "Reseller", "name": "reseller"}]},
    "objects": {
        "contacts": [{"id": "501", "properties": {"email": "Paul@Example.com"}}],
        "orders": [
            {
                "properties": {"reconcile_key": "K1", "hs_total_price": "5"},
                "associations": [{"to": {"id": "501"}, "types": LINK}],
            }
        ],
        "carts": [
            {"properties": {"hs_cart_name": "Twin"}},
            {"properties": {"hs_cart_name": "Twin"}},
        ],
    },
}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return an empty sandbox's database."""
    with Sandbox(tmp_path / "sandbox.db"):
        pass
    return tmp_path / "sandbox.db"


def write(tmp_path: Path, content: object) -> Path:
    """Write a seed."""
    path = tmp_path / "seed.json"
    path.write_text(json.dumps(content))
    return path


def query(database: Path, text: str) -> list[Any]:
    """Ask the database itself."""
    connection = sqlite3.connect(database)
    try:
        return connection.execute(text).fetchall()
    finally:
        connection.close()


def test_everything_is_added_once(tmp_path: Path, database: Path) -> None:
    """A seed adds everything at first; loaded again it adds nothing, duplicates included."""
    seed = write(tmp_path, SEED)
    parts = {
        "association labels": 1,
        "carts": 2,
        "contacts": 1,
        "orders": 1,
        "property definitions": 1,
    }
    assert load_seed(database, seed) == Seeded(added=parts, left={})
    links = query(database, "SELECT * FROM association")
    assert links
    for _ in range(2):
        assert load_seed(database, seed) == Seeded(added={}, left=parts)
    assert describe(database).counts["carts"] == 2
    assert query(database, "SELECT * FROM association") == links


def test_seed_of_the_first_start_is_known(tmp_path: Path) -> None:
    """A seed the database was made with is there already."""
    seed = write(tmp_path, SEED)
    with Sandbox(tmp_path / "sandbox.db", seed=seed):
        pass
    assert load_seed(tmp_path / "sandbox.db", seed).added == {}


def test_what_is_there_stays_as_it_is(tmp_path: Path, database: Path) -> None:
    """An id or a unique value that is taken is left alone, whatever else the entry says."""
    load_seed(database, write(tmp_path, SEED))
    before = query(database, "SELECT * FROM record ORDER BY type, id")
    other = {
        "objects": {
            "contacts": [
                {"id": "501", "properties": {"email": "other@example.com"}},
                {"properties": {"email": "PAUL@example.com", "firstname": "X"}},
                {"id": "777", "properties": {"email": "paul@example.com"}},
            ],
            "orders": [{"properties": {"reconcile_key": "K1", "hs_total_price": "9"}}],
        },
        "properties": {"orders": [{**KEY, "label": "Another label"}]},
    }
    seeded = load_seed(database, write(tmp_path, other))
    assert seeded.added == {}
    assert seeded.left == {"contacts": 3, "orders": 1, "property definitions": 1}
    assert query(database, "SELECT * FROM record ORDER BY type, id") == before


def test_a_third_duplicate_is_added(tmp_path: Path, database: Path) -> None:
    """Of entries alike without a key, as many are there as there are such records."""
    load_seed(database, write(tmp_path, SEED))
    three = {"objects": {"carts": [{"properties": {"hs_cart_name": "Twin"}}] * 3}}
    seeded = load_seed(database, write(tmp_path, three))
    assert (seeded.added, seeded.left) == ({"carts": 1}, {"carts": 2})


def test_a_key_of_an_archived_record_is_free(tmp_path: Path, database: Path) -> None:
    """A record in the recycling bin does not keep a seed from making another."""
    load_seed(database, write(tmp_path, SEED))
    connection = sqlite3.connect(database)
    connection.execute("UPDATE record SET archived_at = updated_at WHERE type = '0-123'")
    connection.commit()
    connection.close()
    assert load_seed(database, write(tmp_path, SEED)).added == {"orders": 1}


@pytest.mark.parametrize(
    ("content", "place", "reason"),
    [
        ({"objects": {"orders": [{"properties": {}}, {"properties": {"nope": 1}}]}}, "[1]", "nope"),
        (
            {"objects": {"carts": [{"id": 5, "properties": {}}, {"id": 5, "properties": {}}]}},
            "objects.carts[1]",
            "id 5 is already taken",
        ),
        (
            {
                "objects": {
                    "contacts": [
                        {"properties": {"email": "a@example.com"}},
                        {"properties": {"email": "A@example.com"}},
                    ]
                }
            },
            "objects.contacts[1]",
            "Contact already exists",
        ),
        (
            {
                "objects": {
                    "orders": [
                        {"properties": {}, "associations": [{"to": {"id": "9"}, "types": LINK}]}
                    ]
                }
            },
            "objects.orders[0]",
            "associations are invalid",
        ),
        ({"things": {}}, "the file", "unknown part"),
    ],
)
def test_all_or_nothing(
    tmp_path: Path, database: Path, content: object, place: str, reason: str
) -> None:
    """A seed with one bad entry is refused with file and place, and adds nothing."""
    before = query(database, "SELECT count(*) FROM record")
    seed = write(tmp_path, content)
    with pytest.raises(SeedError) as caught:
        load_seed(database, seed)
    message = str(caught.value)
    assert message.startswith(f"{seed}: ")
    assert place in message
    assert reason in message
    assert query(database, "SELECT count(*) FROM record") == before


def test_a_running_server_sees_it(tmp_path: Path) -> None:
    """A seed loaded beside a running server is served at once, its definitions too."""
    with Sandbox(tmp_path / "sandbox.db") as sandbox:
        seeded = load_seed(tmp_path / "sandbox.db", write(tmp_path, SEED))
        assert seeded.added["orders"] == 1
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        answer = httpx.get(
            f"{sandbox.url}/crm/v3/objects/orders/K1?idProperty=reconcile_key", headers=headers
        )
        assert answer.status_code == 200


def test_the_wheel_brings_the_seeds_of_the_examples() -> None:
    """Whoever installed the package can name an example's seed as in a checkout."""
    root = Path(__file__).parents[2]
    wheel = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    shipped = wheel["targets"]["wheel"]["force-include"]
    seeds = {
        str(path.relative_to(root)): f"reconcile/{path.relative_to(root)}"
        for path in (root / "examples").glob("*/sandbox-seed.json")
    }
    assert shipped == seeds
