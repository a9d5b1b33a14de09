"""Export: all of the owner's and nothing else, in forms that no content can break."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from django_chat_sessions import clock, get_message_model, get_session_model
from django_chat_sessions import services as chat_sessions
from django_chat_sessions.owners import Owner
from django_chat_sessions.services import portability
from django_chat_sessions.services.formats import (
    FORMULA,
    Csv,
    Json,
    Markdown,
    harmless,
    message_facts,
    session_facts,
)
from tests.conversations import configure, fill, messages_of, somebody_else, talked
from tests.services.test_erasure import a_full_account

MODEL: Any = get_session_model()


def text(*pieces: Any) -> str:
    return "".join(*pieces)


@pytest.mark.django_db
def test_p02_the_document_holds_all_of_the_owners_and_equals_the_database(
    owner: Owner, noon: Any
) -> None:
    a_full_account(somebody_else())
    a_full_account(owner)
    chat_sessions.send(owner, "Why?", key="key-00000001", scope="s")
    document = json.loads(text(chat_sessions.export(owner)))
    assert (document["format"], document["version"]) == ("django-chat-sessions", 1)
    mine = MODEL.objects.owned_by(owner).order_by("pk")
    assert [each["id"] for each in document["sessions"]] == [str(row.pk) for row in mine]
    for each, row in zip(document["sessions"], mine, strict=True):
        for name in ("scope", "title", "preview", "unread", "end_reason"):
            assert each[name] == getattr(row, name)
        for name in ("started_at", "last_activity_at", "last_message_at", "expires_at", "ended_at"):
            value = getattr(row, name)
            assert each[name] == (value and value.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
        said = [(one["id"], one["content"], one["position"]) for one in each["messages"]]
        stored = messages_of(row).in_order().values_list("pk", "content", "position")
        assert said == [(str(pk), content, position) for pk, content, position in stored]
    assert "Deleted" not in json.dumps(document)


@pytest.mark.django_db
def test_messages_stand_in_the_order_in_which_they_were_said_whatever_their_ids_are(
    owner: Owner,
) -> None:
    session = talked(owner)
    fill(session, 4)
    for row, place in zip(messages_of(session).order_by("position"), (13, 12, 11, 10), strict=True):
        messages_of(session).filter(pk=row.pk).update(position=place)
    [told] = json.loads(text(chat_sessions.export(owner)))["sessions"]
    assert [each["position"] for each in told["messages"]] == [10, 11, 12, 13]


@pytest.mark.django_db
def test_an_export_is_made_while_it_is_read(owner: Owner, statements: Any, settings: Any) -> None:
    configure(settings, RESPONDER=None)
    session = talked(owner, scope="long")
    fill(session, 1_100)
    with statements() as sent:
        pieces = chat_sessions.export(owner)
        assert sent == []
        assert len(list(pieces)) > 1_100
    assert len(sent) == 5  # 2 looks for sessions, 3 pages of messages
    with statements() as sent:
        one = json.loads(text(chat_sessions.export_session(session)))
    assert (len(sent), len(one["sessions"][0]["messages"])) == (3, 1_100)


def test_what_is_open_has_no_end_whatever_a_hosts_row_says() -> None:
    now = clock.now()
    later = clock.after(now, 60)
    row = MODEL(open_key=uuid4(), expires_at=later, ended_at=now, end_reason="idle")
    told = session_facts(row, now)
    assert (told["state"], told["ended_at"], told["end_reason"]) == ("active", None, "")
    told = session_facts(row, later)
    assert (told["state"], told["ended_at"], told["end_reason"]) == (
        "expired",
        clock.iso(later),
        "idle",
    )


def test_metadata_is_in_it_and_of_a_hosts_row_without_any_an_object_too() -> None:
    """Which is what an import asks for."""
    now, known = clock.now(), {"course": [1, "two"]}
    of_both: Any = ((MODEL, session_facts), (get_message_model(), message_facts))
    for model, facts in of_both:
        assert facts(model(metadata=known), now)["metadata"] == known
        assert facts(model(metadata=None), now)["metadata"] == {}


def test_what_became_of_a_session_and_of_an_answer_is_in_it() -> None:
    now = clock.now()
    names = ("started_at", "opened_at", "pinned_at", "archived_at")
    moments = {name: clock.after(now, number) for number, name in enumerate(names)}
    told = session_facts(MODEL(unread=True, **moments), now)
    assert told["unread"] is True
    assert {name: told[name] for name in names} == {
        name: clock.iso(moment) for name, moment in moments.items()
    }
    assert message_facts(get_message_model()(attempt=3), now)["attempt"] == 3


def test_json_has_of_a_hosts_old_row_only_what_can_be_imported() -> None:
    """SQLite keeps NUL in a text, and half a pair of surrogates in JSON."""
    row = MODEL(title="a\x00b", metadata={"a\x00": ["\ud83d", 1, None, "\u00e9"]})
    message = get_message_model()(content="c\x00", metadata={"deep": [{"b": "\udfff"}]})
    written = text(Json().session(row, [message], clock.now()))
    assert json.loads(written.encode()) == {
        **session_facts(row, clock.now()),
        "title": "a\ufffdb",
        "metadata": {"a\ufffd": ["\ufffd", 1, None, "\u00e9"]},
        "messages": [
            {
                **message_facts(message, clock.now()),
                "content": "c\ufffd",
                "metadata": {"deep": [{"b": "\ufffd"}]},
            }
        ],
    }


@pytest.mark.django_db
def test_sessions_are_read_in_batches(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    for scope in "abcde":
        talked(owner, scope, scope)
    monkeypatch.setattr(portability, "BATCH", 2)
    document = json.loads(text(chat_sessions.export(owner)))
    assert [each["scope"] for each in document["sessions"]] == list("abcde")


@pytest.mark.parametrize("form", ["xml", "JSON", ""])
def test_a_form_that_does_not_exist_is_refused_at_once(form: str) -> None:
    with pytest.raises(ValueError, match="known are json, markdown, csv"):
        chat_sessions.export(somebody_else(), form)
    with pytest.raises(ValueError, match="known are json, markdown, csv"):
        chat_sessions.export_name(form)


# What people write cannot break the form. No database is needed for that.

HOSTILE = st.text(
    st.one_of(
        st.sampled_from(list("`~<>#*_-=+@'\"|&![]()\\/ \n\r\tab1.\u2028\x0b")),
        st.characters(exclude_categories=["Cs"], exclude_characters="\x00"),
    ),
    max_size=60,
) | st.sampled_from(
    [
        "```\n</blockquote><script>alert(1)</script>",
        "- a\n\n  ```\n</blockquote>",
        "  ```\n```\n</blockquote>\n# Free",
        "~~~ a\n<b>\n~~~\n</blockquote>",
        "````\n```\n</blockquote>\n````\n<i>",
        "\n\n# Another title\n---\n",
        "<!-- ",
        "    </blockquote>",
        "```\n```\u00a0\n```\n</blockquote>",
        "~~~\n~~~\x0b\n~~~\n<b>",
        "```|\n|-|\n|<b>",
    ]
)


def conversation(*contents: str, title: str = "Title") -> tuple[Any, list[Any]]:
    session = MODEL(title=title, scope="s")
    model: Any = get_message_model()
    said = [
        model(role="user", content=content, position=position)
        for position, content in enumerate(contents)
    ]
    return session, said


def written(form: Any, session: Any, said: list[Any]) -> str:
    now = clock.now()
    return text([form.begin(now), *form.session(session, said, now), form.end()])


@given(st.lists(HOSTILE, min_size=1, max_size=3), HOSTILE)
def test_markdown_cannot_be_broken_by_what_was_said(contents: list[str], title: str) -> None:
    shown = written(Markdown(), *conversation(*contents, title=title))
    tokens = MarkdownIt("commonmark").parse(shown)
    top = [token.type for token in tokens if token.level == 0 and token.nesting >= 0]
    # A title, then for each message who spoke and a quotation, and nothing beside them.
    assert top == ["heading_open"] + ["paragraph_open", "blockquote_open"] * len(contents)
    html = [token for token in walked(tokens) if token.type in ("html_block", "html_inline")]
    assert html == []


@pytest.mark.parametrize(
    "content",
    [
        *("```\n```\u00a0\n```\n<b>", "~~~\n~~~\x0b\n~~~\n<b>", "```|\n|-|\n|<b>"),
        *("```\n~~~\n```\n<b>", "~~~\n```\n~~~\n<b>"),
    ],
)
def test_a_fence_is_one_only_where_every_reader_of_markdown_sees_it(content: str) -> None:
    shown = written(Markdown(), *conversation(content))
    read = MarkdownIt("commonmark").enable("table").parse(shown)
    assert [one for one in walked(read) if one.type in ("html_block", "html_inline")] == []


def walked(tokens: list[Any]) -> list[Any]:
    return [one for token in tokens for one in (token, *walked(token.children or []))]


def test_markdown_leaves_code_as_it_is() -> None:
    code = "Look:\n```python\nx: List<int> = a < b\n```\nIs a < b or <b>?"
    shown = written(Markdown(), *conversation(code, "", title="a_b"))
    assert shown == (
        "# a\\_b\n\n**user**\n\n> Look:\n> ```python\n> x: List<int> = a < b\n> ```\n"
        "> Is a < b or &lt;b>?\n\n**user**\n\n>\n\n"
    )


def test_markdown_says_when_it_was_and_how_an_answer_ended() -> None:
    session, _said = conversation(title="")
    model: Any = get_message_model()
    at = datetime(2026, 11, 22, 12, 30, tzinfo=timezone(timedelta(hours=2)))
    states = ("answered", "failed", "stopped", "interrupted")
    said = [model(role="assistant", state=state, created_at=at) for state in states]
    lines = written(Markdown(), session, said).splitlines()
    assert lines[0] == "# …"
    assert [line for line in lines if line.startswith("**")] == [
        f"**assistant**, 2026-11-22 10:30 UTC{how}"
        for how in ("", " (failed)", " (stopped)", " (interrupted)")
    ]


def test_markdown_quotes_what_follows_every_kind_of_line_end() -> None:
    shown = written(Markdown(), *conversation("a\r# b\r\n# c\n# d"))
    assert shown.endswith("\n\n> a\n> # b\n> # c\n> # d\n\n")


@pytest.mark.parametrize("line", ["~" * 60_000 + "`x", "`" * 60_000 + "x`", "~`" * 30_000])
def test_no_line_takes_markdown_long(line: str) -> None:
    """It took 40 seconds, in which the process did nothing else."""
    began = time.monotonic()
    written(Markdown(), *conversation(line))
    assert time.monotonic() - began < 5


@given(st.lists(HOSTILE, min_size=1, max_size=3), HOSTILE)
def test_b19_csv_is_what_it_was_when_read_again_and_no_cell_calculates(
    contents: list[str], title: str
) -> None:
    shown = written(Csv(), *conversation(*contents, title=title))
    lines = list(csv.reader(io.StringIO(shown.removeprefix("\ufeff"), newline="")))
    assert lines[0] == list(Csv.COLUMNS)
    assert [undone(line[-1]) for line in lines[1:]] == contents
    assert {undone(line[1]) for line in lines[1:]} == {title}
    for line in lines[1:]:
        assert not [cell for cell in line if cell.lstrip(" ")[:1] in set(FORMULA) - {"'"}]


def test_csv_begins_with_the_mark_of_utf_8_and_says_nothing_that_a_hosts_row_lacks() -> None:
    session = MODEL(title="Old", scope="s")
    shown = written(Csv(), session, [get_message_model()(role="user", content="é")])
    head, line = shown.splitlines()
    assert head.startswith('\ufeff"session",')
    assert line == f'"{session.pk}","Old","s","","user","","","é"'


def test_csv_says_of_an_answer_whose_worker_is_dead_that_it_was_interrupted() -> None:
    now = clock.now()
    session, _said = conversation()
    left = get_message_model()(role="assistant", state="running", lease_until=now)
    assert '"assistant","interrupted"' in written(Csv(), session, [left])


def undone(cell: str) -> str:
    return cell[1:] if cell.startswith("'") else cell


@pytest.mark.parametrize("start", [*"=+-@\t\r\n'", " =", "\uff1d"])
def test_b19_what_begins_like_a_formula_stands_behind_an_apostrophe(start: str) -> None:
    assert harmless(f"{start}HYPERLINK(1)") == f"'{start}HYPERLINK(1)"
    assert harmless(f"1{start}") == f"1{start}"


@given(st.lists(HOSTILE, max_size=3), HOSTILE)
def test_json_is_json_whatever_was_said(contents: list[str], title: str) -> None:
    session, said = conversation(*contents, title=title)
    [found] = json.loads(written(Json(), session, said))["sessions"]
    assert [one["content"] for one in found["messages"]] == contents
    assert found["title"] == title


@given(HOSTILE)
def test_a_file_name_is_safe_whatever_the_title(title: str) -> None:
    name = chat_sessions.export_name("markdown", MODEL(title=title))
    assert re.fullmatch(r"chat-\d{4}-\d\d-\d\d(-[a-z0-9][a-z0-9-]{0,39})?\.md", name)


def test_a_file_name_says_what_it_is_about(noon: Any) -> None:
    long = MODEL(title="Why is ../../etc/passwd so_long, and what about CON: and NUL?")
    long.started_at = clock.now() - timedelta(days=1)
    name = chat_sessions.export_name("csv", long)
    assert name == "chat-2026-11-21-why-is-etcpasswd-so-long-and-what-about.csv"
    assert chat_sessions.export_name("json") == "chats-2026-11-22.json"
    assert chat_sessions.export_name("json", MODEL(title="光")) == "chat-2026-11-22.json"
