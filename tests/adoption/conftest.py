"""The shapes have settings of their own, in a process that `test_own_settings.py` starts."""

from __future__ import annotations

from django.conf import settings

IS_SHAPES = settings.SETTINGS_MODULE == "tests.settings.adoption"
OWN = ["test_shapes.py", "test_dirty_rows.py", "test_large_table.py", "test_concurrently.py"]
collect_ignore = ["test_own_settings.py"] if IS_SHAPES else OWN
