"""What every backend of a store does alike, seen by two clients; threads and processes race."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from backends import Backend

from reconcile.errors import Locked
from reconcile.stores.contract import LockInfo, LockLost, Store, VersionMoved
from reconcile.stores.logs import Log, LogDropped

INFO = LockInfo(who="ana@mill (process 7)", since="2026-01-02T03:04:05+00:00", doing="apply")
LEASE = 1.2
"""Seconds; short, and long enough for a busy machine to renew it."""


def all_at_once(many: int, work: Callable[[int], object]) -> list[object]:
    """Do something in many threads that all begin together."""
    gate = threading.Barrier(many)

    def begin(number: int) -> object:
        gate.wait()
        return work(number)

    with ThreadPoolExecutor(many) as pool:
        return list(pool.map(begin, range(many)))


def create(store: Store, name: str, data: bytes) -> bool:
    """Whether this writer made the blob."""
    try:
        store.write(name, data, None)
    except VersionMoved:
        return False
    return True


def count(store: Store, times: int) -> None:
    """Add one, so many times, to a number that others add to as well."""
    while times:
        found = store.read("counter.json")
        number, version = (int(found[0]), found[1]) if found else (0, None)
        try:
            store.write("counter.json", b"%d" % (number + 1), version)
        except VersionMoved:
            continue
        times -= 1


def lines(process: "subprocess.Popen[str]") -> Iterable[str]:
    """What a process says, line by line."""
    assert process.stdout is not None
    return (line.strip() for line in process.stdout)


# Blobs


def test_what_is_not_there_reads_as_none(backend: Backend) -> None:
    """And lists as nothing, and may be removed."""
    store = backend.client()
    assert store.read("head.json") is None
    assert list(store.names("")) == list(store.folders("")) == []
    assert list(Log(store, "log").entries()) == []
    assert store.holder() is None
    store.remove("head.json")
    Log(store, "log").drop()


def test_two_clients_see_each_others_writes_and_versions(backend: Backend) -> None:
    """A version shows whether another process wrote in between."""
    one, other = backend.client(), backend.client()
    first = one.write("head.json", b"1", None)
    assert (b"1", first) == other.read("head.json")
    second = other.write("head.json", b"2", first)
    assert first != second
    with pytest.raises(VersionMoved):
        one.write("head.json", b"3", first)
    assert (b"2", second) == one.read("head.json") == other.read("head.json")


def test_a_first_write_must_be_the_first(backend: Backend) -> None:
    """Nor can something be replaced that is not there."""
    one, other = backend.client(), backend.client()
    version = one.write("head.json", b"1", None)
    with pytest.raises(VersionMoved):
        other.write("head.json", b"2", None)
    with pytest.raises(VersionMoved):
        other.write("shards/00.json", b"2", version)
    assert other.read("shards/00.json") is None


def test_a_version_never_comes_back(backend: Backend) -> None:
    """Content that comes back is another version, also after it was removed."""
    one, other = backend.client(), backend.client()
    versions = [one.write("head.json", b"A", None)]
    versions.append(other.write("head.json", b"B", versions[-1]))
    versions.append(other.write("head.json", b"A", versions[-1]))
    other.remove("head.json")
    assert one.read("head.json") is None
    versions.append(other.write("head.json", b"A", None))
    assert len(set(versions)) == 4
    for old in versions[:-1]:
        with pytest.raises(VersionMoved):
            one.write("head.json", b"C", old)
    assert one.read("head.json") == (b"A", versions[-1])


def test_names_are_sorted_and_begin_with_the_prefix(backend: Backend) -> None:
    """The lock and what a lock leaves are no names."""
    store = backend.client()
    names = ["shards/b0.json", "shards/0a.json", "head.json", "shards/deep/er.json", "shard.json"]
    for name in names:
        store.write(name, b"{}", None)
    with store.lock(INFO, lease=LEASE):
        assert list(store.names("")) == sorted(names)
    assert list(backend.client().names("")) == sorted(names)
    inner = ["shards/0a.json", "shards/b0.json", "shards/deep/er.json"]
    assert list(backend.client().names("shards/")) == inner
    assert list(backend.client().names("shards/b")) == ["shards/b0.json"]
    assert list(backend.client().names("nothing/")) == []
    for after in ("", "shards/", "shards/0a.json", "shards/0b", "shards/b0.json", "shards/z", "t"):
        later = [name for name in inner if name > after]
        assert list(backend.client().names("shards/", after)) == later
    assert list(backend.client().names("", "shard.json")) == inner


def test_folders_are_sorted_and_right_below_another(backend: Backend) -> None:
    """A folder begins with its first blob, at whatever depth, and ends with its last."""
    store = backend.client()
    for name in ("runs/a-b/0.json", "runs/b/0.json", "runs/a/x/0.json", "runs/a/1.json"):
        store.write(name, b"{}", None)
    for name in ("runs/c.json", "runs/a.json", "plans/z/0.json", "run/0.json", "head.json"):
        store.write(name, b"{}", None)
    other = backend.client()
    assert list(other.folders("")) == ["plans", "run", "runs"]
    assert list(other.folders("runs/")) == ["runs/a", "runs/a-b", "runs/b"]
    assert list(other.folders("runs/a/")) == ["runs/a/x"]
    assert list(other.folders("runs/b/")) == list(other.folders("nothing/")) == []
    assert list(other.folders("runs/", "runs/a")) == ["runs/a-b", "runs/b"]
    assert list(other.folders("runs/", "runs/a0")) == ["runs/b"]
    assert list(other.folders("runs/", "runs/b")) == []
    store.remove("runs/a/1.json", "runs/b/0.json", "plans/z/0.json")
    assert list(other.folders("runs/")) == ["runs/a", "runs/a-b"]
    store.remove("runs/a/x/0.json")
    assert list(other.folders("runs/")) == ["runs/a-b"]
    assert list(other.folders("")) == ["run", "runs"]


def test_many_blobs_are_written_read_and_removed(backend: Backend) -> None:
    """In one call each, more than a page of any server; what does not exist is left out."""
    one, other = backend.client(), backend.client()
    blobs = {f"shards/{n:04}.json": b"%d" % n for n in range(90)}
    one.write_many(iter(blobs.items()))
    names = sorted(blobs, reverse=True)
    asked = ["shards/lost.json", *names, "head.json"]
    assert list(other.read_many(iter(asked))) == [(name, blobs[name]) for name in names]
    assert list(other.names("")) == sorted(blobs)
    found = other.read(names[0])
    assert found is not None
    other.write(names[0], b"new", found[1])
    other.remove(*names[10:], "head.json")
    assert list(one.names("")) == sorted(names[:10])
    one.write_many([])
    one.remove()
    assert list(one.read_many([])) == []


def test_many_blobs_are_all_new_ones(backend: Backend) -> None:
    """One that exists stays as it is, and is an error."""
    one, other = backend.client(), backend.client()
    one.write("b.json", b"old", None)
    with pytest.raises(VersionMoved):
        other.write_many([("a.json", b"1"), ("b.json", b"2"), ("c.json", b"3")])
    assert dict(one.read_many(["b.json"])) == {"b.json": b"old"}
    assert set(dict(one.read_many(["a.json", "c.json"])).values()) <= {b"1", b"3"}


@pytest.mark.parametrize(
    "data",
    [b"", b"\n\n", bytes(range(256)), os.urandom(6_000_000)],
    ids=["empty", "lines", "every byte", "large"],
)
def test_any_content_comes_back_as_it_was(backend: Backend, data: bytes) -> None:
    """Nothing, lines, every byte, and more than S3 clients like to send at once."""
    version = backend.client().write("head.json", data, None)
    assert backend.client().read("head.json") == (data, version)


GOOD = ["a", "A-b_c/0/" + "x" * 150, "20260102T030405-1f2e3d", "a/b/c/d/e/f"]
BAD = ["", "/", "a/", "/a", "a//b", "..", "../a", "a/../b", ".a", "a/.b", "a b", "a\n", "ä", "a.b"]
BAD += ["a\\b", "a%2fb", "-a", "x" * 300, "a:b", "a?b", "a*"]


@pytest.mark.parametrize("name", GOOD)
def test_names_work_alike_everywhere(backend: Backend, name: str) -> None:
    """As blobs and as logs, both at once."""
    store = backend.client()
    version = store.write(name + ".json", b"1", None)
    Log(store, name).append(0, b"one")
    assert backend.client().read(name + ".json") == (b"1", version)
    assert list(Log(backend.client(), name).entries()) == [(0, b"one")]
    entry = f"{name}/0000000000.json"
    assert sorted(backend.client().names("")) == sorted([name + ".json", entry])
    folder, slash, _ = name.rpartition("/")
    assert list(backend.client().folders(folder + slash)) == [name]


@pytest.mark.parametrize("name", BAD)
def test_an_invalid_name_is_refused_everywhere(backend: Backend, name: str) -> None:
    """Before anything is reached."""
    store = backend.client()
    for refused in (
        lambda: store.read(name + ".json"),
        lambda: store.write(name + ".json", b"", None),
        lambda: store.remove(name + ".json"),
        lambda: store.remove("a.json", name + ".json"),
        lambda: list(store.read_many([name + ".json"])),
        lambda: store.write_many([(name + ".json", b"")]),
        lambda: Log(store, name).append(0, b""),
        lambda: list(Log(store, name).entries()),
        lambda: Log(store, name).drop(),
        lambda: store.read("head"),
    ):
        with pytest.raises(ValueError, match="is not a valid name"):
            refused()


def test_of_many_who_create_one_wins(backend: Backend) -> None:
    """Thirty-two threads on eight clients, for each of three names."""
    clients = [backend.client() for _ in range(8)]
    for name in ("a.json", "b.json", "c.json"):
        won = all_at_once(32, lambda n, name=name: create(clients[n % 8], name, b"%d" % n))
        assert sum(map(bool, won)) == 1
        found = backend.client().read(name)
        assert found is not None
        assert found[0] == b"%d" % won.index(True)


def test_a_counter_is_exact(backend: Backend) -> None:
    """Eight threads on two clients, ten times each: no addition is lost."""
    clients = [backend.client(), backend.client()]
    all_at_once(8, lambda n: count(clients[n % 2], 10))
    found = backend.client().read("counter.json")
    assert found is not None
    assert found[0] == b"80"


COUNTER = """
times = 20
print("ready", flush=True)
sys.stdin.readline()
while times:
    found = store.read("counter.json")
    number, version = (int(found[0]), found[1]) if found else (0, None)
    try:
        store.write("counter.json", b"%d" % (number + 1), version)
    except VersionMoved:
        continue
    times -= 1
"""


def test_a_counter_is_exact_across_processes(processes_backend: Backend) -> None:
    """Four processes, twenty times each."""
    started = [processes_backend.process(COUNTER) for _ in range(4)]
    for process in started:
        assert next(iter(lines(process))) == "ready"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.wait(60) for process in started] == [0] * 4
    found = processes_backend.client().read("counter.json")
    assert found is not None
    assert found[0] == b"80"


# Logs


def test_a_log_gives_its_entries_back_in_order(backend: Backend) -> None:
    """From any position, to any client; an entry is any content."""
    one, other = backend.client(), backend.client()
    entries = [b"first", b"", b"\x00\xff {}", "née".encode(), b"two\nlines"]
    for position, entry in enumerate(entries):
        Log((one, other)[position % 2], "runs/a").append(position, entry)
    everything = list(enumerate(entries))
    for start in range(7):
        assert list(Log(other, "runs/a").entries(start)) == everything[start:]


def test_an_entry_is_written_once(backend: Backend) -> None:
    """A position that is taken stays as it is, for the other client too."""
    one, other = backend.client(), backend.client()
    Log(one, "log").append(0, b"one")
    for store in (one, other):
        with pytest.raises(VersionMoved):
            Log(store, "log").append(0, b"two")
    for position in (-1, 10**10):
        with pytest.raises(ValueError, match="is not a position"):
            Log(one, "log").append(position, b"elsewhere")
    assert list(Log(other, "log").entries()) == [(0, b"one")]


def test_a_log_can_have_gaps_and_fill_them(backend: Backend) -> None:
    """Writers that append at the same time come in any order."""
    store = backend.client()
    for position in (2, 0, 5):
        Log(store, "log").append(position, b"%d" % position)
    assert [position for position, _ in Log(backend.client(), "log").entries()] == [0, 2, 5]
    Log(backend.client(), "log").append(3, b"3")
    with pytest.raises(VersionMoved):
        Log(store, "log").append(3, b"3")
    Log(store, "log").append(1, b"1")
    assert [position for position, _ in Log(backend.client(), "log").entries(1)] == [1, 2, 3, 5]


def test_logs_are_listed_and_dropped(backend: Backend) -> None:
    """A log that was dropped begins anew."""
    one, other = backend.client(), backend.client()
    for log in ("runs/b", "runs/a", "audit", "runs/deep/c"):
        for position in range(3):
            Log(one, log).append(position, b"entry")
    one.write("runs/a.json", b"{}", None)
    one.write("runs/b/notes.json", b"{}", None)
    one.write("runs/b/deep/0000000007.json", b"{}", None)
    assert list(other.folders("")) == ["audit", "runs"]
    assert list(other.folders("runs/")) == ["runs/a", "runs/b", "runs/deep"]
    assert list(Log(other, "runs/b").entries()) == [(n, b"entry") for n in range(3)]
    Log(other, "runs/a").drop()
    Log(other, "runs/b").drop()
    assert list(Log(one, "runs/a").entries()) == list(Log(one, "runs/b").entries()) == []
    assert list(one.folders("runs/")) == ["runs/b", "runs/deep"]
    assert list(one.names("runs/b/")) == ["runs/b/deep/0000000007.json", "runs/b/notes.json"]
    assert one.read("runs/a.json") is not None
    Log(one, "runs/a").append(0, b"anew")
    assert list(Log(other, "runs/a").entries()) == [(0, b"anew")]


@pytest.mark.parametrize("read", [0, 1, 100])
def test_a_log_that_is_dropped_while_it_is_read_is_an_error(backend: Backend, read: int) -> None:
    """A reader has no lock, and half of a log must not pass for all of it."""
    log = Log(backend.client(), "log")
    for position in range(150):
        log.append(position, b"entry")
    found = log.entries()
    begun = [next(found) for _ in range(read)]
    if not read:
        names = [*log.store.names("log/")]
        log.store.names = lambda *_, **__: iter(names)  # type: ignore[method-assign]
    Log(backend.client(), "log").drop()
    with pytest.raises(LogDropped, match=r"log in .* was removed while it was being read"):
        begun += found
    assert len(begun) < 150


def test_a_long_log(backend: Backend) -> None:
    """Longer than a page of any server."""
    store = backend.client()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: Log(store, "log").append(n, b"%d" % n), range(1100)))
    assert list(Log(backend.client(), "log").entries()) == [(n, b"%d" % n) for n in range(1100)]
    assert len(list(Log(backend.client(), "log").entries(1050))) == 50
    Log(store, "log").drop()
    assert list(Log(backend.client(), "log").entries()) == []


def test_many_threads_append_to_one_log(backend: Backend) -> None:
    """Of those that want the same position one gets it; nobody's entry is lost."""
    clients = [backend.client(), backend.client()]
    done: list[tuple[int, bytes]] = []

    def append(number: int) -> None:
        position, mine = 0, 0
        while mine < 6:
            try:
                Log(clients[number % 2], "log").append(position, b"%d-%d" % (number, mine))
            except VersionMoved:
                pass
            else:
                done.append((position, b"%d-%d" % (number, mine)))
                mine += 1
            position += 1

    all_at_once(8, append)
    assert list(Log(backend.client(), "log").entries()) == sorted(done)
    assert [position for position, _ in sorted(done)] == list(range(48))


# The lock


def test_the_lock_names_its_holder_since_when_and_for_what(backend: Backend) -> None:
    """And is free again afterwards; a client cannot have it twice either."""
    one, other = backend.client(), backend.client()
    with one.lock(INFO, lease=LEASE) as lease:
        for store in (one, other):
            with pytest.raises(Locked) as caught, store.lock(INFO, lease=LEASE):
                pass
            for part in (INFO.who, INFO.since, INFO.doing):
                assert part in str(caught.value)
            assert f"reconcile lock break {lease.fencing_token}" in caught.value.hint
            holder = store.holder()
            assert holder is not None
            assert (holder.info, holder.fencing_token) == (INFO, lease.fencing_token)
    assert other.holder() is None
    with other.lock(INFO, lease=LEASE) as again:
        again.check()


def test_the_fencing_token_grows(backend: Backend) -> None:
    """With every holder, whichever client it is, and over the times when nobody holds it."""
    numbers = []
    for _ in range(3):
        for store in (backend.client(), backend.client()):
            with store.lock(INFO, lease=LEASE) as lease:
                numbers.append(lease.fencing_token)
    assert numbers == sorted(set(numbers))


def test_one_of_many_gets_the_lock(backend: Backend) -> None:
    """Sixteen at the same moment; and with patience each of them in turn."""
    clients = [backend.client() for _ in range(4)]
    inside = threading.Lock()
    most = threading.Barrier(16)

    def impatient(number: int) -> bool:
        try:
            with clients[number % 4].lock(INFO):
                most.wait()
        except Locked:
            most.wait()
            return False
        return True

    assert sum(map(bool, all_at_once(16, impatient))) == 1

    def patient(number: int) -> None:
        with clients[number].lock(INFO, timeout=60, lease=LEASE):
            assert inside.acquire(blocking=False)
            inside.release()

    all_at_once(4, patient)


def test_who_waits_gets_the_lock_when_it_is_free(backend: Backend) -> None:
    """Not before; and then by itself."""
    one, other = backend.client(), backend.client()
    with ExitStack() as stack:
        stack.enter_context(one.lock(INFO, lease=60))
        ended: list[float] = []

        def end() -> None:
            ended.append(time.monotonic())
            stack.close()

        timer = threading.Timer(0.5, end)
        timer.start()
        with other.lock(INFO, timeout=30, lease=LEASE):
            got = time.monotonic()
        timer.join()
    assert ended[0] <= got


def test_waiting_ends(backend: Backend) -> None:
    """After the time that was given, with the same error."""
    with backend.client().lock(INFO):
        begun = time.monotonic()
        with pytest.raises(Locked), backend.client().lock(INFO, timeout=0.5):
            pass
        assert time.monotonic() - begun >= 0.5


def test_a_lease_lives_as_long_as_its_holder(backend: Backend) -> None:
    """Longer than its length, because it is renewed; who waits that long waits in vain."""
    with backend.client().lock(INFO, lease=LEASE) as lease:
        with pytest.raises(Locked), backend.client().lock(INFO, timeout=3 * LEASE, lease=LEASE):
            pass
        lease.check()


def test_a_check_is_cheap(backend: Backend) -> None:
    """It is made before every call."""
    with backend.client().lock(INFO) as lease:
        begun = time.thread_time()
        for _ in range(1000):
            lease.check()
        assert time.thread_time() - begun < 0.5  # of computing, not of waiting for a turn


def test_a_broken_lock_ends_the_holders_writes(backend: Backend) -> None:
    """The former holder learns it before its next call, writes nothing, and ends cleanly."""
    one, other = backend.client(), backend.client()
    with ExitStack() as stack:
        lease = stack.enter_context(one.lock(INFO, lease=LEASE))
        one.write("head.json", b"held", None)
        other.break_lock(lease.fencing_token)
        with pytest.raises(LockLost):
            lease.check()
        for write in (
            lambda: one.write("other.json", b"lost", None),
            lambda: Log(one, "log").append(0, b"lost"),
            lambda: one.write_many([("other.json", b"lost")]),
            lambda: one.remove("head.json"),
            lambda: Log(one, "log").drop(),
        ):
            with pytest.raises(LockLost):
                write()
        with other.lock(INFO, lease=LEASE) as next_:
            assert next_.fencing_token > lease.fencing_token
            stack.close()
            next_.check()
            with pytest.raises(Locked), backend.client().lock(INFO):
                pass
    assert [name for name in other.names("") if name != "head.json"] == []
    with one.lock(INFO, lease=LEASE) as again:
        one.write("other.json", b"held again", None)
        assert again.fencing_token > next_.fencing_token


def test_only_the_holder_that_was_meant_is_broken(backend: Backend) -> None:
    """Another fencing token is an error that names the holder; no lock breaks silently."""
    store = backend.client()
    store.break_lock(1)
    with backend.client().lock(INFO, lease=LEASE) as lease:
        for number in (lease.fencing_token - 1, lease.fencing_token + 1):
            with pytest.raises(Locked, match="ana@mill"):
                store.break_lock(number)
        lease.check()
    store.break_lock(lease.fencing_token)
    with store.lock(INFO, lease=LEASE) as free:
        free.check()


HOLDER = """
with store.lock(LockInfo("bo@forge", "2026-05-06", "apply"), lease=float(sys.argv[3])) as lease:
    print(lease.fencing_token, flush=True)
    for line in sys.stdin:
        try:
            lease.check()
            Log(store, "log").append(int(line), b"entry")
            print("fine", flush=True)
        except LockLost:
            print("lost", flush=True)
"""


def say(process: "subprocess.Popen[str]", text: str) -> str:
    """Say a line to a process, and wait for its answer."""
    assert process.stdin is not None
    process.stdin.write(text + "\n")
    process.stdin.flush()
    return next(iter(lines(process)))


def test_the_lock_of_a_killed_holder_is_free_when_its_lease_is_over(
    processes_backend: Backend,
) -> None:
    """And not before; a backend that sees the death does not wait."""
    holder = processes_backend.process(HOLDER, "2")
    number = int(next(iter(lines(holder))))
    assert say(holder, "0") == "fine"
    with pytest.raises(Locked, match="bo@forge"), processes_backend.client().lock(INFO):
        pass
    holder.kill()
    killed = time.monotonic()
    holder.wait()
    timeout = 0 if processes_backend.deaths_are_seen else 30
    with processes_backend.client().lock(INFO, timeout=timeout, lease=LEASE) as lease:
        waited = time.monotonic() - killed
        assert lease.fencing_token > number
    # Its last heartbeat is no older than a sixth of its lease, and what was on its way.
    assert processes_backend.deaths_are_seen or waited > 0.8


def test_a_holder_that_slept_learns_that_it_lost_the_lock(processes_backend: Backend) -> None:
    """It was stopped for longer than its lease, and somebody else has gone on meanwhile."""
    holder = processes_backend.process(HOLDER, "2")
    number = int(next(iter(lines(holder))))
    assert say(holder, "0") == "fine"
    holder.send_signal(signal.SIGSTOP)
    store = processes_backend.client()
    if processes_backend.deaths_are_seen:
        with pytest.raises(Locked), store.lock(INFO, timeout=3):
            pass
        store.break_lock(number)
    with store.lock(INFO, timeout=30, lease=LEASE) as lease:
        assert lease.fencing_token > number
        holder.send_signal(signal.SIGCONT)
        assert say(holder, "1") == "lost"
        Log(store, "log").append(1, b"mine")
        assert say(holder, "2") == "lost"
        lease.check()
    assert list(Log(store, "log").entries()) == [(0, b"entry"), (1, b"mine")]


def test_a_holder_that_slept_alone_goes_on(processes_backend: Backend) -> None:
    """Where nobody took the lock meanwhile, it is lost for now or renewed, never another's."""
    holder = processes_backend.process(HOLDER, "1.5")
    number = int(next(iter(lines(holder))))
    holder.send_signal(signal.SIGSTOP)
    time.sleep(2)
    holder.send_signal(signal.SIGCONT)
    assert say(holder, "0") in {"fine", "lost"}
    time.sleep(1)
    assert say(holder, "1") == "fine"
    found = processes_backend.client().holder()
    assert found is not None
    assert found.fencing_token == number
