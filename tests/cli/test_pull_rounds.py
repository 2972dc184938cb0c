"""Pulling, editing, planning and applying in turns, by the commands, on a real account."""

import httpx
import pytest
import yaml
from hypothesis import HealthCheck, Phase, example, given
from hypothesis import strategies as st
from random_examples import examples

from tests.cli.conftest import Project, Shop

ODD = (
    "plain",
    "05021",
    "NO",
    "null",
    "1e3",
    " x ",
    "=1+1",
    "a: b # c",
    'it\'s "so"',
    "- a\n- b",
    "💶 é e\u0301",
    "{x}",
    "a, b",
    "#1",
    "*a",
)
"""Values that a careless writer of YAML would alter."""


def order_ids(shop: Shop) -> list[str]:
    """Return the ids of all orders, in the order in which they were made."""
    found = shop.http.get("/crm/v3/objects/orders?limit=100").json()["results"]
    return sorted((one["id"] for one in found), key=int)


def edit(shop: Shop, id_: str, **properties: str) -> None:
    """Somebody edits an order in HubSpot."""
    path = f"/crm/v3/objects/orders/{id_}"
    shop.http.patch(path, json={"properties": properties}).raise_for_status()


@pytest.mark.parametrize("comment", ["", "  # theirs"])
def test_a_round_trip_leaves_the_files_as_they_are(project: Project, comment: str) -> None:
    """Pull, adopt, let people edit, accept: the plan is empty, and another pull does nothing."""
    (project.folder / "manifests" / "shop.yaml").unlink()
    shop = Shop(project)
    with shop.http:
        for number, value in enumerate(ODD):
            line = {"name": value, "hs_sku": f"S-{number}", "price": "1.50", "quantity": "2"}
            shop.order(line, hs_external_order_id=f"E{number}", hs_order_name=value)
        project.fine(
            *("pull", "orders", "--all", "--properties", "hs_order_name,hs_tags"),
            *("--lines", "name,price", "--key", "hs_external_order_id"),
        )
        path = project.folder / "manifests" / "orders-0001.yaml"
        text = path.read_bytes().replace(b"kind: order\n", f"kind: order{comment}\r\n".encode())
        path.write_bytes(text)
        assert f"Plan: {len(ODD)} orders, {len(ODD)} line items to adopt." in project.fine("plan")
        project.fine("apply", "--auto-approve")
        assert "No changes" in project.fine("plan")
        assert "Nothing to pull" in project.fine("pull", "--drift")
        assert path.read_bytes() == text

        ids = order_ids(shop)
        for id_, value in zip(ids, reversed(ODD), strict=True):
            edit(shop, id_, hs_order_name=value)
        project.fine("pull", "--drift")
        pulled = path.read_bytes()
        assert pulled.count(b"\n") == text.count(b"\n")
        assert pulled != text
        assert "Left alone" not in project.fine("plan")
        assert path.read_bytes() == pulled
        project.fine("apply", "--auto-approve")
        assert "No changes" in project.fine("plan")
        assert "Nothing to pull" in project.fine("pull", "--drift")
        assert path.read_bytes() == pulled

        for id_, value in zip(ids, ODD, strict=True):
            edit(shop, id_, hs_order_name=value)
        project.fine("pull", "--drift")
        first, last = (
            [*yaml.load_all(data, yaml.BaseLoader)] for data in (text, path.read_bytes())
        )
        assert first == last  # but for quotes: those that are there stay


STEP = st.tuples(
    st.sampled_from(["edit", "edit", "git", "pull", "pull", "pull and discard", "apply", "apply"]),
    st.sampled_from(["a", "b", "c"]),
)


@pytest.mark.long
@example([("edit", "b"), ("pull", ""), ("edit", "a"), ("pull and discard", ""), ("apply", "")])
@example([("edit", "b"), ("pull", ""), ("edit", "c"), ("pull and discard", ""), ("apply", "")])
@given(st.lists(STEP, min_size=3, max_size=10))
@examples(
    25,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_an_edit_after_a_pull_is_never_overwritten(
    project: Project, steps: list[tuple[str, str]]
) -> None:
    """In any order of pulls, edits in HubSpot and in git, and applies; until git says otherwise."""
    with Shop(project).http as http:
        one = Order(project, http)
        accepts = False
        for what, value in steps:
            before, held = one.path.read_text(encoding="utf-8"), one.held()
            if what == "edit":
                held = value
                http.patch(one.url, json={"properties": {"hs_order_name": value}})
            elif what == "git":
                one.declare(value)
            elif what.startswith("pull"):
                project.fine("pull", "--drift", str(one.path))
                assert one.path.read_text(encoding="utf-8") in (before, one.document(held))
                if what == "pull and discard":
                    one.path.write_text(before, encoding="utf-8")
            else:
                project.run("apply", "--auto-approve")
            if one.path.read_text(encoding="utf-8") != before:
                accepts = what == "pull"
            if accepts:
                assert one.held() == held
                planned = project.fine("plan", str(one.path))
                assert "Held back" not in planned
                assert "to update" not in planned


class Order:
    """An order of its own, in a manifest of its own, which was applied."""

    def __init__(self, project: Project, http: httpx.Client) -> None:
        self.http = http
        self.path = project.folder / "manifests" / "shop.yaml"
        self.key = f"R-{project.account.count('orders')}"
        self.declare("a")
        project.fine("apply", "--auto-approve")
        found = http.get(f"/crm/v3/objects/orders/{self.key}?idProperty=reconcile_key")
        self.url = f"/crm/v3/objects/orders/{found.json()['id']}"

    def document(self, name: str) -> str:
        """Return the manifest with this name of the order."""
        return f"kind: order\nkey: {self.key}\nproperties:\n  hs_order_name: {name}  # theirs\n"

    def declare(self, name: str) -> None:
        """Write the manifest."""
        self.path.write_text(self.document(name), encoding="utf-8")

    def held(self) -> str:
        """Return the name that HubSpot has."""
        found = self.http.get(f"{self.url}?properties=hs_order_name").json()
        return str(found["properties"]["hs_order_name"])
