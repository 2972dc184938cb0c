"""The backends that the contract is tested on."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

import pytest
from obstore.store import MemoryStore
from servers import Server

from reconcile.stores.bucket import Bucket
from reconcile.stores.contract import Store
from reconcile.stores.objects import ObjectStore
from reconcile.stores.store_urls import open_store


@dataclass(frozen=True)
class Backend:
    """A place for a store, of which every call of ``client`` opens one more client.

    ``deaths_are_seen`` says that a holder's death is seen at once; elsewhere its lease has to end.
    """

    name: str
    client: Callable[[], Store]
    url: str = ""
    folder: Path = Path()
    deaths_are_seen: bool = False
    started: list["subprocess.Popen[str]"] = field(default_factory=list)

    def process(self, script: str, *arguments: str) -> "subprocess.Popen[str]":
        """Run a script in a process of its own, with a client of this backend as ``store``."""
        begin = (
            "import sys, time\n"
            "from pathlib import Path\n"
            "from reconcile.stores.contract import *\n"
            "from reconcile.stores.logs import Log\n"
            "from reconcile.stores.store_urls import open_store\n"
            "store = open_store(sys.argv[1], Path(sys.argv[2]))\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", begin + script, self.url, str(self.folder), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process


@contextmanager
def opened(name: str, folder: Path, server: Server | None) -> Iterator[Backend]:
    """A backend of that name; ``server`` is None where it needs none."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        clients: list[Store] = []
        target = folder / f"target-{token_hex(4)}"

        def known(store: Store) -> Store:
            clients.append(store)
            return store

        if name == "memory":
            memory = MemoryStore()
            bucket = lambda: Bucket(memory, "some/where/", "memory")  # noqa: E731
            backend = Backend(name, lambda: known(ObjectStore(bucket())))
        else:
            url = server.url if server else ""
            if server:
                for variable, value in server.environ.items():
                    patch.setitem(os.environ, variable, value)
            backend = Backend(
                name, lambda: known(open_store(url, target)), url, target, name == "local"
            )
        try:
            yield backend
        finally:
            for process in backend.started:
                process.kill()
                process.communicate()
            for client in clients:
                client.close()
