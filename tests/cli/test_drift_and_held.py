"""A shop in which others work too: what they changed is left alone, and what collides is held back.

Twelve orders were applied. Then somebody ships ten of them in HubSpot and tags another one, and in
git one price changes, and the tags of the order that was tagged in HubSpot.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from reconcile.project import starter_text
from tests.cli.conftest import PROJECT, Project

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
SHIPPED = range(1, 11)
HELD = "~ order/A-12"
FOOTER = (
    "Plan: 1 line item to update; 12 unchanged. Held back: 1 declared change. "
    "Left alone: drift in 10 orders."
)


def orders(*, price: str = "10.00", tags: str = "ours", more: int = 0) -> str:
    """Return the manifests, with the price of one mug and the tags of one order."""
    texts = [ORDER.format(n=n) for n in range(1, 13 + more)]
    texts[1] = texts[1].replace("price: 10.00", f"price: {price}")
    texts[11] = texts[11].replace("hs_tags: ours", f"hs_tags: {tags}")
    return "---\n".join(texts)


@dataclass
class Shop:
    """A project, and the people who work in its account."""

    project: Project
    client: httpx.Client

    def edit(self, key: str, **properties: str) -> None:
        """Somebody edits an order in HubSpot."""
        self.client.patch(f"/{key}?idProperty=reconcile_key", json={"properties": properties})

    def values(self, name: str) -> dict[str, str]:
        """Return a property of each order, by key."""
        query = {"properties": f"reconcile_key,{name}", "limit": "100"}
        found = self.client.get("", params=query).json()["results"]
        return {one["properties"]["reconcile_key"]: one["properties"][name] for one in found}

    def plan(self, *options: str) -> dict[str, Any]:
        """Return the plan as JSON."""
        made: dict[str, Any] = json.loads(self.project.fine("plan", "--json", *options))
        return made


def stage_ids(project: Project) -> dict[str, str]:
    """Return the ids of the order stages by label."""
    url = f"{project.account.url}/crm/v3/pipelines/orders"
    headers = {"Authorization": f"Bearer {project.account.token}"}
    found = httpx.get(url, headers=headers, trust_env=False).json()["results"]
    return {stage["label"]: stage["id"] for one in found for stage in one["stages"]}


def raise_for_status(response: httpx.Response) -> None:
    """Raise for an answer that is an error."""
    response.raise_for_status()


@pytest.fixture
def shop(project: Project) -> Iterator[Shop]:
    """Return the shop after what others did in HubSpot, and before anything changed in git."""
    project.write(orders())
    project.fine("apply", "--auto-approve")
    with httpx.Client(
        base_url=f"{project.account.url}/crm/v3/objects/orders",
        headers={"Authorization": f"Bearer {project.account.token}"},
        event_hooks={"response": [raise_for_status]},
        trust_env=False,
    ) as client:
        shop = Shop(project, client)
        shipped = stage_ids(project)["Shipped"]
        for n in SHIPPED:
            shop.edit(f"A-{n}", hs_pipeline_stage=shipped)
        shop.edit("A-12", hs_tags="theirs")
        yield shop


@pytest.fixture
def edited(shop: Shop) -> Shop:
    """Return the shop after the changes in git too."""
    shop.project.write(orders(price="11.00", tags="mine"))
    shop.project.account.server.clear_requests()
    return shop


def test_the_plan_keeps_them_apart(edited: Shop) -> None:
    """Changes first, then what is held back and how to let it in, then drift by property."""
    shown = edited.project.fine("plan", "--detailed-exitcode", code=2)
    assert "\n1 declared change will NOT be applied: held back, see below\n" in shown
    order = ("price  10 -> 11.00", "Held back: ", HELD, "--allow both=1\n", "Left alone: ", FOOTER)
    places = [shown.index(text) for text in order]
    assert places == sorted(places)
    assert "theirs -> mine  # both: changed in the manifest and in HubSpot\n" in shown
    assert re.search("\n    hs_pipeline_stage  10 orders: 10 by integration [0-9]+\n", shown)
    assert "hint: to put it back, plan with --allow drift=10\n" in shown
    assert "lists every conflict" not in shown


def test_json_has_a_list_for_each(edited: Shop) -> None:
    """What is held back is not among the resource changes, and drift has terraform's name."""
    made = edited.plan()
    assert made["format_version"] == "1.2"
    assert [one["address"] for one in made["resource_changes"]] == ["line_item/A-2:mug"]
    (held,) = made["held_back"]
    assert (held["address"], held["change"]["reasons"]) == ("order/A-12", {"hs_tags": "both"})
    assert held["change"]["before"] == {"hs_tags": "theirs"}
    assert {one["address"] for one in made["resource_drift"]} == {f"order/A-{n}" for n in SHIPPED}
    stages = stage_ids(edited.project)
    change = made["resource_drift"][0]["change"]
    assert change["before"] == {"hs_pipeline_stage": stages["Open"]}
    assert change["after"] == {"hs_pipeline_stage": stages["Shipped"]}
    assert made["summary"]["held_back"] == 1
    assert made["summary"]["drift"] == {"order": 10}
    assert made["summary"]["text"] == FOOTER
    assert made["guards"] == []


def test_markdown_shows_the_change_and_counts_the_rest(edited: Shop) -> None:
    """A reviewer sees the price, what is held back, and the drift."""
    edited.project.fine("plan", "--out", "p")
    shown = edited.project.fine("show", "p", "--format", "markdown")
    assert "10 -> 11.00" in shown
    assert "**1 declared change will NOT be applied.**" in shown
    assert HELD in shown
    assert re.search(r"\n- `hs_pipeline_stage`: 10 orders \(10 by `integration [0-9]+`\)\n", shown)
    assert FOOTER in shown


def test_personal_values_that_others_changed_are_masked_in_ci(shop: Shop) -> None:
    """Drift of a city is named in JSON, and neither city is."""
    shop.edit("A-11", hs_shipping_address_city="Lisboa")
    shop.project.env(CI="true", RECONCILE_TARGET="shop")
    shown = shop.project.fine("plan", "--json")
    assert "hs_shipping_address_city" in shown
    assert "Porto" not in shown
    assert "Lisboa" not in shown


def test_apply_does_what_the_plan_said_and_nothing_else(edited: Shop) -> None:
    """The price is written; the stages and the tags stay as others left them: exit 5."""
    before = edited.plan()
    stages, tags = edited.values("hs_pipeline_stage"), edited.values("hs_tags")
    out = edited.project.fine("apply", "--auto-approve", code=5)
    assert "Applied: 1 line item updated; 1 declared change was held back. " in out
    assert "The plan shows how to let in what was held back.\n" in out
    assert "Conflicts" not in out
    written = {call.rpartition("/objects/")[2] for call in edited.project.account.writes()}
    assert written == {"line_items/A-2:mug"}
    assert edited.values("hs_pipeline_stage") == stages
    assert edited.values("hs_tags") == tags
    after = edited.plan()
    assert after["resource_changes"] == []
    for name in ("held_back", "resource_drift"):
        assert after[name] == before[name]


def test_a_saved_plan_holds_the_same_back(edited: Shop) -> None:
    """The file that was reviewed is what is done; applied again, it has been applied."""
    edited.project.fine("plan", "--out", "p")
    assert "1 declared change was held back" in edited.project.fine("apply", "p", code=5)
    assert edited.values("hs_tags")["A-12"] == "theirs"
    assert "Already applied by run 2" in edited.project.fine("apply", "p")


def test_what_was_held_back_before_is_not_new(edited: Shop) -> None:
    """Exit 0 with a note, until its manifest changes: then it is new again."""
    edited.project.fine("apply", "--auto-approve", code=5)
    for _ in range(2):
        out = edited.project.fine("apply", "--auto-approve")
        assert "Apply complete: nothing to change; 1 declared change is still held back." in out
    edited.project.write(orders(price="12.00", tags="mine"))
    out = edited.project.fine("apply", "--auto-approve")
    assert "1 line item updated; 1 declared change is still held back." in out
    assert "Verified: a new plan shows only what is held back." in out
    edited.project.write(orders(price="12.00", tags="mine and yours"))
    assert "1 declared change was held back" in edited.project.fine(
        "apply", "--auto-approve", code=5
    )


def test_a_plan_that_only_holds_back_takes_no_calls(edited: Shop) -> None:
    """Nothing is said of the time and calls that applying nothing takes."""
    assert "Applying this takes about" in edited.project.run("plan").err
    edited.project.fine("apply", "--auto-approve", code=5)
    planned = edited.project.run("plan", "--out", "p")
    assert "1 declared change will NOT be applied" in planned.out
    assert "takes about" not in planned.err


def test_others_who_take_their_change_back_end_it(edited: Shop) -> None:
    """The tags are a plain change then, which is applied."""
    edited.project.fine("apply", "--auto-approve", code=5)
    edited.edit("A-12", hs_tags="ours")
    assert edited.plan()["held_back"] == []
    assert "1 order updated" in edited.project.fine("apply", "--auto-approve")
    assert edited.values("hs_tags")["A-12"] == "mine"


def test_drift_alone_is_an_empty_plan(shop: Shop) -> None:
    """Planning exits with 0, and applying asks nothing, writes nothing and exits with 0."""
    shop.edit("A-12", hs_tags="ours")
    shown = shop.project.fine("plan", "--detailed-exitcode", "--no-sources")
    assert "No changes. 14 records are as declared. Left alone: drift in 10 orders." in shown
    before = shop.project.account.dump(), shop.project.files()
    for _ in range(2):
        out = shop.project.fine("apply")
        assert out == shown
    assert (shop.project.account.dump(), shop.project.files()) == before


@pytest.mark.parametrize(
    ("allowed", "has"),
    [("both=2", 1), ("drift=9", 10), ("rekey=1", 0), ("limit-update=2", 1)],
)
@pytest.mark.parametrize("command", [("plan", "--out", "p"), ("apply", "--auto-approve")])
def test_a_wrong_number_lets_nothing_in(
    edited: Shop, command: tuple[str, ...], allowed: str, has: int
) -> None:
    """Both numbers are named, nothing is saved or applied: exit 3."""
    before = edited.project.account.dump()
    refused = edited.project.run(*command, "--allow", allowed)
    assert refused.code == 3
    assert f"error: --allow {allowed} was given, but the plan has {has}\n" in refused.err
    assert not (edited.project.folder / "p").exists()
    assert edited.project.account.dump() == before


def test_the_right_number_lets_it_in(edited: Shop) -> None:
    """Nothing is held back then, the drift stays, and the audit log has what was allowed."""
    edited.project.fine("plan", "--out", "p", "--allow", "both=1")
    out = edited.project.fine("apply", "p")
    assert "Apply complete: 1 order, 1 line item updated." in out
    assert edited.values("hs_tags")["A-12"] == "mine"
    assert len({*edited.values("hs_pipeline_stage").values()}) == 2
    logged = edited.project.fine("audit", "log", "--json").splitlines()[-1]
    assert json.loads(logged)["facts"]["allow"] == ["both=1"]


def test_all_at_once_in_an_apply(edited: Shop) -> None:
    """The number for drift is an upper bound; a plan afterwards has nothing."""
    allowed = ("--allow", "both=1", "--allow", "drift=50")
    out = edited.project.fine("apply", "--auto-approve", *allowed)
    assert "Apply complete: 11 orders, 1 line item updated." in out
    logged = edited.project.fine("audit", "log", "--json").splitlines()[-1]
    assert json.loads(logged)["facts"]["allow"] == ["both=1", "drift=50"]
    assert "No changes. 24 records are as declared.\n" in edited.project.fine("plan")


def test_a_standing_policy_puts_one_property_back(shop: Shop) -> None:
    """`drift:` names it; other drift is left alone, and it lets in nothing that is held back."""
    shop.edit("A-11", hs_shipping_address_city="Lisboa")
    shop.project.write(orders(tags="mine"))
    shop.project.settings(f"{PROJECT}drift: {{order: {{hs_pipeline_stage: revert}}}}\n")
    out = shop.project.fine("apply", "--auto-approve", code=5)
    assert "Applied: 10 orders updated; 1 declared change was held back." in out
    assert {*shop.values("hs_pipeline_stage").values()} == {stage_ids(shop.project)["Open"]}
    assert shop.values("hs_shipping_address_city")["A-11"] == "Lisboa"
    assert shop.values("hs_tags")["A-12"] == "theirs"


@pytest.mark.parametrize("command", [("plan",), ("plan", "--out", "p"), ("apply",)])
def test_a_standing_policy_names_properties_of_the_account(
    shop: Shop, command: tuple[str, ...]
) -> None:
    """One that it does not have is a problem of the project file, with its place."""
    drift = "drift:\n  order: {hs_tags: revert, hs_tagz: revert}\n"
    shop.project.settings(PROJECT + drift)
    said = shop.project.refused(*command)
    assert said == (
        "error: 1 problem in reconcile.yaml\n"
        "reconcile.yaml:9:28: orders have no property 'hs_tagz'; did you mean 'hs_tags'?\n"
    )
    shop.project.settings(f"{PROJECT}{drift}".replace("order:", "cart:"))
    assert "Left alone: drift in 11 orders." in shop.project.fine("plan")  # no carts are planned


def test_problems_of_policy_and_manifests_are_reported_together(shop: Shop) -> None:
    """All of them at once, and what the account does not take beside them."""
    shop.project.settings(f"{PROJECT}drift: {{line_item: {{prize: revert}}}}\n")
    shop.project.write(f"{orders()}---\nkind: order\nkey: A-1\n---\n{ORDER.format(n=20)}  y: 1\n")
    said = shop.project.refused("plan")
    assert said.startswith("error: 3 problems in reconcile.yaml and the manifests\n")
    assert (
        "\nreconcile.yaml:8:21: line items have no property 'prize'; did you mean 'price'?" in said
    )
    problems = json.loads(shop.project.run("plan", "--json").out)["problems"]
    assert [one["file"] for one in problems] == [*["manifests/shop.yaml"] * 2, "reconcile.yaml"]


def test_a_limit_refuses_a_plan_and_its_number_lets_it_through(edited: Shop) -> None:
    """It counts what the plan will do, not what is held back or left alone."""
    edited.project.settings(f"{PROJECT}limits: {{update: 5}}\n")
    edited.project.fine("apply", "--auto-approve", code=5)
    edited.project.write(orders(price="12.00", tags="mine"))
    before = edited.project.account.dump()
    said = "limit-update: 11 records would be updated, and the limit is 5"
    passes = "--allow limit-update=11"
    for command in (("plan", "--out", "p", "--detailed-exitcode"), ("apply", "--auto-approve")):
        refused = edited.project.run(*command, "--allow", "drift=10")
        assert refused.code == 3
        assert (
            f"\n! {said}\n  hint: if this is intended, plan with --allow drift=10 {passes}\n"
            in refused.out
        )
        assert refused.err.endswith(
            f"error: {said}\nhint: if that is intended, plan again with {passes} as well\n"
        )
        assert ("The plan is not saved.\n" in refused.err) == ("--out" in command)
        assert "guard" not in refused.all
    assert not (edited.project.folder / "p").exists()
    assert edited.project.account.dump() == before
    edited.project.fine("plan", "--out", "p", "--allow", "drift=10", "--allow", "limit-update=11")
    assert "10 orders, 1 line item updated" in edited.project.fine("apply", "p")


def test_json_of_a_plan_that_a_limit_refuses_is_whole(edited: Shop) -> None:
    """Programs get the plan, which limit it exceeds, and exit code 3."""
    edited.project.settings(f"{PROJECT}limits: {{update: 0}}\n")
    planned = edited.project.run("plan", "--json", "--detailed-exitcode")
    assert planned.code == 3
    (guard,) = json.loads(planned.out)["guards"]
    assert (guard["count"], guard["limit"], guard["allow"]) == (1, 0, "limit-update=1")
    assert "takes about" not in planned.err
    assert "saved" not in planned.err


@pytest.mark.parametrize(("more", "code"), [(20, 0), (21, 3)])
def test_a_share_is_of_what_is_managed_and_at_least_20(shop: Shop, more: int, code: int) -> None:
    """Half of twelve orders is less than that."""
    shop.project.settings(f"{PROJECT}limits: {{create: 50%}}\n")
    shop.project.write(orders(more=more))
    done = shop.project.run("apply", "--auto-approve")
    assert done.code == code
    over = (
        "error: limit-create: 21 orders (limit 20), 21 line items (limit 20) would be created, "
        "42 records in all\n"
        "hint: if that is intended, plan again with --allow limit-create=42 as well\n"
    )
    assert done.err.endswith(over) == (code == 3)
    assert len(shop.values("hs_tags")) == (12 if code else 12 + more)


@pytest.mark.parametrize(
    "guards",
    [
        "guards: {adopt_update: 0, unknown: 0, rekey: 0, prune: 0}\n",
        "guards:\n",
        "guards: {prune: '${env:SHOP_TOKEN}'}\n",
        "guards: 3\n",
    ],
)
def test_the_former_guards_are_one_problem_with_the_way_out(reader: Project, guards: str) -> None:
    """The hint has the lines to write, whatever was written there."""
    reader.settings(f"{PROJECT}{guards}")
    said = reader.refused("plan")
    assert said.startswith("error: 1 problem in reconcile.yaml\nreconcile.yaml:8:1: guards: has no")
    assert "`reconcile plan --allow NAME=NUMBER`" in said
    assert "limits: {archive: 20, update: 500, create: 50%}" in said


def uncommented(text: str) -> str:
    """Return the starter project file with its policy switched on."""
    return text.replace("# drift: ", "drift: ").replace("# limits: ", "limits: ")


def as_it_is(text: str) -> str:
    """Return the starter project file."""
    return text


@pytest.mark.parametrize("change", [as_it_is, uncommented])
def test_the_starter_file_has_the_policy_as_a_comment(
    reader: Project, change: Callable[[str], str]
) -> None:
    """It is valid as it is, and with the policy switched on."""
    text = starter_text()
    assert "\n# drift: {order: {hs_tags: revert}}\n" in text
    assert "\n# limits: {archive: 20, update: 500, create: 50%}\n" in text
    reader.write(change(text), "reconcile.yaml")
    assert "valid" in reader.fine("validate")


def test_an_apply_without_changes_leaves_open_what_another_was_allowed_to_do(shop: Shop) -> None:
    """It says so, as a plan does; the run can be resumed, and then nothing is unfinished."""
    shop.edit("A-12", hs_tags="ours")
    shop.project.fine("plan", "--out", "p", "--allow", "drift=10")
    shop.edit("A-1", hs_pipeline_stage=stage_ids(shop.project)["Processed"])
    stopped = shop.project.run("apply", "p", "--on-error", "halt")
    assert "Continue with `reconcile resume`" in stopped.out
    shop.project.fine("plan", "--out", "p2")
    for command in (("plan",), ("apply", "--auto-approve"), ("apply", "p2")):
        done = shop.project.run(*command)
        assert done.code == 0
        assert "Note: run 2" in done.err
        assert "continue with `reconcile resume`." in done.err
    assert "9 of 10 orders updated" in shop.project.fine("resume", code=5)
    assert "is not finished" not in shop.project.run("apply", "--auto-approve").err
    assert "No run is unfinished." in shop.project.fine("status")
