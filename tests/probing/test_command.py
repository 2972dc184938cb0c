"""`reconcile doctor --probe` as a person or CI runs it."""

import json
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from probed import Probed, advance

from reconcile.cli import main
from reconcile.probing import Probe
from reconcile.sandbox import Switches

SCRIPT = Path(sysconfig.get_path("scripts")) / "reconcile"


@dataclass
class Desk:
    """A project whose target is a probed account, and the program run there."""

    world: Probed
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def run(self, *args: str) -> tuple[int, str, str]:
        """Run ``reconcile doctor ARGS``: exit code, stdout, stderr."""
        self.monkeypatch.chdir(self.folder)
        self.monkeypatch.setattr(sys, "argv", ["reconcile", "doctor", *args])
        waiting = partial(Probe, sleep=advance(self.world.sandbox))
        self.monkeypatch.setattr("reconcile.cli.probe.Probe", waiting)
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = self.capsys.readouterr()
        assert self.world.sandbox.token not in out + err
        return int(stop.value.code or 0), out, err

    def refused(self, *args: str) -> str:
        """Run what must be refused with nothing written; its message."""
        before = self.world.dump()
        code, out, err = self.run(*args)
        assert code == 1
        assert "held" not in out
        assert self.world.writes() == []
        assert self.world.dump() == before
        return err


@pytest.fixture
def seat(
    build: Callable[..., Probed],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Callable[..., Desk]]:
    """Seat a person before an account of some switches, with a token of some scopes."""
    for name in ("CI", "GITHUB_ACTIONS", "RECONCILE_TARGET"):
        monkeypatch.delenv(name, raising=False)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def make(switches: Switches | None = None, scopes: list[str] | None = None) -> Desk:
        world = build(switches)
        sandbox = world.sandbox
        token = sandbox.token if scopes is None else sandbox.add_token(scopes)
        target = {"url": sandbox.url, "token": "${env:PROBE_TOKEN}"}
        project = {"version": "1", "manifests": ["manifests"], "targets": {"dev": target}}
        (tmp_path / "reconcile.yaml").write_text(json.dumps(project), encoding="utf-8")
        monkeypatch.setenv("PROBE_TOKEN", token)
        world.sandbox.clear_requests()
        return Desk(world, tmp_path, monkeypatch, capsys)

    yield make
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def desk(seat: Callable[..., Desk]) -> Desk:
    """A person before an account under default switches."""
    return seat()


def test_it_announces_asks_and_sums_up(seat: Callable[..., Desk]) -> None:
    """The command announces what it will do, a row for each question, and the switches to set."""
    home = {"company_currency": "EUR", "additional_currencies": ("CHF",)}
    desk = seat(Switches(numbers_read_back="as_sent", **home))  # type: ignore[arg-type]
    code, out, err = desk.run("--probe", "--auto-approve")
    assert code == 0, err
    assert "Probe    41 questions, at most " in out
    assert "named reconcile_probe_" in out
    assert 'differs  number-read-back          "10.50" on an order reads back as it was sent' in out
    assert 'expected: "10.50" on an order reads back as "10.5"' in out
    assert "41 questions: 37 held as expected, 1 differ, 3 skipped, 0 unclear." in out
    assert "  company_currency = 'EUR'\n  additional_currencies = ('CHF',)\n" in out
    assert "  numbers_read_back = 'as_sent'\n" in out
    assert "All records that were created are archived, all properties are deleted." in out
    sent = len(desk.world.sandbox.requests())
    assert f" {sent - 2} calls were sent." in out  # besides the account's details and the scopes


def test_the_report_is_a_private_file(desk: Desk) -> None:
    """--report writes JSON with mode 0600, in the place of an older one."""
    path = desk.folder / "report.json"
    path.write_text("old", encoding="utf-8")
    code, _, err = desk.run("--probe", "--auto-approve", "--report", str(path))
    assert code == 0
    assert f"The report is in {path}." in err
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text(encoding="utf-8")
    report = json.loads(text)
    assert report["format_version"] == "1.0"
    assert len(report["questions"]) == 41
    assert desk.world.sandbox.token not in text
    assert str(desk.world.sandbox.portal_id) not in text
    assert not list(desk.folder.glob(".report*"))


@pytest.mark.parametrize("kind", ["STANDARD", ""])
def test_a_standard_account_is_refused(seat: Callable[..., Desk], kind: str) -> None:
    """An account of type STANDARD, or of none that is known, is not probed unless allowed."""
    desk = seat(Switches(account_type=kind))  # type: ignore[arg-type]
    said = desk.refused("--probe", "--auto-approve")
    assert f"is of the type {kind or 'unknown'}" in said
    assert "hint: use a developer test account, or add --allow-standard" in said
    code, out, _ = desk.run("--probe", "--auto-approve", "--allow-standard")
    assert code == 0
    assert "38 held as expected" in out


def test_nobody_to_ask(desk: Desk) -> None:
    """Without a terminal and without --auto-approve nothing begins."""
    assert "cannot ask for confirmation: the input is not a terminal" in desk.refused("--probe")


def test_the_answer_no(desk: Desk) -> None:
    """Without a yes the account stays unchanged."""
    desk.monkeypatch.setattr("reconcile.cli.probe.confirm", lambda _: False)
    assert "Nothing was asked and nothing written." in desk.refused("--probe")


@pytest.mark.parametrize("option", ["--allow-standard", "--auto-approve", "--report=x.json"])
def test_options_of_the_probe_alone(desk: Desk, option: str) -> None:
    """The probe's options without --probe are an error before any call."""
    assert "are for --probe only" in desk.refused(option)
    assert desk.world.sandbox.requests() == []


def test_a_report_that_cannot_be_saved(desk: Desk) -> None:
    """A report in a folder that is not there is refused before anything is written."""
    said = desk.refused("--probe", "--auto-approve", "--report", "nowhere/report.json")
    assert "the report cannot be saved in nowhere/report.json" in said


def test_missing_scopes(seat: Callable[..., Desk]) -> None:
    """The command says how many questions it skips for want of scopes, and of which for each."""
    desk = seat(scopes=["crm.objects.orders.read", "crm.objects.orders.write"])
    code, out, _ = desk.run("--probe", "--auto-approve")
    assert code == 0
    assert "questions for lack of scopes; the table shows which" in out
    assert "the token lacks crm.objects.carts.read, crm.objects.carts.write" in out
    assert "held     missing-scope-shape " in out


def test_what_is_left_makes_it_fail(desk: Desk) -> None:
    """What could not be removed is listed, and the exit code is 1."""
    desk.monkeypatch.setattr("reconcile.probing.probe_run.clean_up", lambda _: None)
    code, out, _ = desk.run("--probe", "--auto-approve")
    assert code == 1
    left = out.partition("Not removed, or not confirmed as removed:\n")[2]
    assert "  orders with the ids 4" in left
    assert "_key of line_items\n" in left


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_process_that_is_interrupted(desk: Desk, number: signal.Signals) -> None:
    """Interrupted, the program removes what it made, saves the report and exits with 1."""
    before = desk.world.dump()
    report = desk.folder / "report.json"
    args = [str(SCRIPT), "doctor", "--probe", "--auto-approve", "--report", str(report)]
    with subprocess.Popen(
        args, cwd=desk.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        while not process.stdout.readline().startswith("held"):
            assert process.poll() is None
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "interrupted; removing what was created (interrupt again to stop)" in err
    assert "The probe did not finish: interrupted" in out
    # The signal may hit a create on its way, of which nobody can say whether it was carried out.
    archived = "All records that were created are archived" in out
    assert archived or "its create had no answer" in out
    assert json.loads(report.read_text(encoding="utf-8"))["ended"] == "interrupted"
    assert desk.world.dump() == before
