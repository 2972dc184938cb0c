"""The page for people: who is let in, and what a browser may do with it."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from pages import VIEWS

from reconcile.sandbox import Sandbox, Switches
from reconcile.sandbox.page import link_key, templating

PERSON = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_link_lets_in_once_and_leaves_the_address(sandbox: Sandbox) -> None:
    """The link sets a cookie that no script and no other site can use, and the key is gone."""
    with httpx.Client(base_url=sandbox.url) as client:
        answer = client.get(sandbox.page_url)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert re.search(r"; HttpOnly; .*SameSite=strict", cookie, re.IGNORECASE)
        assert client.get("/").status_code == 200


@pytest.mark.parametrize("path", VIEWS)
def test_without_the_link_nothing_is_told(sandbox: Sandbox, http: httpx.Client, path: str) -> None:
    """Without the cookie every view is 403 and names neither the account nor a record."""
    order = {"properties": {"hs_order_name": "Secret order"}}
    http.post("/crm/v3/objects/orders", json=order).raise_for_status()
    with httpx.Client(base_url=sandbox.url, headers=PERSON) as stranger:
        for headers in ({}, {"Authorization": f"Bearer {sandbox.token}"}, {"Cookie": "a=b"}):
            answer = stranger.get(path, headers=headers)
            assert answer.status_code == 403
            assert str(sandbox.portal_id) not in answer.text
            assert "Secret" not in answer.text


@pytest.mark.parametrize("path", VIEWS)
def test_to_programs_it_is_not_there(sandbox: Sandbox, http: httpx.Client, path: str) -> None:
    """A program that does not ask for HTML gets HubSpot's answer for a path that nobody serves."""
    answer = http.get(path)
    assert answer.status_code == 404
    assert "HTTP ERROR 404" in answer.text
    assert http.get(path, headers={"Host": "evil.example"}).status_code == 404


@pytest.mark.parametrize("key", ["", "x", "é", "0" * 32, "%00", "key%0d%0aSet-Cookie:a=b"])
def test_wrong_key(sandbox: Sandbox, key: str) -> None:
    """A wrong key is refused and sets no cookie."""
    answer = httpx.get(f"{sandbox.url}/?key={key}", headers=PERSON)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_key_is_not_the_token(sandbox: Sandbox) -> None:
    """The link's key opens no API, and neither link nor cookie holds the token."""
    key = sandbox.page_url.partition("key=")[2]
    assert sandbox.token not in sandbox.page_url
    headers = {"Authorization": f"Bearer {key}"}
    assert httpx.get(f"{sandbox.url}/crm/v3/objects/orders", headers=headers).status_code == 401


def test_key_is_compared_with_care() -> None:
    """Nothing but the key itself is the key."""
    key = link_key.key_of("pat-na1-x")
    assert link_key.is_key(key, key)
    assert not link_key.is_key(None, key)
    assert not link_key.is_key(key[:-1], key)
    assert not link_key.is_key("ключ", key)
    assert link_key.key_of("pat-na1-y") != key


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
    answer = browser.get("/", headers={"Host": host, "Cookie": cookies, **PERSON})
    assert answer.status_code == status
    assert ("Latest requests" in answer.text) == (status == 200)


def test_sandboxes_do_not_share_a_key(start: Callable[[Switches], Sandbox]) -> None:
    """One sandbox's cookie opens no other, and the second's does not push the first's out."""
    one, other = start(Switches()), start(Switches())
    with httpx.Client(follow_redirects=True, headers=PERSON) as client:
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
    folder = Path(templating.__file__).parent / "templates"
    for file in folder.glob("*.html"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe|autoescape|Markup|=\{\{", text), file.name


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


def test_looking_needs_no_templates_before(tmp_path: Path) -> None:
    """A server nobody looks at has no templates loaded."""
    code = (
        "import sys, pathlib\nfrom reconcile.sandbox import Sandbox\n"
        "with Sandbox(pathlib.Path(sys.argv[1])):\n    print('jinja2' in sys.modules)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "sandbox.db")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"
