"""``/_sandbox``: the clock, the counted calls, the faults; for tests in any language."""

import math

from reconcile.sandbox.api_errors import NOT_FOUND, ApiError, invalid
from reconcile.sandbox.clock import Clock
from reconcile.sandbox.faults.fault_rules import Faults, parse
from reconcile.sandbox.rules.api_call import Call, Endpoint, Reply
from reconcile.sandbox.rules.rate_limits import Limits
from reconcile.sandbox.server.inspection_routes import PREFIX
from reconcile.sandbox.wire_format import iso, record_id


def routes(clock: Clock, limits: Limits, faults: Faults) -> list[Endpoint]:
    """Return the routes that read and change the clock, the counts and the faults."""

    def read_clock(_: Call) -> Reply:
        return Reply(200, {"now": iso(clock.now_ms())})

    def advance(call: Call) -> Reply:
        seconds = _seconds(call.json.get("advance"))
        try:
            return Reply(200, {"now": iso(clock.advance(seconds))})
        except ValueError as error:
            raise invalid(str(error)) from None

    def read_limits(_: Call) -> Reply:
        return Reply(200, limits.shown(clock.now_ms()))

    def clear_limits(_: Call) -> Reply:
        limits.clear()
        return Reply(204)

    def read_faults(_: Call) -> Reply:
        return Reply(200, {"results": faults.shown()})

    def add_faults(call: Call) -> Reply:
        """Add the rule in the body, or all its ``rules``; ``seed`` restarts the random numbers."""
        body = dict(call.json)
        seed = body.pop("seed", None)
        if seed is not None and not isinstance(seed, int):
            raise invalid("seed must be a whole number")
        rules = body.pop("rules", None)
        if rules is None:
            rules = [body] if body else []
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            raise invalid("rules must be a list of objects")
        try:
            parsed = [parse(rule) for rule in rules]
        except ValueError as error:
            raise invalid(f"not a rule: {error}") from None
        if seed is not None:
            faults.seed(seed)
        numbers = [faults.add_rule(fault, when) for fault, when in parsed]
        return Reply(201, {"numbers": numbers})

    def clear_faults(_: Call) -> Reply:
        faults.clear()
        return Reply(204)

    def remove_fault(call: Call) -> Reply:
        number = record_id(call.params["number"])
        if number is None or not faults.remove(number):
            raise ApiError(404, "this rule does not exist", category=NOT_FOUND)
        return Reply(204)

    return [
        Endpoint("GET", f"{PREFIX}/clock", read_clock),
        Endpoint("POST", f"{PREFIX}/clock", advance),
        Endpoint("GET", f"{PREFIX}/limits", read_limits),
        Endpoint("DELETE", f"{PREFIX}/limits", clear_limits),
        Endpoint("GET", f"{PREFIX}/faults", read_faults),
        Endpoint("POST", f"{PREFIX}/faults", add_faults),
        Endpoint("DELETE", f"{PREFIX}/faults", clear_faults),
        Endpoint("DELETE", f"{PREFIX}/faults/{{number}}", remove_fault),
    ]


def _seconds(value: object) -> float:
    """Parse a number; fractions arrive as the text that was sent (see ``wire_format.decode``)."""
    try:
        seconds = float(value) if isinstance(value, int | str) else math.nan
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise invalid("advance must be a number of seconds")
    return seconds
