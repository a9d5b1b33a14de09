"""The addresses."""

from __future__ import annotations

import pytest
from django.urls import resolve, reverse

from django_chat_sessions.api import urls

ID = "0192f0c4-7a10-7c3e-8f6a-2b1d9c5e0a01"


@pytest.mark.parametrize(
    ("name", "arguments", "path"),
    [
        ("contract", [], "/chat/openapi.yaml"),
        ("messages", [], "/chat/messages"),
        ("sessions", [], "/chat/sessions"),
        ("current_session", [], "/chat/sessions/current"),
        ("session", [ID], f"/chat/sessions/{ID}"),
        ("transcript", [ID], f"/chat/sessions/{ID}/messages"),
        ("end_session", [ID], f"/chat/sessions/{ID}/end"),
        ("reopen_session", [ID], f"/chat/sessions/{ID}/reopen"),
        ("touch_session", [ID], f"/chat/sessions/{ID}/touch"),
        ("stop_reply", [ID], f"/chat/sessions/{ID}/stop"),
        ("retry_reply", [ID], f"/chat/sessions/{ID}/retry"),
        ("mark_read", [ID], f"/chat/sessions/{ID}/read"),
        ("updates", [], "/chat/updates"),
        ("current_page", [], "/chat/sessions/current/page"),
        ("session_page", [ID], f"/chat/sessions/{ID}/page"),
        ("export_session", [ID], f"/chat/sessions/{ID}/export"),
        ("export_sessions", [], "/chat/export"),
    ],
)
def test_every_route_has_its_name_and_its_address(
    name: str, arguments: list[str], path: str
) -> None:
    assert reverse(f"chat_sessions:{name}", args=arguments) == path
    assert resolve(path).view_name == f"chat_sessions:{name}"


def test_current_is_no_id() -> None:
    assert resolve("/chat/sessions/current").url_name == "current_session"


@pytest.mark.parametrize("path", ["x", "sessions/", "sessions/a/b", "a/b/c", "a\nb", "\n"])
def test_every_other_address_below_is_ours_to_answer(path: str) -> None:
    assert resolve(f"/chat/{path}").url_name == "nowhere"


def test_the_place_itself_is_left_to_the_host() -> None:
    """A host may have its page at the same address."""
    from django.urls import Resolver404

    with pytest.raises(Resolver404):
        resolve("/chat/")


def test_no_address_is_there_twice() -> None:
    names = [pattern.name for pattern in urls.urlpatterns]
    assert len(set(names)) == len(names)
