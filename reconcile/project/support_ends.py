"""Until when HubSpot supports what a target uses, and where its tokens come from (reference §18).

"Unsupported" means no fixes; HubSpot has not said that anything is switched off on these days.
"""

SERVICE_KEYS = "Development > Keys > Service keys"
"""Where in HubSpot a token is made. New legacy private apps cannot be made since 2026-10-26."""

_SUPPORT = {
    "v3": "HubSpot supports /crm/v4, which v3 uses for associations, until 2027-03-30, and v1 to "
    "v3 until September 2027; change to a dated version: `api: 2026-03`",
    "2026-03": "HubSpot supports a dated version for 18 months: 2026-03 until about September 2027",
}


def support(api: str) -> str:
    """Return until when HubSpot supports the paths of an API version; empty where unknown."""
    return _SUPPORT.get(api, "")
