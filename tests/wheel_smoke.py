"""Prove that the installed package is complete: run by the tox envs `wheel` and `sdist`.

It knows nothing of the checkout: a throw-away Django project in the current folder uses what was
installed, with Django and django-model-utils and no extra.
"""

import importlib.metadata
import re
import sys
from importlib.resources import files
from pathlib import Path

import django
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.template.loader import get_template
from django.utils.translation import gettext, override

DISTRIBUTION = "django-chat-sessions"
PACKAGE = "django_chat_sessions"


def main() -> None:
    """Check the files, then use them as a host would."""
    contents = [str(path) for path in importlib.metadata.files(DISTRIBUTION) or []]
    check_files(contents)
    configure()
    call_command("check", fail_level="WARNING")
    call_command("migrate", verbosity=0)
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    for path in contents:
        if found := re.match(rf"{PACKAGE}(?:/contrib/\w+)?/templates/(.+)", path):
            get_template(found[1])
        if found := re.match(rf"{PACKAGE}/static/(.+)", path):
            expect(finders.find(found[1]), f"{found[1]} is not found by staticfiles")
    call_command("clear_chat_sessions")
    with override("de"):
        expect(gettext("Your chats") == "Deine Chats", "the German texts are not found")
    print(
        f"{DISTRIBUTION} {importlib.metadata.version(DISTRIBUTION)}: {len(contents)} files, usable."
    )


def check_files(contents: list[str]) -> None:
    """What is not Python code is easily forgotten by a build, and a checkout hides that."""
    alien = [
        path for path in contents if not re.match(rf"{PACKAGE}/|{PACKAGE}-.+\.dist-info/", path)
    ]
    expect(not alien, f"the wheel holds more than the package: {alien}")
    package = files(PACKAGE)
    checkout = Path(__file__).parents[1]
    expect(not Path(str(package)).is_relative_to(checkout / PACKAGE), "the checkout was imported")
    for needed in ("py.typed", "api/openapi.yaml"):
        expect(package.joinpath(needed).is_file(), f"{needed} is missing")
    for kind in (r"static/.+\.js", r"static/.+\.css", r"templates/.+\.html", r"locale/.+\.mo"):
        expect(any(re.match(f"{PACKAGE}/{kind}$", path) for path in contents), f"no {kind}")
    for notice in ("LICENSE", r".+/chat-sessions\.js\.LICENSE\.txt"):  # ours, and React's
        licence = any(re.search(rf"\.dist-info/licenses/{notice}$", path) for path in contents)
        expect(licence, f"the licence {notice} is missing")


def configure() -> None:
    """Set up a project with ready-made tables, as the README's first steps do."""
    settings.configure(
        SECRET_KEY="throw-away",
        ALLOWED_HOSTS=["localhost"],
        ROOT_URLCONF="django_chat_sessions.urls",
        INSTALLED_APPS=[
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.messages",
            "django.contrib.sessions",
            "django.contrib.staticfiles",
            PACKAGE,
            f"{PACKAGE}.default_models",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            },
        ],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": ":memory:",
                "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
            }
        },
        STATIC_URL="static/",
        USE_TZ=True,
    )
    django.setup()


def expect(condition: object, otherwise: str) -> None:
    """Leave with one sentence when something is missing."""
    if not condition:
        sys.exit(f"{DISTRIBUTION} as installed is not complete: {otherwise}.")


if __name__ == "__main__":
    main()
