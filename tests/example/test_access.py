"""Every address of the study site: who gets what, from which method, framed by nobody."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.attack.matrix import METHODS, everything, served

# A visitor and a student; a method without a row gets what GET does, and changes nothing.
TABLE: dict[str, dict[str, tuple[int, int]]] = {
    "": {"GET": (200, 200)},
    "subjects/<int:pk>/": {"GET": (200, 200)},
    "plain/": {"GET": (200, 200)},
    "gallery/": {"GET": (200, 200)},
    "login/": {"GET": (200, 302), "POST": (403, 403), "PUT": (403, 403), "FOO": (403, 403)},
    "logout/": {"GET": (405, 405), "POST": (403, 403)},
}
ELSEWHERE = ("chat/", "admin/")  # which have tables of their own


def test_z18_every_page_has_a_row() -> None:
    found = {route for route in served("") if not route.startswith((*ELSEWHERE, "^", "{"))}
    assert found == set(TABLE)


@pytest.mark.parametrize("who", ["visitor", "student"])
def test_z18_no_page_changes_anything_without_a_token_or_is_framed(
    client: Client, physics: Any, who: str
) -> None:
    if who == "student":
        assert client.login(username="student", password="student-pass")
    client.handler.enforce_csrf_checks = True
    before = everything()
    for route, row in TABLE.items():
        path = "/" + route.replace("<int:pk>", str(physics.pk))
        for method in METHODS:
            response = client.generic(method, path)
            if method in row:
                assert response.status_code == row[method][who == "student"], (method, route)
            assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
            assert response.status_code < 500
    assert everything() == before


def test_z12_a_login_cannot_be_forged(site: Any) -> None:
    """Whoever is logged in by another site would write into an account of that site's."""
    client = Client(enforce_csrf_checks=True)
    right = {"username": "student", "password": "student-pass"}
    assert client.post("/login/", right).status_code == 403
    client.get("/login/")
    token = client.cookies["csrftoken"].value
    forged = {**right, "csrfmiddlewaretoken": token}
    assert (
        client.post("/login/", forged, headers={"Origin": "https://evil.example"}).status_code
        == 403
    )
    assert "xp_session" not in client.cookies
    assert client.post("/login/", forged).status_code == 302
