"""The report: what it maps to, and what is not in it."""

import json

from probed import Probed

from reconcile.probing import QUESTIONS, as_json


def test_the_report_names_nobody(world: Probed) -> None:
    """The report holds no token, no account id, and no record but the probe's own."""
    text = json.dumps(as_json(world.run(), at="2026-11-22T00:00:00+00:00"))
    assert world.sandbox.token not in text
    assert str(world.sandbox.portal_id) not in text
    assert "Theirs" not in text
    assert "example.com" not in text


def test_the_report_maps_to_the_contract(world: Probed) -> None:
    """Each result names its section, answers, the contract's rows and the switch's value."""
    report = as_json(world.run("number-read-back"), at="now")
    assert report["ended"] == "complete"
    assert report["account_type"] == "DEVELOPER_TEST"
    (row,) = report["questions"]
    assert row["verdict"] == "held"
    assert row["answer"] == row["expected"] == "canonical"
    assert row["switches"] == {"numbers_read_back": "canonical"}
    assert set(row["answers"]) == {"canonical", "as_sent"}
    assert "numbers-read-back-canonical" in row["contract_rows"]


def test_names_are_unmistakable(world: Probed) -> None:
    """Every record and property that is made carries the run's prefix, and no two runs share it."""
    one, other = world.probe(), world.probe()
    assert one.prefix.startswith("reconcile_probe_")
    assert one.prefix != other.prefix
    assert len(QUESTIONS) == len(one.asked) + len(one.skipped)
