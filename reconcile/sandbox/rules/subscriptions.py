"""What HubSpot's subscriptions allow, by the names `sandbox serve --plan` takes (ref §3, H)."""

from collections.abc import Mapping
from dataclasses import dataclass

FREE_DAILY = 250_000
"""The daily limit that the usage endpoint reports if nothing is limited."""


@dataclass(frozen=True)
class Plan:
    """What a subscription allows; a limit that is None does not exist."""

    window: int | None
    daily: int | None
    association_window: int | None
    association_daily: int | None


UNLIMITED_WINDOW = 1_000_000
"""The limit of ten seconds in headers if nothing is limited: more than anybody can send."""

NO_PLAN = Plan(None, None, None, None)
PLANS: Mapping[str, Plan] = {
    "starter": Plan(100, 250_000, 100, 500_000),
    "pro": Plan(190, 625_000, 150, 500_000),
    "enterprise": Plan(190, 1_000_000, 150, 500_000),
    "addon": Plan(250, 1_625_000, 200, 1_000_000),
    "pro+addon": Plan(250, 1_625_000, 200, 1_000_000),
    "enterprise+addon": Plan(250, 2_000_000, 200, 1_000_000),
    "oauth": Plan(110, None, 110, None),  # a public app: no daily header is sent to it
}
