"""Recognise a bucket's refusal that is about the clock, though it looks like bad credentials."""

import re

_SKEWED = re.compile(
    r"RequestTimeTooSkewed|RequestExpired|Signature expired|Signature not yet current"
    r"|Request date header too old",
    re.IGNORECASE,
)
"""The codes of S3 (RequestTimeTooSkewed, RequestExpired), AWS STS's words, and Azure's detail."""

_SENT = re.compile(r"<RequestTime>([0-9TZ:.+-]{1,40})</RequestTime>")
_THERE = re.compile(r"<ServerTime>([0-9TZ:.+-]{1,40})</ServerTime>")


def clock_skew(text: str) -> str:
    """Return what a server's error says about the two clocks, or ``""`` where it is not about them.

    S3 gives both times; others only refuse.
    """
    if not _SKEWED.search(text):
        return ""
    sent, there = _SENT.search(text), _THERE.search(text)
    if sent and there:
        return (
            f"this machine's clock says {sent[1]}, the server's {there[1]}, and they differ by "
            "more than it allows"
        )
    return "this machine's clock and the server's differ by more than it allows"
