"""How much one owner may ask for: what can be said, and what cannot."""

from __future__ import annotations

from typing import Any

import pytest

from django_chat_sessions.limits import Limits


def test_unless_told_otherwise() -> None:
    assert vars(Limits()) == {
        "message_length": 20_000,
        "messages_per_minute": 30,
        "replies_at_once": 4,
    }


@pytest.mark.parametrize("name", ["messages_per_minute", "replies_at_once"])
def test_none_is_no_limit(name: str) -> None:
    given: dict[str, Any] = {name: None}
    assert vars(Limits(**given))[name] is None


@pytest.mark.parametrize("name", ["message_length", "messages_per_minute", "replies_at_once"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "30"])
def test_what_is_no_number_above_0_is_refused_at_once(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value!r}; give a whole number above 0"):
        Limits(**{name: value})


def test_a_message_has_some_length_at_most() -> None:
    without: Any = None
    with pytest.raises(ValueError, match="message_length is None"):
        Limits(message_length=without)
