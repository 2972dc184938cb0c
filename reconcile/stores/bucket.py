"""A bucket, or a part of one, on S3, Google Cloud Storage, Azure, or a compatible server.

The only module that uses obstore. Every write names the version it replaces, and the bucket refuses
it where the object has another one. Servers that only resemble S3 may ignore such conditions
silently, so a bucket is checked before the first write.

Each object begins with a random line, because the tags of S3 and Azure are digests of the content.
So the same content written again has another tag, and a write whose response was lost can be
recognised.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from secrets import token_hex
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

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
from reconcile.model.loopback import is_loopback
from reconcile.model.printable import clean
from reconcile.stores.clock_skew import clock_skew

if TYPE_CHECKING:
    from obstore import PutMode
    from obstore.store import ObjectStore

Given = TypeVar("Given")
Result = TypeVar("Result")

_MAX_EXCERPT = 300
"""Most characters of a server's error text that are shown."""

_PARALLEL = 8
_NO_BUCKET = re.compile(
    "NoSuchBucket|ContainerNotFound|specified (bucket|container) does not exist", re.IGNORECASE
)
_METADATA = re.compile(
    r"//(169\.254\.|metadata\.google\.)|/latest/(api/token|meta-data)|/metadata/identity/"
)
"""URLs of the services that give a cloud's own machines their credentials."""

_CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
    "gs": "GOOGLE_SERVICE_ACCOUNT",
}
_SECRET = re.compile(r"\?\S+")


@dataclass(frozen=True, slots=True)
class Found:
    """An object: its content, its version, and its modification time by the server's clock."""

    data: bytes
    version: str
    modified: datetime


class Bucket:
    """Objects under ``prefix`` (empty, or ending in ``/``).

    With ``generations`` the version of an object is the number that the server gives it (Google),
    otherwise its tag. All errors are raised as UsageError, without secrets.
    """

    def __init__(
        self, store: "ObjectStore", prefix: str, where: str, *, generations: bool = False
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._generations = generations
        self.where = where

    def get(self, name: str) -> Found | None:
        """Return an object, or None where there is none."""
        with self._explained():
            try:
                found = obstore.get(self._store, self._prefix + name)
                data = bytes(found.bytes())
            except FileNotFoundError as error:
                if _NO_BUCKET.search(str(error)):
                    raise
                return None
            version = self._version(found.meta)
            return Found(data.partition(b"\n")[2], version, found.meta["last_modified"])

    def put(self, name: str, data: bytes, expected: str | None) -> str | None:
        """Replace the object that has version ``expected``, or create it for None.

        Return the new version, or None, without writing, where the object has another one.
        """
        first_line = token_hex(16).encode()
        with self._explained():
            version = self._put(name, first_line + b"\n" + data, expected)
            if version is not None:
                return version
            # The response to a first attempt may have been lost: obstore's second met its result.
            try:
                found = obstore.get(self._store, self._prefix + name)
                ours = bytes(found.bytes()).startswith(first_line)
            except FileNotFoundError:
                return None
            return self._version(found.meta) if ours else None

    def delete(self, names: Sequence[str]) -> None:
        """Remove objects; ignore those that do not exist."""
        if not names:
            return
        paths = [self._prefix + name for name in names]
        with self._explained():
            try:
                obstore.delete(self._store, paths)
            except (FileNotFoundError, GenericError):
                # It ends at the first one that does not exist, and after a broken connection:
                # obstore repeats every call except one for many objects.
                for _ in in_parallel(self._delete_one, paths):
                    pass

    def _delete_one(self, path: str) -> None:
        with self._explained(), suppress(FileNotFoundError):
            obstore.delete(self._store, path)

    def folders(self, folder: str, after: str) -> Iterator[str]:
        """Yield the folders with objects right below a folder (empty, or ending in ``/``), sorted.

        Skip those that do not come after ``after``. The result does not end in ``/``.
        """
        with self._explained():
            found = obstore.list_with_delimiter(self._store, self._prefix + folder)
        inner = sorted(path[len(self._prefix) :] for path in found["common_prefixes"])
        return (name for name in inner if name > after and self._holds(f"{name}/"))

    def names(self, folder: str, after: str) -> list[str]:
        """Return the names of the objects below a folder that come after ``after``, sorted."""
        offset = self._prefix + max(folder, after)
        with self._explained():
            chunks = obstore.list(
                self._store, self._prefix + folder, offset=offset, chunk_size=1000
            )
            names = [entry["path"][len(self._prefix) :] for some in chunks for entry in some]
        # Azurite ignores the offset.
        return sorted(name for name in names if name > after)

    def all_names(self) -> Iterator[str]:
        """Yield the names of all objects, listing page by page."""
        with self._explained():
            for some in obstore.list(self._store, self._prefix, chunk_size=1000):
                yield from (entry["path"][len(self._prefix) :] for entry in some)

    def _holds(self, folder: str) -> bool:
        """Return whether a folder has an object. Some servers keep listing empty folders."""
        with self._explained():
            chunks = obstore.list(self._store, self._prefix + folder, chunk_size=1)
            return any(map(len, chunks))

    def now(self) -> datetime:
        """Return the server's time, from a temporary object."""
        name = f"probe-{token_hex(8)}"
        self.put(name, b"what time is it", None)
        with self._explained():
            modified = obstore.head(self._store, self._prefix + name)["last_modified"]
        self.delete([name])
        return modified

    def check_conditions(self) -> None:
        """Raise UsageError for a bucket that ignores the conditions of a write."""
        name = f"probe-{token_hex(8)}"
        with self._explained():
            first = self._put(name, b"1", None)
            again = self._put(name, b"2", None)
            second = self._put(name, b"3", first)
            stale = self._put(name, b"4", first)
        self.delete([name])
        if not (first and second and first != second and again is None and stale is None):
            raise UsageError(
                f"the store {self.where} cannot hold the state: its server ignores the conditions "
                "of a write, so two runs could overwrite each other",
                hint="use AWS S3, Google Cloud Storage, Azure, an S3 server that supports "
                "If-None-Match and If-Match, or PostgreSQL",
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
    def _explained(self) -> Iterator[None]:
        try:
            with watched(f"the store {self.where}"):
                yield
        except (PermissionDeniedError, UnauthenticatedError) as error:
            if skew := clock_skew(str(error)):
                raise _clock_error(self.where, skew) from None
            raise UsageError(
                f"the store {self.where} refused: {_excerpt(error)}",
                hint="check the credentials in the environment, and that they allow to read, list, "
                "write and delete there",
            ) from None
        except FileNotFoundError as error:
            raise UsageError(
                f"the store {self.where} was not found: {_excerpt(error)}",
                hint="create the bucket or container first",
            ) from None
        except BaseError as error:
            if skew := clock_skew(str(error)):
                raise _clock_error(self.where, skew) from None
            if _METADATA.search(str(error)):
                # Without credentials in the environment, obstore asks this machine's cloud.
                raise UsageError(
                    f"the store {self.where} cannot be used: the environment has no credentials "
                    "for it, and this machine has none of its own",
                    hint=f"set {_CREDENTIALS[self.where.partition(':')[0]]}; see `reconcile docs "
                    "stores`",
                ) from None
            words = _excerpt(error)
            hint = "check the store's address and the network, then try again"
            if "403 Forbidden" in words or "401 Unauthorized" in words:
                hint = "check the credentials in the environment, and what they allow"
            elif "builder error" in words:
                hint = "use https://; http:// works on this machine only, or with AWS_ALLOW_HTTP"
            raise UsageError(f"the store {self.where} cannot be used: {words}", hint=hint) from None


def in_parallel(work: Callable[[Given], Result], items: Iterable[Given]) -> Iterator[Result]:
    """Yield the results of calls in order, making several at a time."""
    left = iter(items)
    with ThreadPoolExecutor(_PARALLEL) as pool:
        while some := list(islice(left, 4 * _PARALLEL)):
            yield from pool.map(work, some)


def open_bucket(scheme: str, name: str, prefix: str, where: str) -> Bucket:
    """Return a bucket. Credentials, region and endpoint come from the environment alone.

    Raise UsageError where these do not fit together.
    """
    environ = os.environ
    http = any(
        _is_http_to_this_machine(value)
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
                # The last of several attempts begins before half of the limit is over.
                "timeout": timedelta(seconds=CALL_LIMIT / 2),
                "connect_timeout": timedelta(seconds=5),
            },
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=CALL_LIMIT / 2)},
        )
    except (BaseError, ValueError) as error:
        raise UsageError(
            f"the store {where} cannot be opened: {_excerpt(error)}",
            hint="its credentials come from the environment; see `reconcile docs stores`",
        ) from None
    return Bucket(store, prefix, where, generations=scheme == "gs")


def _is_http_to_this_machine(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "http" and is_loopback(parts.hostname)


def _clock_error(where: str, skew: str) -> UsageError:
    return UsageError(
        f"the store {where} refused a request because of its time: {skew}",
        hint="set this machine's clock (turn on NTP); the credentials may be right",
    )


def _excerpt(error: Exception) -> str:
    """Return a server's error text on one line, shortened, without query strings of URLs."""
    text = str(error).partition("Debug source")[0]
    code = re.search(r"<Code>(\w+)</Code>", text)
    text = text.partition("<?xml")[0] + (code[1] if code else "")
    return clean(_SECRET.sub("", text), _MAX_EXCERPT)
