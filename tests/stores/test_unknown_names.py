"""What is in a store but not reconcile's: found in every backend, and never touched."""

from pathlib import Path

import obstore
import pytest
from backends import Backend
from obstore.store import MemoryStore
from world import World, order

from reconcile.errors import UsageError
from reconcile.state.head import HEAD, Content, encode
from reconcile.state.migrate import move, require_no_unknown_names
from reconcile.stores.bucket import Bucket
from reconcile.stores.contract import LockInfo, Store
from reconcile.stores.local import LocalStore
from reconcile.stores.logs import Log
from reconcile.stores.objects import ObjectStore
from reconcile.stores.own_names import is_own_blob, is_own_log

INFO = LockInfo(who="ana@mill (process 7)", since="2026-01-02T03:04:05+00:00", doing="apply")
RUN = "20260102T030405-1f2e3d"
BLOBS = [
    "applied.json",
    "audit-values/0123456789ab/0123456789abcdef.json",
    f"audit-values/{RUN}/0123456789abcdef.json",
    "head.json",
    f"plans/{RUN}/000000.json",
    "shards/0a.json",
]
LOGS = ["audit/000000", f"runs/{RUN}"]
ENTRIES = [f"{log}/0000000000.json" for log in LOGS]
STRANGE_BLOBS = ["audit-values/report.json", "invoices.json", "plans/2026.json", "shards/all.json"]
STRANGE_LOGS = ["audit/export", "events", "runs/marathon"]


def fill(store: Store) -> None:
    """Put some of everything that is reconcile's into a store."""
    for name in BLOBS:
        store.write(name, b"{}", None)
    for log in LOGS:
        Log(store, log).append(0, b"entry")


def put_head(store: Store, content: Content) -> None:
    """Replace the head of a state."""
    found = store.read(HEAD)
    store.write(HEAD, encode(content), found[1] if found else None)


def fill_strange(store: Store) -> None:
    """Put what somebody else may keep there into a store."""
    for name in STRANGE_BLOBS:
        store.write(name, b"of others", None)
    for log in STRANGE_LOGS:
        Log(store, log).append(0, b"of others")


def of_others(store: Store) -> dict[str, bytes]:
    """What is left of what others keep there."""
    return dict(store.read_many(expected()))


def expected() -> dict[str, bytes]:
    """All that others keep there."""
    entries = [f"{log}/0000000000.json" for log in STRANGE_LOGS]
    return dict.fromkeys((*STRANGE_BLOBS, *entries), b"of others")


@pytest.mark.parametrize("name", [*BLOBS, *ENTRIES])
def test_blobs_of_ours_are_known_by_name(name: str) -> None:
    """A name that only begins or ends like one of ours is not ours."""
    assert is_own_blob(name)
    assert not any(map(is_own_blob, (f"x{name}", f"{name}x", f"x/{name}", f"{name}\n")))


@pytest.mark.parametrize("name", LOGS)
def test_logs_of_ours_are_known_by_name(name: str) -> None:
    """A name that only begins or ends like one of ours is not ours."""
    assert is_own_log(name)
    assert not any(map(is_own_log, (f"x{name}", f"{name}x", f"x/{name}", f"{name}\n")))


def test_a_store_that_reconcile_alone_uses_has_no_unknown_names(backend: Backend) -> None:
    """Not even while its lock is held; nor has an empty one."""
    one, other = backend.client(), backend.client()
    assert list(other.unknown_names()) == []
    with one.lock(INFO, lease=60):
        fill(one)
        assert list(one.unknown_names()) == list(other.unknown_names()) == []
    require_no_unknown_names(other)


def test_unknown_names_are_seen_by_every_client(backend: Backend) -> None:
    """And named in the error; there is nothing else among them."""
    one, other = backend.client(), backend.client()
    fill(one)
    fill_strange(one)
    assert sorted(other.unknown_names()) == sorted(expected())
    with pytest.raises(UsageError, match="has files that are not reconcile's: 'audit") as caught:
        require_no_unknown_names(other)
    assert "and more" in str(caught.value)
    assert of_others(one) == expected()


def test_moving_touches_reconciles_own_alone(backend: Backend, tmp_path: Path) -> None:
    """Neither where it goes nor where it came from; unknown files are not moved."""
    source, target = LocalStore(tmp_path / "source" / "test"), backend.client()
    fill(source)
    put_head(source, Content(lineage="one"))
    fill_strange(source)
    fill(target)
    put_head(target, Content(lineage="one", moving_from=source.where))
    Log(target, f"runs/{RUN[:-1]}").append(0, b"an old run")
    fill_strange(target)
    move(source, target, lambda: None)
    assert of_others(source) == of_others(backend.client()) == expected()
    assert sorted(filter(is_own_blob, target.names(""))) == sorted([*BLOBS, *ENTRIES])
    assert [
        log for top in ("audit/", "runs/") for log in target.folders(top) if is_own_log(log)
    ] == LOGS


def test_any_other_file_in_a_folder_is_unknown(tmp_path: Path) -> None:
    """Whatever it is called; what a crash of ours leaves, a README and a .gitignore are none."""
    backend = tmp_path / "test"
    store = LocalStore(backend)
    fill(store)
    ours = ("key", "sandbox.sqlite", "sandbox.sqlite-wal", ".head.json.abcd_123", "being-erased")
    drafts = (
        f".sandbox.sqlite.{'0f' * 16}.new",
        "shards/.0a.json.q1w2e3r4",
        "..gitignore.abcdefgh",
    )
    for name in (*ours, *drafts, "README.md", "runs/readme", "shards/.gitignore"):
        (backend / name).write_bytes(b"half")
    assert list(store.unknown_names()) == []
    strange = {"notes.txt", "runs/marathon.json", "shards/0a.json.bak", ".notes.txt.abcdefgh", "a"}
    for name in strange - {"a"}:
        (backend / name).write_bytes(b"of others")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "head.json").write_bytes(b"of others")
    (backend / "a").symlink_to(tmp_path / "elsewhere")
    assert set(store.unknown_names()) == strange


def test_any_other_object_in_a_bucket_is_unknown() -> None:
    """What lies outside the prefix is not listed, and what a killed check leaves is reconcile's."""
    memory = MemoryStore()
    store = ObjectStore(Bucket(memory, "some/where/", "memory"))
    fill(store)
    strange = {"report.csv", f"runs/{RUN}/notes.txt", "lock/er"}
    for name in (*strange, "README.txt", "probe-0123456789abcdef", "../else", "../where-else/a"):
        path = f"some/{name[3:]}" if name.startswith("../") else f"some/where/{name}"
        obstore.put(memory, path, b"of others")
    assert set(store.unknown_names()) == strange
    assert list(Log(store, f"runs/{RUN}").entries()) == [(0, b"entry")]
    Log(store, f"runs/{RUN}").drop()
    assert set(store.unknown_names()) == strange


def test_all_that_a_project_writes_is_known_by_name(world: World) -> None:
    """An apply that ends, and one that stops in the middle, leave nothing but reconcile's own."""
    world.declare(order("A-1", hs_order_name="One"))
    world.apply()
    world.declare(order("A-1", hs_order_name="Two"), order("A-2", channel="nowhere"))
    world.apply(halt=True)
    assert list(world.store.unknown_names()) == []
    assert list(world.store.names("")) != []
