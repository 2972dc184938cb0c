"""What several commands share: settings, manifests, confirmation, and how to print."""

import getpass
import os
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from reconcile.atomic_files import atomic_write
from reconcile.cli import next_command
from reconcile.errors import ManifestError, Problem, ReconcileError, UsageError
from reconcile.manifests import Seen, load_some
from reconcile.manifests.problems import choices
from reconcile.model.address import Address
from reconcile.model.kinds import kinds
from reconcile.model.plan import Plan
from reconcile.model.records import Unit
from reconcile.model.values import show
from reconcile.planning.validate import identity_problems
from reconcile.project import Settings, load_settings
from reconcile.render.escaping import line_start, visible
from reconcile.render.output import wants_color


def settings_for(target: str | None) -> Settings:
    """Return the settings of the project in the current folder."""
    settings = load_settings(Path.cwd(), target=target, environ=os.environ)
    next_command.set_target(target if target is not None and not _is_default(target) else None)
    return settings


def _is_default(target: str) -> bool:
    """Return whether ``target`` is the one that is used if none is named."""
    try:
        return load_settings(Path.cwd(), target=None, environ=os.environ).target.name == target
    except ReconcileError:
        return False


@dataclass(frozen=True, slots=True)
class Project:
    """The ``units`` to plan and all that is declared (``everything``), as far as it can be read.

    ``problems`` are those found in the manifests without asking the account.
    """

    units: tuple[Unit, ...]
    everything: tuple[Unit, ...]
    problems: tuple[Problem, ...]

    @contextmanager
    def problems_first(self) -> Iterator[None]:
        """Raise ManifestError instead of any other error if the manifests have problems.

        The account may reveal more problems, but an unreachable account must not hide the known
        ones.
        """
        try:
            if self.problems and not self.units:
                raise ManifestError(self.problems)
            yield
        except ReconcileError as error:
            if isinstance(error, ManifestError) or not self.problems:
                raise
            hint = f"the manifests could not be checked against the account: {error}"
            raise ManifestError(self.problems, hint=hint) from error


def manifests_of(settings: Settings, paths: tuple[Path, ...] = ()) -> tuple[Unit, ...]:
    """Return the declared units: from ``paths`` if given, else from those of the project file.

    Raises ManifestError with all problems.
    """
    project = project_of(settings, paths)
    if project.problems:
        raise ManifestError(project.problems)
    return project.units


def _unseen(_: Path, __: bytes) -> None:
    """Ignore a file that was read."""


def project_of(
    settings: Settings, paths: tuple[Path, ...] = (), *, seen: Seen = _unseen
) -> Project:
    """Return what to plan and all that is declared, which includes manifests beside ``paths``.

    A unit that is declared in several files is planned as a whole. ``seen`` gets each file.
    """
    chosen = _named(paths) or settings.manifests
    if not chosen:
        raise UsageError(
            "no manifests were given",
            hint="name files or folders, as in `reconcile plan manifests`, or run `reconcile init`",
        )
    units, found = _load(settings, chosen, seen)
    if not paths or not settings.manifests:
        return Project(units, units, tuple(found))
    everything, found = _load(settings, (*settings.manifests, *_named(paths)), seen)
    named = {unit.address for unit in units}
    units = tuple(unit for unit in everything if unit.address in named)
    return Project(units, everything, tuple(found))


def beside_project(settings: Settings, paths: tuple[Path, ...]) -> tuple[str, ...]:
    """Return the PATHS that the project file does not cover, for a plan file to name.

    Applying it reads them again. Raises UsageError for one outside the project: a plan file must
    not lead there.
    """
    found: set[str] = set()
    for path in (one.resolve() for one in _named(paths)):
        if any(path.is_relative_to(known.resolve()) for known in settings.manifests):
            continue
        if not path.is_relative_to(settings.root.resolve()):
            raise UsageError(
                f"{path} is outside the project, and a saved plan is compared with its manifests "
                "again when it is applied",
                hint="put the manifests inside the project folder, or apply without a plan file",
            )
        found.add(path.relative_to(settings.root.resolve()).as_posix())
    return tuple(sorted(found))


def declared_now(settings: Settings, planned: Plan) -> tuple[Unit, ...]:
    """Return what the manifests declare now that a saved plan was made from.

    Raises ManifestError where they cannot be read, and UsageError for a plan that names others
    outside the project.
    """
    root = settings.root.resolve()
    named = tuple((root / path).resolve() for path in planned.paths)
    if not all(path.is_relative_to(root) for path in named):
        raise UsageError("the plan file cannot be trusted: it names manifests outside the project")
    units, problems = _load(settings, (*settings.manifests, *named))
    if problems:
        raise ManifestError(problems)
    return units


def write_digest(digest: str) -> None:
    """Print a plan's content digest: it identifies what the plan does, for reviews."""
    click.echo(f"Content digest: {digest}", err=True)


def _named(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    return tuple(Path.cwd() / path for path in paths)


def _load(
    settings: Settings, paths: tuple[Path, ...], seen: Seen = _unseen
) -> tuple[tuple[Unit, ...], list[Problem]]:
    identities = settings.target.identity
    units, found = load_some(paths, root=settings.root, by_id=found_by_id(settings), seen=seen)
    return units, found + [
        problem for unit in units for problem in identity_problems(unit, identities)
    ]


def found_by_id(settings: Settings) -> tuple[str, ...]:
    """Return the kinds whose keys are HubSpot ids in the chosen target."""
    return tuple(kind for kind, identity in settings.target.identity.items() if identity.by_id)


def addresses(texts: tuple[str, ...]) -> frozenset[Address]:
    """Parse addresses from the command line. Raises UsageError for a malformed one."""
    found = []
    for text in texts:
        try:
            address = Address.parse(text)
        except ValueError as error:
            raise UsageError(str(error)) from error
        if address.kind not in kinds():
            raise UsageError(
                f"{show(text)} does not name a known kind", hint=choices("kind", kinds())
            )
        found.append(address)
    return frozenset(found)


def shows_personal() -> bool:
    """Return whether to show personal data: on a person's terminal, never in a CI log."""
    return not os.environ.get("CI")


def colored() -> bool:
    """Return whether stdout gets colours."""
    return wants_color(sys.stdout, os.environ)


def echo(text: str) -> None:
    """Print a line that may hold text from HubSpot, escaped."""
    click.echo(line_start(visible(text)))


def save(path: Path, pieces: Iterable[bytes], what: str) -> None:
    """Write a file atomically, mode 0600. Raises UsageError if it cannot be written."""
    try:
        with atomic_write(path) as file:
            file.writelines(pieces)
    except OSError as error:
        raise UsageError(f"{what} cannot be saved in {path}: {error.strerror}") from error


def current_user() -> str:
    """Return who is running this process, as the lock names its holder."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()} (process {os.getpid()})"


def confirm(question: str, *, otherwise: str = "add --auto-approve") -> bool:
    """Ask for a typed ``yes``: an interrupt, or the end of the input, means no.

    Raises UsageError, hinting at ``otherwise``, where nobody can answer.
    """
    if not sys.stdin.isatty():
        raise UsageError("cannot ask for confirmation: the input is not a terminal", hint=otherwise)
    try:
        answer: str = click.prompt(
            f"{question}\n  Only 'yes' is accepted", default="", show_default=False
        )
    except click.Abort:
        click.echo(err=True)  # end the line of the question
        return False
    return answer.strip() == "yes"
