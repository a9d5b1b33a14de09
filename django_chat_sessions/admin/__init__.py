"""Admin classes to register or subclass; this package registers nothing."""

from django_chat_sessions.admin.sessions import ChatSessionAdmin

__all__ = ["ChatSessionAdmin"]
