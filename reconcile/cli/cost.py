"""The estimated cost of an apply, as `plan` and `apply` print it."""

from reconcile.model.plan import Plan
from reconcile.planning.cost import calls, seconds
from reconcile.render.phrasing import duration, plural
from reconcile.session import Session


def estimate(made: Plan, limit: int | None = None) -> str:
    """Return about how many calls and how much time an apply needs; empty if it changes nothing.

    ``limit`` is the rate limit in calls in 10 seconds, if it is known.
    """
    if made.idle or made.empty:
        return ""
    number = calls(made)
    time = duration(seconds(number, limit))
    return f"Applying this takes about {plural(number, 'call')}, {time}"


def cost(session: Session, made: Plan) -> str:
    """Return the time and calls that an apply needs, in a sentence; empty if it changes nothing."""
    says = estimate(made, session.settings.target.rate_limit)
    if not says:
        return ""
    number = calls(made)
    usage = session.hubspot.definitions.usage()
    if usage is None or not usage.limit:
        return f"{says}."
    left = max(0, usage.limit - usage.used)
    short = f"; only {left:,} are left" if number > left else ""
    return f"{says}, {100 * number / usage.limit:.2g} % of today's {usage.limit:,}{short}."
