"""Who runs reconcile: from the CI service's variables, from git, or from the machine.

This is only as reliable as the environment: whoever sets variables can name anybody. An identity
token (``oidc-unverified``) comes from a host of GitHub's own, but its signature is not verified.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from reconcile.audit import git
from reconcile.audit.github_identity import claims
from reconcile.github.job_variables import VARIABLES, is_github_job
from reconcile.model.audit import Actor, Origin
from reconcile.model.source import UNKNOWN
from reconcile.stores.this_process import local_user

_LONGEST = 500

_GITLAB = {
    "project": "CI_PROJECT_PATH",
    "pipeline_id": "CI_PIPELINE_ID",
    "job_id": "CI_JOB_ID",
    "sha": "CI_COMMIT_SHA",
    "ref": "CI_COMMIT_REF_NAME",
}


def origin(environ: Mapping[str, str], root: Path, reason: str = "") -> Origin:
    """Return who runs reconcile in the project at ``root``, why, and on which commit.

    Ask GitHub for the job's identity where the job may have it.
    """
    return Origin(current_actor(environ, root), clean(reason), commit(environ, root))


def current_actor(environ: Mapping[str, str], root: Path, *, loopback: bool = False) -> Actor:
    """Return the CI service's user in a CI job, else git's or the machine's.

    Where git is needed but unavailable, the name is unknown, and the facts name the machine.
    ``loopback`` allows an issuer on this machine, for tests.
    """
    if is_github_job(environ):
        claimed = claims(environ, loopback=loopback)
        facts = _facts(environ, VARIABLES) | claimed
        name = claimed.get("actor") or environ.get("GITHUB_ACTOR", "")
        return _actor(name, "oidc-unverified" if claimed else "github", facts)
    if _is_gitlab(environ):
        return _actor(environ.get("GITLAB_USER_LOGIN", ""), "gitlab", _facts(environ, _GITLAB))
    machine = local_user()
    try:
        name = git.identity(root, environ)
    except git.GitUnavailable:
        name = UNKNOWN
    return _actor(name, "git", {"machine": machine}) if name else _actor(machine, "os", {})


def commit(environ: Mapping[str, str], root: Path) -> str:
    """Return the commit that is checked out, ``""`` outside git, ``UNKNOWN`` without an answer.

    A CI service's own idea of the job's commit may differ; it is in the actor's facts.
    """
    try:
        return git.commit(root, environ)
    except git.GitUnavailable:
        return UNKNOWN


def clean(text: str) -> str:
    """Return text from the command line or the environment, with invalid characters replaced."""
    return text.encode("utf-8", "replace").decode()


def _is_gitlab(environ: Mapping[str, str]) -> bool:
    return environ.get("GITLAB_CI") == "true"


def _facts(environ: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, of in names.items() if (value := environ.get(of))}


def _actor(name: str, source: str, facts: Mapping[str, str]) -> Actor:
    short = {key: clean(value)[:_LONGEST] for key, value in facts.items()}
    return Actor(clean(name)[:_LONGEST], source, MappingProxyType(short))
