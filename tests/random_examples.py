"""How many random examples Hypothesis tries, and whether they are the same ones every time.

The profile ``fixed`` is the default. ``explore`` tries twenty times as many, new ones in every run:
``python3 tests/run.py --hypothesis-profile explore -k manifests``.
"""

from typing import Any

from hypothesis import settings

_USUAL = 100


def register_profiles() -> None:
    """Register both profiles, and choose the fixed one unless the command line names another."""
    settings.register_profile(
        "fixed", max_examples=_USUAL, derandomize=True, database=None, deadline=None
    )
    settings.register_profile(
        "explore", max_examples=20 * _USUAL, derandomize=False, print_blob=True, deadline=None
    )
    settings.load_profile("fixed")


def examples(many: int, **others: Any) -> settings:
    """Return settings for so many examples, or as many times more as the profile has them."""
    return settings(max_examples=many * settings().max_examples // _USUAL, **others)
