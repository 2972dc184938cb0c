"""Help texts, and what is imported to show them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from reconcile.cli.main import COMMANDS, reconcile

HEAVY = {"httpx", "deepdiff", "pydantic", "ruamel", "yaml", "starlette", "uvicorn", "rich"}
LOADED = """
import json, sys
sys.argv = ["reconcile", *{args}]
from reconcile.cli import main
try:
    main()
except SystemExit as stop:
    code = stop.code
sys.stdout.flush()
sys.stderr.write(json.dumps([code, sorted({{name.partition(".")[0] for name in sys.modules}})]))
"""


def commands(
    group: click.Group = reconcile, path: str = "reconcile"
) -> Iterator[tuple[str, click.Command]]:
    """Every command with its path, groups too."""
    yield path, group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


ALL = list(commands())


@pytest.mark.parametrize("args", [["--help"], ["-h"], ["version"], [], ["pln"], ["--nope"]])
def test_imports_little(tmp_path: Path, args: list[str]) -> None:
    """Help, version and a mistyped command load no library that takes time."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(args=args)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    code, loaded = json.loads(done.stderr.splitlines()[-1].partition("[")[2].join(["[", ""]))
    assert code == (0 if args and args[0] in ("--help", "-h", "version") else 1)
    assert set(loaded) & HEAVY == set()


@pytest.mark.parametrize(("path", "command"), ALL, ids=[path for path, _ in ALL])
def test_everything_has_help(path: str, command: click.Command) -> None:
    """Every command says what it does in a sentence, every option too."""
    assert command.help
    assert command.help.strip().splitlines()[0].endswith((".", ",", "and", "that", "the"))
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{path} {parameter.opts}"
            assert parameter.help.rstrip().endswith((".", "0600."))


@pytest.mark.parametrize(("path", "command"), ALL, ids=[path for path, _ in ALL])
def test_help_fits_a_terminal(path: str, command: click.Command) -> None:
    """No line of help is wider than 80 columns."""
    text = command.get_help(click.Context(command, info_name=path, terminal_width=80))
    assert [line for line in text.splitlines() if len(line) > 80] == []


def test_list_of_commands_is_the_commands() -> None:
    """The list that --help shows without importing is each command's own first sentence."""
    context = click.Context(reconcile)
    for name, short in COMMANDS.items():
        command = reconcile.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert short.endswith(".")
