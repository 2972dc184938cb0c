"""Questions about values: how they read back, what clears or appends (reference §6, §12)."""

from collections.abc import Callable, Mapping
from typing import Any

from reconcile.probing.findings import Found, Unclear
from reconcile.probing.lab import DEFINED, MARK, Lab
from reconcile.probing.needs import to_define, to_write
from reconcile.probing.question import Question, Setting
from reconcile.probing.raw_calls import READS
from reconcile.probing.raw_response import RawResponse

TEXT, NUMBER = "hs_tags", "hs_tax"
MOMENT = "2025-08-10T00:00:00"
_ABSENT = object()

ReadChanged = Callable[[Lab, str, RawResponse, str], Mapping[str, Any]]
"""Reads a changed order, given its id, the response to the change, and the change's mark."""


def _number(lab: Lab) -> Found:
    order = lab.make("orders", {"hs_total_price": "10.50"})
    value = lab.read_visible("orders", order, ["hs_total_price"]).properties.get("hs_total_price")
    match value:
        case "10.5":
            return Found("canonical")
        case "10.50":
            return Found("as_sent")
        case _:
            raise Unclear(f"10.50 reads back as {value!r}")


def _milliseconds(lab: Lab) -> Found:
    name = "hs_external_created_date"
    order = lab.make("orders", {name: f"{MOMENT}.000Z"})
    value = lab.read_visible("orders", order, [name]).properties.get(name)
    match value:
        case "2025-08-10T00:00:00Z":
            return Found("dropped")
        case "2025-08-10T00:00:00.000Z":
            return Found("kept")
        case "1754784000000":
            return Found("epoch")
        case _:
            raise Unclear(f"{MOMENT}.000Z reads back as {value!r}")


def _cleared(read: ReadChanged) -> Callable[[Lab], Found]:
    def ask(lab: Lab) -> Found:
        order = lab.make("orders", {TEXT: "probe", NUMBER: "5"})
        seen, mark = lab.change(order, {TEXT: "", NUMBER: ""})
        if not seen.ok:
            raise Unclear(f"clearing was refused: {seen.summary()}")
        properties = read(lab, order, seen, mark)
        text, number = (_emptiness(properties.get(name, _ABSENT)) for name in (TEXT, NUMBER))
        return Found(text) if text == number else Found("mixed", f"text {text}, number {number}")

    return ask


def _emptiness(value: object) -> str:
    if value is _ABSENT:
        return "absent"
    if value not in ("", None):
        raise Unclear("a cleared property still has its value")
    return "empty" if value == "" else "null"


def _by_answer(_lab: Lab, _id: str, seen: RawResponse, _mark: str) -> Mapping[str, Any]:
    return seen.properties


def _by_get(lab: Lab, id_: str, _seen: RawResponse, mark: str) -> Mapping[str, Any]:
    return lab.read_visible("orders", id_, [TEXT, NUMBER], mark).properties


def _by_batch(lab: Lab, id_: str, _seen: RawResponse, mark: str) -> Mapping[str, Any]:
    body = {"inputs": [{"id": id_}], "properties": [TEXT, NUMBER, MARK]}
    path = lab.routes.batch("orders", "read")
    return _ours(lab, lambda: lab.call("POST", path, body=body), id_, mark)


def _by_list(lab: Lab, id_: str, _seen: RawResponse, mark: str) -> Mapping[str, Any]:
    """Read the page that begins at our record: its cursor is an id (reference §1)."""
    params = {"after": id_, "limit": "1", "properties": f"{TEXT},{NUMBER},{MARK}"}
    path = lab.routes.objects("orders")
    return _ours(lab, lambda: lab.call("GET", path, params=params), id_, mark)


def _ours(lab: Lab, read: Callable[[], RawResponse], id_: str, mark: str) -> Mapping[str, Any]:
    def current(seen: RawResponse) -> list[Mapping[str, Any]]:
        found = [result.properties for result in seen.results if result.id == id_]
        return [properties for properties in found if properties.get(MARK) == mark]

    seen = lab.until(read, lambda seen: bool(current(seen)))
    if not current(seen):
        raise Unclear(f"HTTP {seen.status}, and the change of our record is not visible")
    return current(seen)[0]


def _null(lab: Lab) -> Found:
    order = lab.make("orders", {TEXT: "probe"})
    seen, mark = lab.change(order, {TEXT: None})
    if not seen.ok:
        return Found("refused", seen.summary())
    value = lab.read_visible("orders", order, [TEXT], mark).properties.get(TEXT)
    return Found("kept" if value == "probe" else "cleared")


def _semicolon(lab: Lab) -> Found:
    name = lab.choices("orders")
    order = lab.make("orders", {name: "a;b"})
    seen, mark = lab.change(order, {name: ";c"})
    if not seen.ok:
        return Found("refused", seen.summary())
    value = str(lab.read_visible("orders", order, [name], mark).properties.get(name) or "")
    match sorted(part for part in value.split(";") if part):
        case ["a", "b", "c"]:
            return Found("appends")
        case ["c"]:
            return Found("replaces")
        case _:
            raise Unclear(f"a;b and then ;c read back as {value!r}")


def _external_id(lab: Lab) -> Found:
    name = "hs_external_id"
    seen = lab.create_raw("line_items", {name: "5"})
    if seen.status == 400:
        return Found("refused", seen.summary())
    if not seen.ok:
        raise Unclear(seen.summary())
    echo = seen.properties.get(name)
    value = lab.read_visible("line_items", seen.id, [name]).properties.get(name)
    return Found("kept" if value else "dropped", f"written {echo!r}, read {value!r}")


_CLEARED: tuple[tuple[str, str, ReadChanged, int], ...] = (
    ("patch-answer", "the answer to the PATCH", _by_answer, 0),
    ("get", "a single read", _by_get, READS),
    ("batch-read", "a batch read", _by_batch, READS),
    ("list", "a list", _by_list, READS),
)


def _cleared_question(name: str, words: str, read: ReadChanged, reads: int) -> Question:
    # The response to the PATCH echoes what was sent: no switch of the sandbox changes that.
    settings: dict[str, Setting] = {"empty": "empty", "null": "null"} if reads else {}
    return Question(
        id=f"cleared-{name}",
        section="§17.7",
        words=f"What does {words} show for a cleared property?",
        expected="empty",
        answers={
            "empty": f'in {words} a cleared property is ""',
            "null": f"in {words} a cleared property is null",
            "absent": f"in {words} a cleared property is left out",
            "mixed": f"in {words} it depends on the property's type",
        },
        switch="cleared_reads_back",
        settings=settings,
        ask=_cleared(read),
        calls=2 + reads,
        needs=to_write("orders"),
        rows=("empty-text-clears", "cleared-reads-null-with-the-switch"),
    )


QUESTIONS = (
    Question(
        id="number-read-back",
        section="§17.6",
        words='Does "10.50" on an order read back as it was sent?',
        expected="canonical",
        answers={
            "canonical": '"10.50" on an order reads back as "10.5"',
            "as_sent": '"10.50" on an order reads back as it was sent',
        },
        switch="numbers_read_back",
        settings={
            "canonical": "canonical",
            "as_sent": "as_sent",
        },
        ask=_number,
        calls=1 + READS,
        needs=to_write("orders"),
        rows=("numbers-read-back-canonical", "numbers-read-back-as-sent-with-the-switch"),
    ),
    *(_cleared_question(*one) for one in _CLEARED),
    Question(
        id="null-clears",
        section="§12",
        words="Does null clear a property?",
        expected="kept",
        answers={
            "kept": "null in a PATCH is accepted and changes nothing",
            "cleared": "null in a PATCH clears the property",
            "refused": "null in a PATCH is refused",
        },
        ask=_null,
        calls=2 + READS,
        needs=to_write("orders"),
        rows=("null-does-not-clear",),
    ),
    Question(
        id="leading-semicolon",
        section="§12",
        words="Does a leading semicolon append to a multi-select?",
        expected="appends",
        answers={
            "appends": "a leading semicolon appends to a multi-select",
            "replaces": "a leading semicolon makes no difference: the set is replaced",
            "refused": "a leading semicolon is refused",
        },
        ask=_semicolon,
        calls=DEFINED + 2 + READS,
        needs=to_define("orders"),
        rows=("a-set-replaces-and-a-leading-semicolon-appends",),
    ),
    Question(
        id="zero-milliseconds",
        section="§12",
        words="Are the zero milliseconds of a datetime dropped?",
        expected="dropped",
        answers={
            "dropped": "zero milliseconds of a datetime are dropped",
            "kept": "zero milliseconds of a datetime are kept",
            "epoch": "a datetime reads back in epoch milliseconds",
        },
        ask=_milliseconds,
        calls=1 + READS,
        needs=to_write("orders"),
        rows=("datetimes-read-back-without-zero-milliseconds",),
    ),
    Question(
        id="line-item-external-id",
        section="§6",
        words="Is a line item's hs_external_id stored?",
        expected="dropped",
        answers={
            "dropped": "a line item's hs_external_id is accepted and dropped",
            "kept": "a line item's hs_external_id is stored",
            "refused": "a line item's hs_external_id is refused",
        },
        switch="line_item_external_id_is_dropped",
        settings={
            "dropped": True,
            "kept": False,
        },
        ask=_external_id,
        calls=1 + READS,
        needs=to_write("line_items"),
        rows=("line-item-external-id-is-dropped", "line-item-external-id-kept-with-the-switch"),
    ),
)
