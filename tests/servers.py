"""Real servers for the tests of shared stores: PostgreSQL, S3, Azure, and one not to trust."""

import base64
import hmac
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

import obstore
import psycopg
from obstore.exceptions import BaseError
from obstore.store import S3Store

PASSWORD = "s3cret-pass"
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs: where its stores lie, and what its clients' environment must hold."""

    url: str
    environ: Mapping[str, str] = field(default_factory=dict)


def free_ports(many: int) -> list[int]:
    """Ports that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(closing(socket.socket())) for _ in range(many)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def seaweedfs() -> Iterator[Server]:
    """Serve S3, with conditional writes, from SeaweedFS."""
    names = ["master", "volume", "filer", "s3", "admin"]
    ports = free_ports(2 * len(names))
    settings = [f"-{name}.port{kind}={ports.pop()}" for name in names for kind in ("", ".grpc")]
    port = next(text.partition("=")[2] for text in settings if text.startswith("-s3.port="))
    environ = _aws(int(port))
    with TemporaryDirectory() as folder:
        command = [
            _program("weed"),
            *("mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-bucket=state"),
            *("-admin.ui=false", "-webdav=false", "-master.telemetry=false"),
            *("-s3.port.iceberg=0", "-s3.port.lance=0", *settings),
        ]
        with _running(command, os.environ | environ, Path(folder)) as process:
            _wait(process, lambda: _put(environ), BaseError)
            yield Server("s3://state/some/where", environ)


@contextmanager
def azurite() -> Iterator[Server]:
    """Serve Azure's blobs from Azurite, Microsoft's own emulator, installed from npm."""
    (port,) = free_ports(1)
    account, key = "reconcile", base64.b64encode(b"not a secret at all").decode()
    environ = {
        "AZURE_STORAGE_ACCOUNT_NAME": account,
        "AZURE_STORAGE_ACCOUNT_KEY": key,
        "AZURE_STORAGE_ENDPOINT": f"http://127.0.0.1:{port}/{account}",
    }
    with TemporaryDirectory() as folder:
        install = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund"]
        install += ["--ignore-scripts", "--prefix", folder, "azurite@3.35.0"]
        subprocess.run(install, check=True, capture_output=True, cwd=folder, timeout=280)
        command = [f"{folder}/node_modules/.bin/azurite-blob", "--silent", "--inMemoryPersistence"]
        command += ["--skipApiVersionCheck", "--disableTelemetry"]
        command += ["--blobHost", "127.0.0.1", "--blobPort", str(port)]
        accounts = {"AZURITE_ACCOUNTS": f"{account}:{key}"}
        with _running(command, os.environ | accounts, Path(folder)) as process:
            _wait(process, lambda: _make_container(port, account, key), OSError)
            yield Server("az://state/some/where", environ)


def _make_container(port: int, account: str, key: str) -> None:
    """Make the container ``state``; obstore cannot, so the request is signed here."""
    when = formatdate(usegmt=True)
    headers = f"x-ms-date:{when}\nx-ms-version:2021-12-02\n"
    path = f"/{account}/{account}/state\nrestype:container"
    text = "PUT" + "\n" * 12 + headers + path
    digest = hmac.digest(base64.b64decode(key), text.encode(), "sha256")
    signed = {
        "x-ms-date": when,
        "x-ms-version": "2021-12-02",
        "Authorization": f"SharedKey {account}:{base64.b64encode(digest).decode()}",
    }
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("PUT", f"/{account}/state?restype=container", headers=signed)
        answer = connection.getresponse()
        assert answer.status == 201, answer.read()


@contextmanager
def rclone() -> Iterator[Server]:
    """Serve S3 from rclone, which takes conditional writes for plain ones."""
    (port,) = free_ports(1)
    environ = _aws(port)
    with TemporaryDirectory() as folder:
        (Path(folder) / "files" / "state").mkdir(parents=True)
        command = [_program("rclone"), "serve", "s3", "--addr", f"127.0.0.1:{port}"]
        command += ["--auth-key", "test,testtest", f"{folder}/files"]
        with _running(command, os.environ | environ, Path(folder)) as process:
            _wait(process, lambda: _put(environ), BaseError)
            yield Server("s3://state", environ)


@contextmanager
def postgresql() -> Iterator[Server]:
    """Serve a PostgreSQL whose superuser is ``postgres``; all need the password PASSWORD."""
    (port,) = free_ports(1)
    # PostgreSQL refuses to run as root; Debian's package has a user for it.
    user = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
    with TemporaryDirectory() as folder:
        password = Path(folder) / "password"
        password.write_text(PASSWORD)
        data = Path(folder) / "data"
        data.mkdir(mode=0o700)
        if user:
            for path in (folder, password, data):
                shutil.chown(path, **user)
        initdb = [_postgres("initdb"), "-D", str(data), "-A", "scram-sha-256", "-U", "postgres"]
        initdb += [f"--pwfile={password}", "--no-sync", "-E", "UTF8", "--locale=C"]
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **user)
        command = [_postgres("postgres"), "-D", str(data), "-p", str(port), "-k", folder]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        url = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres"
        # SIGINT has it end its clients' connections; SIGTERM would wait for them.
        with _running(command, os.environ, Path(folder), signal.SIGINT, **user) as process:
            _wait(process, lambda: psycopg.connect(url).close(), psycopg.OperationalError)
            yield Server(url)


def _aws(port: int) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "testtest",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }


def _program(name: str) -> str:
    # Wheels put programs beside the interpreter, and nobody need have activated its environment.
    found = shutil.which(name, path=Path(sys.executable).parent) or shutil.which(name)
    assert found, f"{name} is missing: .ci/run installs the group of servers"
    return found


def _postgres(name: str) -> str:
    homes = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = str(homes[-1]) if homes else shutil.which(name)
    assert found, f"{name} is missing: apt-get install postgresql"
    return found


@contextmanager
def _running(
    command: list[str],
    environ: Mapping[str, str],
    folder: Path,
    end: signal.Signals = signal.SIGTERM,
    **user: str,
) -> Iterator["subprocess.Popen[bytes]"]:
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environ, cwd=folder, stdout=log, stderr=log, **user)
        try:
            yield process
        finally:
            process.send_signal(end)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(
    process: "subprocess.Popen[bytes]", use: Callable[[], object], error: type[Exception]
) -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            use()
        except error:
            assert process.poll() is None, f"{process.args} ended"
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return


def _put(environ: Mapping[str, str]) -> None:
    store = S3Store(
        "state",
        config=dict(environ),
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    obstore.put(store, "ready", b"ready")
