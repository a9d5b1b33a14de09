"""Builds what the site serves, unless it has been built since its sources changed."""

from __future__ import annotations

import runpy

from tests.browser.site import EXAMPLE


def build_site() -> None:
    """Build as `serve.py` does before it serves. Raises its Problem, in one sentence."""
    runpy.run_path(str(EXAMPLE / "serve.py"))["build"]()
