"""The `reconcile` program: dispatch, signals, and one exit path for every error."""

import errno
import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import NoReturn, TextIO

import click

from reconcile.cli.next_command import command_line, paths, set_folder
from reconcile.cli.waiting_notices import show_notices
from reconcile.deprecations import with_current_options
from reconcile.errors import HubSpotError, ManifestError, ReconcileError

PATIENCE = 8.0
"""Seconds to end after an interrupt: more than calls in flight get, less than a runner's 10."""

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""Errors that mean stdout's disk is full or broken."""

_running: list[str] = []
"""The command that was called, for signal handlers and error messages."""

_interrupted = threading.Event()

COMMANDS = {
    "init": "Write the project file and create the key properties.",
    "validate": "Check the manifests offline.",
    "pull": "Write manifests for records of the account.",
    "plan": "Show what apply would change.",
    "drift": "Show what others changed, and who.",
    "apply": "Carry out a plan.",
    "resume": "Resume an interrupted run.",
    "status": "Show whether a run was interrupted.",
    "show": "Show a saved plan.",
    "explain": "Show who may write what, or where a record's values come from.",
    "audit": "Query the audit log: who changed what, when and why.",
    "state": "Inspect, edit or move the state: what was last applied.",
    "lock": "Show or break the state lock.",
    "ci": "Work with a CI service and its pull requests.",
    "sandbox": "Run a HubSpot-compatible server on this machine.",
    "doctor": "Check the account, the token's scopes and the limits left.",
    "docs": "Show a page of the reference.",
    "version": "Show reconcile's version.",
}


class Commands(click.Group):
    """A group whose commands are imported only when named; ``--help`` needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the commands in the order people need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import ``reconcile.cli.commands.NAME`` and return its ``command``."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"reconcile.cli.commands.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command, or suggest one: click suggests only commands that are loaded.

        Options under a former name get their present one.
        """
        try:
            return super().resolve_command(ctx, with_current_options(args))
        except click.UsageError as error:
            near = get_close_matches(args[0], COMMANDS, n=1)
            if error.ctx is not ctx or not near:
                raise
            raise click.UsageError(f"{error.message} Did you mean {near[0]!r}?", ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _show_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001
    """Run the command ``version``."""
    if wanted:
        context.invoke(import_module("reconcile.cli.commands.version").command)
        context.exit()


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="`reconcile docs` lists the pages of the reference.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show reconcile's version and exit.",
)
@click.option(
    "-C",
    "--chdir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Work in this folder, the one with reconcile.yaml.",
)
def reconcile(chdir: Path | None) -> None:
    """Keep a HubSpot account's orders, line items and carts exactly as YAML manifests declare them.

    plan shows what would change, apply does it. Without a project file both work on a sandbox:
    a HubSpot-compatible server on this machine.
    """
    _running[:] = [click.get_current_context().invoked_subcommand or ""]
    set_folder(chdir)
    if chdir is not None:
        os.chdir(chdir)


_COLLECT_AFTER = 200_000
"""Objects made before the cyclic collector looks at the young ones; Python's default is 700."""


def main() -> NoReturn:
    """Run the program and exit with a code of `reconcile docs exit-codes`."""
    # Records make few cycles: looking for them so rarely saves 28 % of a plan's CPU time.
    gc.set_threshold(_COLLECT_AFTER, 50, 50)
    _open_missing()
    _catch(_interrupt)
    show_notices()
    try:
        code = reconcile.main(standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.ClickException as error:
        code = _usage(error)
    except (click.Abort, KeyboardInterrupt):
        _print_error("interrupted")
        code = 1
    except ReconcileError as error:
        code = _report(error)
    except BrokenPipeError:
        # The reader of a pipe has closed it (`| head`).
        _discard_output(sys.stdout)
        code = 1
    except OSError as error:
        # An error of a file that we opened has its name, or was raised as a UsageError.
        is_output = error.filename is None and error.errno in _NO_ROOM
        code = _unwritable(error) if is_output else _unexpected(error)
    except Exception as error:  # noqa: BLE001  (the last line before the user: no traceback)
        code = _unexpected(error)
    if _interrupted.is_set():
        # A thread may still wait for a response, and Python would join it before it exits.
        _end_now(code or 0)
    try:
        sys.stderr.flush()
    except OSError:
        _discard_output(sys.stderr)
    sys.exit(code or 0)


def _catch(handler: Callable[[int, FrameType | None], object]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    """Raise KeyboardInterrupt, and end the process if that takes longer than CI runners wait."""
    _catch(lambda *_: _give_up("interrupted twice"))
    late = "interrupted while a call was waiting for its answer"
    watchdog = threading.Timer(PATIENCE, _give_up, (late,))
    watchdog.daemon = True
    watchdog.start()
    _interrupted.set()
    raise KeyboardInterrupt


def _give_up(why: str) -> NoReturn:
    """Exit at once, without waiting for calls in flight."""
    applying = _running in (["apply"], ["resume"])
    how = f"; continue with `{command_line('resume')}`" if applying else ""
    with suppress(OSError):
        os.write(2, f"{why}{how}\n".encode())
    _end_now(5 if applying else 1)


def _end_now(code: int) -> NoReturn:
    """Exit without waiting for threads; the journal has every write already."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, RuntimeError):
            stream.flush()
    os._exit(code)


def _usage(error: click.ClickException) -> int:
    """Report a wrong command line in click's words, escaped: they quote what was typed."""
    from reconcile.render.escaping import visible  # noqa: PLC0415

    if isinstance(error, click.NoSuchOption):
        near = _near_options(error)
        error = click.NoSuchOption(error.option_name, error.message, near, error.ctx)
    message = error.format_message()
    context = error.ctx if isinstance(error, click.UsageError) else None
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        _print_error(message)
        return 1
    _print_error(f"error: {visible(message[:1].lower() + message[1:])}")
    if context is not None:
        rule = f"usage: {context.get_usage().removeprefix('Usage: ')}"
        misplaced = isinstance(error, click.NoSuchOption) and not error.possibilities
        if misplaced and isinstance(context.command, click.Group):
            rule = "a command's options go after its name, as in `reconcile plan --target NAME`"
        _print_error(f"hint: {rule}; see {context.command_path} --help")
    return 1


def _near_options(error: click.NoSuchOption) -> list[str]:
    """Return the options that may have been meant: click counts the dashes as alike."""
    names = [name.lstrip("-") for name in error.possibilities or ()]
    near = get_close_matches(error.option_name.lstrip("-"), names)
    return [f"--{name}" for name in near]


def _report(error: ReconcileError) -> int:
    from reconcile.cli.github_annotations import annotate  # noqa: PLC0415
    from reconcile.render.error_lines import format_error  # noqa: PLC0415

    if os.environ.get("CI"):
        error = _without_personal(error)
    name = _running[0] if _running and _running[0] in ("plan", "validate") else "plan"
    _print_error(format_error(error, every=command_line(name, "--json", *paths())))
    if isinstance(error, ManifestError):
        annotate("error", error.problems)
        annotate("warning", error.conflicts)
    return error.exit_code


def _without_personal(error: ReconcileError) -> ReconcileError:
    """Return the same error without personal values: others may read a CI log.

    Problems of manifests quote values, and HubSpot's error messages may.
    """
    from reconcile.cli.json_output import without_personal  # noqa: PLC0415
    from reconcile.render.escaping import mask  # noqa: PLC0415

    if isinstance(error, ManifestError):
        return without_personal(error)
    if isinstance(error, HubSpotError):
        return error.reworded(mask(str(error)), hint=error.hint)
    return error


def _open_missing() -> None:
    """Open standard streams that the caller has closed on the null device.

    Files that are opened later would get their descriptors.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123


def _print_error(text: str) -> None:
    """Print to stderr. If that cannot be written, only the exit code reports the error."""
    with suppress(OSError):
        click.echo(text, err=True)


def _discard_output(stream: TextIO) -> None:
    """Redirect a stream to the null device, also for Python's flush at exit."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _unwritable(error: OSError) -> int:
    """Report that stdout cannot be written: it is a file on a full or broken disk."""
    _discard_output(sys.stdout)
    _print_error(f"error: the output cannot be written: {error.strerror or error}")
    if _running in (["apply"], ["resume"]):
        seen = command_line("audit", "log")
        _print_error(f"hint: what was written to HubSpot stays written; see `{seen}`")
    else:
        _print_error("hint: make room on the disk, or send the output elsewhere")
    return 1


def _unexpected(error: Exception) -> int:
    from reconcile.render.escaping import mask, shorten, visible  # noqa: PLC0415

    message = mask(str(error)) if os.environ.get("CI") else str(error)
    text = shorten(visible(f"{type(error).__name__}: {message}"))
    _print_error(f"error: internal error: {text}")
    if os.environ.get("RECONCILE_DEBUG"):
        traceback.print_exc()
    else:
        _print_error("hint: run it again with RECONCILE_DEBUG=1 and report the output")
    return 1
