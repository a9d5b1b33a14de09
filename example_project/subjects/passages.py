"""Read the subjects of the study site from Markdown files. Nothing here knows Django."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TEXTS = Path(__file__).resolve().parent / "texts"
QUESTIONS_HEADING = "Questions to try"


@dataclass(frozen=True, slots=True)
class Passage:
    """One idea, explained: what is retrieved, quoted and cited."""

    number: int
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class SubjectText:
    """Everything one file says about a subject."""

    name: str
    slug: str
    description: str
    passages: tuple[Passage, ...]
    questions: tuple[str, ...]


class TextError(ValueError):
    """A text file that cannot be read; the message names the file and the line."""

    def __init__(self, source: str, line: int, problem: str) -> None:
        super().__init__(f"{source}, line {line}: {problem}")


@dataclass(frozen=True, slots=True)
class _Section:
    """A heading (without its marks), the line it stands on, and the lines below it."""

    heading: str
    line: int
    body: tuple[tuple[int, str], ...]


def load_subjects(folder: Path = TEXTS) -> tuple[SubjectText, ...]:
    """Read every subject in `folder`, ordered by name. Raises TextError."""
    subjects = (load_subject(path) for path in sorted(folder.glob("*.md")))
    return tuple(sorted(subjects, key=lambda subject: subject.name))


def load_subject(path: Path) -> SubjectText:
    """Read one file; its name without the extension is the slug. Raises TextError."""
    return parse_subject(path.read_text(encoding="utf-8"), slug=path.stem, source=path.name)


def parse_subject(markdown: str, slug: str, source: str) -> SubjectText:
    """Parse a subject; `source` is the file name used in error messages.

    Raises TextError when a heading, the description, a passage or the questions are missing,
    empty or repeated.
    """
    subject, *sections = _sections(markdown, source)
    description = " ".join(_paragraphs(subject.body))
    if not description:
        raise TextError(source, subject.line, "the subject needs a description below its name")
    if not sections or sections[-1].heading != QUESTIONS_HEADING:
        line = sections[-1].line if sections else subject.line
        raise TextError(source, line, f"the last section must be “## {QUESTIONS_HEADING}”")
    *explanations, questions = sections
    if not explanations:
        raise TextError(source, questions.line, "there is no passage before the questions")
    return SubjectText(
        name=subject.heading,
        slug=slug,
        description=description,
        passages=_passages(explanations, source),
        questions=_questions(questions, source),
    )


def _sections(markdown: str, source: str) -> list[_Section]:
    headings: list[tuple[str, int]] = []
    bodies: list[list[tuple[int, str]]] = []
    for number, line in enumerate(markdown.splitlines(), start=1):
        marks, _, heading = line.partition(" ")
        if marks and not marks.strip("#"):
            _check_heading(marks, heading.strip(), is_first=not headings, at=(source, number))
            headings.append((heading.strip(), number))
            bodies.append([])
        elif bodies:
            bodies[-1].append((number, line.rstrip()))
        elif line.strip():
            raise TextError(source, number, "the file must begin with “# Subject name”")
    if not headings:
        raise TextError(source, 1, "the file must begin with “# Subject name”")
    return [
        _Section(heading, number, tuple(body))
        for (heading, number), body in zip(headings, bodies, strict=True)
    ]


def _check_heading(marks: str, heading: str, *, is_first: bool, at: tuple[str, int]) -> None:
    expected = "#" if is_first else "##"
    if marks != expected:
        kind = "the first heading" if is_first else "a heading after the first"
        raise TextError(*at, f"{kind} must start with “{expected} ”, not “{marks} ”")
    if not heading:
        raise TextError(*at, "a heading needs words")


def _passages(sections: list[_Section], source: str) -> tuple[Passage, ...]:
    seen: dict[str, int] = {}
    passages: list[Passage] = []
    for number, section in enumerate(sections, start=1):
        if section.heading == QUESTIONS_HEADING:
            raise TextError(source, section.line, "only the last section may hold questions")
        first_line = seen.setdefault(section.heading.casefold(), section.line)
        if first_line != section.line:
            problem = f"the title “{section.heading}” was used already in line {first_line}"
            raise TextError(source, section.line, problem)
        text = "\n\n".join(_paragraphs(section.body))
        if not text:
            raise TextError(source, section.line, f"“{section.heading}” has no text")
        passages.append(Passage(number, section.heading, text))
    return tuple(passages)


def _questions(section: _Section, source: str) -> tuple[str, ...]:
    questions: list[str] = []
    for number, line in section.body:
        if not line:
            continue
        bullet, _, question = line.partition(" ")
        if bullet != "-" or not question.strip().endswith("?"):
            raise TextError(source, number, "a question is written “- … ?” on one line")
        questions.append(question.strip())
    if not questions:
        raise TextError(source, section.line, "there is no question to try")
    return tuple(questions)


def _paragraphs(body: Iterable[tuple[int, str]]) -> list[str]:
    paragraphs: list[list[str]] = [[]]
    for _, line in body:
        if line.strip():
            paragraphs[-1].append(line.strip())
        elif paragraphs[-1]:
            paragraphs.append([])
    return [" ".join(lines) for lines in paragraphs if lines]
