"""B-24, short: bytes, and what our encoders made with bytes changed, through every parser."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks import fuzz
from tests.attack.parsers import PARSERS, Parser

EXAMPLES = 60  # `python -m benchmarks.fuzz` tries some hundred thousand


def changed(parser: Parser) -> st.SearchStrategy[bytes]:
    """Return bytes of any kind, and seeds with a piece replaced."""
    seeds = st.sampled_from(parser.seeds())
    spliced = st.builds(
        lambda seed, start, length, piece: seed[:start] + piece + seed[start + length :],
        seeds,
        st.integers(0, 200),
        st.integers(0, 8),
        st.binary(max_size=8) | st.sampled_from([b"\x00", b"\xed\xa0\x80", b"null", b"[", b"-1"]),
    )
    return st.one_of(st.binary(max_size=60), spliced)


@pytest.mark.parametrize("parser", PARSERS.values(), ids=lambda parser: parser.name)
def test_b24_whatever_comes_is_refused_as_documented_or_taken_as_it_is(parser: Parser) -> None:
    @settings(max_examples=EXAMPLES, database=None, suppress_health_check=list(HealthCheck))
    @given(changed(parser))
    def holds(data: bytes) -> None:
        parser.check(data)

    for seed in parser.seeds():
        parser.check(seed)
    holds()


def test_a_broken_promise_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A parser that takes what was never given out fails its check."""
    from django_chat_sessions.authentication import AnonymousCookie
    from django_chat_sessions.owners import Owner

    anybody = Owner.for_visitor("anybody")
    monkeypatch.setattr(AnonymousCookie, "authenticate", lambda self, request: anybody)
    with pytest.raises(AssertionError):
        PARSERS["visitor cookie"].check(b"forged")


def test_without_atheris_the_command_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fuzz, "find_spec", lambda name: None)
    assert fuzz.main([]) == 1
    assert "pip install atheris" in capsys.readouterr().err
    assert fuzz.main(["--seconds", "0"]) == 1
