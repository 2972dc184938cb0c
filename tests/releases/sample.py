"""A sample of what a released version left behind: a project, its state folder, and its account.

All of it is text, in a folder for each version, so that a change of a sample shows in a review:

- ``project/``: the project file and the manifests
- ``store.json``: the files of the target's state folder by name, but for locks and the sandbox
- ``account.json``: what the account holds, as rows of the sandbox's tables
- ``formats.json``: the formats and fields of that version's files
"""

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args, get_type_hints
from uuid import uuid4

from reconcile.applying import journal_lines, run_head
from reconcile.audit import chain, entry_schema
from reconcile.planning import plan_file
from reconcile.sandbox import Sandbox
from reconcile.state import applied_plans, head, shards

SAMPLES = Path(__file__).parent
TARGET = "shop"
STATE = Path("state") / TARGET
ACCOUNT = STATE / "sandbox.sqlite"

FORMATS = {
    "applied plans": applied_plans.FORMAT,
    "audit log": chain.FORMAT,
    "journal": run_head.FORMAT,
    "kept plan": plan_file.FORMAT,
    "state": head.FORMAT,
}
"""The formats of what lies in a store."""

FIELDS = {
    name: sorted(field.name for field in fields(schema))
    for name, schema in {
        "applied plan": applied_plans.AppliedPlan,
        "applied plans": applied_plans._Content,
        "audit entry": entry_schema._Entry,
        "audit record": entry_schema._Record,
        "head": head.Content,
        "shard": shards._File,
        "state entry": shards._Entry,
        "standing conflicts": shards._Standing,
        **{
            f"journal {', '.join(get_args(get_type_hints(line)['about']))}": line
            for line in get_args(journal_lines._Any)
        },
    }.items()
}
"""The fields of what lies in a store: an older version drops those that it does not know."""

DEFINITIONS = ("label", "pipeline", "property", "property_group", "stage")
"""Tables of which a new account has rows already; a sample has only those that were added."""

_TOKEN = re.compile(r"pat-na1-[0-9a-f-]{36}")
_NEW_TOKEN = f"pat-na1-{uuid4()}"
_NO_TOKEN = "(a new token)"  # a token in a repository, even of a sandbox, alarms those who scan it

Tables = dict[str, dict[str, Any]]


def versions() -> list[str]:
    """Return the versions of which there is a sample, oldest first."""
    return sorted(
        (path.parent.name for path in SAMPLES.glob("*/formats.json")),
        key=lambda name: [*map(int, name.split("."))],
    )


def save(project: Path, sample: Path) -> None:
    """Make a sample of a project."""
    shutil.rmtree(sample, ignore_errors=True)
    (sample / "project").mkdir(parents=True)
    for path in filter(Path.is_file, project.iterdir()):
        shutil.copy(path, sample / "project")
    _write(sample / "store.json", dict(_files(project / STATE)))
    _write(sample / "account.json", dict(_added(project / ACCOUNT)))
    _write(sample / "formats.json", {"formats": FORMATS, "fields": FIELDS})


def restore(sample: Path, project: Path) -> None:
    """Make a project of a sample, with an account of today's sandbox."""
    shutil.copytree(sample / "project", project)
    for name, content in _read(sample / "store.json").items():
        file = project / STATE / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else bytes(content))
    with Sandbox(project / ACCOUNT):
        pass
    with closing(sqlite3.connect(project / ACCOUNT)) as connection, connection:
        for name, table in _read(sample / "account.json").items():
            if name not in DEFINITIONS:
                connection.execute(f"DELETE FROM {name}")  # noqa: S608  (ours)
            columns = table["columns"]
            marks = ", ".join("?" * len(columns))
            statement = f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
            connection.executemany(statement, map(_with_token, table["rows"]))


def _files(folder: Path) -> Iterator[tuple[str, str | list[int]]]:
    """Yield the files of a state folder: their text, or their bytes where they are no text."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith("sandbox.") and "lock" not in name:
            data = path.read_bytes()
            yield name, data.decode() if data.isascii() else list(data)


def _added(account: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the tables of an account; of definitions, what a new account does not have."""
    with TemporaryDirectory() as folder:
        new = Path(folder) / "new.sqlite"
        with Sandbox(new):
            pass
        theirs = {name: _keys(new, name) for name in DEFINITIONS}
    with closing(sqlite3.connect(account)) as connection:
        names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        for (name,) in sorted(names):
            info = connection.execute(f"PRAGMA table_info({name})").fetchall()
            columns = [column[1] for column in info]
            rows = connection.execute(f"SELECT {', '.join(columns)} FROM {name}")  # noqa: S608
            kept = [row for row in rows if row[:2] not in theirs.get(name, ())]
            yield name, {"columns": columns, "rows": [*map(_without_token, sorted(kept, key=repr))]}


def _keys(account: Path, table: str) -> set[tuple[Any, ...]]:
    with closing(sqlite3.connect(account)) as connection:
        return {row[:2] for row in connection.execute(f"SELECT * FROM {table}")}  # noqa: S608


def _without_token(row: tuple[Any, ...]) -> list[Any]:
    return [_NO_TOKEN if _TOKEN.fullmatch(str(value)) else value for value in row]


def _with_token(row: list[Any]) -> list[Any]:
    return [_NEW_TOKEN if value == _NO_TOKEN else value for value in row]


def _write(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _read(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_bytes())
    return data
