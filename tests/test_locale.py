"""The translations are complete, and the compiled files are those of the sources."""

from __future__ import annotations

import ast
import gettext
import re
from pathlib import Path
from typing import Any

import polib
import pytest
from django.test import Client
from django.utils import translation

import django_chat_sessions

CATALOGUES = sorted(Path(django_chat_sessions.__file__).parent.glob("locale/*/LC_MESSAGES/*.po"))


def test_there_is_a_translation() -> None:
    assert [path.parent.parent.name for path in CATALOGUES] == ["de", "es", "fr"]


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_every_text_is_translated_and_compiled(path: Path) -> None:
    source = polib.pofile(str(path))
    with path.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for entry in source:
        assert entry.translated(), entry.msgid
        assert not entry.fuzzy, entry.msgid
        assert said(entry, compiled) == entry.msgstr


def said(entry: polib.POEntry, words: Any) -> str:
    """What a catalogue, or Django with all of its catalogues, makes of an entry."""
    context = str(entry.msgctxt or "")
    return str(words.pgettext(context, entry.msgid) if context else words.gettext(entry.msgid))


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_no_word_of_an_app_of_django_takes_the_place_of_ours(path: Path, settings: Any) -> None:
    apps = settings.INSTALLED_APPS
    assert apps.index("django.contrib.auth") < apps.index("django_chat_sessions")
    with translation.override(path.parent.parent.name):
        for entry in polib.pofile(str(path)):
            assert said(entry, translation) == entry.msgstr, entry.msgid


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_a_translation_keeps_the_placeholders(path: Path) -> None:
    for entry in polib.pofile(str(path)):
        wanted = {word for word in entry.msgid.split() if word.startswith("%(")}
        assert all(word.rstrip(".,;") in entry.msgstr for word in wanted), entry.msgid


@pytest.mark.django_db
def test_the_api_speaks_the_language_of_the_request(client: Client, settings: Any) -> None:
    settings.MIDDLEWARE = ["django.middleware.locale.LocaleMiddleware", *settings.MIDDLEWARE]
    with translation.override("en"):  # which gives the tests after this one their language back
        answer = client.get("/chat/sessions/none", headers={"Accept-Language": "de"})
    assert answer.status_code == 404
    assert answer.json()["message"] == "Diesen Chat gibt es nicht."


def marked_texts() -> set[str]:
    """Everything in the package that is marked for translation."""
    package = Path(django_chat_sessions.__file__).parent
    marked = set()
    for path in package.glob("templates/**/*.html"):
        marked |= set(re.findall(r'(?:translate |_\()[\'"]([^\'"]+)[\'"]', path.read_text()))
        for text in re.findall(r"{% blocktranslate [^%]*%}(.*?){% end", path.read_text()):
            marked.add(re.sub(r"{{ (\w+) }}", r"%(\1)s", text))
    for path in package.glob("**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            marks = ("_", "pgettext_lazy")
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in marks:
                text = node.args[-1]
                assert isinstance(text, ast.Constant), path
                marked.add(str(text.value))
    return marked


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_the_catalogue_holds_what_the_package_says_and_nothing_else(path: Path) -> None:
    assert {entry.msgid for entry in polib.pofile(str(path))} == marked_texts()
