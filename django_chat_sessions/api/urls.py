from __future__ import annotations

from django.urls import path, re_path

from django_chat_sessions.api import downloads, pages, views

urlpatterns = [
    path("openapi.yaml", views.Contract.as_view(), name="contract"),
    path("messages", views.Messages.as_view(), name="messages"),
    path("sessions", views.Sessions.as_view(), name="sessions"),
    path("sessions/current", views.CurrentSession.as_view(), name="current_session"),
    path("sessions/search", views.Search.as_view(), name="search"),
    path("sessions/<str:session_id>", views.Session.as_view(), name="session"),
    path("sessions/<str:session_id>/messages", views.Transcript.as_view(), name="transcript"),
    path("sessions/<str:session_id>/end", views.EndSession.as_view(), name="end_session"),
    path("sessions/<str:session_id>/reopen", views.ReopenSession.as_view(), name="reopen_session"),
    path("sessions/<str:session_id>/restore", views.RestoreSession.as_view(), name="restore"),
    path("sessions/<str:session_id>/stop", views.StopReply.as_view(), name="stop_reply"),
    path("sessions/<str:session_id>/retry", views.RetryReply.as_view(), name="retry_reply"),
    path("sessions/<str:session_id>/read", views.MarkRead.as_view(), name="mark_read"),
    path("updates", views.Updates.as_view(), name="updates"),
    path("sessions/<str:session_id>/touch", views.TouchSession.as_view(), name="touch_session"),
    # For people without JavaScript; no part of the contract, which is about JSON.
    path("sessions/current/page", pages.CurrentPage.as_view(), name="current_page"),
    path("sessions/<str:session_id>/page", pages.SessionPage.as_view(), name="session_page"),
    path("export", downloads.ExportSessions.as_view(), name="export_sessions"),
    path(
        "sessions/<str:session_id>/export", downloads.ExportSession.as_view(), name="export_session"
    ),
    # Whatever else is asked for below this prefix gets the API's own 404, not a page.
    re_path(r"^[\s\S]+$", views.Nowhere.as_view(), name="nowhere"),
]
