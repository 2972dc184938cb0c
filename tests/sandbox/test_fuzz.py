"""Random requests, made by schemathesis from the description that the sandbox serves of itself."""

import hashlib
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st
from random_examples import examples
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from reconcile.sandbox import Sandbox
from reconcile.sandbox.object_types import infer_object_type
from reconcile.sandbox.openapi.document import describe, operation_of
from reconcile.sandbox.server.app import ENDPOINTS

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 10
BY_PLACE = {(one.method, one.path): one for one in ENDPOINTS}
DESCRIBED = schemathesis.openapi.from_dict(describe(ENDPOINTS, "http://127.0.0.1"))
OPERATIONS = {
    (one.method.upper(), one.path): one
    for one in (result.ok() for result in DESCRIBED.get_all_operations())
}
KINDS = (
    "contacts",
    "companies",
    "deals",
    "products",
    "orders",
    "carts",
    "quotes",
    "invoices",
    "subscriptions",
    "line_items",
)
IDS = {"id", "objectId", "primaryObjectId", "objectIdToMerge"}
LIKELY: dict[str, list[Any]] = {
    "type": ["string", "number", "order_to_contact"],
    "fieldType": ["text", "number"],
    "groupName": ["order_information"],
    "displayOrder": [-1, 0, 1, 2**31],
    "associationCategory": ["HUBSPOT_DEFINED", "USER_DEFINED"],
    "associationTypeId": [507, 509, 513, 514, 934, 37],
    "idProperty": ["reconcile_key", "email"],
    "metadata": [{}, {"state": "OPEN"}, {"state": "open"}],
}
KNOWN_VALUES = {"hs_order_name": "A", "reconcile_key": "K9", "hs_tags": "", "price": "2.50"}


class World:
    """A running sandbox with something of everything in it, and what is in it by name."""

    def __init__(self, sandbox: Sandbox, path: Path) -> None:
        """Remember where it is."""
        self.url = sandbox.url
        self.auth = {"Authorization": f"Bearer {sandbox.token}"}
        self.session = requests.Session()
        self.database = sqlite3.connect(path)
        self.version, self.sum = -1, ""
        self.ids: dict[str, list[str]] = {}
        self.parameters: dict[str, list[str]] = {}

    def top_up(self) -> None:
        """Make records, a definition, a pipeline and a label, where the last requests left none."""
        with httpx.Client(base_url=self.url, headers=self.auth) as client:
            key = {"name": "reconcile_key", "label": "K", "type": "string", "fieldType": "text"}
            key |= {"groupName": "order_information", "hasUniqueValue": True}
            client.post("/crm/v3/properties/orders", json=key)
            for kind in KINDS:
                path = f"/crm/v3/objects/{kind}"
                body = {"inputs": [{"properties": {}}] * 3}
                results = client.post(f"{path}/batch/create", json=body).json()["results"]
                made = [one["id"] for one in results]
                client.delete(f"{path}/{made[2]}")
                self.ids[kind] = made
            stages = [{"label": "A", "displayOrder": 0}, {"label": "B", "displayOrder": 1}]
            body = {"label": made[0], "displayOrder": 1, "stages": stages}
            pipeline = client.post("/crm/v3/pipelines/orders", json=body).json()
            label = {"name": made[0], "label": made[0]}
            path = "/crm/v4/associations/orders/companies/labels"
            client.post(path, json=label)
            labels = client.get(path).json()["results"]
            owner = client.get("/crm/v3/owners").json()["results"][0]["id"]
        self.parameters = {
            "pipeline": [pipeline["id"]],
            "stage": [stage["id"] for stage in pipeline["stages"]],
            "type_id": [str(labels[-1]["typeId"]), "507", "514"],
            "owner": [owner],
            "name": ["reconcile_key", "hs_order_name", "hs_tax", "order_information"],
        }

    def digest(self) -> str:
        """Sum up all that is stored, but for the log of requests."""
        version = self.database.execute("PRAGMA data_version").fetchone()[0]
        if version != self.version:  # somebody has written since
            tables = self.database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            state = hashlib.sha256()
            for name in sorted(row[0] for row in tables if not row[0].startswith("request")):
                rows = self.database.execute(f'SELECT * FROM "{name}"')  # noqa: S608 - own names
                state.update(repr(rows.fetchall()).encode())
            self.version, self.sum = version, state.hexdigest()
        return self.sum

    def close(self) -> None:
        """Let go of the connections."""
        self.session.close()
        self.database.close()

    def make_likely(self, case: Any, chance: random.Random) -> None:
        """Put what exists, and what makes sense, in the place of some of what is random."""
        path = case.path_parameters
        if "type" in path and chance.random() < (0.9 if "pipeline" in case.path else 0.5):
            path["type"] = "orders"
        if "to_type" in path and chance.random() < 0.6:
            path["to_type"] = chance.choice(["contacts", "companies", "line_items"])
        known = {**self.parameters, "id": self._ids(path.get("type"))}
        known["to_id"] = self._ids(path.get("to_type"))
        for name in path:
            if known.get(name) and chance.random() < 0.7:
                path[name] = chance.choice(known[name])
        self._fill_body(case.body, known["id"], chance)

    def _ids(self, name: object) -> list[str]:
        kind = infer_object_type(str(name))
        return self.ids.get(kind.plural, []) if kind else []

    def _fill_body(self, body: Any, ids: list[str], chance: random.Random) -> None:
        if isinstance(body, list):
            for item in body:
                self._fill_body(item, ids, chance)
        if not isinstance(body, dict):
            return
        for name in list(body):
            likely = LIKELY.get(name) or (ids if name in IDS else None)
            if likely and chance.random() < 0.8:
                body[name] = chance.choice(likely)
            elif name == "properties" and isinstance(body[name], dict) and chance.random() < 0.6:
                body[name] = dict([chance.choice(list(KNOWN_VALUES.items()))])
            elif name == "tokenKey" and chance.random() < 0.5:
                body[name] = self.auth["Authorization"].partition(" ")[2]
            else:
                self._fill_body(body[name], ids, chance)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Return a sandbox that lives through all the random requests of this module."""
    path = tmp_path_factory.mktemp("fuzz") / "sandbox.db"
    with Sandbox(path) as sandbox:
        made = World(sandbox, path)
        yield made
        made.close()


def test_every_route_is_described() -> None:
    """No route is missing from the description, and none is described that is not there."""
    assert OPERATIONS.keys() == BY_PLACE.keys()
    assert [one.path for one in ENDPOINTS if operation_of(one.handler) is None] == []


def test_served_description(world: World) -> None:
    """The description is served without a token and names the server itself."""
    served = httpx.get(f"{world.url}/_sandbox/openapi.json").json()
    assert served["servers"] == [{"url": world.url}]
    assert served["paths"].keys() == {one.path for one in ENDPOINTS}
    assert served["openapi"].startswith("3.")


@pytest.mark.long
@pytest.mark.parametrize("place", BY_PLACE, ids=" ".join)
def test_random_requests(place: tuple[str, str], world: World) -> None:
    """No request makes the server fail or hang, answers are as described, refusals change nothing.

    Nor does any request that only reads.
    """
    endpoint = BY_PLACE[place]
    modes = schemathesis.GenerationMode
    if endpoint.writes or not world.parameters:
        world.top_up()
    before, chance = world.digest(), random.Random(" ".join(place))

    @examples(
        EXAMPLES,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=st.one_of(
            OPERATIONS[place].as_strategy(generation_mode=modes.POSITIVE),
            OPERATIONS[place].as_strategy(generation_mode=modes.NEGATIVE),
        ),
    )
    def ask(case: Any) -> None:
        nonlocal before
        world.make_likely(case, chance)
        response = case.call(
            base_url=world.url, session=world.session, headers=world.auth, timeout=10
        )
        after = world.digest()
        if response.status_code >= 400 or not endpoint.writes:
            assert after == before, f"{response.status_code} changed something: {response.text}"
        before = after
        case.validate_response(response, checks=CHECKS)

    ask()
