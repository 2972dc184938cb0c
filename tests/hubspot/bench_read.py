"""What reading costs us: CPU of this process for batch reads of many records.

    python tests/hubspot/bench_read.py [records] [properties]

The server is another process that answers every batch read with the same canned records, so that
only the client is measured. Not a test: numbers depend on the machine.
"""

import json
import multiprocessing
import socket
import sys
import time
from multiprocessing.connection import Connection

from reconcile.hubspot.client import HubSpot


def serve(ready: Connection, properties: int) -> None:
    """Answer batch reads: the records asked for, on one kept-alive connection per thread."""
    filler = {f"property_{n:03}": f"value {n} of some usual length" for n in range(properties - 1)}
    tail = json.dumps(filler)[1:]
    listener = socket.create_server(("127.0.0.1", 0))
    ready.send(listener.getsockname()[1])
    while True:
        connection, _ = listener.accept()
        multiprocessing.get_context("fork").Process(
            target=talk, args=(connection, tail), daemon=False
        ).start()


def talk(connection: socket.socket, tail: str) -> None:
    """Answer the requests of one connection."""
    with connection, connection.makefile("rwb") as stream:
        while line := stream.readline():
            length = 0
            while line not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
                line = stream.readline()
            asked = json.loads(stream.read(length))["inputs"]
            records = ",".join(
                f'{{"id":"{item["id"]}","properties":{{"hs_object_id":"{item["id"]}",{tail},'
                '"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z",'
                '"archived":false}'
                for item in asked
            )
            body = f'{{"status":"COMPLETE","results":[{records}]}}'.encode()
            head = (
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                "X-HubSpot-RateLimit-Max: 190\r\nX-HubSpot-RateLimit-Remaining: 180\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            stream.write(head.encode() + body)
            stream.flush()


def main() -> None:
    """Measure and report."""
    records = int(sys.argv[1]) if len(sys.argv) > 1 else 30_000
    properties = int(sys.argv[2]) if len(sys.argv) > 2 else 25
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("fork").Process(target=serve, args=(theirs, properties))
    server.start()
    try:
        with HubSpot(f"http://127.0.0.1:{ours.recv()}", "pat-na1-x", rate_limit=None) as hubspot:
            ids = [str(40_000_000_000 + n) for n in range(records)]
            names = ["hs_object_id", *(f"property_{n:03}" for n in range(properties - 1))]
            hubspot.records.read("orders", ids[:400], names)
            wall, cpu = time.perf_counter(), time.process_time()
            found = hubspot.records.read("orders", ids, names)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        if len(found) != records:
            raise SystemExit(f"read {len(found)} of {records} records")
        sys.stdout.write(
            f"{records:,} records of {properties} properties: "
            f"{cpu:.2f} s CPU, {wall:.2f} s in all, {1e6 * cpu / records:.0f} µs a record\n"
        )
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
