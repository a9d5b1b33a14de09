"""M-09, M-10: migrations, checks, commands and the admin over two databases and a replica."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import DatabaseError, connections, models
from django.test import Client
from django.test.utils import isolate_apps

from django_chat_sessions import get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.models import AbstractChatSession
from django_chat_sessions.owners import Owner
from tests.second_host.conftest import member

BOTH = ["default", "chats"]


@pytest.mark.django_db(databases=BOTH)
def test_m_09_m_11_checks_are_clean_on_this_database() -> None:
    call_command("check", fail_level="WARNING", databases=BOTH)


@pytest.mark.django_db(databases=BOTH)
def test_m_09_no_model_has_changed_without_its_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_m_09_two_pairs_of_models_share_the_bases_without_a_clash() -> None:
    from tests.second_host.talks.models import Line, Rehearsal, Saying, Talk

    names: list[str] = []
    for model in (Talk, Saying, Rehearsal, Line):
        names += [index.name for index in model._meta.indexes]
        names += [constraint.name for constraint in model._meta.constraints]
    assert len(names) == len(set(names)) == 10
    user = apps.get_model(django_settings.AUTH_USER_MODEL)
    assert hasattr(user, "talks_rehearsal_set")


@isolate_apps("tests.second_host.talks")
@pytest.mark.django_db(databases=BOTH, transaction=True)
def test_m_10_a_foreign_key_does_not_reach_the_other_database() -> None:
    from tests.second_host.members.models import Member

    class Bound(AbstractChatSession):
        user = models.ForeignKey(Member, on_delete=models.CASCADE, null=True, related_name="+")

        class Meta(AbstractChatSession.Meta):
            app_label = "talks"
            abstract = False
            indexes: ClassVar[list[models.Index]] = []

    user_id = member("ada@example.org").pk
    editor = connections["chats"].schema_editor(atomic=False)  # what fails leaves nothing open
    with pytest.raises(DatabaseError):  # PostgreSQL and MariaDB refuse the table, SQLite the row
        _create_and_use(Bound, editor, user_id)
    with suppress(DatabaseError):
        editor.delete_model(Bound)


def _create_and_use(model: Any, editor: Any, user_id: Any) -> None:
    with editor as create:
        create.create_model(model)
    model.objects.using("chats").create(user_id=user_id)


@pytest.mark.django_db(databases=BOTH)
def test_the_command_sweeps_and_purges(noon: Any) -> None:
    chat_sessions.send(Owner.for_user(member("ada@example.org")), "Hello", key="k")
    noon.shift(timedelta(days=40))
    out = io.StringIO()
    call_command("clear_chat_sessions", "--older-than=30", "--json", stdout=out)
    assert json.loads(out.getvalue())["purged"] == 1
    assert not get_session_model().objects.using("chats").exists()


# Committed, so that the replica has it: staff may read a list that is a little late.
@pytest.mark.django_db(databases=[*BOTH, "replica"], transaction=True)
def test_admin_pages_open() -> None:
    owner = member("ada@example.org")
    sent = chat_sessions.send(Owner.for_user(owner), "Why?", key="k")
    staff = Client()
    staff.force_login(member("root@example.org", is_staff=True, is_superuser=True))
    address = "/admin/talks/talk/"
    for query in ("", f"?q={sent.session.pk}", f"?q={owner.pk}"):
        listed = staff.get(address + query)
        assert listed.status_code == 200
        assert "ada@example.org" in listed.content.decode()
    assert "ada@example.org" not in staff.get(f"{address}?q=4711").content.decode()
    assert staff.get(f"{address}{sent.session.pk}/change/").status_code == 200
    gone = staff.post(f"{address}{sent.session.pk}/delete/", {"post": "yes"})
    assert gone.status_code == 302
    assert not get_session_model().objects.using("chats").exists()
