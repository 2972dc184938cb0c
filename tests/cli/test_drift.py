"""`reconcile drift`: what others changed, by property and source; and the sources in a plan."""

import json
from collections.abc import Callable, Iterator
from urllib.parse import quote

import httpx
import pytest

from reconcile.sandbox import faults
from tests.cli.conftest import PROJECT, Account, Project

ORDER = """\
kind: order
key: A-{n}
properties:
  hs_order_name: Order {n}
  hs_total_price: 20.00
  hs_currency_code: USD
  hs_pipeline: Order Pipeline
  hs_pipeline_stage: Open
  hs_tags: ours
  hs_shipping_address_city: Porto
line_items:
  - key: A-{n}:mug
    properties: {{name: Mug, quantity: 2, price: 10.00}}
"""
SHOPIFY = "INTEGRATION 777 Shopify"
HISTORY = '"propertiesWithHistory":["'
FOOTER = "Drift in 4 orders, 1 line item: 6 values."

Edit = Callable[..., None]


@pytest.fixture
def edit(account: Account) -> Iterator[Edit]:
    """What edits a record in HubSpot, as somebody."""
    with httpx.Client(
        base_url=account.url,
        headers={"Authorization": f"Bearer {account.token}"},
        trust_env=False,
    ) as client:
        stages = {
            stage["label"]: stage["id"]
            for one in client.get("/crm/v3/pipelines/orders").json()["results"]
            for stage in one["stages"]
        }
        user = client.get("/crm/v3/owners").json()["results"][0]["userId"]

        def edit(by: str, key: str, **values: str) -> None:
            kind = "line_items" if ":" in key else "orders"
            stage = values.get("hs_pipeline_stage")
            if stage is not None:
                values["hs_pipeline_stage"] = stages[stage]
            client.patch(
                f"/crm/v3/objects/{kind}/{key}?idProperty=reconcile_key",
                json={"properties": values},
                headers={"X-Sandbox-Source": quote(by.replace("OLIVE", f"CRM_UI {user}"))},
            ).raise_for_status()

        yield edit


@pytest.fixture
def shop(project: Project, edit: Edit) -> Project:
    """Five orders, of which others changed four."""
    project.write("---\n".join(ORDER.format(n=n) for n in range(1, 6)))
    project.fine("apply", "--auto-approve")
    for n in (1, 2, 3):
        edit(SHOPIFY, f"A-{n}", hs_pipeline_stage="Shipped")
    edit("OLIVE", "A-4", hs_tags="theirs", hs_shipping_address_city="Lisboa")
    edit("AUTOMATION_PLATFORM 42", "A-4:mug", quantity="3")
    return project


def calls(project: Project, *typed: str) -> int:
    """How many calls a command makes."""
    project.account.server.clear_requests()
    project.fine(*typed)
    return len(project.account.server.requests())


def test_values_stand_under_property_and_source(shop: Project) -> None:
    """With the declared value, HubSpot's, and when it was set."""
    shown = shop.fine("drift")
    stage, city, tags, quantity = (
        shown.index(f"\n{text}\n  ")
        for text in (
            "hs_pipeline_stage: 3 orders",
            "hs_shipping_address_city: 1 order",
            "hs_tags: 1 order",
            "quantity: 1 line item",
        )
    )
    assert stage < city < tags < quantity
    assert "\n  3 by integration 777\n" in shown
    assert "  order/A-2  Open -> Shipped\n" in shown
    assert "\n  1 by olive@example.com\n" in shown
    assert "  order/A-4  ours -> theirs\n" in shown
    assert "\n  1 by a workflow\n" in shown
    assert "  line_item/A-4:mug  2 -> 3\n" in shown
    assert "\n  hint: to put it back, plan with --allow drift=5\n" in shown
    assert f"\n{FOOTER}\n" in shown


def test_programs_get_every_value(shop: Project) -> None:
    """The same in JSON; the summary is the last sentence."""
    data = json.loads(shop.fine("drift", "--format", "json"))
    assert data["summary"]["text"] == FOOTER
    assert data["sources"] == "read"
    found = {(one["address"], one["property"]): one for one in data["drift"]}
    assert len(found) == 6
    tags = found["order/A-4", "hs_tags"]
    assert (tags["declared"], tags["actual"]) == ("ours", "theirs")
    assert tags["source"]["name"] == "olive@example.com"
    assert tags["changed_at"].endswith("Z")
    assert found["order/A-1", "hs_pipeline_stage"]["shown"] == {
        "declared": "Open",
        "actual": "Shipped",
    }


@pytest.mark.parametrize("form", ["terminal", "markdown", "json"])
def test_drift_exits_with_2_only_if_asked(shop: Project, edit: Edit, form: str) -> None:
    """For jobs; without drift it is 0, also if the manifests changed."""
    typed = ("drift", "--format", form)
    shop.fine(*typed)
    shop.fine(*typed, "--detailed-exitcode", code=2)
    for n in (1, 2, 3):
        edit(SHOPIFY, f"A-{n}", hs_pipeline_stage="Open")
    edit(SHOPIFY, "A-4", hs_tags="ours", hs_shipping_address_city="Porto")
    edit(SHOPIFY, "A-4:mug", quantity="2")
    shop.write(ORDER.format(n=1).replace("ours", "new"))
    assert "No drift." in shop.fine(*typed, "--detailed-exitcode")


def test_it_writes_nothing(shop: Project) -> None:
    """Neither in HubSpot nor on the disk."""
    before = shop.account.dump(), shop.files()
    shop.account.server.clear_requests()
    shop.fine("drift")
    assert shop.account.writes() == []
    assert (shop.account.dump(), shop.files()) == before


def test_only_the_manifests_named_count(shop: Project) -> None:
    """As for a plan; problems in them are listed as there."""
    shop.write("---\n".join(ORDER.format(n=n) for n in (1, 2, 3, 5)))
    shop.write(ORDER.format(n=4), "some/one.yaml")
    shown = shop.fine("drift", "some/one.yaml")
    assert "hs_pipeline_stage" not in shown
    assert "order/A-4  ours -> theirs" in shown
    shop.write("kind: order\n", "some/bad.yaml")
    assert "some/bad.yaml" in shop.refused("drift", "some")
    assert json.loads(shop.run("drift", "some", "--format", "json").out)["problems"]


def test_without_sources_it_costs_what_a_plan_does(shop: Project) -> None:
    """With them a call for each kind, and two for owners."""
    # A plan also asks for the usage of the day, where it has changes.
    plan = calls(shop, "plan", "--no-sources")
    assert calls(shop, "drift", "--no-sources") == plan
    assert calls(shop, "drift") == calls(shop, "plan") == plan + 2 + 2
    shown = shop.fine("drift", "--no-sources")
    assert "    order/A-1  Open -> Shipped\n" in shown
    assert "integration" not in shown
    assert "    hs_pipeline_stage         3 orders\n" in shop.fine("plan", "--no-sources")


def test_nothing_personal_is_shown_in_ci(shop: Project) -> None:
    """Markdown is without it everywhere."""
    texts = [shop.fine("drift", "--format", "markdown")]
    shop.env(CI="true", RECONCILE_TARGET="shop")
    texts += [shop.fine("drift", "--format", form) for form in ("terminal", "json")]
    texts += [shop.fine("plan"), shop.fine("plan", "--json")]
    for shown in texts:
        assert not [one for one in ("olive", "Lisboa", "Porto") if one in shown]
        assert "hs_shipping_address_city" in shown
        assert "people" in shown


def test_a_saved_plan_shows_the_same_sources(shop: Project) -> None:
    """As it was made, whoever writes since; and its digest is that of a plan without them."""
    planned = shop.run("plan", "--out", "p")
    assert "    hs_pipeline_stage         3 orders: 3 by integration 777\n" in planned.out
    assert "    hs_tags                   1 order: 1 by olive@example.com\n" in planned.out
    assert shop.fine("show", "p") == planned.out
    digest = [one for one in planned.err.splitlines() if "digest" in one]
    without = shop.run("plan", "--no-sources")
    assert [one for one in without.err.splitlines() if "digest" in one] == digest
    assert "3 by `integration 777`" in shop.fine("show", "p", "--format", "markdown")
    shop.fine("apply", "p")


def test_histories_that_are_refused_are_said_and_stop_nothing(shop: Project) -> None:
    """The plan is saved, drift is listed, and the exit code is the same."""
    shop.account.server.faults.add(faults.Refuse(status=403), contains=HISTORY)
    planned = shop.run("plan", "--out", "p", "--detailed-exitcode")
    assert planned.code == 0
    assert "\n  sources could not be read: " in planned.out
    assert "    hs_pipeline_stage         3 orders\n" in planned.out
    assert shop.fine("show", "p") == planned.out
    shown = shop.fine("drift", "--detailed-exitcode", code=2)
    assert "\nsources could not be read: " in shown
    assert "    order/A-1  Open -> Shipped\n" in shown
    data = json.loads(shop.fine("drift", "--format", "json"))
    assert data["sources"] == "incomplete"
    assert {one["source"] for one in data["drift"]} == {None}
    assert "\n> `sources could not be read: " in shop.fine("drift", "--format", "markdown")


def test_the_standing_policy_is_reported(shop: Project) -> None:
    """What the next apply puts back is drift too."""
    shop.settings(f"{PROJECT}drift: {{order: {{hs_tags: revert}}}}\n")
    shown = shop.fine("drift", "--detailed-exitcode", code=2)
    assert "  order/A-4  ours -> theirs  # put back by the next apply\n" in shown
    assert f"\n{FOOTER} The next apply puts back 1 value.\n" in shown
    assert "\n  hint: to put it back, plan with --allow drift=5\n" in shown


def test_a_name_from_hubspot_directs_no_terminal(shop: Project, edit: Edit) -> None:
    """Nor a runner, nor the Markdown that a summary is made of."""
    edit("\x1b[31mFORM\n::error::x 5", "A-5", hs_tags="\x1b[2J<img>")
    shown = shop.fine("drift") + shop.fine("plan") + shop.fine("drift", "--format", "markdown")
    assert "\x1b" not in shown
    assert "\n::error" not in shown
    assert "source " in shown
