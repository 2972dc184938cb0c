"""Who is at work, from the environment and the machine. No process is started for it.

All of it is as true as the environment: who can set variables can name anybody. Only what an
identity token tells (``oidc``) was written by the CI service itself.
"""

import getpass
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from reconcile.audit import git
from reconcile.audit.oidc import claims
from reconcile.model.audit import Actor, Origin

_LONGEST = 500

_GITHUB = {
    "repository": "GITHUB_REPOSITORY",
    "run_id": "GITHUB_RUN_ID",
    "run_attempt": "GITHUB_RUN_ATTEMPT",
    "sha": "GITHUB_SHA",
    "ref": "GITHUB_REF",
    "workflow_ref": "GITHUB_WORKFLOW_REF",
    "triggering_actor": "GITHUB_TRIGGERING_ACTOR",
}
_GITLAB = {
    "project": "CI_PROJECT_PATH",
    "pipeline_id": "CI_PIPELINE_ID",
    "job_id": "CI_JOB_ID",
    "sha": "CI_COMMIT_SHA",
    "ref": "CI_COMMIT_REF_NAME",
}


def origin(
    environ: Mapping[str, str], root: Path, reason: str = "", *, home: Path | None = None
) -> Origin:
    """Who is at work in the project at ``root``, why, and on which commit.

    Asks GitHub for the job's identity where the job may have it.
    """
    return Origin(who_is_it(environ, root, home=home), clean(reason), commit(environ, root))


def who_is_it(
    environ: Mapping[str, str], root: Path, *, home: Path | None = None, loopback: bool = False
) -> Actor:
    """The CI service's user where a CI service runs this, else git's and the machine's.

    ``loopback`` lets a test's own issuer answer.
    """
    if _is_github(environ):
        told = claims(environ, loopback=loopback)
        facts = _facts(environ, _GITHUB) | told
        name = told.get("actor") or environ.get("GITHUB_ACTOR", "")
        return _actor(name, "oidc" if told else "github", facts)
    if _is_gitlab(environ):
        return _actor(environ.get("GITLAB_USER_LOGIN", ""), "gitlab", _facts(environ, _GITLAB))
    machine = _machine()
    signs = git.identity(root, home or _home(), environ)
    if signs:
        return _actor(signs, "git", {"machine": machine})
    return _actor(machine, "os", {})


def commit(environ: Mapping[str, str], root: Path) -> str:
    """The commit that the CI service or the repository is at, or ``""``."""
    told = ""
    if _is_github(environ):
        told = environ.get("GITHUB_SHA", "")
    elif _is_gitlab(environ):
        told = environ.get("CI_COMMIT_SHA", "")
    return told if git.is_commit(told) else git.commit(root)


def clean(text: str) -> str:
    """Text from the command line or the environment, which may be no text at all in places."""
    return text.encode("utf-8", "replace").decode()


def _is_github(environ: Mapping[str, str]) -> bool:
    return environ.get("GITHUB_ACTIONS") == "true"


def _is_gitlab(environ: Mapping[str, str]) -> bool:
    return environ.get("GITLAB_CI") == "true"


def _facts(environ: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, of in names.items() if (value := environ.get(of))}


def _actor(name: str, source: str, facts: Mapping[str, str]) -> Actor:
    short = {key: clean(value)[:_LONGEST] for key, value in facts.items()}
    return Actor(clean(name)[:_LONGEST], source, MappingProxyType(short))


def _machine() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        return Path("/")
