"""Values that are not there: erased where a redaction in the log says so, else missing."""

import csv
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from making import ANA, CART, MUG, ORDER, replace_line, run

from reconcile.audit.integrity import verify
from reconcile.audit.log import AuditLog
from reconcile.audit.redact import holdings, redact
from reconcile.audit.value_store import erase
from reconcile.cli.commands import audit as cli
from reconcile.errors import Locked
from reconcile.model.audit import Event, Head
from reconcile.state.head import FORMAT
from reconcile.stores.contract import LockInfo
from reconcile.stores.local import LocalStore

LOG = "audit/000000"

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def store(project: Path) -> LocalStore:
    """Return the target's store."""
    return LocalStore(project / "state" / "shop")


@pytest.fixture
def reconcile(store: LocalStore, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run an audit command; its exit code and what it printed."""

    def call(*args: str) -> tuple[int, str]:
        code = cli.command.main(args, prog_name="audit", standalone_mode=False)
        return code or 0, capsys.readouterr().out

    return call


def keep(store: LocalStore, head: Head) -> None:
    """The state remembers how far the log goes."""
    found = store.read("head.json")
    data = json.dumps({"format": FORMAT, "audit": list(head)}).encode()
    store.write("head.json", data, found[1] if found else None)


def blob(store: LocalStore, run: str) -> str:
    """The blob with a run's values."""
    (name,) = store.names(f"audit-values/{run}/")
    return name


def tamper(store: LocalStore, name: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Rewrite a blob's values."""
    found = store.read(name)
    assert found is not None
    data = json.loads(found[0])
    change(data["values"])
    store.write(name, json.dumps(data).encode(), found[1])


def test_values_without_a_redaction_fail_verification(
    reconcile: Run, log: AuditLog, store: LocalStore
) -> None:
    """Exit code 1, and the record is named."""
    keep(store, run(log))
    erase(store, blob(store, "R-1"), ORDER)
    code, text = reconcile("verify")
    assert code == 1
    assert "no redaction in the log explains it: order/NW-1\n" in text
    assert "is intact" not in text


def test_a_redaction_that_was_cut_off_fails_verification(
    reconcile: Run, log: AuditLog, store: LocalStore
) -> None:
    """With its entry the explanation is gone."""
    keep(store, run(log))
    redact(log, holdings(log, [ORDER]), ANA)
    assert reconcile("verify")[0] == 0
    assert "(erased)" in reconcile("show", "R-1")[1]
    replace_line(store, LOG, 1, None)
    code, text = reconcile("verify")
    assert code == 1
    assert "no redaction in the log explains it: order/NW-1\n" in text
    shown = reconcile("show", "R-1")[1]
    assert "(missing)" in shown
    assert "(erased)" not in shown


def test_an_events_own_message_is_never_erased(log: AuditLog, store: LocalStore) -> None:
    """A message that is gone is a finding, whatever was redacted since."""
    head = log.append([Event("refused", ANA, message="a guard")])
    (name,) = store.names("audit-values/")
    store.remove(name)
    head = run(log, after=head)
    redact(log, holdings(log, [ORDER, MUG, CART]), ANA)
    (found,) = verify(log, head).findings
    assert found.number == 1
    assert found.what.endswith("explains it: its own message")


def test_a_redaction_explains_only_what_came_before(log: AuditLog, store: LocalStore) -> None:
    """Values that were written after it, and are gone, are missing."""
    head = run(log)
    redact(log, holdings(log, [ORDER]), ANA)
    head = run(log, "R-2", after=head)
    assert verify(log, head).findings == ()
    erase(store, blob(store, "R-2"), ORDER)
    (found,) = verify(log, head).findings
    assert found.number == 3


@pytest.mark.parametrize("explained", [True, False])
def test_every_display_says_which_it_is(
    reconcile: Run, log: AuditLog, store: LocalStore, *, explained: bool
) -> None:
    """The list, a run, and both forms of the export."""
    run(log)
    if explained:
        redact(log, holdings(log, [ORDER]), ANA)
    else:
        erase(store, blob(store, "R-1"), ORDER)
    word, other = ("erased", "missing") if explained else ("missing", "erased")
    texts = [
        reconcile("show", "R-1")[1],
        reconcile("log", "--address", "order/NW-1")[1],
        reconcile("log", "--address", "order/NW-1", "--json")[1],
        reconcile("export")[1],
        reconcile("export", "--format", "csv")[1],
    ]
    assert [(word in text, other in text.replace("absent", "")) for text in texts] == [
        (True, False)
    ] * 5
    rows = [json.loads(line) for line in texts[3].splitlines()]
    of_order = [row for row in rows if row["address"] == "order/NW-1"]
    assert {(row["before"], row["after"], row["absent"]) for row in of_order} == {
        (None, None, word)
    }
    assert {row["absent"] for row in rows if row["address"] == "line_item/NW-1:mug"} == {""}
    table = csv.DictReader(StringIO(texts[4]))
    cells = {(row["before"], row["after"]) for row in table if row["address"] == "order/NW-1"}
    assert cells == {(f"({word})", f"({word})")}


def test_values_of_another_number_are_not_shown_under_wrong_names(
    reconcile: Run, log: AuditLog, store: LocalStore
) -> None:
    """Of a record that lost one of its values nobody knows which; none is shown as another's."""
    run(log)
    tamper(store, blob(store, "R-1"), lambda values: values[str(ORDER)]["values"].pop(0))
    text = reconcile("show", "R-1")[1]
    assert "hs_order_name      (missing)" in text
    assert "hs_total_price     (missing)" in text
    assert "12.50" not in text


def test_a_message_that_is_gone_is_missing(
    reconcile: Run, log: AuditLog, store: LocalStore
) -> None:
    """In the run and in the export."""
    run(log, ended="interrupted")
    store.remove(blob(store, "R-1"))
    assert "  (missing)\n" in reconcile("show", "R-1")[1]
    rows = [json.loads(line) for line in reconcile("export")[1].splitlines()]
    assert {row["absent"] for row in rows if row["what"] == "message"} == {"missing"}


@pytest.mark.parametrize("done", [0, 1])
def test_a_redaction_that_was_killed_is_completed(
    log: AuditLog, store: LocalStore, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    """The log said it first: what is gone is explained, what is left goes when it is repeated."""
    head = run(log)
    head = run(log, "R-2", after=head)
    write, left = store.write, [done]

    def dying(name: str, data: bytes, expected: str | None) -> str:
        if name.startswith("audit-values/"):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
        return write(name, data, expected)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(store, "write", dying)
        redact(log, holdings(log, [ORDER]), ANA)
    found = verify(log, head)
    assert (found.findings, found.erased, found.kept) == ((), done, ("order/NW-1",))
    redact(log, holdings(log, [ORDER]), ANA)
    found = verify(log, head)
    assert (found.findings, found.erased, found.erased_in, found.kept) == ((), 1, 2, ())


@pytest.mark.slow  # asks git who it is that redacts
def test_redact_waits_for_a_run_to_end(reconcile: Run, log: AuditLog, store: LocalStore) -> None:
    """A run's values lie there before its entry does: they are not erased in between."""
    head = run(log)
    holder = LocalStore(Path("state/shop"))
    with holder.lock(LockInfo("ana@mill", "2026-01-02T03:04:05+00:00", "apply")):
        with pytest.raises(Locked):
            reconcile("redact", "order/NW-1", "--auto-approve")
        with pytest.raises(Locked):
            reconcile("redact", "order/NW-1", "--auto-approve", "--lock-timeout", "0.1")
    assert verify(log, head).erased == 0
    assert reconcile("redact", "order/NW-1", "--auto-approve")[0] == 0
    assert verify(log, head).erased == 1
