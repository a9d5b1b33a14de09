"""The study site's texts: each file parses, and a malformed one says what is wrong and where."""

import re

import pytest
from subjects.passages import TEXTS, Passage, SubjectText, TextError, load_subjects, parse_subject
from subjects.retrieval import sentences

SUBJECTS = load_subjects()

GOOD = """# Optics

How light
travels.

## Mirrors

They reflect.

They also break.

## Lenses
They refract.

## Questions to try

- What is a mirror?
- What is a lens?
"""


def test_a_text_is_parsed_into_its_parts() -> None:
    subject = parse_subject(GOOD, slug="optics", source="optics.md")
    assert (subject.name, subject.slug) == ("Optics", "optics")
    assert subject.description == "How light travels."
    assert subject.passages == (
        Passage(1, "Mirrors", "They reflect.\n\nThey also break."),
        Passage(2, "Lenses", "They refract."),
    )
    assert subject.questions == ("What is a mirror?", "What is a lens?")


@pytest.mark.parametrize(
    ("before", "after", "line", "problem"),
    [
        ("# Optics", "Optics", 1, "must begin with"),
        (GOOD, "", 1, "must begin with"),
        ("# Optics", "## Optics", 1, "the first heading must start with “# ”"),
        ("# Optics", "# ", 1, "needs words"),
        ("How light\ntravels.", "", 1, "needs a description"),
        ("## Lenses", "### Lenses", 12, "must start with “## ”, not “### ”"),
        ("## Lenses", "##", 12, "needs words"),
        ("## Lenses", "## mirrors", 12, "was used already in line 6"),
        ("They refract.", "", 12, "“Lenses” has no text"),
        ("## Lenses", "## Questions to try", 12, "only the last section"),
        ("## Questions to try", "## Prisms", 15, "the last section must be"),
        ("- What is a lens?", "What is a lens?", 18, "a question is written"),
        ("- What is a lens?", "- A lens.", 18, "a question is written"),
        ("- What is a mirror?\n- What is a lens?\n", "", 15, "no question to try"),
        (GOOD[GOOD.index("## Mirrors") : GOOD.index("## Questions")], "", 6, "no passage"),
    ],
)
def test_a_malformed_text_names_the_file_and_the_line(
    before: str, after: str, line: int, problem: str
) -> None:
    assert before in GOOD
    with pytest.raises(TextError, match=re.escape(problem)) as caught:
        parse_subject(GOOD.replace(before, after, 1), slug="optics", source="optics.md")
    assert str(caught.value).startswith(f"optics.md, line {line}: ")


def test_there_are_seven_subjects_with_distinct_names_and_web_safe_slugs() -> None:
    assert len(SUBJECTS) == len({subject.name for subject in SUBJECTS}) == 7
    assert len(list(TEXTS.glob("*"))) == 7
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", subject.slug) for subject in SUBJECTS)
    assert sum(len(subject.passages) for subject in SUBJECTS) >= 168


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.slug)
def test_a_subject_is_complete(subject: SubjectText) -> None:
    assert len(subject.passages) >= 24
    assert [passage.number for passage in subject.passages] == list(
        range(1, len(subject.passages) + 1)
    )
    assert len(subject.questions) == 4
    assert 1 <= len(sentences(subject.description)) <= 2


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.slug)
def test_every_passage_is_a_readable_explanation(subject: SubjectText) -> None:
    for passage in subject.passages:
        assert 70 <= len(passage.text.split()) <= 130, passage.title
        assert len(sentences(passage.text)) >= 3, passage.title
        assert len(passage.title) <= 60
        assert re.search(r"[.?!]$", passage.text), passage.title
        assert not re.search(r"[<>`_]|\*\*|\s{3}|\bTODO\b", passage.text), passage.title


def test_no_sentence_is_written_twice() -> None:
    said = [
        sentence
        for subject in SUBJECTS
        for passage in subject.passages
        for sentence in sentences(passage.text)
    ]
    assert len(said) == len(set(said))
