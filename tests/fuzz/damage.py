"""What disks, editors and attackers do to a file. Pure: bytes in, bytes out, by a seeded chance."""

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b, sha256
from pathlib import PurePosixPath
from random import Random
from typing import Any

from planfiles import sealed

from reconcile.model.digest import canonical

ODD: Sequence[Any] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**63,
    10**30,
    1.5,
    float("inf"),
    float("nan"),
    "",
    "x",
    "0",
    "\0",
    "\ud800",
    "\u202e\x1b[31m",
    "../../../outside",
    "../outside/there.json",
    "/outside",
    "order/",
    "order/A-1",
    "order/\udfff",
    "nothing/else",
    "audit-values/../head.json",
    "runs/x",
    "2026-01-02T03:04:05Z",
    "x" * 70_000,
    [],
    {},
    [[]],
    [None],
    ["a", "b", "c", "d", "e", "f"],
    {"": ""},
    {"a": 1},
)
"""Values that nobody wrote there."""

DEEP = "nested deeper than any parser goes"
"""Stands for that until it is written."""

PIECES: Sequence[bytes] = (
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\r\n",
    b"\r",
    b"\n",
    b"\t",
    b"\x1b[2J",
    b"\xe2\x80\xa8",
    b"\xe2\x80\xae",
    b"\xc2\x85",
    b"{",
    b"]",
    b'"',
    b"'",
    b",",
    b"9" * 5000,
    b"[" * 3000,
    b"\\ud800",
    b"NaN",
)

YAML: Sequence[bytes] = (
    b"---\n",
    b"...\n",
    b"%YAML 9.9\n---\n",
    b"? ",
    b"- ",
    b"-\n",
    b": ",
    b"&a ",
    b"*a ",
    b"*a\n",
    b"!!python/object:os.system ",
    b"!!binary ",
    b"<<: *a\n",
    b"| ",
    b">+9\n",
    b"@",
    b"`",
    b" #x",
    b"\xef\xbf\xbf",
    b"\xf4\x8f\xbf\xbf",
    b"e\xcc\x81\xcc\x81",
    b"\xed\x9f\xbc",
    b"&a [&b [*b, *b], *b]",
    b"{a: {a: {a: {a: {a: {a: }}}}}}",
    b"kind: order\n",
    b"key: A-1\n",
    b"0x1F",
    b"1e999999999",
    b"-" + b"9" * 400,
    b"2026-13-45",
    b"~",
)
"""What means something to YAML."""


# Bytes


def in_bytes(data: bytes, chance: Random, pieces: Sequence[bytes] = PIECES) -> bytes:
    """Flip, cut, copy, move or put in a few bytes."""
    found = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        at = chance.randrange(len(found) + 1)
        to = min(len(found), at + chance.choice((1, 2, 16, 300)))
        match chance.randrange(8):
            case 0 if found:
                found[at % len(found)] ^= 1 << chance.randrange(8)
            case 1:
                del found[at:]
            case 2:
                del found[at:to]
            case 3:
                found[at:at] = found[at:to]
            case 4:
                found[at:to] = bytes(to - at)
            case 5:
                found[at:at] = chance.randbytes(chance.choice((1, 4, 40)))
            case 6 if chance.random() < 0.1:
                found.clear()
            case _:
                found[at:at] = chance.choice(pieces)
    return bytes(found)


def in_lines(data: bytes, chance: Random) -> bytes:
    """Drop, repeat or exchange whole lines."""
    lines = data.splitlines(keepends=True) or [b""]
    one, other = (chance.randrange(len(lines)) for _ in range(2))
    match chance.randrange(4):
        case 0:
            del lines[one]
        case 1:
            lines.insert(other, lines[one])
        case 2:
            lines[one], lines[other] = lines[other], lines[one]
        case _:
            lines = lines[: one + 1]
    return b"".join(lines)


def in_yaml(data: bytes, chance: Random) -> bytes:
    """Put in what means something to YAML, indent otherwise, or change the ends of lines."""
    lines = data.splitlines(keepends=True) or [b""]
    at = chance.randrange(len(lines))
    match chance.randrange(6):
        case 0:
            lines[at] = chance.choice((b" ", b"  ", b"\t", b"      ")) + lines[at]
        case 1:
            lines[at] = lines[at].lstrip()
        case 2:
            return data.replace(b"\n", chance.choice((b"\r\n", b"\r", b"\n\n", b"\xc2\x85")))
        case 3:
            name, colon, _ = lines[at].partition(b":")
            value = chance.choice(YAML).strip() or b"~"
            lines[at] = name + colon + b" " + value + b"\n"
        case _:
            return in_bytes(data, chance, YAML)
    return b"".join(lines)


# JSON


def spots(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON document: what holds it, and the name or number it has there."""
    names = value if isinstance(value, dict) else range(len(value))
    for name in names if isinstance(value, dict | list) else ():
        yield value, name
        yield from spots(value[name]) if isinstance(value[name], dict | list) else ()


def in_json(value: Any, chance: Random) -> Any:
    """Replace, drop, repeat, rename or exchange values of a document."""
    whole = [copy.deepcopy(value)]
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        found = list(spots(whole))
        holder, name = chance.choice(found)
        other_holder, other = chance.choice(found)
        match chance.randrange(8):
            case 0 | 1 | 2:
                holder[name] = copy.deepcopy(chance.choice(ODD))
            case 3 if holder is not whole:
                del holder[name]
            case 4:
                holder[name] = copy.deepcopy(other_holder[other])
            case 5 if isinstance(holder, list) and holder is not whole:
                holder.insert(chance.randrange(len(holder) + 1), copy.deepcopy(holder[name]))
            case 6 if isinstance(holder, dict):
                holder[chance.choice(("", "x", "order/A-1", "zz", "\ud800"))] = holder.pop(name)
            case 7 if chance.random() < 0.1:
                holder[name] = DEEP
            case _:
                holder[name] = _near(holder[name], chance)
    return whole[0]


def _near(value: Any, chance: Random) -> Any:
    """Return another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return chance.choice((-value, value + 1, value - 1, 0, value * 10**9))
    if isinstance(value, str):
        at = chance.randrange(len(value) + 1)
        return chance.choice((value[:at], value + value, value.upper(), value[:at] + "/é\n\x85"))
    if isinstance(value, list):
        return value[::-1] if chance.random() < 0.5 else value * 2
    return {} if isinstance(value, dict) else "null"


def written(value: Any) -> bytes:
    """JSON in ASCII: with halves of characters, and too deep for Python, as a file may hold it."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return text.replace(f'"{DEEP}"', "[" * 3000 + "]" * 3000).encode("ascii")


# Files of a project, by what is in them: as somebody changes them who knows their checksums


def in_log(name: str, files: Mapping[str, bytes], chance: Random) -> dict[str, bytes]:
    """Damage the log that a file is an entry of, as whoever knows its sums; return its files."""
    log = PurePosixPath(name).parent.as_posix()
    entries = entries_of(files, log)
    if chance.random() < 0.2:
        at, to = (chance.randrange(len(entries)) for _ in range(2))
        entries.insert(to, entries.pop(at) if chance.random() < 0.5 else entries[at])
    else:
        at = chance.randrange(len(entries))
        entries[at] = in_json(entries[at], chance)
    if is_journal(name):
        return as_journal(log, entries, skip=_gap(chance))
    after = at if chance.random() < 0.7 else None
    return as_audit_log(log, chained(entries, after=after), skip=_gap(chance))


def is_journal(name: str) -> bool:
    """Whether a file is an entry of a journal."""
    return PurePosixPath(name).match("runs/*/[0-9]*.json")


def is_entry(name: str) -> bool:
    """Whether a file is an entry of a log."""
    return is_journal(name) or PurePosixPath(name).match("audit/*/[0-9]*.json")


def in_file(name: str, data: bytes, chance: Random, *, lineage: str = "") -> bytes:
    """Damage a file of a project; mostly as whoever knows how its checksums are made."""
    kind = next((edit for ending, edit in _EDITS if PurePosixPath(name).match(ending)), None)
    if kind is None or chance.random() < 0.3:
        return in_lines(data, chance) if chance.random() < 0.2 else in_bytes(data, chance)
    try:
        return kind(name, data, chance, lineage)
    except (ValueError, KeyError, IndexError):  # damaged beyond that already
        return in_bytes(data, chance)


def _json_file(_: str, data: bytes, chance: Random, __: str) -> bytes:
    return written(in_json(json.loads(data), chance))


def _shard(name: str, data: bytes, chance: Random, lineage: str) -> bytes:
    content = json.loads(data)
    del content["checksum"]
    return with_checksum(name, in_json(content, chance), lineage)


def with_checksum(name: str, content: Any, lineage: str) -> bytes:
    """Return a shard's file with the checksum that belongs to its content."""
    return _summed(written(content), [lineage, PurePosixPath(name).stem])


def _summed(body: bytes, about: Sequence[str]) -> bytes:
    """Return the JSON of a file or a journal's line with the checksum that belongs to it."""
    checksum = blake2b(canonical(about) + body, digest_size=16).hexdigest().encode()
    return b'{"checksum":"%b",%b' % (checksum, body[1:])


def _plan(_: str, data: bytes, chance: Random, __: str) -> bytes:
    lines = data.splitlines(keepends=True)
    if chance.random() < 0.2:
        return sealed(in_lines(b"".join(lines[:-1]), chance).splitlines(keepends=True))
    at = chance.randrange(len(lines) - 1)
    lines[at] = written(in_json(json.loads(lines[at]), chance)) + b"\n"
    return sealed(lines[:-1])


def chained(entries: Sequence[Any], *, after: int | None = None) -> list[bytes]:
    """Return lines of an audit log with their own hashes; those ``after`` one point back anew."""
    lines, previous = [], ""
    for number, entry in enumerate(entries):
        points_back = after is not None and number > after and isinstance(entry, dict)
        body = written(entry | {"previous": previous} if points_back else entry)
        previous = sha256(body).hexdigest()
        lines.append(b'{"entry":%b,"hash":"%b"}' % (body, previous.encode()))
    return lines


def entries_of(files: Mapping[str, bytes], log: str) -> list[Any]:
    """Return what the entries of a log say; ``log`` is its folder."""
    names = sorted(name for name in files if name.startswith(f"{log}/") and is_entry(name))
    lines = [json.loads(files[name]) for name in names]
    for line in lines:
        line.pop("checksum", None)
    return [line.get("entry", line) for line in lines]


def as_audit_log(log: str, lines: Sequence[bytes], *, skip: int = 0) -> dict[str, bytes]:
    """Return the files of a log with these lines; ``skip`` leaves a gap."""
    places = [place + (skip if place else 0) for place in range(len(lines))]
    return {f"{log}/{at:010}.json": line for at, line in zip(places, lines, strict=True)}


def as_journal(log: str, entries: Sequence[Any], *, skip: int = 0) -> dict[str, bytes]:
    """Return the files of a journal, with the sums that belong to its lines."""
    files = as_audit_log(log, list(map(written, entries)), skip=skip)
    run = PurePosixPath(log).name
    return {
        name: _summed(body, [run, str(int(PurePosixPath(name).stem))])
        for name, body in files.items()
    }


def _gap(chance: Random) -> int:
    return chance.choice((0, 0, 0, 0, 0, 1, 7))


def _manifest(_: str, data: bytes, chance: Random, __: str) -> bytes:
    if chance.random() < 0.5:
        return in_yaml(data, chance)
    documents = [json.loads(one) for one in data.split(b"\n---\n")]
    at = chance.randrange(len(documents))
    documents[at] = in_json(documents[at], chance)
    return b"\n---\n".join(map(written, documents))


_Edit = Callable[[str, bytes, Random, str], bytes]

_EDITS: Sequence[tuple[str, _Edit]] = (
    ("shards/*.json", _shard),
    ("plans/*/*.json", _plan),
    ("*.plan", _plan),
    ("*.json", _json_file),
    ("lock-holder", _json_file),
    ("reconcile.yaml", _manifest),
    ("*.yaml", _manifest),
)
