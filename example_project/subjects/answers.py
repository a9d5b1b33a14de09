"""Write an answer out of sentences that the passages contain, with citations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from subjects.passages import Passage
from subjects.questions import Query
from subjects.retrieval import Index, Ranked, Sentence

# Measured with the questions of tests/example: see test_rag.py, which prints the figures.
COVERAGE_NEEDED = 0.26
COVERAGE_NEARBY = 0.13

PASSAGES_QUOTED = 3
SCORE_KEPT = 0.55
COVERAGE_KEPT = 0.6
SENTENCE_SCORE_KEPT = 0.45
LEAD_BONUS = 0.35
FOLLOWER_SHARE = 0.55
SENTENCES_MAX = 5
ANTECEDENTS_MAX = 2
SAME_WORDS = 0.6
QUOTE_LENGTH = 160

NOT_IN_TEXTS = "That is not in this subject's texts."

# A sentence that begins like this needs the one before it to be understood.
POINTS_BACK = re.compile(
    r"(It|Its|They|Their|Them|This|That|These|Those|Such|He|She|His|Her|But|And|So|Then|There|Both"
    r"|Each|Together|Others?|Another|Afterwards|Instead|Either|One|Here|Most|Multiply|However"
    r"|Therefore|Thus|Only|The (other|others|latter|former|two|same|result|reason))\b"
)


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that the answer rests on, and a short quotation from it."""

    passage: Passage
    quote: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Prose with [1], [2] after each sentence; `citations[0]` is [1]."""

    text: str
    citations: tuple[Citation, ...] = ()


def answer(index: Index, query: Query) -> Answer:
    """Answer from the passages, or say honestly that they do not tell."""
    found = relevant(index, query)
    if not found:
        return Answer(refusal(index, query))
    return _written(index, choose(index, found, query))


def relevant(index: Index, query: Query) -> list[Ranked]:
    """The passages that may answer, best first; none when the question is not covered.

    A follow-up must itself share a word with what is found, or "what about football?" would be
    answered out of the question before it.
    """
    ranked = index.rank(query.terms)
    if query.carried and query.own and not any(index.coverage(query.own, r.row) for r in ranked):
        return []
    covered = max((found.coverage for found in ranked), default=0.0)
    return ranked if covered >= COVERAGE_NEEDED else []


def choose(index: Index, found: Sequence[Ranked], query: Query) -> list[Sentence]:
    """The two to five sentences that answer best, in the order of the passages."""
    best = found[0].score
    kept = [one for one in found[:PASSAGES_QUOTED] if _is_as_good(one, found[0])]
    pool = [
        replace(sentence, score=sentence.score * one.score / best)
        for one in kept
        for sentence in _with_followers(index.sentences_of(one, query.terms))
    ]
    top = max(sentence.score for sentence in pool)
    # The first sentence of the best passage says what the rest is about.
    pool[0] = replace(pool[0], score=pool[0].score + LEAD_BONUS * top)
    chosen: list[Sentence] = []
    for sentence in sorted(pool, key=lambda one: -one.score):
        if sentence.score < SENTENCE_SCORE_KEPT * top:
            break
        new = [one for one in _with_antecedents(sentence, pool) if one not in chosen]
        if len(chosen) + len(new) <= SENTENCES_MAX and not _is_redundant(sentence, chosen):
            chosen.extend(new)
    return _with_company([sentence for sentence in pool if sentence in chosen], pool)


def _is_as_good(one: Ranked, best: Ranked) -> bool:
    """Whether a passage is worth quoting beside the best one."""
    return one.score >= SCORE_KEPT * best.score and one.coverage >= COVERAGE_KEPT * best.coverage


def _with_followers(said: Sequence[Sentence]) -> list[Sentence]:
    """Raise each sentence by a part of the one before: what follows a statement explains it."""
    before = [0.0, *(sentence.score for sentence in said)]
    return [
        replace(sentence, score=sentence.score + FOLLOWER_SHARE * previous)
        for sentence, previous in zip(said, before, strict=False)
    ]


def _with_company(chosen: list[Sentence], pool: Sequence[Sentence]) -> list[Sentence]:
    """A lone sentence after the first of its passage; a lone first one before the second."""
    if len(chosen) != 1:
        return chosen
    alone = chosen[0]
    company = 0 if alone.position else 1
    return [
        one for one in pool if one.row == alone.row and one.position in (company, alone.position)
    ]


def _with_antecedents(sentence: Sentence, pool: Sequence[Sentence]) -> list[Sentence]:
    """The sentence after those of its passage that it points back to, as far as two."""
    chain = [sentence]
    place = pool.index(sentence)
    while POINTS_BACK.match(chain[0].text) and chain[0].position and len(chain) <= ANTECEDENTS_MAX:
        place -= 1
        chain.insert(0, pool[place])
    return chain


def _is_redundant(sentence: Sentence, chosen: Sequence[Sentence]) -> bool:
    """Whether another passage has said nearly the same words already."""
    return any(
        len(sentence.terms & other.terms) > SAME_WORDS * len(sentence.terms | other.terms)
        for other in chosen
        if other.row != sentence.row
    )


def refusal(index: Index, query: Query) -> str:
    """Say that the texts do not tell, and name passages that come near if any does."""
    asked = query.own or query.carried
    near = [one for one in index.rank(asked, limit=3) if one.coverage >= COVERAGE_NEARBY]
    if near:
        return f"{NOT_IN_TEXTS} The nearest they come is {_listed(one.passage for one in near)}."
    if not index.passages[1:]:
        return NOT_IN_TEXTS
    first, last = index.passages[0], index.passages[-1]
    return f"{NOT_IN_TEXTS} They go from “{first.title}” to “{last.title}”."


def quotation(text: str, length: int = QUOTE_LENGTH) -> str:
    """Shorten text to at most `length` characters, between two words."""
    if len(text) <= length:
        return text
    return text[: length - 1].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def _written(index: Index, chosen: Sequence[Sentence]) -> Answer:
    """Put the sentences together, a paragraph for each passage, and number the passages."""
    rows = list(dict.fromkeys(sentence.row for sentence in chosen))
    paragraphs: list[str] = []
    citations: list[Citation] = []
    for number, row in enumerate(rows, start=1):
        said = [sentence for sentence in chosen if sentence.row == row]
        paragraphs.append(" ".join(f"{sentence.text} [{number}]" for sentence in said))
        strongest = max(said, key=lambda sentence: sentence.score)
        citations.append(Citation(index.passages[row], quotation(strongest.text)))
    return Answer("\n\n".join(paragraphs), tuple(citations))


def _listed(passages: Iterable[Passage]) -> str:
    titles = [f"“{passage.title}”" for passage in passages]
    return " and ".join(filter(None, [", ".join(titles[:-1]), titles[-1]]))
