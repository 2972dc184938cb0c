"""The sandbox's description of itself, OpenAPI 3.1, made from its one table of routes."""

from reconcile.sandbox.openapi.document import PATH, describe, routes

__all__ = ["PATH", "describe", "routes"]
