"""Bad input: an answer of HubSpot's shape, never a 500, and nothing written."""

import json
import re
import socket
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from random_examples import examples

from reconcile.sandbox import Sandbox
from reconcile.sandbox.server.app import ENDPOINTS

JSON = {"Content-Type": "application/json"}
DEEP = "[" * 200_000
NASTY = [
    "'; DROP TABLE record; --",
    '"',
    "%",
    "\\",
    "😀",
    "..",
    "null",
    "9" * 400,
    "-1",
    "1e3",
    "\uff11",
]


def refused(answer: httpx.Response, status: int) -> None:
    """Check that an answer is a refusal as HubSpot words them."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["status"] == "error"
    assert body["correlationId"] == answer.headers["X-HubSpot-Correlation-Id"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b"null",
        b'{"properties": NaN}',
        b'{"properties": []}',
        b'{"properties": {"hs_tags": {"a": 1}}}',
        b'{"properties": {"hs_tags": ["a"]}}',
        b'{"properties": {"hs_tags": "\\ud800"}}',
        b'{"properties": {"hs_tags": "\xff"}}',
        b'{"other": {}}',
        b'{"properties": {}, "associations": 5}',
        b'{"properties": {}, "associations": [{"to": 5, "types": []}]}',
        b'{"properties": {}, "associations": [{"to": {"id": "1"}, "types": [5]}]}',
        b'{"properties": {"hs_tax": ' + b"9" * 5000 + b"}}",
        DEEP.encode(),
    ],
    ids=range(17),
)
def test_bad_bodies(http: httpx.Client, content: bytes) -> None:
    """A body that is not what a create takes is refused and writes nothing."""
    refused(http.post("/crm/v3/objects/orders", content=content, headers=JSON), 400)
    assert http.get("/crm/v3/objects/orders").json()["results"] == []


@pytest.mark.parametrize(
    "inputs", ["x", 5, {}, [5], [{}], [{"id": None}], [{"id": {"a": 1}}], None]
)
@pytest.mark.parametrize("action", ["create", "read", "update", "upsert", "archive"])
def test_bad_inputs(http: httpx.Client, action: str, inputs: object) -> None:
    """A batch whose inputs are of the wrong shape is refused."""
    answer = http.post(f"/crm/v3/objects/orders/batch/{action}", json={"inputs": inputs})
    refused(answer, 400)


@pytest.mark.parametrize("action", ["create", "read", "update", "upsert", "archive"])
def test_a_hundred_and_one_inputs(http: httpx.Client, action: str) -> None:
    """Every batch of records takes 100 inputs and refuses 101 (ref §3, H)."""
    inputs = [{"id": str(n), "properties": {}} for n in range(1, 102)]
    answer = http.post(f"/crm/v3/objects/orders/batch/{action}", json={"inputs": inputs})
    refused(answer, 400)
    assert "100" in answer.json()["message"]
    if action in {"create", "read", "update"}:
        body = {"inputs": inputs[:100]}
        assert http.post(f"/crm/v3/objects/orders/batch/{action}", json=body).is_success


def test_association_batch_limits(http: httpx.Client) -> None:
    """Association batches read 1,000 and create 2,000 inputs at most (ref §3, H)."""
    path = "/crm/v4/associations/orders/contacts/batch"
    inputs = [{"id": "1"}] * 1_001
    refused(http.post(f"{path}/read", json={"inputs": inputs}), 400)
    assert http.post(f"{path}/read", json={"inputs": inputs[:1_000]}).status_code == 207
    refused(http.post(f"{path}/create", json={"inputs": [{}] * 2_001}), 400)


@pytest.mark.parametrize("text", NASTY)
def test_nasty_ids(http: httpx.Client, text: str) -> None:
    """Whatever an id holds, it names no record and breaks nothing."""
    answer = http.get(httpx.URL("/crm/v3/objects/orders/" + "x"), params={"idProperty": text})
    refused(answer, 400)
    read = http.post("/crm/v3/objects/orders/batch/read", json={"inputs": [{"id": text}]})
    assert read.json()["errors"][0]["context"]["ids"] == [text]
    assert http.post(
        "/crm/v3/objects/orders/batch/archive", json={"inputs": [{"id": text}]}
    ).is_success
    assert http.get("/crm/v3/objects/orders").status_code == 200


@pytest.mark.parametrize("text", [*NASTY, "a\x00b", " " * 9])
def test_nasty_values_are_kept(http: httpx.Client, text: str) -> None:
    """A text value comes back as it was written, whatever it holds."""
    made = http.post("/crm/v3/objects/orders", json={"properties": {"hs_tags": text}}).json()
    read = http.get(f"/crm/v3/objects/orders/{made['id']}", params={"properties": "hs_tags"})
    assert read.json()["properties"]["hs_tags"] == text


def test_a_value_has_a_length(http: httpx.Client) -> None:
    """A string of 65,536 characters is kept; one more is refused (ref §3, H)."""
    body = {"properties": {"hs_tags": "x" * 65_536}}
    assert http.post("/crm/v3/objects/orders", json=body).status_code == 201
    body["properties"]["hs_tags"] += "x"
    refused(http.post("/crm/v3/objects/orders", json=body), 400)


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Basic abc", "'--"])
def test_no_token(sandbox: Sandbox, authorization: str | None) -> None:
    """Without a good token nothing is answered, the sandbox's own routes included."""
    headers = {} if authorization is None else {"Authorization": authorization}
    for path in ("/crm/v3/objects/orders", "/_sandbox/requests", "/account-info/v3/details"):
        refused(httpx.get(sandbox.url + path, headers=headers), 401)
    body = {"properties": {}}
    refused(httpx.post(sandbox.url + "/crm/v3/objects/orders", json=body, headers=headers), 401)


def test_revoked_token(sandbox: Sandbox) -> None:
    """A revoked token is worth nothing, to the introspection either."""
    token = sandbox.add_token(["crm.objects.orders.read"])
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(sandbox.url + "/crm/v3/objects/orders", headers=headers).is_success
    sandbox.revoke_token(token)
    refused(httpx.get(sandbox.url + "/crm/v3/objects/orders", headers=headers), 401)
    path = "/oauth/v2/private-apps/get/access-token-info"
    refused(httpx.post(sandbox.url + path, json={"tokenKey": token}), 401)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_wrong_content_type(http: httpx.Client, content_type: str) -> None:
    """A body must say that it is JSON."""
    body = json.dumps({"properties": {}})
    headers = {"Content-Type": content_type}
    refused(http.post("/crm/v3/objects/orders", content=body, headers=headers), 415)


def test_oversized(http: httpx.Client) -> None:
    """A body of more than 10 MiB and an address of more than 16 KiB are refused."""
    body = b'{"properties": {"hs_tags": "' + b"x" * (11 * 1024 * 1024) + b'"}}'
    refused(http.post("/crm/v3/objects/orders", content=body, headers=JSON), 413)
    names = ",".join(f"property_{n}" for n in range(2_000))
    refused(http.get("/crm/v3/objects/orders", params={"properties": names}), 414)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/crm",
        "/crm/v3/objects",
        "/crm/v9/objects/orders",
        "/crm/v3/objects/orders/1/2/3/4/5/6",
        "/crm/v3/objects/../../etc/passwd",
        "/crm/v3/objects/orders/%2e%2e/%2e%2e/x/y",
        "/_sandbox/other",
    ],
)
def test_unknown_route(http: httpx.Client, path: str) -> None:
    """A path nobody serves is an HTML 404 (gh hubspot-api-nodejs#240)."""
    answer = http.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "<title>Error 404 Not Found</title>" in answer.text
    assert answer.headers["X-HubSpot-Correlation-Id"]


def test_wrong_method(http: httpx.Client) -> None:
    """A path that is served, but not with this method, is an empty 405 (gh hubspot-php#203)."""
    answer = http.put("/crm/v3/objects/orders", json={})
    assert (answer.status_code, answer.content) == (405, b"")
    assert answer.headers["Allow"] == "GET,POST"


def test_trailing_slash(http: httpx.Client) -> None:
    """A trailing slash makes no difference: the specification writes GET /."""
    assert http.get("/crm/v3/objects/orders/").json() == {"results": []}


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=-1", "after=x", "archived=maybe"])
def test_bad_queries(http: httpx.Client, query: str) -> None:
    """A query parameter that cannot be read is refused."""
    refused(http.get(f"/crm/v3/objects/orders?{query}"), 400)


def test_not_http(sandbox: Sandbox, http: httpx.Client) -> None:
    """Bytes that are not HTTP do not stop the server."""
    with socket.create_connection(("127.0.0.1", sandbox.port)) as raw:
        raw.sendall(b"\x00\xff nonsense\r\n\r\n")
        assert b"400" in raw.recv(1024)
    assert http.get("/crm/v3/objects/orders").status_code == 200


NAMES = st.sampled_from(
    [
        "inputs",
        "id",
        "properties",
        "associations",
        "to",
        "from",
        "types",
        "type",
        "name",
        "label",
        "options",
        "value",
        "idProperty",
        "associationCategory",
        "associationTypeId",
        "objectWriteTraceId",
        "stages",
        "metadata",
        "displayOrder",
        "fieldType",
        "groupName",
        "primaryObjectId",
        "tokenKey",
        "hs_tax",
        "hs_tags",
        "archived",
        "after",
    ]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=6),
    st.sampled_from(["orders", "0-123", "HUBSPOT_DEFINED", "507", "hs_tags", "email", "string"]),
)
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=6)),
    max_leaves=12,
)
SEGMENTS = st.one_of(
    st.sampled_from(["orders", "0-8", "contacts", "507", "groups", "1", "41000000004", "hs_tags"]),
    st.text(min_size=1, max_size=5),
)


@pytest.mark.long
@examples(600, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_junk_on_every_route(http: httpx.Client, data: st.DataObject) -> None:
    """Whatever is sent to whatever route, the answer is never a server error."""
    endpoint = data.draw(st.sampled_from(ENDPOINTS))
    path = endpoint.path.replace("{type}", data.draw(st.sampled_from(["orders", "line_items"])))
    path = re.sub(r"\{.*?\}", lambda _: quote(data.draw(SEGMENTS), safe=""), path)
    body = data.draw(st.dictionaries(NAMES, JUNK, max_size=6) | JUNK)
    content = json.dumps(body).encode() if endpoint.method not in {"GET", "DELETE"} else None
    assert http.request(endpoint.method, path, content=content, headers=JSON).status_code < 500
