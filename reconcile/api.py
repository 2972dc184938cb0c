"""The public API: open a project, reach its account, plan, apply.

    import reconcile

    project = reconcile.open("shop", target="staging")
    with project.connect() as account:
        plan = account.plan(allow={"prune": 3})
        report = account.apply(plan, reason="JIRA-1")

Everything raises a ``ReconcileError`` if it cannot be done; ``hint`` says what to do about it. The
commands `plan` and `apply` take the same steps. Import names from ``reconcile``, not from here.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from reconcile.audit.actor import origin
from reconcile.errors import UsageError
from reconcile.manifests.from_python import Document, units_of
from reconcile.model import plan as model
from reconcile.model.address import Address
from reconcile.model.outcome import Report
from reconcile.model.policy import ALLOWED, DRIFT
from reconcile.model.records import Unit
from reconcile.model.values import show
from reconcile.plan_files import read_plan, save_plan
from reconcile.planning.guards import require_match
from reconcile.planning.plan_file import content_digest
from reconcile.project import Settings, load_settings
from reconcile.project.declared import (
    Declared,
    beside_project,
    declared_now,
    found_by_id,
    read_declared,
    target_problems,
)
from reconcile.recovery.runs import new_run
from reconcile.selecting.reading import read_selection
from reconcile.selecting.selectors import CHANGED, Selection
from reconcile.session import Purpose, Session
from reconcile.session import connect as connect_session
from reconcile.stores.lease import utc_now
from reconcile.stores.this_process import lock_holder
from reconcile.workflow import apply as apply_plan
from reconcile.workflow import finish, recover_unfinished
from reconcile.workflow import plan as make_plan

if TYPE_CHECKING:
    from reconcile.hubspot.connection import MakeTransport


@dataclass(frozen=True, slots=True)
class Plan:
    """What would change in one account: frozen data, which nothing but ``Account.apply`` acts on.

    ``data`` is the plan in full; ``digest`` is its content digest, the same for an equal plan.
    ``declared`` is what was declared when it was made; None for a plan that was loaded from a file.
    ``whole`` says whether that is all that the project declares.
    """

    data: model.Plan
    digest: str
    declared: tuple[Unit, ...] | None = None
    whole: bool = False

    @property
    def empty(self) -> bool:
        """Whether all is as declared: no change, no conflict, and nothing in doubt."""
        return self.data.empty and not self.data.in_doubt

    @property
    def changes(self) -> tuple[model.RecordChange, ...]:
        """The changes of all records, sorted by unit; those in conflict included."""
        return tuple(self.data.records())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the plan file that `reconcile apply FILE` takes: mode 0600, whole or not at all.

        Raises GuardRefused if a limit refuses the plan, UsageError if the file cannot be written.
        """
        save_plan(self.data, Path(path), created=utc_now())

    def to_json(self, *, personal: bool = False) -> str:
        """Return the plan as `plan --json` prints it; ``personal`` shows personal values too."""
        from reconcile.render.json_plan import to_json  # noqa: PLC0415  (only who prints one waits)

        return to_json(self.data, personal=personal, digest=self.digest)

    def __str__(self) -> str:
        """Return the plan as the terminal shows it, personal values masked."""
        from reconcile.render.output import write_plan  # noqa: PLC0415  (only who prints one waits)

        text = StringIO()
        write_plan(self.data, text, personal=False, color=False)
        return text.getvalue()


def load_plan(path: str | os.PathLike[str]) -> Plan:
    """Return a saved plan. Raises UsageError if the file cannot be read, or is not intact."""
    return Plan(*read_plan(Path(path)))


@dataclass(frozen=True, slots=True)
class Project:
    """A project folder with one of its targets. Reads nothing more until it is asked to."""

    settings: Settings
    environ: Mapping[str, str]
    http: "MakeTransport | None" = None

    @property
    def target(self) -> str:
        """The target's name."""
        return self.settings.target.name

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator["Account"]:
        """Reach the target's account and its store; an embedded sandbox is served meanwhile.

        ``read_only`` uses ``token_read``, for planning. Raises UsageError for a missing token or
        another account than the target's, and HubSpotError if the account does not answer.
        """
        purpose: Purpose = "read" if read_only else "write"
        with connect_session(self.settings, self.environ, purpose, http=self.http) as session:
            yield Account(self, session)


@dataclass(frozen=True, slots=True)
class Account:
    """An account that was reached. Only ``apply`` writes to HubSpot."""

    project: Project
    session: Session

    def plan(
        self,
        *paths: str | os.PathLike[str],
        units: Sequence[Document] | None = None,
        recreate: Iterable[str] = (),
        prune: bool = False,
        allow: Mapping[str, int] | None = None,
        select: Sequence[str] = (),
        exclude: Sequence[str] = (),
    ) -> Plan:
        """Return what would change. Writes nothing anywhere.

        - ``paths``: manifests, relative to the current folder; without them, the project's.
        - ``units``: declarations made with ``order``, ``cart`` and ``line_item``, instead of YAML.
        - ``recreate``: addresses (``order/A``) to create again if archived, merged or gone.
        - ``prune``: archive what was applied and nothing declares any more. Not with ``paths``, nor
          with ``units`` where the project has manifests too.
        - ``allow``: what would be held back, by guard and exact number of records; ``drift`` up to
          a number.
        - ``select``, ``exclude``: only these orders and carts, or all but these, as the options
          take them: ``order/SHOP-5*``, ``cart``, ``changed:REF``. Pruning is limited alike.

        Raises ManifestError with all problems, GuardRefused if ``allow`` has other numbers than the
        plan, UsageError and HubSpotError.
        """
        settings = self.project.settings
        absolute = tuple(Path.cwd() / path for path in paths)
        whole = not (paths or (units is not None and any(map(Path.exists, settings.manifests))))
        if prune and not whole:
            raise UsageError("prune takes all that is declared, and this is only a part of it")
        declared = self._declared(units, absolute)
        with declared.problems_first():
            selection = self._selection(
                select, exclude, declared, None if units is not None else absolute
            )
            made = make_plan(
                self.session,
                declared.units,
                declared=declared.everything,
                recreate=_addresses(recreate),
                prune=prune,
                allow=_allowances(allow or {}),
                broken=declared.problems,
                selection=selection,
            )
        require_match(made)
        # That a number is 0 was just checked: such a plan is the same as if it had not been named.
        made = replace(made, allowed=tuple(one for one in made.allowed if not one.endswith("=0")))
        if units is None:
            made = replace(made, paths=beside_project(settings, absolute))
        return Plan(made, content_digest(made), declared.everything, whole and selection is None)

    def apply(
        self,
        plan: Plan,
        *,
        reason: str = "",
        units: Sequence[Document] | None = None,
        halt: bool = False,
        wait: float = 0.0,
    ) -> Report:
        """Carry out exactly this plan; applied again, it continues from where it ended.

        - ``reason``: for the audit log.
        - ``units``: for a plan of ``units`` that was loaded from a file, the declarations now. A
          loaded plan leaves alone what is declared otherwise than when it was made. Any plan leaves
          alone what labels or references have changed for.
        - ``halt``: begin nothing more after the first record that is not done as planned.
        - ``wait``: seconds to wait for the lock that another run holds.

        Raises GuardRefused, StalePlan, Locked, Unfinished, UsageError and HubSpotError. A record
        that fails raises nothing: see ``Report.complete`` and ``Report.outcomes``.
        """
        settings = self.project.settings
        by = origin(self.project.environ, settings.root, reason)
        if plan.declared is not None:
            if units is not None:
                raise UsageError("units are for a plan that was loaded from a file")
            declared = plan.declared
        elif units is not None:
            given = self._declared(units, ())
            given.require_valid()
            declared = given.everything
        else:
            declared = declared_now(settings, plan.data)
        if plan.data.idle and plan.declared is not None:
            return finish(
                self.session, plan.data, by, whole=plan.whole, who=lock_holder(), wait=wait
            )
        return apply_plan(
            self.session,
            plan.data,
            by,
            declared=declared,
            who=lock_holder(),
            wait=wait,
            halt=halt,
            run=new_run(),
        )

    def recover(self, *, reason: str = "", wait: float = 0.0) -> None:
        """Resolve what interrupted runs left in doubt, by reading; then a plan leaves nothing out.

        Raises Locked if another run still holds the lock after ``wait`` seconds.
        """
        by = origin(self.project.environ, self.project.settings.root, reason)
        recover_unfinished(self.session, by, who=lock_holder(), wait=wait)

    def _selection(
        self,
        select: Sequence[str],
        exclude: Sequence[str],
        declared: Declared,
        paths: Sequence[Path] | None,
    ) -> Selection | None:
        if isinstance(select, str) or isinstance(exclude, str):
            raise UsageError("select and exclude are lists of selectors")
        if paths is None and any(one.startswith(CHANGED) for one in (*select, *exclude)):
            raise UsageError("changed:REF compares manifests, and these units are not from any")
        return read_selection(
            select,
            exclude,
            settings=self.project.settings,
            declared=declared,
            environ=self.project.environ,
            paths=paths or (),
        )

    def _declared(self, documents: Sequence[Document] | None, paths: Sequence[Path]) -> Declared:
        settings = self.project.settings
        if documents is None:
            return read_declared(settings, paths)
        if isinstance(documents, str | Mapping):
            raise UsageError("units is a list of declarations")
        if paths:
            raise UsageError("a plan is of paths or of units, not of both")
        units, problems = units_of(documents, found_by_id(settings))
        return Declared(units, units, (*problems, *target_problems(units, settings)))


def open(  # noqa: A001  (reconcile.open reads as what it does)
    folder: str | os.PathLike[str] = ".",
    *,
    target: str | None = None,
    environ: Mapping[str, str] | None = None,
    http: "MakeTransport | None" = None,
) -> Project:
    """Return the project in a folder, for one of its targets.

    - ``target``: its name; without it, the project file's, or the only one.
    - ``environ``: replaces the process's environment, from which tokens are read.
    - ``http``: a function without arguments that returns a new ``httpx.BaseTransport``. It carries
      out the requests to the account, an embedded sandbox included; proxies and certificates are
      then its own, not the environment's. Such a function is called once for every request that is
      under way at the same time, never twice at once. A transport gets one request at a time, with
      the token in its ``Authorization`` header, and is closed when the account is left.

    An ``httpx.HTTPTransport`` keeps every promise of the built-in connections. Another transport,
    subclasses and wrappers included, is not seen at work, and cannot be cut:

    - It has to send a request at most once, and not after the seconds in
      ``request.extensions["timeout"]``. A request that arrives later may arrive when this run has
      lost its lock, or when recovery has decided that it did not take effect.
    - The lock and the age of a re-check are looked at when the request is given to it. If its reply
      comes more than a second after the re-check, the record's history is read for what the write
      may have overwritten.
    - A request that fails with an ``httpx.TransportError`` counts as possibly sent, even if it is a
      ``ConnectError``: what is safe to repeat is repeated, anything else is in doubt until it is
      found by reading. Other exceptions are raised as they are, and end an apply as a crash does.

    Raises ManifestError with all problems of the project file, and UsageError if no target can be
    chosen.
    """
    if http is not None and not callable(http):
        raise UsageError("http is a function that returns a transport, not a transport")
    environ = os.environ if environ is None else environ
    settings = load_settings(Path(folder), target=target, environ=environ)
    return Project(settings, environ, http)


def _allowances(allow: Mapping[str, int]) -> list[str]:
    """Return the values of ``--allow`` for names and numbers of records. Raises UsageError."""
    for name, number in allow.items():
        if name not in ALLOWED:
            raise UsageError(f"{show(name)} is not one of {', '.join(ALLOWED)}")
        if type(number) is not int:
            given = type(number).__name__
            raise UsageError(f"the number of records for {name} is of the type {given}")
        if number < 0:
            raise UsageError(f"the number of records for {name} is negative")
        if number >= 10**15:
            raise UsageError(f"the number of records for {name} has more than 15 digits")
    # At most no record: as if drift had not been named.
    return [f"{name}={number}" for name, number in allow.items() if number or name != DRIFT]


def _addresses(texts: Iterable[str]) -> frozenset[Address]:
    try:
        return frozenset(map(Address.parse, texts))
    except ValueError as error:
        raise UsageError(str(error)) from error
