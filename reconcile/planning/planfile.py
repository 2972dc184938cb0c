"""A plan as a file: JSON lines, one for the head, one a unit, one for the digests.

The content digest covers what the plan would do and what it was made from; an identical re-plan
keeps it, so reviews and approvals bind to it. The file digest covers every byte before it. Both
tell accidents and edits; they are no signature.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reconcile.errors import UsageError
from reconcile.model.address import Address
from reconcile.model.digest import canonical
from reconcile.model.plan import Guard, Plan, PropertyDefine, TargetPin, UnitChange

FORMAT = 1
"""Version of the plan file's format. Another one is refused: plan again."""

_UNIT = TypeAdapter(UnitChange)
_HEAD = TypeAdapter(dict[str, Any])
_PIN = TypeAdapter(TargetPin)
_GUARDS = TypeAdapter(tuple[Guard, ...])
_DEFINES = TypeAdapter(tuple[PropertyDefine, ...])
_IDENTITIES = TypeAdapter(tuple[tuple[str, str, str], ...])
_ADDRESSES = TypeAdapter(tuple[Address, ...])
_TEXTS = TypeAdapter(tuple[str, ...])


def content_digest(plan: Plan) -> str:
    """What approvals bind to: the target, the changes and their pins; no clock, no run."""
    whole = sha256()
    for line in _content(plan):
        whole.update(line)
    return whole.hexdigest()


def dump(plan: Plan, *, version: str, created: str) -> Iterator[bytes]:
    """The file's lines. ``version`` is reconcile's own, ``created`` an ISO 8601 moment."""
    content, whole = sha256(), sha256()
    # What the state is to forget reaches nothing but the state: it is not part of the content.
    resolved = _ADDRESSES.dump_python(plan.resolved, mode="json")
    about = {"format": FORMAT, "reconcile": version, "created": created, "resolved": resolved}
    head = canonical(about) + b"\n"
    whole.update(head)
    yield head
    for line in _content(plan):
        content.update(line)
        whole.update(line)
        yield line
    yield canonical({"content": content.hexdigest(), "file": whole.hexdigest()}) + b"\n"


def content_of(last: bytes) -> str:
    """The content digest, as a plan file's last line has it."""
    return str(_HEAD.validate_json(last)["content"])


def load(data: bytes) -> tuple[Plan, str]:
    """A plan and its content digest. Raises UsageError for anything but an intact plan file."""
    lines = data.splitlines(keepends=True)
    if len(lines) < 3 or not data.endswith(b"\n"):
        raise _damaged("it is cut short, or no plan file at all")
    try:
        head = _HEAD.validate_json(lines[0])
        foot = _HEAD.validate_json(lines[-1])
    except ValidationError as error:
        raise _damaged("it is no plan file") from error
    if head.get("format") != FORMAT:
        raise UsageError(
            f"the plan file has format {head.get('format')!r}; this version reads {FORMAT}",
            hint="make the plan again with this version of reconcile",
        )
    body = sha256(b"".join(lines[:-1])).hexdigest()
    content = sha256(b"".join(lines[1:-1])).hexdigest()
    if lines[-1] != canonical({"content": content, "file": body}) + b"\n" or foot["file"] != body:
        raise _damaged("its digest does not match its content")
    try:
        return _plan(lines), content
    except (ValidationError, KeyError, TypeError) as error:
        raise _damaged("its content is not a plan's") from error


def _content(plan: Plan) -> Iterator[bytes]:
    about = {
        "target": _PIN.dump_python(plan.target, mode="json"),
        "lineage": plan.lineage,
        "identities": plan.identities,
        "unchanged": plan.unchanged,
        "defines": _DEFINES.dump_python(plan.defines, mode="json"),
        "undeclared": _ADDRESSES.dump_python(plan.undeclared, mode="json"),
        "guards": _GUARDS.dump_python(plan.guards, mode="json"),
        "prune": plan.prune,
        "unchecked": plan.unchecked,
    }
    yield canonical(about) + b"\n"
    for unit in plan.units:
        yield canonical(_UNIT.dump_python(unit, mode="json", exclude_defaults=True)) + b"\n"


def _plan(lines: list[bytes]) -> Plan:
    about = _HEAD.validate_json(lines[1])
    return Plan(
        target=_PIN.validate_python(about["target"]),
        units=tuple(_UNIT.validate_json(line) for line in lines[2:-1]),
        lineage=about["lineage"],
        identities=_IDENTITIES.validate_python(about["identities"], strict=False),
        unchanged=about["unchanged"],
        defines=_DEFINES.validate_python(about["defines"], strict=False),
        undeclared=_ADDRESSES.validate_python(about["undeclared"], strict=False),
        resolved=_ADDRESSES.validate_python(
            _HEAD.validate_json(lines[0])["resolved"], strict=False
        ),
        guards=_GUARDS.validate_python(about["guards"], strict=False),
        prune=about["prune"] is True,
        unchecked=_TEXTS.validate_python(about["unchecked"], strict=False),
    )


def _damaged(how: str) -> UsageError:
    return UsageError(
        f"the plan file cannot be trusted: {how}",
        hint="make the plan again; a plan file must not be edited",
    )
