"""Members with tokens; answers that are written at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from django_chat_sessions.owners import Owner
from django_chat_sessions.testing import FrozenClock, frozen_clock
from tests.callers import Caller
from tests.conftest import NOON

PASSWORD = "a long password"


def member(email: str, **more: Any) -> Any:
    """Return a new account."""
    from tests.second_host.members.models import Member

    return Member.objects.create_user(email, PASSWORD, **more)


def with_token(email: str) -> Caller:
    """Return a program that logged in by address and password and got a token."""
    account = member(email)
    given = Client().post(
        "/token/", {"email": email, "password": PASSWORD}, content_type="application/json"
    )
    client = Client(headers={"Authorization": f"Bearer {given.json()['access']}"})
    return Caller("jwt", client, Owner.for_user(account))


@pytest.fixture
def ada() -> Caller:
    return with_token("ada@example.org")


@pytest.fixture
def eve() -> Caller:
    return with_token("eve@example.org")


@pytest.fixture
def noon() -> Iterator[FrozenClock]:
    """12:00 UTC for the chats; the tokens live on in real time, and local time is the site's."""
    with frozen_clock(NOON) as frozen:
        yield frozen


@pytest.fixture
def answered(django_capture_on_commit_callbacks: Any) -> Any:
    """Return a context at whose end replies are written, as after a commit to `chats`."""

    def context() -> Any:
        return django_capture_on_commit_callbacks(using="chats", execute=True)

    return context
