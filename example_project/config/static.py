"""Collected static files, served by the same process; behind a web server let that do it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.staticfiles import StaticFiles

HASHED = re.compile(r"-[\w-]{8}\.\w+$")
FOR_EVER = "public, max-age=31536000, immutable"


class CollectedFiles(StaticFiles):
    """Names that Vite made from the content never change; all others are asked for again."""

    def file_response(self, full_path: str | os.PathLike[str], *args: Any, **more: Any) -> Response:
        response = super().file_response(full_path, *args, **more)
        path = Path(full_path)
        hashed = path.parent.name == "assets" and HASHED.search(path.name)
        response.headers["Cache-Control"] = FOR_EVER if hashed else "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
