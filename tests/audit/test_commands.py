"""`reconcile audit`: what people and programs get to see, and what they do not."""

import csv
import json
import re
import socket
import stat
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import NoReturn

import click
import pytest
from making import (
    ANA,
    CHANGES,
    ORDER,
    change,
    head_of,
    plan,
    record_run,
    replace_line,
    run,
    updates,
)

from reconcile.audit.events import refused
from reconcile.audit.log import MAX_RECORDS, AuditLog
from reconcile.cli.commands import audit as cli
from reconcile.errors import GuardRefused, UsageError
from reconcile.model.address import Address
from reconcile.model.audit import Actor, Head, Origin
from reconcile.model.outcome import Outcome, Status
from reconcile.model.plan import RecordChange
from reconcile.state.head import FORMAT
from reconcile.stores.local import LocalStore
from reconcile.stores.logs import Log

PERSONAL = ("Old name", "Anton", "anton@example.com", "ana@example.com")
TOP = "Audit log of target shop\n\n"
WHOLE = "The audit log is intact.\n"
HOSTILE = "\x1b[31m\u202eevil\n::error::x ##[error]"

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def store(project: Path) -> LocalStore:
    """Return the target's store."""
    return LocalStore(project / "state" / "shop")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*about: object) -> NoReturn:
        raise AssertionError("the audit commands reach nothing")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def reconcile(project: Path, capsys: pytest.CaptureFixture[str]) -> Run:
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


def test_an_empty_log_says_so(reconcile: Run, project: Path) -> None:
    """And looking at it makes no folder."""
    assert reconcile("log") == (0, f"{TOP}No events.\n")
    assert reconcile("verify") == (0, f"{TOP}0 entries, 0 records\n{WHOLE}")
    assert reconcile("export", "--format", "csv")[1].count("\n") == 1
    assert not (project / "state").exists()


def test_log_lists_each_event(reconcile: Run, log: AuditLog) -> None:
    """When, what, who, from which commit, how much, and why."""
    run(log)
    log.append([refused(GuardRefused("adopt-update: 3"), ANA)])
    assert reconcile("log")[1] == TOP + (
        "2026-01-02 03:04:05Z  apply  R-1\n"
        "  by Ana <ana@example.com>, commit abababababab\n"
        "  update 1 order; create 1 line item: failed; update 1 cart: skipped\n"
        "  reason: new prices\n"
        "\n"
        "2026-01-02 03:05:05Z  refused  2\n"
        "  by Ana <ana@example.com>, commit abababababab\n"
        "  reason: new prices\n"
        "  refusal: guard\n"
    )


def test_log_as_json(reconcile: Run, log: AuditLog) -> None:
    """One object a line, with the numbers that the text has."""
    run(log)
    (one,) = map(json.loads, reconcile("log", "--json")[1].splitlines())
    assert (one["run"], one["event"], one["facts"]["plan"]) == ("R-1", "apply", "cd" * 32)
    assert {"action": "update", "kind": "order", "outcome": "done", "records": 1} in one["counts"]
    assert "records" not in one


def test_log_follows_a_record(reconcile: Run, log: AuditLog) -> None:
    """Before and after, in text and as JSON."""
    run(log)
    run(log, "R-2")
    text = reconcile("log", "--address", "order/nw-1", "--since", "2026-01-02T04:05+01:00")[1]
    assert "R-1" not in text
    assert "    hs_total_price" in text
    assert "10.00 -> 12.50" in text
    assert "line_item" not in text
    lines = reconcile("log", "--address", str(ORDER), "--json")[1].splitlines()
    prices = [
        (row["before"], row["after"])
        for line in lines
        for row in json.loads(line)["records"]
        if row["name"] == "hs_total_price"
    ]
    assert prices == [("10.00", "12.50")] * 2


def test_show_lists_a_run_field_by_field(reconcile: Run, log: AuditLog) -> None:
    """As the plan showed it, with how it ended."""
    run(log, ended="interrupted")
    assert reconcile("show", "R-1")[1] == TOP + (
        "apply  R-1\n"
        "  when     2026-01-02 03:04:05Z\n"
        "  who      Ana <ana@example.com>\n"
        "  source   git's settings\n"
        "  machine  ana@mill\n"
        "  reason   new prices\n"
        f"  commit   {'ab' * 20}\n"
        "           the files read are this commit's\n"
        "  account  123\n"
        "  allow    rekey\n"
        f"  plan     {'cd' * 32}\n"
        "  since    2026-01-02T03:04:05+00:00\n"
        "  target   shop\n"
        "  interrupted\n"
        "\n"
        "~ order/NW-1  update  (id 501, adopts)\n"
        "    hs_order_name      Old name -> Anton's order\n"
        "    hs_total_price     10.00 -> 12.50\n"
        "    hs_pipeline_stage  Open -> Shipped\n"
        "    & contact email=anton@example.com\n"
        '    memo               "x " -> x  # rewritten by HubSpot\n'
        "+ line_item/NW-1:mug  create failed\n"
        "    name  Mug\n"
        '    HubSpot refused "Mug" of Anton\'s order\n'
        "~ cart/C-1  update skipped  (id 9)\n"
        "    not begun\n"
    )


@pytest.mark.parametrize(
    "args",
    [
        ("log",),
        ("log", "--json"),
        ("log", "--address", "order/NW-1"),
        ("log", "--address", "order/NW-1", "--json"),
        ("show", "R-1"),
        ("export",),
        ("export", "--format", "csv"),
    ],
)
def test_ci_gets_no_personal_values(
    reconcile: Run, log: AuditLog, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...]
) -> None:
    """Nor do messages that quote them; other values are shown."""
    failed = Outcome(CHANGES[0].address, CHANGES[0].action, Status.FAILED, "", "no Anton's order")
    record_run(log, plan(), head_of("R-1"), [failed], ANA)
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("RECONCILE_TARGET", "shop")
    text = reconcile(*args)[1]
    assert [value for value in PERSONAL if value in text] == []
    if args not in (("log",), ("log", "--json")):
        assert "changed (personal)" in text
        assert "12.50" in text


@pytest.mark.parametrize(
    "args",
    [
        ("log",),
        ("log", "--json"),
        ("log", "--address", "order/K-1"),
        ("show", "R-1"),
        ("export",),
        ("export", "--format", "csv"),
        ("verify",),
    ],
)
def test_hostile_text_is_harmless(reconcile: Run, log: AuditLog, args: tuple[str, ...]) -> None:
    """Whoever wrote a value, a name, a message or a reason moves no cursor and commands no CI."""
    one = RecordChange(
        Address("order", "K-1"),
        CHANGES[0].action,
        fields=(change(HOSTILE, HOSTILE, f"::{HOSTILE}"),),
    )
    origin = Origin(Actor(HOSTILE, "git", {"machine": HOSTILE}), HOSTILE, "ab" * 20)
    failed = Outcome(one.address, one.action, Status.FAILED, HOSTILE, HOSTILE)
    record_run(log, plan(one), head_of("R-1"), [failed], origin, ended=HOSTILE)
    text = reconcile(*args)[1]
    assert not [char for char in text if char in "\x1b\u202e\r"]
    assert "##[" not in text
    assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]


def test_verify_reports_an_intact_or_a_broken_log(
    reconcile: Run, log: AuditLog, store: LocalStore
) -> None:
    """Exit code 1 where it is broken, with the first entry that is wrong."""
    head = run(log)
    run(log, "R-2")
    code, text = reconcile("verify")
    assert code == 0
    assert "the state has no head of the log" in text
    keep(store, head)
    assert reconcile("verify") == (
        0,
        f"{TOP}2 entries, 6 records, 2026-01-02 03:04:05Z to 2026-01-02 03:05:05Z\n"
        f"16 values match their digest\n{WHOLE}",
    )
    line = dict(Log(store, "audit/000000").entries())[1]
    replace_line(store, "audit/000000", 1, line.replace(b"new prices", b"old prices"))
    code, text = reconcile("verify")
    assert code == 1
    assert text.startswith(f"{TOP}! entry 2 (2026-01-02 03:05:05Z): its content was altered")
    assert "is BROKEN from entry 2 on" in text
    replace_line(store, "audit/000000", 1, None)
    replace_line(store, "audit/000000", 0, None)
    code, text = reconcile("verify")
    assert code == 1
    assert text.startswith(f"{TOP}! entry 1: the log is cut off: it has 0 of the 1 ")


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Sit at the keyboard."""

    def type_(text: str) -> None:
        monkeypatch.setattr("sys.stdin.isatty", lambda: True)
        monkeypatch.setattr(click, "prompt", lambda *_, **__: text)

    yield type_


def test_redact_asks_erases_and_says_what(
    reconcile: Run, log: AuditLog, answer: Callable[[str], None], store: LocalStore
) -> None:
    """Only a typed yes erases; the log stays intact and says who did it."""
    keep(store, run(log))
    with pytest.raises(UsageError, match="cannot ask for confirmation"):
        reconcile("redact", "order/NW-1")
    answer("no")
    assert reconcile("redact", "order/NW-1")[0] == 1
    answer("yes")
    code, text = reconcile("redact", "order/NW-1", "--reason", "request 7")
    assert code == 0
    assert text == TOP + (
        "order/NW-1: 5 values in 1 entry\n"
        "  records under it, which stay unless you name them: line_item/NW-1:mug\n"
        "Erased 5 values; the log records that.\n"
    )
    code, text = reconcile("verify")
    assert code == 0
    assert "of 1 record in 1 entry were erased by a redaction" in text
    text = reconcile("log", "--address", "order/NW-1")[1]
    assert "hs_total_price     (erased)" in text
    assert "redact  2" in text
    assert "reason: request 7" in text
    assert "Nothing to erase." in reconcile("redact", "order/NW-1")[1]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("oidc-unverified", "GitHub's identity token, unverified"),
        ("github", "GitHub's variables, unverified"),
        ("gitlab", "GitLab's variables, unverified"),
    ],
)
def test_what_a_ci_service_says_is_called_unverified(
    reconcile: Run, log: AuditLog, source: str, said: str
) -> None:
    """In the list, in a run, and in the export, whoever was named by it."""
    actor = Actor("octo", source, {"repository": "acme/shop", "run_id": "42"})
    run_by = Origin(actor, "", "ab" * 20)
    record_run(log, plan(), head_of("R-1"), [], run_by)
    service = said.partition("'")[0]
    assert f"by octo, {service} acme/shop 42 (unverified), commit" in reconcile("log")[1]
    assert f"  {said}\n" in reconcile("show", "R-1")[1]
    assert json.loads(reconcile("log", "--json")[1])["actor"]["source"] == source
    assert json.loads(reconcile("export")[1])["source"] == source


def test_redact_warns_of_an_unfinished_run(
    reconcile: Run, log: AuditLog, store: LocalStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its plan lies in the store too, with values in it."""
    run(log)
    store.write("plans/20260102T030405-1f/000000.json", b"{}", None)
    cli.command.main(["redact", "order/NW-1", "--auto-approve"], standalone_mode=False)
    assert "A run is unfinished" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("log", "--since", "yesterday"), "is not a date"),
        (("log", "--since", "2026-13-01"), "is not a date"),
        (("log", "--address", "NW-1"), "is not an address"),
        (("log", "--address", "deal/1"), "does not name a known kind"),
        (("redact", "NW-1"), "is not an address"),
        (("show", "R-9"), "no run or entry R-9"),
        (("show", HOSTILE), "no run or entry"),
    ],
)
def test_mistakes_are_reported(reconcile: Run, args: tuple[str, ...], message: str) -> None:
    """In words, before anything is done."""
    with pytest.raises(UsageError, match=message):
        reconcile(*args)


def exported(text: str) -> list[dict[str, str]]:
    """The rows of CSV."""
    return list(csv.DictReader(StringIO(text)))


def test_export_has_a_row_for_each_change(reconcile: Run, log: AuditLog) -> None:
    """The same rows as CSV and as JSON lines."""
    run(log)
    log.append([refused(GuardRefused("adopt-update: 3"), ANA)])
    found = exported(reconcile("export", "--format", "csv")[1])
    columns = ("address", "what", "name", "before", "after")
    told = [tuple(row[column] for column in columns) for row in found]
    assert told == [
        ("order/NW-1", "field", "hs_order_name", "Old name", "Anton's order"),
        ("order/NW-1", "field", "hs_total_price", "10.00", "12.50"),
        ("order/NW-1", "field", "hs_pipeline_stage", "1", "2"),
        ("order/NW-1", "link", "contact", "", "contact email=anton@example.com"),
        ("order/NW-1", "rewrite", "memo", "x ", "x"),
        ("line_item/NW-1:mug", "field", "name", "", "Mug"),
        ("line_item/NW-1:mug", "message", "", "", 'HubSpot refused "Mug" of Anton\'s order'),
        ("cart/C-1", "message", "", "", "not begun"),
        ("", "message", "", "", "adopt-update: 3"),
    ]
    assert {(row["who"], row["commit"], row["source"]) for row in found} == {
        ("Ana <ana@example.com>", "ab" * 20, "git")
    }
    lines = [json.loads(line) for line in reconcile("export")[1].splitlines()]
    shown = [{name: str(text) for name, text in line.items()} for line in lines]
    assert shown == [{"format_version": "1.0"} | row for row in found]


FORMULAS = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "\uff1d1",
    '=HYPERLINK("http://example.com")',
    "=cmd|' /C calc'!A0",
)


def test_no_cell_is_a_formula(reconcile: Run, log: AuditLog) -> None:
    """In any column that text of others reaches; numbers stay numbers."""
    fields = (*(change(text, text, text) for text in FORMULAS), change("n", "-1.5", "-2"))
    one = RecordChange(Address("order", "=K"), CHANGES[0].action, fields=fields)
    done = Outcome(one.address, one.action, Status.DONE, "=5", "=message")
    origin = Origin(Actor("=who", "git"), "=why", "=commit")
    record_run(log, plan(one), head_of("R-1"), [done], origin, traces={one.address: "=t"})
    text = reconcile("export", "--format", "csv")[1]
    found = exported(text)
    assert len(found) == len(fields) + 1
    cells = {cell for row in found for cell in row.values()}
    assert {cell for cell in cells if cell.lstrip()[:1] in tuple("=+-@\uff1d")} == {"-1.5", "-2"}
    assert found[0]["before"] == "'=1+1"


def test_json_lines_hold_texts_exactly(reconcile: Run, log: AuditLog) -> None:
    """Escaped, but the same when read."""
    one = RecordChange(ORDER, CHANGES[0].action, fields=(change("memo", HOSTILE, "=1\x7f"),))
    record_run(log, plan(one), head_of("R-1"), [Outcome(ORDER, one.action, Status.DONE)], ANA)
    text = reconcile("export")[1]
    assert text.isascii()
    assert "\x7f" not in text
    row = json.loads(text)
    assert (row["before"], row["after"]) == (HOSTILE, "=1\x7f")


def test_export_to_a_file(reconcile: Run, log: AuditLog, project: Path) -> None:
    """Mode 0600, since it holds values; erased ones are null."""
    run(log)
    reconcile("redact", "order/NW-1", "--auto-approve")
    assert reconcile("export", "--out", "audit.jsonl") == (0, "")
    file = project / "audit.jsonl"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first = json.loads(file.read_text().splitlines()[0])
    assert (first["name"], first["before"], first["after"]) == ("hs_order_name", None, None)
    reconcile("export", "--format", "csv", "--out", "audit.csv")
    assert exported((project / "audit.csv").read_text())[0]["before"] == "(erased)"


def test_show_says_why_a_long_run_ended(reconcile: Run, log: AuditLog) -> None:
    """Once, after its last records."""
    planned, done = updates(MAX_RECORDS + 1)
    record_run(log, planned, head_of("R-1"), done, ANA, ended="HTTP 401: expired")
    code, text = reconcile("show", "R-1")
    assert code == 0
    assert text.count("HTTP 401: expired") == 1
    assert text.rstrip().endswith("HTTP 401: expired")


def test_export_since(reconcile: Run, log: AuditLog) -> None:
    """A date is the beginning of its day in UTC."""
    run(log)
    assert reconcile("export", "--since", "2026-01-03") == (0, "")
    assert reconcile("export", "--since", "2026-01-02")[1] != ""


@pytest.mark.parametrize("args", [("log",), ("show", "R-1"), ("verify",)])
def test_usual_output_fits_80_columns(reconcile: Run, log: AuditLog, args: tuple[str, ...]) -> None:
    """Of a usual run, in a pipe as on a terminal."""
    run(log)
    assert [line for line in reconcile(*args)[1].splitlines() if len(line) > 80] == []


def test_on_a_terminal_it_is_coloured(
    reconcile: Run, log: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says the same without the colours."""
    run(log)
    plain = reconcile("show", "R-1")[1]
    monkeypatch.setattr("reconcile.cli.audit.colored", lambda: True)
    coloured = reconcile("show", "R-1")[1]
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_a_damaged_log_is_an_error(reconcile: Run, log: AuditLog, store: LocalStore) -> None:
    """With the way to learn more."""
    run(log)
    replace_line(store, "audit/000000", 0, b"{}")
    with pytest.raises(UsageError, match="entry 1 of the audit log cannot be read") as caught:
        reconcile("log")
    assert "verify" in caught.value.hint
