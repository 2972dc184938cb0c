"""What a project's manifests declare, as the steps of plan and apply need it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconcile.errors import ManifestError, Problem, ReconcileError, UsageError
from reconcile.manifests import Seen, load_some, load_texts
from reconcile.manifests.files import ManifestFile
from reconcile.manifests.identity_rules import identity_problems
from reconcile.manifests.manage_rules import manage_problems
from reconcile.manifests.raw_ids import raw_ids
from reconcile.model.plan import Plan
from reconcile.model.records import Unit
from reconcile.project import Settings


@dataclass(frozen=True, slots=True)
class Declared:
    """The ``units`` to plan and all that is declared (``everything``), as far as it can be read.

    ``problems`` are those found in the manifests without asking the account. ``warnings`` are what
    is fine for now: references by id in ``units``, where the project has several targets.
    """

    units: tuple[Unit, ...]
    everything: tuple[Unit, ...]
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()

    def require_valid(self) -> None:
        """Raise ManifestError if there are problems."""
        if self.problems:
            raise ManifestError(self.problems)

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


def _unseen(_: Path, __: bytes) -> None:
    """Ignore a file that was read."""


def read_declared(
    settings: Settings, paths: Sequence[Path] = (), *, seen: Seen = _unseen
) -> Declared:
    """Return what to plan and all that is declared, which includes manifests beside ``paths``.

    ``paths`` are absolute; without them the project file says where manifests are. A unit that is
    declared in several files is planned as a whole. ``seen`` gets each file. Raises UsageError if
    there are no manifests to read.
    """
    chosen = tuple(paths) or settings.manifests
    if not chosen:
        raise UsageError(
            "no manifests were given",
            hint="name files or folders, as in `reconcile plan manifests`, or run `reconcile init`",
        )
    units, found = _load(settings, chosen, seen)
    if not paths or not settings.manifests:
        return Declared(units, units, tuple(found), raw_ids(units, settings.targets))
    everything, found = _load(settings, (*settings.manifests, *paths), seen)
    named = {unit.address for unit in units}
    units = tuple(unit for unit in everything if unit.address in named)
    return Declared(units, everything, tuple(found), raw_ids(units, settings.targets))


def declared_in(files: Iterable[ManifestFile], settings: Settings) -> Declared:
    """Return what manifests declare that were read already, as ``load_texts`` takes them."""
    units, found = load_texts(files, by_id=found_by_id(settings))
    problems = (*found, *target_problems(units, settings))
    return Declared(units, units, problems, raw_ids(units, settings.targets))


def beside_project(settings: Settings, paths: Sequence[Path]) -> tuple[str, ...]:
    """Return the absolute ``paths`` that the project file does not cover, for a plan file to name.

    Applying it reads them again. Raises UsageError for one outside the project: a plan file must
    not lead there.
    """
    found: set[str] = set()
    for path in (one.resolve() for one in paths):
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
    units, problems = _load(settings, (*settings.manifests, *named), _unseen)
    if problems:
        raise ManifestError(problems)
    return units


def target_problems(units: Iterable[Unit], settings: Settings) -> Iterator[Problem]:
    """Yield what manifests get wrong given the settings of the chosen target."""
    target = settings.target
    for unit in units:
        yield from identity_problems(unit, target.identity, settings.targets)
        yield from manage_problems(unit, target.manage)


def found_by_id(settings: Settings) -> tuple[str, ...]:
    """Return the kinds whose keys are HubSpot ids in the chosen target."""
    return tuple(kind for kind, one in settings.target.identity.items() if one.key_is_id)


def _load(
    settings: Settings, paths: Sequence[Path], seen: Seen
) -> tuple[tuple[Unit, ...], list[Problem]]:
    by_id = found_by_id(settings)
    units, found = load_some(paths, root=settings.root, by_id=by_id, seen=seen)
    return units, [*found, *target_problems(units, settings)]
