"""What the audit log, the lock and the status say in words that hold."""

import json
import re

import httpx

from reconcile.stores.contract import LockInfo
from reconcile.stores.store_urls import open_store
from tests.cli.conftest import PROJECT, SHOP, Project, Relay

LINES = """\
kind: order
key: A-1
line_items:
  - key: A-1:mug
  - key: A-1:cup
"""


def test_an_apply_without_changes_is_no_event(project: Project) -> None:
    """No run begins, whether the plan was saved or not: the log and the state stay as they are."""

    def kept() -> tuple[str, dict[str, bytes]]:
        files = project.files().items()
        # The lock is taken, and numbers its holders.
        return project.fine("audit", "log"), {n: d for n, d in files if "lock-holder" not in n}

    project.fine("apply", "--auto-approve")
    project.fine("plan", "--out", "p")
    before = kept()
    project.account.server.clear_requests()
    assert "Apply complete: nothing to change." in project.fine("apply", "p")
    assert "No changes." in project.fine("apply", "--auto-approve")
    assert project.account.writes() == []
    assert kept() == before


def test_records_in_conflict_are_worded_once(project: Project) -> None:
    """A conflict is not an action that ended in a conflict."""
    project.write(LINES)
    project.fine("apply", "--auto-approve")
    project.write(LINES.replace("kind: order\n", "kind: order\nproperties: {hs_order_name: New}\n"))
    with httpx.Client(
        base_url=project.account.url,
        headers={"Authorization": f"Bearer {project.account.token}"},
        trust_env=False,
    ) as somebody:
        path = "/crm/v3/objects/orders/A-1"
        found = somebody.get(path, params={"idProperty": "reconcile_key"}).raise_for_status()
        somebody.delete(f"/crm/v3/objects/orders/{found.json()['id']}").raise_for_status()
    report = project.run("apply", "--auto-approve")
    assert report.code == 5
    log = project.fine("audit", "log")
    assert "  1 order, 2 line items in conflict\n" in log
    assert "conflict: conflict" not in log
    run = re.findall(r"apply  (\S+)", log)[-1]
    shown = project.fine("audit", "show", run)
    assert re.search(r"^! order/A-1  conflict( |$)", shown, re.MULTILINE)
    assert "conflict conflict" not in shown


def test_nothing_since_then_is_not_nothing_at_all(project: Project) -> None:
    """A log that is not empty says that nothing is newer, or of that record."""
    assert "No events.\n" in project.fine("audit", "log")
    project.fine("apply", "--auto-approve")
    since = project.fine("audit", "log", "--since", "2099-01-01")
    assert "No events since 2099-01-01.\n" in since
    both = project.fine("audit", "log", "--since", "2099-01-01", "--address", "order/X")
    assert "No events of order/X since 2099-01-01.\n" in both


def test_a_redaction_is_counted_in_records(project: Project) -> None:
    """A record that several runs changed is one record, in so many entries."""
    for price in ("20.00", "21.00", "22.00"):
        project.write(SHOP.replace("20.00", price))
        project.fine("apply", "--auto-approve")
    project.fine("audit", "redact", "order/A-1", "--auto-approve")
    assert (
        "the values of 1 record in 3 entries were erased by a redaction, as the log says"
        in project.fine("audit", "verify")
    )


def test_the_lock_names_the_command_and_the_time_as_the_log_does(project: Project) -> None:
    """`resume` is not called apply, and every time ends with Z."""
    project.write("---\n".join(f"kind: order\nkey: M-{n}\n" for n in range(3)) + "---\n" + LINES)
    project.interrupted("apply", "--auto-approve", at="/orders/batch/upsert")
    with Relay(project.account, "/line_items/batch/create") as relay:
        project.settings(PROJECT.replace("{url}", relay.url))
        process = project.process("resume")
        assert relay.held.wait(20)
        shown = project.fine("lock", "show")
        status = project.fine("status")
        relay.release()
        assert project.end(process).code == 0
    assert re.search(r", since 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ, doing resume\.", shown)
    assert re.search(r"Started 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ by", status)
    assert "+00:00" not in shown + status + project.fine("audit", "show", "1")


def test_a_refused_resume_is_called_so(project: Project) -> None:
    """The log names the command that was refused, by its own name."""
    project.write(LINES)
    project.interrupted("apply", "--auto-approve", at="/orders/batch/upsert")
    store = open_store("", project.folder / "state" / "shop")
    with store.lock(LockInfo("ana@mill", "", "apply")):
        assert project.run("resume").code == 4
    store.close()
    last = json.loads(project.fine("audit", "log", "--json").splitlines()[-1])
    assert (last["event"], last["facts"]["command"]) == ("refused", "resume")
