"""A proxy before the sandbox that keeps every request's body and can stand in the way."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import httpx
from plain import NO_TLS

DROP = "drop"
"""What a hook returns to have the request carried out and its answer lost."""


@dataclass(frozen=True)
class Seen:
    """One request and its response."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    status: int
    answer: Any

    @property
    def inputs(self) -> list[dict[str, Any]]:
        """The inputs of a batch."""
        return list(self.body["inputs"]) if isinstance(self.body, dict) else []


Hook = Callable[[str, str, Any], str | tuple[int, Any] | None]
Edit = Callable[[str, str, Any], Any]


class QuietServer(ThreadingHTTPServer):
    """Serves clients that may be killed at any time."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that were killed while they were answered."""


class Proxy:
    """Forwards to ``upstream``. ``hook`` sees (method, path, body) before each request.

    It returns None to let it pass, ``DROP`` to lose its answer, or an answer of its own. ``edit``
    sees (method, path, answer) of what passed and returns the answer that is sent on.
    """

    def __init__(self, upstream: str) -> None:
        self.seen: list[Seen] = []
        self.hook: Hook | None = None
        self.edit: Edit | None = None
        self._upstream = upstream
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._client = httpx.Client(base_url=self._upstream, trust_env=False, verify=NO_TLS)
        self._server = QuietServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._client.close()

    def to(self, method: str, ending: str) -> list[Seen]:
        """The requests seen with this method and end of path, oldest first."""
        return [one for one in self.seen if one.method == method and one.path.endswith(ending)]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                proxy.forward(self)

            do_POST = do_PATCH = do_PUT = do_DELETE = do_GET  # noqa: N815 (the library's names)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

    def forward(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        content = request.rfile.read(int(request.headers.get("content-length") or 0))
        parts = urlsplit(request.path)
        body = json.loads(content) if content else None
        wish = self.hook(request.command, parts.path, body) if self.hook else None
        if isinstance(wish, tuple):
            status, answer = wish
            raw = json.dumps(answer).encode()
        else:
            headers = {
                name: request.headers[name]
                for name in ("authorization", "content-type")
                if name in request.headers
            }
            reply = self._client.request(
                request.command, request.path, content=content, headers=headers
            )
            status, raw = reply.status_code, reply.content
            answer = json.loads(raw) if raw else None
            if self.edit is not None and raw:
                answer = self.edit(request.command, parts.path, answer)
                raw = json.dumps(answer).encode()
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        with self._lock:
            self.seen.append(Seen(request.command, parts.path, query, body, status, answer))
        if wish == DROP:
            request.close_connection = True
            return
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(raw)))
        request.end_headers()
        request.wfile.write(raw)
