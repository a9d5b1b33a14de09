"""A site of one shape, moved between its migrations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.test import override_settings

OLD, ADOPTED = "0001_old", "0004_adopt"


def migrate(app: str, name: str) -> Any:
    """Go to a migration of the app, and return the models as they are there."""
    return executor().migrate([(app, name)]).apps


def executor() -> MigrationExecutor:
    """Return what migrates one of the shapes."""
    made = MigrationExecutor(connection)
    # Most of what would be rendered anew for each step are other shapes, to which nothing leads.
    made.loader.unmigrated_apps &= {"auth", "contenttypes"}
    return made


@contextmanager
def old_site(app: str) -> Iterator[Any]:
    """Give the site as it was before; afterwards it has its tables of today, without a row."""
    mine = (app, "people")
    others = {label: None for label in settings.MIGRATION_MODULES if label not in mine}
    today = list(apps.get_app_config(app).get_models())
    with override_settings(MIGRATION_MODULES=others):
        _tables("delete_model", today[::-1])
        MigrationRecorder(connection).record_applied("people", "0001_initial")
        try:
            yield migrate(app, OLD)
        finally:
            # Where the messages were first, the sessions that they lead to now go before them.
            with connection.constraint_checks_disabled():
                _tables("delete_model", _on(app)[::-1])
            MigrationRecorder(connection).migration_qs.filter(app__in=mine).delete()
            _tables("create_model", today)


def _on(app: str) -> list[Any]:
    """Return the models that the app has tables of."""
    loader = executor().loader
    state = loader.project_state(list(loader.applied_migrations))
    return list(state.apps.get_app_config(app).get_models())


def _tables(change: str, models: list[Any]) -> None:
    with connection.schema_editor() as editor:
        for model in models:
            getattr(editor, change)(model)


def rows(models: Any, app: str) -> dict[str, dict[Any, dict[str, Any]]]:
    """Return everything in the app's tables, by table and key."""
    return {
        model.__name__: {row["id"]: row for row in model.objects.values()}
        for model in models.get_app_config(app).get_models(include_auto_created=True)
    }
