"""Sphinx builds the documentation from this: `tox run -e docs`."""

import django
from django.conf import settings

# Autodoc imports models; what the tests need is not installed here.
settings.configure(
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django_chat_sessions",
        "django_chat_sessions.default_models",
    ],
)
django.setup()

from django_chat_sessions import __version__  # noqa: E402

project = "django-chat-sessions"
author = "django-chat-sessions contributors"
copyright = f"2026, {author}"  # noqa: A001
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
pygments_style = "default"

autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
add_module_names = False
python_use_unqualified_type_names = True
nitpicky = True
nitpick_ignore_regex = [
    # No inventories are fetched, so that the documentation builds without a network.
    (r"py:.*", r"(?!django_chat_sessions).*"),
]

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
