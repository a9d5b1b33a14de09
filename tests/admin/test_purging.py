"""What hangs on a message of the host's own, when staff deletes its session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection, models

from django_chat_sessions import get_message_model
from tests.admin.pages import MODEL, act, page_of
from tests.conversations import fill, messages_of, somebody_else, talked

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["CASCADE", "PROTECT", "RESTRICT", "SET_NULL"])
def way(request: pytest.FixtureRequest) -> str:
    """What a host wants of its rows when a message goes."""
    return str(request.param)


@pytest.fixture
def rating(way: str, chat: Any) -> Iterator[Any]:
    """A row of the host's about a message, in the table of a model that staff may not delete."""

    class Rating(models.Model):
        message = models.ForeignKey(
            get_message_model(), getattr(models, way), null=True, related_name="+"
        )

        class Meta:
            app_label = "auth"

        def __str__(self) -> str:
            return f"rating {self.pk}"

    message = messages_of(chat)[0]
    try:
        with connection.schema_editor() as editor:
            editor.create_model(Rating)
        admin.site.register(Rating)
        yield Rating._base_manager.create(message=message)
        admin.site.unregister(Rating)
        with connection.schema_editor() as editor:
            editor.delete_model(Rating)
    finally:
        del apps.all_models["auth"]["rating"]
        apps.clear_cache()


REFUSED = {
    "CASCADE": "permission to delete",
    "PROTECT": "would require",
    "RESTRICT": "would require",
}


def test_what_hangs_on_a_message_is_asked_about_as_django_does(
    staff: Any, chat: Any, rating: Any, way: str, statements: Any
) -> None:
    fill(chat, 30)
    client = staff("view", "delete")
    table = get_message_model()._meta.db_table
    with statements() as sent:
        asked = client.get(page_of(chat, "delete/")).text
    assert not [sql for sql in sent if f'FROM "{table}"' in sql]
    assert ("rating" in asked) == (way in REFUSED)
    assert REFUSED.get(way, "Are you sure") in asked
    of_another = client.get(page_of(talked(somebody_else()), "delete/")).text
    assert ("rating" in of_another, "Are you sure" in of_another) == (False, True)
    alone = client.post(page_of(chat, "delete/"), {"post": "yes"})
    chosen = act(client, "delete_selected", chat, post="yes")
    assert MODEL._base_manager.filter(pk=chat.pk).exists() == (way in REFUSED)
    rating.refresh_from_db()
    assert (rating.message_id is None) == (way == "SET_NULL")
    codes = {"CASCADE": 403, "PROTECT": 200, "RESTRICT": 200, "SET_NULL": 302}
    assert alone.status_code == codes[way]
    assert chosen.status_code in (codes[way], 302)
