"""`reconcile explain`: who may write what, and where the values of a record come from."""

import json
from typing import Any

import httpx
import pytest

from reconcile.render.escaping import width
from tests.cli.conftest import PROJECT, SHOP, Project

MANAGE = (
    PROJECT
    + """\
    stamp: false
    manage:
      order: [hs_tags, contact]
      line_item: all
      create: true
drift: {order: {hs_tags: revert}}
limits: {archive: 20}
"""
)

DEFAULTS = """\
kind: defaults
order:
  properties: {hs_currency_code: EUR}
"""


@pytest.fixture
def applied(project: Project) -> Project:
    """Return a project that was applied."""
    project.write(DEFAULTS, "manifests/defaults.yaml")
    project.fine("apply", "--auto-approve")
    return project


def table(out: str) -> dict[str, tuple[str, str]]:
    """Return who writes each thing, and where that is set."""
    lines = out.splitlines()
    head = next(line for line in lines if line.startswith("WHAT"))
    who, place = head.index("WHO"), head.index("SET IN")
    return {
        line[:who].strip(): (line[who:place].strip(), line[place:])
        for line in lines[lines.index(head) + 1 :]
    }


def edit(project: Project, **properties: str) -> None:
    """Somebody edits the order in HubSpot."""
    httpx.patch(
        f"{project.account.url}/crm/v3/objects/orders/A-1?idProperty=reconcile_key",
        headers={"Authorization": f"Bearer {project.account.token}"},
        json={"properties": properties},
        trust_env=False,
    ).raise_for_status()


def values(project: Project, address: str = "order/A-1") -> dict[str, dict[str, Any]]:
    """Return what is explained of each value of a record."""
    found = json.loads(project.fine("explain", address, "--json"))
    return {one["name"]: one for one in found["values"]}


def test_the_table_names_who_writes_what_and_the_line_that_says_so(reader: Project) -> None:
    """Kinds, properties, associations, creating, archiving, keys, drift and limits."""
    reader.settings(MANAGE)
    found = table(reader.fine("explain"))
    lines = (reader.folder / "reconcile.yaml").read_text().splitlines()
    assert found["order: hs_tags"][0] == "reconcile"
    assert found["order: association with a contact"][0] == "reconcile"
    assert found["everything else of orders"][0] == "others; not read"
    assert found["carts"][0] == "others only"
    assert found["creating records"] == ("reconcile", "reconcile.yaml:12:7")
    assert found["archiving records"][0] == "others only"
    assert found["the key of adopted records"][0] == "nobody"
    assert found["drift of order: hs_tags"][0] == "reconcile puts it back"
    assert found["a plan to archive more than 20"][0] == "nobody, until allowed"
    assert found["order: key, reconcile_key"] == ("reconcile", "default")
    for what, word in {
        "order: hs_tags": "hs_tags, contact]",
        "order: association with a contact": "contact]",
        "everything else of orders": "order: [",
        "what is declared of line items": "line_item: all",
        "carts": "manage:",
        "archiving records": "manage:",
        "the key of adopted records": "stamp:",
        "drift of order: hs_tags": "hs_tags: revert",
        "a plan to archive more than 20": "archive: 20",
    }.items():
        _, line, column = found[what][1].split(":")
        assert lines[int(line) - 1][int(column) - 1 :].startswith(word), what


def test_the_table_asks_no_account(reader: Project) -> None:
    """It needs no token, and fits a terminal of 80 columns."""
    reader.account.server.clear_requests()
    reader.monkeypatch.delenv("SHOP_TOKEN")
    out = reader.fine("explain")
    assert reader.account.server.requests() == []
    assert table(out)["creating records"] == ("reconcile", "default")
    assert max(map(width, out.splitlines())) <= 80


def test_the_table_as_json(reader: Project) -> None:
    """Each place is a file with line and column, or null."""
    reader.settings(MANAGE)
    found = json.loads(reader.fine("explain", "--json"))
    rows = {one["what"]: one for one in found["rules"]}
    assert rows["creating records"]["place"] == {
        "file": "reconcile.yaml",
        "line": 12,
        "column": 7,
    }
    assert rows["order: key, reconcile_key"]["place"] is None


def test_each_value_has_its_place_and_what_hubspot_has(applied: Project) -> None:
    """Also a value from a default, which is marked as such."""
    found = values(applied)
    price = found["hs_total_price"]
    assert price["place"] == {"file": "manifests/shop.yaml", "line": 5, "column": 19}
    assert (price["declared"], price["now"], price["default"]) == ("20.00", "20", False)
    assert (price["last_applied"], price["plan"]) == ("as last applied", "nothing")
    assert found["hs_pipeline_stage"]["now"] == "Open"
    currency = found["hs_currency_code"]
    assert currency["place"] == {"file": "manifests/defaults.yaml", "line": 3, "column": 34}
    assert currency["default"]
    assert "3:34 (default)" in applied.fine("explain", "order/A-1")


def test_it_says_what_a_plan_would_do_and_why(applied: Project) -> None:
    """Drift, both, a change, and what belongs to what is held back."""
    edit(applied, hs_order_name="Edited", hs_shipping_address_city="Faro", hs_tags="theirs")
    text = SHOP.replace("city: Porto", "city: Lisboa").replace("20.00", "21.00")
    applied.write(text.replace("properties:\n", "properties:\n  hs_tags: ours\n", 1))
    found = values(applied)
    said = {n: (v["last_applied"], v["plan"], v["reason"], v["guards"]) for n, v in found.items()}
    others = "changed by others since the last apply"
    assert said["hs_order_name"] == (others, "left alone", "drift", [])
    assert said["hs_shipping_address_city"] == (others, "held back", "both", ["both"])
    assert said["hs_total_price"] == ("as last applied", "held back", "change", [])
    assert said["hs_tags"] == ("never applied", "held back", "unseen", ["adopt-update"])
    out = applied.fine("explain", "order/A-1")
    assert "would update; held back: both, adopt-update; drift is left alone" in out
    assert "left alone: others changed it, and the manifest did not" in out


def test_a_change_is_explained(applied: Project) -> None:
    """What git changed will be written, and what is new."""
    text = SHOP.replace("20.00", "21.00")
    applied.write(text.replace("properties:\n", "properties:\n  hs_tags: ours\n", 1))
    out = applied.fine("explain", "order/A-1")
    assert "write: the manifest changed" in out
    assert "write: it was never applied" in out


def test_a_conflict_is_explained_with_its_hint(reader: Project) -> None:
    """The reason with its place, and the way out."""
    reader.settings(PROJECT + "    manage: {order: all, cart: all, line_item: all}\n")
    out = reader.fine("explain", "order/A-1")
    assert "conflict, left alone" in out
    assert "does not let records be created" in out
    assert "hint: if it exists under another key, adopt it" in out
    assert values(reader)["hs_total_price"]["plan"] == "conflict"


def test_associations_are_explained(applied: Project) -> None:
    """Declared ones with their records, and those that are declared no longer."""
    contact = values(applied)["contact"]
    assert contact["type"] == "association"
    assert contact["now"].startswith("record ")
    assert contact["last_applied"] == "as last applied"
    applied.write(SHOP.replace("  contact: [{email: ines.rocha@example.com}]", "  contact: []"))
    gone = values(applied)["contact"]
    assert (gone["declared"], gone["plan"]) == (None, "write")


def test_a_property_to_ignore_is_explained(applied: Project) -> None:
    """It was written once and is compared no more."""
    applied.write(SHOP.replace("line_items:", "lifecycle: {ignore: [hs_total_price]}\nline_items:"))
    assert values(applied)["hs_total_price"]["plan"] == "ignored"


def test_a_line_item_is_explained_with_its_order(applied: Project) -> None:
    """Its plan is that of the order."""
    out = applied.fine("explain", "line_item/A-1:mug")
    assert "belongs to    order/A-1" in out
    assert values(applied, "line_item/A-1:mug")["price"]["now"] == "10"


@pytest.mark.parametrize(("state", "does"), [("absent", "archive"), ("forget", "forget")])
def test_a_removal_is_explained(applied: Project, state: str, does: str) -> None:
    """What is declared absent or forgotten has no values but its key."""
    applied.write(f"kind: order\nkey: A-1\nlifecycle: {{state: {state}}}\n")
    out = applied.fine("explain", "order/A-1")
    assert f"  plan          {does}" in out
    assert "in HubSpot    record " in out
    assert "hs_total_price" not in out


def test_a_record_without_its_key_is_explained(applied: Project) -> None:
    """A key that was cleared has changed; with `stamp: false` none is expected."""
    edit(applied, reconcile_key="")
    assert values(applied)["reconcile_key"]["last_applied"].startswith("changed by others")
    applied.settings(PROJECT + "    stamp: false\n")
    assert "reconcile_key" not in values(applied)


def test_what_an_interrupted_run_left_in_doubt_is_not_explained(project: Project) -> None:
    """The plan leaves it out, so nothing is known of it; the error says how to go forward."""
    project.interrupted("apply", "--auto-approve", at="/orders/batch/upsert")
    err = project.run("explain", "order/A-1").err
    assert "an interrupted run wrote to order/A-1" in err
    assert "hint: `reconcile resume`" in err


def test_a_moved_line_item_is_explained(applied: Project) -> None:
    """Its new order, and the one that it leaves."""
    lines = SHOP[SHOP.index("line_items:") : SHOP.index("associations:")]
    moved = SHOP.replace(lines, "").replace("A cart}", "A cart}\n" + lines.rstrip())
    applied.write(moved)
    out = applied.fine("explain", "line_item/A-1:mug")
    assert "association with an order\n    declared      no longer\n" in out
    assert "association with a cart\n    declared      cart/C-1   in manifests/shop.yaml" in out


def test_a_line_item_that_waits_with_another_order_is_explained(applied: Project) -> None:
    """Both go or stay together, and what others added is part of it."""
    account = httpx.Client(
        base_url=applied.account.url,
        headers={"Authorization": f"Bearer {applied.account.token}"},
        trust_env=False,
    )
    with account as http:
        path = "/crm/v3/objects/orders/A-1?idProperty=reconcile_key&associations=line_items"
        order = http.get(path).json()["id"]
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 514}]
        extra = {"to": {"id": order}, "types": types}
        body = {"properties": {"name": "Extra"}, "associations": [extra]}
        http.post("/crm/v3/objects/line_items", json=body).raise_for_status()
    lines = SHOP[SHOP.index("line_items:") : SHOP.index("associations:")]
    moved = SHOP.replace(lines, "lines: exact\n").replace("A cart}", "A cart}\n" + lines.rstrip())
    applied.write(moved.replace("hs_total_price: 20", "hs_total_price: 30"))
    edit(applied, hs_total_price="40")
    assert 'line_item/A-1:mug  "Mug"  # held back' in applied.fine("plan")
    out = applied.fine("explain", "line_item/A-1:mug")
    assert "  plan          would " in out
    out = applied.fine("explain", "order/A-1")
    assert "  others added  1 line item\n    plan          would archive: the lines" in out


def test_explaining_writes_nothing(applied: Project) -> None:
    """Not in HubSpot, nor in the project."""
    applied.account.server.clear_requests()
    before = applied.files()
    applied.fine("explain", "order/A-1")
    assert applied.account.writes() == []
    assert applied.files() == before


def test_personal_values_are_masked_in_ci(applied: Project) -> None:
    """In text and JSON; on a person's own terminal they are shown."""
    edit(applied, hs_order_name="Ana Edited")
    assert "Ana Edited" in applied.fine("explain", "order/A-1")
    applied.env(CI="1")
    for more in ((), ("--json",)):
        out = applied.fine("explain", "order/A-1", "--target", "shop", *more)
        for secret in ("Ana Edited", "First order", "Porto", "ines.rocha"):
            assert secret not in out
        assert "(personal)" in out


def test_what_others_wrote_cannot_direct_a_terminal(applied: Project) -> None:
    """Escapes and line breaks are written out."""
    edit(applied, hs_order_name="\x1b[31mred\nplan  nothing")
    out = applied.fine("explain", "order/A-1")
    assert "\x1b" not in out
    assert "\\x1b[31mred\\nplan  nothing" in out


def test_an_unknown_address_gets_a_suggestion(reader: Project) -> None:
    """The nearest address that is declared; an unknown kind the kinds that there are."""
    err = reader.refused("explain", "order/A-2")
    assert "no manifest declares order/A-2" in err
    assert "did you mean order/A-1?" in err
    assert "the kinds are" in reader.refused("explain", "ordr/A-1")
    assert "order/" in reader.refused("explain", "A-1")


def test_without_a_project_file_there_are_only_defaults(reader: Project) -> None:
    """The table of an empty folder names no file."""
    (reader.folder / "reconcile.yaml").unlink()
    assert {place for _, place in table(reader.fine("explain")).values()} == {"default"}
