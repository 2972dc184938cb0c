"""Settings of reconcile.yaml under their former names, which ``deprecations`` lists."""

from collections.abc import Sequence

from reconcile import deprecations
from reconcile.deprecations import Deprecation
from reconcile.manifests.problems import ProblemReport
from reconcile.manifests.yaml_nodes import Table


def with_current_names(root: Table, report: ProblemReport) -> Table:
    """Return the file's content with the present name of each setting; warn of each former one.

    A setting that is there under both names is reported.
    """
    for one in deprecations.SETTINGS:
        root = _renamed(root, one.old.split("."), one, report)
    return root


def _renamed(table: Table, path: Sequence[str], one: Deprecation, report: ProblemReport) -> Table:
    name, *rest = path
    if not rest:
        return _with_new_name(table, name, one, report)
    entries = dict(table.entries)
    for key, entry in table.entries.items():
        if name in ("*", key) and isinstance(entry.value, Table):
            entries[key] = entry._replace(value=_renamed(entry.value, rest, one, report))
    return table._replace(entries=entries)


def _with_new_name(table: Table, old: str, one: Deprecation, report: ProblemReport) -> Table:
    entries = table.entries
    if old not in entries:
        return table
    one.warn()
    new = one.new.rpartition(".")[2] or old
    if new in entries and new != old:
        report.at(entries[old], f"{old!r} is the former name of {new!r}, which is here too")
    renamed = {new if name == old else name: entry for name, entry in entries.items()}
    return table._replace(entries=renamed)
