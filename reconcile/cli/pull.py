"""`reconcile pull`."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from reconcile.cli.common import echo, settings_for
from reconcile.cli.pull_summary import summary
from reconcile.errors import UsageError
from reconcile.manifests import load_defaults
from reconcile.manifests.files import find, is_manifest
from reconcile.manifests.problems import choices
from reconcile.model.address import is_record_id
from reconcile.model.kinds import Kind, kinds
from reconcile.model.manage import Manage
from reconcile.model.records import Unit
from reconcile.model.values import show
from reconcile.project import Settings
from reconcile.project.declared import read_declared
from reconcile.pulling.chosen_properties import require_writable
from reconcile.pulling.known import Project, Wanted, project_of
from reconcile.pulling.new_files import NewFiles
from reconcile.pulling.puller import Puller
from reconcile.pulling.selection import Selection
from reconcile.render.progress import progress
from reconcile.session import connect


def run(
    *,
    kind: str,
    target: str | None,
    everything: bool,
    ids: Path | None,
    where: str | None,
    properties: tuple[str, ...] | None,
    lines: tuple[str, ...] | None,
    associations: tuple[str, ...] | None,
    key: str | None,
    into: Path | None,
    split: str,
) -> None:
    """Run `reconcile pull`."""
    (one,) = (known for known in kinds().values() if known.plural == kind)
    selection = _selection(everything=everything, ids=ids, where=where)
    settings = settings_for(target)
    folder = _folder(settings, into)
    wanted = Wanted(one, properties, lines, key or "", _ends(one, associations or ()))
    files = NewFiles(folder, one.plural.replace(" ", "_"), _documents(split))
    units = _declared(settings)
    defaults = load_defaults(folder, root=settings.root)
    with connect(settings, os.environ, "read") as session:
        project = project_of(
            session.hubspot,
            session.state(),
            units,
            wanted,
            identities=settings.target.identity,
            target=settings.target.name,
            several=len(settings.targets) > 1,
            manage=settings.target.manage,
            defaults=defaults,
        )
        _require_names(wanted, project, selection)
        selection = selection.as_stored(one, project.definitions)
        puller = Puller(session.hubspot, project, wanted, files)

        def say(paths: Sequence[Path]) -> None:
            for line in summary(wanted, selection, puller.pulled, paths, settings.root):
                echo(line)

        try:
            with progress(None, f"Pulling {one.plural}") as advance:
                puller.run(selection, advance)
        except BaseException:
            if paths := files.finish():
                say(paths)
                echo("It ended early: run the same command again for the records that are left.")
            raise
    say(files.finish())


def _selection(*, everything: bool, ids: Path | None, where: str | None) -> Selection:
    if sum((everything, ids is not None, where is not None)) != 1:
        raise UsageError(
            "say which records to pull",
            hint="with one of --all, --ids FILE, --where PROPERTY=VALUE",
        )
    if ids is not None:
        return Selection(ids=tuple(_ids(ids)))
    name, equals, value = (where or "").partition("=")
    if where is not None and not (name and equals and value):
        raise UsageError(f"{show(where)} is not of the form PROPERTY=VALUE")
    return Selection(name=name, value=value)


def _ids(file: Path) -> Iterator[str]:
    """Yield the ids in a file, one on each line; empty lines do not count."""
    try:
        text = file.read_text(encoding="utf-8-sig")  # as spreadsheets write it
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from error
    for number, line in enumerate(text.splitlines(), 1):
        if one := line.strip().strip('"'):
            if not is_record_id(one):
                raise UsageError(f"{file}:{number}: {show(one)} is not the id of a record")
            yield one


def _documents(split: str) -> int:
    """Return how many documents a file holds, 0 for a file for each month."""
    if split == "month":
        return 0
    if not (split.isascii() and split.isdigit() and 0 < int(split) <= 10_000):
        raise UsageError("--split takes month, or a number of documents from 1 to 10000")
    return int(split)


def _folder(settings: Settings, into: Path | None) -> Path:
    """Return the folder to write into: the project must read it afterwards."""
    if into is None:
        if not settings.manifests:
            raise UsageError("there is no project here", hint="run `reconcile init` first")
        folder = settings.manifests[0]
    else:
        folder = (Path.cwd() / into).resolve()
    is_below_file = any(one.is_file() for one in (folder, *folder.parents))
    if is_below_file or not is_manifest(folder / "orders.yaml", settings.manifests):
        raise UsageError(
            f"{show(str(into or folder))} is not a folder of manifests of this project",
            hint="choose one that is below `manifests:` in reconcile.yaml",
        )
    return folder


def _ends(kind: Kind, words: tuple[str, ...]) -> tuple[str, ...]:
    for word in words:
        if word not in kind.associations or word in kind.children:
            known = [one for one in kind.associations if one not in kind.children]
            raise UsageError(
                f"{kind.plural} cannot be associated with {show(word)}",
                hint=choices("object", known),
            )
    return words


def _declared(settings: Settings) -> tuple[Unit, ...]:
    """Return what the manifests declare already; a project may have none yet."""
    if not find([path for path in settings.manifests if path.exists()], settings.root).files:
        return ()
    declared = read_declared(settings)
    declared.require_valid()
    return declared.everything


def _require_names(wanted: Wanted, project: Project, selection: Selection) -> None:
    """Raise UsageError for names of properties that the account does not have or take."""
    known = project.definitions.properties
    key = project.identities[wanted.kind.name].key_property
    manage = project.manage
    names = wanted.properties or ()
    require_writable(
        names,
        wanted.kind,
        known[wanted.kind.name],
        key=key,
        manage=manage,
        option="--properties",
    )
    _require_managed(wanted, manage)
    (child,) = wanted.kind.children
    key = project.identities[child].key_property
    require_writable(
        wanted.lines or (),
        kinds()[child],
        known[child],
        key=key,
        manage=manage,
        option="--lines",
    )
    for name in filter(None, (wanted.key, selection.name)):
        if name not in known[wanted.kind.name]:
            raise UsageError(f"{wanted.kind.plural} have no property {show(name)}")


def _require_managed(wanted: Wanted, manage: Manage) -> None:
    """Raise UsageError for a kind or an association that `manage:` does not list."""
    kinds_of = (wanted.kind.name, *(wanted.kind.children if wanted.lines is not None else ()))
    faults = [f"{kinds()[name].plural}" for name in kinds_of if not manage.has_kind(name)]
    faults += [
        f"associations of {wanted.kind.plural} with {to}"
        for to in wanted.ends
        if not manage.allows(wanted.kind.name, to)
    ]
    if faults:
        raise UsageError(
            f"`manage:` does not list {', '.join(faults)}", hint="add them in reconcile.yaml"
        )
