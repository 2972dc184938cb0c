"""`pull --drift` and `pull ADDRESS`: HubSpot's values go into the manifests that declare them."""

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconcile.stores.contract import LockInfo
from reconcile.stores.local import LocalStore
from tests.cli.conftest import PROJECT, SHOP, Account, Project, Relay

LINE = "  - key: A-1:mug\n    properties: {name: Mug, quantity: 2, price: 10.00}\n"
DEFAULTS = """\
kind: defaults
order:
  properties:
    hs_tags: ours
"""


class Shop:
    """A project that was applied, and the people who work in its account."""

    def __init__(self, project: Project, account: Account) -> None:
        self.project = project
        headers = {"Authorization": f"Bearer {account.token}"}
        self.http = httpx.Client(base_url=account.url, headers=headers, trust_env=False)

    def edit(self, key: str, object_: str = "orders", **properties: str) -> None:
        """Somebody edits a record in HubSpot."""
        path = f"/crm/v3/objects/{object_}/{key}?idProperty=reconcile_key"
        self.http.patch(path, json={"properties": properties}).raise_for_status()

    def value(self, key: str, name: str) -> str:
        """Return what HubSpot has."""
        path = f"/crm/v3/objects/orders/{key}?idProperty=reconcile_key&properties={name}"
        return str(self.http.get(path).raise_for_status().json()["properties"][name] or "")

    def stage(self, label: str) -> str:
        """Return the id of a stage."""
        pipelines = self.http.get("/crm/v3/pipelines/orders").json()["results"]
        return next(
            str(stage["id"])
            for one in pipelines
            for stage in one["stages"]
            if stage["label"] == label
        )

    def text(self, name: str = "manifests/shop.yaml") -> str:
        """Return a file of the project, with its line ends."""
        return (self.project.folder / name).read_bytes().decode()

    def drift(self) -> dict[str, list[str]]:
        """Return what a plan leaves alone: properties by address."""
        plan = json.loads(self.project.fine("plan", "--json"))
        return {one["address"]: sorted(_changed(one)) for one in plan["resource_drift"]}


def _changed(one: Any) -> list[str]:
    before, after = one["change"]["before"], one["change"]["after"]
    return [name for name in after if before.get(name) != after[name]]


@pytest.fixture
def shop(project: Project) -> Iterator[Shop]:
    """A project that was applied once."""
    project.fine("apply", "--auto-approve")
    found = Shop(project, project.account)
    yield found
    found.http.close()


def test_drift_of_the_selection_is_accepted(shop: Shop) -> None:
    """The rest stays drift, also in the same file."""
    shop.edit("A-1", hs_shipping_address_city="Braga")
    shop.edit("C-1", "carts", hs_cart_name="Theirs")
    hint = (
        "hint: to accept it into the manifests: `reconcile pull --drift`, with the same selection"
    )
    assert hint in shop.project.fine("plan", "--select", "cart")
    said = shop.project.fine("pull", "--drift", "--select", "cart")
    assert said.startswith("1 order or cart is selected, 1 is left out.\nWrote 1 value of 1 record")
    assert shop.text() == SHOP.replace("A cart", "Theirs")
    assert shop.drift() == {"order/A-1": ["hs_shipping_address_city"]}


def test_drift_is_accepted_into_the_documents(shop: Shop) -> None:
    """Values with labels, a cleared one too; nothing else in the file changes, and nothing left."""
    shop.edit("A-1", hs_pipeline_stage=shop.stage("Shipped"), hs_shipping_address_city="")
    shop.edit("A-1:mug", "line_items", quantity="3")
    said = shop.project.fine("pull", "--drift")
    assert "Wrote 3 values of 2 records into manifests/shop.yaml.\nNext: reconcile plan" in said
    assert shop.text() == SHOP.replace("stage: Open", "stage: Shipped").replace(
        "city: Porto", 'city: ""'
    ).replace("quantity: 2", "quantity: 3")
    shown = shop.project.fine("plan")
    assert "Left alone" not in shown
    assert "order/A-1" not in shown
    assert "2 records: only what reconcile remembers of them changes\n" in shown
    assert "No changes. 3 records are as declared." in shown
    shop.project.fine("apply", "--auto-approve")
    assert "reconcile remembers" not in shop.project.fine("plan")
    assert "No changes. 3 records are as declared." in shop.project.fine("plan")
    before = shop.project.files()
    assert "Nothing to pull: nobody changed a declared value" in shop.project.fine(
        "pull", "--drift"
    )
    assert shop.project.files() == before


def test_after_accepting_nothing_waits_for_approval(shop: Shop) -> None:
    """The state's entry alone changes: exit code 0, no listed change, and apply does not ask."""
    shop.edit("A-1", hs_shipping_address_city="Braga")
    shop.project.fine("pull", "--drift")
    assert "Applying this takes" not in shop.project.run("plan", "--detailed-exitcode").err
    assert shop.project.run("plan", "--detailed-exitcode").code == 0
    found = json.loads(shop.project.fine("plan", "--json"))
    assert found["resource_changes"] == []
    assert found["summary"]["unchanged"] == 3
    assert found["summary"]["remembered"] == 1
    assert "adopt" not in found["summary"]
    shop.project.fine("plan", "--out", "p")
    for form in ("terminal", "markdown"):
        assert "1 record: only what reconcile remembers of it changes" in shop.project.fine(
            "show", "p", "--format", form
        )
    said = shop.project.fine("apply")
    assert "No changes. 3 records are as declared." in said
    assert "(taken over" not in shop.project.fine("state", "show", "order/A-1")
    assert "reconcile remembers" not in shop.project.fine("plan")


def test_a_saved_plan_says_that_entries_are_renewed(shop: Shop) -> None:
    """In the report, which names no adoption."""
    shop.edit("A-1", hs_shipping_address_city="Braga")
    shop.project.fine("pull", "--drift")
    shop.project.fine("plan", "--out", "p")
    said = shop.project.fine("apply", "p")
    assert "Apply complete: entries of 1 order in the state renewed." in said
    assert "adopted" not in said


def test_what_was_accepted_and_edited_again_is_drift(shop: Shop) -> None:
    """Before an apply and after it, whether to a new value or back to what was applied."""
    for value, again in (("Braga", "Faro"), ("Lagos", "Porto")):
        shop.edit("A-1", hs_shipping_address_city=value)
        shop.project.fine("pull", "--drift")
        assert f"city: {value}\n" in shop.text()
        shop.edit("A-1", hs_shipping_address_city=again)
        for _ in range(2):
            assert shop.drift() == {"order/A-1": ["hs_shipping_address_city"]}
            shop.project.fine("apply", "--auto-approve")
            assert shop.value("A-1", "hs_shipping_address_city") == again
        assert shop.drift() == {"order/A-1": ["hs_shipping_address_city"]}


def test_a_manifest_without_the_accepted_value_is_planned_as_before(shop: Shop) -> None:
    """What was pulled on a branch that is never merged changes nothing for the others."""
    shop.edit("A-1", hs_shipping_address_city="Braga")
    before = shop.project.fine("plan", "--json")
    shop.project.fine("pull", "--drift")
    shop.project.write(SHOP)
    assert shop.project.fine("plan", "--json") == before
    shop.project.fine("apply", "--auto-approve")
    assert shop.value("A-1", "hs_shipping_address_city") == "Braga"
    assert shop.project.fine("plan", "--json") == before


def test_a_plan_from_before_is_applied_as_it_was(shop: Shop) -> None:
    """Accepting values changes nothing that a plan of another manifest was made from."""
    shop.edit("A-1", hs_shipping_address_city="Braga")
    changed = SHOP.replace("hs_order_name: First order", "hs_order_name: Other")
    shop.project.write(changed)
    shop.project.fine("plan", "--out", "plan")
    shop.project.fine("pull", "--drift")
    shop.project.write(changed)
    shop.project.fine("apply", "plan")
    assert shop.value("A-1", "hs_order_name") == "Other"
    shop.project.write(changed.replace("Porto", "Braga"))
    shop.edit("A-1", hs_shipping_address_city="Faro")
    assert shop.drift() == {"order/A-1": ["hs_shipping_address_city"]}


def test_a_dry_run_shows_the_changed_lines(shop: Shop) -> None:
    """Without personal data in CI, and nothing is written."""
    shop.edit("A-1", hs_shipping_address_city="Braga")
    before = shop.project.files()
    shown = shop.project.run("pull", "--drift", "--dry-run")
    assert shown.code == 0
    assert "manifests/shop.yaml:8\n  -   hs_shipping_address_city: Porto\n" in shown.out
    assert "  +   hs_shipping_address_city: Braga\n" in shown.out
    assert "Would write 1 value of 1 record into manifests/shop.yaml." in shown.out
    assert shown.err.endswith("Nothing was written.\n")
    shop.project.env(CI="1")
    masked = shop.project.fine("pull", "--drift", "--dry-run", "--target", "shop")
    assert "manifests/shop.yaml:8" in masked
    assert "Braga" not in masked
    assert shop.project.files() == before


def test_an_address_takes_all_that_differs_of_this_record(shop: Shop) -> None:
    """What both sides changed too, what git changed, and of no other record."""
    shop.project.write(
        SHOP.replace("Porto", "Lagos").replace("First order", "Mine").replace("2,", "5,")
    )
    shop.edit("A-1", hs_shipping_address_city="Braga", hs_total_price="21.5")
    shop.edit("A-1:mug", "line_items", quantity="3")
    held = shop.project.fine("plan")
    assert "Held back: 2 declared changes" in held
    shop.project.fine("pull", "order/a-1")
    wanted = SHOP.replace("Porto", "Braga").replace("20.00", "21.5").replace("2,", "5,")
    assert shop.text() == wanted
    shop.project.fine("pull", "line_item/A-1:mug")
    assert shop.text() == wanted.replace("5,", "3,")
    assert "Held back" not in shop.project.fine("plan")
    shop.project.fine("apply", "--auto-approve")
    assert "Nothing to pull: HubSpot has the declared values." in shop.project.fine(
        "pull", "order/A-1", "cart/C-1"
    )


def test_wildcards_take_what_has_values(shop: Shop) -> None:
    """What a plan holds back names the command; an order that is not there yet is passed over."""
    order = SHOP.split("---\n")[0]
    texts = [
        order,
        order.replace("A-1", "A-2").replace("A-1:", "A-2:"),
        order.replace("A-1", "B-1"),
    ]
    shop.project.write("---\n".join(texts[:2]))
    shop.project.fine("apply", "--auto-approve")
    edited = [text.replace("Porto", "Lagos") for text in texts]
    shop.project.write("---\n".join(edited))
    for key in ("A-1", "A-2"):
        shop.edit(key, hs_shipping_address_city="Braga")
    said = shop.project.fine("plan")
    assert "hint: to keep what HubSpot has: `reconcile pull order/A-1 …`" in said
    assert "no manifest declares a record like 'order/Z*'" in shop.project.refused(
        "pull", "order/Z*"
    )
    assert "Wrote 2 values of 2 records" in shop.project.fine("pull", "order/?-*")
    taken = [text.replace("Porto", "Braga") for text in texts[:2]]
    assert shop.text() == "---\n".join([*taken, edited[2]])
    assert "Held back" not in shop.project.fine("plan")


def test_a_value_from_defaults_is_written_into_the_document(shop: Shop) -> None:
    """The defaults stay, and so does a document that agrees with them."""
    other = SHOP.split("---\n")[0].replace("A-1", "A-2").replace("Porto", "Porto  # here")
    shop.project.write(DEFAULTS, "manifests/defaults.yaml")
    shop.project.write(other, "manifests/other.yaml")
    shop.project.write("kind: order\nkey: A-3  # bare\n", "manifests/bare.yaml")
    shop.project.fine("apply", "--auto-approve")
    shop.edit("A-1", hs_tags="theirs")
    shop.edit("A-3", hs_tags="a, b: #c")
    shop.project.fine("pull", "--drift")
    assert shop.text("manifests/defaults.yaml") == DEFAULTS
    assert shop.text("manifests/other.yaml") == other
    assert shop.text() == SHOP.replace("city: Porto\n", "city: Porto\n  hs_tags: theirs\n")
    assert shop.text("manifests/bare.yaml") == (
        'kind: order\nkey: A-3  # bare\nproperties: {hs_tags: "a, b: #c"}\n'
    )
    shop.project.fine("apply", "--auto-approve")
    assert "No changes" in shop.project.fine("plan")


def test_only_the_files_that_are_named_are_edited(shop: Shop) -> None:
    """Drift of what others declare stays."""
    shop.project.write(
        "kind: cart\nkey: C-2\nproperties: {hs_cart_name: Two}\n", "manifests/two.yaml"
    )
    shop.project.fine("apply", "--auto-approve")
    shop.edit("A-1", hs_order_name="Theirs")
    shop.edit("C-2", "carts", hs_cart_name="Theirs")
    shop.project.fine("pull", "--drift", "manifests/two.yaml")
    assert shop.text() == SHOP
    assert shop.text("manifests/two.yaml").endswith("{hs_cart_name: Theirs}\n")


def test_what_cannot_be_edited_is_left_out_of_drift_and_named(shop: Shop) -> None:
    """The record as a whole; others are written, and only these are remembered as accepted."""
    text = SHOP.replace("Porto", "|-\n    Porto").replace("A cart", "!!str A cart")
    shop.project.write(text)
    shop.edit("A-1", hs_shipping_address_city="Braga", hs_order_name="Theirs")
    shop.edit("A-1:mug", "line_items", name="Cup")
    shop.edit("C-1", "carts", hs_cart_name="Theirs")
    shop.project.env(CI="1")
    masked = shop.project.run("pull", "--drift", "--dry-run", "--target", "shop")
    assert masked.code == 5
    assert "Would write 1 value of 1 record into manifests/shop.yaml." in masked.out
    assert "manifests/shop.yaml:8:29: a block of lines (|) is not edited" in masked.err
    assert "Braga" not in masked.out + masked.err
    shop.project.env(CI="")
    said = shop.project.run("pull", "--drift")
    assert said.code == 5
    assert shop.text() == text.replace("name: Mug", "name: Cup")
    assert "Wrote 1 value of 1 record into manifests/shop.yaml." in said.out
    assert said.err.startswith(
        "warning: 2 records are left out: their values cannot all be written into the manifests\n"
        "manifests/shop.yaml:8:29: a block of lines (|) is not edited\n"
    )
    assert "a value with a tag (!) is not edited" in said.err
    assert "properties.hs_shipping_address_city must be 'Braga'" in said.err
    assert "(taken over" in shop.project.fine("state", "show", "line_item/A-1:mug")
    assert "(taken over" not in shop.project.fine("state", "show", "order/A-1")
    assert shop.drift() == {
        "order/A-1": ["hs_order_name", "hs_shipping_address_city"],
        "cart/C-1": ["hs_cart_name"],
    }
    said = shop.project.run("pull", "--drift")
    assert said.code == 5
    assert "Nothing to write: every record with other values in HubSpot is left out." in said.out


def test_what_no_manifest_can_hold_is_left_out_of_drift(shop: Shop) -> None:
    """It is not asked for by hand, and keeps nothing else from being accepted."""
    shop.edit("A-1", hs_shipping_address_city="a\r\nb")
    shop.edit("C-1", "carts", hs_cart_name="Theirs")
    said = shop.project.run("pull", "--drift")
    assert said.code == 5
    assert shop.text() == SHOP.replace("A cart", "Theirs")
    assert "manifests/shop.yaml:8:29: the new text cannot be in a manifest: " in said.err
    assert "by hand" not in said.err
    assert "hint: change it where it comes from, or keep what the manifest has" in said.err


def test_line_items_that_could_not_be_told_apart_are_left_out(project: Project) -> None:
    """Somebody made their SKUs equal; the project stays one that can be planned."""
    project.settings(PROJECT + "    identity: {line_item: within_parent:hs_sku}\n")
    text = (
        "kind: order\nkey: W\nproperties: {hs_order_name: Mine}\nline_items:\n"
        "  - {key: x, properties: {hs_sku: X}}\n  - {key: y, properties: {hs_sku: Y}}\n"
    )
    project.write(text)
    project.fine("apply", "--auto-approve")
    shop = Shop(project, project.account)
    with shop.http:
        found = shop.http.get("/crm/v3/objects/line_items?properties=hs_sku").json()["results"]
        (id_,) = (one["id"] for one in found if one["properties"]["hs_sku"] == "X")
        path = f"/crm/v3/objects/line_items/{id_}"
        shop.http.patch(path, json={"properties": {"hs_sku": "Y"}}).raise_for_status()
        shop.edit("W", hs_order_name="Theirs")
    said = project.run("pull", "--drift")
    assert said.code == 5
    assert shop.text() == text.replace("Mine", "Theirs")
    assert "manifests/shop.yaml:5:35: hs_sku identifies line items here, and is" in said.err
    project.fine("plan")
    assert "1 problem in the edit" in project.refused("pull", "line_item/x")


def test_an_address_takes_all_or_nothing(shop: Shop) -> None:
    """All edits that are refused are named; also what could be edited stays, and the state."""
    text = SHOP.replace("Porto", "|-\n    Porto").replace("A cart", "!!str A cart")
    shop.project.write(text)
    shop.edit("A-1", hs_shipping_address_city="Braga", hs_order_name="Theirs")
    shop.edit("C-1", "carts", hs_cart_name="Theirs")
    pull = ("pull", "order/A-1", "cart/C-1")
    said = shop.project.refused(*pull)
    assert "2 problems in the edit" in said
    assert "manifests/shop.yaml:8:29: a block of lines (|) is not edited" in said
    assert "a value with a tag (!) is not edited" in said
    assert "hint: nothing was written" in said
    assert "properties.hs_shipping_address_city must be 'Braga'" in said
    shop.project.env(CI="1")
    masked = shop.project.refused(*pull, "--target", "shop")
    assert "manifests/shop.yaml:8:29: a block of lines (|) is not edited" in masked
    assert "Braga" not in masked


def test_what_has_no_values_to_take_is_a_problem_with_its_place(shop: Shop) -> None:
    """An order in conflict, one that is not there yet, and one that is declared absent."""
    new = SHOP.split("---\n")[0].replace("A-1", "A-2")
    absent = "kind: cart\nkey: C-1\nlifecycle: {state: absent}\n"
    bad = "kind: order\nkey: A-9\nproperties: {hs_pipeline_stage: Nowhere}\n"
    shop.project.write("---\n".join([SHOP.split("---\n")[0], new, absent, bad]))
    said = shop.project.refused("pull", "order/A-1", "order/A-2", "cart/C-1", "order/A-9")
    assert "3 problems in the records to pull" in said
    assert "order/A-2: HubSpot does not have it yet" in said
    assert "cart/C-1: it is declared absent" in said
    assert "order/A-9 is in conflict: " in said
    said = shop.project.refused("pull", "order/A-11")
    assert "no manifest declares 'order/a-11'; did you mean 'order/A-1'?" in said


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "say what to pull"),
        (("orders", "order/A-1"), "orders cannot be combined with addresses"),
        (("orders", "carts"), "orders cannot be combined with others"),
        (("orders", "--all", "--dry-run"), "--dry-run goes only with"),
        (("order/A-1", "--all"), "--all goes only with"),
        (("--drift", "--split", "1000"), "--split goes only with"),
        (("order/A-1", "--select", "order"), "--select and --exclude go only with"),
        (("orders", "--all", "--exclude", "cart"), "--select and --exclude go only with"),
        (("--drift", "order/A-1"), "'order/A-1' is not there"),
        (("A-1",), "is not an address"),
        (("deal/A-1",), "does not name a known kind"),
    ],
)
def test_words_that_do_not_go_together_are_refused(
    project: Project, args: tuple[str, ...], message: str
) -> None:
    """Before anything is read."""
    assert message in project.refused("pull", *args)
    assert project.account.server.requests() == []


@contextmanager
def held(store: LocalStore) -> Iterator[None]:
    """Hold a store's lock in another thread."""
    ready, end = threading.Event(), threading.Event()

    def hold() -> None:
        with store.lock(LockInfo("ana@mill", "2026-01-02T03:04:05+00:00", "apply")):
            ready.set()
            end.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    ready.wait(60)
    try:
        yield
    finally:
        end.set()
        thread.join()


def test_while_another_run_holds_the_lock_nothing_is_written(shop: Shop) -> None:
    """Neither files nor state; a dry run needs no lock."""
    shop.edit("A-1", hs_order_name="Theirs")
    with held(LocalStore(shop.project.folder / "state" / "shop")):
        assert "ana@mill" in shop.project.refused("pull", "--drift", code=4)
        assert "Theirs" in shop.project.fine("pull", "--drift", "--dry-run")


@pytest.mark.parametrize("happens", ["an edit", "an apply"])
def test_what_happens_while_hubspot_is_read_stops_it(shop: Shop, happens: str) -> None:
    """Somebody edits the file, or a run writes the state: then nothing is written."""
    shop.edit("A-1", hs_order_name="Theirs")
    project = shop.project
    with Relay(project.account, "/batch/read") as relay:
        project.settings(PROJECT.replace("{url}", relay.url))
        process = project.process("pull", "--drift")
        assert relay.held.wait(20)
        if happens == "an edit":
            project.write(SHOP.replace("Porto", "Faro"))
        else:
            project.fine("state", "rm", "cart/C-1", "--auto-approve")
        before = written(project)
        relay.release()
        done = project.end(process)
    assert done.code == (1 if happens == "an edit" else 6)
    expected = (
        "shop.yaml was changed meanwhile" if happens == "an edit" else "the state was written"
    )
    assert expected in done.err
    assert "hint: run the command again" in done.err
    assert written(project) == before


def written(project: Project) -> dict[str, bytes]:
    """Every file of the project but for the one that says who held the lock."""
    return {name: data for name, data in project.files().items() if "lock-holder" not in name}


def test_a_state_that_cannot_be_written_is_said(shop: Shop) -> None:
    """The files are edited all the same; a later edit is then shown as one of both sides."""
    shop.edit("A-1", hs_order_name="Theirs")
    lock = shop.project.folder / "state" / "shop" / "write-lock"
    elsewhere = Path(shutil.move(lock, shop.project.folder / "elsewhere"))
    lock.symlink_to(elsewhere)
    said = shop.project.run("pull", "--drift")
    lock.unlink()
    assert said.code == 0
    assert "hs_order_name: Theirs" in shop.text()
    assert "Not remembered as accepted: " in said.err
    assert "symbolic link" in said.err
    assert "changed on both sides" in said.err
    shop.edit("A-1", hs_order_name="Again")
    assert "Held back: 1 declared change." in shop.project.fine("plan")


def test_without_the_key_of_the_state_nothing_is_remembered(shop: Shop) -> None:
    """It is said, and the files are edited: what an address takes need not be drift."""
    shop.edit("A-1", hs_order_name="Theirs")
    next((shop.project.folder / "state" / "shop").glob("*key*")).unlink()
    said = shop.project.run("pull", "order/A-1")
    assert said.code == 0
    assert "hs_order_name: Theirs" in shop.text()
    assert "Not remembered as accepted: the state's hashes were made with another key" in said.err


def test_files_that_are_not_to_be_replaced_are_refused(shop: Shop, tmp_path: Path) -> None:
    """A read-only one, and a link that leads out of the project; the state stays as well."""
    shop.edit("A-1", hs_order_name="Theirs")
    path = shop.project.folder / "manifests" / "shop.yaml"
    path.chmod(0o444)
    assert "manifests/shop.yaml is read-only" in shop.project.refused("pull", "--drift")
    path.chmod(0o644)
    outside = shop.project.folder.parent / "outside.yaml"
    shutil.move(path, outside)
    path.symlink_to(outside)
    assert shop.project.run("pull", "--drift").code == 1
    assert outside.read_text(encoding="utf-8") == SHOP


def test_associations_that_others_removed_are_named_and_not_taken(shop: Shop) -> None:
    """They are no value of the record."""
    order = shop.http.get("/crm/v3/objects/orders/A-1?idProperty=reconcile_key").json()["id"]
    path = f"/crm/v4/objects/orders/{order}/associations/contacts"
    (contact,) = shop.http.get(path).json()["results"]
    shop.http.delete(f"{path}/{contact['toObjectId']}").raise_for_status()
    said = shop.project.fine("pull", "--drift")
    assert "Not taken over: 1 association that others removed." in said
    assert shop.text() == SHOP


def test_the_audit_log_names_what_was_accepted(shop: Shop) -> None:
    """Who, which records and properties, and why; no values."""
    shop.edit("A-1", hs_order_name="Theirs")
    shop.project.fine("pull", "--drift", "--reason", "asked by sales")
    state = shop.project.fine("state", "show", "order/A-1")
    assert "accepted    hs_order_name (taken over, not applied since)" in state
    event = json.loads(shop.project.fine("audit", "log", "--json").splitlines()[-1])
    shown = shop.project.fine("audit", "log", "--address", "order/A-1")
    assert "accept" in shown
    assert "addresses: order/A-1" in shown
    assert "properties: order.hs_order_name" in shown
    assert "reason: asked by sales" in shown
    assert "Theirs" not in json.dumps(event)
    shop.project.fine("audit", "verify")


def test_what_is_pulled_from_an_order_that_was_never_applied_is_no_overwriting(
    project: Project,
) -> None:
    """The state has nothing to remember; the record is adopted as it is."""
    shop = Shop(project, project.account)
    properties = {"reconcile_key": "A-1", "hs_order_name": "Theirs"}
    shop.http.post("/crm/v3/objects/orders", json={"properties": properties}).raise_for_status()
    project.write("kind: order\nkey: A-1\nproperties:\n  hs_order_name: Mine\n")
    assert "Held back" in project.fine("plan")
    assert "Nothing to pull" in project.fine("pull", "--drift")
    said = project.run("pull", "order/A-1")
    assert "Not remembered" not in said.err
    assert "Plan: 1 order to adopt." in project.fine("plan")
    shop.http.close()


WHOLESALE = {
    "label": "Wholesale",
    "pipelineId": "wholesale",
    "displayOrder": 1,
    "stages": [
        {"label": label, "stageId": id_, "displayOrder": at, "metadata": {"state": "OPEN"}}
        for at, (label, id_) in enumerate([("Shipped", "w2"), ("Quoted", "w1")])
    ],
}


def test_pipelines_and_stages_are_taken_over_by_label(shop: Shop) -> None:
    """Also where only the record's pipeline says which stage is meant, and it is moved again."""
    shop.http.post("/crm/v3/pipelines/orders", json=WHOLESALE).raise_for_status()
    shop.edit("A-1", hs_pipeline="wholesale", hs_pipeline_stage="w1")
    shop.project.fine("pull", "--drift")
    assert shop.text() == SHOP.replace("Order Pipeline", "Wholesale").replace("Open", "Quoted")
    shop.edit("A-1", hs_pipeline_stage="w2")
    assert shop.drift() == {"order/A-1": ["hs_pipeline_stage"]}
    shop.project.fine("pull", "--drift")
    assert shop.text() == SHOP.replace("Order Pipeline", "Wholesale").replace("Open", "Shipped")
    former = shop.value("A-1", "hs_pipeline")
    stage = shop.stage("Open")
    pipelines = shop.http.get("/crm/v3/pipelines/orders").json()["results"]
    shop.edit("A-1", hs_pipeline=pipelines[0]["id"], hs_pipeline_stage=stage)
    assert former == "wholesale"
    assert shop.drift() == {"order/A-1": ["hs_pipeline", "hs_pipeline_stage"]}
    shop.project.fine("apply", "--auto-approve")
    assert shop.drift() == {"order/A-1": ["hs_pipeline", "hs_pipeline_stage"]}
    assert shop.value("A-1", "hs_pipeline_stage") == stage


def test_a_stage_without_a_declared_pipeline_is_taken_over_by_label(shop: Shop) -> None:
    """Another pipeline has a stage of this label too; the record's own says which it is."""
    bare = SHOP.replace("  hs_pipeline: Order Pipeline\n", "")
    shop.project.write(bare)
    shop.project.fine("apply", "--auto-approve")
    stage = shop.stage("Shipped")
    shop.http.post("/crm/v3/pipelines/orders", json=WHOLESALE).raise_for_status()
    shop.edit("A-1", hs_pipeline_stage=stage)
    shop.project.fine("pull", "--drift")
    assert shop.text() == bare.replace("Open", "Shipped")
    shop.edit("A-1", hs_pipeline="wholesale", hs_pipeline_stage="w1")
    assert shop.drift() == {"order/A-1": ["hs_pipeline_stage"]}
    assert "Held back" not in shop.project.fine("plan")
