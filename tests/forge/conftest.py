"""A forge, with a repository in which all is on that the gate relies on."""

from collections.abc import Iterator

import pytest

from tests.forge.guarded import guard
from tests.forge.server import Forge


@pytest.fixture
def forge() -> Iterator[Forge]:
    """A forge of the test's own."""
    with Forge() as forge:
        guard(forge.repository)
        yield forge
