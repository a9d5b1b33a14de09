"""The way back from a page of ours to the list of sessions, as Django's own pages show it."""

from __future__ import annotations

import django
from django.utils.translation import gettext


def crumbs() -> dict[str, object]:
    """Return what ``crumbs.html`` needs besides ``opts`` and ``title``."""
    # Django's own word; and the markup that its stylesheet knows, which is another since 6.1.
    return {"home": gettext("Home"), "crumbs_are_listed": django.VERSION >= (6, 1)}
