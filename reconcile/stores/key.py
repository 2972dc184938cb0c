"""The key of the state's hashes. It stays outside any shared store, so that a leaked state tells
nothing about order data.
"""

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from secrets import token_bytes

from reconcile.errors import UsageError
from reconcile.stores.files import make_folder, replace_file

VARIABLE = "RECONCILE_STATE_KEY"
LENGTH = 32
SHORTEST = 16
"""Fewest characters a key from the environment may have."""


def find_key(home: Path, environ: Mapping[str, str]) -> bytes | None:
    """The key from the environment, else from the key file of a local store, else None.

    Raises UsageError for a key too short to hide anything.
    """
    text = environ.get(VARIABLE, "")
    if text:
        if len(text) < SHORTEST:
            raise UsageError(f"{VARIABLE} is too short: give it at least {SHORTEST} characters")
        return blake2b(text.encode(), digest_size=LENGTH).digest()
    file = home / "key"
    try:
        key = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"the key file {file} cannot be read: {error.strerror}") from error
    if len(key) != LENGTH:
        raise UsageError(
            f"the key file {file} is damaged",
            hint="bring it back from a backup, or remove it: then reasons are unknown until the "
            "next apply, and nothing else is lost",
        )
    return key


def make_key(home: Path) -> bytes:
    """Make the key file of a local store, mode 0600. Raises FileExistsError where there is one."""
    key = token_bytes(LENGTH)
    make_folder(home)
    if (home / "key").exists():
        raise FileExistsError(home / "key")
    replace_file(home / "key", key)
    return key
