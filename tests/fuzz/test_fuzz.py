"""Files as disks, editors and attackers leave them: every command ends in plain words.

Damage and command follow from a part's name and a number, so that these cases are the same but for
the ids and times in the files; ``run.py`` does as many others as there is time for.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from damage import DEEP, as_audit_log, as_journal, chained, entries_of, with_checksum, written
from fuzzing import PARTS, SANDBOX, Fuzzer

from reconcile.state.state import State
from reconcile.stores.local import LocalStore

CASES = 30
"""For each part: a few seconds."""


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Iterator[Fuzzer]:
    """Return projects that were applied, or killed while they were."""
    with Fuzzer(tmp_path_factory.mktemp("fuzz"), template) as made:
        yield made


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", PARTS)
def test_damaged_files(fuzzer: Fuzzer, part: str) -> None:
    """No traceback, no token, nothing written where it must not be, and a documented exit code."""
    wrong = [str(case) for number in range(CASES) if (case := fuzzer.case(part, number)).faults]
    assert wrong == []


# Damage that once ended in a traceback, by name. Checksums and digests are those of the damage.

Edit = Callable[[dict[str, Any]], object]


def of_unit(content: dict[str, Any]) -> dict[str, Any]:
    """The entries of a shard's first unit."""
    return next(iter(content["units"].values()))


SHARDS: dict[str, Edit] = {
    "an entry is a number": lambda shard: of_unit(shard).update({"order/a-1": 1}),
    "an entry lacks a field": lambda shard: next(iter(of_unit(shard).values())).pop("fingerprint"),
    "a unit is not an address": lambda shard: shard["units"].update({"a": {}}),
    "a link is too short": lambda shard: next(iter(of_unit(shard).values())).update(links=[["a"]]),
    "there are no units": lambda shard: shard.pop("units"),
    "the serial is text": lambda shard: shard.update(serial="1"),
    "what stands is a list": lambda shard: shard.update(standing=[]),
}


@pytest.mark.parametrize("name", SHARDS)
def test_shard(fuzzer: Fuzzer, name: str) -> None:
    """A shard that is not one is damage, with its file's name, however right its checksum is."""
    base = fuzzer.begin("applied")
    file = next(f for f, data in base.files.items() if "/shards/" in f and b'"fingerprint"' in data)
    content = json.loads(base.files[file])
    del content["checksum"]
    SHARDS[name](content)
    damaged = with_checksum(file, content, base.lineage)
    for words in (("plan",), ("state", "list")):
        case = fuzzer.try_("applied", file, damaged, *words)
        assert (case.code, case.faults) == (1, [])
        assert file.removeprefix("state/test/") in case.err


def of_intent(lines: list[Any]) -> Any:
    """The line of a journal that says which records a call is about to write."""
    return next(line for line in lines if line["about"] == "intent")


JOURNALS: dict[str, Callable[[list[Any]], object]] = {
    "an address is a mapping": lambda lines: of_intent(lines)["records"][0].__setitem__(0, {}),
    "a record is not the plan's": lambda lines: of_intent(lines)["records"][0].__setitem__(
        0, "a/b"
    ),
    "the number of records is text": lambda lines: lines[0].update(total="7"),
    "the number of records is another": lambda lines: lines[0].update(total=10**6),
    "it is another run's": lambda lines: lines[0].update(run="../x"),
    "it is of another plan": lambda lines: lines[0].update(plan="0" * 64),
    "facts are numbers": lambda lines: lines[0]["actor"].update(facts={"a": 1}),
    "a line is too deep": lambda lines: lines.append(DEEP),
    "a line is a list": lambda lines: lines.append([]),
}


def test_a_journals_line_that_was_altered_or_moved(fuzzer: Fuzzer) -> None:
    """Its checksum is of its content and its place, so it is damage though it is well formed."""
    base = fuzzer.begin("killed late")
    files = {name: data for name, data in base.files.items() if "/runs/" in name}
    first, second, *_ = sorted(files)
    altered = files[first].replace(b'"reason":""', b'"reason":"x"', 1)
    assert altered != files[first]
    for damaged in ({first: altered}, {second: files[first]}):
        case = fuzzer.try_("killed late", first, files | damaged, "status")
        assert (case.code, case.faults) == (1, [])
        assert "is damaged in line" in case.err


@pytest.mark.parametrize("name", JOURNALS)
def test_journal(fuzzer: Fuzzer, name: str) -> None:
    """A journal that no run wrote is damage, with the run's name; the audit log can be read."""
    base = fuzzer.begin("killed late")
    file = next(file for file in base.files if "/runs/" in file)
    log = file.rpartition("/")[0]
    lines = entries_of(base.files, log)
    JOURNALS[name](lines)
    damaged = as_journal(log, lines)
    for words in (("status",), ("plan",)):
        case = fuzzer.try_("killed late", file, damaged, *words)
        assert (case.code, case.faults) == (1, [])
        assert Path(log).name in case.err
    case = fuzzer.try_("killed late", file, damaged, "audit", "log")
    assert (case.code, case.faults) == (0, [])
    assert "left out" in case.err


def of_record(entries: list[Any]) -> Any:
    """The first record of an audit log."""
    return next(one for entry in entries for one in entry["records"])


ENTRIES: dict[str, Callable[[list[Any]], object]] = {
    "an action is a list": lambda entries: of_record(entries).update(action=["x"]),
    "an id is a number": lambda entries: of_record(entries).update(id=7),
    "a detail is too short": lambda entries: of_record(entries)["details"][0].pop(),
    "values lie elsewhere": lambda entries: entries[0].update(values="audit-values/../key.json"),
    "a named record is not one": lambda entries: entries[0]["facts"].update(addresses=["x"]),
    "a time is a number": lambda entries: entries[0].update(time=1),
    "an entry is too deep": lambda entries: entries[0].update(facts=DEEP),
}


@pytest.mark.parametrize("name", ENTRIES)
def test_audit_entry(fuzzer: Fuzzer, name: str) -> None:
    """An entry that the log never wrote cannot be read, and verifying finds it, exit 1."""
    base = fuzzer.begin("applied")
    file = next(file for file in base.files if "/audit/" in file)
    log = file.rpartition("/")[0]
    entries = entries_of(base.files, log)
    ENTRIES[name](entries)
    damaged = as_audit_log(log, chained(entries, after=0))
    asked = ("log", "log --address order/A-1", "show 1", "export", "verify")
    for words in asked:
        case = fuzzer.try_("applied", file, damaged, "audit", *words.split())
        assert (case.code, case.faults) == (1, []), words
        assert "cannot be read" in case.out + case.err


def test_audit_values_that_are_too_few(fuzzer: Fuzzer) -> None:
    """Values that cannot be those of a detail are shown as missing, and verifying finds them."""
    base = fuzzer.begin("applied")
    file = next(
        name
        for name, data in base.files.items()
        if "/audit-values/" in name and b'"values":{"' in data and b"order/A-1" in data
    )
    content = json.loads(base.files[file])
    kept = content["values"]["order/A-1"]["values"]
    kept[:] = [one[:2] for one in kept]
    run = file.split("/")[3]
    case = fuzzer.try_("applied", file, written(content), "audit", "show", run)
    assert (case.code, case.faults) == (0, [])
    assert "(missing)" in case.out
    assert fuzzer.try_("applied", file, written(content), "audit", "verify").code == 1


def test_note_of_the_lock(fuzzer: Fuzzer) -> None:
    """A note of the lock's holder that cannot be read is no reason to fail."""
    fuzzer.begin("applied")
    for note in (
        written(DEEP),
        b'{"fencing_token": Infinity}',
        b'{"fencing_token": 1, "who": 3}',
        b"[]",
    ):
        case = fuzzer.try_("applied", "state/test/lock-holder", note, "lock", "show")
        assert (case.code, case.faults) == (0, [])


@pytest.mark.parametrize(
    "name",
    [
        "audit/notes.json",
        "audit/notes/notes.json",
        "audit/000000/notes.json",
        "shards/notes.json",
        "audit-values/notes.json",
        "runs/notes/0000000000.json",
        "runs/notes.jsonl",
    ],
)
def test_files_of_others(fuzzer: Fuzzer, name: str) -> None:
    """What somebody has put beside our files is not taken for one of ours."""
    fuzzer.begin("applied")
    for words in ("plan", "state list", "audit log", "audit verify", "audit export", "status"):
        case = fuzzer.try_("applied", f"state/test/{name}", b"[]\n", *words.split())
        assert (case.code, case.faults) == (0, []), (words, case.err)
    case = fuzzer.try_("applied", f"state/test/{name}", b"[]\n", "audit", "redact", "order/A-1")
    assert (case.code, case.faults) == (1, [])
    assert "cannot ask for confirmation: the input is not a terminal" in case.err


def test_a_file_of_others_is_not_a_lost_state(fuzzer: Fuzzer, tmp_path: Path) -> None:
    """Beside a state that was never written, it is not a shard without a head."""
    (tmp_path / "test" / "shards").mkdir(parents=True)
    (tmp_path / "test" / "shards" / "notes.json").write_bytes(b"[]")
    assert State(LocalStore(tmp_path / "test"), b"").lineage == ""


def test_all_that_is_written_is_ours(fuzzer: Fuzzer) -> None:
    """Every name that an apply, a kill and a redaction leave is known as reconcile's own."""
    for base in ("applied", "killed late"):
        fuzzer.begin(base)
        assert list(LocalStore(fuzzer.folder / "state" / "test").unknown_names()) == []


DATABASES = {
    "no token": "DELETE FROM account WHERE name = 'token'",
    "a token that is none": "UPDATE account SET value = 'x' WHERE name = 'token'",
    "an account that is text": "UPDATE account SET value = 'x' WHERE name = 'portal_id'",
    "an app that is missing": "DELETE FROM account WHERE name = 'app_id'",
}


@pytest.mark.parametrize("name", DATABASES)
def test_database_without_an_account(fuzzer: Fuzzer, name: str) -> None:
    """A sandbox whose account is damaged says so, and that a reset erases it."""
    fuzzer.begin("sandbox")
    with closing(sqlite3.connect(fuzzer.folder / SANDBOX)) as connection:
        connection.execute(DATABASES[name])
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damaged = (fuzzer.folder / SANDBOX).read_bytes()
    case = fuzzer.try_("sandbox", SANDBOX, damaged, "plan")
    assert (case.code, case.faults) == (1, [])
    assert "is damaged: its account has no usable" in case.err
    assert "sandbox reset" in case.err


def test_database_with_records_of_no_type(fuzzer: Fuzzer) -> None:
    """They cannot be counted; the file's name is said."""
    fuzzer.begin("sandbox")
    with closing(sqlite3.connect(fuzzer.folder / SANDBOX)) as connection:
        connection.execute("UPDATE record SET type = 'x' WHERE id IN (SELECT min(id) FROM record)")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damaged = (fuzzer.folder / SANDBOX).read_bytes()
    case = fuzzer.try_("sandbox", SANDBOX, damaged, "sandbox", "info")
    assert (case.code, case.faults) == (1, [])
    assert "records of an unknown type" in case.err


def test_database_whose_tables_are_not_text(fuzzer: Fuzzer) -> None:
    """SQLite quotes what it cannot read, in no encoding."""
    data = fuzzer.begin("sandbox").files[SANDBOX]
    damaged = data.replace(b"CREATE TABLE account", b"CREATE TABLE \xeb\xeb\xebount", 1)
    case = fuzzer.try_("sandbox", SANDBOX, damaged, "plan")
    assert (case.code, case.faults) == (1, [])
    assert "is damaged" in case.err


def test_counts_beside_the_database(fuzzer: Fuzzer) -> None:
    """A count that is not a number is begun anew, as the whole file would be."""
    fuzzer.begin("sandbox")
    file = f"{SANDBOX}-requests"
    with closing(sqlite3.connect(fuzzer.folder / file)) as connection:
        connection.execute("UPDATE kept SET value = 'x'")
        connection.commit()
    damaged = (fuzzer.folder / file).read_bytes()
    case = fuzzer.try_("sandbox", file, damaged, "plan")
    assert (case.code, case.faults) == (0, [])


@pytest.mark.parametrize("field", ["manifests: [{}]", "manifests: [m]\nstate: {}"])
def test_a_path_too_long(fuzzer: Fuzzer, field: str) -> None:
    """A path that no file system takes is a problem of its line in the project file."""
    base = fuzzer.begin("applied")
    text = field.format("x" * 5000)
    damaged = f"version: 1\ntargets: {{own: {{sandbox: true}}}}\n{text}\n".encode()
    for words in ("plan", "status", "state list"):
        case = fuzzer.try_("applied", "reconcile.yaml", damaged, *words.split())
        assert (case.code, case.faults) == (1, [])
        assert "reconcile.yaml:" in case.err
    whole = base.files["reconcile.yaml"]
    case = fuzzer.try_("applied", "reconcile.yaml", whole, "validate", "y" * 5000)
    assert (case.code, case.faults) == (1, [])
    assert "cannot be read: File name too long" in case.err
