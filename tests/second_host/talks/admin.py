from __future__ import annotations

from django.contrib import admin

from django_chat_sessions.admin import ChatSessionAdmin
from tests.second_host.talks.models import Talk

admin.site.register(Talk, ChatSessionAdmin)
