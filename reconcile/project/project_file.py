"""Read reconcile.yaml, and report every problem with its location."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from reconcile.errors import ManifestError, UsageError
from reconcile.manifests.files import PROJECT_FILE, read_bytes
from reconcile.manifests.paths import display_path, escaping_link, resolve_links
from reconcile.manifests.problems import Positioned, ProblemReport, choices, listed
from reconcile.manifests.yaml_nodes import Empty, Items, Node, Table, Text, read
from reconcile.model.records import Location
from reconcile.model.values import nearest, show
from reconcile.project.former_names import with_current_names
from reconcile.project.settings import (
    TOKEN_FIELDS,
    Limits,
    ProjectFile,
    SandboxSettings,
    TargetSettings,
    is_hubspot,
)

_MODEL_BY_DEPTH = (ProjectFile, Limits, TargetSettings, SandboxSettings)
"""The model of each depth of the file."""

_WORDS = {
    "missing": "is missing",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    "dict_type": "must be names with values (name: value)",
    "model_type": "must be names with values (name: value)",
}

_TO_ADD = {
    "version": "add the line version: 1",
    "targets": "add targets: with a name for each, as in targets: {local: {sandbox: true}}",
    "manifests": "add manifests: with a list of files and folders, as in [manifests]",
}
"""Hints for missing fields."""

_GUARDS = (
    "guards: has no effect any more: what nobody has looked at is held back, and drift left alone",
    "remove it, and allow what a plan holds back with `reconcile plan --allow NAME=NUMBER`; to "
    "refuse large plans, write limits: {archive: 20, update: 500, create: 50%}",
)

_Path = tuple[str | int, ...]


class _Leaf(NamedTuple):
    path: _Path
    node: Text | Empty


def read_project(folder: Path) -> ProjectFile | None:
    """Return the project file of ``folder``, or None if there is none.

    Raises ManifestError with every problem in it.
    """
    path = folder / PROJECT_FILE
    if not (path.exists() or path.is_symlink()):
        if (folder / "reconcile.yml").exists():
            raise UsageError("there is a reconcile.yml", hint=f"rename it to {PROJECT_FILE}")
        return None
    report = ProblemReport(PROJECT_FILE)
    project = None
    if escaping_link(path, folder):
        report.whole_file("this link leads out of the project", "copy what it links to")
    elif not path.exists():
        report.whole_file(
            f"a link to {display_path(resolve_links(path))}, which does not exist",
            "remove it, or restore what it links to",
        )
    elif (data := read_bytes(path, report)) is not None:
        project = _project(data, folder, report)
    if project is None or report.problems:
        raise ManifestError(report.problems, title=PROJECT_FILE)
    return project


def committed_project(data: bytes, folder: Path) -> ProjectFile:
    """Return the project file that a commit has for ``folder``.

    The paths of manifests are those in the commit: links in the folder do not lead elsewhere.
    Raises ManifestError with every problem in it.
    """
    report = ProblemReport(PROJECT_FILE)
    project = _project(data, folder, report, committed=True)
    if project is None or report.problems:
        raise ManifestError(report.problems, title=PROJECT_FILE)
    return project


def setting_texts(data: bytes) -> Mapping[str, tuple[str, ...]]:
    """Return the values of a project file as written, by dotted path; a list's are together.

    Raises ManifestError for what is not YAML that a project file may have.
    """
    report = ProblemReport(PROJECT_FILE)
    documents = list(read(data, report, any_comment=True))
    if report.problems:
        raise ManifestError(report.problems, title=PROJECT_FILE)
    found: dict[str, list[str]] = {}
    for document in documents:
        for path, node in _leaves(document):
            name = ".".join(part for part in path if isinstance(part, str))
            found.setdefault(name, []).append(node.value if isinstance(node, Text) else "")
    return {name: tuple(values) for name, values in found.items()}


def _project(
    data: bytes, folder: Path, report: ProblemReport, *, committed: bool = False
) -> ProjectFile | None:
    documents = list(read(data, report, any_comment=True))
    if report.problems:
        return None
    if len(documents) != 1 or not isinstance(documents[0], Table):
        report.whole_file("must hold one document of names with values (name: value)")
        return None
    root = documents[0]
    version = root.entries.get("version")
    if version and isinstance(version.value, Text) and version.value.value != "1":
        message = f"version {show(version.value.value)} is not supported"
        report.at(
            version.value,
            message,
            "this reconcile supports version 1; a newer one may support more",
        )
        return None
    root = _without_guards(with_current_names(root, report), report)
    for leaf in _leaves(root):
        _check_leaf(leaf, report)
    _check_targets(root, report)
    try:
        context = {"folder": folder, "places": _places(root), "committed": committed}
        return ProjectFile.model_validate(_plain(root), context=context)
    except ValidationError as error:
        reported = {(problem.line, problem.column) for problem in report.problems}
        for details in error.errors(include_input=False, include_url=False):
            place = _place(root, details)
            if (place.line, place.column) not in reported:
                report.at(place, *_in_words(details))
        return None


def _without_guards(root: Table, report: ProblemReport) -> Table:
    """Report the setting that 0.1.0 had, once, whatever is in it."""
    entries = dict(root.entries)
    if former := entries.pop("guards", None):
        report.at(former, *_GUARDS)
    return root._replace(entries=entries)


def _places(root: Table) -> dict[tuple[str, str], Location]:
    """Return where each property stands whose drift is to be put back, by kind and name."""
    drift = root.entries["drift"].value if "drift" in root.entries else None
    of_kinds = drift.entries if isinstance(drift, Table) else {}
    return {
        (kind, name): Location(PROJECT_FILE, entry.line, entry.column)
        for kind, names in of_kinds.items()
        if isinstance(names.value, Table)
        for name, entry in names.value.entries.items()
    }


def _leaves(node: Node, path: _Path = ()) -> Iterator[_Leaf]:
    if isinstance(node, Table):
        for name, entry in node.entries.items():
            yield from _leaves(entry.value, (*path, name))
    elif isinstance(node, Items):
        for index, item in enumerate(node.nodes):
            yield from _leaves(item, (*path, index))
    else:
        yield _Leaf(path, node)


def _check_leaf(leaf: _Leaf, report: ProblemReport) -> None:
    path, node = leaf
    if isinstance(node, Empty):
        report.at(node, f"{_field_name(path)} has no value", "give it one, or leave it out")
    elif "${env:" in node.value and not (
        path == ("store",) or (len(path) >= 3 and path[2] in TOKEN_FIELDS)
    ):
        report.at(node, f"${{env:…}} can only be used in {listed(('store', *TOKEN_FIELDS))}")


def _check_targets(root: Table, report: ProblemReport) -> None:
    """Check which fields a target may and must have, and that the default target exists."""
    targets = root.entries["targets"].value if "targets" in root.entries else None
    if not isinstance(targets, Table):
        return
    for name, entry in targets.entries.items():
        if isinstance(entry.value, Table):
            _check_target(name, entry.value, report)
    chosen = root.entries["target"].value if "target" in root.entries else None
    if isinstance(chosen, Text) and chosen.value not in targets.entries:
        message = f"there is no target {show(chosen.value)}{nearest(chosen.value, targets.entries)}"
        report.at(chosen, message, choices("target", targets.entries))


def _check_target(name: str, target: Table, report: ProblemReport) -> None:
    entries = target.entries
    url = entries["url"].value if "url" in entries else None
    if "sandbox" in entries:
        for field in ("portal", "url", *TOKEN_FIELDS):
            if field in entries:
                report.at(entries[field], f"a sandbox target has no {field!r}")
    elif "portal" not in entries and (
        url is None or (isinstance(url, Text) and is_hubspot(url.value))
    ):
        hint = "the account's id; HubSpot shows it under the account's name"
        report.at(target, f"the target {show(name)} has no 'portal'", hint)


def _plain(node: Node) -> Any:
    """Return a node as dicts, lists and text, for pydantic. Empty values were reported before."""
    if isinstance(node, Table):
        return {name: _plain(entry.value) for name, entry in node.entries.items()}
    if isinstance(node, Items):
        return [_plain(item) for item in node.nodes]
    return node.value if isinstance(node, Text) else ""


def _place(root: Table, details: ErrorDetails) -> Positioned:
    """Return the location of an error: a value, or its name if that is wrong."""
    *path, last = details["loc"]
    name_is_wrong = last == "[key]" or details["type"] == "extra_forbidden"
    if last != "[key]":
        path.append(last)
    node: Node = root
    place: Positioned = root
    for part in path:
        if isinstance(node, Table) and part in node.entries:
            place = entry = node.entries[str(part)]
            node = entry.value
        elif isinstance(node, Items) and isinstance(part, int):
            place = node = node.nodes[part]
    return place if name_is_wrong else node


def _in_words(details: ErrorDetails) -> tuple[str, str]:
    path = details["loc"]
    kind = details["type"]
    if kind == "extra_forbidden":
        fields = _MODEL_BY_DEPTH[len(path) - 1].model_fields
        name = str(path[-1])
        return f"unknown field {show(name)}{nearest(name, fields)}", choices("field", fields)
    if kind == "value_error":
        words = str(details["ctx"]["error"])
    elif kind == "literal_error":
        words = f"must be {details['ctx']['expected']}"
    else:
        words = _WORDS.get(kind, details["msg"])
    hint = _TO_ADD.get(str(path[0]), "") if kind == "missing" else ""
    return f"{_field_name(path)} {words}", hint


def _field_name(path: _Path) -> str:
    names = [part for part in path if isinstance(part, str) and part != "[key]"]
    return show(names[-1]) if names else "this value"
