"""Documents that `pull` writes read back as the same records, whatever is in them."""

import errno
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.errors import UsageError
from reconcile.manifests import load
from reconcile.manifests.document_writer import NewRecord, NewReference, document
from reconcile.manifests.field_reader import name_fault
from reconcile.model.address import fold
from reconcile.model.records import Adoption
from reconcile.pulling.keys import Keys, Wish, key_fault, line_key
from reconcile.pulling.new_files import NewFiles

ODD = [
    *["NO", "null", "~", "1e3", "0x1F", "012", "1.50", "{a}", "[a", "&a", "*a", "!a", "|", ">"],
    *["%", "@x", "`", "'", '"', "a\\b", "#", "?", ":", ",", "2024-01-01", "=", "<<", "---"],
    *["- a", "a: b", "a #b", " a", "a ", "line\nbreak", "tab\tstop", "..."],
    *["e\u0301", "\u2028", "\ufeff"],
]
"""Texts that YAML, or a reader of it, could take for something else."""

LETTERS = st.characters(exclude_categories=["Cs", "Cc"])
TEXT = st.text(LETTERS, min_size=1, max_size=40) | st.sampled_from(ODD)
KEY = TEXT.filter(lambda text: not name_fault(text) and not text.casefold().startswith("id:"))
NAMES = st.sampled_from(["hs_order_name", "hs_total_price", "hs_tags"])
VALUES = st.dictionaries(NAMES, TEXT, max_size=3)


@given(KEY, VALUES, st.lists(VALUES, max_size=2), st.lists(TEXT, max_size=2, unique=True))
def test_a_document_reads_back(
    tmp_path_factory: pytest.TempPathFactory,
    key: str,
    values: dict[str, str],
    lines: list[dict[str, str]],
    mails: list[str],
) -> None:
    """Keys, values, adoptions and references, of the order and of its line items."""
    mails = [mail for mail in mails if not name_fault(mail)]
    record = NewRecord(
        key,
        adopt="12",
        target="shop",
        properties=values,
        numbers=frozenset(["hs_total_price"]),
        references={"contact": [NewReference("email", mail) for mail in mails]} if mails else {},
    )
    nested = [
        NewRecord(f"line {number}", adopt=str(number + 20), properties=one)
        for number, one in enumerate(lines)
    ]
    folder = tmp_path_factory.mktemp("pulled")
    text = document("order", record, nested)
    (folder / "a.yaml").write_text(text + document("order", NewRecord("another")), "utf-8")
    units = {unit.address.key: unit for unit in load([folder], root=folder)}
    unit = units[key]
    assert unit.root is not None
    assert dict(unit.root.properties) == values
    assert [one.value for one in unit.root.references] == mails
    assert [one[:3] for one in unit.root.adopt] == [Adoption("id", "12", "shop")[:3]]
    assert [dict(line.properties) for line in unit.lines] == lines
    assert [line.adopt[0].value for line in unit.lines] == [one.adopt for one in nested]


def test_keys_are_chosen_once() -> None:
    """Case does not tell keys apart; what cannot be a key is replaced."""
    keys = Keys(["taken"])
    wanted = {"1": "A", "2": "a", "3": " TAKEN ", "4": "", "5": "id:7", "6": "x\ny"}
    chosen = keys.choose(Wish(one, key, one) for one, key in wanted.items())
    assert chosen == {"1": "A", "2": "a-2", "3": "TAKEN-3", "4": "4", "5": "5", "6": "6"}
    assert keys.repeated == {"a": ["2"], "TAKEN": ["3"]}
    assert keys.lacking == 3
    assert keys.choose([Wish("7", "A-2", "7")]) == {"7": "A-2-7"}


def test_keys_that_records_have_are_left_to_them() -> None:
    """Also the one with the id behind it; and the record that has a key can take it later."""
    held = {"450": "9", "450-1": "8", "7": "7"}
    asked: list[list[str]] = []

    def holders(keys: Sequence[str]) -> Mapping[str, str]:
        asked.append([*keys])
        return {key: held[key] for key in keys if key in held}

    keys = Keys(["2"], holders)
    wishes = [Wish("1", "450", "1"), Wish("2", "", "2"), Wish("7", "", "7")]
    assert keys.choose(wishes) == {"1": "1", "2": "2-2", "7": "7"}
    assert asked == [["450", "2-2", "7"], ["450-1"], ["1"]]
    assert keys.choose([Wish("3", "450", "3")]) == {"3": "450-3"}
    assert keys.take("450")
    assert not keys.take("450")


@given(KEY, st.lists(st.sampled_from(["L" * 250, "L" * 255, "L" * 256]), min_size=1, max_size=4))
def test_every_key_that_is_chosen_loads(parent: str, wanted: list[str]) -> None:
    """However long the value and the order's key are: the id is the last resort."""
    wishes = [Wish(str(one), key, f"{parent}:{one}") for one, key in enumerate(wanted, 10**18)]
    chosen = Keys(map(str, range(10**18, 10**18 + 2))).choose(wishes)
    assert [key for key in chosen.values() if key_fault(key)] == []
    assert len({fold(key) for key in chosen.values()}) == len(wanted)


def test_line_items_are_named_by_their_value() -> None:
    """Else by their id."""
    assert line_key("A", "7", {"hs_sku": "M-1"}, ["hs_sku"]) == "A:M-1"
    assert line_key("A", "7", {"hs_sku": None}, ["hs_sku"]) == "A:7"
    assert line_key("A", "7", {"hs_sku": "a\nb"}, ["hs_sku"]) == "A:7"


def test_files_appear_at_the_end_and_whole(tmp_path: Path) -> None:
    """Nothing is in the folder before, and what was there stays as it is."""
    (tmp_path / "orders-0007.yaml").write_text("---\nkind: order\nkey: OLD")
    files = NewFiles(tmp_path, "orders", 2)
    for number in range(3):
        files.add(f"---\nkey: {number}\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["orders-0007.yaml"]
    assert [path.name for path in files.finish()] == ["orders-0008.yaml", "orders-0009.yaml"]
    assert (tmp_path / "orders-0007.yaml").read_text() == "---\nkind: order\nkey: OLD"
    assert (tmp_path / "orders-0008.yaml").read_text() == "---\nkey: 0\n---\nkey: 1\n"


def test_a_file_of_a_month_that_is_there_is_continued_in_another(tmp_path: Path) -> None:
    """Whoever made it, and however it ends; the next free number is taken."""
    for name in ("orders-2026-01.yaml", "Orders-2026-01-2.YAML"):
        (tmp_path / name).write_text("---\nkind: order\nkey: |\n  OLD")
    files = NewFiles(tmp_path, "orders", 0)
    files.add("---\nkey: A\n", "2026-01-31T23:59:59Z")
    files.add("---\nkey: B\n", "2026-02-01T00:00:00Z")
    files.add("---\nkey: C\n", "2026-01-01T00:00:00Z")
    assert [path.name for path in files.finish()] == [
        "orders-2026-01-3.yaml",
        "orders-2026-02.yaml",
    ]
    assert (tmp_path / "orders-2026-01.yaml").read_text() == "---\nkind: order\nkey: |\n  OLD"
    assert (tmp_path / "orders-2026-01-3.yaml").read_text() == "---\nkey: A\n---\nkey: C\n"


@pytest.mark.parametrize("documents", [0, 1000])
@pytest.mark.parametrize("other", ["orders-0001.yaml", "orders-2026-01.yaml", "orders-new.yaml"])
def test_files_that_others_add_meanwhile_are_not_doubled(
    tmp_path: Path, documents: int, other: str
) -> None:
    """They may declare the same records: nothing is written, and they stay as they are."""
    files = NewFiles(tmp_path, "orders", documents)
    for month in ("2026-01", "2026-02"):
        files.add("---\nkey: A\n", f"{month}-01T00:00:00Z")
    (tmp_path / other).write_text("theirs")
    with pytest.raises(UsageError, match="by another pull perhaps; nothing was written") as raised:
        files.finish()
    assert other in str(raised.value)
    assert raised.value.hint == "run the command again"
    assert [path.name for path in tmp_path.iterdir()] == [other]
    assert (tmp_path / other).read_text() == "theirs"


def test_of_two_that_write_at_one_moment_one_wins(tmp_path: Path) -> None:
    """Each sees that nothing was added, and then both write: no document is lost or there twice."""
    start = Barrier(2)

    def write(text: str) -> str:
        files = NewFiles(tmp_path, "orders")
        files.add(text, "")
        start.wait()
        try:
            return f"wrote {files.finish()[0].read_text()}"
        except UsageError:
            return "refused"

    with ThreadPoolExecutor(2) as pool:
        for _ in range(20):
            ends = sorted(pool.map(write, ["---\nkey: A\n", "---\nkey: B\n"]))
            assert ends[0] == "refused"
            (path,) = tmp_path.iterdir()
            assert ends[1] == f"wrote {path.read_text()}"
            path.unlink()


def test_files_that_are_in_place_are_named_if_a_later_one_fails(tmp_path: Path) -> None:
    """They stay, and another run writes what is left."""
    files = NewFiles(tmp_path, "orders", 0)
    files.add("---\nkey: A\n", "2026-01-01T00:00:00Z")
    files.add("---\nkey: B\n", "2026-02-01T00:00:00Z")
    real = Path.hardlink_to

    def full(path: Path, target: Path) -> None:
        if path.name == "orders-2026-02.yaml":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(path, target)

    with (
        patch.object(Path, "hardlink_to", full),
        pytest.raises(UsageError, match="cannot be written: No space") as raised,
    ):
        files.finish()
    assert "orders-2026-02.yaml cannot" in str(raised.value)
    assert f"already written: {tmp_path / 'orders-2026-01.yaml'}; run" in raised.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["orders-2026-01.yaml"]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """Of the user, with its name."""
    (tmp_path / "file").write_text("")
    files = NewFiles(tmp_path / "file" / "deep", "orders")
    files.add("---\nkey: A\n", "")
    with pytest.raises(UsageError, match="deep cannot be made: Not a directory"):
        files.finish()


@pytest.mark.parametrize("created", ["", "/etc/ab-", "../../x-", "2024-13", "\u0661984-01-01"])
def test_only_a_date_names_a_file(tmp_path: Path, created: str) -> None:
    """HubSpot's answer leads nowhere else on the disk."""
    files = NewFiles(tmp_path / "here", "orders", 0)
    files.add("---\nkind: order\n---\n", created)
    assert [path.relative_to(tmp_path) for path in files.finish()] == [
        Path("here/orders-undated.yaml")
    ]
