"""Ids sort by time; digests compare exactly on every database."""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_chat_sessions import get_message_model, get_session_model, ids
from django_chat_sessions.ids import digest, new_primary_key, uuid7
from tests.conversations import is_uuid

texts = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), max_size=4)


@pytest.fixture(params=["own", "chosen"])
def make(request: pytest.FixtureRequest) -> Any:
    """Our own generator and the one in use (Python's from 3.14 on) promise the same."""
    return ids._own_uuid7 if request.param == "own" else uuid7


def test_it_is_a_version_7_uuid_of_the_rfc(make: Any) -> None:
    value = make()
    assert isinstance(value, uuid.UUID)
    assert (value.version, value.variant) == (7, uuid.RFC_4122)


def test_its_first_48_bits_are_unix_milliseconds(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tests that travelled into the future have left both generators there.
    monkeypatch.setattr(ids, "_last_stamp", 0)
    monkeypatch.setattr(uuid, "_last_timestamp_v7", None, raising=False)
    earlier = time.time_ns() // 1_000_000
    stamp = make().int >> 80
    assert earlier <= stamp <= time.time_ns() // 1_000_000


def test_each_sorts_after_the_one_before(make: Any) -> None:
    made = [make() for _ in range(5000)]
    assert made == sorted(set(made))


def test_nobody_can_guess_the_next_from_the_one_before(make: Any) -> None:
    endings = {make().int % 2**32 for _ in range(100)}
    assert len(endings) > 95  # two of them alike are one story in a million
    assert len({ending >> 31 for ending in endings}) == 2


def test_they_keep_rising_when_the_clock_jumps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ids._own_uuid7()
    hour_ago = time.time_ns() - 3600 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: hour_ago)
    after = [ids._own_uuid7() for _ in range(3)]
    assert [before, *after] == sorted({before, *after})


def test_threads_never_get_the_same(make: Any) -> None:
    made: list[uuid.UUID] = []

    def work() -> None:
        made.extend([make() for _ in range(1000)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 4000


@pytest.mark.parametrize("model", [get_session_model, get_message_model])
def test_a_row_has_its_id_before_it_is_saved_where_the_key_is_a_uuid(model: Any) -> None:
    kind = model()
    if kind._meta.pk.get_internal_type() == "UUIDField":
        assert is_uuid(new_primary_key(kind))
        assert is_uuid(kind().pk)
    else:
        assert new_primary_key(kind) is None
        assert kind().pk is None


def test_a_digest_depends_on_every_character_of_every_part() -> None:
    told_apart = [
        digest("abc"),
        digest("ABC"),
        digest("abc "),
        digest("a", "bc"),
        digest("ab", "c"),
        digest("abc", ""),
        digest("", "abc"),
        digest("äbc"),
        digest(),
    ]
    assert len(set(told_apart)) == len(told_apart)


def test_a_digest_is_the_same_in_every_process_and_release() -> None:
    assert digest("open", "user:1", "") == uuid.UUID("3f9f2202-b080-59b9-bfec-d8e021de84f2")


@given(texts)
def test_a_digest_is_a_uuid_of_the_rfc_which_mariadb_insists_on(parts: list[str]) -> None:
    assert (digest(*parts).version, digest(*parts).variant) == (5, uuid.RFC_4122)


@given(texts, texts)
def test_only_equal_parts_have_equal_digests(one: list[str], other: list[str]) -> None:
    assert (digest(*one) == digest(*other)) == (one == other)


@pytest.mark.django_db
def test_every_database_takes_every_digest_and_gives_it_back() -> None:
    model = get_session_model()
    keys = [digest("open", str(number)) for number in range(3000)]
    model.objects.bulk_create([model(open_key=key) for key in keys], batch_size=500)
    assert set(model.objects.values_list("open_key", flat=True)) == set(keys)
