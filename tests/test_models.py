"""The facts on a row, and what follows from them at a given moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, models, transaction
from model_utils.models import TimeStampedModel

from django_chat_sessions import get_message_model, get_session_model
from django_chat_sessions.models import (
    DELIBERATE_REASONS,
    AbstractChatMessage,
    AbstractChatSession,
    EndReason,
)
from django_chat_sessions.owners import Owner
from django_chat_sessions.policies import IdleTimeoutPolicy
from tests.conversations import configure, opened, stored, talked

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=300)
MICROSECOND = timedelta(microseconds=1)
KEY = Owner(user_id=1).open_key("")


def session(**facts: Any) -> AbstractChatSession:
    """An open session at rest since NOW, not stored."""
    usual = {
        "user_id": 1,
        "open_key": KEY,
        "started_at": NOW,
        "opened_at": NOW,
        "last_activity_at": NOW,
        "expires_at": LATER,
    }
    return get_session_model()(**(usual | facts))


class TestState:
    @pytest.mark.parametrize(
        ("facts", "now", "state"),
        [
            ({}, NOW, "active"),
            ({}, LATER - MICROSECOND, "active"),
            ({}, LATER, "expired"),
            ({}, LATER + timedelta(days=1000), "expired"),
            ({"expires_at": None}, LATER + timedelta(days=1000), "active"),
            ({"open_key": None, "end_reason": "user"}, NOW, "ended"),
            ({"open_key": None, "end_reason": "idle"}, NOW, "expired"),
            ({"open_key": None, "end_reason": "max_age"}, NOW, "expired"),
            ({"open_key": None, "end_reason": "a hosts own"}, NOW, "expired"),
            ({"open_key": None, "end_reason": ""}, NOW, "expired"),
            ({"deleted_at": NOW, "open_key": None, "end_reason": "deleted"}, NOW, "ended"),
        ],
    )
    def test_it_follows_from_the_row_and_the_moment(
        self, facts: dict[str, Any], now: datetime, state: str
    ) -> None:
        row = session(**facts)
        assert row.state(now) == state
        assert row.is_active(now) == (state == "active")

    @pytest.mark.parametrize("reason", sorted(DELIBERATE_REASONS))
    def test_ending_on_purpose_is_not_expiring(self, reason: str) -> None:
        row = session(open_key=None, end_reason=reason, ended_at=NOW)
        assert row.state(LATER) == "ended"

    def test_every_reason_of_ours_is_either_on_purpose_or_a_timeout(self) -> None:
        assert set(EndReason.values) - DELIBERATE_REASONS == {"idle", "max_age", "day"}

    def test_a_deleted_session_is_never_active(self) -> None:
        assert not session(deleted_at=NOW).is_active(NOW)

    def test_reason_and_moment_of_an_unswept_expiry_are_what_a_sweep_will_write(
        self, settings: Any
    ) -> None:
        row = session()
        assert (row.final_reason(NOW), row.final_moment(NOW)) == ("", None)
        assert (row.final_reason(LATER), row.final_moment(LATER)) == ("idle", LATER)
        configure(settings, TIMEOUT_POLICY=IdleTimeoutPolicy(max_age=60))
        assert row.final_reason(LATER) == "max_age"

    def test_without_a_policy_that_would_end_it_an_expired_one_was_idle(
        self, settings: Any
    ) -> None:
        configure(settings, TIMEOUT_POLICY=IdleTimeoutPolicy(None))
        assert session().final_reason(LATER) == "idle"

    def test_reason_and_moment_of_an_ended_one_are_those_stored(self) -> None:
        row = session(open_key=None, end_reason="staff", ended_at=NOW)
        assert (row.final_reason(LATER), row.final_moment(LATER)) == ("staff", NOW)


class TestActivity:
    def test_a_running_answer_counts_until_its_lease_ends(self) -> None:
        lease = NOW + timedelta(seconds=30)
        row = session(running_until=lease)
        assert row.activity().last_activity_at == lease
        deadline = row.deadline()
        assert deadline is not None
        assert deadline.at == lease + timedelta(seconds=300)
        assert row.is_running(lease - MICROSECOND)
        assert not row.is_running(lease)
        assert not session().is_running(NOW)

    def test_a_lease_that_ended_long_ago_changes_nothing(self) -> None:
        row = session(running_until=NOW - timedelta(hours=1))
        assert row.activity().last_activity_at == NOW

    def test_the_policy_is_told_whose_session_it_is(self) -> None:
        activity = session(scope="subject:1", visitor_key=None).activity()
        assert (activity.user_id, activity.visitor_key, activity.scope) == (1, None, "subject:1")

    def test_a_row_from_before_us_counts_from_its_start_or_from_now(self, noon: Any) -> None:
        started = NOW - timedelta(days=3)
        row = session(last_activity_at=None, opened_at=None, started_at=started)
        assert row.activity().last_activity_at == started
        assert row.activity().opened_at == started
        bare = session(last_activity_at=None, opened_at=None, started_at=None)
        assert bare.activity().last_activity_at == NOW
        assert bare.activity().opened_at == NOW


class TestReplyState:
    @pytest.mark.parametrize("state", ["pending", "running"])
    def test_a_reply_whose_lease_has_passed_is_interrupted(self, state: str) -> None:
        reply = get_message_model()(state=state, lease_until=NOW)
        assert reply.reply_state(NOW - MICROSECOND) == state
        assert reply.reply_state(NOW) == "interrupted"
        assert get_message_model()(state=state).reply_state(NOW) == "interrupted"

    @pytest.mark.parametrize("state", ["", "answered", "failed", "stopped", "interrupted"])
    def test_a_reply_that_has_ended_stays_as_it_ended(self, state: str) -> None:
        assert get_message_model()(state=state).reply_state(NOW) == state


@pytest.mark.django_db
class TestTables:
    def test_the_database_refuses_a_second_open_session(self, owner: Owner) -> None:
        first = opened(owner)
        copy: Any = type(first)
        with pytest.raises(IntegrityError), transaction.atomic():
            copy.objects.create(open_key=first.open_key)

    def test_rows_without_an_open_key_never_collide(self, db: None) -> None:
        model = get_session_model()
        model.objects.bulk_create([model(), model()])
        assert model.objects.count() == 2

    def test_the_database_refuses_two_messages_in_one_position(self, owner: Owner) -> None:
        row: Any = talked(owner)
        with pytest.raises(IntegrityError), transaction.atomic():
            row.messages.create(position=0)

    def test_a_session_that_is_gone_leaves_the_next_one_without_previous(self, db: None) -> None:
        model: Any = get_session_model()
        gone = model.objects.create()
        kept = model.objects.create(previous=gone)
        gone.delete()
        assert stored(kept).previous_id is None

    def test_messages_go_with_their_session(self, owner: Owner) -> None:
        talked(owner).delete()
        assert not get_message_model().objects.exists()

    def test_the_sessions_of_a_user_go_with_the_user(self, user: Any) -> None:
        talked(Owner.for_user(user))
        user.delete()
        assert not get_session_model().objects.exists()
        assert not get_message_model().objects.exists()


class TestAbstractness:
    def concrete(self, parent: type[models.Model]) -> list[Any]:
        return [field for field in parent._meta.get_fields() if isinstance(field, models.Field)]

    @pytest.mark.parametrize("parent", [AbstractChatSession, AbstractChatMessage])
    def test_every_field_is_nullable_or_has_a_default(self, parent: type[models.Model]) -> None:
        for field in self.concrete(parent):
            assert field.primary_key or field.null or field.has_default(), field.name

    @pytest.mark.parametrize("parent", [AbstractChatSession, AbstractChatMessage])
    def test_no_index_is_named_and_none_holds_the_activity(self, parent: Any) -> None:
        for index in parent._meta.indexes:
            assert not index.name
            assert not {"last_activity_at", "expires_at"} & set(index.fields)
        for field in self.concrete(parent):
            assert not (field.name in ("last_activity_at", "expires_at") and field.db_index)

    def test_the_session_is_a_timestamped_model_whose_clock_is_not_the_activity(self) -> None:
        assert issubclass(AbstractChatSession, TimeStampedModel)

    def test_neither_name_nor_repr_shows_what_was_said(self) -> None:
        row = session(title="SECRET-4711", preview="SECRET-4711")
        message = get_message_model()(content="SECRET-4711")
        for shown in (str(row), repr(row), str(message), repr(message)):
            assert "SECRET-4711" not in shown
        assert str(row.pk) in str(row)


class TestFindingTheModels:
    def test_a_name_without_a_dot_says_how_to_write_it(self, settings: Any) -> None:
        configure(settings, SESSION_MODEL="ChatSession")
        with pytest.raises(ImproperlyConfigured, match=r'"app_label.ModelName"'):
            get_session_model()

    def test_a_name_that_is_not_installed_says_what_to_install(self, settings: Any) -> None:
        configure(settings, SESSION_MODEL="nowhere.Session")
        with pytest.raises(ImproperlyConfigured, match="default_models"):
            get_session_model()

    def test_a_model_without_messages_says_what_is_missing(self, settings: Any) -> None:
        configure(settings, SESSION_MODEL="auth.Group")
        with pytest.raises(ImproperlyConfigured, match="related_name='messages'"):
            get_message_model()
