"""The list of sessions: what it finds, what it refuses to search, and what it costs."""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin import EmptyFieldListFilter
from django.contrib.auth import get_user_model

from django_chat_sessions import clock, services
from django_chat_sessions.admin import ChatSessionAdmin, lists
from django_chat_sessions.owners import Owner
from tests.admin.pages import LIST, MODEL, SECRET
from tests.conversations import fill_history, missing_id, talked
from tests.explained import explained


def listed(client: Any, query: str = "") -> list[Any]:
    """Return the sessions that the list shows."""
    response = client.get(f"{LIST}?{query}")
    assert response.status_code == 200, response.headers
    return list(response.context["cl"].result_list)


@pytest.mark.parametrize(
    "text", ["x", "1", "%00", "0192f0c4", "' OR 1=1", "%", "_", "9" * 30, "%ED%A0%80", "\U0001f600"]
)
def test_a_search_for_anything_is_answered(staff: Any, chat: Any, text: str) -> None:
    assert staff("view").get(f"{LIST}?q={text}").status_code == 200


@pytest.mark.parametrize("name", ["scope", "visitor_key", "id", "user"])
def test_an_address_that_filters_by_nul_is_refused(staff: Any, chat: Any, name: str) -> None:
    assert staff("view").get(f"{LIST}?{name}=%00").status_code == 400


def test_a_search_finds_a_chat_by_its_id_and_by_its_owner(staff: Any, chat: Any) -> None:
    visitor = Owner.for_visitor("a visitor's secret key")
    theirs = services.send(visitor, "Why?", key="key-00000001").session
    client = staff("view")
    for text in (chat.pk, f" {chat.pk} ", "ada", "ad"):
        assert listed(client, f"q={text}") == [chat]
    assert listed(client, f"q={visitor.visitor_key}") == [theirs]
    for text in ("da", "eve", "a visitor", "f" * 64, missing_id(), "%25", "_da"):
        assert listed(client, f"q={text}") == []
    assert len(listed(client, "q=")) == len(listed(client, "q=%20")) == 2


def test_a_search_finds_a_user_by_id(staff: Any, chat: Any) -> None:
    MODEL._base_manager.filter(pk=chat.user_id).delete()  # the id of a session comes first
    found = MODEL._base_manager.count() * [chat]
    talked(Owner.for_user(get_user_model().objects.create_user("eve")))
    assert listed(staff("view"), f"q={chat.user_id}") == found


def test_a_name_that_might_be_the_id_of_a_chat_is_a_name(staff: Any, chat: Any) -> None:
    client, name = staff("view"), str(missing_id())
    get_user_model()._base_manager.filter(pk=chat.user_id).update(username=name)
    assert listed(client, f"q={name}") == [chat]


def test_an_exact_name_is_found_among_many_that_begin_with_it(
    staff: Any, chat: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "MOST_USERS", 1)
    get_user_model().objects.create_user("adamant")
    assert listed(staff("view"), "q=ada") == [chat]


def test_a_user_is_found_by_id_among_many_names_that_begin_with_it(
    staff: Any, chat: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where people log in with the numbers of their student cards."""
    MODEL._base_manager.filter(pk=chat.user_id).delete()  # the id of a session comes first
    monkeypatch.setattr(lists, "MOST_USERS", 1)
    get_user_model().objects.create_user(f"{chat.user_id}0")
    assert listed(staff("view"), f"q={chat.user_id}") == MODEL._base_manager.count() * [chat]


def test_users_are_found_by_the_name_that_the_user_model_logs_in_with(
    staff: Any, chat: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat.user.email = "lovelace@example.com"
    chat.user.save()
    client = staff("view")
    monkeypatch.setattr(get_user_model(), "USERNAME_FIELD", "email")
    assert listed(client, "q=lovelace@") == [chat]
    assert "lovelace@example.com" in client.get(LIST).content.decode()


@pytest.mark.parametrize(
    "lookup", ["title__contains", "preview__startswith", "metadata__note", "messages__content"]
)
def test_z15_no_address_searches_what_was_said(staff: Any, chat: Any, lookup: str) -> None:
    """Whether a row is listed would tell what is in it, letter by letter."""
    assert staff("view", "read").get(f"{LIST}?{lookup}={SECRET}").status_code == 400


def test_no_address_asks_for_a_secret_of_the_owners(staff: Any, chat: Any) -> None:
    query = f"user__password__startswith={chat.user.password[:4]}"
    assert staff("view").get(f"{LIST}?{query}").status_code == 400


def test_z15_no_search_finds_what_was_said(staff: Any, chat: Any) -> None:
    assert listed(staff("view", "read"), f"q={SECRET}") == []


def test_the_list_can_be_that_of_one_owner_or_scope(staff: Any, chat: Any) -> None:
    services.send(Owner.for_visitor("key"), "Why?", key="key-00000001", scope="s1")
    client = staff("view")
    assert listed(client, f"user={chat.user_id}") == [chat]
    assert [session.scope for session in listed(client, "scope=s1")] == ["s1"]


def test_active_sessions_and_those_that_are_over_are_told_apart(staff: Any, chat: Any) -> None:
    expired = services.send(Owner.for_visitor("key"), "Why?", key="key-00000001").session
    MODEL._base_manager.filter(pk=expired.pk).update(expires_at=clock.now())
    ended = services.end(services.start(Owner.for_visitor("key"), "ended").opened)
    client = staff("view")
    assert listed(client, "state=active") == [chat]
    assert set(listed(client, "state=over")) == {expired, ended}
    assert len(listed(client, "state=x")) == 3


def test_the_owner_is_shown_also_where_there_is_none(staff: Any, chat: Any) -> None:
    visitor = Owner.for_visitor("key")
    services.start(visitor)
    MODEL._base_manager.create()  # adopted, and nobody's
    page = staff("view").get(LIST).content.decode()
    for owner in ("ada", f"{str(visitor.visitor_key)[:8]}…", "-"):
        assert f'<td class="field-owner">{owner}</td>' in page


def test_the_newest_come_first_and_no_address_sorts_otherwise(staff: Any, chat: Any) -> None:
    fill_history(Owner.of(chat), 3)
    client = staff("view")
    newest = listed(client)
    assert [session.pk for session in newest] == sorted((s.pk for s in newest), reverse=True)
    for asked in ("o=5", "o=-5.1", "o=x", "o=99"):
        assert listed(client, asked) == newest


def test_of_what_a_search_finds_the_one_with_the_newest_message_comes_first(
    staff: Any, chat: Any
) -> None:
    fill_history(Owner.of(chat), 3)
    moved = MODEL._base_manager.filter(user_id=chat.user_id).order_by("pk")[1]
    MODEL._base_manager.filter(pk=moved.pk).update(last_message_at=clock.after(clock.now(), 60))
    found = listed(staff("view"), "q=ada")
    assert found[0] == moved
    assert found == sorted(found, key=lambda one: (one.last_message_at, one.pk), reverse=True)


def test_a_host_may_offer_the_days_of_a_column(
    staff: Any, chat: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ChatSessionAdmin, "date_hierarchy", "started_at")
    client = staff("view")
    year = chat.started_at.year
    assert f"?started_at__year={year}" in html.unescape(client.get(LIST).text)
    assert listed(client, f"started_at__year={year}") == [chat]
    assert listed(client, f"started_at__year={year - 1}") == []
    assert client.get(f"{LIST}?title__contains={SECRET}").status_code == 400


def test_a_host_may_offer_filters_by_who_asks(
    staff: Any, chat: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = (*ChatSessionAdmin.list_filter, "end_reason", ("title", EmptyFieldListFilter))
    monkeypatch.setattr(ChatSessionAdmin, "get_list_filter", lambda *asked: offered)
    client = staff("view")
    assert listed(client, f"end_reason__exact={chat.end_reason}") == [chat]
    assert listed(client, "title__isempty=0") == [chat]


@pytest.mark.parametrize("limit", [{"ended_at__isnull": True}, lambda: {"ended_at__isnull": True}])
def test_the_popup_of_a_hosts_field_lists_what_that_field_offers(
    staff: Any, chat: Any, monkeypatch: pytest.MonkeyPatch, limit: Any
) -> None:
    """A foreign key among ``raw_id_fields`` whose ``limit_choices_to`` leaves sessions out."""
    client = staff("view")
    popup = "ended_at__isnull=1&_to_field=id&_popup=1"
    assert client.get(f"{LIST}?{popup}").status_code == 400
    monkeypatch.setattr(MODEL._meta, "related_fkey_lookups", [limit])
    assert listed(client, popup) == [chat]
    for other in ("ended_at__isnull=0", "ended_at__gt=2026-01-01", "title__isnull=1"):
        assert client.get(f"{LIST}?{other}").status_code == 400


def test_a_host_may_offer_columns_to_sort_by(
    staff: Any, chat: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_history(Owner.of(chat), 2)
    monkeypatch.setattr(ChatSessionAdmin, "sortable_by", ("last_message_at",))
    latest = listed(staff("view"), "o=-5")
    assert latest[0] == chat
    assert latest == sorted(latest, key=lambda row: row.last_message_at, reverse=True)


def test_no_more_is_counted_than_is_listed(
    staff: Any, chat: Any, statements: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_history(Owner.of(chat), 249)
    client = staff("view")
    assert "Only the newest" not in client.get(LIST).content.decode()
    monkeypatch.setattr(lists, "MOST_LISTED", 150)
    with statements() as sent:
        page = client.get(LIST).content.decode()
    [counting] = [sql for sql in sent if "COUNT(" in sql]
    assert "LIMIT 150" in counting
    assert "Only the newest are listed; search for the others." in page
    assert len(listed(client, "p=2")) == 50
    assert client.get(f"{LIST}?p=3").status_code == 302


def test_the_list_costs_the_same_for_one_chat_and_for_many_and_uses_indexes(
    staff: Any, chat: Any, statements: Any
) -> None:
    client = staff("view")
    client.get(LIST)
    with statements() as one:
        client.get(LIST)
    users = [get_user_model()(username=f"u{number}") for number in range(40)]
    for user in get_user_model().objects.bulk_create(users):
        fill_history(Owner.of(chat), 5)
        fill_history(Owner(user_id=user.pk), 5)
    with explained() as plans, statements() as many:
        client.get(LIST)
    assert len(many) == len(one)
    _count, page = plans
    assert "LIMIT 100" in page.sql
    assert not page.sorts(), page.plan  # read in the order of the ids, and no further


@pytest.mark.parametrize("what", ["id", "name", "visitor", "nobody"])
def test_a_search_uses_indexes(staff: Any, chat: Any, what: str) -> None:
    visitor = Owner.for_visitor("key")
    services.start(visitor)
    fill_history(Owner.of(chat), 30)
    fill_history(Owner.for_visitor("another"), 300)
    term = {"id": chat.pk, "name": "ada", "visitor": visitor.visitor_key, "nobody": "f" * 64}[what]
    client = staff("view")
    with explained() as plans:
        found = listed(client, f"q={term}")
    assert bool(found) is (what != "nobody")
    for statement in plans:
        assert not statement.reads_all_of(MODEL), statement.plan


def test_old_rows_are_listed(staff: Any, chat: Any) -> None:
    MODEL._base_manager.create(started_at=clock.now() - timedelta(days=900))
    assert len(listed(staff("view"))) == 2
