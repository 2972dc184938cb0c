"""Console blocks of a page, run as they are shown.

They are replayed in order in a fresh copy of ``examples/``, in one folder after another as their
``cd`` says. A line that is ``...`` stands for any lines, ``...`` within a line for any text. What
differs each time (account numbers, tokens, ports, durations) is compared as if it were the same.
"""

import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.cli.conftest import SCRIPT

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

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
    """A command of a console block and what the page shows below it."""

    line: int
    command: str
    shown: tuple[str, ...]


def steps(text: str, name: str = "page") -> list[Step]:
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
                assert last is not None, f"{name}:{number}: a block begins with `$ `"
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


def environment() -> dict[str, str]:
    """Return the environment of this process, with the program on its path."""
    environ = dict(os.environ)
    environ["PATH"] = f"{SCRIPT.parent}{os.pathsep}{environ.get('PATH', os.defpath)}"
    environ["LC_ALL"] = "C.UTF-8"
    return environ


def replay(text: str, folder: Path, name: str = "page") -> None:
    """Run every console block in a copy of the examples. Raise AssertionError if one differs."""
    found = steps(text, name)
    if not found:
        return
    left_out = shutil.ignore_patterns("state", "__pycache__", "*.plan")
    shutil.copytree(EXAMPLES, folder / "examples", ignore=left_out)
    environ = environment()
    where, code = str(folder), 0
    for step in found:
        program = shlex.split(step.command.replace("$?", "0"))[0].partition("=")[0]
        assert program in REPLAYED, f"{name}:{step.line}: {program} is not replayed"
        script = f"(exit {code})\n{step.command}\ncode=$?; pwd >&3; env -0 >&4; exit $code"
        done, where, environ = run(script, where, environ)
        code = done.returncode
        lines = done.stdout.splitlines()
        assert matches(step.shown, lines), (
            f"{name}:{step.line}: $ {step.command}\nshown:\n"
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
