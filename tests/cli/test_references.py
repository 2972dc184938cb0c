"""References as the commands show them: ids in projects with several targets, products by SKU."""

import json
from pathlib import Path

import httpx
import pytest

from reconcile.sandbox.server.seed import load_seed
from tests.cli.conftest import PROJECT, Project

TWO = PROJECT + "  live: {portal: 1, token: '${env:LIVE_TOKEN}'}\n"
IDS = """\
kind: order
key: A-{n}
associations:
  deal: [{{id: "80{n}"}}]
---
kind: line_item
key: L-{n}
parent: {{order: {{id: "90{n}"}}}}
product: {{id: "70{n}"}}
"""
MUG = """\
kind: order
key: A-1
line_items:
  - key: A-1:mug
    product: {hs_sku: MUG}
    properties: {name: A mug, quantity: 2}
"""


def make(project: Project, object_: str, **properties: str) -> str:
    """Somebody makes a record in HubSpot; its id."""
    server = project.account.server
    headers = {"Authorization": f"Bearer {server.token}"}
    path = f"{server.url}/crm/v3/objects/{object_}"
    answer = httpx.post(path, json={"properties": properties}, headers=headers)
    return str(answer.raise_for_status().json()["id"])


def edit(project: Project, object_: str, id_: str, **properties: str) -> None:
    """Somebody edits a record in HubSpot."""
    server = project.account.server
    headers = {"Authorization": f"Bearer {server.token}"}
    path = f"{server.url}/crm/v3/objects/{object_}/{id_}"
    httpx.patch(path, json={"properties": properties}, headers=headers).raise_for_status()


@pytest.fixture
def ids(project: Project) -> Project:
    """A project whose manifests name many records by id."""
    project.write("---\n".join(IDS.format(n=n) for n in range(1, 9)))
    return project


def test_one_target_needs_no_warning(ids: Project) -> None:
    """An id is as good as any other name in the only account."""
    assert ids.run("validate").err == ""


def test_ids_in_a_project_with_several_targets_are_warnings(ids: Project) -> None:
    """Grouped by what they name, capped, on stderr: the manifests are valid."""
    ids.settings(TWO)
    result = ids.run("validate")
    assert (result.code, result.out) == (0, "The manifests are valid: 8 orders, 8 line items.\n")
    lines = result.err.splitlines()
    assert lines[0] == "warning: 24 references will not fit another target"
    assert lines[1] == (
        "manifests/shop.yaml:4:10: a deal is named by its id, which it has in one account only"
    )
    assert lines.count("  … and 3 more like this") == 3
    assert "  hint: name it by a unique property of its own" in lines
    assert "  hint: name it by its key" in lines
    assert "  hint: name it by hs_sku or a unique property of its own" in lines
    assert lines[-1] == "`reconcile validate --json` lists every warning"


def test_json_lists_every_warning(ids: Project) -> None:
    """With its place, in the documents of validate and of plan; a plan prints them too."""
    ids.settings(TWO)
    data = json.loads(ids.fine("validate", "--json"))
    assert len(data["warnings"]) == 24
    assert data["warnings"][0]["file"] == "manifests/shop.yaml"
    assert data["problems"] == []
    ids.write("kind: order\nkey: A-1\nassociations: {deal: [{id: '801'}]}\n")
    (one,) = json.loads(ids.fine("plan", "--json"))["warnings"]
    assert (one["line"], one["column"]) == (3, 23)
    assert "warning: 1 reference will not fit another target" in ids.run("plan").err


def test_a_default_that_many_records_inherit_is_one_warning(project: Project) -> None:
    """It stands in one place."""
    project.settings(TWO)
    defaults = "kind: defaults\norder: {associations: {company: [{id: '501'}]}}\n"
    project.write(defaults, "manifests/defaults.yaml")
    project.write("".join(f"---\nkind: order\nkey: A-{n}\n" for n in range(5)))
    assert "warning: 1 reference" in project.run("validate").err


def test_adopting_by_id_names_its_target_and_is_no_warning(project: Project) -> None:
    """The id is said to be for one account."""
    project.settings(TWO)
    project.write("kind: order\nkey: A-1\nadopt: {shop: {id: '9'}, live: {id: '8'}}\n")
    assert project.run("validate").err == ""


def test_a_plan_shows_the_sku(project: Project) -> None:
    """Also what is sent again, and what HubSpot copies besides."""
    make(project, "products", hs_sku="MUG", price="16")
    project.write(MUG)
    assert "hs_product_id=MUG" in project.fine("plan")
    project.fine("apply", "--auto-approve")
    assert "No changes." in project.fine("plan")
    make(project, "products", hs_sku="CUP", price="9")
    project.write(MUG.replace("MUG", "CUP"))
    out = project.fine("plan")
    assert "-> CUP" in out
    assert "name           A mug  # sent again: HubSpot would replace it" in out
    assert "HubSpot also copies from the product: description, " in out
    assert ", price, " in out


def test_a_saved_plan_is_not_applied_if_the_sku_is_another_products(project: Project) -> None:
    """The plan shows the SKU, so it must still lead to the same product."""
    mug = make(project, "products", hs_sku="MUG")
    project.write(MUG)
    project.fine("plan", "--out", "plan.jsonl")
    edit(project, "products", mug, hs_sku="OLD")
    make(project, "products", hs_sku="MUG")
    result = project.run("apply", "plan.jsonl", "--auto-approve")
    assert result.code == 6
    assert "a reference to a product leads to another record than it did" in result.all
    assert project.account.count("orders") == 0


def test_a_saved_plan_with_a_product_is_applied(project: Project) -> None:
    """Nothing has changed since."""
    mug = make(project, "products", hs_sku="MUG")
    project.write(MUG)
    project.fine("plan", "--out", "plan.jsonl")
    project.fine("apply", "plan.jsonl", "--auto-approve")
    (values,) = project.account.properties("line_items")
    assert json.loads(values)["hs_product_id"] == mug


def test_a_saved_plan_with_a_custom_object_is_applied(project: Project, tmp_path: Path) -> None:
    """Its association type is looked up again, and is the same."""
    seed = tmp_path / "custom.json"
    seed.write_text('{"custom_objects": {"2-77": ["orders"]}}', encoding="utf-8")
    load_seed(project.account.path, seed)
    car = make(project, "2-77")
    project.write(f"kind: order\nkey: A-1\nassociations: {{2-77: [{{id: '{car}'}}]}}\n")
    assert f"2-77 id={car}" in project.fine("plan", "--out", "plan.jsonl")
    project.fine("apply", "plan.jsonl", "--auto-approve")
    assert "No changes." in project.fine("plan")


def test_pull_names_the_place_of_a_product_that_others_changed(project: Project) -> None:
    """A reference is not edited; a default is overridden in the document."""
    make(project, "products", hs_sku="MUG")
    cup = make(project, "products", hs_sku="CUP")
    project.write(MUG)
    project.fine("apply", "--auto-approve")
    (item,) = [row[2] for row in project.account.dump() if row[:2] == ("record", "0-8")]
    edit(project, "line_items", str(item), hs_product_id=cup)
    other = "the product is another one in HubSpot"
    place = f"manifests/shop.yaml:5:14: {other}: hs_product_id is '{cup}'"
    said = project.run("pull", "--drift")
    assert said.code == 5
    assert place in said.err
    assert place in project.refused("pull", "line_item/A-1:mug")
    defaults = "kind: defaults\nline_item: {product: {hs_sku: MUG}}\n"
    project.write(defaults, "manifests/defaults.yaml")
    project.write(MUG.replace("    product: {hs_sku: MUG}\n", ""))
    project.fine("pull", "--drift")
    text = (project.folder / "manifests" / "shop.yaml").read_text(encoding="utf-8")
    assert f"hs_product_id: {cup}" in text
    project.fine("apply", "--auto-approve")
    assert "No changes." in project.fine("plan")


NEW = """\
kind: order
key: A-1
associations:
  payment: [{id: "1"}]
  ticket: [{id: "2"}]
  discount: [{id: "3"}]
line_items:
  - key: A-1:mug
    product: {hs_sku: MUG}
"""


def test_doctor_asks_for_the_scopes_of_what_manifests_name(project: Project) -> None:
    """A payment's have a name of their own, a discount has those of line items."""
    objects = ("orders", "carts", "line_items")
    granted = [f"crm.objects.{one}.{way}" for one in objects for way in ("read", "write")]
    project.token(project.account.server.add_token([*granted, "crm.pipelines.orders.read"]))
    project.write(NEW)
    out = project.fine("doctor", code=1)
    needed = (
        "crm.objects.commercepayments.read",
        "crm.objects.products.read or e-commerce",
        "crm.objects.tickets.read or tickets",
    )
    assert f"Scopes   plan: missing {', '.join(needed)}\n" in out
    writes = "crm.objects.commercepayments.write, crm.objects.tickets.write"
    assert f"Scopes   apply may also need {writes} to associate\n" in out
    project.write("kind: order\nkey: A-1\n")
    assert "payments" not in project.fine("doctor")
