"""The options that a plan shows: one more command with them is enough."""

import re
import shlex
from collections.abc import Iterator

import httpx
import pytest

from tests.cli.conftest import PROJECT, Project

ORDER = """\
kind: order
key: A {n}
properties: {{hs_order_name: Order {n}, hs_tags: ours, hs_source_store: web}}
line_items:
  - key: A {n}:mug
    properties: {{name: Mug, quantity: 2, price: 10.00}}
"""
RECREATE = ("--recreate", "order/A 2", "--recreate", "line_item/A 2:mug")
HINT = r"hint: {}, plan with((?:\n   )? --.*(?:(?<=\\)\n.*)*)"


def orders(*numbers: int) -> list[str]:
    """Return the manifests of some orders."""
    return [ORDER.format(n=n) for n in numbers]


def options(text: str, what: str) -> list[str]:
    """Return the options of a hint as a shell gets them."""
    found = re.search(HINT.format(what), text)
    assert found is not None, text
    return shlex.split(found[1].replace("\\\n", ""))


@pytest.fixture
def shop(project: Project) -> Iterator[Project]:
    """Return a project with something for every guard and every limit, and with drift."""
    project.write("---\n".join(orders(1, 2, 3, 4, 5)))
    project.fine("apply", "--auto-approve")
    project.settings(f"{PROJECT}limits: {{archive: 1, create: 1, update: 1}}\n")
    url = f"{project.account.url}/crm/v3/objects"
    headers = {"Authorization": f"Bearer {project.account.token}"}
    with httpx.Client(base_url=url, headers=headers, trust_env=False) as client:

        def id_of(path: str) -> str:
            found = client.get(path, params={"idProperty": "reconcile_key"}).raise_for_status()
            return str(found.json()["id"])

        def edit(path: str, **properties: str) -> None:
            client.patch(
                path, params={"idProperty": "reconcile_key"}, json={"properties": properties}
            ).raise_for_status()

        edit("/orders/A 1", hs_tags="theirs", hs_order_note="theirs")
        edit("/orders/A 4", hs_tags="theirs")
        edit("/line_items/A 5:mug", price="7")
        for path in ("line_items/A 2:mug", "orders/A 2"):
            client.delete(f"/{path.partition('/')[0]}/{id_of('/' + path)}").raise_for_status()
    declared = orders(1, 2, 4, 5)
    declared[0] = declared[0].replace("hs_tags: ours", "hs_tags: mine, hs_order_note: mine")
    declared[3] = declared[3].replace("web", "app")
    project.write("---\n".join(declared))
    yield project


@pytest.mark.parametrize(
    "given",
    [
        (),
        ("--allow", "both=1"),
        ("--allow", "adopt-update=1", "--allow", "prune=2"),
        ("--allow", "recreate=2", "--allow", "drift=9"),
        ("--allow", "limit-update=1"),
    ],
)
def test_one_more_command_lets_everything_in(shop: Project, given: tuple[str, ...]) -> None:
    """Also what one record waits for twice, and what would then exceed a limit."""
    first = shop.run("plan", *RECREATE, "--prune", *given).out
    more = options(first, "to let them in")
    assert {"--prune", "--recreate", "order/A 2"} <= set(more)
    assert set(given) <= set(more) | {"limit-update=1"}
    made = shop.fine("plan", "--out", "p", *more)
    assert "NOT be applied" not in made
    assert "Apply complete" in shop.fine("apply", "p")


def test_one_more_command_puts_all_drift_back(shop: Project) -> None:
    """The number of the limit is that of what is updated then."""
    shop.write("---\n".join(orders(1, 3, 4, 5)))
    first = shop.run("plan").out
    more = options(first, "to put it back")
    assert more == ["--allow", "drift=3", "--allow", "limit-update=3"]
    made = shop.fine("plan", *more)
    assert "Left alone" not in made


def test_options_fit_a_terminal(shop: Project) -> None:
    """They are broken between options, and can be pasted."""
    shown = shop.run("plan", *RECREATE, "--prune", "--allow", "drift=9").out
    at = shown.index("hint: to let them in")
    rows = shown[at:].partition("\n\n")[0].partition("\n  hint: ")[0].split("\n")
    assert len(rows) > 2
    assert all(len(row) <= 80 for row in rows)
    assert all(row.startswith("    --") for row in rows[1:])
    assert [row.endswith(" \\") for row in rows[1:]] == [True] * (len(rows) - 2) + [False]
