"""What a page has to carry so that its host lets the chat work: the CSRF token and the nonce."""

from django.conf import settings
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template import Context


def token_in_page(request: HttpRequest) -> str:
    """Return the CSRF token where a script cannot read its cookie, which is set either way.

    Where it can, the cookie is newer than the page once somebody has logged in from another tab.
    """
    token = get_token(request)
    is_hidden = settings.CSRF_USE_SESSIONS or settings.CSRF_COOKIE_HTTPONLY
    is_elsewhere = not request.path.startswith(settings.CSRF_COOKIE_PATH)
    is_unknown = settings.CSRF_COOKIE_NAME != "csrftoken"
    return token if is_hidden or is_elsewhere or is_unknown else ""


def nonce_of_page(context: Context) -> str:
    """Return the nonce of the host's Content-Security-Policy, or "" where it has none.

    Django's and django-csp's are false until they are used: each is made, and named in the header,
    when it becomes a text.
    """
    request = context.get("request")
    for nonce in (
        context.get("csp_nonce"),
        getattr(request, "csp_nonce", None),  # django-csp
        getattr(request, "_csp_nonce", None),  # Django 6.0 without its context processor
    ):
        if nonce is not None:
            return str(nonce)
    return ""
