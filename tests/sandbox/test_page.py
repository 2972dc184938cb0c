"""The page for people: who is let in, what it shows, and that nothing in it is anything but text."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from reconcile.sandbox import Sandbox, Switches
from reconcile.sandbox.page import access, listing, looks, words
from reconcile.sandbox.request_log import RequestLog
from reconcile.sandbox.request_store import KEPT, RequestStore

PAGE = "/_sandbox/page"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"
VIEWS = (
    "/",
    f"{PAGE}/records/orders",
    f"{PAGE}/records/orders?q=a",
    f"{PAGE}/requests",
    f"{PAGE}/properties/orders",
    f"{PAGE}/pipelines",
    f"{PAGE}/nowhere",
)


@pytest.fixture
def browser(sandbox: Sandbox) -> Iterator[httpx.Client]:
    """Return a client that has opened the link."""
    with httpx.Client(base_url=sandbox.url, follow_redirects=True) as client:
        assert client.get(sandbox.page_url).status_code == 200
        yield client


def make(http: httpx.Client, kind: str = "orders", **properties: str) -> str:
    """Make a record and return its id."""
    answer = http.post(f"/crm/v3/objects/{kind}", json={"properties": properties})
    return str(answer.raise_for_status().json()["id"])


def text_of(html: str) -> str:
    """Return a page without its tags and with single spaces."""
    inside = re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.DOTALL)
    return " ".join(inside.split())


def test_link_lets_in_once_and_leaves_the_address(sandbox: Sandbox) -> None:
    """The link sets a cookie no script and no other site can use, and goes to an address without."""
    with httpx.Client(base_url=sandbox.url) as client:
        answer = client.get(sandbox.page_url)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert re.search(r"; HttpOnly; .*SameSite=strict", cookie, re.IGNORECASE)
        assert client.get("/").status_code == 200


@pytest.mark.parametrize("path", VIEWS)
def test_without_the_link_nothing_is_told(sandbox: Sandbox, http: httpx.Client, path: str) -> None:
    """Without the cookie every view is 403 and names neither the account nor a record."""
    make(http, hs_order_name="Secret order")
    with httpx.Client(base_url=sandbox.url) as stranger:
        for headers in ({}, {"Authorization": f"Bearer {sandbox.token}"}, {"Cookie": "a=b"}):
            answer = stranger.get(path, headers=headers)
            assert answer.status_code == 403
            assert str(sandbox.portal_id) not in answer.text
            assert "Secret" not in answer.text


@pytest.mark.parametrize("key", ["", "x", "é", "0" * 32, "%00", "key%0d%0aSet-Cookie:a=b"])
def test_wrong_key(sandbox: Sandbox, key: str) -> None:
    """A wrong key is refused and sets no cookie."""
    answer = httpx.get(f"{sandbox.url}/?key={key}")
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_key_is_not_the_token(sandbox: Sandbox) -> None:
    """The link's key opens no API, and neither link nor cookie holds the token."""
    key = sandbox.page_url.partition("key=")[2]
    assert sandbox.token not in sandbox.page_url
    headers = {"Authorization": f"Bearer {key}"}
    assert httpx.get(f"{sandbox.url}/crm/v3/objects/orders", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:80", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:80", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example:80", 421),
        ("127.0.0.1@evil.example", 421),
        ("10.0.0.1", 421),
        ("", 421),
    ],
)
def test_only_names_of_this_machine(browser: httpx.Client, host: str, status: int) -> None:
    """A Host that DNS could bind to this machine gets nothing, cookie or not."""
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    answer = browser.get("/", headers={"Host": host, "Cookie": cookies})
    assert answer.status_code == status
    assert ("Latest requests" in answer.text) == (status == 200)


def test_sandboxes_do_not_share_a_key(start: Callable[[Switches], Sandbox]) -> None:
    """One sandbox's cookie opens no other, and the second's does not push the first's out."""
    one, other = start(Switches()), start(Switches())
    with httpx.Client(follow_redirects=True) as client:
        client.get(one.page_url)
        assert client.get(other.url).status_code == 403
        assert client.get(other.page_url).status_code == 200
        assert client.get(one.url).status_code == 200


def test_key_lasts_as_long_as_the_data(tmp_path: Path) -> None:
    """The link's key is the same after a restart, and another after a reset."""
    path = tmp_path / "sandbox.db"
    keys = []
    for reset in (False, False, True):
        if reset:
            Sandbox.reset(path)
        with Sandbox(path) as sandbox:
            keys.append(sandbox.page_url.partition("key=")[2])
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("path", VIEWS)
def test_headers(browser: httpx.Client, path: str) -> None:
    """Every view forbids scripts, frames, foreign content, caching and referrers."""
    headers = browser.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert policy.endswith("frame-ancestors 'none'")
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("path", VIEWS)
def test_pages_name_nothing_elsewhere(browser: httpx.Client, path: str) -> None:
    """No view has a script, an inline style or handler, or a link that leaves this server."""
    html = browser.get(path).text
    assert not re.search(r"<script|<iframe|<object|\son\w+=|\sstyle=|javascript:", html)
    links = re.findall(r'(?:href|src|action)="([^"]*)"', html)
    outside = [link for link in links if not link.startswith(("/", "#", "data:image/svg+xml,"))]
    assert links
    assert outside == []
    assert not [link for link in links if link.startswith("//")]


def test_templates_switch_escaping_off_nowhere() -> None:
    """No template marks a value as safe, and every attribute is quoted."""
    folder = Path(looks.__file__).parent / "templates"
    for file in folder.glob("*.html"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe|autoescape|Markup|=\{\{", text), file.name


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
    assert looks.visible("a\x00b\x1b[0m\r") == "a␀b␛[0m␍"
    assert looks.visible("abc\u202etxt\u2066\ufeff") == "abc⟨U+202E⟩txt⟨U+2066⟩⟨U+FEFF⟩"
    assert looks.visible("línea 1\n\tline 2 😀") == "línea 1\n\tline 2 😀"


def test_overview(http: httpx.Client, browser: httpx.Client) -> None:
    """The overview counts live records, and names what was changed and asked last."""
    make(http, hs_order_name="First")
    gone = make(http, hs_order_name="Gone")
    http.delete(f"/crm/v3/objects/orders/{gone}")
    text = text_of(browser.get("/").text)
    assert "1 Orders" in text
    assert "First" in text
    assert "Gone" not in text
    assert "Archive one order" in text


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
    inputs = [{"properties": {"hs_order_name": f"Order {n:03}"}} for n in range(listing.PAGE)]
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
    """A filter finds part of a name in any case, the beginning of a key, and nothing by accident."""
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


def test_request_log(http: httpx.Client, browser: httpx.Client) -> None:
    """The log says in words what was asked and HubSpot's words where it was refused."""
    make(http, hs_order_name="First")
    http.post("/crm/v3/objects/orders", json={"properties": {"nope": "1"}})
    http.get("/crm/v3/objects/orders?limit=5&properties=hs_tags")
    browser.get("/")
    text = text_of(browser.get(f"{PAGE}/requests").text)
    assert "3 requests, 2 writing, 1 refused or in part" in text
    assert "Create one order" in text
    assert "PROPERTY_DOESNT_EXIST" in text
    assert "List orders" not in text_of(browser.get(f"{PAGE}/requests?only=writes").text)
    assert "201" not in text_of(browser.get(f"{PAGE}/requests?only=failures").text)
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
    assert "Nothing has been asked yet." in browser.get(f"{PAGE}/requests").text
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
        assert "Nothing has been asked yet." in client.get(sandbox.page_url).text
        assert client.get("/nowhere").status_code == 404
        client.get("/")
        assert "GET <bdi>/<wbr>nowhere" in client.get("/").text


def test_page_is_no_request(sandbox: Sandbox, http: httpx.Client, browser: httpx.Client) -> None:
    """Looking leaves no entry in the log and changes no data."""
    make(http, hs_order_name="First")
    sandbox.clear_requests()
    with sqlite3.connect(sandbox._path) as connection:  # noqa: SLF001
        before = list(connection.iterdump())
        for path in VIEWS:
            browser.get(path)
        assert list(connection.iterdump()) == before
    connection.close()
    assert sandbox.requests() == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_only_reading(sandbox: Sandbox, browser: httpx.Client, method: str) -> None:
    """To every other method the page's paths are unknown, as they are to HubSpot."""
    for path in VIEWS:
        answer = browser.request(method, path)
        assert answer.status_code == 404
        assert "HTTP ERROR 404" in answer.text


def test_head(browser: httpx.Client) -> None:
    """HEAD is answered like GET, without the page."""
    answer = browser.head("/")
    assert (answer.status_code, answer.content) == (200, b"")


def test_busy_database_is_told(sandbox: Sandbox, browser: httpx.Client) -> None:
    """While another process writes, the page still reads what was there."""
    with sqlite3.connect(sandbox._path, isolation_level=None) as connection:  # noqa: SLF001
        connection.execute("BEGIN IMMEDIATE")
        assert browser.get("/").status_code == 200
        connection.execute("ROLLBACK")
    connection.close()


def test_looking_needs_no_templates_before(tmp_path: Path) -> None:
    """A server nobody looks at has no templates loaded."""
    code = (
        "import sys, pathlib\nfrom reconcile.sandbox import Sandbox\n"
        "with Sandbox(pathlib.Path(sys.argv[1])):\n    print('jinja2' in sys.modules)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "sandbox.db")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"


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
    assert words.describe(method, path, inputs) == told


def test_key_is_compared_with_care() -> None:
    """Nothing but the key itself is the key."""
    key = access.key_of("pat-na1-x")
    assert access.is_key(key, key)
    assert not access.is_key(None, key)
    assert not access.is_key(key[:-1], key)
    assert not access.is_key("ключ", key)
    assert access.key_of("pat-na1-y") != key


def test_store_of_nothing(tmp_path: Path) -> None:
    """Without a request there is no file, and reading makes none."""
    store = RequestStore(tmp_path / "sandbox.db", RequestLog())
    assert (store.page(limit=5), store.find(1)) == ([], None)
    store.close()
    assert list(tmp_path.iterdir()) == []
