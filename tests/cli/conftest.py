"""The real program, in this process or as one of its own, on a test's projects and accounts."""

import shutil
import signal
import sqlite3
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconcile.cli import main
from reconcile.sandbox import Sandbox, Switches
from tests.proxy import QuietServer

SCRIPT = Path(sysconfig.get_path("scripts")) / "reconcile"
SEED = Path(__file__).with_name("seed.json")
TOKEN = "SHOP_TOKEN"  # the variable's name
READING_POSTS = ("/batch/read", "/search", "/access-token-info")
TABLES = (
    "record",
    "merged",
    "unique_value",
    "association",
    "label",
    "property",
    "property_group",
    "pipeline",
    "stage",
)

PROJECT = """\
version: 1
manifests: [manifests]
target: shop
targets:
  shop:
    url: {url}
    token: ${env:SHOP_TOKEN}
"""

SHOP = """\
kind: order
key: A-1
properties:
  hs_order_name: First order
  hs_total_price: 20.00
  hs_pipeline: Order Pipeline
  hs_pipeline_stage: Open
  hs_shipping_address_city: Porto
line_items:
  - key: A-1:mug
    properties: {name: Mug, quantity: 2, price: 10.00}
associations:
  contact: [{email: ines.rocha@example.com}]
---
kind: cart
key: C-1
properties: {hs_cart_name: A cart}
"""


@dataclass(frozen=True)
class Result:
    """What one run of the program said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        """Everything it said."""
        return self.out + self.err


class Account:
    """A HubSpot look-alike, served on loopback, whose content and calls can be compared."""

    def __init__(self, path: Path, *, switches: Switches | None = None) -> None:
        self.path = path
        self.server = Sandbox(path, seed=SEED, switches=switches)

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def token(self) -> str:
        return self.server.token

    def dump(self) -> list[tuple[object, ...]]:
        """All that the API can change; tokens and the record of calls left out."""
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as connection:
            return [
                (table, *row)
                for table in TABLES
                for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3")  # noqa: S608
            ]

    def count(self, kind: str) -> int:
        """How many records of a kind (``orders``) there are, archived ones left out."""
        return len(self.properties(kind))

    def properties(self, kind: str) -> list[str]:
        """The properties of every record of a kind, as the JSON they lie there as."""
        types = {"orders": "0-123", "carts": "0-142", "line_items": "0-8"}
        query = "SELECT properties FROM record WHERE type = ? AND archived_at IS NULL"
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as connection:
            return [row[0] for row in connection.execute(query, (types[kind],))]

    def writes(self) -> list[str]:
        """The calls since the last clearing that could have changed something."""
        return [
            f"{call.method} {call.path}"
            for call in self.server.requests()
            if call.method != "GET" and not call.path.endswith(READING_POSTS)
        ]


@dataclass
class Project:
    """A folder with a project file and manifests, and the environment the program finds there."""

    folder: Path
    account: Account
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    secrets: list[str] = field(default_factory=list)
    started: "list[subprocess.Popen[str]]" = field(default_factory=list)

    def write(self, text: str, name: str = "manifests/shop.yaml") -> Path:
        """Write a file of the project."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def settings(self, text: str) -> None:
        """Write the project file; ``{url}`` stands for the account's address."""
        self.write(text.replace("{url}", self.account.url), "reconcile.yaml")

    def token(self, token: str) -> None:
        """Give the program another token, which must never show."""
        self.secrets.append(token)
        self.monkeypatch.setenv(TOKEN, token)

    def env(self, **variables: str) -> None:
        """Set environment variables."""
        for name, value in variables.items():
            self.monkeypatch.setenv(name, value)

    def run(self, *args: str | Path, cwd: Path | None = None) -> Result:
        """Run ``reconcile ARGS`` here, in this process."""
        self.capsys.readouterr()
        self.monkeypatch.chdir(cwd or self.folder)
        self.monkeypatch.setattr(sys, "argv", ["reconcile", *map(str, args)])
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = self.capsys.readouterr()
        code = stop.value.code
        assert isinstance(code, int)
        return self._clean(Result(code, out, err))

    def fine(self, *args: str | Path, code: int = 0) -> str:
        """Run what must succeed; what it said."""
        result = self.run(*args)
        assert result.code == code, result.all
        return result.out

    def refused(self, *args: str | Path, code: int = 1, cwd: Path | None = None) -> str:
        """Run what must be refused with one message and no trace anywhere; the message."""
        before = self.account.dump(), self.files()
        self.account.server.clear_requests()
        result = self.run(*args, cwd=cwd)
        assert result.code == code, result.all
        assert self.account.writes() == []
        assert (self.account.dump(), self.files()) == before
        assert result.err.lower().count("error: ") == 1, result.err
        return result.err

    def process(
        self, *args: str | Path, program: Sequence[str | Path] = (SCRIPT,)
    ) -> "subprocess.Popen[str]":
        """Start ``reconcile ARGS`` as a process of its own, its output in pipes."""
        defaults: dict[str, object] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
            "encoding": "utf-8",
        }
        process: subprocess.Popen[str] = subprocess.Popen(  # type: ignore[call-overload]
            [*program, *args], cwd=self.folder, **defaults
        )
        self.started.append(process)
        return process

    def end(self, process: "subprocess.Popen[str]", send: signal.Signals | None = None) -> Result:
        """Wait for a process, after a signal where one is named; never for long."""
        if send is not None:
            process.send_signal(send)
        try:
            out, err = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
        return self._clean(Result(process.returncode, out or "", err or ""))

    def interrupted(self, *args: str, at: str) -> Result:
        """Run a command that gets Ctrl-C while a call to a path that ends with ``at`` waits."""
        with Relay(self.account, at) as relay:
            self.settings(PROJECT.replace("{url}", relay.url))
            process = self.process(*args)
            assert relay.held.wait(20)
            process.send_signal(signal.SIGINT)
            relay.release()
            result = self.end(process)
        self.settings(PROJECT)
        return result

    def files(self) -> dict[str, bytes]:
        """Every file of the project, state and plans too.

        Locks and the audit log are left out, and what has git leave the state's folder alone.

        The log is told of refusals too.
        """
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
            and not path.name.endswith(("lock", ".gitignore"))
            and not {"audit", "audit-values"} & set(path.parts)
        }

    def check_files(self) -> None:
        """No file of the project holds a token."""
        for name, data in self.files().items():
            for secret in self.secrets:
                assert secret.encode() not in data, f"{name} holds a token"

    def _clean(self, result: Result) -> Result:
        assert "Traceback" not in result.all
        assert "internal error: " not in result.all, result.err
        for secret in self.secrets:
            assert secret not in result.all
        return result


class Relay:
    """A proxy before an account that keeps chosen calls waiting, so that a test can interrupt.

    ``hold`` names the end of a path; calls to it are passed on, but answered only once released,
    but for the first ``after`` ones.
    """

    def __init__(self, account: Account, hold: str, *, after: int = 0) -> None:
        self.held = threading.Event()
        passing = iter(range(after))
        self._released = threading.Event()
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(size) if size else None
                host = account.url.removeprefix("http://")
                with closing(HTTPConnection(host, timeout=60)) as onward:
                    onward.request(self.command, self.path, body, dict(self.headers))
                    answer = onward.getresponse()
                    content = answer.read()
                if self.path.partition("?")[0].endswith(hold) and next(passing, None) is None:
                    relay.held.set()
                    relay._released.wait(30)
                with suppress(OSError):
                    self.send_response(answer.status)
                    kind = answer.getheader("Content-Type") or "application/json"
                    self.send_header("Content-Type", kind)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)

            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = QuietServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Relay":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def release(self) -> None:
        """Answer everything from now on."""
        self._released.set()


MakeProject = Callable[[Account], Project]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No terminal, and the program's signal handler goes with the test."""
    monkeypatch.delenv("TERM", raising=False)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with what ``seed.json`` holds, to be copied."""
    path = tmp_path_factory.mktemp("account") / "filled.sqlite"
    with Sandbox(path, seed=SEED):
        pass
    return path


@pytest.fixture(scope="module")
def shared(_filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account for a module's tests that write nothing in it."""
    path = Path(shutil.copy(_filled, tmp_path_factory.mktemp("shared") / "hubspot.sqlite"))
    account = Account(path)
    with account.server:
        yield account


@pytest.fixture
def account(_filled: Path, tmp_path: Path) -> Iterator[Account]:
    """An account of the test's own, with the keys' properties, a contact and a company."""
    account = Account(Path(shutil.copy(_filled, tmp_path / "hubspot.sqlite")))
    with account.server:
        yield account


@pytest.fixture
def make_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[MakeProject]:
    """What makes a project on an account, with one order and one cart declared."""
    made: list[Project] = []

    def make(account: Account) -> Project:
        folder = tmp_path / f"project-{len(made)}"
        folder.mkdir()
        project = Project(folder, account, monkeypatch, capsys)
        project.token(account.token)
        project.settings(PROJECT)
        project.write(SHOP)
        made.append(project)
        return project

    yield make
    for project in made:
        for process in project.started:
            if process.poll() is None:
                process.kill()
                process.communicate()
        project.check_files()


@pytest.fixture
def project(make_project: MakeProject, account: Account) -> Project:
    """A project on an account of the test's own."""
    return make_project(account)


@pytest.fixture
def reader(make_project: MakeProject, shared: Account) -> Project:
    """A project on the module's account: for tests in which nothing is written there."""
    return make_project(shared)


def run_script(
    *args: str | Path, cwd: Path, environ: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """The program as a process of its own, to its end."""
    command: Sequence[str | Path] = [SCRIPT, *args]
    return subprocess.run(
        command,
        cwd=cwd,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


class Shop:
    """Somebody who writes orders into the account, without keys."""

    def __init__(self, project: Project) -> None:
        account = project.account
        headers = {"Authorization": f"Bearer {account.token}"}
        self.http = httpx.Client(base_url=account.url, headers=headers, trust_env=False)

    def post(self, path: str, body: object) -> Any:
        """Call the API."""
        return self.http.post(path, json=body).raise_for_status().json()

    def make(self, object_: str, /, **properties: str) -> str:
        """Make a record; return its id."""
        return str(self.post(f"/crm/v3/objects/{object_}", {"properties": properties})["id"])

    def order(self, *lines: dict[str, str], **properties: str) -> str:
        """Make an order with its line items."""
        order = self.make("orders", **properties)
        for line in lines:
            item = self.make("line_items", **line)
            ends = {"from": {"id": item}, "to": {"id": order}}
            types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 514}]
            body = {"inputs": [ends | {"types": types}]}
            self.post("/crm/v4/associations/line_items/orders/batch/create", body)
        return order


@pytest.fixture
def shop(project: Project) -> Iterator[Shop]:
    """An account with the project's key properties, and an empty project."""
    (project.folder / "manifests" / "shop.yaml").unlink()
    shop = Shop(project)
    with shop.http:
        yield shop
