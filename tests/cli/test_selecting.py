"""--select and --exclude: what a plan, and a report on drift, are limited to."""

import json

import pytest

from tests.cli.conftest import Project

ORDERS = """\
kind: order
key: SHOP-51
properties: {hs_order_name: Fifty-one}
line_items:
  - key: SHOP-51:mug
    properties: {name: Mug, quantity: 2}
---
kind: order
key: SHOP-52
properties: {hs_order_name: Fifty-two}
---
kind: order
key: Shop-61
properties: {hs_order_name: Sixty-one}
---
kind: cart
key: SHOP-5
properties: {hs_cart_name: A cart}
"""


def planned(project: Project, *args: str, code: int = 0) -> set[str]:
    """Return the addresses of the records that a plan changes or holds back."""
    document = json.loads(project.fine("plan", "--json", *args, code=code))
    return {one["address"] for name in ("resource_changes", "held_back") for one in document[name]}


@pytest.fixture
def shop(project: Project) -> Project:
    """Return a project with three orders and a cart, of which nothing was applied."""
    project.write(ORDERS)
    return project


@pytest.mark.parametrize(
    ("options", "units"),
    [
        (["--select", "order/SHOP-5*"], {"order/SHOP-51", "order/SHOP-52"}),
        (["--select", "order/shop-?1"], {"order/SHOP-51", "order/Shop-61"}),
        (["--select", "order/SHOP-61"], {"order/Shop-61"}),
        (["--select", "order/SHOP-52", "--select", "cart"], {"order/SHOP-52", "cart/SHOP-5"}),
        (["--select", "line_item/*mug"], {"order/SHOP-51"}),
        (["--select", "line_item"], {"order/SHOP-51"}),
        (["--exclude", "order"], {"cart/SHOP-5"}),
        (
            ["--exclude", "line_item/SHOP-51:mug", "--select", "order"],
            {"order/SHOP-52", "order/Shop-61"},
        ),
        (
            ["--exclude", "cart/NOT-YET-*"],
            {"order/SHOP-51", "order/SHOP-52", "order/Shop-61", "cart/SHOP-5"},
        ),
    ],
)
def test_addresses_and_kinds_select_whole_orders_and_carts(
    shop: Project, options: list[str], units: set[str]
) -> None:
    """An address is compared as keys are, and that of a line item stands for its order."""
    found = planned(shop, *options)
    assert {one for one in found if not one.startswith("line_item/")} == units
    assert ("line_item/SHOP-51:mug" in found) == ("order/SHOP-51" in units)


def test_brackets_in_a_selector_stand_for_themselves(shop: Project) -> None:
    """Keys may contain them."""
    shop.write("kind: order\nkey: A [1]\n---\nkind: order\nkey: A 1\n")
    assert planned(shop, "--select", "order/a [1]*") == {"order/A [1]"}


def test_a_plan_says_first_that_it_is_a_selection(shop: Project) -> None:
    """So do the saved plan, Markdown and JSON; without a selection none does."""
    options = ("--select", "order/SHOP-5*", "--exclude", "order/SHOP-52")
    shown = shop.fine("plan", *options, "--out", "p")
    head = "Selection: --select 'order/SHOP-5*' --exclude order/SHOP-52\n"
    head += "  1 order or cart is selected, 3 are left out\n"
    assert shown.partition("\n")[2].startswith(head)
    assert head in shop.fine("show", "p")
    markdown = shop.fine("show", "p", "--format", "markdown")
    assert "Selection: `--select 'order/SHOP-5*' --exclude order/SHOP-52`: 1 order" in markdown
    said = {
        "select": ["order/SHOP-5*"],
        "exclude": ["order/SHOP-52"],
        "units": 1,
        "left_out": 3,
    }
    assert json.loads(shop.fine("show", "p", "--format", "json"))["selection"] == said
    assert json.loads(shop.fine("plan", "--json", *options))["selection"] == said
    assert "Selection" not in shop.fine("plan")
    assert "selection" not in json.loads(shop.fine("plan", "--json"))


def test_a_selection_alters_no_digest(shop: Project) -> None:
    """A plan of one order is the same whether it was selected or is all there is left to do."""
    shop.fine("plan", "--exclude", "order/SHOP-52", "--out", "p")
    shop.fine("apply", "p")
    whole, part = (
        json.loads(shop.fine("plan", "--json", *options))["content_digest"]
        for options in ((), ("--select", "order/SHOP-52"))
    )
    assert whole == part


def test_a_saved_selection_applies_what_it_shows(shop: Project) -> None:
    """What it leaves out is untouched, and may be edited before the apply."""
    shop.fine("plan", "--select", "order/SHOP-5*", "--out", "p")
    shop.write(ORDERS.replace("Sixty-one", "Sixty-two"))
    assert "2 orders, 1 line item created" in shop.fine("apply", "p")
    assert (shop.account.count("orders"), shop.account.count("carts")) == (2, 0)
    assert planned(shop) == {"order/Shop-61", "cart/SHOP-5"}


def test_what_was_selected_and_edited_since_is_stale(shop: Project) -> None:
    """As for any saved plan."""
    shop.fine("plan", "--select", "order/SHOP-5*", "--out", "p")
    shop.write(ORDERS.replace("Fifty-two", "Fifty-three"))
    shop.fine("apply", "p", code=5)
    assert shop.account.count("orders") == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--select", "order/SHPO-51"], "matches no record; did you mean 'order/SHOP-51'?"),
        (["--select", "order/SHPO-5*"], "matches no record; did you mean 'order/SHOP-52'?"),
        (["--select", "order", "--select", "cart/X*"], "'cart/X*' matches no record"),
        (["--exclude", "order/SHOP-5"], "matches no record"),
        (["--select", "cart", "--exclude", "cart"], "nothing is selected: --exclude leaves out"),
        (["--select", "odrer"], "'odrer' is not a kind; did you mean 'order'?"),
        (["--select", "orders/SHOP-51"], "'orders' is not a kind; did you mean 'order'?"),
        (["--select", "order/"], "'order/' is not an address"),
        (["--select", "change:main"], "'change:main' is not a kind"),
        (["--select", "SHOP-51"], "'SHOP-51' is not a kind"),
        (["--select", "contact/ana"], "'contact' is not a kind"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "drift"])
def test_a_selector_that_matches_nothing_is_an_error(
    shop: Project, command: str, options: list[str], says: str
) -> None:
    """A typo must not plan less than was meant, and in --exclude not more."""
    said = shop.refused(command, *options)
    assert says in said
    assert "hint: " in said


def test_problems_of_manifests_come_before_a_selection_without_a_match(shop: Project) -> None:
    """What is selected may be in the document that cannot be read."""
    shop.write("kind: order\nkey: SHOP-70\nproperty: {}\n", "manifests/more.yaml")
    said = shop.refused("plan", "--select", "order/SHOP-70")
    assert "manifests/more.yaml:3:1" in said
    assert "matches no record" not in said


def test_pruning_stays_within_the_selection(shop: Project) -> None:
    """What is undeclared elsewhere is neither archived nor named."""
    shop.fine("apply", "--auto-approve")
    shop.write("kind: order\nkey: SHOP-52\nproperties: {hs_order_name: Fifty-two}\n")
    assert planned(shop, "--prune") == {
        "order/SHOP-51",
        "line_item/SHOP-51:mug",
        "order/Shop-61",
        "cart/SHOP-5",
    }
    options = ("--select", "order/SHOP-5*", "--prune")
    shown = shop.fine("plan", *options)
    assert "cart/SHOP-5" not in shown
    assert "Shop-61" not in shown
    hint = "--select 'order/SHOP-5*' --prune --allow prune=2"
    assert hint in shown
    shop.fine("plan", *options, "--allow", "prune=2", "--out", "p")
    assert "1 order, 1 line item archived" in shop.fine("apply", "p")
    assert shop.account.count("orders") == 2
    assert "No longer declared (left alone): order/Shop-61, cart/SHOP-5" in shop.fine("plan")
    assert planned(shop, "--select", "cart", "--prune") == {"cart/SHOP-5"}


def test_undeclared_records_are_named_where_they_are_selected(shop: Project) -> None:
    """A selector may match what only the state knows, also line items of declared orders."""
    shop.fine("apply", "--auto-approve")
    shop.write(
        ORDERS.replace(
            "line_items:\n  - key: SHOP-51:mug\n    properties: {name: Mug, quantity: 2}\n", ""
        ).replace("key: SHOP-5\n", "key: SHOP-6\n")
    )
    shown = shop.fine("plan", "--select", "cart/SHOP-5")
    assert "  0 orders and carts are selected, 4 are left out\n" in shown
    assert "No longer declared (left alone): cart/SHOP-5\n" in shown
    assert "Nothing is selected." in shown
    shown = shop.fine("plan", "--select", "line_item/SHOP-51:mug")
    assert "No longer declared (left alone): line_item/SHOP-51:mug\n" in shown
    assert "  1 order or cart is selected, 3 are left out\n" in shown
    assert planned(shop, "--select", "line_item", "--prune") == {"line_item/SHOP-51:mug"}
    assert "No longer declared" not in shop.fine("plan", "--select", "order/Shop-61")


def test_prune_and_paths_do_not_go_together_with_a_selection_either(shop: Project) -> None:
    """What PATHS leave out is not undeclared."""
    said = shop.refused("plan", "--prune", "--select", "order", "manifests")
    assert "--prune cannot be combined with PATHS" in said


@pytest.mark.parametrize("left_out", [["--select", "order/SHOP-52"], ["manifests/more.yaml"]])
def test_what_is_recreated_must_be_planned(shop: Project, left_out: list[str]) -> None:
    """Else the plan would be without what was asked for, and say nothing of it."""
    shop.write("kind: order\nkey: SHOP-53\n", "manifests/more.yaml")
    said = shop.refused("plan", *left_out, "--recreate", "order/SHOP-51")
    assert "this plan leaves out order/SHOP-51, which --recreate names" in said
    said = shop.refused("plan", *left_out, "--recreate", "order/SHOP-99")
    assert "no manifest declares order/SHOP-99" in said


def test_paths_and_selectors_narrow_each_other(shop: Project) -> None:
    """A selector matches among what PATHS declare."""
    shop.write("kind: order\nkey: SHOP-53\n", "manifests/more.yaml")
    assert planned(shop, "manifests/more.yaml", "--select", "order/SHOP-5*") == {"order/SHOP-53"}
    assert "matches no record" in shop.refused("plan", "manifests/more.yaml", "--select", "cart")


def test_drift_is_reported_of_the_selection(shop: Project) -> None:
    """The report says what it is limited to, in every format."""
    options = ("--select", "order/SHOP-51", "--no-sources")
    assert shop.fine("drift", *options).splitlines()[1:3] == [
        "Selection: --select order/SHOP-51",
        "  1 order or cart is selected, 3 are left out",
    ]
    document = json.loads(shop.fine("drift", *options, "--format", "json"))
    assert document["selection"]["units"] == 1
    markdown = shop.fine("drift", *options, "--format", "markdown")
    assert "Selection: `--select order/SHOP-51`: 1 order or cart is selected" in markdown


def test_a_selector_cannot_inject_markup_or_escapes(shop: Project) -> None:
    """It is shown as code, with control characters escaped."""
    options = ("--exclude", "order/*`<b>\x1b[31m@ana*")
    shown = shop.fine("plan", *options, "--out", "p")
    assert "\x1b" not in shown
    markdown = shop.fine("show", "p", "--format", "markdown")
    assert "\x1b" not in markdown
    assert "Selection: ``--exclude 'order/*`<b>" in markdown


def test_orders_between_which_a_line_item_moves_go_together(shop: Project) -> None:
    """Selecting one selects both, and leaving out one leaves out both: a move has two sides."""
    shop.fine("apply", "--auto-approve")
    line = "line_items:\n  - key: SHOP-51:mug\n    properties: {name: Mug, quantity: 2}\n"
    moved = ORDERS.replace(line, "").replace("Fifty-two}\n", f"Fifty-two}}\n{line}")
    shop.write(moved.replace("Sixty-one", "One and sixty"))
    for name in ("SHOP-51", "SHOP-52"):
        shown = shop.fine("plan", "--select", f"order/{name}")
        assert "  2 orders and carts are selected, 2 are left out\n" in shown
        assert "# moved: it was in order/SHOP-51\n" in shown
        assert planned(shop, "--exclude", f"order/{name}") == {"order/Shop-61"}


def test_a_report_speaks_of_the_selection_only(shop: Project) -> None:
    """Another plan of everything is not empty."""
    shop.fine("plan", "--select", "cart", "--out", "p")
    said = shop.fine("apply", "p")
    assert "Verified: a new plan of the same selection is empty." in said
    assert "Verified: a new plan is empty." in shop.fine("apply", "--auto-approve")


@pytest.mark.parametrize("some", [("--select", "order/R"), ("manifests/refers.yaml",)])
def test_a_reference_to_what_is_not_planned_and_not_there_is_left_out(
    shop: Project, some: tuple[str, ...]
) -> None:
    """The plan says so, and does the rest; once the record exists, it is associated."""
    refers = "kind: order\nkey: R\nproperties: {hs_order_name: Refers}\n"
    refers += "associations: {cart: [{key: SHOP-5}]}\n"
    shop.write(refers, "manifests/refers.yaml")
    shown = shop.fine("plan", *some, "--out", "p")
    why = "cannot be associated with cart/SHOP-5, which does not exist yet, and which this plan "
    why += "does not create"
    assert why in shown
    assert "hint: plan that record too, or plan again once it exists" in shown
    assert "& cart" not in shown
    assert "Apply complete: 1 order created." in shop.fine("apply", "p")
    again = shop.fine("plan", *some)
    assert "! order/R" in again
    assert why in again
    assert "& cart key=SHOP-5" in shop.fine("plan", "--select", "order/R", "--select", "cart")
    shop.fine("plan", "--exclude", "order/R", "--out", "p")
    shop.fine("apply", "p")
    shop.fine("plan", *some, "--out", "p")
    assert "Apply complete: 1 order associated." in shop.fine("apply", "p")
    assert "No changes." in shop.fine("plan")
