"""When HubSpot ends support of an API version, and where tokens are created (reference §18).

"Unsupported" means no fixes; HubSpot has not announced that anything stops working on these days.
"""

SERVICE_KEYS = "Development > Keys > Service keys"
"""Where tokens are created in HubSpot. Legacy private apps cannot be created since 2026-10-26."""

_SUPPORT = {
    "v3": "HubSpot supports /crm/v4, which v3 uses for associations, until 2027-03-30, and v1 to "
    "v3 until September 2027; change to a dated version: `api: 2026-03`",
    "2026-03": "HubSpot supports a dated version for 18 months: 2026-03 until about September 2027",
}


def support(api: str) -> str:
    """Return until when HubSpot supports the paths of an API version; empty where unknown."""
    return _SUPPORT.get(api, "")
