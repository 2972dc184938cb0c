"""What HubSpot says inside its errors and beside its results reaches whoever has to act on it."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from proxy import Hook, Proxy
from world import World, messages, order, statuses

from reconcile.audit.log import AuditLog
from reconcile.audit.query import all_entries
from reconcile.errors import HubSpotError
from reconcile.model.audit import Topic
from reconcile.model.outcome import Report
from reconcile.render.audit_export import rows
from reconcile.render.audit_lines import record_lines
from reconcile.render.error_lines import format_error
from reconcile.render.report import write_report

MISSING = {
    "message": "Carrier is required when the stage is Shipped",
    "code": "MISSING_CONDITIONAL_REQUIRED_PROPERTY",
    "context": {"propertyName": ["hs_tags"]},
}
REASON = (
    "hs_tags: Carrier is required when the stage is Shipped (MISSING_CONDITIONAL_REQUIRED_PROPERTY)"
)
# Without a message at the top, as 2026-09 answers (reference §18), and with one.
BARE = {"status": "error", "category": "VALIDATION_ERROR", "errors": [MISSING]}
TOPPED = {**BARE, "message": "The property values provided are invalid"}


def shown(report: Report, *, personal: bool = True) -> str:
    """The report as a terminal shows it."""
    stream = StringIO()
    write_report(report, stream, personal=personal, color=False)
    return stream.getvalue()


def logged(world: World) -> tuple[str, str]:
    """The records of the audit log, as a terminal and as programs get them."""
    entries = list(all_entries(AuditLog(world.store)))
    lines = [
        line.text()
        for entry in entries
        for record in entry.records
        for line in record_lines(record, personal=True)
    ]
    cells = [str(row["after"]) for row in rows(entries, personal=True)]
    return "\n".join(lines), "\n".join(cells)


def refusing(ending: str, body: dict[str, Any]) -> Hook:
    """Answer calls whose path ends so with a refusal of the whole call."""

    def hook(_: str, path: str, __: object) -> tuple[int, Any] | None:
        return (400, body) if path.endswith(ending) else None

    return hook


def partly(ending: str, status: int, body: dict[str, Any]) -> Hook:
    """Answer calls whose path ends so with an error for each input."""

    def hook(_: str, path: str, sent: Any) -> tuple[int, Any] | None:
        if not path.endswith(ending):
            return None
        errors = [
            {**body, "context": {"objectWriteTraceId": [one["objectWriteTraceId"]]}}
            for one in sent["inputs"]
        ]
        return status, {
            "status": "COMPLETE",
            "results": [],
            "numErrors": len(errors),
            "errors": errors,
        }

    return hook


SHAPES = {
    "whole, no message": (refusing, (BARE,), "v3"),
    "whole, with a message": (refusing, (TOPPED,), "v3"),
    "whole, dated version": (refusing, (BARE,), "2026-03"),
    "207": (partly, (207, BARE), "v3"),
    "207 with a message": (partly, (207, TOPPED), "2026-03"),
    "200 with errors": (partly, (200, BARE), "2026-03"),
}


@pytest.mark.matrix(keep=4)
@pytest.mark.parametrize(("make", "about", "api"), SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("many", [1, 3])
def test_a_refused_record_says_what_hubspot_says_inside_its_error(
    build: Callable[..., World], make: Any, about: tuple[Any, ...], api: str, many: int
) -> None:
    """On the terminal, in the audit log and in its export, whatever the shape of the answer."""
    world = build(proxy=Proxy, api=api)
    plan = world.plan(*(order(f"O{n}", hs_tags="a") for n in range(many)))
    world.proxy.hook = make("/batch/upsert", *about)

    report = world.apply(plan)

    assert set(statuses(report).values()) == {"failed"}
    for text in (*messages(report).values(), shown(report), *logged(world)):
        assert REASON in text
        assert "no reason given" not in text


def test_a_refused_update_and_archive_say_it_too(watched: World) -> None:
    """A single record is patched; an archive has no traces."""
    watched.converge(order("O", hs_tags="a"), order("P", hs_tags="a"))
    gone = order("P", lifecycle={"state": "absent"})
    plan = watched.plan(order("O", hs_tags="b"), gone)

    def hook(method: str, path: str, _: object) -> tuple[int, Any] | None:
        return (400, BARE) if method == "PATCH" or path.endswith("/archive") else None

    watched.proxy.hook = hook
    said = messages(watched.apply(plan))
    assert REASON in said["order/O"]
    assert REASON in said["order/P"]


def test_a_refused_association_says_it_too(watched: World) -> None:
    """The order is there, and its report quotes why its association is not."""
    plan = watched.plan(order("O", associations={"company": [{"id": "501"}]}))
    watched.proxy.hook = refusing("/orders/companies/batch/create", BARE)
    said = messages(watched.apply(plan))["order/O"]
    assert said.startswith("not associated with ")
    assert REASON in said


def test_a_plan_that_cannot_read_says_it_on_the_terminal(watched: World) -> None:
    """Escaped, with a number for what is left out."""
    errors = [{**MISSING, "message": f"bad {n}\x1b[31m\nerror: fake"} for n in range(12)]
    watched.proxy.hook = refusing("/orders/batch/read", {**BARE, "errors": errors})
    with pytest.raises(HubSpotError) as caught:
        watched.plan(order("O", hs_tags="a"))
    text = format_error(caught.value)
    assert "hs_tags: bad 0" in text
    assert "and 7 more" in text
    assert "\x1b" not in text
    assert not any(line.startswith("error: fake") for line in text.splitlines())


def normalized(raw: str, name: str = "due") -> dict[str, Any]:
    """The warning that 2026-09 gives of a value that it rewrote (reference §18)."""
    context = {"rawValue": raw, "normalizedValue": "2026-01-02", "propertyName": name}
    return {"category": "PROPERTY_VALUE_NORMALIZED", "context": context, "message": "normalized"}


def warn(warning: dict[str, Any]) -> Callable[[str, str, Any], Any]:
    """Put a warning beside every record that a write answers with."""

    def edit(method: str, path: str, answer: Any) -> Any:
        if path.endswith(("/batch/upsert", "/batch/update", "/batch/create")):
            for one in answer.get("results", ()):
                one["warnings"] = [warning]
        elif method == "PATCH":
            answer["warnings"] = [warning]
        return answer

    return edit


@pytest.mark.parametrize("many", [1, 3])
def test_warnings_are_reported_and_logged_and_the_record_is_done(watched: World, many: int) -> None:
    """Of one property once, with the number of records; in the log of each record."""
    keys = [f"O{n}" for n in range(many)]
    for due, verb in (("2026-01-02", "created"), ("2026-01-03", "updated")):
        plan = watched.plan(*(order(key, due=due) for key in keys))
        watched.proxy.edit = warn(normalized("1/2/2026"))

        report = watched.apply(plan)
        watched.proxy.edit = None

        assert report.complete
        text = shown(report)
        assert f"order{'s' if many > 1 else ''} {verb}" in text
        more = f" and {many - 1} more" if many > 1 else ""
        assert (
            "due: normalized (PROPERTY_VALUE_NORMALIZED) "
            f"[rawValue: 1/2/2026, normalizedValue: 2026-01-02]  (order/O0{more})"
        ) in text
        log, exported = logged(watched)
        assert "HubSpot warned: due: normalized" in log
        assert "due: normalized" in exported
    records = [one for entry in all_entries(AuditLog(watched.store)) for one in entry.records]
    kinds = [detail.topic for one in records for detail in one.details]
    assert kinds.count(Topic.WARNING) == 2 * many


def test_a_warning_about_a_personal_value_is_shown_without_it(watched: World) -> None:
    """As every personal value is where the output may be read by others."""
    plan = watched.plan(order("O", hs_shipping_address_city="Porto"))
    watched.proxy.edit = warn(normalized("PORTO", "hs_shipping_address_city"))
    report = watched.apply(plan)
    assert "PORTO" in shown(report)
    assert "hs_shipping_address_city" in shown(report, personal=False)
    assert "PORTO" not in shown(report, personal=False)
    entries = list(all_entries(AuditLog(watched.store)))
    lines = [
        line.text()
        for entry in entries
        for record in entry.records
        for line in record_lines(record, personal=False)
    ]
    cells = [str(row) for row in rows(entries, personal=False)]
    assert "PORTO" not in "\n".join(lines + cells)
    assert "HubSpot warned about hs_shipping_address_city" in "\n".join(lines)
