from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path
from subjects import views

urlpatterns = [
    path("", views.home, name="home"),
    path("subjects/<int:pk>/", views.subject, name="subject"),
    path("plain/", views.plain, name="plain"),
    path("gallery/", views.gallery, name="gallery"),
    path("chat/", include("django_chat_sessions.urls")),
    path("login/", auth.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", views.LogOut.as_view(), name="logout"),
    path("admin/", admin.site.urls),
]
