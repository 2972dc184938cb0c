"""Interrupts, readers that go away, and what reaches a pipe."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from tests.cli.conftest import PROJECT, SCRIPT, Project, Relay, run_script

ORDERS, LINES = 120, 90
ORDER = """\
kind: order
key: M-{0}
properties: {{hs_order_name: Order {0}}}
"""
LINE = """\
line_items:
  - {{key: "M-{0}:1", properties: {{name: Mug, quantity: 1, price: 2.00}}}}
"""
MANY = "---\n".join(
    (ORDER + LINE if number < LINES else ORDER).format(number) for number in range(ORDERS)
)
SIGNALS = [signal.SIGINT, signal.SIGTERM]
HASTY = (
    sys.executable,
    "-c",
    "import sys; from reconcile.cli import main; "
    "sys.modules['reconcile.cli.main'].PATIENCE = 0.3; main()",
)
"""The program, with less patience."""
OWN = "version: 1\nmanifests: [manifests]\ntargets: {own: {sandbox: true}}\n"


@pytest.fixture
def many(project: Project) -> Project:
    """A project with more orders than fit in one batch, and fewer line items."""
    project.write(MANY)
    return project


def completes(project: Project) -> None:
    """The next apply brings everything about, once, and then there is nothing to do."""
    project.settings(PROJECT)
    project.fine("apply", "--auto-approve")
    assert project.account.count("orders") == ORDERS
    assert project.account.count("line_items") == LINES
    assert f"No changes. {ORDERS + LINES} records" in project.fine("plan", "--detailed-exitcode")


@pytest.mark.matrix(keep=2)
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize(
    ("held", "code", "told"),
    [
        ("/orders/batch/upsert", 5, ("Interrupted: ", "Continue with `reconcile resume`.")),
        ("/line_items/batch/create", 0, ("Apply complete: ", "a new plan is empty.")),
    ],
)
def test_interrupted_apply(
    many: Project, number: signal.Signals, held: str, code: int, told: tuple[str, str]
) -> None:
    """An interrupted apply exits with 5 and says how to go on, unless nothing was left to do."""
    with Relay(many.account, held) as relay:
        many.settings(PROJECT.replace("{url}", relay.url))
        process = many.process("apply", "--auto-approve")
        assert relay.held.wait(20)
        process.send_signal(number)
        relay.release()
        result = many.end(process)
    assert result.code == code, result.err
    last = result.out.splitlines()[-2:]
    assert last[0].startswith(told[0])
    assert last[0].endswith(told[1])
    assert last[1].startswith("Target shop: account ")
    completes(many)


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("held", ["/orders/batch/upsert", "/line_items/batch/create"])
def test_interrupted_while_hubspot_is_silent(many: Project, held: str) -> None:
    """A call that is never answered does not keep an interrupted apply from ending."""
    with Relay(many.account, held) as relay:
        many.settings(PROJECT.replace("{url}", relay.url))
        process = many.process("apply", "--auto-approve", program=HASTY)
        assert relay.held.wait(20)
        result = many.end(process, signal.SIGTERM)
    assert result.code == 5
    assert "ontinue with `reconcile resume`" in result.all
    completes(many)


def test_interrupted_twice(many: Project) -> None:
    """A second Ctrl-C ends an apply at once, with 5 as well and without a traceback."""
    with Relay(many.account, "/orders/batch/upsert") as relay:
        many.settings(PROJECT.replace("{url}", relay.url))
        process = many.process("apply", "--auto-approve")
        assert relay.held.wait(20)
        process.send_signal(signal.SIGINT)
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            time.sleep(0.05)
        result = many.end(process)
    assert result.code == 5
    digest, told = result.err.splitlines()
    assert digest.startswith("Content digest: ")
    assert told == "interrupted twice; continue with `reconcile resume`"
    completes(many)


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_interrupted_plan(many: Project, number: signal.Signals) -> None:
    """An interrupted plan exits with 1 and has written nothing, no plan file either."""
    before = many.account.dump()
    with Relay(many.account, "/orders/batch/read") as relay:
        many.settings(PROJECT.replace("{url}", relay.url))
        files = many.files()
        process = many.process("plan", "--out", "p")
        assert relay.held.wait(20)
        process.send_signal(number)
        relay.release()
        result = many.end(process)
    assert (result.code, result.out, result.err.strip()) == (1, "", "interrupted")
    assert (many.account.dump(), many.files()) == (before, files)


def test_interrupted_plan_while_hubspot_is_silent(many: Project) -> None:
    """A call that is never answered does not keep an interrupted plan from ending."""
    with Relay(many.account, "/orders/batch/read") as relay:
        many.settings(PROJECT.replace("{url}", relay.url))
        process = many.process("plan", program=HASTY)
        assert relay.held.wait(20)
        result = many.end(process, signal.SIGINT)
    assert (result.code, result.out) == (1, "")
    assert "interrupted" in result.err
    assert many.account.writes() == []


@pytest.mark.matrix(keep=2)
@pytest.mark.parametrize("command", ["plan", "show p", "show p --format json", "--help"])
def test_reader_that_is_gone(many: Project, command: str) -> None:
    """Where nobody reads any more, a command ends in silence."""
    many.fine("plan", "--out", "p")
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [SCRIPT, *command.split()],
            cwd=many.folder,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert done.stderr == ""
    assert done.returncode != 0


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("command", ["plan", "show p", "show p --format json", "--help"])
def test_reader_goes_away(many: Project, command: str) -> None:
    """``reconcile … | head -1`` says nothing of the pipe, whether or not all of it fitted in."""
    many.fine("plan", "--out", "p")
    done = subprocess.run(
        ["bash", "-c", f'"{SCRIPT}" {command} | head -c 20'],
        cwd=many.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert len(done.stdout) == 20
    for line in done.stderr.splitlines():
        assert line.startswith(("Content digest: ", "Applying this takes about ")), line


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("command", [("plan",), ("apply", "--auto-approve"), ("doctor",)])
def test_pipes_get_no_colour(project: Project, command: tuple[str, ...]) -> None:
    """What does not go to a terminal holds no escape sequence."""
    result = project.end(project.process(*command))
    assert result.code == 0
    assert "\x1b" not in result.all


def test_output_of_a_plain_locale(project: Project) -> None:
    """Where the locale knows ASCII only nothing fails for an accent."""
    text = "kind: cart\nkey: Ç-1\nproperties: {hs_cart_name: Inês 日本}\n"
    project.write(text)
    environ = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = run_script("plan", cwd=project.folder, environ=environ)
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    (project.folder / "manifests" / "shop.yaml").write_text("kind: cärt\n", encoding="utf-8")
    done = run_script("plan", cwd=project.folder, environ=environ)
    assert done.returncode == 1
    assert "manifests/shop.yaml:1:7: unknown kind" in done.stderr


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_sandbox_serve(reader: Project, number: signal.Signals) -> None:
    """serve prints URL, token and a curl line that works, and ends cleanly when interrupted."""
    reader.write(OWN, "reconcile.yaml")
    process = reader.process("sandbox", "serve")
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    url = lines[0].removeprefix("URL    ").strip()
    token = lines[1].removeprefix("Token  ").strip()
    curl = lines[2].removeprefix("Try    ").strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
    assert curl == f"curl -H 'Authorization: Bearer {token}' {url}/crm/v3/objects/orders"
    request = urllib.request.Request(  # noqa: S310
        f"{url}/crm/v3/objects/orders", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        assert json.load(answer) == {"results": []}
    result = reader.end(process, number)
    assert result.code == 0
    # It may be stopped before it has said how to.
    assert result.err.removeprefix("Stop with Ctrl-C; the data stays.\n") == "stopped\n"


def test_sandbox_serve_port_in_use(reader: Project) -> None:
    """A port that is taken is told by its number."""
    reader.write(OWN, "reconcile.yaml")
    reader.fine("doctor")
    port = reader.account.url.rpartition(":")[2]
    said = reader.refused("sandbox", "serve", "--port", port)
    assert f"cannot be served on port {port}: Address already in use" in said


def test_sandbox_takes_no_other_host(reader: Project) -> None:
    """There is no option to serve beyond this machine."""
    assert "no such option '--host'" in reader.refused("sandbox", "serve", "--host", "::")


def test_two_applies_at_once(many: Project) -> None:
    """Of two applies at a time one is refused with 4, and nothing is made twice."""
    with Relay(many.account, "/orders/batch/upsert") as relay:
        many.settings(PROJECT.replace("{url}", relay.url))
        first = many.process("apply", "--auto-approve")
        assert relay.held.wait(20)
        many.settings(PROJECT)
        second = many.run("apply", "--auto-approve")
        relay.release()
        result = many.end(first)
    assert second.code == 4
    assert re.search(r"is locked by \S+@\S+ \(process \d+\), since 20\S+, doing apply", second.err)
    assert result.code == 0
    assert many.account.count("orders") == ORDERS
    assert threading.active_count() < 20


def test_files_are_for_their_owner(project: Project, tmp_path: Path) -> None:
    """State, key, lock and plan are readable for their owner only, whatever the umask."""
    before = os.umask(0)
    try:
        project.fine("plan", "--out", "p")
        project.fine("apply", "p")
    finally:
        os.umask(before)
    home = project.folder / "state" / "shop"
    private = [*home.rglob("*"), home, project.folder / "p"]
    assert {path.name for path in private} >= {"head.json", "key", "p"}
    assert [path for path in private if path.stat().st_mode & 0o077] == []


def test_plan_after_a_kill_is_not_empty(many: Project) -> None:
    """A plan names what a killed run left in doubt, and `--detailed-exitcode` is 2."""
    with Relay(many.account, "/orders/batch/upsert") as relay:
        many.settings(PROJECT.replace("{url}", relay.url))
        process = many.process("apply", "--auto-approve")
        assert relay.held.wait(20)
        assert many.end(process, signal.SIGKILL).code == -signal.SIGKILL
    many.settings(PROJECT)
    result = many.run("plan", "--detailed-exitcode")
    assert result.code == 2
    assert "order/M-0, order/M-1, " in result.out
    assert "units left out (in doubt)" in result.out
    assert "No changes" not in result.out
    completes(many)
