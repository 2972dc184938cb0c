"""Help texts."""

from collections.abc import Iterator

import click
import pytest

from reconcile.cli.main import COMMANDS, reconcile


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
