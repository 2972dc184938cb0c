"""Keep a HubSpot account's orders, line items and carts exactly as a repository declares them."""

__version__ = "0.1.0"
