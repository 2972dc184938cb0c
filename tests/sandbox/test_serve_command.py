"""`reconcile sandbox serve --plan`, as another tool meets it: another process, a real socket."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ORDERS = "/crm/v3/objects/orders"
LIMIT = "X-HubSpot-RateLimit-"


@contextmanager
def served(folder: Path, *options: str) -> Iterator[httpx.Client]:
    """Serve the sandbox of an empty folder, and stop it as Ctrl-C does."""
    code = "import sys; from reconcile.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "sandbox", "serve", *options]
    with subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(2)]
        assert all(told), process.communicate()
        (name, url), (other, token) = (line.split() for line in told)
        assert (name, other) == ("URL", "Token")
        assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+", url)
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=url, headers=headers, timeout=30) as client:
            yield client
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
        assert (process.returncode, "Traceback" in errors) == (0, False), errors


@pytest.mark.parametrize(("plan", "most"), [("pro", 190), ("starter", 100)])
def test_limits_are_those_of_the_plan(tmp_path: Path, plan: str, most: int) -> None:
    """So many calls in ten seconds and no more, the pool of associations apart, as headers tell."""
    with served(tmp_path, "--plan", plan) as client:
        answers = [client.get(ORDERS) for _ in range(most + 1)]
        assert [answer.status_code for answer in answers] == [200] * most + [429]
        assert answers[0].headers[f"{LIMIT}Max"] == str(most)
        assert answers[0].headers[f"{LIMIT}Remaining"] == str(most - 1)
        body = answers[-1].json()
        assert (body["policyName"], body["errorType"]) == ("TEN_SECONDLY_ROLLING", "RATE_LIMIT")
        links = client.get("/crm/v4/objects/orders/1/associations/contacts")
        assert links.status_code == 200
        searches = [client.post(f"{ORDERS}/search", json={}).status_code for _ in range(6)]
        assert searches == [200] * 5 + [429]
        client.post("/_sandbox/clock", json={"advance": 10})
        assert client.get(ORDERS).status_code == 200
        told = client.get("/_sandbox/limits").json()
        worst = {pool["pool"]: pool["worst"] for pool in told["pools"]}
        assert (told["plan"], worst) == (plan, {"app": most + 1, "associations": 1, "search": 6})


def test_no_limits_without_a_plan(tmp_path: Path) -> None:
    """Whoever names no plan is refused nothing, and told of a limit that nobody reaches."""
    with served(tmp_path) as client:
        answers = [client.get(ORDERS) for _ in range(250)]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers[f"{LIMIT}Max"] for answer in answers} == {"1000000"}


def test_the_day_goes_on(tmp_path: Path) -> None:
    """The day's calls are counted over a restart."""
    left = []
    for _ in range(2):
        with served(tmp_path, "--plan", "pro") as client:
            left.append(int(client.get(ORDERS).headers[f"{LIMIT}Daily-Remaining"]))
    assert left == [624_999, 624_998]
