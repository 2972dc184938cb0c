"""Line items of a deal, on the command line: what is said, and the exit codes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from reconcile.sandbox.scopes import ALL_SCOPES
from tests.cli.conftest import PROJECT, Project

ITEM = "41000000004"
TAKE = """\
kind: order
key: A
properties: {hs_order_name: An order}
line_items:
  - {key: "41000000004", properties: {name: A line of a deal, price: 6}}
"""
ABSENT = """\
kind: order
key: A
lifecycle: {state: absent}
"""


@dataclass(frozen=True)
class Somebody:
    """A person who works in the account, with a deal and a line item."""

    client: httpx.Client
    deal: str
    item: str

    def pair(self, method: str, object_: str, id_: str) -> None:
        """Associate the line item with a record (PUT), or take it from there (DELETE)."""
        default = "default/" if method == "PUT" else ""
        path = f"/crm/v4/objects/line_items/{self.item}/associations/{default}{object_}/{id_}"
        self.client.request(method, path).raise_for_status()

    def only(self, object_: str) -> dict[str, Any]:
        """Return the only record of an object."""
        (found,) = self.client.get(f"/crm/v3/objects/{object_}?properties=name").json()["results"]
        return dict(found)


def made(client: httpx.Client, object_: str, **properties: str) -> str:
    """Create a record; its id."""
    answer = client.post(f"/crm/v3/objects/{object_}", json={"properties": properties})
    return str(answer.raise_for_status().json()["id"])


@pytest.fixture
def somebody(project: Project) -> Iterator[Somebody]:
    """Return somebody whose line item the manifests declare by its id."""
    project.settings(PROJECT + "    identity: {line_item: id}\n")
    headers = {"Authorization": f"Bearer {project.account.token}"}
    with httpx.Client(base_url=project.account.url, headers=headers, trust_env=False) as client:
        item = made(client, "line_items", name="Theirs")
        project.write(TAKE.replace(ITEM, item))
        yield Somebody(client, made(client, "deals"), item)


def test_a_line_of_a_deal_is_neither_taken_nor_archived(
    project: Project, somebody: Somebody
) -> None:
    """Both plans show the deal and the way out; both applies leave its line item alone."""
    deal = somebody.deal
    somebody.pair("PUT", "deals", deal)
    said = project.fine("plan")
    assert f"it belongs to deal {deal} in HubSpot" in said
    assert f"remove it from the manifests, or remove it from deal {deal} there" in said
    assert "1 order to create; 1 conflict (left alone)" in said
    project.fine("apply", "--auto-approve", code=5)
    assert somebody.only("line_items")["properties"]["name"] == "Theirs"

    somebody.pair("DELETE", "deals", deal)
    project.fine("apply", "--auto-approve", "--allow", "adopt-update=1")
    somebody.pair("PUT", "deals", deal)
    project.write(ABSENT)
    said = project.fine("plan")
    assert f"it belongs to deal {deal} in HubSpot" in said
    assert "stop managing it with lifecycle: {state: forget}" in said
    assert "2 conflicts (left alone)" in said
    project.fine("apply", "--auto-approve", code=5)
    assert project.account.count("orders") == 1
    assert somebody.only("line_items")["id"] == somebody.item


def test_a_saved_plan_leaves_a_line_that_moved_and_says_where_to(
    project: Project, somebody: Somebody
) -> None:
    """Exit code 5, and the record that has it now."""
    project.fine("apply", "--auto-approve", "--allow", "adopt-update=1")
    project.write(ABSENT)
    project.fine("plan", "--out", "p")
    quote = made(somebody.client, "quotes")
    somebody.pair("PUT", "quotes", quote)
    somebody.pair("DELETE", "orders", somebody.only("orders")["id"])
    said = project.fine("apply", "p", code=5)
    assert f"archive conflict: it now belongs to quote {quote} in HubSpot" in said
    assert project.account.count("line_items") == 1


def test_a_scope_that_is_missing_is_named(project: Project, somebody: Somebody) -> None:
    """In the plan, saved or not, after the apply, and by doctor; nothing fails for it."""
    warning = (
        "warning: it could not be checked whether line items belong to invoices: "
        "the token lacks the scope crm.objects.invoices.read (HTTP 403)"
    )
    assert "optional" not in project.fine("doctor")
    lacking = {"crm.objects.invoices.read", "crm.objects.deals.read"}
    project.token(project.account.server.add_token(ALL_SCOPES - lacking))
    assert (
        "Scopes   optional: without crm.objects.deals.read, crm.objects.invoices.read, plan and "
        "apply cannot check whether line items belong to deals, invoices\n"
    ) in project.fine("doctor")
    assert warning in project.fine("plan", "--out", "p", "--allow", "adopt-update=1")
    assert warning in project.fine("show", "p")
    assert warning in project.fine("apply", "p")
    assert "warning" not in project.fine("plan")
    assert somebody.only("line_items")["properties"]["name"] == "A line of a deal"
