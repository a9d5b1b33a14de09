"""What staff see: who, when and how long; what was said only with a permission of its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.staticfiles import finders
from django.utils import translation
from django.utils.formats import date_format
from django.utils.text import capfirst

from django_chat_sessions import get_message_model, services
from django_chat_sessions.admin import ChatSessionAdmin
from django_chat_sessions.owners import Owner
from tests.admin.pages import LIST, MODEL, SECRET, act, page_of, said
from tests.callers import rows
from tests.conftest import NOON
from tests.conversations import fill, fill_history, leave_replies, messages_of, stored, waiting
from tests.explained import explained


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
    client = staff("view", "delete")
    assert client.post(LIST + f"{chat.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not any(rows().values())
    assert SECRET not in str(LogEntry.objects.values_list("object_repr", "change_message"))


def test_the_package_registers_nothing_itself() -> None:
    from django_chat_sessions import admin as module

    folder = Path(module.__file__).parent
    assert not [path for path in folder.glob("*.py") if "site.register" in path.read_text()]


@pytest.mark.parametrize(
    ("stored_reason", "shown"),
    [("user", "ended by its owner"), ("", "no activity"), ("closing_time", "closing_time")],
)
def test_why_a_session_is_over_is_said_in_words_before_any_sweep(
    staff: Any, chat: Any, noon: Any, stored_reason: str, shown: str
) -> None:
    over = {"open_key": None} if stored_reason else {"expires_at": NOON}
    MODEL._base_manager.update(end_reason=stored_reason, **over)
    page = staff("view").get(page_of(chat)).content.decode()
    assert f'<div class="readonly">{shown}</div>' in page
    assert "End reason" in page


@pytest.mark.parametrize("language", ["de", "es", "fr"])
def test_every_fact_is_named_in_the_language_of_its_reader(
    staff: Any, chat: Any, language: str
) -> None:
    MODEL._base_manager.update(deleted_at=NOON)
    client = staff("view")

    def names(language: str) -> set[str]:
        with translation.override(language):
            page = client.get(page_of(chat)).content.decode()
            assert date_format(NOON, "DATETIME_FORMAT") in page
        return set(re.findall(r"<label[^>]*>(.+?)\s*:?</label>", page))

    english = names("en")
    assert "Deleted at" in english
    alike = {"Id", "Messages"}  # the latter is French, too
    if MODEL._meta.app_label == "host":
        alike |= {"Started at"}  # a column of the host's own, which it names itself
    assert english & names(language) <= alike


# What was said


def test_z15_who_may_read_content_sees_it_in_its_session_only(staff: Any, chat: Any) -> None:
    client = staff("view", "read")
    page = client.get(page_of(chat)).content.decode()
    assert f"{SECRET} is my secret" in page
    assert f'<strong dir="auto">{SECRET}</strong>' in page
    assert SECRET not in client.get(LIST).content.decode()
    assert SECRET not in client.get(page_of(chat, "delete/")).content.decode()


def test_a_reply_that_a_dead_worker_left_behind_is_not_said_to_be_written(
    staff: Any, settings: Any, user: Any, noon: Any
) -> None:
    leave_replies(settings)
    running = waiting(Owner.for_user(user)).session
    client = staff("view", "read")
    assert "· waiting" in client.get(page_of(running)).content.decode()
    noon.shift(3600)
    assert "· interrupted" in client.get(page_of(running)).content.decode()


def test_reading_on_keeps_what_the_list_was_searched_for(staff: Any, chat: Any) -> None:
    fill(chat, 120)
    client = staff("view", "read")
    kept = "_changelist_filters=q%3Dada"
    newest = client.get(f"{page_of(chat)}?{kept}").content.decode()
    assert f'href="?{kept}&amp;before=70#conversation"' in newest
    older = client.get(f"{page_of(chat)}?{kept}&before=70").content.decode()
    assert f'href="?{kept}&amp;before=20#conversation"' in older
    assert f'href="?{kept}#conversation"' in older


def test_a_long_word_does_not_widen_the_page_of_a_session(staff: Any, chat: Any) -> None:
    page = staff("view", "read").get(page_of(chat)).content.decode()
    assert '<link href="/static/django_chat_sessions/admin.css" media="all"' in page
    assert '<section class="module chat-conversation"' in page
    style = Path(str(finders.find("django_chat_sessions/admin.css"))).read_text()
    assert re.search(r"\.chat-conversation {\s+overflow-wrap: anywhere;", style)
    assert re.search(r"\.chat-conversation div p {\s+white-space: pre-wrap;", style)


def test_z15_permission_to_read_content_alone_opens_nothing(staff: Any, chat: Any) -> None:
    client = staff("read")
    assert client.get(LIST).status_code == client.get(page_of(chat)).status_code == 403


def test_z15_reading_content_is_heard_of_and_a_page_without_it_is_not(
    staff: Any, chat: Any, signals: Any, django_capture_on_commit_callbacks: Any
) -> None:
    client = staff("view", "read", "delete")
    signals.clear()
    with django_capture_on_commit_callbacks(execute=True):
        for page in (LIST, page_of(chat, "delete/"), page_of(chat, "history/"), f"{LIST}?q=ada"):
            client.get(page)
    assert signals == []
    with django_capture_on_commit_callbacks(execute=True):
        client.get(page_of(chat))
    [(name, facts)] = signals
    assert name == "content_read"
    assert facts["session"] == chat
    assert facts["reader"].get_username() == "staff"


def test_z15_what_people_wrote_is_shown_as_text(staff: Any, chat: Any) -> None:
    services.rename(chat, "<b>Bold</b>")
    messages_of(chat).update(content="<script>alert(1)</script>", error="<i>cause</i>")
    page = staff("view", "read").get(page_of(chat)).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    for unescaped in ("<script>alert", "<b>Bold", "<i>cause"):
        assert unescaped not in page


def test_s02_a_long_conversation_is_read_page_by_page(staff: Any, chat: Any) -> None:
    fill(chat, 120)
    client = staff("view", "read")
    newest = client.get(page_of(chat)).content.decode()
    assert newest.count("<article>") == 50
    assert "?before=70#conversation" in newest
    assert "Newest messages" not in newest
    oldest = client.get(page_of(chat) + "?before=20").content.decode()
    assert oldest.count("<article>") == 20
    assert "Older messages" not in oldest
    assert "Newest messages" in oldest


def test_x01_what_was_said_is_text_where_the_hosts_templates_do_not_escape(
    staff: Any, chat: Any, settings: Any
) -> None:
    [engine] = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "OPTIONS": {**engine["OPTIONS"], "autoescape": False}}]
    messages: Any = get_message_model()._base_manager
    messages.filter(session=chat).update(content="<b>bold</b>")
    services.rename(chat, "<i>title</i>")
    page = staff("view", "read").get(page_of(chat)).content.decode()
    assert "&lt;b&gt;bold" in page
    assert "&lt;i&gt;title" in page
    assert "<b>bold" not in page
    assert "<i>title" not in page


@pytest.mark.parametrize("before", ["x", "", "-1", "1.5", "9" * 30, "%00"])
def test_a_wrong_place_in_a_conversation_shows_its_end(staff: Any, chat: Any, before: str) -> None:
    page = staff("view", "read").get(f"{page_of(chat)}?before={before}")
    assert page.status_code == 200
    assert page.content.decode().count("<article>") == 2


@pytest.mark.parametrize("pk", ["x", "0", "9" * 30, "%00", "a" * 300])
def test_a_page_of_a_session_that_is_not_there_leads_back(staff: Any, chat: Any, pk: str) -> None:
    assert staff("view", "read").get(f"{LIST}{pk}/change/").status_code == 302


def test_the_page_of_a_session_costs_the_same_however_long_it_is_and_uses_indexes(
    staff: Any, chat: Any, statements: Any
) -> None:
    client = staff("view", "read")
    client.get(page_of(chat))
    with statements() as short:
        client.get(page_of(chat))
    fill(chat, 2000)
    fill_history(Owner.of(chat), 200)
    with explained() as plans, statements() as long:
        client.get(page_of(chat))
    assert len(long) == len(short)
    assert len(plans) == 2
    for statement in plans:
        assert not statement.reads_all_of(get_message_model()), statement.plan
        assert not statement.reads_all_of(MODEL), statement.plan


# Ending and deleting


def test_z15_ending_asks_first_and_says_what_it_did(staff: Any, chat: Any, signals: Any) -> None:
    over = services.end(services.start(Owner.for_visitor("key"), "over").opened)
    client = staff("view", "change")
    asked = act(client, "end_chosen", chat, over)
    assert str(chat.pk) in asked.content.decode()
    assert "To be ended: 1" in asked.content.decode()
    assert 'href="/static/django_chat_sessions/admin.css"' in asked.content.decode()
    assert stored(chat).open_key is not None
    act(client, "end_chosen", chat, over, post="yes")
    assert "Sessions ended: 1. Over already: 1." in said(client)
    assert (stored(chat).end_reason, stored(over).end_reason) == ("staff", "user")
    assert stored(chat).state(stored(chat).ended_at) == "ended"
    [entry] = LogEntry.objects.all()
    assert (entry.object_id, entry.user.get_username()) == (str(chat.pk), "staff")
    assert "ended by staff" in str(entry.change_message)


def test_the_page_that_asks_ends_what_was_chosen(staff: Any, chat: Any) -> None:
    client = staff("view", "change")
    asked = act(client, "end_chosen", chat).text
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', asked))
    client.post(LIST, form)
    assert stored(chat).end_reason == "staff"


def test_whoever_ends_nothing_goes_back_to_what_was_searched_for(staff: Any, chat: Any) -> None:
    data = {"action": "end_chosen", "_selected_action": [str(chat.pk)]}
    asked = staff("view", "change").post(f"{LIST}?q=ada&state=active", data).content.decode()
    assert f'href="{LIST}?q=ada&amp;state=active"' in asked


def test_an_expired_session_stays_expired(staff: Any, chat: Any, noon: Any) -> None:
    MODEL._base_manager.update(expires_at=NOON)
    client = staff("view", "change")
    act(client, "end_chosen", chat, post="yes")
    assert "Sessions ended: 0. Over already: 1." in said(client)
    assert stored(chat).end_reason == ""


@pytest.mark.parametrize(
    ("permissions", "action"),
    [(("view", "delete"), "end_chosen"), (("view", "change"), "delete_selected")],
)
def test_z15_each_action_has_a_permission_of_its_own(
    staff: Any, chat: Any, permissions: tuple[str, ...], action: str
) -> None:
    client, before = staff(*permissions), rows()
    assert f'value="{action}"' not in client.get(LIST).content.decode()
    act(client, action, chat, post="yes")
    assert rows() == before


def test_nobody_acts_on_all_that_are_not_shown(staff: Any, chat: Any) -> None:
    client, before = staff("view", "change", "delete"), rows()
    for action in ("end_chosen", "delete_selected"):
        act(client, action, chat, post="yes", select_across="1")
    assert "Choose the sessions one by one." in said(client)
    assert rows() == before


def test_deleting_counts_messages_without_reading_them(
    staff: Any, chat: Any, statements: Any
) -> None:
    fill(chat, 300)
    client = staff("view", "delete")
    with statements() as sent:
        page = act(client, "delete_selected", chat).content.decode()
    assert f"{capfirst(MODEL._meta.verbose_name_plural)}: 1</li>" in page
    assert f"{capfirst(get_message_model()._meta.verbose_name_plural)}: 300</li>" in page
    assert not [sql for sql in sent if f'FROM "{get_message_model()._meta.db_table}"' in sql]
    assert SECRET not in page


def test_deleting_costs_the_same_for_many_chats_however_long_they_are(
    staff: Any, chat: Any, user: Any, statements: Any
) -> None:
    client, owner, counts = staff("view", "delete"), Owner.for_user(user), []
    services.end(chat)
    for number, long in ((2, 1), (90, 300)):
        fill_history(owner, number)
        chosen = list(MODEL._base_manager.filter(end_reason="idle"))
        fill(chosen[0], long)
        with statements() as sent:
            act(client, "delete_selected", *chosen, post="yes")
        counts.append(len(sent))
        assert not MODEL._base_manager.filter(end_reason="idle").exists()
    assert counts[0] == counts[1] <= 14


def test_ending_costs_an_update_and_an_entry_of_the_log_for_each_chat(
    staff: Any, user: Any, statements: Any
) -> None:
    client, owner, counts = staff("view", "change"), Owner.for_user(user), []
    for number in (2, 12):
        active = [services.start(owner, f"{number}-{each}").opened for each in range(number)]
        with statements() as sent:
            act(client, "end_chosen", *active, post="yes")
        counts.append(len(sent))
    assert counts[1] - counts[0] == 2 * (12 - 2)


def test_deleting_ends_stops_and_says_so(
    staff: Any, settings: Any, user: Any, signals: Any, django_capture_on_commit_callbacks: Any
) -> None:
    leave_replies(settings)
    running = waiting(Owner.for_user(user)).session
    ended = services.end(services.start(Owner.for_user(user), "ended").opened)
    client = staff("view", "delete")
    signals.clear()
    with django_capture_on_commit_callbacks(execute=True):
        act(client, "delete_selected", running, ended, post="yes")
    assert not any(rows().values())
    assert "Successfully deleted 2" in said(client)
    told = [(name, facts["session"].pk, facts.get("reason")) for name, facts in signals]
    assert told == [("turn_failed", running.pk, None), ("session_ended", running.pk, "staff")]


def test_what_a_host_protects_is_not_deleted(
    staff: Any, chat: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host's own rows that hang on a session are asked about as Django does."""
    from django.db.models import PROTECT

    field = MODEL._meta.get_field("previous")
    monkeypatch.setattr(field.remote_field, "on_delete", PROTECT)
    MODEL._base_manager.create(previous=chat)
    client, before = staff("view", "delete"), rows()
    assert "would require deleting" in act(client, "delete_selected", chat).content.decode()
    act(client, "delete_selected", chat, post="yes")
    assert rows() == before


def test_what_goes_with_a_session_needs_the_permission_to_delete_it(
    staff: Any, chat: Any, rf: Any, django_user_model: Any
) -> None:
    staff("view")
    request = rf.get(LIST)
    request.user = django_user_model.objects.get(username="staff")
    found = ChatSessionAdmin(MODEL, admin.site).get_deleted_objects([chat], request)
    assert found[0] == [str(chat)]
    assert found[2] == {MODEL._meta.verbose_name}
