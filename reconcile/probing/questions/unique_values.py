"""Questions about unique properties: what is equal, what stays reserved (reference §5-§7)."""

from collections.abc import Callable
from unicodedata import normalize

from reconcile.hubspot.types import Refused, Written
from reconcile.probing.findings import Found, NotMade, Unclear
from reconcile.probing.lab import DEFINED, MARK, Lab
from reconcile.probing.needs import to_define, to_write
from reconcile.probing.question import Question
from reconcile.probing.raw_calls import READS

CREATION_KEY = "hs_unique_creation_key"
MOST_UNIQUE = 10
"""Unique properties that an object may have (reference §3)."""


def _archived(lab: Lab) -> Found:
    key, value = lab.key("orders"), lab.unique_text()
    first = lab.make("orders", {key: value})
    lab.archive("orders", first)
    answer = lab.try_create("orders", {key: value})
    if isinstance(answer, Written):
        return Found("revived" if answer.id == first else "free", "a create was accepted")
    _clash(answer)
    seen = lab.upsert("orders", key, {value: {}}, echo=True)
    if any(result.id == first for result in seen.results):
        return Found("revived", "a create was refused, an upsert brought the record back")
    if seen.results:
        raise Unclear(f"a create was refused, an upsert made another record: {seen.shape()}")
    return Found("reserved", "a create and an upsert were refused")


def _compared(change: Callable[[str], str], same: str) -> Callable[[Lab], Found]:
    """Return a question's ``ask``: does a value equal its change? An equal value must conflict."""

    def ask(lab: Lab) -> Found:
        key, value = lab.key("orders"), f"{lab.unique_text()}-é"
        lab.make("orders", {key: value})
        _clash(lab.try_create("orders", {key: value}))
        answer = lab.try_create("orders", {key: change(value)})
        if isinstance(answer, Refused):
            _clash(answer)
            return Found(same)
        stored = lab.read_visible("orders", answer.id, [key]).properties.get(key)
        if stored == change(value):
            return Found("distinct")
        raise Unclear(f"accepted, but it reads back as {stored!r}")

    return ask


def _clash(answer: Written | Refused) -> None:
    """Raise Unclear unless a create was refused because its unique value is in use."""
    if isinstance(answer, Written):
        raise Unclear("a unique value was written twice and not refused")
    words = ("already has that value", "UNIQUE_VALUE", "unique value")
    if not answer.ids and not any(word in answer.message for word in words):
        raise Unclear(f"refused, but not because the value is in use: {answer.message}")


def _clash_shape(lab: Lab) -> Found:
    key, value = lab.key("orders"), lab.unique_text()
    first = lab.make("orders", {key: value})
    seen = lab.create_raw("orders", {key: value})
    if seen.ok:
        raise Unclear("a unique value was written twice and not refused")
    if seen.status != 400:
        return Found("other-status", seen.summary())
    if "errorTokens" in seen.body or "errorType" in seen.body:
        return Found("tokens", seen.shape())
    named = f"{first} already has that value" in seen.message
    return Found("message" if named else "unnamed", seen.shape())


def _echo(lab: Lab) -> Found:
    key, value = lab.key("orders"), lab.unique_text()
    echoed = {}
    for when, properties in (("creating", {}), ("updating", {MARK: value})):
        seen = lab.upsert("orders", key, {value: properties}, echo=False)
        if not seen.ok or len(seen.results) != 1:
            raise Unclear(seen.summary() if not seen.ok else seen.shape())
        echoed[when] = key in seen.results[0].properties
    on = " and ".join(when for when, shown in echoed.items() if shown)
    return Found("echoed", f"on {on}") if on else Found("hidden")


def _creation_key(object_: str) -> Callable[[Lab], Found]:
    def ask(lab: Lab) -> Found:
        definition = lab.call("GET", lab.routes.property(object_, CREATION_KEY))
        if definition.status == 404:
            return Found("undefined")
        value = lab.unique_text()
        seen = lab.create_raw(object_, {CREATION_KEY: value})
        if seen.status == 400:
            return Found("read-only", seen.summary())
        if not seen.ok:
            raise Unclear(seen.summary())
        stored = lab.read_visible(object_, seen.id, [CREATION_KEY]).properties.get(CREATION_KEY)
        return Found("writable" if stored == value else "dropped", f"HTTP {seen.status}")

    return ask


def _on_line_items(lab: Lab) -> Found:
    try:
        key = lab.key("line_items")
    except NotMade as refused:
        lab.spend(3)
        found = lab.hubspot.definitions.properties("line_items").items()
        own = [name for name, one in found if one.unique and not name.startswith("hs_")]
        if len(own) >= MOST_UNIQUE:
            raise Unclear(f"line items have {len(own)} unique properties already") from None
        return Found("no", str(refused))
    definition = lab.call("GET", lab.routes.property("line_items", key))
    if definition.body.get("hasUniqueValue") is not True:
        return Found("no", "the property was made, but not as a unique one")
    value = lab.unique_text()
    lab.make("line_items", {key: value})
    _clash(lab.try_create("line_items", {key: value}))
    return Found("yes")


def _creation_key_question(object_: str) -> Question:
    said = object_.replace("_", " ")
    return Question(
        id=f"creation-key-{object_.replace('_', '-')}",
        section="§17.5",
        words=f"Can {CREATION_KEY} be written on {said}?",
        expected="read-only",
        answers={
            "read-only": f"{CREATION_KEY} of {said} is refused as read-only",
            "writable": f"{CREATION_KEY} of {said} can be written",
            "dropped": f"{CREATION_KEY} of {said} is accepted and not stored",
            "undefined": f"{said} have no {CREATION_KEY}",
        },
        ask=_creation_key(object_),
        calls=2 + READS,
        needs=to_write(object_),
        rows=("hs-unique-creation-key-is-read-only",),
    )


QUESTIONS = (
    Question(
        id="archived-unique-value",
        section="§17.2",
        words="Can the unique value of an archived record be used again?",
        expected="free",
        answers={
            "free": "the unique value of an archived record may be used again",
            "reserved": "the unique value of an archived record stays taken",
            "revived": "using the unique value of an archived record brings it back",
        },
        switch="archived_unique_value",
        settings={
            "free": "free",
            "reserved": "reserved",
            "revived": "revives",
        },
        ask=_archived,
        calls=DEFINED + 4 + READS,
        needs=to_define("orders"),
        rows=(
            "archived-frees-its-unique-value",
            "archived-reserves-its-unique-value-with-the-switch",
            "archived-comes-back-with-the-switch",
        ),
    ),
    Question(
        id="unique-value-case",
        section="§17.3",
        words="Are two unique values that differ in case the same?",
        expected="distinct",
        answers={
            "distinct": "unique values that differ in case are two",
            "folded": "unique values that differ in case are one",
        },
        switch="unique_values_case_folded",
        settings={
            "distinct": False,
            "folded": True,
        },
        ask=_compared(str.upper, "folded"),
        calls=DEFINED + 3 + READS,
        needs=to_define("orders"),
        rows=("unique-values-differ-by-case", "unique-values-folded-with-the-switches"),
    ),
    Question(
        id="unique-value-spaces",
        section="§17.3",
        words="Are two unique values that differ in outer spaces the same?",
        expected="distinct",
        answers={
            "distinct": "unique values that differ in outer spaces are two",
            "trimmed": "unique values that differ in outer spaces are one",
        },
        switch="unique_values_trimmed",
        settings={
            "distinct": False,
            "trimmed": True,
        },
        ask=_compared(lambda value: f" {value} ", "trimmed"),
        calls=DEFINED + 3 + READS,
        needs=to_define("orders"),
        rows=("unique-values-differ-by-case", "unique-values-folded-with-the-switches"),
    ),
    Question(
        id="unique-value-unicode",
        section="§17.3",
        words="Are two unique values that differ in Unicode form the same?",
        expected="distinct",
        answers={
            "distinct": "unique values that differ in Unicode form are two",
            "normalised": "unique values that differ in Unicode form are one",
        },
        switch="unique_values_normalised",
        settings={
            "distinct": False,
            "normalised": True,
        },
        ask=_compared(lambda value: normalize("NFD", value), "normalised"),
        calls=DEFINED + 3 + READS,
        needs=to_define("orders"),
        rows=("unique-values-differ-by-unicode-form", "unique-values-normalised-with-the-switch"),
    ),
    Question(
        id="unique-clash-shape",
        section="§5",
        words="How does a clash of unique values name the record that has the value?",
        expected="message",
        answers={
            "message": "a unique clash is a 400 that names the owner in its message",
            "tokens": "a unique clash carries errorType or errorTokens too",
            "unnamed": "a unique clash is a 400 whose message does not name the owner",
            "other-status": "a unique clash is not a 400",
        },
        switch="unique_conflict_has_tokens",
        settings={
            "message": False,
            "tokens": True,
        },
        ask=_clash_shape,
        calls=DEFINED + 2,
        needs=to_define("orders"),
        rows=("unique-clash-is-400-and-names-the-owner", "unique-clash-tokens-with-the-switch"),
    ),
    Question(
        id="key-echo",
        section="§1",
        words="Does an upsert's answer show a key that was not among the properties?",
        expected="hidden",
        answers={
            "hidden": "an upsert does not show a key that was not among the properties",
            "echoed": "an upsert shows its key although it was not among the properties",
        },
        ask=_echo,
        calls=DEFINED + 2,
        needs=to_define("orders"),
        rows=("upsert-tells-new-and-hides-the-key",),
    ),
    _creation_key_question("orders"),
    _creation_key_question("carts"),
    _creation_key_question("line_items"),
    Question(
        id="line-item-unique-property",
        section="§6",
        words="Can line items have unique properties?",
        expected="yes",
        answers={
            "yes": "line items may have unique properties",
            "no": "line items cannot have unique properties",
        },
        switch="line_items_may_have_unique_properties",
        settings={
            "yes": True,
            "no": False,
        },
        ask=_on_line_items,
        calls=DEFINED + 4,
        needs=to_define("line_items"),
        rows=("line-item-key-with-the-switch-off", "line-item-upsert"),
    ),
)
