"""The page for people: what it shows, and that nothing in it is anything but text."""

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from pages import PAGE, VIEWS, make, text_of

from reconcile.sandbox import Sandbox
from reconcile.sandbox.page import record_lists, templating

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"


def test_hostile_values_are_text(http: httpx.Client, browser: httpx.Client) -> None:
    """Markup in values, labels, options, paths and queries is shown, never obeyed."""
    definition = {
        "name": "bad",
        "label": HOSTILE,
        "description": HOSTILE,
        "type": "enumeration",
        "fieldType": "select",
        "groupName": "order_information",
        "options": [{"label": HOSTILE, "value": HOSTILE}],
    }
    http.post("/crm/v3/properties/orders", json=definition).raise_for_status()
    label = {"label": HOSTILE[:40], "name": "bad"}
    http.post("/crm/v4/associations/orders/carts/labels", json=label).raise_for_status()
    stage = {"label": HOSTILE, "displayOrder": 9, "stages": []}
    http.post("/crm/v3/pipelines/orders", json=stage)
    order = make(http, hs_order_name=HOSTILE, hs_order_note=HOSTILE * 20, bad=HOSTILE)
    http.patch(f"/crm/v3/objects/orders/{order}", json={"properties": {"hs_tags": HOSTILE}})
    http.get(f"/crm/v3/objects/{HOSTILE}", params={HOSTILE: HOSTILE})
    http.get("/no/where/<script>alert(1)</script>")
    seen = 0
    for path in (
        *VIEWS,
        f"{PAGE}/records/orders/{order}",
        f"{PAGE}/records/orders?q=%3Cscript%3Ealert(1)%3C/script%3E",
        *(f"{PAGE}/requests/{number}" for number in range(1, 9)),
    ):
        html = browser.get(path).text
        assert "<script" not in html.lower()
        assert "<img" not in html
        assert "49" not in re.findall(r"onerror=alert\(1\)&gt;(.{2})", html)
        seen += html.count("&lt;script&gt;")
    assert seen > 20


def test_unseen_characters_are_shown() -> None:
    """Control characters and those that turn the direction of text are written out."""
    assert templating.visible("a\x00b\x1b[0m\r") == "a␀b␛[0m␍"
    assert templating.visible("abc\u202etxt\u2066\ufeff") == "abc⟨U+202E⟩txt⟨U+2066⟩⟨U+FEFF⟩"
    assert templating.visible("línea 1\n\tline 2 😀") == "línea 1\n\tline 2 😀"


def test_overview(http: httpx.Client, browser: httpx.Client, tmp_path: Path) -> None:
    """The overview counts live records, whoever writes, and names what was changed last."""
    make(http, hs_order_name="First")
    gone = make(http, hs_order_name="Gone")
    http.delete(f"/crm/v3/objects/orders/{gone}")
    text = text_of(browser.get("/").text)
    assert "1 Orders" in text
    assert text_of(browser.get("/").text) == text
    assert "First" in text
    assert "Gone" not in text
    assert "Archive one order" in text
    make(http, hs_order_name="Second")
    assert "2 Orders" in text_of(browser.get("/").text)
    with sqlite3.connect(tmp_path / "sandbox-0.db") as connection:
        connection.execute("UPDATE record SET archived_at = 5")
    connection.close()
    assert "0 Orders" in text_of(browser.get("/").text)


@pytest.mark.parametrize("plan", ["pro", None])
def test_limits(tmp_path: Path, plan: str | None) -> None:
    """The overview tells how near to its limits the account came; the page itself costs nothing."""
    with (
        Sandbox(tmp_path / "sandbox.db", plan=plan) as sandbox,
        httpx.Client(base_url=sandbox.url, follow_redirects=True) as client,
    ):
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        for _ in range(3):
            client.get("/crm/v3/objects/orders", headers=headers)
        client.get(sandbox.page_url)
        text = text_of(client.get("/").text)
    expected = "at worst 3 of 190" if plan else "at worst 3, no limit"
    assert f"Calls within ten seconds, {expected}" in text


def test_paging_goes_both_ways(http: httpx.Client, browser: httpx.Client) -> None:
    """Older and Newer lead through every record once, newest change first, and back."""
    inputs = [{"properties": {"hs_order_name": f"Order {n:03}"}} for n in range(record_lists.PAGE)]
    for _ in range(2):
        http.post("/crm/v3/objects/orders/batch/create", json={"inputs": inputs})
    make(http, hs_order_name="Last")
    forward, path = [], f"{PAGE}/records/orders"
    while path:
        html = browser.get(path).text
        forward.append(re.findall(rf'href="{PAGE}/records/orders/(\d+)"', html))
        path = next(iter(re.findall(r'href="([^"]*)" rel="next"', html)), "").replace("&amp;", "&")
        back = next(iter(re.findall(r'href="([^"]*)" rel="prev"', html)), "").replace("&amp;", "&")
    assert [len(page) for page in forward] == [50, 50, 1]
    every = [one for page in forward for one in page]
    assert every == sorted(every, key=int, reverse=True)
    html = browser.get(back).text
    assert re.findall(rf'href="{PAGE}/records/orders/(\d+)"', html) == forward[1]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("vins", ["K-10"]),
        ("K-1", ["K-10", "K-11"]),
        ("k-11", ["K-11"]),
        ("K-10 ", ["K-10"]),
        ("100%", ["K-20"]),
        ("_", []),
        ("nothing", []),
        ("' OR 1=1 --", []),
        ("\\", []),
    ],
)
def test_filter(
    http: httpx.Client,
    browser: httpx.Client,
    make_key: Callable[[httpx.Client, str], None],
    text: str,
    found: list[str],
) -> None:
    """A filter finds part of a name in any case and the beginning of a key, and nothing else."""
    make_key(http, "orders")
    for key, name in (("K-10", "Vins et alcools"), ("K-11", "Toms"), ("K-20", "100% wool")):
        make(http, reconcile_key=key, hs_order_name=name)
    html = browser.get(f"{PAGE}/records/orders", params={"q": text}).text
    assert sorted(re.findall(r'<bdi class="mono">(K-\d+)</bdi>', html)) == found


def test_filter_by_id(http: httpx.Client, browser: httpx.Client) -> None:
    """A filter finds a record by its id."""
    order = make(http, hs_order_name="One")
    make(http, hs_order_name="Two")
    text = text_of(browser.get(f"{PAGE}/records/orders", params={"q": order}).text)
    assert "One" in text
    assert "Two" not in text


@pytest.mark.parametrize("query", ["after=x", "before=-", "after=9-", "q=" + "a" * 9_000, "q=%00"])
def test_odd_queries(http: httpx.Client, browser: httpx.Client, query: str) -> None:
    """A query that nobody's link has still gets a page."""
    make(http, hs_order_name="One")
    assert browser.get(f"{PAGE}/records/orders?{query}").status_code == 200
    assert browser.get(f"{PAGE}/requests?{query}&only=other").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "records/orders/5",
        "records/orders/x",
        "records/things",
        "records/order",
        "records/orders/1/2",
        "records",
        "requests/99999",
        "requests/-1",
        "properties/things",
        "..%2f..%2fetc%2fpasswd",
    ],
)
def test_what_is_not_there(browser: httpx.Client, path: str) -> None:
    """An address of nothing is a 404 page."""
    answer = browser.get(f"{PAGE}/{path}")
    assert answer.status_code == 404
    assert "Not found" in answer.text


def test_record(http: httpx.Client, browser: httpx.Client) -> None:
    """A record shows values with types, labels of stages, links both ways, and what is unset."""
    stage = "4b27b500-f031-4927-9811-68a0b525cbae"
    order = make(http, hs_order_name="First", hs_pipeline_stage=stage)
    link = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 514}]
    line = http.post(
        "/crm/v3/objects/line_items",
        json={
            "properties": {"name": "Mug", "quantity": "2", "price": "3"},
            "associations": [{"to": {"id": order}, "types": link}],
        },
    ).json()["id"]
    html = browser.get(f"{PAGE}/records/orders/{order}").text
    assert f'href="{PAGE}/records/line_items/{line}"' in html
    text = text_of(html)
    assert f"{stage} Open" in text
    assert "hs_order_name Order name First string" in text
    assert "unlabelled 513" in text
    assert "properties are not set" in text
    assert (
        f'href="{PAGE}/records/orders/{order}"'
        in browser.get(f"{PAGE}/records/line_items/{line}").text
    )


def test_changes_of_a_record(http: httpx.Client, browser: httpx.Client) -> None:
    """A record tells each change with before and after, and that it was archived."""
    order = make(http, hs_order_name="Before")
    http.patch(f"/crm/v3/objects/orders/{order}", json={"properties": {"hs_order_name": "After"}})
    http.patch(f"/crm/v3/objects/orders/{order}", json={"properties": {"hs_order_name": ""}})
    text = text_of(browser.get(f"{PAGE}/records/orders/{order}").text)
    assert "hs_order_name Before After" in text
    assert "hs_order_name After cleared" in text
    http.delete(f"/crm/v3/objects/orders/{order}")
    assert " archived " in text_of(browser.get(f"{PAGE}/records/orders/{order}").text)
    assert order in browser.get(f"{PAGE}/records/orders?archived=true").text


def test_definitions_and_pipelines(http: httpx.Client, browser: httpx.Client) -> None:
    """Definitions show type, uniqueness and options; pipelines show stages with their ids."""
    definition = {
        "name": "colour",
        "label": "Colour",
        "type": "enumeration",
        "fieldType": "select",
        "groupName": "order_information",
        "options": [{"label": "Dark red", "value": "red"}],
    }
    http.post("/crm/v3/properties/orders", json=definition).raise_for_status()
    text = text_of(browser.get(f"{PAGE}/properties/orders").text)
    assert "colour Colour enumeration select 1 option red Dark red" in text
    text = text_of(browser.get(f"{PAGE}/pipelines").text)
    assert "Order Pipeline" in text
    assert "Shipped aa99e8d0-c1d5-4071-b915-d240bbb1aed9" in text


def test_busy_database_is_told(sandbox: Sandbox, browser: httpx.Client) -> None:
    """While another process writes, the page still reads what was there."""
    with sqlite3.connect(sandbox._path, isolation_level=None) as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert browser.get("/").status_code == 200
        connection.execute("ROLLBACK")
    connection.close()
