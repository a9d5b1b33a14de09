"""Answer a student's question from the passages of a subject: retrieval, then generation.

`respond` is what `CHAT_SESSIONS["RESPONDER"]` names. Without further settings the answer is put
together from sentences of the passages; with `XP_LLM_URL` and `XP_LLM_MODEL` a language model
writes it. No text of a conversation is logged or put into an exception.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from subjects import completions
from subjects.answers import NOT_IN_TEXTS, Citation, answer, quotation
from subjects.pacing import Pace
from subjects.passages import Passage
from subjects.questions import Query, pleasantry, understand
from subjects.retrieval import Index

CONTEXT_MESSAGES = 8
RULES = (
    "You help a student of {subject}. Answer only from the numbered passages below, in plain prose "
    "of at most 150 words, and cite after each statement like [1]. When they do not answer the "
    f"question, say “{NOT_IN_TEXTS}” and nothing else."
)
CITED = re.compile(r"\[(\d+)\]")

Delta = str | dict[str, object]


class Session(Protocol):
    """The part of a chat session that is used here."""

    @property
    def scope(self) -> str: ...


class Message(Protocol):
    """The part of a message that is used here."""

    @property
    def role(self) -> str: ...
    @property
    def content(self) -> str: ...


class Arrival(Protocol):
    """How the student came to this session."""

    @property
    def status(self) -> str: ...
    @property
    def reason(self) -> str: ...


class Turn(Protocol):
    """What the package hands to a responder."""

    @property
    def question(self) -> str: ...
    @property
    def session(self) -> Session: ...
    @property
    def context(self) -> Sequence[Message]: ...
    @property
    def arrival(self) -> Arrival: ...


@dataclass(frozen=True, slots=True)
class Shelf:
    """A subject ready to be asked: its primary key, its name, its passages and their index."""

    subject: int
    name: str
    index: Index

    def sources(self, citations: Sequence[Citation]) -> list[dict[str, str]]:
        """What the reader is shown below the answer: [1] is the first."""
        return [
            {
                "title": citation.passage.title,
                "url": f"/subjects/{self.subject}/#passage-{citation.passage.number}",
                "quote": citation.quote,
            }
            for citation in citations
        ]


_indexes: dict[int, Index] = {}
_indexing = threading.Lock()


def respond(
    turn: Turn,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Delta]:
    """Yield the reply in pieces, then its sources as `{"sources": [...]}` if it has any.

    Raises TimeoutError when the answer takes longer than XP_ANSWER_LIMIT seconds (60), and
    CompletionError when a language model is set and does not answer.
    """
    pace = Pace.from_environment(sleep, clock)
    shelf = shelf_for(turn.session.scope)
    yield from pace.pause()
    if shelf is None or not shelf.index.passages:
        yield from pace.words(
            "There are no texts to answer from here. Please open a subject first."
        )
        return
    friendly = pleasantry(turn.question, shelf.name)
    if friendly is not None:
        yield from pace.words(friendly)
        return
    query = understand(turn.question, earlier_questions(turn.context))
    endpoint = completions.Endpoint.from_environment()
    if endpoint is not None:
        yield from generated(turn, shelf, query, endpoint, pace)
    else:
        yield from extracted(turn, shelf, query, pace)


def extracted(turn: Turn, shelf: Shelf, query: Query, pace: Pace) -> Iterator[Delta]:
    """Answer in the words of the passages."""
    if not query.terms:
        yield from pace.words(nothing_to_go_on(turn.arrival))
        return
    found = answer(shelf.index, query)
    yield from pace.words(found.text)
    if found.citations:
        yield {"sources": shelf.sources(found.citations)}


def generated(
    turn: Turn, shelf: Shelf, query: Query, endpoint: completions.Endpoint, pace: Pace
) -> Iterator[Delta]:
    """Let the language model answer from the passages found, and list those it may have cited."""
    passages = [found.passage for found in shelf.index.rank(query.terms)]
    conversation = [
        {"role": "system", "content": instructions(shelf.name, passages, turn.arrival)},
        *(
            {"role": message.role, "content": message.content}
            for message in turn.context[-CONTEXT_MESSAGES:]
            if message.role in ("user", "assistant")
        ),
        {"role": "user", "content": turn.question},
    ]
    pieces: list[str] = []
    for piece in completions.stream(endpoint, conversation, pace):
        pieces.append(piece)
        yield piece
    highest = max((int(number) for number in CITED.findall("".join(pieces))), default=0)
    cited = [Citation(passage, quotation(passage.text)) for passage in passages[:highest]]
    if cited:
        yield {"sources": shelf.sources(cited)}


def instructions(subject: str, passages: Sequence[Passage], arrival: Arrival) -> str:
    """The system prompt: what to answer from, how to cite, and what the model cannot see."""
    texts = "\n\n".join(
        f"[{number}] {passage.title}\n{passage.text}"
        for number, passage in enumerate(passages, start=1)
    )
    return "\n\n".join(
        part
        for part in (
            RULES.format(subject=subject),
            whereabouts(arrival),
            f"Passages:\n\n{texts}" if texts else "No passage matches this question.",
        )
        if part
    )


def whereabouts(arrival: Arrival) -> str:
    """Tell the model what of the conversation it sees: a fresh start, or one taken up again."""
    if arrival.status == "reopened":
        return "The student has taken up this earlier conversation again; it goes on below."
    if left_something_behind(arrival):
        return (
            "The student had an earlier conversation, which was left behind and which you cannot "
            "see. If the question refers to it, say so and ask for the question in full."
        )
    return ""


def nothing_to_go_on(arrival: Arrival) -> str:
    """Answer a question with nothing in it to search for, such as a bare “why?”."""
    if left_something_behind(arrival):
        return (
            "This is a new chat, so I cannot see what you asked before. Ask the whole question "
            "again, or continue the earlier chat."
        )
    return "Please ask a whole question, with the words for what you want to know about."


def left_something_behind(arrival: Arrival) -> bool:
    """Whether an earlier conversation lies behind this new one."""
    return arrival.status == "new" and arrival.reason not in ("", "first")


def earlier_questions(context: Sequence[Message]) -> list[str]:
    """What the student asked before in this session, oldest first."""
    return [message.content for message in context if message.role == "user"]


def shelf_for(scope: str) -> Shelf | None:
    """The subject that a scope such as "subject:12" names, from the database, or None."""
    # Ranking and its tests need neither Django nor a database.
    from subjects.models import Subject  # noqa: PLC0415

    kind, _, key = scope.partition(":")
    if kind != "subject" or not (key.isascii() and key.isdigit()):
        return None
    subject = Subject.objects.filter(pk=int(key)).first()
    if subject is None:
        return None
    rows = subject.passages.order_by("number").values_list("number", "title", "text")
    passages = tuple(Passage(*row) for row in rows)
    return Shelf(subject.pk, subject.name, index_of(subject.pk, passages))


def index_of(subject: int, passages: tuple[Passage, ...]) -> Index:
    """The index of these passages, built once and again only when one of them has changed.

    The passages themselves are compared: a subject has a few dozen, which one query reads in about
    a millisecond, and no count or date can then be out of step with them.
    """
    with _indexing:
        known = _indexes.get(subject)
        if known is None or known.passages != passages:
            known = _indexes[subject] = Index(passages)
        return known
