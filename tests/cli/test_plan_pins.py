"""What a saved plan was made from has moved, or another plan was meant: what apply does then."""

import json
import re
from pathlib import Path

import httpx
import pytest
from planfiles import Line, parsed, unit_of, written

from reconcile.model.digest import canonical
from tests.cli.conftest import PROJECT, SHOP, Project

CART = "kind: cart\nkey: C-1\nproperties: {hs_cart_name: A cart}\n"
ORDER = SHOP.partition("---")[0]


def make_order(project: Project, key: str) -> str:
    """Someone makes an order in HubSpot; its id."""
    account = project.account
    answer = httpx.post(
        f"{account.url}/crm/v3/objects/orders",
        json={"properties": {"reconcile_key": key}},
        headers={"Authorization": f"Bearer {account.token}"},
        trust_env=False,
    )
    return str(answer.raise_for_status().json()["id"])


def key_of(project: Project) -> bytes:
    """The key of the state's hashes, as whoever has the state's folder can read it."""
    (file,) = project.folder.glob("state/*/key")
    return file.read_bytes()


def digest_of(project: Project, *args: str) -> str:
    """The content digest that a command prints."""
    said = project.run(*args).err
    (found,) = re.findall(r"^Content digest: ([0-9a-f]{64})$", said, re.MULTILINE)
    return str(found)


# Effect digests


def test_show_checks_the_digest_where_the_key_is(project: Project, tmp_path: Path) -> None:
    """What was altered is refused there; where the key is not known, show says so."""
    project.fine("apply", "--auto-approve")
    project.write(SHOP.replace("20.00", "21.00"))
    lines, path = edited(project)
    assert "was not checked" not in project.run("show", "p").err
    away = tmp_path / "away"
    away.mkdir()
    said = project.run("-C", str(away), "show", str(path))
    assert said.code == 0
    assert (
        "The digest was not checked against the changes: the state's key is not here." in said.err
    )
    (field,) = unit_of(lines, "A-1")["changes"][0]["fields"]
    field["after"] = "99.00"
    path.write_bytes(written(lines))
    assert "the effect digest of order/A-1 is not" in project.refused("show", "p", code=6)
    project.account.server.clear_requests()
    assert "the effect digest of order/A-1 is not" in project.run("apply", "p").err
    assert project.account.writes() == []


def test_init_makes_the_key(project: Project) -> None:
    """So the digest that is reviewed before the first apply stays the same after it."""
    project.fine("init", "--auto-approve")
    assert len(key_of(project)) == 32
    lines, _ = edited(project)
    assert lines[1]["keyed"] is True


# Manifests


def test_manifest_changed(project: Project) -> None:
    """A unit whose manifest changed since is left alone, and the others are applied."""
    project.fine("plan", "--out", "p")
    project.write(SHOP.replace("20.00", "21.00"))
    out = project.fine("apply", "p", code=5)
    assert "order/A-1  create conflict: its manifest has changed since planning" in out
    assert "1 cart created" in out
    assert (project.account.count("orders"), project.account.count("carts")) == (0, 1)
    project.write(SHOP)
    assert "1 order, 1 line item, 1 cart created (1 of them by an earlier" in project.fine(
        "apply", "p"
    )


def test_manifest_moved_to_another_file(project: Project) -> None:
    """Where a declaration stands, and its comments, are not what it says."""
    project.fine("plan", "--out", "p")
    (project.folder / "manifests" / "shop.yaml").unlink()
    project.write(f"# a comment\n{ORDER}", "manifests/other.yaml")
    project.write(f"\n\n{CART}", "manifests/deep/cart.yaml")
    assert "Apply complete" in project.fine("apply", "p")


def test_every_manifest_changed(project: Project) -> None:
    """Where every unit is stale nothing is begun: exit 6."""
    project.fine("plan", "--out", "p")
    project.write(SHOP.replace("20.00", "21.00").replace("A cart", "The cart"))
    project.account.server.clear_requests()
    out = project.fine("apply", "p", code=6)
    assert out.count("its manifest has changed since planning; plan again") == 3
    assert project.account.writes() == []


def test_manifest_gone(project: Project) -> None:
    """A unit that nothing declares any more is left alone."""
    project.fine("plan", "--out", "p")
    project.write(CART)
    out = project.fine("apply", "p", code=5)
    assert "order/A-1  create conflict: no manifest declares it any more; plan again" in out
    assert (project.account.count("orders"), project.account.count("carts")) == (0, 1)


def test_declared_again(project: Project) -> None:
    """A record to be pruned that is declared again is left alone."""
    project.fine("apply", "--auto-approve")
    project.write(CART)
    project.fine("plan", "--prune", "--out", "p", "--allow", "prune=2")
    project.write(SHOP)
    out = project.fine("apply", "p", code=6)
    assert out.count("archive conflict: it has been declared since planning; plan again") == 2
    assert project.account.count("orders") == 1


def test_pruned_while_undeclared(project: Project) -> None:
    """A record to be pruned that is still not declared is archived."""
    project.fine("apply", "--auto-approve")
    project.write(CART)
    project.fine("plan", "--prune", "--out", "p", "--allow", "prune=2")
    assert "archived" in project.fine("apply", "p")
    assert project.account.count("orders") == 0


def test_line_that_the_state_adds_is_not_what_the_manifest_says(project: Project) -> None:
    """A declared order of which an undeclared line is pruned is not stale by that."""
    project.fine("apply", "--auto-approve")
    project.write(re.sub("line_items:\n.*\n.*\n", "", SHOP).replace("20.00", "21.00"))
    project.fine("plan", "--prune", "--out", "p", "--allow", "prune=1")
    out = project.fine("apply", "p")
    assert "1 order updated; 1 line item archived" in out


def test_broken_manifest(project: Project) -> None:
    """Manifests that cannot be read are an error before anything is begun."""
    project.fine("plan", "--out", "p")
    project.write("broken: [")
    assert "error: 1 problem in the manifests" in project.refused("apply", "p")
    project.write(SHOP)
    (project.folder / "manifests").rename(project.folder / "elsewhere")
    assert "manifests: no such file or folder" in project.refused("apply", "p")


def test_manifests_named_when_planning(project: Project) -> None:
    """Manifests that were named beside the project's are compared too when the plan is applied."""
    project.fine("apply", "--auto-approve")
    path = project.write("kind: cart\nkey: C-9\nproperties: {hs_cart_name: New}\n", "more/c.yaml")
    project.fine("plan", "more", "--out", "p")
    project.fine("plan", "more/c.yaml", "--out", "q")
    path.write_text(path.read_text().replace("New", "Newer"))
    assert "its manifest has changed" in project.fine("apply", "p", code=6)
    path.write_text(path.read_text().replace("Newer", "New"))
    assert "1 cart created" in project.fine("apply", "q")


def test_manifests_outside_the_project(project: Project, tmp_path: Path) -> None:
    """A plan cannot be saved of manifests outside the project, nor lead there when applied."""
    (tmp_path / "out.yaml").write_text(CART.replace("C-1", "C-2"))
    said = project.refused("plan", "../out.yaml", "--out", "p")
    assert "is outside the project" in said
    assert "1 cart to create" in project.fine("plan", "../out.yaml")
    project.fine("plan", "--out", "p")
    lines = parsed((project.folder / "p").read_bytes())
    for path in ("../out.yaml", str(tmp_path / "out.yaml")):
        lines[0]["paths"] = [path]
        (project.folder / "q").write_bytes(written(lines))
        assert "it names manifests outside the project" in project.refused("apply", "q")


def test_resume_after_a_manifest_changed(project: Project) -> None:
    """What an interrupted run has not begun is left alone once its manifest has changed."""
    project.write(f"{SHOP}---\nkind: order\nkey: A-2\nproperties: {{hs_total_price: 1.00}}\n")
    project.fine("plan", "--out", "p")
    make_order(project, "A-2")
    project.fine("apply", "p", "--on-error", "halt", code=5)
    assert (project.account.count("orders"), project.account.count("carts")) == (1, 0)
    project.write(SHOP.replace("A cart", "The cart"))
    out = project.fine("resume", code=5)
    assert "cart/C-1  create conflict: its manifest has changed since planning" in out
    assert project.account.count("carts") == 0
    assert "1 cart created" in project.fine("apply", "--auto-approve")


# Digests


def test_every_command_prints_the_content_digest(project: Project) -> None:
    """plan, show and apply name the same digest, and so do the forms for programs and reviews."""
    planned = digest_of(project, "plan", "--out", "p")
    assert digest_of(project, "plan") == planned
    assert digest_of(project, "show", "p") == planned
    assert json.loads(project.fine("show", "p", "--format", "json"))["content_digest"] == planned
    assert f"Content digest: `{planned}`" in project.fine("show", "p", "--format", "markdown")
    assert digest_of(project, "apply", "p") == planned


@pytest.mark.parametrize("length", [16, 64])
def test_expected_digest(project: Project, length: int) -> None:
    """The plan with the expected digest is applied, from a file or made now, and no other."""
    digest = digest_of(project, "plan", "--out", "p")[:length]
    other = "0" * length
    for command in (("apply", "p"), ("apply", "--auto-approve")):
        said = project.refused(*command, "--expect-digest", other, code=6)
        assert f"not the expected {other}" in said
    assert project.fine("audit", "export").count('"event": "refused"') == 2
    project.fine("apply", "--auto-approve", "--expect-digest", digest)
    assert "Already applied" in project.fine("apply", "p", "--expect-digest", digest)
    said = project.refused("apply", "--auto-approve", "--expect-digest", digest, code=6)
    assert "content digest" in said


@pytest.mark.parametrize("text", ["", "0" * 15, "0" * 65, "x" * 16, "٣" * 16])
def test_digest_that_is_none(project: Project, text: str) -> None:
    """What is not a digest, or too little of one, is refused before anything else."""
    said = project.refused("apply", "--expect-digest", text)
    assert "is not a content digest" in said


# A file that somebody changed, digests and all


def edited(project: Project) -> tuple[list[Line], Path]:
    """A saved plan's lines, and its file."""
    project.fine("plan", "--out", "p")
    path = project.folder / "p"
    return parsed(path.read_bytes()), path


def test_keep_does_not_reach_hubspot(project: Project) -> None:
    """A value beside the fields is neither applied nor shown: the file is refused."""
    lines, path = edited(project)
    unit_of(lines, "A-1")["changes"][0]["keep"] = [["hs_total_price", "999999"]]
    path.write_bytes(written(lines))
    for command in (("show", "p"), ("apply", "p")):
        said = project.refused(*command)
        assert "error: the plan file contradicts itself: order/A-1: a property occurs" in said


def test_label_that_is_not_the_accounts(project: Project) -> None:
    """A stage shown by another one's label is not written."""
    lines, path = edited(project)
    for label in lines[1]["labels"]:
        label[3] = label[3].replace("Open", "Delivered")
    path.write_bytes(written(lines))
    assert "Delivered" in project.fine("show", "p")
    out = project.fine("apply", "p", code=5)
    assert "order/A-1  create conflict: labels have changed in HubSpot since planning" in out
    assert project.account.count("orders") == 0


def test_reference_that_leads_elsewhere(project: Project) -> None:
    """An association with another record than the one that its reference names is not made."""
    lines, path = edited(project)
    unit_of(lines, "A-1")["changes"][0]["links"][0]["id"] = "4711"
    path.write_bytes(written(lines))
    out = project.fine("apply", "p", code=5)
    assert "a reference to a contact leads to another record than it did when planning" in out
    assert project.account.count("orders") == 0


def test_personal_property_that_is_none(project: Project) -> None:
    """A value that is hidden as personal data though the account does not say so is not written."""
    lines, path = edited(project)
    lines[1]["personal"] = [["order", "hs_total_price"]]
    path.write_bytes(written(lines))
    project.env(CI="true")
    assert "20.00" not in project.fine("show", "p")
    out = project.fine("apply", "p", "--accept-local-store", code=5)
    assert "order/A-1  create conflict: property definitions have changed" in out
    assert project.account.count("orders") == 0


def test_line_items_of_another_parent(project: Project) -> None:
    """Line items are not put under another record than the one that their unit names."""
    project.fine("apply", "--auto-approve")
    other = make_order(project, "A-2")
    project.write(SHOP.replace("quantity: 2", "quantity: 3"))
    lines, path = edited(project)
    unit_of(lines, "A-1")["changes"][0]["parent_id"] = other
    path.write_bytes(written(lines))
    assert "the effect digest of order/A-1 is not" in project.run("apply", "p").err
    path.write_bytes(written(lines, key_of(project)))
    out = project.fine("apply", "p", code=6)
    assert f"record {other} no longer has the key of order/A-1; plan again" in out


def test_a_plan_file_with_a_higher_limit_is_not_the_one_that_was_reviewed(
    project: Project,
) -> None:
    """The limits that a plan was made under are part of its content digest."""
    project.settings(f"{PROJECT}limits: {{create: 3}}\n")
    lines, path = edited(project)
    digest = project.run("show", "p").err.partition("Content digest: ")[2].split()[0]
    assert lines[1]["limits"] == [["create", "", 3]]
    lines[1]["limits"] = [["create", "", 9]]
    path.write_bytes(written(lines))
    said = project.refused("apply", "p", "--expect-digest", digest, code=6)
    assert f"is not {digest}" in said or "content digest" in said


def test_a_plan_file_that_exceeds_its_own_limit_is_refused(project: Project) -> None:
    """No plan command saves one; whoever makes one gets as far as anybody without a file."""
    project.settings(f"{PROJECT}limits: {{create: 3}}\n")
    lines, path = edited(project)
    lines[1]["limits"] = [["create", "", 2]]
    path.write_bytes(written(lines))
    assert "\n! limit-create: 3 records would be created" in project.fine("show", "p")
    assert "error: limit-create: 3 records" in project.refused("apply", "p", code=3)


def test_head_is_canonical(project: Project) -> None:
    """A head with more in it than a head has is refused."""
    lines, path = edited(project)
    lines[0]["note"] = "reviewed"
    path.write_bytes(written(lines))
    assert canonical(lines[0]) in path.read_bytes()
    assert "it contains more than a plan" in project.refused("show", "p")


@pytest.mark.parametrize("reason", ["change", "drift", "both"])
def test_a_reason_that_evades_a_guard(project: Project, reason: str) -> None:
    """A value that reconcile has never seen stays as it is, whatever the file calls it."""
    project.write(ORDER)
    project.fine("apply", "--auto-approve")
    httpx.patch(
        f"{project.account.url}/crm/v3/objects/orders/A-1?idProperty=reconcile_key",
        json={"properties": {"hs_tags": "HUMAN"}},
        headers={"Authorization": f"Bearer {project.account.token}"},
        trust_env=False,
    ).raise_for_status()
    project.write(ORDER.replace("properties:\n", "properties:\n  hs_tags: vip\n", 1))
    project.fine("plan", "--out", "p")
    held = unit_of(parsed((project.folder / "p").read_bytes()), "A-1")["held"]
    assert [one["address"] for one in held] == [["order", "A-1"]]
    project.fine("plan", "--out", "p", "--allow", "adopt-update=1")
    path = project.folder / "p"
    lines = parsed(path.read_bytes())
    unit = unit_of(lines, "A-1")
    (field,) = unit["changes"][0]["fields"]
    assert field["reason"] == "unseen"
    field["reason"] = reason
    lines[1]["allowed"] = [] if reason == "change" else [f"{reason}=1"]
    path.write_bytes(written(lines))
    assert "the effect digest of order/A-1 is not" in project.run("apply", "p").err
    path.write_bytes(written(lines, key_of(project)))
    out = project.run("apply", "p")
    assert out.code == 6
    assert "the plan and the state disagree about who changed hs_tags" in out.out
