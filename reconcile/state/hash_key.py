"""The key of the state's hashes. It stays outside any shared store, so that a leaked state tells
nothing about order data.
"""

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from secrets import token_bytes

from reconcile.errors import UsageError
from reconcile.stores.state_folder import make_state_folder, refuse_links, replace_file, usable

VARIABLE = "RECONCILE_STATE_KEY"
LENGTH = 32
MIN_LENGTH = 16
"""Fewest characters a key from the environment may have."""


def find_key(home: Path, environ: Mapping[str, str]) -> bytes | None:
    """The key from the environment, else from the key file of a local store, else None.

    Raises UsageError for a key too short to hide anything.
    """
    text = environ.get(VARIABLE, "")
    if text:
        if len(text) < MIN_LENGTH:
            raise UsageError(f"{VARIABLE} is too short: give it at least {MIN_LENGTH} characters")
        return blake2b(text.encode(), digest_size=LENGTH).digest()
    file = home / "key"
    refuse_links(home, file)
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
    """Make the key file of a local store, mode 0600.

    Raises FileExistsError where there is one, and UsageError where it cannot be written.
    """
    key, file = token_bytes(LENGTH), home / "key"
    refuse_links(home, file)
    if file.exists():
        raise FileExistsError(file)
    with usable(home):
        make_state_folder(home)
        replace_file(file, key)
    return key
