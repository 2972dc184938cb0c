"""The models of reconcile.yaml. Values are text; paths are resolved against its folder."""

import os
import re
from collections.abc import Mapping, Sized
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
)

from reconcile.manifests.files import PROJECT_FILE
from reconcile.manifests.paths import display_path, escaping_link, resolve_links
from reconcile.model.identity import Identity, UniqueProperty, identity_from
from reconcile.model.kinds import kinds
from reconcile.model.loopback import LOOPBACK
from reconcile.model.manage import ALL, Manage
from reconcile.model.policy import LIMITED
from reconcile.model.records import Location
from reconcile.model.values import nearest

AT_LEAST = 20
"""The smallest limit that a share of the managed records can come to."""

RATE_LIMIT = 190
"""Requests per 10 seconds: HubSpot's limit for a service key of a Professional account."""

TOKEN_FIELDS = ("token", "token_read", "token_write")

_LAST_PORT = 65535
"""A larger number would wrap around to another program's port, which would get the token."""

_LONGEST_PATH = 200
"""Bytes: less than the limit of any file system for one name."""

Drift = Mapping[str, Mapping[str, Location]]
"""The properties whose drift is put back, by kind, each with its place in the project file."""

_Sized = TypeVar("_Sized", bound=Sized)

_HUBSPOT = re.compile(r"https://api(-[a-z]{2}[0-9])?\.hubapi\.com")
_LOOPBACK = re.compile(
    rf"https?://(?:{'|'.join(map(re.escape, LOOPBACK))})(?::([1-9][0-9]{{0,4}}))?"
)
_VARIABLE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
_BUCKET = re.compile(r"(s3|gs|az)://[A-Za-z0-9._/-]+")
_TARGET = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_SWITCHES = ("create", "archive")
_PROPERTY = re.compile(r"[a-z][a-z0-9_]{0,99}")


def _count(value: object) -> int:
    if not (isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value)):
        raise ValueError("must be a whole number")
    return int(value)


def _number(value: object) -> int:
    number = _count(value)
    if number == 0:
        raise ValueError("must be more than 0")
    return number


def _flag(value: object) -> bool:
    if value not in ("true", "false"):
        raise ValueError("must be true or false")
    return value == "true"


def _limit(value: object) -> int | str:
    if isinstance(value, str) and re.fullmatch(r"[1-9][0-9]?%|100%", value):
        return value
    try:
        return _count(value)
    except ValueError:
        raise ValueError("must be a whole number, or a share from 1% to 100%") from None


def _reverts(value: object, info: ValidationInfo) -> Drift:
    """Return the properties whose drift is put back, with their places."""
    if not isinstance(value, dict) or not all(isinstance(one, dict) for one in value.values()):
        raise ValueError("must be like {order: {hs_tags: revert}}")
    if unknown := sorted(value.keys() - kinds().keys()):
        raise ValueError(f"names {unknown[0]!r}, which is not a kind{nearest(unknown[0], kinds())}")
    for properties in value.values():
        for name, what in properties.items():
            if not _PROPERTY.fullmatch(name):
                raise ValueError(f"names {name!r}, which is not a property name")
            if what != "revert":
                raise ValueError(f"must set {name} to `revert`; what is not named is left alone")
    context: Any = info.context
    places: Mapping[tuple[str, str], Location] = context["places"]
    return {kind: {name: places[kind, name] for name in names} for kind, names in value.items()}


def _manage(value: object) -> Manage:
    if not isinstance(value, dict) or not value:
        raise ValueError("must be like {order: [hs_tags, contact], create: false, archive: false}")
    known = [*kinds(), *_SWITCHES]
    names: dict[str, frozenset[str] | None] = {}
    switches: dict[str, bool] = {}
    for word, given in value.items():
        if word in _SWITCHES:
            if given not in ("true", "false"):
                raise ValueError(f"must set {word} to true or false")
            switches[word] = given == "true"
        elif word in kinds():
            names[word] = _writable(word, given)
        else:
            raise ValueError(
                f"names {word!r}, which is not a kind, create or archive{nearest(word, known)}"
            )
    return Manage(
        MappingProxyType(names),
        creates=switches.get("create", False),
        archives=switches.get("archive", False),
    )


def _writable(kind: str, given: object) -> frozenset[str] | None:
    """Return the properties and associations of a kind that may be written, None for all."""
    if given == ALL:
        return None
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise ValueError(f"must set {kind} to a list of names, or to {ALL}")
    for name in given:
        if not _PROPERTY.fullmatch(name):
            raise ValueError(f"names {name!r} for {kind}, which is not a property name")
    return frozenset(given)


def _folder(info: ValidationInfo) -> Path:
    context: Any = info.context
    folder: Path = context["folder"]
    return folder


def _text_of_path(value: object) -> str:
    text = str(value) if isinstance(value, str | Path) else ""
    too_long = len(text.encode("utf-8", "replace")) > _LONGEST_PATH
    if not text.strip() or not text.isprintable() or too_long:
        raise ValueError("must be a path")
    return text


def _manifest_path(value: object, info: ValidationInfo) -> Path:
    """Return a path of manifests; in a commit it is what it is called, whatever is on disk."""
    context: Any = info.context
    if not context["committed"]:
        return _inner_path(value, info)
    folder = _folder(info)
    path = Path(os.path.normpath(folder / _text_of_path(value)))
    if not path.is_relative_to(folder):
        raise ValueError(f"must stay inside the folder of {PROJECT_FILE}")
    return path


def _inner_path(value: object, info: ValidationInfo) -> Path:
    """Return a path that is in the project's folder after resolving all symbolic links."""
    text, folder = _text_of_path(value), _folder(info)
    if link := escaping_link(folder / text, folder):
        raise ValueError(
            f"must stay inside the folder of {PROJECT_FILE}: {display_path(link)} is a link to "
            f"{display_path(resolve_links(link))}"
        )
    path = resolve_links(folder / text)
    if not path.is_relative_to(folder):
        raise ValueError(f"must stay inside the folder of {PROJECT_FILE}")
    return path


def _sandbox(value: object) -> object:
    if value == "true":
        return {}
    if isinstance(value, dict):
        return value
    raise ValueError("must be true or {seed: FILE}; leave it out for a real account")


def variable_of(text: str) -> str:
    """Return the NAME of ``${env:NAME}``, or an empty string."""
    found = _VARIABLE.fullmatch(text)
    return found[1] if found else ""


def is_hubspot(url: str) -> bool:
    """Return whether a URL is one of HubSpot's hosts."""
    return bool(_HUBSPOT.fullmatch(url))


def _url(value: str) -> str:
    loopback = _LOOPBACK.fullmatch(value)
    if loopback and int(loopback[1] or 1) > _LAST_PORT:
        raise ValueError(f"must have a port from 1 to {_LAST_PORT}")
    if not (loopback or is_hubspot(value)):
        raise ValueError(
            "must be https://api.hubapi.com, a regional host like https://api-eu1.hubapi.com, "
            "or this machine, like http://127.0.0.1:8080, and nothing more"
        )
    return value


def _variable(value: object) -> str:
    found = _VARIABLE.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError("must be ${env:NAME}: tokens belong in the environment, never in a file")
    return found[1]


def allowed_in_project_file(url: str) -> bool:
    """Return whether the project file may hold a store's URL: of a bucket, or a variable."""
    return bool(_BUCKET.fullmatch(url) or _VARIABLE.fullmatch(url))


def _store(value: object) -> str:
    text = value if isinstance(value, str) else ""
    if not allowed_in_project_file(text):
        raise ValueError(
            "must be s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX, or ${env:NAME} "
            "with one of these or a postgresql:// URL in the environment: passwords belong there, "
            "never in a file"
        )
    return text


def _target_name(value: str) -> str:
    if not _TARGET.fullmatch(value):
        raise ValueError(
            "must consist of a-z, 0-9, - and _, at most 64 characters: it also names a folder"
        )
    return value


def _kind_name(value: str) -> str:
    if value not in kinds():
        raise ValueError(f"is not a kind{nearest(value, kinds())}")
    return value


def _identity(value: object) -> Identity:
    how, colon, name = value.partition(":") if isinstance(value, str) else ("", "", "")
    found = identity_from(how, name)
    if found is not None and (_PROPERTY.fullmatch(name) if colon else not found.name):
        return found
    raise ValueError('must be "id", "unique:PROPERTY" or, for line items, "within_parent:PROPERTY"')


def _with_all_kinds(value: Mapping[str, Identity]) -> Mapping[str, Identity]:
    for kind, identity in value.items():
        if identity.sibling_property and kinds()[kind].is_unit:
            raise ValueError(f"{kinds()[kind].plural} have no parent to be identified within")
    return MappingProxyType({kind: value.get(kind, UniqueProperty()) for kind in kinds()})


def _not_empty(value: _Sized) -> _Sized:
    if not value:
        raise ValueError("must not be empty")
    return value


_Limit = Annotated[int | str, PlainValidator(_limit)]
_Number = Annotated[int, PlainValidator(_number)]
_InnerPath = Annotated[Path, PlainValidator(_inner_path)]
_ManifestPath = Annotated[Path, PlainValidator(_manifest_path)]
_Variable = Annotated[str, PlainValidator(_variable)]
_Identities = Mapping[
    Annotated[str, AfterValidator(_kind_name)], Annotated[Identity, PlainValidator(_identity)]
]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SandboxSettings(_Model):
    """The embedded sandbox: with the records of ``seed`` in it, or empty."""

    seed: _InnerPath | None = None


class TargetSettings(_Model):
    """One HubSpot account, or a sandbox. Tokens are names of environment variables.

    ``rate_limit`` is in requests per 10 seconds; None is no limit. ``stamp`` says whether adopted
    records get their key in HubSpot; without it only the state knows them. ``manage`` says what may
    be written.
    """

    sandbox: Annotated[SandboxSettings | None, BeforeValidator(_sandbox)] = None
    portal: _Number | None = None
    token: _Variable | None = None
    token_read: _Variable | None = None
    token_write: _Variable | None = None
    url: Annotated[str, AfterValidator(_url)] = "https://api.hubapi.com"
    api: Literal["v3", "2026-03"] = "v3"
    rate_limit: _Number | None = None
    stamp: Annotated[bool, PlainValidator(_flag)] = True
    manage: Annotated[Manage, PlainValidator(_manage)] = Manage()
    identity: Annotated[_Identities, AfterValidator(_with_all_kinds)] = Field(
        default_factory=dict, validate_default=True
    )


class Limits(_Model):
    """The most records that a plan may archive, create or update: a number, or a share.

    A share is of the managed records of each kind, and at least ``AT_LEAST``.
    """

    archive: _Limit | None = None
    create: _Limit | None = None
    update: _Limit | None = None

    def limits(self, managed: Mapping[str, int]) -> Mapping[tuple[str, str], int]:
        """Return the limits by action and kind, ``""`` for all kinds.

        ``managed`` has the number of managed records of each kind.
        """
        found: dict[tuple[str, str], int] = {}
        for name in LIMITED:
            limit = getattr(self, name)
            if isinstance(limit, str):
                share = int(limit.removesuffix("%"))
                for kind in kinds():
                    found[name, kind] = max(AT_LEAST, managed.get(kind, 0) * share // 100)
            elif limit is not None:
                found[name, ""] = limit
        return found


class ProjectFile(_Model):
    """reconcile.yaml as a whole."""

    version: Literal["1"]
    targets: Annotated[
        Mapping[Annotated[str, AfterValidator(_target_name)], TargetSettings],
        AfterValidator(_not_empty),
    ]
    manifests: Annotated[tuple[_ManifestPath, ...], AfterValidator(_not_empty)]
    target: str | None = None
    state: _InnerPath | None = None
    store: Annotated[str, PlainValidator(_store)] = ""
    limits: Limits = Limits()
    drift: Annotated[Drift, PlainValidator(_reverts)] = Field(default_factory=dict)
