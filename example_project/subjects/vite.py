"""What Vite built: its manifest says under which names."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.templatetags.static import static

CHAT = "src/main.tsx"
GALLERY = "src/gallery/main.tsx"


@dataclass(frozen=True, slots=True)
class Bundle:
    """The addresses a page has to load."""

    script: str
    styles: tuple[str, ...]


def bundle(entry: str = CHAT) -> Bundle | None:
    """Return an entry of the built React client, or None when it has not been built."""
    try:
        manifest = json.loads((settings.FRONTEND / ".vite" / "manifest.json").read_text("utf-8"))
        script, styles = manifest[entry]["file"], styles_of(manifest, entry)
    except (OSError, ValueError, KeyError):
        return None
    return Bundle(static(f"xp/{script}"), tuple(static(f"xp/{name}") for name in styles))


def styles_of(manifest: dict[str, Any], name: str) -> list[str]:
    """The stylesheets of a part: first those of what it imports, which it may override."""
    part = manifest[name]
    imported = [style for other in part.get("imports", []) for style in styles_of(manifest, other)]
    return list(dict.fromkeys([*imported, *part.get("css", [])]))
