"""What staff see: who, when and how long; what was said stays with its owner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client

from django_chat_sessions import get_session_model, services
from django_chat_sessions.admin import ChatSessionAdmin
from django_chat_sessions.owners import Owner
from tests.callers import rows

SECRET = "SECRET-4711"
MODEL: Any = get_session_model()
LIST = f"/admin/{MODEL._meta.app_label}/{MODEL._meta.model_name}/"


@pytest.fixture(autouse=True)
def registered() -> Any:
    """Hosts with models of their own register the class themselves."""
    mine = not admin.site.is_registered(MODEL)
    if mine:
        admin.site.register(MODEL, ChatSessionAdmin)
    yield
    if mine:
        admin.site.unregister(MODEL)


@pytest.fixture(autouse=True)
def fresh_urls(registered: Any, settings: Any) -> Any:
    """The admin's addresses are made when the URLconf is loaded."""
    from django.urls import clear_url_caches, path

    import tests.urls

    kept = list(tests.urls.urlpatterns)
    tests.urls.urlpatterns[0] = path("admin/", admin.site.urls)
    clear_url_caches()
    yield
    tests.urls.urlpatterns[:] = kept
    clear_url_caches()


@pytest.fixture
def staff(django_user_model: Any) -> Any:
    """Return a function that logs staff with these permissions in."""

    def logged_in(*permissions: str) -> Client:
        person = django_user_model.objects.create_user("staff", is_staff=True)
        names = [f"{name}_{MODEL._meta.model_name}" for name in permissions]
        person.user_permissions.set(Permission.objects.filter(codename__in=names))
        client = Client()
        client.force_login(person)
        return client

    return logged_in


@pytest.fixture
def chat(user: Any) -> Any:
    sent = services.send(Owner.for_user(user), f"{SECRET} is my secret", key=f"{SECRET}-key")
    services.rename(sent.session, SECRET)
    MODEL._base_manager.update(metadata={"note": SECRET})
    return sent.session


@pytest.mark.parametrize("page", ["", "{pk}/change/", "{pk}/delete/", "{pk}/history/"])
def test_z15_no_page_shows_what_was_said(staff: Any, chat: Any, page: str) -> None:
    response = staff("view", "delete").get(LIST + page.format(pk=chat.pk))
    assert response.status_code == 200
    assert SECRET not in response.content.decode()
    if page != "{pk}/history/":
        assert str(chat.pk) in response.content.decode()


def test_z15_the_state_is_shown_in_words(staff: Any, chat: Any) -> None:
    assert ">active<" in staff("view").get(LIST).content.decode()


@pytest.mark.parametrize("page", ["", "{pk}/change/", "{pk}/delete/", "add/"])
def test_z15_staff_without_permission_see_nothing(staff: Any, chat: Any, page: str) -> None:
    assert staff().get(LIST + page.format(pk=chat.pk)).status_code == 403


def test_z15_nobody_adds_or_changes_a_chat_by_hand(staff: Any, chat: Any) -> None:
    client, stored = staff("view", "add", "change", "delete"), rows()
    assert client.get(LIST + "add/").status_code == 403
    assert client.post(LIST + "add/", {"scope": "x"}).status_code == 403
    assert client.post(LIST + f"{chat.pk}/change/", {"scope": "x"}).status_code == 403
    assert rows() == stored


def test_z15_staff_who_may_view_may_not_delete(staff: Any, chat: Any) -> None:
    client, stored = staff("view"), rows()
    assert client.post(LIST + f"{chat.pk}/delete/", {"post": "yes"}).status_code == 403
    assert rows() == stored


def test_z15_deleting_takes_the_messages_with_it_and_logs_no_content(staff: Any, chat: Any) -> None:
    from django.contrib.admin.models import LogEntry

    client = staff("view", "delete")
    assert client.post(LIST + f"{chat.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not any(rows().values())
    assert SECRET not in str(LogEntry.objects.values_list("object_repr", "change_message"))


@pytest.mark.parametrize(
    "text", ["x", "1", "%00", "0192f0c4", "' OR 1=1", "%", "_", "9" * 30, "%ED%A0%80", "\U0001f600"]
)
def test_a_search_for_anything_is_answered(staff: Any, chat: Any, text: str) -> None:
    response = staff("view").get(f"{LIST}?q={text}")
    assert response.status_code in (200, 302)


def test_a_search_finds_a_chat_by_its_id_and_by_its_user(staff: Any, chat: Any) -> None:
    client = staff("view")
    for text in (chat.pk, chat.user_id):
        assert str(chat.pk) in client.get(f"{LIST}?q={text}").content.decode()
    assert f"/{chat.pk}/" not in client.get(f"{LIST}?q={SECRET}").content.decode()


def test_the_list_costs_the_same_for_one_chat_and_for_many(
    staff: Any, chat: Any, statements: Any, django_user_model: Any
) -> None:
    client = staff("view")
    client.get(LIST)
    with statements() as one:
        client.get(LIST)
    for number in range(5):
        other = django_user_model.objects.create_user(f"u{number}")
        services.send(Owner.for_user(other), "Why?", key="key-00000001")
    with statements() as many:
        client.get(LIST)
    assert len(many) == len(one)


def test_the_package_registers_nothing_itself() -> None:
    from django_chat_sessions import admin as module

    assert "site.register" not in Path(module.__file__).read_text()
