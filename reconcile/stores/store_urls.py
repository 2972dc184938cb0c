"""Open the store that a URL names."""

import os
import re
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from reconcile.errors import UsageError
from reconcile.stores.contract import Store
from reconcile.stores.local import LocalStore

BUCKETS = {"s3": "an S3 bucket", "gs": "a Google bucket", "az": "an Azure container"}

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,221}[a-z0-9]")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_FORMS = "file:FOLDER, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX, \
postgresql://USER@HOST/DATABASE"


def open_store(url: str, folder: Path) -> Store:
    """Return the store of the target whose folder on this machine is ``folder``.

    The folder has the target's name. Targets may share a URL: each has its own part there, by its
    name. An empty URL, or ``file:``, is the folder itself. Nothing is reached or created before
    the store is used.

    Raise UsageError for an invalid URL, or a store whose library is not installed. The message
    does not repeat the URL, since it may contain a password.
    """
    scheme, colon, rest = url.partition(":")
    if url == "" or (scheme == "file" and not rest):
        return LocalStore(folder)
    if scheme == "file":
        # Resolved: the same folder then has one name, however it is written, and that name still
        # works for whoever reads later where a state was moved to.
        return LocalStore(Path(os.path.realpath(_folder(rest) / folder.name)))
    if colon and scheme in BUCKETS:
        return _objects(scheme, url, folder.name)
    if colon and scheme in {"postgresql", "postgres"}:
        return _postgres(url, folder.name)
    raise UsageError("the store's URL has an unknown scheme", hint=f"use one of {_FORMS}")


def is_local(url: str) -> bool:
    """Return whether a store's URL names a folder of this machine."""
    return url == "" or url.startswith("file:")


def _folder(rest: str) -> Path:
    if rest.startswith("//") and not rest.startswith("///"):
        raise UsageError(
            "the store's file: URL names a host",
            hint="write file:FOLDER or file:///FOLDER",
        )
    return Path(rest.removeprefix("//"))


def _objects(scheme: str, url: str, target: str) -> Store:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    inner = [part for part in parts.path.split("/") if part]
    if (
        parts.query
        or parts.fragment
        or not _BUCKET.fullmatch(parts.netloc)
        or not all(map(_PART.fullmatch, inner))
    ):
        raise UsageError(
            f"the store's URL must be {scheme}://, the name of {BUCKETS[scheme]}, and a path",
            hint="a name has 3 or more characters, of a-z, 0-9, '.', '_' and '-'; credentials, "
            "region and endpoint belong in environment variables",
        )
    _require("obstore", "objects")
    from reconcile.stores.bucket import open_bucket  # noqa: PLC0415  (an optional library)
    from reconcile.stores.objects import ObjectStore  # noqa: PLC0415  (likewise)

    prefix = "/".join([*inner, target]) + "/"
    where = f"{scheme}://{parts.netloc}/{prefix.rstrip('/')}"
    return ObjectStore(open_bucket(scheme, parts.netloc, prefix, where))


def _postgres(url: str, target: str) -> Store:
    _require("psycopg", "postgres")
    from reconcile.stores.postgres import PostgresStore  # noqa: PLC0415  (an optional library)

    return PostgresStore(url, target)


def _require(library: str, extra: str) -> None:
    if find_spec(library) is None:
        raise UsageError(
            f"this store needs {library}, which is not installed",
            hint=f"install reconcile with its extra `{extra}`; in a clone of it: "
            f"pip install '.[{extra}]'",
        )
