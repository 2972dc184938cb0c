"""Requests in plain words: what a method and a path ask for."""

import re

from reconcile.sandbox.object_types import infer_object_type

_DATED = r"[0-9]{4}-[0-9]{2}(?:-beta)?"
_OBJECTS = rf"/crm/(?:v3/objects|objects/{_DATED})/(?P<a>[^/]+)"
_PAIRS = rf"/crm/(?:v[34]/associations|associations/(?:v4|{_DATED}))/(?P<a>[^/]+)/(?P<b>[^/]+)"
_LINKS = (
    rf"/crm/(?:v[34]/objects|objects/{_DATED})/(?P<a>[^/]+)/[^/]+/associations"
    r"(?:/default)?/(?P<b>[^/]+)"
)
_PROPERTIES = rf"/crm/(?:v3/properties|properties/{_DATED})/(?P<a>[^/]+)"
_PIPELINES = rf"/crm/(?:v3/pipelines|pipelines/{_DATED})/(?P<a>[^/]+)"
_ONE = r"/[^/]+"

_SENTENCES = [
    (method, re.compile(path), sentence)
    for method, path, sentence in (
        ("POST", rf"{_OBJECTS}/batch/create", "create {n_a}"),
        ("POST", rf"{_OBJECTS}/batch/read", "read {n_a}"),
        ("POST", rf"{_OBJECTS}/batch/update", "update {n_a}"),
        ("POST", rf"{_OBJECTS}/batch/upsert", "create or update {n_a}"),
        ("POST", rf"{_OBJECTS}/batch/archive", "archive {n_a}"),
        ("POST", rf"{_OBJECTS}/search", "search {a}"),
        ("POST", rf"{_OBJECTS}/merge", "merge two {a}"),
        ("GET", _OBJECTS, "list {a}"),
        ("POST", _OBJECTS, "create one {one_a}"),
        ("GET", rf"{_OBJECTS}{_ONE}", "read one {one_a}"),
        ("PATCH", rf"{_OBJECTS}{_ONE}", "update one {one_a}"),
        ("DELETE", rf"{_OBJECTS}{_ONE}", "archive one {one_a}"),
        ("POST", rf"{_PAIRS}/batch/read", "read the {b} of {n_a}"),
        ("POST", rf"{_PAIRS}/batch/(?:create|associate/default)", "link {n_a} with {b}"),
        ("POST", rf"{_PAIRS}/batch/archive", "unlink {n_a} from {b}"),
        ("POST", rf"{_PAIRS}/batch/labels/archive", "remove labels of {n} links, {a} to {b}"),
        ("GET", rf"{_PAIRS}/(?:labels|types)", "list link types, {a} to {b}"),
        ("POST", rf"{_PAIRS}/labels", "define a label, {a} to {b}"),
        ("GET", _LINKS, "list the {b} of one {one_a}"),
        ("PUT", rf"{_LINKS}{_ONE}(?:{_ONE})?", "link one {one_a} with one {one_b}"),
        ("DELETE", rf"{_LINKS}{_ONE}(?:{_ONE})?", "unlink one {one_a} from one {one_b}"),
        ("GET", rf"{_PROPERTIES}/groups", "list the property groups of {a}"),
        ("GET", _PROPERTIES, "list the properties of {a}"),
        ("POST", _PROPERTIES, "define a property of {a}"),
        ("GET", rf"{_PROPERTIES}{_ONE}", "read a property of {a}"),
        ("PATCH", rf"{_PROPERTIES}{_ONE}", "change a property of {a}"),
        ("DELETE", rf"{_PROPERTIES}{_ONE}", "archive a property of {a}"),
        ("GET", _PIPELINES, "list the pipelines of {a}"),
        ("GET", r"/account-info/[^/]+/details", "read the account's details"),
        ("GET", r"/account-info/[^/]+/api-usage/.*", "read how many calls are left"),
        ("POST", r"/oauth/.*(?:token-info|introspect)", "read what the token may do"),
        ("GET", r"/crm/(?:v3/)?owners.*", "read owners"),
    )
]


def describe(method: str, path: str, inputs: int) -> str:
    """Return a request in plain words, or an empty text if it is not known."""
    for wanted, pattern, sentence in _SENTENCES:
        match = pattern.fullmatch(path) if wanted == method else None
        if match is not None:
            names = {"a": "", "b": "", **match.groupdict()}
            text = sentence.format(
                a=_name(names["a"]),
                b=_name(names["b"]),
                one_a=_name(names["a"], one=True),
                one_b=_name(names["b"], one=True),
                n=inputs,
                n_a=f"{inputs} {_name(names['a'], one=inputs == 1)}",
            )
            return text[:1].upper() + text[1:]
    return ""


def status_words(status: int) -> str:
    """Return how a request ended, in words for those who do not know the number."""
    if status == 0:
        return "no answer"
    if status == 207:
        return "in part"
    if status == 429:
        return "too many"
    if status < 400:
        return "done"
    return "refused" if status < 500 else "failed"


def tone(status: int) -> str:
    """Return the style of a status; the page never relies on colour alone."""
    if status in {207, 429}:
        return "warn"
    return "good" if 0 < status < 400 else "bad"


def _name(text: str, *, one: bool = False) -> str:
    kind = infer_object_type(text)
    if kind is None:
        return text
    return (kind.singular if one else kind.plural).replace("_", " ")
