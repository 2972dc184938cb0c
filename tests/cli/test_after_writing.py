"""What apply says, and exits with, where HubSpot holds something else than was sent."""

import pytest

from reconcile.sandbox import Sandbox
from reconcile.sandbox.faults import Edit, StoreAs
from tests.cli.conftest import Project

LINE = """\
kind: order
key: K-1
properties: {hs_order_name: An order}
line_items:
  - {key: "K-1:a", properties: {name: A thing, price: 10, quantity: 3, hs_external_id: 77}}
"""

ORDER = """\
kind: order
key: K-1
properties: {hs_order_name: An order, hs_total_price: %s}
"""


@pytest.fixture
def server(project: Project) -> Sandbox:
    """Return the account's server."""
    return project.account.server


def test_a_value_that_was_not_kept_is_said_once(project: Project) -> None:
    """Exit 5 then; the plan afterwards is empty, and the next apply has nothing to do."""
    project.write(LINE)
    result = project.run("apply", "--auto-approve")
    said = "HubSpot did not keep hs_external_id: a fresh read shows it empty"
    assert f"  ! line_item/K-1:a  create done: {said}\n" in result.out
    assert "1 value not kept by HubSpot" in result.out
    assert result.code == 5
    assert project.run("plan", "--detailed-exitcode").code == 0
    again = project.run("apply", "--auto-approve")
    assert (again.code, "hs_external_id" in again.all) == (0, False)


def test_an_edit_of_a_hundred_times_the_value_is_reported(
    project: Project, server: Sandbox
) -> None:
    """A person turns 1.50 into 150 between our write and our reading: exit 5, and drift."""
    project.write(ORDER % "1.00")
    project.fine("apply", "--auto-approve")
    edit = Edit("orders/hs_order_name=An order", {"hs_total_price": "150"}, after=True)
    server.faults.add(edit, method="PATCH", times=1)
    project.write(ORDER % "1.50")
    result = project.run("apply", "--auto-approve")
    said = "written, and changed right after: hs_total_price to '150' by CRM_UI"
    assert f"  ! order/K-1  updated, then conflict: {said}\n" in result.out
    assert result.code == 5
    assert "No changes. Left alone: drift in 1 order." in project.run("plan").out
    shown = project.run("plan", "--allow", "drift=1").out
    assert "150 -> 1.50" in shown
    assert "# drift" in shown


def test_a_rewrite_is_said_and_is_complete(project: Project, server: Sandbox) -> None:
    """HubSpot's own rounding is exit 0."""
    server.faults.add(StoreAs({"hs_total_price": "1.23"}), writes=True)
    project.write(ORDER % "1.2345")
    out = project.fine("apply", "--auto-approve")
    assert "hs_total_price  1.2345 -> 1.23  (order/K-1)" in out
    assert project.run("plan", "--detailed-exitcode").code == 0
