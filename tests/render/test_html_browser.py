"""The page of a plan in a real browser: Debian's Chromium, headless. Fails where it is missing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hostile_plans import HOSTILE, edits
from reader_plans import PLANS

from reconcile.model.plan import Plan
from reconcile.render.html_report import html_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.servers, pytest.mark.slow]  # Chromium is a process

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND"]


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Start Chromium."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  (only where browsers run)

    assert Path(CHROMIUM).exists(), "Chromium is missing: apt-get install chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


def opened(browser: "Browser", plan: Plan, tmp_path: Path, **options: object) -> "Page":
    """Open the page of a plan; ``problems`` of it has what went wrong."""
    file = tmp_path / "plan.html"
    file.write_text("".join(html_report(plan)), encoding="utf-8")
    page = browser.new_context(**options).new_page()
    page.problems = []
    page.on("console", lambda told: page.problems.append(told.text))
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("request", lambda asked: page.problems.append(asked.url))
    page.goto(file.as_uri())
    assert page.problems.pop(0) == file.as_uri()
    return page


def test_search_filter_and_expand(browser: "Browser", tmp_path: Path) -> None:
    """What does not match is hidden, headings without any match too, and the count is said."""
    page = opened(browser, PLANS["mixed_changes"](), tmp_path)
    count = page.get_by_role("status")
    assert count.inner_text() == "40 records"
    assert page.locator(".record:visible").count() == 1
    page.get_by_role("button", name="Expand all").click()
    assert page.locator(".record:visible").count() == 40
    page.get_by_role("button", name="Collapse all").click()
    page.get_by_role("searchbox", name="Search").fill("so-00017 908")
    assert count.inner_text() == "1 of 40 records"
    assert page.locator(".record:visible").inner_text().split() == [
        "order/SO-00017",
        "~",
        "line_item/SO-00017:1",
        '"Geitost"',
        "price",
        "82.60",
        "->",
        "908.60",
    ]
    assert page.locator("article:visible").count() == 1
    page.get_by_role("searchbox", name="Search").fill("")
    page.get_by_label("Kind").select_option("line_item")
    assert count.inner_text() == "24 of 40 records"
    page.get_by_label("Kind").select_option("")
    assert (count.inner_text(), page.locator(".record:visible").count()) == ("40 records", 1)
    assert page.problems == []


def test_without_the_script_nothing_is_missing(browser: "Browser", tmp_path: Path) -> None:
    """Lists expand by themselves; what cannot work is not there."""
    page = opened(browser, PLANS["mixed_changes"](), tmp_path, java_script_enabled=False)
    assert page.get_by_role("searchbox").count() == 0
    page.get_by_text("All 23 line items").click()
    assert page.locator(".record:visible").count() == 24


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_accessibility(browser: "Browser", tmp_path: Path, width: int, scheme: str) -> None:
    """Nothing that axe finds, collapsed and expanded, and no scrolling sideways."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415  (as above)

    size = {"width": width, "height": 700}
    for make in PLANS.values():
        made = make()
        made = replace(made, units=made.units[-60:])  # axe looks at each record
        page = opened(browser, made, tmp_path, color_scheme=scheme, viewport=size)
        for _ in range(2):
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.locator("summary").first.click()


def test_print(browser: "Browser", tmp_path: Path) -> None:
    """What is expanded is printed, without the controls."""
    page = opened(browser, PLANS["equal_edits"](), tmp_path)
    page.emulate_media(media="print")
    assert not page.locator(".find").is_visible()
    assert page.get_by_text("update 732 orders").is_visible()
    assert page.pdf().startswith(b"%PDF")


def test_hostile_values_do_nothing(browser: "Browser", tmp_path: Path) -> None:
    """No script of theirs runs, and no request leaves the file."""
    page = opened(browser, edits(*HOSTILE, *HOSTILE * 9), tmp_path)
    page.get_by_role("button", name="Expand all").click()
    page.mouse.move(300, 300)
    assert page.evaluate("typeof pwned") == "undefined"
    assert page.problems == []
