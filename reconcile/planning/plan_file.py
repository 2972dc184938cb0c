"""A plan as a file: JSON lines, one for the head, one for the whole, one a unit, one for digests.

The content digest covers what the plan would do and what it was made from; an identical re-plan
keeps it, so reviews and approvals bind to it. The file digest covers every byte before it. Both
find accidents and edits; they are not signatures. So loading believes nothing that it can work out:
what people read is derived from what is written (``deriving``), and a plan that no planner makes is
refused (``consistency``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from reconcile.errors import UsageError
from reconcile.model.address import Address
from reconcile.model.digest import canonical
from reconcile.model.plan import Action, Plan, TargetPin, UnitChange, ValueLabel
from reconcile.model.source import UNKNOWN, Files, Source
from reconcile.planning.consistency import contradictions
from reconcile.planning.derived import Legend, derived
from reconcile.planning.guards import tripped_guards

FORMAT = 3
"""Version of the plan file's format. Another one is refused: plan again."""

_DERIVED: Any = {
    "parent": True,
    "fields": {"__all__": {"shown_before", "shown_after", "personal"}},
    "links": {"__all__": {"shown", "ours", "personal"}},
}
"""What of a record's change is not written, since it follows from the rest; see ``deriving``."""


_Commit = Annotated[str, Field(pattern=rf"^(|{UNKNOWN}|[0-9a-f]{{40}}|[0-9a-f]{{64}})$")]


@dataclass(frozen=True, slots=True)
class _Head:
    """The first line: nothing in it says what the plan does.

    ``commit`` and ``files`` are those of the plan's source.
    """

    format: int
    reconcile: str
    created: str
    serial: int
    paths: tuple[str, ...]
    resolved: tuple[Address, ...]
    commit: _Commit
    files: Files


@dataclass(frozen=True, slots=True)
class _About:
    """The second line: what all units share."""

    target: TargetPin
    lineage: str
    identities: tuple[tuple[str, str, str], ...]
    unchanged: int
    undeclared: tuple[Address, ...]
    limits: tuple[tuple[str, int], ...]
    prune: bool
    labels: tuple[ValueLabel, ...]
    personal: tuple[tuple[str, str], ...]
    unchecked: tuple[str, ...]


_UNIT = TypeAdapter(UnitChange)
_ANY = TypeAdapter(dict[str, Any])
_HEAD = TypeAdapter(_Head)
_ABOUT = TypeAdapter(_About)


def content_digest(plan: Plan) -> str:
    """What approvals bind to: the target, the changes and their pins; no clock, no run."""
    whole = sha256()
    for line in _content(plan):
        whole.update(line)
    return whole.hexdigest()


def dump(plan: Plan, *, version: str, created: str) -> Iterator[bytes]:
    """The file's lines. ``version`` is reconcile's own, ``created`` an ISO 8601 moment."""
    content, whole = sha256(), sha256()
    head = _line(
        _HEAD,
        _Head(
            FORMAT,
            version,
            created,
            plan.serial,
            plan.paths,
            plan.resolved,
            plan.source.commit,
            plan.source.files,
        ),
    )
    whole.update(head)
    yield head
    for line in _content(plan):
        content.update(line)
        whole.update(line)
        yield line
    yield _last(content.hexdigest(), whole.hexdigest())


def content_of(last: bytes) -> str:
    """The content digest, as a plan file's last line has it."""
    return str(_ANY.validate_json(last)["content"])


def load(data: bytes) -> tuple[Plan, str]:
    """A plan and its content digest. Raises UsageError for anything but an intact plan file."""
    lines = data.splitlines(keepends=True)
    if len(lines) < 3 or not data.endswith(b"\n"):
        raise _damaged("it is truncated, or not a plan file")
    try:
        head = _ANY.validate_json(lines[0])
    except ValidationError as error:
        raise _damaged("it is not a plan file") from error
    _require_format(head.get("format"))
    content = sha256(b"".join(lines[1:-1])).hexdigest()
    if lines[-1] != _last(content, sha256(b"".join(lines[:-1])).hexdigest()):
        raise _damaged("its digest does not match its content")
    try:
        read = _HEAD.validate_json(lines[0])
        plan = _plan(read, _ABOUT.validate_json(lines[1]), lines[2:-1])
    except ValidationError as error:
        raise _damaged("its content is not a plan") from error
    if b"".join(dump(plan, version=read.reconcile, created=read.created)) != data:
        raise _damaged("it contains more than a plan, or is encoded in another way")
    fault = next(contradictions(plan), "")
    if fault:
        raise UsageError(f"the plan file contradicts itself: {fault}", hint=_AGAIN)
    return plan, content


def _content(plan: Plan) -> Iterator[bytes]:
    yield _line(
        _ABOUT,
        _About(
            plan.target,
            plan.lineage,
            plan.identities,
            plan.unchanged,
            plan.undeclared,
            plan.limits,
            plan.prune,
            plan.labels,
            plan.personal,
            plan.unchecked,
        ),
    )
    for unit in plan.units:
        raw = _UNIT.dump_python(
            unit, mode="json", exclude_defaults=True, exclude={"changes": {"__all__": _DERIVED}}
        )
        for change, one in zip(raw["changes"], unit.changes, strict=True):
            if one.action is not Action.CONFLICT:
                change.pop("title", None)
        yield canonical(raw) + b"\n"


def _plan(head: _Head, about: _About, lines: list[bytes]) -> Plan:
    legend = Legend(about.labels, about.personal)
    units = derived((_UNIT.validate_json(line) for line in lines), legend)
    return Plan(
        target=about.target,
        units=units,
        lineage=about.lineage,
        identities=about.identities,
        unchanged=about.unchanged,
        undeclared=about.undeclared,
        guards=tripped_guards(units, dict(about.limits)),
        prune=about.prune,
        labels=about.labels,
        personal=about.personal,
        limits=about.limits,
        serial=head.serial,
        paths=head.paths,
        resolved=head.resolved,
        source=Source(head.commit, head.files),
        unchecked=about.unchecked,
    )


def _line(adapter: TypeAdapter[Any], data: object) -> bytes:
    return canonical(adapter.dump_python(data, mode="json")) + b"\n"


def _last(content: str, whole: str) -> bytes:
    return canonical({"content": content, "file": whole}) + b"\n"


def _require_format(found: object) -> None:
    if found == FORMAT and type(found) is int:
        return
    if type(found) is not int or not 0 <= found < 10**6:
        raise _damaged("it is not a plan file")
    raise UsageError(
        f"the plan file has format {found}; this version reads {FORMAT}",
        hint="make the plan again with this version of reconcile",
    )


_AGAIN = "make the plan again; a plan file must not be edited"


def _damaged(how: str) -> UsageError:
    return UsageError(f"the plan file cannot be trusted: {how}", hint=_AGAIN)
