"""Refusals that are answers: the record does not exist, or the token may not read that."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from reconcile.errors import AuthError, HubSpotError, RateLimited, Unreachable
from reconcile.hubspot.error_bodies import ABSENT

Given = ParamSpec("Given")
Result = TypeVar("Result")


def none_if(
    answers: Callable[[HubSpotError], bool],
    call: Callable[Given, Result],
    *args: Given.args,
    **options: Given.kwargs,
) -> Result | None:
    """Return the result of a call, or None if it is refused with an error that ``answers``."""
    try:
        return call(*args, **options)
    except HubSpotError as error:
        if answers(error):
            return None
        raise


def is_absence(error: HubSpotError) -> bool:
    """Return whether an error says that a record does not exist."""
    return error.status == 404 and error.category == ABSENT


def is_not_found(error: HubSpotError) -> bool:
    """Return whether an error says that there is nothing at a path."""
    return error.status == 404


def is_plain_refusal(error: HubSpotError) -> bool:
    """Return whether HubSpot refused this call alone, and would not refuse others for a while."""
    return 400 <= error.status < 500 and not isinstance(error, RateLimited | Unreachable)


def is_forbidden(error: HubSpotError) -> bool:
    """Return whether the token lacks a scope for this call."""
    return isinstance(error, AuthError) and error.status == 403
