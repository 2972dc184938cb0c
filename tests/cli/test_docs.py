"""The README: it names every command and option, and its console blocks run as they are shown.

Blocks fenced as ``console`` are replayed in order in a fresh copy of ``examples/``, in one folder
after another as their ``cd`` says. A line that is ``...`` stands for any lines, ``...`` within a
line for any text. What differs each time (account numbers, tokens, ports, durations) is compared
as if it were the same.
"""

import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from tests.cli.conftest import SCRIPT
from tests.cli.test_help import ALL

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"

REPLAYED = {"reconcile", "cd", "cat", "ls", "sed", "cp", "mkdir", "echo", "export", "unset", "diff"}
"""What a console block may call. Anything else belongs into another kind of fence (``sh``)."""

VARYING = (
    (re.compile(r"(?i)\b(account\s+)\d{6,}"), r"\1N"),
    (re.compile(r"pat-na1-[0-9a-f-]{36}"), "pat-na1-TOKEN"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "http://127.0.0.1:PORT"),
    (re.compile(r" in (\d+ min )?\d+(\.\d+)? (s|min)\b"), " in T s"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "DIGEST"),
    (re.compile(r"until \d{4}-\d\d-\d\dT[\d:]+Z"), "until T"),
    (re.compile(r"Python 3\.\d+\.\d+\S*"), "Python 3"),
)


@dataclass(frozen=True)
class Step:
    """A command of a console block and what the README shows below it."""

    line: int
    command: str
    shown: tuple[str, ...]


def steps(text: str) -> list[Step]:
    """Every command of every console block, in order."""
    found: list[Step] = []
    indent: str | None = None
    for number, line in enumerate(text.splitlines(), 1):
        fence = re.fullmatch(r"(\s*)```(\w*)\s*", line)
        if indent is not None and fence and not fence[2]:
            indent = None
        elif indent is None:
            indent = fence[1] if fence and fence[2] == "console" else None
        else:
            body = line.removeprefix(indent)
            last = found[-1] if found else None
            if body.startswith("$ "):
                found.append(Step(number, body[2:], ()))
            elif last and last.command.endswith("\\") and not last.shown:
                found[-1] = Step(last.line, last.command[:-1] + body.removeprefix("> "), ())
            else:
                assert last is not None, f"README.md:{number}: a block begins with `$ `"
                found[-1] = Step(last.line, last.command, (*last.shown, body))
    return found


def same(text: str) -> str:
    """Text without what differs each time."""
    for pattern, instead in VARYING:
        text = pattern.sub(instead, text)
    return text.rstrip()


def matches(shown: tuple[str, ...], lines: list[str]) -> bool:
    """Whether output is as shown, where ``...`` stands for anything."""
    pattern = ""
    for line in shown:
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            parts = (re.escape(part) for part in same(line).split("..."))
            pattern += ".*".join(parts) + r"\n"
    return re.fullmatch(pattern, "".join(f"{same(line)}\n" for line in lines)) is not None


def options() -> list[str]:
    """Every long option of every command, ``--help`` left out."""
    found = {
        name
        for _, command in ALL
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in parameter.opts
        if name.startswith("--")
    }
    return sorted(found)


@pytest.fixture(scope="module")
def readme() -> str:
    """The README's text."""
    return README.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", [path for path, _ in ALL])
def test_command_is_documented(readme: str, path: str) -> None:
    """The README names every command as it is typed, or in a table's first column."""
    name = re.escape(path.partition(" ")[2] or path)
    assert re.search(rf"(\breconcile |^\| `|^#+ `?){name}\b", readme, flags=re.MULTILINE)


@pytest.mark.parametrize("option", options())
def test_option_is_documented(readme: str, option: str) -> None:
    """The README names every long option."""
    assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", readme)


def test_no_option_is_made_up(readme: str) -> None:
    """What the README calls reconcile with exists."""
    known = {*options(), "--help"}
    for line in re.findall(r"^\s*(?:\$ )?reconcile .*$", readme, flags=re.MULTILINE):
        command = line.partition(" #")[0]
        for option in re.findall(r"(?<!\S)(--[a-z][a-z-]*)", command):
            assert option in known, line


def test_every_exit_code_is_documented(readme: str) -> None:
    """The README explains the exit codes from 0 to 6."""
    rows = re.findall(r"^\|\s*`?([0-6])`?\s*\|", readme, flags=re.MULTILINE)
    assert set("0123456") <= set(rows)


def test_console_blocks_run_as_shown(readme: str, tmp_path: Path) -> None:
    """Every console block of the README does what it shows, one after another."""
    left_out = shutil.ignore_patterns("state", "__pycache__", "*.plan")
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=left_out)
    environ = {
        name: value
        for name, value in os.environ.items()
        if name not in ("CI", "GITHUB_ACTIONS", "NO_COLOR") and not name.startswith("RECONCILE_")
    }
    environ["PATH"] = f"{SCRIPT.parent}{os.pathsep}{environ.get('PATH', os.defpath)}"
    environ["LC_ALL"] = "C.UTF-8"
    where, code = str(tmp_path), 0
    for step in steps(readme):
        program = shlex.split(step.command.replace("$?", "0"))[0].partition("=")[0]
        assert program in REPLAYED, f"README.md:{step.line}: {program} is not replayed"
        script = f"(exit {code})\n{step.command}\ncode=$?; pwd >&3; env -0 >&4; exit $code"
        done, where, environ = run(script, where, environ)
        code = done.returncode
        lines = done.stdout.splitlines()
        assert matches(step.shown, lines), (
            f"README.md:{step.line}: $ {step.command}\nshown:\n"
            + "\n".join(step.shown)
            + f"\n\nprinted (exit code {code}):\n{done.stdout}"
        )


def run(
    script: str, where: str, environ: dict[str, str]
) -> tuple["subprocess.CompletedProcess[str]", str, dict[str, str]]:
    """Run a line of shell; its result, and the folder and environment that it leaves behind."""
    reading, writing = os.pipe()
    environ_reading, environ_writing = os.pipe()
    os.set_blocking(environ_writing, True)
    try:
        done = subprocess.run(
            ["bash", "-c", f"exec 3>&{writing} 4>&{environ_writing}\n{script}"],
            cwd=where,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(writing, environ_writing),
            text=True,
            encoding="utf-8",
            timeout=110,
            check=False,
        )
    finally:
        os.close(writing)
        os.close(environ_writing)
    with open(reading, encoding="utf-8") as left, open(environ_reading, encoding="utf-8") as after:  # noqa: PTH123
        folder = left.read().strip() or where
        entries = [entry.partition("=") for entry in after.read().split("\0") if entry]
    return done, folder, {name: value for name, _, value in entries} or environ


EXAMPLE = """\
```console
$ cd examples/quickstart
$ reconcile init --auto-approve
...
Target quickstart-sandbox is ready: each kind has what its records are found by.
$ reconcile plan
Target quickstart-sandbox: sandbox account 123456789 (DEVELOPER_TEST)
...
    + line_item/SHOP-1001:mug ... quantity=2
...
Plan: 2 orders, 4 line items, 1 cart to create.
Target quickstart-sandbox: sandbox account 123456789 (DEVELOPER_TEST)
...
```

   ```console
   $ reconcile plan --xyzzy
   error: no such option '--xyzzy'.
   ...
   $ echo $?
   1
   ```

```sh
$ not replayed
```
"""


@pytest.mark.long
def test_runner_runs(tmp_path: Path) -> None:
    """The runner itself takes what is right, and finds an output that is not as shown."""
    test_console_blocks_run_as_shown(EXAMPLE, tmp_path / "right")
    with pytest.raises(AssertionError, match="printed"):
        test_console_blocks_run_as_shown(
            EXAMPLE.replace("$?\n   1", "$?\n   0"), tmp_path / "wrong"
        )


def test_wildcards() -> None:
    """``...`` stands for any lines, also none, or for any text in a line, and nothing else does."""
    assert matches(("a", "...", "c"), ["a", "b", "b", "c"])
    assert matches(("a", "...", "c"), ["a", "c"])
    assert matches(("a ... c",), ["a b c"])
    assert matches(("account 123456 in 0.1 s",), ["account 7654321 in 2 min"])
    assert matches((), [])
    assert not matches(("a", "c"), ["a", "b", "c"])
    assert not matches(("a", "..."), ["b", "a"])
    assert not matches(("a.c",), ["abc"])
    assert not matches((), ["a"])
