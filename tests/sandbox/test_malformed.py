"""Malformed requests: every part of every body replaced in turn, after the served description."""

import copy
import json
from collections.abc import Iterator
from inspect import unwrap
from typing import Any

import httpx
import pytest

from reconcile.sandbox.openapi.document import describe
from reconcile.sandbox.rules.api_call import Endpoint
from reconcile.sandbox.server.app import ENDPOINTS

Place = tuple[str | int, ...]

JSON = {"Content-Type": "application/json"}
DESCRIBED = describe(ENDPOINTS, "http://127.0.0.1")
# One path for each handler: those of other versions are answered by the same code.
ONCE = list({unwrap(one.handler): one for one in ENDPOINTS}.values())
ANYTHING: tuple[Any, ...] = ({}, [], {"a": 1}, [1], [[]], "", "x", "\x00", 0, -1, 2**70, 1.5)
ANYTHING += (True, False, None)
PASSED_OVER = "/crm/v3/associations/{type}/{to_type}/batch/create"
"""Inputs of another shape are silently passed over there (ref §4)."""

MADE = "memo"
JUNK_TEXTS = ("", "x", "\x00", "-1", "9" * 30, "1.5", "{}", ",", "\U0001f600")
WORDS = {
    "type": "string",
    "fieldType": "text",
    "groupName": "order_information",
    "name": MADE,
    "label": MADE,
    "idProperty": "reconcile_key",
    "associationCategory": "HUBSPOT_DEFINED",
    "filterGroups": [{"filters": [{"propertyName": "hs_tags", "operator": "EQ", "value": "a"}]}],
    "sorts": [{"propertyName": "hs_tags", "direction": "ASCENDING"}],
    "metadata": {"state": "OPEN"},
    "properties": {"hs_tags": "a"},
    "associationTypeId": 513,
    "limit": 5,
    "after": "0",
    "query": "a",
}


def described(endpoint: Endpoint) -> dict[str, Any]:
    """Return what is described of a route."""
    operation: dict[str, Any] = DESCRIBED["paths"][endpoint.path][endpoint.method.lower()]
    return operation


def example(shape: dict[str, Any], name: str = "") -> Any:
    """Build a body that has everything its description names."""
    if "$ref" in shape:
        return example(DESCRIBED["components"]["schemas"][shape["$ref"].rpartition("/")[2]], name)
    fits = {"array": list, "object": dict}.get(str(shape.get("type")), str | int)
    if isinstance(WORDS.get(name), fits):
        return copy.deepcopy(WORDS[name])
    match shape.get("type"):
        case "object":
            fields = shape.get("properties", {})
            return {field: example(inner, field) for field, inner in fields.items()}
        case "array":
            return [example(shape["items"], name)]
        case "integer":
            return 1
        case "boolean":
            return False
        case _:
            return "7"


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """Yield where each part of a body is, the whole first."""
    yield at
    if isinstance(value, dict | list):
        for name in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[name], (*at, name))


def part_of(body: Any, at: Place) -> Any:
    """Return the part of a body at a place."""
    for name in at:
        body = body[name]
    return body


def replaced(body: Any, at: Place, part: Any) -> Any:
    """Return a copy of a body with another part at a place."""
    if not at:
        return part
    changed = copy.deepcopy(body)
    part_of(changed, at[:-1])[at[-1]] = part
    return changed


def misfits(part: Any, junk: Any) -> bool:
    """Tell whether JSON of this sort can never stand for that part."""
    if isinstance(part, dict | list):
        return junk is not None and type(junk) is not type(part)
    return isinstance(junk, dict | list)


class Account:
    """A sandbox with one of each thing that a path can name."""

    def __init__(self, http: httpx.Client) -> None:
        """Make what the paths name."""
        self.http = http
        self._sent = 0
        key = {"name": "reconcile_key", "label": "K", "type": "string", "fieldType": "text"}
        key |= {"groupName": "order_information"}
        self._post("/crm/v3/properties/orders", {**key, "hasUniqueValue": True})
        order = self._post("/crm/v3/objects/orders", {"properties": {}})["id"]
        line = self._post("/crm/v3/objects/line_items", {"properties": {}})["id"]
        stages = [{"label": name, "displayOrder": 0} for name in "AB"]
        body = {"label": "P", "displayOrder": 1, "stages": stages}
        pipeline = self._post("/crm/v3/pipelines/orders", body)
        self._names = {
            "type": "orders",
            "to_type": "line_items",
            "id": order,
            "to_id": line,
            "type_id": "513",
            "pipeline": pipeline["id"],
            "stage": pipeline["stages"][0]["id"],
            "name": "reconcile_key",
            "owner": self.http.get("/crm/v3/owners").json()["results"][0]["id"],
            "rule_type": "FORMAT",
        }

    def path(self, endpoint: Endpoint) -> str:
        """Fill in a path."""
        name = "order_information" if "/groups/" in endpoint.path else self._names["name"]
        return endpoint.path.format(**{**self._names, "name": name})

    def send(self, endpoint: Endpoint, body: Any) -> httpx.Response:
        """Send a body, and check that the answer has HubSpot's shape whatever it is."""
        self._sent += 1  # what is made has another name each time
        content = json.dumps(body).replace(MADE, f"{MADE}_{self._sent}")
        answer = self.http.request(
            endpoint.method, self.path(endpoint), content=content, headers=JSON
        )
        return checked(answer)

    def _post(self, path: str, body: Any) -> Any:
        answer = self.http.post(path, json=body)
        answer.raise_for_status()
        return answer.json()


@pytest.fixture
def account(http: httpx.Client) -> Account:
    """Return an account to ask."""
    return Account(http)


def checked(answer: httpx.Response) -> httpx.Response:
    """Check that an answer is no server error, and a refusal is worded as HubSpot words one."""
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        body = answer.json()
        assert body["status"] == "error", answer.text
        assert body["correlationId"] == answer.headers["X-HubSpot-Correlation-Id"]
        assert body["message"], answer.text
    return answer


def is_refused(answer: httpx.Response) -> bool:
    """Tell whether a request was refused, in whole or (a 207, a batch with errors) in part."""
    body = answer.json() if answer.content else {}
    return answer.status_code == 400 or bool(body.get("errors"))


def named(endpoint: Endpoint) -> str:
    """Name a route as people write it."""
    return f"{endpoint.method} {endpoint.path}"


@pytest.mark.matrix(keep=10)
@pytest.mark.parametrize(
    "endpoint", [one for one in ONCE if "requestBody" in described(one)], ids=named
)
def test_a_malformed_part_of_a_body(endpoint: Endpoint, account: Account) -> None:
    """No part of any body makes the server fail, and one of the wrong sort is refused."""
    body = example(described(endpoint)["requestBody"]["content"]["application/json"]["schema"])
    taken = [
        (at, junk)
        for at in places(body)
        for junk in ANYTHING
        if not is_refused(account.send(endpoint, replaced(body, at, junk)))
        and misfits(part_of(body, at), junk)
    ]
    assert taken == [] or endpoint.path == PASSED_OVER


def test_a_malformed_query(account: Account) -> None:
    """No value of any query parameter makes the server fail."""
    for endpoint in ONCE:
        path = account.path(endpoint)
        for parameter in described(endpoint)["parameters"]:
            for junk in JUNK_TEXTS if parameter["in"] == "query" else ():
                params = {parameter["name"]: junk}
                checked(account.http.request(endpoint.method, path, params=params))
