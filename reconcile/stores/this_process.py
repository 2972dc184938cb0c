"""Who runs this process, as locks and the audit log name it."""

import getpass
import os
import socket


def local_user() -> str:
    """Return the user and the machine."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def lock_holder() -> str:
    """Return the user, the machine and the process, as the lock names its holder."""
    return f"{local_user()} (process {os.getpid()})"
