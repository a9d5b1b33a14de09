"""Fixtures: the admin with our class in it, staff with chosen permissions, a chat with a secret."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from django_chat_sessions import get_message_model, get_session_model, services
from django_chat_sessions.admin import ChatSessionAdmin
from django_chat_sessions.owners import Owner
from tests.admin.pages import MODEL, SECRET


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
    """Return a function that logs staff with these permissions in; ``read`` is to read content."""

    def logged_in(*permissions: str) -> Client:
        person = django_user_model.objects.create_user("staff", is_staff=True)
        names = [f"{name}_{MODEL._meta.model_name}" for name in permissions]
        if "read" in permissions:
            names.append(f"view_{get_message_model()._meta.model_name}")
        person.user_permissions.set(Permission.objects.filter(codename__in=names))
        client = Client()
        client.force_login(person)
        ContentType.objects.get_for_model(MODEL)  # which Django's log reads once in a process
        return client

    return logged_in


@pytest.fixture
def chat(user: Any) -> Any:
    """A session of ada's in which everything that she wrote is a secret."""
    sent = services.send(Owner.for_user(user), f"{SECRET} is my secret", key=f"{SECRET}-key")
    services.rename(sent.session, SECRET)
    get_session_model()._base_manager.update(metadata={"note": SECRET})
    return sent.session
