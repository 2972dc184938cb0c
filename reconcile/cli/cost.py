"""What applying a plan takes, for `plan` and `apply` to say."""

from reconcile.model.plan import Plan
from reconcile.planning.cost import calls, seconds
from reconcile.render.phrasing import duration, plural
from reconcile.session import Session


def cost(session: Session, made: Plan) -> str:
    """What applying a plan takes of time and of today's calls, in a sentence; empty for nothing."""
    if made.empty:
        return ""
    number = calls(made)
    limit = session.settings.target.rate_limit
    told = f"Applying this takes about {plural(number, 'call')}, {duration(seconds(number, limit))}"
    usage = session.hubspot.usage()
    if usage is None or not usage.limit:
        return f"{told}."
    left = max(0, usage.limit - usage.used)
    short = f"; only {left:,} are left" if number > left else ""
    return f"{told}, {100 * number / usage.limit:.2g} % of today's {usage.limit:,}{short}."
