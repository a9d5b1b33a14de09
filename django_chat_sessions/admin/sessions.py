"""Sessions as staff sees them: who, when and how long; what was said, to those who may read it."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.utils import display_for_value
from django.contrib.admin.views.main import SEARCH_VAR
from django.contrib.admin.widgets import url_params_from_lookup_dict
from django.contrib.auth import get_permission_codename
from django.db import router
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _

from django_chat_sessions import clock, get_message_model, services
from django_chat_sessions.admin.crumbs import crumbs
from django_chat_sessions.admin.lists import FirstPages, SessionList, StateFilter, found_by
from django_chat_sessions.admin.purging import PurgedWith
from django_chat_sessions.admin.statistics import statistics_page
from django_chat_sessions.models import AbstractChatSession, EndReason, ReplyState
from django_chat_sessions.services.excerpts import is_storable

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = admin.ModelAdmin

TEMPLATES = "django_chat_sessions/admin"
PAGE = 50  # messages on one page of a conversation
# What an address may filter by. Any other column would be searched by it, also what people wrote.
FILTERS = frozenset({"id", "pk", "user", "visitor_key", "scope"})


class ChatSessionAdmin(_Admin):
    """Sessions, their conversations, and statistics. Nothing is added or changed by hand.

    Permissions of the session's model: *view* sees who, when and how long, *change* may end,
    *delete* may purge. *View* of the message's model, beside it, reads what was said.
    """

    list_display = ("id", "owner", "scope", "session_state", "message_count", "last_message_at")
    list_select_related = ()  # no join: the accounts may be in another database
    list_filter = (StateFilter,)
    search_fields = ("id",)  # opens the box; get_search_results says what is searched
    search_help_text = _("Session id, user id, beginning of the username, or stored visitor key")
    sortable_by = ()
    ordering = ("-pk",)  # ids rise with time, and every database has them in order
    paginator = FirstPages
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each would be a COUNT over the table
    actions = ("end_chosen",)
    change_form_template = f"{TEMPLATES}/session.html"
    change_list_template = f"{TEMPLATES}/sessions.html"
    fields = (
        "id",
        "owner",
        "visitor_key",
        "scope",
        "session_state",
        "started_at",
        "last_activity_at",
        "last_message_at",
        "expires_at",
        "ended_at",
        "final_reason",
        "deleted",
        "message_count",
        "previous",
    )
    readonly_fields = fields

    class Media:
        css = {"all": ("django_chat_sessions/admin.css",)}

    @admin.display(description=_("state"))
    def session_state(self, session: AbstractChatSession) -> str:
        """The state in words, derived."""
        return str(session.state(clock.now()).label)

    @admin.display(description=_("end reason"))
    def final_reason(self, session: AbstractChatSession) -> str:
        """Why it is over, in words; what a sweep would store where none has passed."""
        reason = session.final_reason(clock.now())
        return str(dict(EndReason.choices).get(reason, reason)) or "-"

    @admin.display(description=_("deleted at"))
    def deleted(self, session: AbstractChatSession) -> str:
        """When its owner deleted it; the column has no name that could be translated."""
        return str(display_for_value(session.deleted_at, "-"))

    @admin.display(description=_("owner"))
    def owner(self, session: AbstractChatSession) -> str:
        """The user's name, or how the stored key of a visitor begins."""
        user: Any = session.user
        if user is not None:
            return str(user.get_username())
        return f"{session.visitor_key[:8]}…" if session.visitor_key else "-"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _may(request, "view", self.model) or self.has_end_permission(request)

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Whether this person may end sessions."""
        return _may(request, "change", self.model)

    def has_content_permission(self, request: HttpRequest) -> bool:
        """Whether this person may read what was said: titles, previews and messages."""
        return _may(request, "view", get_message_model())

    def get_urls(self) -> list[Any]:
        """Put the statistics beside the list."""
        opts = self.model._meta
        view = self.admin_site.admin_view(self.statistics)
        name = f"{opts.app_label}_{opts.model_name}_statistics"
        return [path("statistics/", view, name=name), *super().get_urls()]

    def statistics(self, request: HttpRequest) -> HttpResponse:
        """Figures and charts; no content."""
        return statistics_page(self, request)

    # The list

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return SessionList

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Refuse what would tell something of a text by whether its row is listed."""
        first = lookup.partition("__")[0]
        given: Any = self.get_list_filter(request)
        filters = [one[0] if isinstance(one, tuple) else one for one in given]
        names = [str(getattr(one, "parameter_name", one)) for one in filters]
        offered = {name.partition("__")[0] for name in [*names, self.date_hierarchy or ""]}
        return (
            (first in FILTERS | offered or _is_of_a_popup(self.model, lookup, value))
            and is_storable(str(value))  # PostgreSQL looks for no NUL: a 500
            and super().lookup_allowed(lookup, value, request)
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("user")

    def get_ordering(self, request: HttpRequest) -> Any:
        # In id order a planner may walk the whole table rather than the index of the owner.
        found = request.GET.get(SEARCH_VAR)
        return ("-last_message_at", "-pk") if found else super().get_ordering(request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (found_by(term, queryset) if term else queryset), False

    # One session

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        session = kwargs.get("obj")
        if session is not None and self.has_content_permission(request):
            wanted = request.GET.get("before", "")
            before = int(wanted) if re.fullmatch(r"[0-9]{1,9}", wanted) else None
            page = services.read_for_staff(session, request.user, limit=PAGE, before=before)
            now = clock.now()
            said = [(message, _state_of(message, now)) for message in page.messages]
            context |= {"conversation": page, "said": said, "is_newest": before is None}
            context["query"] = request.GET
        return super().render_change_form(request, context, *args, **kwargs)

    # Ending and deleting

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> Any:
        if request.POST.get("select_across") == "1":
            self.message_user(request, _("Choose the sessions one by one."), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        return super().response_action(request, queryset, *args, **kwargs)

    @admin.action(description=_("End the chosen sessions"), permissions=["end"])
    def end_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Ask, then end them with reason ``staff``; 1 statement for each that is open."""
        chosen = list(queryset)
        now = clock.now()
        active = [session for session in chosen if session.is_active(now)]
        if not request.POST.get("post"):
            return self._ask_to_end(request, chosen, active)
        ended = [
            session
            for session in active
            if services.end(session, EndReason.STAFF.value).end_reason == EndReason.STAFF
        ]
        for session in ended:
            self.log_change(request, session, str(EndReason.STAFF.label))
        said = _("Sessions ended: %(ended)s. Over already: %(over)s.")
        counts = {"ended": len(ended), "over": len(chosen) - len(ended)}
        self.message_user(request, said % counts, messages.SUCCESS)
        return None

    def _ask_to_end(
        self, request: HttpRequest, chosen: list[Any], active: list[Any]
    ) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("End the chosen sessions"),
            "opts": self.model._meta,
            "chosen": chosen,
            "active": active,
            **crumbs(),
            "list_address": request.get_full_path(),
            "action_checkbox_name": helpers.ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, f"{TEMPLATES}/end.html", context)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[Any], list[Any]]:
        """Say what a purge takes with it. The messages are counted by their sessions, not read."""
        chosen = list(objs)
        collector = PurgedWith(using=router.db_for_write(self.model), origin=chosen)
        collector.collect_all(chosen)
        counts: Counter[str] = Counter()
        missing = set()
        found: Any = collector.model_objs
        for model, rows in found.items():
            counts[str(model._meta.verbose_name_plural)] += len(rows)
            known = self.admin_site.is_registered(model)
            if known and not self.admin_site.get_model_admin(model).has_delete_permission(request):
                missing.add(model._meta.verbose_name)
        written = sum(session.message_count for session in chosen)
        counts[str(get_message_model()._meta.verbose_name_plural)] = written
        return [str(one) for one in chosen], counts, missing, [str(o) for o in collector.protected]

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        services.purge_chosen([obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        services.purge_chosen(list(queryset))


def _is_of_a_popup(model: type[Any], lookup: str, value: Any) -> bool:
    """Whether a host's field offers no other sessions: its popup opens the list with that."""
    limits = (one() if callable(one) else one for one in model._meta.related_fkey_lookups)
    return any((lookup, value) in url_params_from_lookup_dict(one).items() for one in limits)


def _state_of(message: Any, now: datetime) -> str:
    """Return how far a reply has come, in words: nobody writes one whose worker is dead."""
    state = message.reply_state(now)
    return str(dict(ReplyState.choices).get(state, state))


def _may(request: HttpRequest, action: str, model: type[Any]) -> bool:
    opts = model._meta
    name = f"{opts.app_label}.{get_permission_codename(action, opts)}"
    return bool(request.user.has_perm(name))
