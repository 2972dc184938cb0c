"""The key of the state's hashes.

It is kept outside any shared store, so that a leaked state reveals nothing about order data.
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


def find_key(folder: Path, environ: Mapping[str, str]) -> bytes | None:
    """Return the key from the environment, else from the key file in ``folder``, else None.

    Raise UsageError for a key that is too short, or a key file that is damaged.
    """
    text = environ.get(VARIABLE, "")
    if text:
        if len(text) < MIN_LENGTH:
            raise UsageError(f"{VARIABLE} is too short: give it at least {MIN_LENGTH} characters")
        return blake2b(text.encode(), digest_size=LENGTH).digest()
    file = folder / "key"
    refuse_links(folder, file)
    try:
        key = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"the key file {file} cannot be read: {error.strerror}") from error
    if len(key) != LENGTH:
        raise UsageError(
            f"the key file {file} is damaged",
            hint="restore it from a backup, or remove it: reasons are then unknown until the next "
            "apply, and nothing else is lost",
        )
    return key


def make_key(folder: Path) -> bytes:
    """Make the key file of a target's folder, mode 0600, and return the key.

    Raise FileExistsError where there is one, and UsageError where it cannot be written.
    """
    key, file = token_bytes(LENGTH), folder / "key"
    refuse_links(folder, file)
    if file.exists():
        raise FileExistsError(file)
    with usable(folder):
        make_state_folder(folder)
        replace_file(file, key)
    return key
