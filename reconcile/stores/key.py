"""The key of the state's hashes. It stays outside any shared store, so that a leaked state tells
nothing about order data.
"""

import os
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from secrets import token_bytes

from reconcile.errors import UsageError

VARIABLE = "RECONCILE_STATE_KEY"
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
        return blake2b(text.encode(), digest_size=32).digest()
    try:
        return (home / "key").read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"the key file {home / 'key'} cannot be read: {error.strerror}") from error


def make_key(home: Path) -> bytes:
    """Make the key file of a local store, mode 0600."""
    key = token_bytes(32)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(home / "key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return key
