"""Understand what is being asked: pleasantries, questions, and follow-ups to earlier questions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from subjects.retrieval import APOSTROPHE, terms

SHORT = 2
CARRIED_BACK = 3

FOLLOW_UP = re.compile(
    r"^(and|but|or|also|what about|how about|why|how come|what else|tell me more|more|go on)\b"
    r"|\b(it|its|that|this|they|them|their|those|these)\b"
)
NOT_A_WORD = re.compile(r"[^\w\s']+")

PLEASANTRIES = (
    (
        re.compile(
            r"(hi+|hello|hey|hiya|howdy|greetings|good (morning|afternoon|evening))"
            r"( there| xp| again| everyone| how are you( today| doing)?)?"
        ),
        "Hello! Ask me anything about {subject}.",
    ),
    (
        re.compile(r"how are you( today| doing)?|how is it going|what'?s up"),
        ("Ready to help. What would you like to know about {subject}?"),
    ),
    (
        re.compile(
            r"(ok(ay)? |great |perfect |cool |no )?(many )?(thanks|thank you|thx|ty|cheers)"
            r"( a lot| so much| very much| again| for (your|the) help| that helps?| that helped)*"
        ),
        "You are welcome. Ask on whenever you like.",
    ),
    (
        re.compile(r"(good ?)?bye( for now)?|see you( later| soon| tomorrow)?|good night"),
        "Goodbye, and good luck with your studies!",
    ),
    (
        re.compile(
            r"ok(ay)?|great|cool|perfect|nice|i see|got it|understood|makes sense|that makes sense"
        ),
        "Good. What would you like to know next?",
    ),
    (
        re.compile(
            r"help|help me|who are you|what are you|what (can|do) you do|what can i ask( you)?"
            r"( about)?|what do you know( about)?"
        ),
        "I answer from the texts about {subject} and name the passages I take it from.",
    ),
)


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for: terms of the question itself, and those carried over from earlier."""

    own: tuple[str, ...]
    carried: tuple[str, ...] = ()

    @property
    def terms(self) -> list[str]:
        """All terms, the question's own counted twice."""
        return [*self.own, *self.own, *self.carried]


def pleasantry(question: str, subject: str) -> str | None:
    """A friendly sentence when the message is small talk and asks nothing, else None."""
    said = " ".join(NOT_A_WORD.sub(" ", question.lower().replace(APOSTROPHE, "'")).split())
    for pattern, reply in PLEASANTRIES:
        if pattern.fullmatch(said):
            return reply.format(subject=subject)
    return None


def understand(question: str, earlier: Sequence[str]) -> Query:
    """Find the terms to search for; `earlier` are the person's earlier questions, oldest first.

    A short follow-up ("and why?", "what about steam?") borrows the terms of the question before it,
    and goes on back while that one was a follow-up too.
    """
    own = tuple(dict.fromkeys(terms(question)))
    if not is_follow_up(question):
        return Query(own)
    carried: list[str] = []
    for previous in reversed(earlier[-CARRIED_BACK:]):
        carried.extend(term for term in terms(previous) if term not in {*own, *carried})
        if terms(previous) and not is_follow_up(previous):
            break
    return Query(own, tuple(carried))


def is_follow_up(question: str) -> bool:
    """Whether a question is too short to stand on its own and points back."""
    own = set(terms(question))
    return not own or (len(own) <= SHORT and FOLLOW_UP.search(question.lower()) is not None)
