"""The contract: every row of facts/*.yaml, asked over a real socket."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from reconcile.sandbox import Sandbox, Switches

FILES = sorted(Path(__file__).with_name("facts").glob("*.yaml"))
FACTS = [fact for file in FILES for fact in yaml.safe_load(file.read_text())]
REQUIRED = {"id", "fact", "source", "confidence", "request", "status", "expect"}
OPTIONAL = {"switches", "setup", "then", "switch", "no_switch"}


def filled(value: Any, saved: dict[str, str]) -> Any:
    """Put saved values in the place of ``$names``."""
    text = json.dumps(value)
    for name in sorted(saved, key=len, reverse=True):
        text = text.replace(f"${name}", saved[name])
    return json.loads(text)


def found(body: Any, path: str) -> Iterator[Any]:
    """Yield what is at a dotted path; ``*`` goes through every item."""
    head, _, rest = path.partition(".")
    if not head:
        yield body
    elif head == "*":
        for item in body:
            yield from found(item, rest)
    elif isinstance(body, list):
        yield from found(body[int(head)], rest)
    elif isinstance(body, dict) and head in body:
        yield from found(body[head], rest)


def agrees(value: Any, wanted: Any) -> bool:
    """Compare a value with what a row expects."""
    match wanted:
        case {"match": pattern, **rest} if not rest:
            return isinstance(value, str) and re.search(pattern, value) is not None
        case {"count": number, **rest} if not rest:
            return len(value) == number
        case {"set": items, **rest} if not rest:
            return sorted(map(json.dumps, value)) == sorted(map(json.dumps, items))
    return type(value) is type(wanted) and value == wanted


def ask(client: httpx.Client, step: dict[str, Any], saved: dict[str, str]) -> httpx.Response:
    """Send one call of a row."""
    method, path = filled(step["call"], saved).split(" ", 1)
    content = json.dumps(filled(step["body"], saved)) if "body" in step else None
    headers = {"Content-Type": "application/json"} if content is not None else {}
    headers |= filled(step.get("headers", {}), saved)
    return client.request(method, path, content=content, headers=headers)


def verify(response: httpx.Response, step: dict[str, Any], saved: dict[str, str]) -> None:
    """Check an answer against a row."""
    assert response.status_code == step["status"], response.text
    body = response.json() if response.content else None
    for path, raw in filled(step.get("expect") or {}, saved).items():
        values = list(found(body, path))
        if raw == {"absent": True}:
            assert values == [], f"{path} is there: {response.text}"
            continue
        assert values, f"{path} is not there: {response.text}"
        wanted = values if "*" not in path else [values]
        for value in wanted:
            assert agrees(value, raw), f"{path}: {value!r} is not {raw!r} in {response.text}"


@pytest.mark.parametrize("fact", FACTS, ids=[fact["id"] for fact in FACTS])
def test_fact(
    fact: dict[str, Any],
    start: Callable[[Switches], Sandbox],
    make_key: Callable[[httpx.Client, str], None],
) -> None:
    """The sandbox does what the row says."""
    switches = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in fact.get("switches", {}).items()
    }
    sandbox = start(Switches(**switches))
    saved = {"portal": str(sandbox.portal_id), "token": sandbox.token, "url": sandbox.url}
    auth = {"Authorization": f"Bearer {sandbox.token}"}
    with httpx.Client(base_url=sandbox.url, headers=auth) as client:
        for step in fact.get("setup", []):
            if "key" in step:
                make_key(client, step["key"])
                continue
            if "wait" in step:
                sandbox.clock.advance(step["wait"])
                continue
            if "token" in step:
                saved[step["token"]] = sandbox.add_token(step["scopes"])
                continue
            answer = ask(client, step, saved)
            assert answer.is_success, answer.text
            for name, path in step.get("save", {}).items():
                saved[name] = str(next(found(answer.json(), path)))
        request = {**fact["request"], "status": fact["status"], "expect": fact["expect"]}
        for step in [request, *fact.get("then", [])]:
            answer = ask(client, step, saved)
            verify(answer, step, saved)
            assert answer.headers["X-HubSpot-Correlation-Id"]
            for name, path in step.get("save", {}).items():
                saved[name] = str(next(found(answer.json(), path)))


def test_rows_are_complete() -> None:
    """Every fact has a name of its own, a source and a confidence."""
    ids = [fact["id"] for fact in FACTS]
    assert sorted(set(ids)) == sorted(ids)
    for fact in FACTS:
        assert fact.keys() >= REQUIRED, fact["id"]
        assert fact.keys() <= REQUIRED | OPTIONAL, fact["id"]
        assert fact["confidence"] in {"H", "M", "L"}, fact["id"]
        assert fact["source"].startswith(("ref §", "http", "gh ", "spec ")), fact["id"]


def test_doubtful_facts_have_a_switch() -> None:
    """A fact of low confidence names the switch whose default it shows, or says why it has none."""
    known = {field.name for field in fields(Switches)}
    for fact in FACTS:
        named = {*fact.get("switches", {}), fact.get("switch")} - {None}
        assert named <= known, fact["id"]
        assert fact["confidence"] != "L" or named or fact.get("no_switch"), fact["id"]


def test_every_switch_is_tried() -> None:
    """Each switch is set to something else by a row, or by another test of the sandbox."""
    rows = {name for fact in FACTS for name in fact.get("switches", {})}
    modules = Path(__file__).parent.glob("test_*.py")
    code = "".join(path.read_text() for path in modules if path != Path(__file__))
    for field in fields(Switches):
        assert field.name in rows or f"{field.name}=" in code, field.name


def test_every_section_has_rows() -> None:
    """Sections 1 to 13 of the reference are each the source of some row."""
    cited = {
        int(number)
        for fact in FACTS
        for reference in re.findall(r"ref (§[^;\[(]*)", fact["source"])
        for number in re.findall(r"§(\d+)", reference)
    }
    assert set(range(1, 14)) <= cited
