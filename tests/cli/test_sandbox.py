"""`reconcile sandbox`: its link to the page, and seeds."""

import json
import re
import signal
import subprocess
import sysconfig
from pathlib import Path

import httpx
import pytest

SCRIPT = Path(sysconfig.get_path("scripts")) / "reconcile"
EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "northwind" / "sandbox-seed.json"
CONTACT = {"properties": {"email": "ana@example.com"}}


def run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run `reconcile sandbox ARGS` in a folder without a project file."""
    command = [SCRIPT, "sandbox", *args]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def seed_of(folder: Path, content: object, name: str = "seed.json") -> str:
    """Write a seed and return its name."""
    (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return name


def counts(folder: Path) -> dict[str, int]:
    """Read what `sandbox info` counts."""
    told = run(folder, "info").stdout
    rows = re.findall(r"^  (\w+) +([0-9]+)$", told, re.MULTILINE)
    return {name: int(number) for name, number in rows}


def test_serve_prints_the_link_of_the_page(tmp_path: Path) -> None:
    """The link that serve prints opens the page, and info still counts the records afterwards."""
    assert run(tmp_path, "seed", seed_of(tmp_path, {"objects": {"contacts": [CONTACT]}}))
    command = [SCRIPT, "sandbox", "serve"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        link = ""
        while not link:
            line = process.stdout.readline()
            assert line, "it ended"
            link = line.removeprefix("Look").strip() if line.startswith("Look") else ""
        with httpx.Client(follow_redirects=True) as client:
            assert "ana@example.com" in client.get(link).text
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert counts(tmp_path)["contacts"] == 1


def test_seed_of_an_example(tmp_path: Path) -> None:
    """An example is found by its name, makes the sandbox, and adds nothing when repeated."""
    records = len(json.loads(EXAMPLE.read_text(encoding="utf-8"))["objects"]["contacts"])
    first = run(tmp_path, "seed", "northwind")
    assert first.returncode == 0, first.stderr
    assert f"Loaded {EXAMPLE}" in first.stdout
    assert re.search(rf"contacts +{records} added +0 already there", first.stdout)
    again = run(tmp_path, "seed", "northwind")
    assert re.search(rf"contacts +0 added +{records} already there", again.stdout)
    assert counts(tmp_path)["contacts"] == records


def test_seed_of_a_file_or_its_folder(tmp_path: Path) -> None:
    """A file is named by its path, a folder by the seed file in it."""
    (tmp_path / "shop").mkdir()
    name = seed_of(tmp_path, {"objects": {"contacts": [CONTACT]}}, "shop/sandbox-seed.json")
    for named in (name, "shop"):
        assert run(tmp_path, "seed", named).returncode == 0
    assert counts(tmp_path)["contacts"] == 1


def test_unknown_seed(tmp_path: Path) -> None:
    """A name of nothing is refused with the examples there are, and makes no sandbox."""
    refused = run(tmp_path, "seed", "northwnd")
    assert refused.returncode == 1
    assert "no seed file and no example named 'northwnd'" in refused.stderr
    assert "the examples are existing-shop, northwind, quickstart" in refused.stderr
    (tmp_path / "empty").mkdir()
    assert "has no sandbox-seed.json" in run(tmp_path, "seed", "empty").stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty"]


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"objects": {"contacts": [CONTACT, {"properties": {"nope": "1"}}]}}, "contacts[1]"),
        ([], "must be an object"),
    ],
)
def test_bad_seed(tmp_path: Path, content: object, told: str) -> None:
    """A bad seed is refused with file and place, and nothing of it is loaded."""
    refused = run(tmp_path, "seed", seed_of(tmp_path, content))
    assert refused.returncode == 1
    assert "nothing was added" in refused.stderr
    assert told in refused.stderr
    assert "Traceback" not in refused.stderr
    assert counts(tmp_path)["contacts"] == 0


def test_reset_leaves_no_log(tmp_path: Path) -> None:
    """Resetting erases the data and the log of requests beside them."""
    run(tmp_path, "seed", seed_of(tmp_path, {"objects": {"contacts": [CONTACT]}}))
    (data,) = tmp_path.rglob("sandbox.sqlite")
    data.with_name("sandbox.sqlite-requests").write_bytes(b"")
    assert run(tmp_path, "reset", "--auto-approve").returncode == 0
    assert list(tmp_path.rglob("sandbox.sqlite*")) == []
    assert "no sandbox data yet" in run(tmp_path, "info").stdout
