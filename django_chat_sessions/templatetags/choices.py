"""The words that an argument of a tag may be."""

from __future__ import annotations

import logging
from typing import Any

logger = logging.getLogger(__name__)

# The first one is taken where nothing is given, or a word that is not among them.
CHOICES = {
    "variant": ("sidebar", "dropdown"),
    "history": ("dropdown", "sidebar", "none"),
    "layout": ("panel", "full", "floating"),
    "theme": ("", "light", "dark"),
}


def chosen(argument: str, given: Any) -> str:
    """Return the word that was given; for another the first one, and say so in the log."""
    known = CHOICES[argument]
    if given in known:
        return str(given)
    if given:  # a variable that is not there leaves ""
        logger.warning(
            "A chat tag was given %s=%r; give one of %s.",
            *(argument, given, ", ".join(filter(None, known))),
        )
    return known[0]
