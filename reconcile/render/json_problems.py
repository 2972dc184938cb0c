"""Problems of manifests as JSON, every one of them, for programs.

``format_version`` is MAJOR.MINOR: a reader ignores names it does not know and refuses another
major. ``problems`` are what the manifests, or the project file, get wrong by themselves;
``conflicts`` what the account does not take of the records that could be read. ``warnings``, where
there are no problems, are references that will not fit another target. ``line`` and
``column`` count from 1 and are ``null`` where a whole file is meant. ``hint`` is empty where there
is none.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from reconcile import __version__
from reconcile.errors import ManifestError, Problem
from reconcile.render.json_text import json_text

FORMAT_VERSION = "1.0"


def problems_json(error: ManifestError) -> str:
    """Return every problem of an error, sorted by place, each on a line of its own; in ASCII."""
    return _document(error.problems, error.conflicts, {"text": error.summary, "hint": error.hint})


def valid_json(records: Mapping[str, int], warnings: Sequence[Problem] = ()) -> str:
    """Return the same document for manifests without a problem; ``records`` counts each kind."""
    rest = {"records": dict(sorted(records.items())), "warnings": warning_list(warnings)}
    return _document((), (), rest)


def warning_list(warnings: Sequence[Problem]) -> list[dict[str, Any]]:
    """Return warnings for JSON, in the form of problems."""
    return [_problem(one) for one in warnings]


def _document(
    problems: Sequence[Problem], conflicts: Sequence[Problem], rest: Mapping[str, Any]
) -> str:
    head = {"format_version": FORMAT_VERSION, "reconcile_version": __version__, **rest}
    return (
        f'{json_text(head)[:-1]},"problems":[{_listed(problems)}],'
        f'"conflicts":[{_listed(conflicts)}]}}\n'
    )


def _listed(problems: Sequence[Problem]) -> str:
    lines = ",\n".join(json_text(_problem(one)) for one in problems)
    return f"\n{lines}\n" if lines else ""


def _problem(one: Problem) -> dict[str, Any]:
    return {
        "file": one.file,
        "line": one.line or None,
        "column": one.column or None,
        "message": one.message,
        "hint": one.hint,
    }
