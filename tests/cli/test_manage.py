"""`manage` on the command line: problems with their places, and what `init` proposes."""

import httpx
import pytest

from reconcile.project import UPDATES_ONLY
from tests.cli.conftest import PROJECT, SHOP, Project

NARROW = PROJECT + "    manage: {order: [hs_order_name], create: true}\n"


def test_validate_names_each_place(reader: Project) -> None:
    """It asks no account; a default is reported once for all records that have it."""
    reader.settings(NARROW)
    reader.write("kind: defaults\norder: {properties: {memo: x}}\n", "manifests/defaults.yaml")
    reader.write("".join(f"---\nkind: order\nkey: B-{n}\n" for n in range(9)))
    reader.account.server.clear_requests()
    err = reader.refused("validate")
    assert "error: 1 problem in the manifests" in err
    assert "manifests/defaults.yaml:2:28: memo of orders may not be written: `manage`" in err
    assert "hint: add memo to order in `manage` of the target" in err
    assert reader.account.server.requests() == []


def test_many_records_of_a_kind_that_is_not_named_are_grouped(reader: Project) -> None:
    """The message is the same for each, so that five places stand for a hundred."""
    reader.settings(NARROW)
    reader.write("".join(f"---\nkind: cart\nkey: C-{n}\n" for n in range(100)))
    err = reader.refused("plan")
    assert err.count("carts may not be written: `manage` does not name them") <= 6
    assert "100 problems" in err


def test_each_target_has_its_own(reader: Project) -> None:
    """The same manifests may be written whole in one account, and in part in another."""
    reader.settings(NARROW + "  wide:\n    url: {url}\n    token: ${env:SHOP_TOKEN}\n")
    assert "may not be written" in reader.refused("validate", "--target", "shop")
    assert "valid" in reader.fine("validate", "--target", "wide")


def test_a_saved_plan_is_stale_when_manage_forbids_it(project: Project) -> None:
    """Exit code 6, with what is forbidden; nothing of it is written."""
    project.fine("plan", "--out", "saved.plan")
    project.settings(PROJECT + "    manage: {order: all, line_item: all, create: true}\n")
    project.write(SHOP.partition("---")[0])
    err = project.refused("apply", "saved.plan", code=6)
    assert "does not allow this plan: it changes carts" in err
    assert "hint: plan again" in err


def test_manage_is_part_of_the_content_digest(reader: Project) -> None:
    """A review is of what was allowed, too."""

    def digest() -> str:
        return reader.run("plan").err.partition("Content digest: ")[2].split()[0]

    wide = digest()
    reader.settings(PROJECT + "    manage: {order: all, cart: all, line_item: all, create: true}\n")
    assert digest() != wide


@pytest.mark.parametrize("settings", ["", "    manage: {order: all}\n"])
def test_init_proposes_updates_only_where_records_are(project: Project, settings: str) -> None:
    """Once there are orders, and unless the target says already what may be written."""
    assert UPDATES_ONLY not in project.fine("init", "--auto-approve")
    project.fine("apply", "--auto-approve")
    project.settings(PROJECT + settings)
    before = (project.folder / "reconcile.yaml").read_bytes()
    clock = f"{project.account.url}/_sandbox/clock"  # a new record is found after some seconds
    token = {"Authorization": f"Bearer {project.account.token}"}
    httpx.post(clock, headers=token, json={"advance": "60"}, trust_env=False).raise_for_status()
    out = project.fine("init", "--auto-approve")
    assert (UPDATES_ONLY in out) is (not settings)
    assert ("holds records already" in out) is (not settings)
    assert (project.folder / "reconcile.yaml").read_bytes() == before
    project.settings(f"{PROJECT}    {UPDATES_ONLY}\n")
    assert "No changes" in project.fine("plan")
