"""The estimated cost of an apply, as `plan` and `apply` print it."""

from reconcile.model.plan import Plan
from reconcile.planning.cost import calls, seconds
from reconcile.render.phrasing import duration, plural
from reconcile.session import Session


def cost(session: Session, made: Plan) -> str:
    """Return the time and calls that an apply needs, in a sentence; empty if it changes nothing."""
    if made.idle or made.empty:
        return ""
    number = calls(made)
    limit = session.settings.target.rate_limit
    estimate = (
        f"Applying this takes about {plural(number, 'call')}, {duration(seconds(number, limit))}"
    )
    usage = session.hubspot.definitions.usage()
    if usage is None or not usage.limit:
        return f"{estimate}."
    left = max(0, usage.limit - usage.used)
    short = f"; only {left:,} are left" if number > left else ""
    return f"{estimate}, {100 * number / usage.limit:.2g} % of today's {usage.limit:,}{short}."
