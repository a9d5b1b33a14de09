"""Any authentication class of Django REST Framework, as one of our authenticators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

from django_chat_sessions.exceptions import NotAuthenticated
from django_chat_sessions.owners import REFUSED_BY_DRIVER, Owner, may_be_user

if TYPE_CHECKING:
    from django.http import HttpRequest


class RestFramework:
    """Any authentication class of Django REST Framework; it does its own CSRF checks."""

    by_cookie = False

    def __init__(self, authentication_class: type) -> None:
        from rest_framework import authentication as known  # noqa: PLC0415

        self.authentication_class = authentication_class
        # What a browser has been told once, or a proxy knows of it, goes along from other sites.
        by_itself = (known.BasicAuthentication, known.RemoteUserAuthentication)
        self.by_password = issubclass(authentication_class, by_itself)
        self.is_basic = issubclass(authentication_class, known.BasicAuthentication)

    def authenticate(self, request: HttpRequest) -> Owner | None:
        # Imported late: only hosts that name such a class have the framework.
        from rest_framework.exceptions import APIException  # noqa: PLC0415
        from rest_framework.request import Request  # noqa: PLC0415

        try:
            found = self.authentication_class().authenticate(Request(request))
            who = None if found is None else found[0]
            key = getattr(who, "pk", None)
            if key is None or not may_be_user(who):  # a service may be let in without being a user
                return None
            # A token's own idea of a user may have the id as text.
            return Owner(user_id=get_user_model()._meta.pk.to_python(key))
        except APIException as error:
            raise NotAuthenticated(str(error.detail)) from error
        except (*REFUSED_BY_DRIVER, ValidationError) as error:
            raise NotAuthenticated("These credentials cannot be anybody's.") from error
