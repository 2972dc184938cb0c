"""Verifying: an intact log is intact, and every change to it is found and named."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from making import ANA, ORDER, entry_of, replace_line, run, sealed

from reconcile.audit.integrity import verify
from reconcile.audit.log import AuditLog
from reconcile.model.audit import Event, Finding, Head
from reconcile.stores.local import LocalStore
from reconcile.stores.logs import Log

SEGMENT = "audit/000000"


@pytest.fixture
def head(log: AuditLog) -> Head:
    """Return the head of a log of five entries: two runs, then refusals."""
    run(log)
    run(log, "R-2")
    return log.append([Event("refused", ANA, message="a guard")] * 3)


def line(log: AuditLog, number: int) -> dict[str, Any]:
    """What an entry says."""
    return next(entry_of(line) for found, line in log.lines() if found == number)


def first(log: AuditLog, head: Head | None) -> Finding:
    """The first thing that is wrong."""
    return verify(log, head).findings[0]


def test_an_empty_log_is_intact(log: AuditLog) -> None:
    """So is one of a state that knows of none."""
    for head in (None, Head(0, "")):
        found = verify(log, head)
        assert (found.findings, found.entries, found.last) == ((), 0, "")


def test_an_untouched_log_is_intact(log: AuditLog, head: Head) -> None:
    """Everything is counted, and the times of the first and last entry are reported."""
    found = verify(log, head)
    assert found.findings == ()
    assert (found.entries, found.records, found.missing, found.erased) == (5, 6, 0, 0)
    assert found.values == 2 * (3 + 1 + 1 + 1 + 1 + 1) + 3
    assert (found.first, found.last) == ("2026-01-02T03:04:05.000Z", "2026-01-02T03:08:05.000Z")
    assert found.against_state
    assert not verify(log, None).against_state


def test_altered_content_is_found(store: LocalStore, log: AuditLog, head: Head) -> None:
    """An entry whose text was changed does not match its own hash: its number, when, and what."""
    old = dict(Log(store, SEGMENT).entries())[1]
    replace_line(store, SEGMENT, 1, old.replace(b"Ana <ana@", b"Bob <bob@"))
    found = first(log, head)
    assert found.number == 2
    assert found.time == "2026-01-02T03:05:05.000Z"
    assert "does not match its own hash" in found.what


@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_forged_entry_is_found(store: LocalStore, log: AuditLog, head: Head, number: int) -> None:
    """An entry made anew, with a hash that is right, is missed by the one after it."""
    replace_line(store, SEGMENT, number - 1, sealed(line(log, number) | {"reason": "forged"}))
    found = first(log, head)
    assert found.number == number + 1
    assert "does not follow" in found.what


def test_a_forged_last_entry_is_found_by_the_state(
    store: LocalStore, log: AuditLog, head: Head
) -> None:
    """Nothing follows the last entry, but the state knows its hash."""
    replace_line(store, SEGMENT, 4, sealed(line(log, 5) | {"reason": "forged"}))
    assert first(log, head).number == 5
    assert "the entry that the state knows" in first(log, head).what
    assert verify(log, None).findings == ()


@pytest.mark.parametrize("number", [1, 3])
def test_a_gap_is_found(store: LocalStore, log: AuditLog, head: Head, number: int) -> None:
    """A removed entry leaves a hole, named by its number."""
    replace_line(store, SEGMENT, number - 1, None)
    found = first(log, head)
    assert found.number == number
    before = f"; the entry before it is from 2026-01-02T03:0{number + 2}:05.000Z"
    assert found.what == "it is missing" + (before if number > 1 else "")


def test_a_closed_gap_is_found(store: LocalStore, log: AuditLog, head: Head) -> None:
    """Who removes an entry and moves the others up breaks the link instead."""
    lines = [line for _, line in Log(store, SEGMENT).entries()]
    Log(store, SEGMENT).drop()
    for position, text in enumerate(lines[:1] + lines[2:]):
        Log(store, SEGMENT).append(position, text)
    found = first(log, head)
    assert (found.number, found.what) == (2, "its number is 3")


def test_a_cut_off_end_is_found(store: LocalStore, log: AuditLog, head: Head) -> None:
    """The state knows how long the log was at the last apply."""
    replace_line(store, SEGMENT, 4, None)
    replace_line(store, SEGMENT, 3, None)
    found = first(log, head)
    assert found.number == 4
    assert "cut off: it has 3 of the 5 entries that the state knows" in found.what
    assert found.what.endswith("is from 2026-01-02T03:06:05.000Z")
    assert verify(log, None).findings == ()


def test_a_log_that_is_gone_is_found(store: LocalStore, log: AuditLog, head: Head) -> None:
    """Nothing at all is the shortest log."""
    Log(store, SEGMENT).drop()
    assert "it has 0 of the 5 entries" in first(log, head).what


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.replace(b'"reason":"new prices"', b'"reason":"old prices"', 1),
        lambda data: b"\n" + data[1:],
        lambda data: data[:40] + b"\xff\xff" + data[42:],
    ],
)
def test_a_damaged_file_is_found(
    store: LocalStore,
    log: AuditLog,
    head: Head,
    tmp_path: Any,
    damage: Callable[[bytes], bytes],
) -> None:
    """Where an entry's file was altered by whoever can write it."""
    (file,) = (tmp_path / "state").rglob("audit/000000/0000000000.json")
    file.write_bytes(damage(file.read_bytes()))
    found = verify(AuditLog(LocalStore(tmp_path / "state" / "shop")), head)
    assert found.findings[0].number == 1
    assert "cannot be read" in found.findings[0].what or "altered" in found.findings[0].what


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"nonsense",
        b"[1]",
        b'{"entry":[],"hash":"%s"}' % (b"0" * 64),
        b'{"entry":{"format":1},"hash":"%s"}' % (b"0" * 64),
        b'{"entry":{"format":99},"hash":"%s"}' % (b"0" * 64),
        b'{"entry":%s,"hash":"%s"}' % (b"[" * 100_000, b"0" * 64),
    ],
)
def test_an_entry_that_is_none_is_found(
    store: LocalStore, log: AuditLog, head: Head, text: bytes
) -> None:
    """Whatever is where an entry was."""
    replace_line(store, SEGMENT, 2, text)
    assert first(log, head).number == 3


def tamper(store: LocalStore, run: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Rewrite the values of a run."""
    (name,) = store.names(f"audit-values/{run}/")
    found = store.read(name)
    assert found is not None
    data = json.loads(found[0])
    change(data["values"])
    store.write(name, json.dumps(data).encode(), found[1])


def test_an_altered_value_is_found(store: LocalStore, log: AuditLog, head: Head) -> None:
    """The address and the field are named."""

    def change(values: dict[str, Any]) -> None:
        values[str(ORDER)]["values"][1][2] = "99.00"

    tamper(store, "R-2", change)
    (found,) = verify(log, head).findings
    assert (found.number, found.address, found.name) == (2, "order/NW-1", "hs_total_price")
    assert found.time == "2026-01-02T03:05:05.000Z"
    assert "do not match their digest" in found.what


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda v: v[str(ORDER)].update(salt="00" * 16), "do not match"),
        (lambda v: v[str(ORDER)]["values"].pop(), "but the entry has"),
        (lambda v: v[str(ORDER)]["values"][0].append("more"), "do not match"),
        (lambda v: v[str(ORDER)]["values"][0].__setitem__(0, 0), "do not match"),
        (lambda v: v.update({"order/X": v[str(ORDER)]}), "does not refer to"),
        (lambda v: v.update({str(ORDER): 1}), "damaged"),
        (lambda v: v.update(nonsense={"salt": "", "values": []}), "damaged"),
    ],
)
def test_altered_values_are_found(
    store: LocalStore,
    log: AuditLog,
    head: Head,
    change: Callable[[dict[str, Any]], object],
    what: str,
) -> None:
    """Another salt, a value more or less, or hidden from CI no more."""
    tamper(store, "R-1", change)
    found = verify(log, head).findings
    assert {one.number for one in found} == {1}
    assert what in found[0].what


def test_values_that_are_gone_are_found(store: LocalStore, log: AuditLog, head: Head) -> None:
    """Removed files are one finding an entry, which names the first records."""
    for name in list(store.names("audit-values/R-1/")):
        store.remove(name)
    found = verify(log, head)
    assert [(one.number, one.what) for one in found.findings] == [
        (
            1,
            "values are missing, and no redaction in the log explains it: "
            "order/NW-1, line_item/NW-1:mug, cart/C-1",
        )
    ]
    assert found.missing == 3
