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
    entries = dict(table.entries)
    if rest:
        for key in entries if name == "*" else {name} & entries.keys():
            entry = entries[key]
            if isinstance(entry.value, Table):
                entries[key] = entry._replace(value=_renamed(entry.value, rest, one, report))
    elif name in entries:
        one.warn()
        new = one.new.rpartition(".")[2] or name
        if new in entries and new != name:
            report.at(entries[name], f"{name!r} is the former name of {new!r}, which is here too")
        entries = {new if key == name else key: entry for key, entry in entries.items()}
    return table._replace(entries=entries)
