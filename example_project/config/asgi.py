from __future__ import annotations

import os

from django.core.asgi import get_asgi_application
from starlette.applications import Starlette
from starlette.routing import Mount

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
site = get_asgi_application()

from django.conf import settings  # noqa: E402  settings need the line above

from config.static import CollectedFiles  # noqa: E402

application = Starlette(
    routes=[
        Mount(settings.STATIC_URL, CollectedFiles(directory=settings.STATIC_ROOT, check_dir=False)),
        Mount("/", site),
    ]
)
