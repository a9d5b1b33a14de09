"""How a command is told whose data it is about, whatever the keys of users are."""

from __future__ import annotations

from unittest.mock import Mock
from uuid import UUID

import pytest
from django.core.management import CommandError
from django.db.models import UUIDField

from django_chat_sessions.management import owner_options


def test_a_users_key_need_not_be_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Mock()
    model._meta.get_field.return_value.target_field = UUIDField()
    monkeypatch.setattr(owner_options, "get_session_model", lambda: model)
    key = UUID(int=7)
    known = owner_options.owner_from({"visitor_key": None, "user_id": str(key)})
    assert known.user_id == key
    with pytest.raises(CommandError, match="--user-id is '7', which no user's key can be"):
        owner_options.owner_from({"visitor_key": None, "user_id": "7"})
