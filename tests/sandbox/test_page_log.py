"""The page's log of requests: what it tells, how long it is kept, what it costs."""

import re
import sqlite3
from pathlib import Path

import httpx
import pytest
from pages import PAGE, VIEWS, make, text_of

from reconcile.sandbox import Clock, Sandbox, Switches
from reconcile.sandbox.page import request_words
from reconcile.sandbox.rules.persisted_counts import PersistedCounts
from reconcile.sandbox.rules.rate_limits import Limits
from reconcile.sandbox.storage.request_log import RequestLog
from reconcile.sandbox.storage.request_store import KEPT, RequestStore
from reconcile.sandbox.storage.side_file import SideFile


def test_request_log(http: httpx.Client, browser: httpx.Client) -> None:
    """The log shows in words what was asked, and HubSpot's message if it was refused."""
    make(http, hs_order_name="First")
    http.post("/crm/v3/objects/orders", json={"properties": {"nope": "1"}})
    http.get("/crm/v3/objects/orders?limit=5&properties=hs_tags")
    browser.get("/")
    text = text_of(browser.get(f"{PAGE}/requests").text)
    assert "3 requests, 2 writing, 1 refused or in part" in text
    assert "Create one order" in text
    assert "PROPERTY_DOESNT_EXIST" in text
    assert "List orders" not in text_of(browser.get(f"{PAGE}/requests?only=writes").text)
    assert text.count("Create one order") == 2
    failures = text_of(browser.get(f"{PAGE}/requests?only=failures").text)
    assert failures.count("Create one order") == 1
    assert "limit 5 properties hs_tags" in text_of(browser.get(f"{PAGE}/requests/3").text)


def test_requests_page(http: httpx.Client, browser: httpx.Client) -> None:
    """The log is paged by number in both directions."""
    for number in range(60):
        http.get(f"/crm/v3/objects/orders/{number}")
    html = browser.get(f"{PAGE}/requests").text
    (older,) = re.findall(r'href="([^"]*)" rel="next"', html)
    assert 'rel="prev"' not in html
    html = browser.get(older).text
    assert html.count("Read one order") == 10
    (newer,) = re.findall(r'href="([^"]*)" rel="prev"', html)
    assert browser.get(newer).text.count("Read one order") == 50


def test_log_survives_a_restart(tmp_path: Path) -> None:
    """What one server answered is shown by the next, each under its own start."""
    path = tmp_path / "sandbox.db"
    for _ in range(2):
        with Sandbox(path) as sandbox:
            headers = {"Authorization": f"Bearer {sandbox.token}"}
            httpx.get(f"{sandbox.url}/account-info/v3/details", headers=headers)
    with Sandbox(path) as sandbox, httpx.Client(follow_redirects=True) as client:
        client.get(sandbox.page_url)
        text = text_of(client.get(f"{sandbox.url}{PAGE}/requests").text)
        assert text.count("Server started") == 2
        assert sandbox.requests() == []
        assert (tmp_path / "sandbox.db-requests").stat().st_mode & 0o777 == 0o600
    Sandbox.reset(path)
    assert list(tmp_path.iterdir()) == []


def test_clearing_the_log_clears_the_page(
    sandbox: Sandbox, http: httpx.Client, browser: httpx.Client
) -> None:
    """A cleared log is empty on the page too, and what comes next is shown."""
    http.get("/crm/v3/objects/orders")
    browser.get("/")
    sandbox.clear_requests()
    assert "No requests yet." in browser.get(f"{PAGE}/requests").text
    http.get("/crm/v3/objects/carts")
    text = text_of(browser.get(f"{PAGE}/requests").text)
    assert "List carts" in text
    assert "List orders" not in text


def test_old_requests_are_dropped(sandbox: Sandbox, browser: httpx.Client, tmp_path: Path) -> None:
    """The file keeps the newest requests only."""
    with sqlite3.connect(tmp_path / "sandbox-0.db-requests") as connection:
        sandbox.requests()
        browser.get("/nowhere")
        browser.get("/")
        connection.execute("UPDATE request SET number = ?", (KEPT * 2,))
        connection.commit()
        browser.get("/elsewhere")
        browser.get("/")
        assert connection.execute("SELECT count(*) FROM request").fetchone() == (2,)
        connection.execute("UPDATE request SET number = 1 WHERE path = '/nowhere'")
        connection.commit()
        browser.get("/again")
        browser.get("/")
        rows = connection.execute("SELECT path FROM request ORDER BY number").fetchall()
    connection.close()
    assert rows == [("/elsewhere",), ("/again",)]


@pytest.mark.parametrize("damage", [b"no database at all, but long enough " * 99, b""])
def test_damaged_log_is_begun_anew(tmp_path: Path, damage: bytes) -> None:
    """A log file that is no log costs the log, never an answer."""
    (tmp_path / "sandbox.db-requests").write_bytes(damage)
    with (
        Sandbox(tmp_path / "sandbox.db") as sandbox,
        httpx.Client(base_url=sandbox.url, follow_redirects=True) as client,
    ):
        assert "No requests yet." in client.get(sandbox.page_url).text
        assert client.get("/nowhere").status_code == 404
        client.get("/")
        assert "GET <bdi>/<wbr>nowhere" in client.get("/").text


def test_page_is_no_request(sandbox: Sandbox, http: httpx.Client, browser: httpx.Client) -> None:
    """Looking leaves no entry in the log and changes no data."""
    make(http, hs_order_name="First")
    sandbox.clear_requests()
    with sqlite3.connect(sandbox._path) as connection:
        before = list(connection.iterdump())
        for path in VIEWS:
            browser.get(path)
        assert list(connection.iterdump()) == before
    connection.close()
    assert sandbox.requests() == []


@pytest.mark.parametrize(
    ("method", "path", "inputs", "told"),
    [
        ("POST", "/crm/v3/objects/orders/batch/create", 100, "Create 100 orders"),
        ("POST", "/crm/objects/2026-03/0-8/batch/read", 1, "Read 1 line item"),
        ("PATCH", "/crm/v3/objects/line_item/5", 0, "Update one line item"),
        (
            "POST",
            "/crm/v4/associations/orders/line_items/batch/create",
            3,
            "Link 3 orders with line items",
        ),
        (
            "PUT",
            "/crm/v4/objects/orders/5/associations/contacts/6",
            0,
            "Link one order with one contact",
        ),
        ("GET", "/crm/v3/properties/orders", 0, "List the properties of orders"),
        ("GET", "/crm/v3/objects/{a}/{b}", 0, "Read one {a}"),
        ("GET", "/somewhere", 0, ""),
    ],
)
def test_requests_in_words(method: str, path: str, inputs: int, told: str) -> None:
    """What a request asks for is told in words where it is known."""
    assert request_words.describe(method, path, inputs) == told


def test_store_of_nothing(tmp_path: Path) -> None:
    """Without a request there is no file, and reading makes none."""
    clock, limits = Clock(), Limits(None, Switches())
    store = RequestStore(
        SideFile(tmp_path / "sandbox.db"), RequestLog(), PersistedCounts(limits, clock)
    )
    assert (store.page(limit=5), store.find(1)) == ([], None)
    store.close()
    assert list(tmp_path.iterdir()) == []
