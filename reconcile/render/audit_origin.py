"""The actor and commit of an event, as the audit log shows them."""

from collections.abc import Iterator

from reconcile.model.audit import Entry
from reconcile.model.source import Files
from reconcile.render.escaping import visible

_SERVICES = {"oidc-unverified": "GitHub", "github": "GitHub", "gitlab": "GitLab"}
SOURCES = {
    "oidc-unverified": "GitHub's identity token, unverified",
    "github": "GitHub's variables, unverified",
    "gitlab": "GitLab's variables, unverified",
    "git": "git's settings",
    "os": "this machine",
}
_FILES: dict[str, str] = {
    Files.SAME: "the files read are this commit's",
    Files.DIFFER: "the files read differ from it",
    Files.UNKNOWN: "the files read could not be compared with it",
}
_NOTES: dict[str, str] = {
    Files.DIFFER: " (files differ)",
    Files.UNKNOWN: " (files not compared)",
}
OF_COMMIT = ("files", "commit_at_apply")
"""Facts that are shown beside the commit."""


def by_line(entry: Entry, who: str) -> str:
    """Return one line with the actor and the commit; ``who`` is masked already."""
    actor = entry.origin.actor
    parts = [f"by {who or 'an unknown user'}"]
    if actor.source in _SERVICES:
        place = actor.facts.get("repository") or actor.facts.get("project", "")
        job = actor.facts.get("run_id") or actor.facts.get("job_id", "")
        parts.append(" ".join(filter(None, (_SERVICES[actor.source], place, job, "(unverified)"))))
    if entry.origin.commit:
        parts.append(f"commit {entry.origin.commit[:12]}{_NOTES.get(_fact(entry, 'files'), '')}")
    if at_apply := _fact(entry, "commit_at_apply"):
        parts.append(f"commit at apply {at_apply[:12]}")
    return visible(", ".join(parts))


def commit_rows(entry: Entry) -> Iterator[tuple[str, str]]:
    """Yield names and texts of what is known of the commit; a text may be empty."""
    yield "commit", visible(entry.origin.commit)
    yield "", _FILES.get(_fact(entry, "files"), "")
    yield "at apply", visible(_fact(entry, "commit_at_apply"))


def _fact(entry: Entry, name: str) -> str:
    return str(entry.facts.get(name, ""))
