"""Text from manifests and HubSpot stays text in everything the program prints."""

import http.server
import json
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from filelock import FileLock

from tests.cli.conftest import PROJECT, Project

EVIL = (
    "\x1b[31mred\x1b]8;;http://evil\x07",
    "::error file=x::forged",
    "##[error]forged",
    "a\n::add-mask::b",
    "line\rover",
    "\u202egnp.exe",
    "zero\u200bwidth",
    "`code` **bold** <script>alert(1)</script> @octocat [x](http://evil)",
    "``````",
    "<!-- reconcile:plan:production -->",
)
COMMANDS = (
    ("plan",),
    ("show", "p"),
    ("show", "p", "--format", "markdown"),
    ("show", "p", "--format", "json"),
)
ANNOTATIONS = ("::error file=manifests/", "::warning file=manifests/")
UNSEEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


def harmless(text: str) -> None:
    """No control or direction character, and no line that a CI runner would obey."""
    assert UNSEEN.search(text) is None
    for line in text.splitlines():
        assert not line.lstrip().startswith("::") or line.startswith(ANNOTATIONS)
        assert "##[" not in line


def as_yaml(text: str) -> str:
    """Text as a YAML scalar in double quotes; JSON is YAML."""
    return json.dumps(text)


def seen(project: Project, *args: str) -> str:
    """All that a command printed, checked."""
    result = project.run(*args)
    harmless(result.out)
    harmless(result.err)
    return result.all


@contextmanager
def refusing(project: Project, message: str) -> Iterator[None]:
    """An account that refuses everything with a message of its choice."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = {"status": "error", "message": message, "category": message}
            data = json.dumps({**body, "correlationId": message}).encode()
            self.send_response(400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        project.settings(PROJECT.replace("{url}", f"http://127.0.0.1:{server.server_port}"))
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.matrix(keep=3)
@pytest.mark.parametrize("text", EVIL)
def test_manifest_values(reader: Project, text: str) -> None:
    """Names, titles and values from manifests come out as harmless text, or are refused."""
    reader.write(
        f"kind: order\nkey: A\nproperties: {{hs_order_name: {as_yaml(text)}}}\n"
        f"line_items:\n  - {{key: L, properties: {{name: {as_yaml(text)}}}}}\n"
    )
    seen(reader, "plan", "--out", "p")
    for command in COMMANDS:
        if (reader.folder / "p").exists():
            assert len(seen(reader, *command)) > 100


@pytest.mark.matrix(keep=3)
@pytest.mark.parametrize("text", EVIL)
def test_manifest_keys(reader: Project, text: str) -> None:
    """Keys, kinds, fields and references too, in plans and in errors."""
    quoted = as_yaml(text)
    for manifest in (
        f"kind: cart\nkey: {quoted}\nproperties: {{}}\n",
        f"kind: {quoted}\nkey: A\n",
        f"kind: cart\nkey: A\n{quoted}: x\n",
        f"kind: cart\nkey: A\nproperties: {{{quoted}: x}}\n",
        f"kind: cart\nkey: A\nproperties: {{hs_tax: {quoted}}}\n",
        f"kind: cart\nkey: A\nproperties: {{}}\nassociations: {{contact: [{{email: {quoted}}}]}}\n",
        f"kind: cart\nkey: A\nproperties: {{}}\nassociations: {{{quoted}: [{{id: '1'}}]}}\n",
        f"kind: cart\nkey: A\nproperties: {{}}\nlifecycle: {{ignore: [{quoted}]}}\n",
    ):
        reader.write(manifest)
        seen(reader, "plan")
        seen(reader, "validate")


@pytest.mark.matrix(keep=3)
@pytest.mark.parametrize("text", EVIL)
def test_annotations(reader: Project, text: str) -> None:
    """On GitHub a manifest cannot add a workflow command to ours."""
    reader.env(GITHUB_ACTIONS="true", CI="true", RECONCILE_TARGET="shop")
    conflict = f"kind: cart\nkey: A\nproperties: {{hs_tax: {as_yaml(text)}}}\n"
    for manifest in (conflict, f"{conflict}---\nkind: {as_yaml(text)}\nkey: B\n"):
        reader.write(manifest)
        result = reader.run("plan")
        harmless(result.out)
        harmless(result.err)
        assert "::error " in result.out or "::warning " in result.err
        if result.code:
            assert all(line.startswith("::error ") for line in result.out.splitlines())


@pytest.mark.matrix(keep=3)
@pytest.mark.parametrize("text", EVIL)
def test_file_names(reader: Project, text: str) -> None:
    """Names of files and folders too."""
    name = text.replace("/", "_")
    reader.write("kind: nothing\n", f"manifests/{name}.yaml")
    seen(reader, "plan")
    seen(reader, "plan", name)
    seen(reader, "show", name)
    seen(reader, "-C", name, "plan")
    seen(reader, "plan", "--target", name)
    seen(reader, name)
    seen(reader, "plan", f"--{name}")
    seen(reader, "plan", "--recreate", name)
    seen(reader, "plan", "--out", f"no/{name}")


@pytest.mark.matrix(keep=3)
@pytest.mark.parametrize("text", EVIL)
def test_values_in_hubspot(project: Project, text: str) -> None:
    """What somebody wrote in HubSpot comes out harmless in a plan, changed back or left alone."""
    project.write("kind: order\nkey: A\nproperties: {hs_order_name: x, hs_tags: y}\n")
    project.fine("apply", "--auto-approve")
    with closing(sqlite3.connect(project.account.path)) as connection, connection:
        (data,) = connection.execute("SELECT properties FROM record WHERE type='0-123'").fetchone()
        changed = {**json.loads(data), "hs_order_name": text, "hs_tags": text}
        connection.execute(
            "UPDATE record SET properties = ? WHERE type = '0-123'", (json.dumps(changed),)
        )
    assert "Left alone: drift in 1 order" in seen(project, "plan", "--out", "p")
    for allowed in ((), ("--allow", "drift=1")):
        assert "drift" in seen(project, "plan", "--out", "p", *allowed)
        for command in COMMANDS:
            seen(project, *command)
    project.env(CI="true", RECONCILE_TARGET="shop")
    for command in COMMANDS:
        seen(project, *command)


@pytest.mark.matrix(keep=3)
@pytest.mark.parametrize("text", EVIL)
def test_reasons_of_conflicts(project: Project, text: str) -> None:
    """A value that the account refuses is quoted in the plan, the report and the audit log."""
    evil = as_yaml(text)
    project.write(f"kind: cart\nkey: A\nproperties: {{hs_tax: {evil}, hs_total_price: {evil}}}\n")
    if project.run("validate").code:
        return
    for environment in ({}, {"CI": "true", "RECONCILE_TARGET": "shop"}):
        project.env(**environment)
        for _ in range(2):  # the second time it stood before
            said = seen(project, "apply", "--auto-approve", "--accept-local-store")
            assert said.count("      manifests/shop.yaml:3:") == 4
        assert "manifests/shop.yaml:3:" in seen(project, "audit", "log", "--address", "cart/A")
        seen(project, "audit", "export")


@pytest.mark.matrix(keep=3)
@pytest.mark.parametrize("text", EVIL)
def test_errors_from_hubspot(reader: Project, text: str) -> None:
    """The message, category and correlation id of an error come out harmless."""
    with refusing(reader, text):
        said = seen(reader, "plan")
    assert "error: target shop at http://127.0.0.1:" in said


@pytest.mark.matrix(keep=3)
@pytest.mark.parametrize("text", EVIL)
def test_markdown_stays_markdown(reader: Project, text: str) -> None:
    """In Markdown a value cannot close its block, nor pass for our marker."""
    reader.write(f"kind: order\nkey: A\nproperties: {{hs_order_name: {as_yaml(text)}}}\n")
    if reader.run("plan", "--out", "p").code:
        return
    out = seen(reader, "show", "p", "--format", "markdown")
    assert out.count("<!-- reconcile:") == 1
    assert "<script" not in re.sub(r"```+diff\n.*?\n```+\n", "", out, flags=re.DOTALL)


def test_lock_holder(project: Project) -> None:
    """Who holds the lock is foreign text as well."""
    project.fine("apply", "--auto-approve")
    project.write("kind: cart\nkey: Z\nproperties: {}\n")
    home = project.folder / "state" / "shop"
    with FileLock(home / "lock"):
        for text in EVIL:
            info = {"fencing_token": 3, "who": text, "since": text, "doing": text}
            (home / "lock-holder").write_text(json.dumps(info))
            assert "is locked by" in seen(project, "apply", "--auto-approve")
