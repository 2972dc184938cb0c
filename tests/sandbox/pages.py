"""What the tests of the page for people share."""

import re

import httpx

PAGE = "/_sandbox/page"
VIEWS = (
    "/",
    f"{PAGE}/records/orders",
    f"{PAGE}/records/orders?q=a",
    f"{PAGE}/requests",
    f"{PAGE}/properties/orders",
    f"{PAGE}/pipelines",
    f"{PAGE}/nowhere",
)


def make(http: httpx.Client, kind: str = "orders", **properties: str) -> str:
    """Make a record and return its id."""
    answer = http.post(f"/crm/v3/objects/{kind}", json={"properties": properties})
    return str(answer.raise_for_status().json()["id"])


def text_of(html: str) -> str:
    """Return a page without its tags and with single spaces."""
    inside = re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.DOTALL)
    return " ".join(inside.split())
