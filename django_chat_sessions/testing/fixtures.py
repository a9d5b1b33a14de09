"""Fixtures for pytest: ``pytest_plugins = ["django_chat_sessions.testing.fixtures"]``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django_chat_sessions.testing import FrozenClock, ScriptedResponder

# Imported late: pytest loads plugins before Django is set up.


@pytest.fixture
def chat_clock() -> Iterator[FrozenClock]:
    """The package's clock, standing still until the test moves it."""
    from django_chat_sessions.testing import frozen_clock  # noqa: PLC0415

    with frozen_clock() as frozen:
        yield frozen


@pytest.fixture
def chat_answers() -> Iterator[ScriptedResponder]:
    """A responder that repeats each question, within the call that asks."""
    from django_chat_sessions.testing import answering  # noqa: PLC0415

    with answering() as responder:
        yield responder
