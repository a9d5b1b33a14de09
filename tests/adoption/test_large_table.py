"""Old code writes while its tables are adopted and given back: the benchmark's short form."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from tests.adoption import large_site
from tests.adoption.moving import ADOPTED, OLD, migrate, old_site
from tests.adoption.shapes import SHAPES
from tests.adoption.test_shapes import again

pytestmark = pytest.mark.django_db(transaction=True)
SIZE, EACH = 300, 8
# MariaDB's INSERT does not lock its parent's definition, and may find it gone (MDEV-37365).
MARIADBS_OWN = "(1452, "


def test_m_01_old_code_writes_while_its_tables_are_adopted_and_given_back() -> None:
    user = get_user_model().objects.create(username="ada")
    with old_site("shape_c"):
        large_site.generate(user.pk, SIZE, EACH)
        before = large_site.old_rows(SIZE)
        for target in (ADOPTED, OLD):
            # SQLite makes tables anew: a site on it stops while it migrates.
            if connection.vendor == "sqlite":
                models = migrate("shape_c", target)
            else:
                with large_site.old_code_writing(user.pk) as met:
                    models = migrate("shape_c", target)
                refused = [error for error in met[0].errors if MARIADBS_OWN in error]
                assert met[0].errors == refused
                assert len(refused) < large_site.MOST_TOLD  # it takes them again
                assert met[0].written >= 3
            if target == ADOPTED:
                again(SHAPES[2], models)  # what was written after its rows were counted
                assert large_site.wrong_sessions() == 0
        assert large_site.old_rows(SIZE) == before
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM {large_site.SESSIONS}")  # noqa: S608
            assert cursor.fetchone()[0] >= SIZE
