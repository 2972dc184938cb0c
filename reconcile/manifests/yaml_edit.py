"""Set single values in YAML text, and keep every other byte.

ruamel.yaml finds where a value begins and ends. Only these bytes are replaced, or a line is added.
After each edit ruamel.yaml and our own reader read the document again: both must find the new
value, and nothing else changed. An edit that cannot be made so is refused with its place; nothing
is ever reformatted.
"""

from collections.abc import Mapping, Sequence

from reconcile.errors import Problem
from reconcile.manifests.document_texts import DocumentTexts
from reconcile.manifests.problems import Positioned, ProblemReport
from reconcile.manifests.yaml_nodes import Items, Node, Table, Text, read
from reconcile.manifests.yaml_scalars import in_double_quotes, spellings
from reconcile.manifests.yaml_slots import (
    TYPED,
    Edit,
    Path,
    Plain,
    Refused,
    as_ruamel_reads,
    slot_of,
)
from reconcile.model.values import show

BY_HAND = "edit the file by hand"
"""How a hint begins that names the value to write."""

IMPOSSIBLE = "change it where it comes from, or keep what the manifest has"
"""The hint for a value that must not be in a manifest."""

_BOM = "\ufeff"


def edit_values(
    data: bytes, edits: Sequence[Edit], report: ProblemReport, *, any_comment: bool = False
) -> bytes | None:
    """Return a file with these values set, one after the other, or None.

    If it is None, ``report`` has a problem for each edit that cannot be made, with its place in
    ``data``. For ``any_comment`` see ``read``.
    """
    edited, _ = edit_each(data, edits, report, any_comment=any_comment)
    return None if report.problems else edited


def edit_each(
    data: bytes, edits: Sequence[Edit], report: ProblemReport, *, any_comment: bool = False
) -> tuple[bytes | None, Mapping[Edit, Problem]]:
    """Return a file with the values set that can be, and what prevents the others.

    ``report`` has all problems. The file is None if nothing in it can be edited.
    """
    refused: dict[Edit, Problem] = {}
    documents = list(read(data, report, any_comment=any_comment))
    if report.problems:
        return None, refused
    text = data.decode("utf-8")
    bom = _BOM if text.startswith(_BOM) else ""
    parts = DocumentTexts(text.removeprefix(_BOM))
    wanted: Plain = [*map(_of_ours, documents)]
    for edit in edits:
        number, *path = edit.path
        root = documents[int(number)]
        index = parts.index_of(root)
        part, last = parts.texts[index], index == len(parts.texts) - 1
        try:
            parts.texts[index] = _edited(
                part, edit._replace(path=tuple(path)), last=last, any_comment=any_comment
            )
            wanted = _with_value(wanted, edit.path, edit.text)
        except Refused as why:
            place = parts.position(index, why.at) if why.at else _nearest(root, path)
            by_hand = f"{BY_HAND}: {_dotted(path)} must be {show(edit.text)}"
            report.at(place, str(why), IMPOSSIBLE if why.impossible else by_hand)
            refused[edit] = report.problems[-1]
    edited = f"{bom}{''.join(parts.texts)}".encode()
    again = ProblemReport(report.file)
    if wanted == [_of_ours(one) for one in read(edited, again, any_comment=any_comment)]:
        return edited, refused
    report.problems += again.problems
    report.whole_file("an edit would change another document", BY_HAND)
    return None, refused


def _edited(part: str, edit: Edit, *, last: bool, any_comment: bool) -> str:
    """Return a document with a value set. Raise Refused if that cannot be done."""
    slot = slot_of(part, edit, last=last)
    wanted = [
        _with_value(read_by, (0, *edit.path), edit.text)
        for read_by in _read_by_both(part, any_comment=any_comment)
    ]
    plain = slot.typed or not any(pattern.match(edit.text) for pattern in TYPED)
    plain = plain and "?" not in edit.text  # within brackets not every parser takes it for text
    for spelled in spellings(edit.text, slot.style, plain=plain):
        edited = f"{part[: slot.start]}{slot.before}{spelled}{slot.behind}{part[slot.end :]}"
        try:
            if _read_by_both(edited, any_comment=any_comment) == wanted:
                return edited
        except Refused:
            continue
    alone = ProblemReport("")
    list(read(f"x: {in_double_quotes(edit.text)}\n".encode(), alone))
    if alone.problems:
        why = f"the new text cannot be in a manifest: {alone.problems[0].message}"
        raise Refused(why, impossible=True)
    raise Refused("this edit would change what else the file says")


def _read_by_both(part: str, *, any_comment: bool) -> list[Plain]:
    """Return a document in a list, as ruamel.yaml and as our reader read them."""
    report = ProblemReport("")
    ours = [_of_ours(one) for one in read(part.encode(), report, any_comment=any_comment)]
    if report.problems:
        raise Refused(report.problems[0].message)
    return [[as_ruamel_reads(part)], [*ours]]


def _of_ours(node: Node) -> Plain:
    if isinstance(node, Table):
        return {name: _of_ours(entry.value) for name, entry in node.entries.items()}
    if isinstance(node, Items):
        return [*map(_of_ours, node.nodes)]
    return node.value if isinstance(node, Text) else None


def _with_value(document: Plain, path: Path, text: str) -> Plain:
    """Return a document that differs in one value."""
    if not path:
        return text
    step, *rest = path
    if isinstance(document, list):
        return [
            _with_value(one, tuple(rest), text) if index == step else one
            for index, one in enumerate(document)
        ]
    inner = document if isinstance(document, dict) else {}
    return {**inner, str(step): _with_value(inner.get(str(step)), tuple(rest), text)}


def _nearest(root: Node, path: Sequence[int | str]) -> Positioned:
    """Return the node at a path, or the last one on the way to it."""
    node = root
    for step in path:
        if isinstance(node, Table) and step in node.entries:
            node = node.entries[str(step)].value
        elif isinstance(node, Items) and isinstance(step, int):
            node = node.nodes[step]
    return node


def _dotted(path: Sequence[int | str]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)[1:]
