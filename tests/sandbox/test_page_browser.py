"""The page in a real browser: Debian's Chromium, headless. Fails where Chromium is missing."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import httpx
import pytest
from pages import PAGE

from reconcile.sandbox import Sandbox

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.servers

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # As an attacker's DNS would have it; and no other name leads anywhere.
    "--host-resolver-rules=MAP rebound.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
PAYLOADS = (
    "<script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=2>",
    "\" onmouseover=window.pwned=3 autofocus onfocus=window.pwned=4 x='",
    "</title></style></textarea><svg onload=window.pwned=5>",
    "javascript:window.pwned=6",
    "{{ ''.__class__ }}{% raw %}<!--",
    "\u202egnp.exe\u0000\u001b[31m",
)
SIZES = {"desktop": (1280, 900), "phone": (320, 640)}


class Watch:
    """What went on in a browser tab besides what was asked of it."""

    def __init__(self, page: "Page", host: str) -> None:
        self.problems: list[str] = []
        self._host = host
        page.on("console", lambda told: self.problems.append(f"console {told.type}: {told.text}"))
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("dialog", lambda dialog: self.problems.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: self._check(request.url))

    def _check(self, url: str) -> None:
        if not url.startswith("data:image/") and urlsplit(url).netloc != self._host:
            self.problems.append(f"request: {url}")


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Start Chromium."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  (only where browsers run)

    assert Path(CHROMIUM).exists(), "Chromium is missing: apt-get install chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Serve an account with something of everything, hostile values among it."""
    path = tmp_path_factory.mktemp("page") / "sandbox.db"
    with Sandbox(path, plan="pro") as served:
        headers = {"Authorization": f"Bearer {served.token}"}
        with httpx.Client(base_url=served.url, headers=headers) as client:
            fill(client)
        yield served


def fill(client: httpx.Client) -> None:
    """Write records, definitions, labels and stages that hold every payload."""
    every = " ".join(PAYLOADS[:6])
    definition = {
        "name": "bad",
        "label": every,
        "description": every,
        "type": "enumeration",
        "fieldType": "select",
        "groupName": "order_information",
        "options": [{"label": text, "value": text} for text in PAYLOADS[:6]],
    }
    client.post("/crm/v3/properties/orders", json=definition).raise_for_status()
    label = {"label": PAYLOADS[1], "name": "bad"}
    client.post("/crm/v4/associations/orders/carts/labels", json=label).raise_for_status()
    stages = [{"label": every, "displayOrder": 0, "metadata": {"state": "OPEN"}}]
    pipeline = {"label": every, "displayOrder": 5, "stages": stages}
    client.post("/crm/v3/pipelines/orders", json=pipeline).raise_for_status()
    inputs = [{"properties": {"hs_order_name": f"Order {n}"}} for n in range(60)]
    client.post("/crm/v3/objects/orders/batch/create", json={"inputs": inputs}).raise_for_status()
    cart = client.post(
        "/crm/v3/objects/carts", json={"properties": {"hs_cart_name": PAYLOADS[0]}}
    ).json()["id"]
    link = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 593}]
    for text in PAYLOADS:
        named = {"hs_order_name": text, "hs_order_note": text * 40, "hs_tags": text}
        body = {"properties": named, "associations": [{"to": {"id": cart}, "types": link}]}
        order = client.post("/crm/v3/objects/orders", json=body).raise_for_status().json()["id"]
        change = {"properties": {"hs_tags": f"{text} again"}}
        client.patch(f"/crm/v3/objects/orders/{order}", json=change).raise_for_status()
        client.post("/crm/v3/objects/orders", json={"properties": {text: text}})
        client.get(f"/crm/v3/objects/orders/{quote(text)}", params={text: text})
        client.get(f"/no/{quote(text)}")


def views(sandbox: Sandbox) -> list[str]:
    """Every kind of view, and every record and request that holds a payload."""
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    with httpx.Client(base_url=sandbox.url, headers=headers) as client:
        found = client.get("/crm/v3/objects/orders?limit=100").json()["results"]
        cart = client.get("/crm/v3/objects/carts").json()["results"][0]["id"]
    hostile = [one["id"] for one in found][-len(PAYLOADS) :]
    return [
        "/",
        f"{PAGE}/records/orders",
        f"{PAGE}/records/deals",
        f"{PAGE}/records/orders?q=%22%3E%3Cscript%3Ewindow.pwned=7%3C/script%3E",
        f"{PAGE}/records/carts/{cart}",
        *(f"{PAGE}/records/orders/{one}" for one in hostile),
        f"{PAGE}/requests",
        f"{PAGE}/requests?only=failures",
        *(f"{PAGE}/requests/{number}" for number in (1, 8, 9, 10, 11, 12, 16, 20)),
        f"{PAGE}/properties/orders",
        f"{PAGE}/pipelines",
        f"{PAGE}/<script>window.pwned=8</script>",
    ]


def one_of_each(paths: list[str]) -> list[str]:
    """Keep one path of each kind of view: those that differ in more than a number."""
    return list({re.sub(r"[0-9]+", "N", path): path for path in paths}.values())


def open_page(
    context: "BrowserContext", sandbox: Sandbox, *, size: str = "desktop"
) -> tuple["Page", Watch]:
    """Open the link in a new tab that is watched."""
    page = context.new_page()
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    watch = Watch(page, urlsplit(sandbox.url).netloc)
    page.goto(sandbox.page_url)
    return page, watch


def test_nothing_injected_runs(browser: "Browser", sandbox: Sandbox) -> None:
    """Payloads in every place do nothing, no view errs, and nothing leaves this server."""
    with browser.new_context() as context:
        page, watch = open_page(context, sandbox)
        for path in views(sandbox):
            answer = page.goto(sandbox.url + path)
            assert answer is not None
            assert answer.status in {200, 404}
            for summary in page.locator("details > summary").all()[:3]:
                summary.click()
            page.locator("h1").hover()
            assert page.evaluate("window.pwned") is None, path
            assert page.evaluate("document.scripts.length") == 0
            assert page.locator("main :is(img, iframe, [onerror], [onload])").count() == 0
        missing = [one for one in watch.problems if "404 (Not Found)" not in one]
        assert missing == []


def test_payload_is_readable(browser: "Browser", sandbox: Sandbox) -> None:
    """What was written is what is read: payloads are shown as the characters they are."""
    with browser.new_context() as context:
        page, _ = open_page(context, sandbox)
        shown = page.locator("body").inner_text()
        for text in PAYLOADS[:6]:
            assert text in shown or text[:80] in shown
        assert "⟨U+202E⟩gnp.exe␀␛[31m" in shown


def test_navigation_without_script(browser: "Browser", sandbox: Sandbox) -> None:
    """With scripts off, links, tabs, filter and pager lead where they say."""
    with browser.new_context(java_script_enabled=False) as context:
        page, watch = open_page(context, sandbox)
        assert page.url == f"{sandbox.url}/"
        # The requests below the counts have links too, "List orders" among them.
        page.get_by_role("link", name=re.compile(r"^[0-9,]+ Orders$")).click()
        assert page.get_by_role("heading", level=1).inner_text() == "Orders"
        page.get_by_role("link", name="Older").click()
        page.get_by_role("link", name="Newer").click()
        page.get_by_role("searchbox").fill("Order 59")
        page.get_by_role("button", name="Filter").click()
        page.get_by_role("link", name="Order 59").click()
        assert page.get_by_role("heading", level=1).inner_text() == "Order 59"
        assert page.get_by_role("cell", name="Order 59").count() == 1
        for name in ("Requests", "Properties", "Pipelines", "Overview"):
            page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()
            current = page.get_by_role("navigation", name="Main").locator("[aria-current]")
            assert current.inner_text() == name
        assert watch.problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_accessibility(browser: "Browser", sandbox: Sandbox, size: str, scheme: str) -> None:
    """No view has an accessibility fault that axe finds, nor scrolls sideways."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415  (as above)

    shade = "light" if scheme == "light" else "dark"
    with browser.new_context(color_scheme=shade) as context:
        page, _ = open_page(context, sandbox, size=size)
        for path in [*one_of_each(views(sandbox)), f"{PAGE}/records/orders?archived=true"]:
            page.goto(sandbox.url + path)
            found = Axe().run(page)
            assert found.violations_count == 0, f"{path}: {found.generate_report()}"
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= SIZES[size][0], path
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == ("rgb(245, 244, 240)" if scheme == "light" else "rgb(17, 21, 20)")
        context.clear_cookies()
        page.goto(sandbox.url)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


def test_keyboard(browser: "Browser", sandbox: Sandbox) -> None:
    """The first key reaches a visible link past the navigation, and focus is always outlined."""
    with browser.new_context() as context:
        page, _ = open_page(context, sandbox)
        page.keyboard.press("Tab")
        box = page.locator(":focus").bounding_box()
        assert page.locator(":focus").inner_text() == "Skip to the content"
        assert box is not None
        assert box["x"] >= 0
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert (page.locator(":focus").count(), outline) == (1, "solid")


def test_rebound_name_is_refused(browser: "Browser", sandbox: Sandbox) -> None:
    """A web site whose name is bound to this machine gets nothing, even with the link."""
    with browser.new_context() as context:
        page = context.new_page()
        link = sandbox.page_url.replace("127.0.0.1", "rebound.example")
        answer = page.goto(link)
        assert answer is not None
        assert answer.status == 421
        assert str(sandbox.portal_id) not in page.content()
        assert context.cookies() == []


def test_no_frame_holds_it(browser: "Browser", sandbox: Sandbox) -> None:
    """Another page cannot put this one into a frame, and a script cannot read its cookie."""
    with browser.new_context() as context:
        page, _ = open_page(context, sandbox)
        assert page.evaluate("document.cookie") == ""
        (cookie,) = context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        other = context.new_page()
        other.set_content(f'<iframe src="{sandbox.url}/"></iframe>')
        other.wait_for_timeout(300)
        assert "Latest requests" not in other.frames[1].content()
