"""The list of sessions: as fast at ten million rows as at ten, and found by id or owner only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from django_chat_sessions import clock
from django_chat_sessions.models import SessionState

if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:
    _Paginator = Paginator

MOST_LISTED = 10_000
MOST_USERS = 50
VISITOR_KEY = re.compile(r"[0-9a-f]{64}")


class FirstPages(_Paginator):
    """Counts no further than MOST_LISTED: a COUNT of the whole table takes longer than its page."""

    @cached_property
    def count(self) -> int:
        """How many rows there are, at most MOST_LISTED; 1 statement."""
        rows: Any = self.object_list
        return int(rows.order_by()[:MOST_LISTED].count())


class SessionList(ChangeList):
    """Sorts by no column but those of ``sortable_by``, whatever the address asks for."""

    @property
    def is_cut_off(self) -> bool:
        """Whether there may be more rows than are listed."""
        return bool(self.result_count >= MOST_LISTED)

    def get_ordering_field(self, field_name: Any) -> Any:
        """Return what to sort by; None for what no index is in order of."""
        if self.sortable_by is not None and field_name not in self.sortable_by:
            return None
        return super().get_ordering_field(field_name)


class StateFilter(admin.SimpleListFilter):
    """Active sessions, or those that are over; by the derived state, so that it is never old."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The two choices."""
        return [(SessionState.ACTIVE.value, SessionState.ACTIVE.label), ("over", _("over"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows of the choice."""
        expired = Q(expires_at__lte=clock.now())
        if self.value() == SessionState.ACTIVE:
            return queryset.filter(open_key__isnull=False, deleted_at=None).exclude(expired)
        if self.value() == "over":
            return queryset.filter(Q(open_key=None) | expired)
        return queryset


def found_by(term: str, sessions: QuerySet[Any]) -> QuerySet[Any]:
    """Return the session of that id, else those of that owner; at most 3 statements.

    An owner is named by the stored visitor key, the user's id, or the beginning of the username.
    One condition at a time, so that its index is used.
    """
    key = _as_key(sessions.model, term)
    if key is not None and sessions.filter(pk=key).exists():
        return sessions.filter(pk=key)
    if VISITOR_KEY.fullmatch(term):
        return sessions.filter(visitor_key=term)
    return sessions.filter(user__in=_users_called(term))


def _users_called(term: str) -> list[Any]:
    users: Any = get_user_model()
    named = users._base_manager.filter(**{f"{users.USERNAME_FIELD}__startswith": term})
    # Sorted, so that the exact name is never among those that are left out.
    found = named.order_by(users.USERNAME_FIELD).values_list("pk", flat=True)[:MOST_USERS]
    key = _as_key(users, term)
    if key is None:
        return list(found)
    # By itself: names may be numbers, and too many of them begin with this one.
    return [*found, *users._base_manager.filter(pk=key).values_list("pk", flat=True)]


def _as_key(model: type[Model], term: str) -> Any:
    """Return the term as a primary key of that model, None when it cannot be one."""
    field: Any = model._meta.pk
    try:
        return field.to_python(term)
    except (ValidationError, ValueError, OverflowError):
        return None
