from __future__ import annotations

from django.contrib import admin

from django_chat_sessions.admin import ChatSessionAdmin
from django_chat_sessions.default_models.models import ChatSession

admin.site.register(ChatSession, ChatSessionAdmin)
