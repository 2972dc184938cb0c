"""A bucket, or a part of one, on S3, Google Cloud Storage, Azure, or what speaks like them.

The only module that knows obstore. Every write names what it replaces, and the bucket refuses it
where that has moved. Servers that only resemble S3 may ignore such conditions without a word, so a
bucket is tried before it is trusted with the first write.

Each object begins with a line of its own that no other write has, since S3's and Azure's tags are
digests of the content: so the same content written again has another tag, and a write whose answer
was lost is known again.
"""

import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    GenericError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import AzureStore, GCSStore, S3Store

from reconcile.call_watchdog import CALL_LIMIT, watched
from reconcile.errors import UsageError
from reconcile.stores.clock_skew import clock_skew

if TYPE_CHECKING:
    from obstore import PutMode
    from obstore.store import ObjectStore

_LONGEST = 300
"""Longest piece of a server's own words that is shown."""

_PARALLEL = 8
_NO_BUCKET = re.compile(
    "NoSuchBucket|ContainerNotFound|specified (bucket|container) does not exist", re.IGNORECASE
)
_SECRET = re.compile(r"\?\S+")
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?/?")


@dataclass(frozen=True, slots=True)
class Found:
    """An object: its content, the version to replace, and when the server says it was written."""

    data: bytes
    version: str
    modified: datetime


class Bucket:
    """Objects under ``prefix`` (empty, or ending in ``/``).

    ``generations`` says that the server counts versions and its conditions are on that count
    (Google); elsewhere they are on tags. Raises UsageError, in our words and without secrets, for
    all that goes wrong.
    """

    def __init__(
        self, store: "ObjectStore", prefix: str, where: str, *, generations: bool = False
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._generations = generations
        self.where = where

    def get(self, name: str) -> Found | None:
        """An object, or None where there is none."""
        with self._told():
            try:
                found = obstore.get(self._store, self._prefix + name)
                data = bytes(found.bytes())
            except FileNotFoundError as error:
                if _NO_BUCKET.search(str(error)):
                    raise
                return None
            version = self._version(found.meta)
            return Found(data.partition(b"\n")[2], version, found.meta["last_modified"])

    def get_all(self, names: Sequence[str]) -> Iterator[tuple[str, Found | None]]:
        """Many objects in order, several at a time."""
        with ThreadPoolExecutor(_PARALLEL) as pool:
            for begin in range(0, len(names), 10 * _PARALLEL):
                some = names[begin : begin + 10 * _PARALLEL]
                yield from zip(some, pool.map(self.get, some), strict=True)

    def put(self, name: str, data: bytes, expected: str | None) -> str | None:
        """Replace the object that has a version (None: there is none); its new version.

        None where that is not what is there; nothing is written then.
        """
        mark = token_hex(16).encode()
        with self._told():
            version = self._put(name, mark + b"\n" + data, expected)
            if version is not None:
                return version
            # The answer of a first try may have been lost, and the second met what that wrote.
            try:
                found = obstore.get(self._store, self._prefix + name)
                ours = bytes(found.bytes()).startswith(mark)
            except FileNotFoundError:
                return None
            return self._version(found.meta) if ours else None

    def delete(self, names: Sequence[str]) -> None:
        """Remove objects; those that are not there do not matter."""
        paths = [self._prefix + name for name in names]
        with self._told(), suppress(FileNotFoundError):
            try:
                obstore.delete(self._store, paths)
            except GenericError:
                # obstore repeats every call but one for many objects, where the connection broke.
                obstore.delete(self._store, paths)

    def inside(self, folder: str) -> tuple[list[str], list[str]]:
        """The names right under a folder (empty, or ending in ``/``): folders, and objects."""
        with self._told():
            found = obstore.list_with_delimiter(self._store, self._prefix + folder)
        folders = [path[len(self._prefix) :] + "/" for path in found["common_prefixes"]]
        return folders, [entry["path"][len(self._prefix) :] for entry in found["objects"]]

    def after(self, folder: str, last: str) -> list[str]:
        """The names of the objects under a folder that come after ``last``, sorted."""
        with self._told():
            chunks = obstore.list(
                self._store, self._prefix + folder, offset=self._prefix + last, chunk_size=1000
            )
            names = [entry["path"][len(self._prefix) :] for some in chunks for entry in some]
        # Azurite ignores the offset.
        return sorted(name for name in names if name > last)

    def everything(self) -> Iterator[str]:
        """The names of all objects, in pages as they are asked for."""
        with self._told():
            for some in obstore.list(self._store, self._prefix, chunk_size=1000):
                yield from (entry["path"][len(self._prefix) :] for entry in some)

    def holds(self, folder: str) -> bool:
        """Whether there is an object under a folder. Some servers go on listing empty ones."""
        with self._told():
            chunks = obstore.list(self._store, self._prefix + folder, chunk_size=1)
            return any(map(len, chunks))

    def now(self) -> datetime:
        """The server's time, from an object that is written for it and removed again."""
        name = f"probe-{token_hex(8)}"
        self.put(name, b"what time is it", None)
        with self._told():
            modified = obstore.head(self._store, self._prefix + name)["last_modified"]
        self.delete([name])
        return modified

    def check_conditions(self) -> None:
        """Raise UsageError for a bucket that does not hold to the conditions of a write."""
        name = f"probe-{token_hex(8)}"
        with self._told():
            first = self._put(name, b"1", None)
            again = self._put(name, b"2", None)
            second = self._put(name, b"3", first)
            stale = self._put(name, b"4", first)
        self.delete([name])
        if not (first and second and first != second and again is None and stale is None):
            raise UsageError(
                f"the store {self.where} cannot be trusted with the state: its server ignores "
                "the conditions of a write, so two runs could overwrite each other",
                hint="AWS S3, Google Cloud Storage, Azure and up-to-date S3 servers keep to "
                "If-None-Match and If-Match; use one of these, or PostgreSQL",
            )

    def _put(self, name: str, body: bytes, expected: str | None) -> str | None:
        mode: PutMode = "create"
        if expected is not None:
            mode = {"version": expected} if self._generations else {"e_tag": expected}
        try:
            done = obstore.put(
                self._store, self._prefix + name, body, mode=mode, use_multipart=False
            )
        except (AlreadyExistsError, PreconditionError):
            return None
        except FileNotFoundError as error:
            if expected is None or _NO_BUCKET.search(str(error)):
                raise
            return None
        return self._version(done)

    def _version(self, about: Any) -> str:
        return str(about["version" if self._generations else "e_tag"] or "")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            with watched(f"the store {self.where}"):
                yield
        except (PermissionDeniedError, UnauthenticatedError) as error:
            if skew := clock_skew(str(error)):
                raise _clock(self.where, skew) from None
            raise UsageError(
                f"the store {self.where} refused: {_words(error)}",
                hint="check the credentials in the environment, and that they may read, list, "
                "write and delete there",
            ) from None
        except FileNotFoundError as error:
            raise UsageError(
                f"the store {self.where} is not there: {_words(error)}",
                hint="make the bucket or container first",
            ) from None
        except BaseError as error:
            if skew := clock_skew(str(error)):
                raise _clock(self.where, skew) from None
            words = _words(error)
            hint = "check the store's address and the network, then try again"
            if "403 Forbidden" in words or "401 Unauthorized" in words:
                hint = "check the credentials in the environment, and what they may do there"
            elif "builder error" in words:
                hint = "an address with http:// works on this machine only, or with AWS_ALLOW_HTTP"
            raise UsageError(f"the store {self.where} cannot be used: {words}", hint=hint) from None


def open_bucket(scheme: str, name: str, prefix: str, where: str) -> Bucket:
    """A bucket by its address. Credentials, region and endpoint come from the environment alone.

    Raises UsageError where these make no sense together.
    """
    environ = os.environ
    http = any(
        _LOOPBACK.match(value)
        for variable, value in environ.items()
        if variable.upper().startswith(("AWS_ENDPOINT", "AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"))
    )
    allowed = any(
        environ.get(variable, "").lower() in {"true", "1"}
        for variable in ("AWS_ALLOW_HTTP", "AZURE_ALLOW_HTTP", "GOOGLE_ALLOW_HTTP")
    )
    maker = {"s3": S3Store, "gs": GCSStore, "az": AzureStore}[scheme]
    try:
        store = maker(
            name,
            client_options={
                "allow_http": http or allowed,
                # The last of several tries begins before the half of the limit is over.
                "timeout": timedelta(seconds=CALL_LIMIT / 2),
                "connect_timeout": timedelta(seconds=5),
            },
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=CALL_LIMIT / 2)},
        )
    except (BaseError, ValueError) as error:
        raise UsageError(
            f"the store {where} cannot be opened: {_words(error)}",
            hint="its credentials come from the environment; see `reconcile state push --help`",
        ) from None
    return Bucket(store, prefix, where, generations=scheme == "gs")


def _clock(where: str, skew: str) -> UsageError:
    return UsageError(
        f"the store {where} refused a request for its time: {skew}",
        hint="set this machine's clock (turn on NTP); the credentials may be right",
    )


def _words(error: Exception) -> str:
    """A server's words on one line, without what a URL can hold, and not all too many."""
    text = str(error).partition("Debug source")[0]
    code = re.search(r"<Code>(\w+)</Code>", text)
    text = text.partition("<?xml")[0] + (code[1] if code else "")
    text = _SECRET.sub("", " ".join(text.split()))
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " ..."
