from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChatSessionsConfig(AppConfig):
    """The core app: no tables, no queries and no threads at start."""

    name = "django_chat_sessions"
    verbose_name = _("Chat sessions")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Registers the system checks; models must be loaded before.
        from django.contrib.auth.signals import user_logged_in, user_logged_out  # noqa: PLC0415

        from django_chat_sessions.checks import (  # noqa: PLC0415
            columns,  # noqa: F401  (and the others)
            databases,  # noqa: F401
            methods,  # noqa: F401
        )
        from django_chat_sessions.login import (  # noqa: PLC0415
            claim_visitors_chats,
            let_streams_end,
        )

        user_logged_in.connect(claim_visitors_chats, dispatch_uid="chat_sessions_claim")
        user_logged_out.connect(let_streams_end, dispatch_uid="chat_sessions_streams_end")
