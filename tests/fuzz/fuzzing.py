"""A project whose files are damaged, and what must be true of every command run on it."""

import contextlib
import io
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from damage import in_bytes, in_file, in_log, is_entry
from scene import Scene
from world import World, cart, line, order

from reconcile.cli import main
from reconcile.hubspot.client import HubSpot
from reconcile.recovery import recover

SECONDS = 60
"""How long a command may take; it takes a fraction of one."""

PLAN = "saved.plan"
SANDBOX = "state/own/sandbox.sqlite"

_MACHINERY = re.compile(r".*/(lock|write-lock|lock-holder|\.gitignore)")
_NEVER_SHOWN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_CODES = frozenset(range(7))
_REFUSED = (1, 3, 4)

Files = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Command:
    """A command line; ``writes`` is whether it may change the project where it is not refused."""

    words: tuple[str, ...]
    writes: bool = False


def _reads(*texts: str) -> tuple[Command, ...]:
    return tuple(Command(tuple(text.split())) for text in texts)


def _writes(*texts: str) -> tuple[Command, ...]:
    return tuple(Command(tuple(text.split()), writes=True) for text in texts)


ALLOW = "--allow adopt-update=1 --allow both=1"
"""What the undamaged project holds back: with damage, apply may refuse these numbers."""

_STORE = (
    *_reads("plan", "plan --json", "status", "status --json", "state list", "lock show"),
    *_reads("state show order/A-1", "audit log", "audit verify"),
    *_writes("apply --auto-approve", f"apply --auto-approve {ALLOW}", f"apply {PLAN}", "resume"),
    *_writes("state rm order/A-1 --auto-approve", "state push file:elsewhere"),
)
_AUDIT = (
    *_reads("audit log", "audit log --json", "audit log --address order/A-1", "audit show 1"),
    *_reads("audit show 2", "audit show {run}", "audit verify", "audit export"),
    *_reads("audit export --format csv", "audit log --since 2020-01-01", "status"),
    *_writes("audit redact order/A-1 --auto-approve", "state rm order/A-1 --auto-approve"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """Files of one sort, by the beginnings of their names, and the commands that read them."""

    files: tuple[str, ...]
    commands: tuple[Command, ...]
    bases: tuple[str, ...] = ("applied", "killed early", "killed late")


PARTS = {
    "manifests": Part(
        ("manifests/",),
        (
            *_reads("validate", "validate --json", "plan", "plan --json", "plan --prune"),
            *_reads("state mv order/A-1 order/M-1 --dry-run"),
            *_writes("apply --auto-approve", f"apply --auto-approve {ALLOW}"),
            *_writes(f"apply {PLAN}", "resume"),
        ),
    ),
    "project file": Part(
        ("reconcile.yaml",),
        (
            *_reads("validate", "plan", "status", "state list", "audit log", "lock show"),
            *_writes("apply --auto-approve", "resume", "state push file:elsewhere"),
            *_writes("init --auto-approve"),
        ),
    ),
    "plans": Part(
        (PLAN,),
        (
            *_reads(f"show {PLAN}", f"show {PLAN} --format markdown", f"show {PLAN} --format json"),
            *_writes(f"apply {PLAN}"),
        ),
    ),
    "state": Part(
        tuple(f"state/test/{name}" for name in ("head", "applied", "shards/", "key", "lock-h")),
        _STORE,
    ),
    "journals": Part(
        ("state/test/runs/", "state/test/plans/"),
        (*_STORE, *_AUDIT),
        ("killed early", "killed late"),
    ),
    "audit": Part(("state/test/audit/", "state/test/audit-values/"), (*_AUDIT, *_STORE)),
    "sandbox": Part(
        (SANDBOX,),
        (
            *_reads("plan", "sandbox info", "doctor"),
            *_writes("apply --auto-approve", "sandbox reset --auto-approve"),
            *_writes("sandbox seed seed.json"),
        ),
        ("sandbox",),
    ),
}

DOCUMENTS = (
    order(
        "A-1",
        [line("A-1:1", name="Mug", price="5"), line("A-1:2", name="Cup")],
        memo="a",
        associations={"contact": [{"email": "ana@example.com"}]},
    ),
    order("A-2", memo="b", hs_tags="x"),
    order("A-3", memo="c", lifecycle={"protect": "true"}),
    order("A-4", memo="d"),
    cart("C-1", [line("C-1:1", name="Pen")], memo="e"),
)
LATER = (
    order(
        "A-1",
        [line("A-1:1", name="Mug", price="6"), line("A-1:3", name="Jug")],
        memo="a2",
        associations={"company": [{"id": "501", "label": "Payer"}], "cart": [{"key": "C-1"}]},
    ),
    order("A-2", memo="b2", hs_pipeline="Order Pipeline", hs_pipeline_stage="Shipped"),
    order("A-3", memo="c", lifecycle={"protect": "true", "ignore": ["hs_tags"]}),
    order("A-4", lifecycle={"state": "absent"}),
    order("A-5", [line("A-5:1", name="Pot")], memo="f", hs_currency_code="XXL"),
    order("A-6", memo="g", moved_from="A-0"),
    order("A-7", memo="personal", associations={"contact": [{"email": "nobody@example.com"}]}),
    cart("C-1", memo="e2"),
)


@dataclass(slots=True)
class Base:
    """A project to begin a case with: its files, and what its account has."""

    files: Files
    account: Path
    lineage: str = ""
    run: str = ""


@dataclass(slots=True)
class Case:
    """One damaged file or log, and one command. Damage and command follow from part and number."""

    part: str
    number: int
    base: str
    file: str
    command: Command
    damaged: Files
    out: str = ""
    err: str = ""
    code: int | None = None
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        words = " ".join(self.command.words)
        what = f"{self.part} {self.number}: {words} ({self.base}, {self.file})"
        return "\n".join([what, *self.faults, self.err[-3000:]])


class Fuzzer:
    """Projects to damage, in a folder beside which nothing may be written."""

    def __init__(self, folder: Path, template: Path) -> None:
        self._outer = folder
        self._template = template
        self._stack = contextlib.ExitStack()
        self._bases: dict[str, Base] = {}
        self._slept = 0.0

    def __enter__(self) -> "Fuzzer":
        """Make the projects."""
        world = World(self._outer / "project", template=self._template)
        self.world = self._stack.enter_context(world)
        self.folder = self.world.folder
        self._secrets = [self.world.sandbox.token]
        self._stack.enter_context(self._quiet())
        self._make_bases()
        return self

    def __exit__(self, *about: object) -> None:
        """Stop the account."""
        self._stack.close()

    def case(self, part: str, number: int) -> Case:
        """Damage a file or a log, run a command, and say what was wrong with that."""
        chance = random.Random(f"{part} {number}")
        about = PARTS[part]
        base = chance.choice(about.bases)
        given = self.begin(base)
        names = sorted(name for name in given.files if name.startswith(about.files))
        file = chance.choice(names)
        if base == "sandbox":
            damaged = {file: in_database(self.folder / file, chance)}
        elif is_entry(file) and chance.random() < 0.7:
            damaged = in_log(file, given.files, chance)
        else:
            damaged = {file: in_file(file, given.files[file], chance, lineage=given.lineage)}
        command = chance.choice(about.commands)
        words = tuple(word.format(run=given.run) for word in command.words)
        case = Case(part, number, base, file, Command(words, writes=command.writes), damaged)
        self._damage(case)
        self._judge(case)
        return case

    def begin(self, base: str) -> Base:
        """Have the files and the account of a project, as they were made."""
        self._restore(base)
        return self._bases[base]

    def try_(self, base: str, file: str, damaged: bytes | Files, *words: str) -> Case:
        """Run a command that only reads on a project with one file damaged, or the log it is of."""
        files = {file: damaged} if isinstance(damaged, bytes) else damaged
        case = Case("", 0, base, file, Command(words), files)
        self._damage(case)
        self._judge(case)
        return case

    def _damage(self, case: Case) -> None:
        """Write what is damaged; of a log, remove the entries that are not there any more."""
        if len(case.damaged) > 1 or case.file not in case.damaged:
            for path in (self.folder / case.file).parent.iterdir():
                path.unlink()
        for name, data in case.damaged.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def _judge(self, case: Case) -> None:
        before, outside = self._files(), self._outside()
        account = self._dump() if case.command.writes else ()
        case.code, case.out, case.err = self.run(*case.command.words)
        case.faults += self._faults_of_words(case)
        if self._outside() != outside:
            case.faults.append("something outside the project was written")
        refused = case.code in _REFUSED
        if case.command.writes and not refused:
            return
        after = self._files()
        changed = sorted(
            name
            for name in before.keys() | after.keys()
            if before.get(name) != after.get(name) and not _may_change(name, case)
        )
        if changed:
            case.faults.append(f"changed: {', '.join(changed)}")
        if case.command.writes and self._dump() != account:
            case.faults.append("the account was changed")

    def _faults_of_words(self, case: Case) -> Iterator[str]:
        said = case.out + case.err
        if case.code not in _CODES:
            yield f"exit code {case.code}"
        if "Traceback" in said or "internal error: " in said:
            yield "it failed with an internal error"
        if case.command.words[0] != "sandbox" and any(one in said for one in self._secrets):
            yield "a token is shown"
        if found := _NEVER_SHOWN.search(said):
            yield f"the control character {found[0]!r} is printed"
        if case.code == 1 and not case.err.strip() and case.command.words != ("audit", "verify"):
            yield "it does not say why"

    def run(self, *words: str) -> tuple[int | None, str, str]:
        """Run the program in this process, on streams that take UTF-8 alone."""
        streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2)]
        streams[1].reconfigure(errors="backslashreplace")
        code: Any = None
        here = Path.cwd()
        os.chdir(self.folder)
        try:
            with (
                patch.object(sys, "argv", ["reconcile", *words]),
                contextlib.redirect_stdout(streams[0]),
                contextlib.redirect_stderr(streams[1]),
                _limited(SECONDS),
            ):
                main()
        except SystemExit as stop:
            code = stop.code
        finally:
            os.chdir(here)
        texts = []
        for stream in streams:
            stream.flush()
            texts.append(stream.buffer.getvalue().decode("utf-8"))  # type: ignore[attr-defined]
        return code, texts[0], texts[1]

    # Making the projects

    def _make_bases(self) -> None:
        world = self.world
        self._need("init")
        world.declare(*DOCUMENTS)
        self._need("apply", "--auto-approve")
        world.edit("orders", world.id_of("orders", "A-2"), memo="drifted")
        world.make("orders", "A-7", memo="theirs")
        world.declare(order("A-1", [line("A-1:1", name="Mug")], memo="z"), *DOCUMENTS[1:])
        self._need("apply", "--auto-approve")
        self._need("state", "rm", "order/A-3", "--auto-approve", "--reason", "to try")
        self._need("audit", "redact", "order/A-2", "--auto-approve")
        world.declare(*LATER)
        self._need("plan", "--out", PLAN, *ALLOW.split())
        self._keep("applied")
        for name, crash in (("killed early", "append:3:before"), ("killed late", "append:9:after")):
            self._restore("applied")
            ended = Scene(world).run("apply", PLAN, crash=crash)
            assert ended.killed, ended
            self._keep(name)
        self._make_sandbox()

    def _make_sandbox(self) -> None:
        """A project with a sandbox of its own."""
        self._restore("applied")
        shutil.rmtree(self.folder / "state")
        (self.folder / PLAN).unlink()
        project = "version: 1\nmanifests: [manifests]\ntargets: {own: {sandbox: true}}\n"
        (self.folder / "reconcile.yaml").write_text(project, encoding="utf-8")
        (self.folder / "seed.json").write_text('{"objects": {"orders": [{"properties": {}}]}}')
        self.world.declare(order("A-1", [line("A-1:1", name="Mug")], hs_order_name="a"))
        self._need("init", "--auto-approve")
        self._need("apply", "--auto-approve")
        with closing(sqlite3.connect(self.folder / SANDBOX)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (token,) = connection.execute("SELECT token FROM token").fetchone()
        self._secrets.append(token)
        self._keep("sandbox")

    def _need(self, *words: str) -> None:
        code, out, err = self.run(*words)
        assert code in (0, 5), (words, code, out, err)

    def _keep(self, name: str) -> None:
        account = self._outer / f"{name}.account"
        with (
            closing(sqlite3.connect(self.folder / "account.sqlite")) as live,
            closing(sqlite3.connect(account)) as kept,
        ):
            live.backup(kept)
        base = Base(self._files(), account)
        if (self.folder / "state/test/head.json").exists():
            found = re.search(rb'"lineage":"([^"]+)"', base.files["state/test/head.json"])
            base.lineage = found[1].decode() if found else ""
        runs = [name for name in base.files if "/audit-values/2" in name]
        base.run = runs[0].split("/")[3] if runs else "x"
        self._bases[name] = base

    def _restore(self, name: str) -> None:
        base = self._bases[name]
        there = self._files()
        for file in there.keys() - base.files.keys():
            (self.folder / file).unlink()
        for file, data in base.files.items():
            if there.get(file) != data:
                path = self.folder / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        if name == "sandbox":
            return
        with (
            closing(sqlite3.connect(base.account)) as kept,
            closing(sqlite3.connect(self.folder / "account.sqlite", timeout=10)) as live,
        ):
            kept.backup(live)

    def _files(self) -> Files:
        found = {}
        for top, _, files in os.walk(self.folder):
            for file in files:
                path = Path(top, file)
                if "account.sqlite" not in file:
                    found[path.relative_to(self.folder).as_posix()] = path.read_bytes()
        return found

    def _outside(self) -> list[str]:
        return [*sorted(one.name for one in self._outer.iterdir()), str(Path("/outside").exists())]

    def _dump(self) -> Sequence[Any]:
        with closing(sqlite3.connect(self.folder / "account.sqlite")) as connection:
            return [
                connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608  (own names)
                for table in ("record", "association", "property")
            ]

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """Let nobody wait, nothing leave this machine, and no variable from outside have a say."""
        real = socket.getaddrinfo

        def only_here(host: Any, *args: Any, **named: Any) -> Any:
            if host not in ("127.0.0.1", "localhost", "::1", None):
                raise socket.gaierror(socket.EAI_NONAME, "not in a test")
            return real(host, *args, **named)

        ours = self.world.environ | {"RECONCILE_DEBUG": "1", "PATH": os.environ["PATH"]}
        impatient = partial(HubSpot, sleep=self._sleep, clock=self._clock)
        with (
            patch.dict(os.environ, ours, clear=True),
            patch("reconcile.hubspot.client.HubSpot", impatient),
            patch.object(recover, "LAST_CALLS_ARRIVE", 0.01),
            patch("socket.getaddrinfo", only_here),
        ):
            handlers = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
            yield
            for one, handler in handlers.items():
                signal.signal(one, handler)

    def _sleep(self, seconds: float) -> None:
        self._slept += seconds

    def _clock(self) -> float:
        return time.monotonic() + self._slept


@contextmanager
def _limited(seconds: int) -> Iterator[None]:
    """Raise TimeoutError in what takes longer."""

    def end(*_: object) -> None:
        raise TimeoutError(f"it takes longer than {seconds} s")

    former = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)


def _may_change(name: str, case: Case) -> bool:
    """Whether a file may be another after a command that only reads, or that was refused."""
    if _MACHINERY.fullmatch(name) or "sandbox.sqlite" in name:
        return True
    if not case.command.writes:
        return False
    kept = name.removeprefix("state/test/")
    first, *rest = case.command.words
    if kept.startswith(("audit/", "audit-values/")):
        return True  # refusals are recorded
    if first in ("apply", "resume") and case.base.startswith("killed"):
        # What the interrupted run had begun is resolved first, as far as that is possible.
        return kept.startswith(("head.json", "applied.json", "shards/", "runs/", "key"))
    if rest[:1] == ["push"]:  # begun, and to be resumed when what is in the way is gone
        return name.startswith("elsewhere/") or kept == "head.json"
    return rest[:1] == ["reset"]


_IN_ROWS = (0, -1, 2**40, "", "x", "{", "[]", "null", '{"a": 1}', b"\xff", "9" * 400)


def in_database(path: Path, chance: random.Random) -> bytes:
    """Damage a database: its bytes, or values in its rows."""
    if chance.random() < 0.5:
        data = path.read_bytes()
        at = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                return data[:at]
            case 1:
                return data[:at] + chance.randbytes(4096) + data[at + 4096 :]
            case 2:
                return in_bytes(data[:200], chance) + data[200:]
            case _:
                return in_bytes(data, chance)
    copy = path.with_name("copy.sqlite")
    shutil.copy(path, copy)
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        found = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        table = chance.choice([row[0] for row in found])
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        column = chance.choice(columns)
        odd = chance.choice(_IN_ROWS)
        with contextlib.suppress(sqlite3.Error):
            match chance.randrange(6):
                case 0:
                    connection.execute(f"DELETE FROM {table}")  # noqa: S608  (own names)
                case 1:
                    connection.execute(f"DROP TABLE {table}")
                case 2:
                    connection.execute(f"ALTER TABLE {table} RENAME COLUMN {column} TO zz")
                case _:
                    connection.execute(f"UPDATE {table} SET {column} = ?", (odd,))  # noqa: S608
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = copy.read_bytes()
    for one in path.parent.glob("copy.sqlite*"):
        one.unlink()
    return data
