"""The access token, kept out of output."""

import re
from typing import NoReturn

from reconcile.errors import UsageError

_TEXT = re.compile(r"[\x21-\x7e]+")


class Token:
    """An access token. Prints as ``***`` and cannot be pickled or copied."""

    __slots__ = ("_text",)

    def __init__(self, text: str, *, origin: str = "the token") -> None:
        if not _TEXT.fullmatch(text):
            message = f"{origin} does not hold a token: a token is printable ASCII without spaces"
            raise UsageError(
                message, hint="check for spaces or a line break that was copied with it"
            )
        self._text = text

    def __repr__(self) -> str:
        return "***"

    def reveal(self) -> str:
        """Return the text. Use it for the request's header only."""
        return self._text

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a token is not to be stored")
