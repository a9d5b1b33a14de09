from __future__ import annotations

from django.contrib import admin

from django_chat_sessions.admin import ChatSessionAdmin
from subjects.models import ChatSession, Passage, Subject


class PassageInline(admin.TabularInline):
    model = Passage
    extra = 0


@admin.register(Subject)
class SubjectAdmin(admin.ModelAdmin):
    list_display = ("name", "slug")
    inlines = (PassageInline,)


@admin.register(ChatSession)
class XPChatSessionAdmin(ChatSessionAdmin):
    list_filter = (*ChatSessionAdmin.list_filter, "subject")
