"""The project file, the environment and ``--target`` → Settings.

The project file is a security boundary: whoever can change it must not be able to start a process,
load code, read a variable into anything but a token, or send a token anywhere but to HubSpot's
hosts and to this machine.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from reconcile.errors import UsageError
from reconcile.manifests.files import PROJECT_FILE
from reconcile.manifests.paths import display_path, escaping_link, resolve_links
from reconcile.manifests.problems import choices, listed
from reconcile.model.identity import Identity
from reconcile.model.values import nearest, show
from reconcile.project.project_file import read_project
from reconcile.project.settings import (
    RATE_LIMIT,
    Drift,
    Limits,
    ProjectFile,
    SandboxSettings,
    TargetSettings,
    allowed_in_project_file,
    is_hubspot,
    variable_of,
)
from reconcile.project.starter import UPDATES_ONLY, starter_text
from reconcile.project.support_ends import SERVICE_KEYS
from reconcile.project.token import Token

__all__ = [
    "UPDATES_ONLY",
    "Limits",
    "SandboxSettings",
    "Settings",
    "Target",
    "Token",
    "allowed_in_project_file",
    "load_settings",
    "read_variable",
    "settings_of",
    "starter_text",
    "variable_of",
]


class Target(TargetSettings):
    """The target that was chosen, with its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one command. Paths are absolute.

    ``has_file`` is False if there is no project file: then the target is an empty sandbox and
    ``manifests`` is empty. ``targets`` are the names of all targets.
    """

    root: Path
    manifests: tuple[Path, ...]
    state: Path
    target: Target
    limits: Limits
    drift: Drift
    has_file: bool
    store: str = ""
    targets: tuple[str, ...] = ()

    def store_url(self, environ: Mapping[str, str]) -> str:
        """Return the URL of the shared store; empty if the state is only in ``local_folder``.

        Raises UsageError if the URL is in a variable that is not set.
        """
        variable = variable_of(self.store)
        if not variable:
            return self.store
        return read_variable(
            variable,
            environ,
            "the URL of the state's store is taken from it",
            hint=f"set {variable} in the environment, never in a file of the repository",
        )

    @property
    def local_folder(self) -> Path:
        """The target's folder on this machine: its state, unless that is shared, and its key."""
        return self.state / self.target.name

    def token(self, purpose: Literal["read", "write"], environ: Mapping[str, str]) -> Token:
        """Return the target's token for ``purpose``; the other one is never used instead.

        Raises UsageError if it is not configured or not set.
        """
        target = self.target
        own = target.token_read if purpose == "read" else target.token_write
        variable = own or target.token
        if variable is None:
            hint = f"add token_{purpose}: ${{env:NAME}} to it in {PROJECT_FILE}"
            raise UsageError(f"the target {target.name} has no token to {purpose} with", hint=hint)
        if is_hubspot(target.url):
            source = f"create a token in HubSpot under {SERVICE_KEYS}"
        else:
            source = "`reconcile sandbox serve` prints the token of the sandbox that it serves"
        text = read_variable(
            variable,
            environ,
            f"the target {target.name} takes its token to {purpose} with from there",
            hint=f"set {variable} in the environment, never in a file of the repository; {source}",
        )
        return Token(text, origin=variable)


def read_variable(
    variable: str, environ: Mapping[str, str], purpose: str = "", *, hint: str = ""
) -> str:
    """Return what an environment variable holds.

    Raises UsageError, with its purpose, if it is not set or empty.
    """
    text = environ.get(variable, "")
    if not text:
        how = "set, but empty" if variable in environ else "not set"
        raise UsageError(f"{variable} is {how}{'; ' if purpose else ''}{purpose}", hint=hint)
    return text


def load_settings(folder: Path, *, target: str | None, environ: Mapping[str, str]) -> Settings:
    """Return the settings of the project in ``folder`` for one target.

    ``target`` is the value of ``--target``. Raises ManifestError with every problem of the project
    file, and UsageError if no target can be chosen.
    """
    root = folder.resolve()
    return settings_of(read_project(root), root, target=target, environ=environ)


def settings_of(
    file: ProjectFile | None, root: Path, *, target: str | None, environ: Mapping[str, str]
) -> Settings:
    """Return what ``load_settings`` does for a project file that was read already, if any.

    ``root`` is the resolved folder that it is for. Raises UsageError.
    """
    targets = (
        file.targets if file else {"sandbox": TargetSettings.model_validate({"sandbox": "true"})}
    )
    name = _choose(targets, target, file.target if file else None, environ, has_file=bool(file))
    chosen = targets[name]
    state = _inside(root, (file.state if file else None) or root / "state", name)
    limit = chosen.rate_limit or (None if chosen.sandbox else RATE_LIMIT)
    return Settings(
        root=root,
        manifests=file.manifests if file else (),
        state=state,
        target=Target.model_construct(
            **dict(chosen)
            | {
                "name": name,
                "rate_limit": limit,
                "identity": _stamping(chosen),
                "manage": chosen.manage.with_keys(chosen.identity),
            },
        ),
        limits=file.limits if file else Limits(),
        drift=file.drift if file else {},
        has_file=file is not None,
        store=file.store if file and not chosen.sandbox else "",
        targets=tuple(sorted(targets)),
    )


def _stamping(target: TargetSettings) -> Mapping[str, Identity]:
    """Return the target's identities, which know whether adopted records get their keys."""
    return MappingProxyType(
        {kind: one.with_stamp(stamp=target.stamp) for kind, one in target.identity.items()}
    )


def _inside(root: Path, state: Path, target: str) -> Path:
    """Return the folder of local state. Raises UsageError if a link leads out of the project."""
    if link := escaping_link(state / target, root):
        raise UsageError(
            f"the state folder {display_path(link)} is a link that leads out of the project, to "
            f"{display_path(resolve_links(link))}",
            hint="make it a folder; to keep the state elsewhere, name a `store:`",
        )
    return resolve_links(state)


def _choose(
    names: Iterable[str],
    flag: str | None,
    default: str | None,
    environ: Mapping[str, str],
    *,
    has_file: bool,
) -> str:
    known = sorted(names)
    named = flag if flag is not None else environ.get("RECONCILE_TARGET") or None
    if named is None:
        if environ.get("CI"):
            name = known[0] if len(known) == 1 else f"NAME: {choices('target', known)}"
            hint = f"pass --target {name}"
            raise UsageError("with CI set there is no default target", hint=hint)
        if default is None and len(known) > 1:
            hint = "pass --target NAME, or set target: in reconcile.yaml"
            raise UsageError(f"choose a target: {listed(known)}", hint=hint)
        return default or known[0]
    if named not in known:
        where = f"in {PROJECT_FILE}" if has_file else f"without a {PROJECT_FILE}"
        message = f"there is no target {show(named)} {where}{nearest(named, known)}"
        raise UsageError(message, hint=choices("target", known))
    return named
