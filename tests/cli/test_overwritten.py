"""An edit that an apply overwrote, as the commands tell it."""

from collections.abc import Callable
from functools import partial

import pytest
from world import World, order

from reconcile.cli import main
from reconcile.hubspot.client import HubSpot
from reconcile.sandbox.faults import concurrent_changes as people


def test_the_command_says_what_it_overwrote_and_exits_5(
    build: Callable[..., World], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """So does its log; a second apply has nothing to do and exits 0."""
    tight = build(rate_limit=1)  # so that every call waits for the one before it
    tight.converge(order("A", hs_tags="1"))
    tight.declare(order("A", hs_tags="2"))
    edit = people.Edit("orders/reconcile_key=A", {"hs_tags": "HUMAN"})
    tight.sandbox.faults.add(edit, path="*/orders/A", times=1)
    for name, value in tight.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tight.folder)
    monkeypatch.delenv("CI", raising=False)
    client = partial(HubSpot, sleep=tight.sleep, clock=tight.clock)
    monkeypatch.setattr("reconcile.hubspot.client.HubSpot", client)

    def run(*args: str) -> tuple[int | str | None, str]:
        monkeypatch.setattr("sys.argv", ["reconcile", *args])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code, capsys.readouterr().out

    code, out = run("apply", "--auto-approve")
    assert code == 5
    assert "order/A  update done, overwrote 'HUMAN' of hs_tags by CRM_UI\n" in out
    assert "Applied: 1 order updated; 1 edit by others overwritten." in out
    code, log = run("audit", "log", "--address", "order/A")
    assert code == 0
    assert "HUMAN -> 2" in log
    assert "overwrote HUMAN of hs_tags, set by CRM_UI" in log
    assert run("apply", "--auto-approve")[0] == 0
