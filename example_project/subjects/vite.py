"""What Vite built: its manifest says under which names."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.conf import settings
from django.templatetags.static import static

ENTRY = "src/main.tsx"


@dataclass(frozen=True, slots=True)
class Bundle:
    """The addresses a page has to load."""

    script: str
    styles: tuple[str, ...]


def bundle() -> Bundle | None:
    """Return the built React client, or None when it has not been built."""
    try:
        manifest = json.loads((settings.FRONTEND / ".vite" / "manifest.json").read_text("utf-8"))
        entry = manifest[ENTRY]
        script, styles = entry["file"], entry.get("css", [])
    except (OSError, ValueError, KeyError):
        return None
    return Bundle(static(f"xp/{script}"), tuple(static(f"xp/{name}") for name in styles))
