"""How old a record's re-check may be when the write that relies on it is sent.

HubSpot has no If-Match (reference §6), so an edit between the two is overwritten. A write whose
re-check is too old is not sent; its record is read once more.
"""

from dataclasses import dataclass, field

MAX_AGE = 1.0
"""Maximum seconds from the last reply of a re-check to the sending of its write."""


class Stale(Exception):
    """A write was not sent because the re-check that it relies on is too old."""


@dataclass(slots=True)
class Tries:
    """The attempts of a call, and the time after which it is not retried.

    ``repeated`` says that an earlier attempt may already have been carried out.
    """

    attempts: int = 0
    give_up: float | None = None
    repeated: bool = False


@dataclass(slots=True)
class WriteFreshness:
    """How fresh the re-check of a write is. ``read_at`` is the time of the re-check's last reply.

    The write is not sent on its first re-check if that is too old. After any later re-check it is
    sent once at any age, so a slow account cannot cause endless re-checks. ``late`` says that it
    was sent on a re-check that was too old, or more than once: the records' property history then
    shows what it overwrote.
    """

    read_at: float
    tries: Tries = field(default_factory=Tries)
    late: bool = False
    _sent: int = 0
    _at_any_age: bool = False

    def check(self, now: float) -> None:
        """Raise Stale if the write must not be sent on its last re-check."""
        if now - self.read_at > MAX_AGE and not self._at_any_age:
            raise Stale

    def sending(self, now: float) -> None:
        """Record that the write is being sent."""
        self.late = self.late or now - self.read_at > MAX_AGE or self._sent > 0
        self._sent += 1
        self._at_any_age = False

    def sent_before(self, now: float) -> None:
        """Record that what is being sent may have left at any time until now."""
        self.late = self.late or (self._sent > 0 and now - self.read_at > MAX_AGE)

    def rechecked(self, moment: float) -> None:
        """Rely on another re-check, whose last reply came at this moment."""
        self.read_at = moment
        self._at_any_age = True
