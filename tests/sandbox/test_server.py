"""The server: its life, its loopback, its log, its file."""

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from reconcile.sandbox import Sandbox, Switches, UnusableError, describe


def client_of(sandbox: Sandbox) -> httpx.Client:
    """Return a client with the full-scope token."""
    return httpx.Client(base_url=sandbox.url, headers={"Authorization": f"Bearer {sandbox.token}"})


def test_importing_is_cheap() -> None:
    """Importing the package loads neither a web server nor SQLite."""
    code = "import sys, reconcile.sandbox; print({'uvicorn', 'sqlite3'} & set(sys.modules))"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "set()\n"


def test_data_survives_a_restart(tmp_path: Path) -> None:
    """Records, portal and token are the same after a restart at the same path."""
    path = tmp_path / "sandbox.db"
    with Sandbox(path) as first, client_of(first) as client:
        made = client.post("/crm/v3/objects/orders", json={"properties": {"hs_tags": "a"}}).json()
    with Sandbox(path) as second, client_of(second) as client:
        assert (second.portal_id, second.token) == (first.portal_id, first.token)
        assert client.get(f"/crm/v3/objects/orders/{made['id']}").status_code == 200


def test_a_stop_waits_for_nobody(tmp_path: Path) -> None:
    """An idle client that stays connected does not keep it from ending."""
    sandbox = Sandbox(tmp_path / "sandbox.db").__enter__()
    with client_of(sandbox) as client:
        client.get("/account-info/v3/details")
        sandbox.__exit__(None, None, None)
        with pytest.raises(httpx.HTTPError):
            client.get("/account-info/v3/details")


def test_nothing_is_printed_and_no_signal_is_taken(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The server prints nothing and leaves signal handlers as they are."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Sandbox(tmp_path / "sandbox.db") as sandbox, client_of(sandbox) as client:
        client.get("/nowhere")
        client.get("/crm/v3/objects/orders")
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("uvicorn.access").handlers == []


def test_several_at_once(start: Callable[[Switches], Sandbox]) -> None:
    """Sandboxes of one process are accounts of their own."""
    one, other = start(Switches()), start(Switches())
    assert one.url != other.url
    with client_of(one) as client:
        assert client.get(f"{other.url}/account-info/v3/details").status_code == 401


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.com", ""])  # noqa: S104
def test_loopback_only(tmp_path: Path, host: str) -> None:
    """Any address another machine could reach is refused before anything is made."""
    with pytest.raises(ValueError, match="loopback"):
        Sandbox(tmp_path / "sandbox.db", host=host)
    assert list(tmp_path.iterdir()) == []


def test_named_port_and_localhost(tmp_path: Path) -> None:
    """A port may be chosen; a second server cannot have it and leaves no thread behind."""
    with Sandbox(tmp_path / "one.db", host="localhost") as sandbox:
        threads = threading.active_count()
        with pytest.raises(OSError, match="in use"), Sandbox(tmp_path / "2.db", port=sandbox.port):
            pass
        assert threading.active_count() == threads
        assert sandbox.url == f"http://127.0.0.1:{sandbox.port}"


def test_wait_ends_with_the_server(tmp_path: Path) -> None:
    """wait() blocks until the server stops."""
    with Sandbox(tmp_path / "sandbox.db") as sandbox:
        waiter = threading.Thread(target=sandbox.wait)
        waiter.start()
        waiter.join(0.05)
        assert waiter.is_alive()
    waiter.join(5)
    assert not waiter.is_alive()


def test_file_is_private(tmp_path: Path) -> None:
    """The database and its companions can be read by their owner only."""
    with Sandbox(tmp_path / "sandbox.db") as sandbox, client_of(sandbox) as client:
        client.post("/crm/v3/objects/orders", json={"properties": {}})
        modes = {file.name: oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("sandbox.db", "sandbox.db-wal", "sandbox.db-shm"), "0o600")


def test_reset_erases(tmp_path: Path) -> None:
    """reset() leaves nothing, and what is made next is another account."""
    path = tmp_path / "sandbox.db"
    with Sandbox(path) as first:
        pass
    Sandbox.reset(path)
    assert list(tmp_path.iterdir()) == []
    with Sandbox(path) as second:
        assert second.token != first.token


def test_describe(tmp_path: Path) -> None:
    """describe() counts live records without starting a server."""
    path = tmp_path / "sandbox.db"
    with Sandbox(path) as sandbox, client_of(sandbox) as client:
        made = [client.post("/crm/v3/objects/carts", json={"properties": {}}) for _ in range(3)]
        client.delete(f"/crm/v3/objects/carts/{made[0].json()['id']}")
    info = describe(path)
    assert (info.portal_id, info.token) == (sandbox.portal_id, sandbox.token)
    assert info.counts["carts"] == 2
    assert info.counts["orders"] == 0
    assert info.size_bytes == path.stat().st_size


def test_describe_of_something_else(tmp_path: Path) -> None:
    """A file that is not a sandbox database is refused; one that is not there is not found."""
    other = tmp_path / "other.db"
    other.write_bytes(b"hello world, this is no database" * 100)
    with pytest.raises(UnusableError, match="not a sandbox database"):
        describe(other)
    with pytest.raises(FileNotFoundError):
        describe(tmp_path / "missing.db")
    assert not (tmp_path / "missing.db").exists()


def test_request_log(sandbox: Sandbox, http: httpx.Client) -> None:
    """The log tells every call but those about itself, and can be cleared over HTTP."""
    http.post("/crm/v3/objects/orders/batch/read?archived=true", json={"inputs": [{"id": "1"}] * 3})
    http.get("/nowhere")
    records = sandbox.requests()
    assert [(one.method, one.path, one.query, one.status, one.inputs) for one in records] == [
        ("POST", "/crm/v3/objects/orders/batch/read", "archived=true", 207, 3),
        ("GET", "/nowhere", "", 404, 0),
    ]
    shown = http.get("/_sandbox/requests").json()["results"]
    assert [one["status"] for one in shown] == [207, 404]
    assert http.delete("/_sandbox/requests").status_code == 204
    assert sandbox.requests() == []
    http.get("/crm/v3/objects/orders")
    sandbox.clear_requests()
    assert sandbox.requests() == []


def test_two_processes_share_a_database(tmp_path: Path) -> None:
    """Two servers on one path both write, and see each other's records and definitions."""
    path = tmp_path / "sandbox.db"
    with (
        Sandbox(path) as one,
        Sandbox(path) as two,
        client_of(one) as first,
        client_of(two) as second,
    ):
        definition = {
            "name": "k",
            "label": "K",
            "type": "string",
            "fieldType": "text",
            "groupName": "order_information",
        }
        second.get("/crm/v3/objects/orders?properties=k")
        first.post("/crm/v3/properties/orders", json=definition).raise_for_status()

        def write(client: httpx.Client) -> None:
            for _ in range(20):
                client.post("/crm/v3/objects/orders", json={"properties": {"k": "v"}})

        threads = [threading.Thread(target=write, args=(client,)) for client in (first, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {one.status for one in two.requests() + one.requests()} == {200, 201}
    assert describe(path).counts["orders"] == 40


def test_many_clients(sandbox: Sandbox) -> None:
    """Calls from many threads are all answered, and ids never repeat."""
    ids: list[str] = []

    def write() -> None:
        with client_of(sandbox) as client:
            for _ in range(10):
                answer = client.post("/crm/v3/objects/carts", json={"properties": {}})
                ids.append(answer.json()["id"])

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 80


def test_killed_server_loses_nothing_answered(tmp_path: Path) -> None:
    """What was answered before kill -9 is there afterwards."""
    path = tmp_path / "sandbox.db"
    code = (
        "import sys, pathlib\nfrom reconcile.sandbox import Sandbox\n"
        "with Sandbox(pathlib.Path(sys.argv[1])) as s:\n"
        "    print(s.url, s.token, flush=True)\n    s.wait()\n"
    )
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, token = process.stdout.readline().split()
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.post(
            f"{url}/crm/v3/objects/orders", json={"properties": {}}, headers=headers
        )
        assert answer.status_code == 201
        os.kill(process.pid, signal.SIGKILL)
    assert describe(path).counts["orders"] == 1
