"""Random defaults in random folders, resolved as a simple model resolves them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from random_examples import examples

from reconcile.manifests import load
from reconcile.model.records import Desired

FOLDERS = ("", "a", "a/b", "a/b/c", "a/d", "e")
NAMES = ("p", "q", "r")
IDS = ("1", "2")

PROPERTIES = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["", "x", "y"]))
ASSOCIATIONS = st.dictionaries(
    st.sampled_from(["contact", "deal"]), st.lists(st.sampled_from(IDS), unique=True)
)
IGNORE = st.none() | st.lists(st.sampled_from(NAMES), unique=True)

Fields = Mapping[str, Any]


@st.composite
def fields(draw: st.DrawFn, inherited: Sequence[str], *, line: bool = False) -> dict[str, Any]:
    """Return what a document or default gives; it takes away only what is inherited."""
    properties = draw(PROPERTIES)
    found: dict[str, Any] = {"properties": properties}
    taken = [name for name in inherited if name not in properties and draw(st.booleans())]
    if taken:
        found["unmanaged"] = taken
    if not line:
        found["associations"] = {
            word: [{"id": id_} for id_ in ids] for word, ids in draw(ASSOCIATIONS).items()
        }
    ignore = draw(IGNORE)
    if ignore is not None:
        found["lifecycle"] = {"ignore": ignore}
    return found


def above(folder: str) -> Iterator[str]:
    """Yield a folder and those above it, the outermost first."""
    path = PurePosixPath(folder)
    for one in reversed((path, *path.parents)):
        yield "" if str(one) == "." else str(one)


def resolved(levels: Sequence[Fields]) -> dict[str, Any]:
    """Return what is left of levels that override each other, the last one most of all."""
    names = {name for level in levels for name in level.get("properties", {})}
    values: dict[str, str] = {}
    for name in names:
        for level in reversed(levels):
            if name in level.get("properties", {}):
                values[name] = level["properties"][name]
                break
            if name in level.get("unmanaged", ()):
                break
    references = set()
    for word in ("contact", "deal"):
        lists = [
            level["associations"][word] for level in levels if word in level.get("associations", {})
        ]
        references |= {(word, one["id"]) for one in (lists[-1] if lists else ())}
    ignored = [level["lifecycle"]["ignore"] for level in levels if "lifecycle" in level]
    return {
        "properties": values,
        "references": references,
        "ignore": set(ignored[-1] if ignored else ()),
    }


@st.composite
def projects(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return documents by file, and what each record (by key) should be."""
    files: dict[str, Any] = {}
    defaults: dict[tuple[str, str], Fields] = {}
    expected: dict[str, dict[str, Any]] = {}
    for folder in FOLDERS:
        given_to: dict[str, Fields] = {}
        for kind in ("order", "cart", "line_item"):
            levels = [defaults[one, kind] for one in above(folder) if (one, kind) in defaults]
            if draw(st.booleans()):
                inherited = sorted(resolved(levels)["properties"])
                given_to[kind] = draw(fields(inherited, line=kind == "line_item"))
        if given_to or draw(st.booleans()):
            name = draw(st.sampled_from(["defaults.yaml", "defaults.yml"]))
            files[str(PurePosixPath(folder, name))] = {"kind": "defaults", **given_to}
        defaults |= {(folder, kind): one for kind, one in given_to.items()}
        for kind in ("order", "cart"):
            key = f"{folder}:{kind}"
            records = {}
            for of, named in ((kind, key), ("line_item", f"{key}:1")):
                levels = [defaults[one, of] for one in above(folder) if (one, of) in defaults]
                inherited = sorted(resolved(levels)["properties"])
                own = draw(fields(inherited, line=of == "line_item"))
                records[of] = {"key": named, **own}
                expected[named] = resolved([*levels, own])
            nested = {"line_items": [records["line_item"]]}
            document = {"kind": kind, **records[kind], **nested}
            files[str(PurePosixPath(folder, f"{kind}s.yaml"))] = document
    return files, expected


def as_resolved(record: Desired) -> dict[str, Any]:
    """Return a loaded record in the model's shape."""
    return {
        "properties": dict(record.properties),
        "references": {(one.to, one.value) for one in record.references},
        "ignore": set(record.ignore),
    }


@examples(20)
@given(projects(), st.sampled_from(FOLDERS[1:]))
def test_folders_resolve_as_in_the_model(
    project: tuple[dict[str, Any], dict[str, dict[str, Any]]], chosen: str
) -> None:
    """Whole, and in a folder that was chosen; and each value is where its location says."""
    files, expected = project
    with TemporaryDirectory() as name:
        root = Path(name).resolve()
        for file, document in files.items():
            path = root / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(document, indent=1))
        units = load([root], root=root)
        some = load([root / chosen], root=root)
        lines = {file: (root / file).read_text().splitlines() for file in files}
    records = {one.address.key: one for unit in units for one in unit.records}
    assert {key: as_resolved(one) for key, one in records.items()} == expected
    assert some
    assert all(records[one.address.key] == one for unit in some for one in unit.records)
    for record in records.values():
        for name, value in record.properties.items():
            location = record.location_of(name)
            text = lines[location.file][location.line - 1]
            assert text.strip().rstrip(",") == f'"{name}": {json.dumps(value)}'
            assert record.inherits(location) == ("defaults" in location.file)
