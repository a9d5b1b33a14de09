"""Random stories: whatever is asked for in whatever order, the package does as the model does."""

from __future__ import annotations

import pytest

from tests.model import runs

# Signals and hand-overs come after a real commit.
pytestmark = pytest.mark.django_db(transaction=True)

SEED = 6


@pytest.mark.parametrize(("name", "stories"), [("services", 4), ("http", 3)])
def test_the_package_does_as_the_model_does(name: str, stories: int) -> None:
    with runs.site(name) as machine:
        runs.tell(machine, stories, SEED, steps=20)
        assert len(machine.ran) > 10  # the stories were told
