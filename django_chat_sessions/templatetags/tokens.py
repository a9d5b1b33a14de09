"""The CSRF token, where a page has to carry it."""

from django.conf import settings
from django.http import HttpRequest
from django.middleware.csrf import get_token


def token_in_page(request: HttpRequest) -> str:
    """Return the CSRF token where a script cannot read its cookie, which is set either way.

    Where it can, the cookie is newer than the page once somebody has logged in from another tab.
    """
    token = get_token(request)
    is_hidden = settings.CSRF_USE_SESSIONS or settings.CSRF_COOKIE_HTTPONLY
    is_elsewhere = not request.path.startswith(settings.CSRF_COOKIE_PATH)
    is_unknown = settings.CSRF_COOKIE_NAME != "csrftoken"
    return token if is_hidden or is_elsewhere or is_unknown else ""
