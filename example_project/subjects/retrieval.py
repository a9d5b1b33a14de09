"""Find the passages of a subject that answer a question, and measure how well they cover it.

Ranking is BM25 (the bm25s library) over stemmed words. It works on plain passages; nothing here
knows Django, the chat or the web.
"""

from __future__ import annotations

import math
import re
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import bm25s
import Stemmer
from bm25s.stopwords import STOPWORDS_EN_PLUS

from subjects.passages import Passage

WORD = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+(?:'[^\W_]+)?")
APOSTROPHE = "\u2019"
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[^\Wa-z_]|[“\"(\u2212])")

# Words of the person asking, not of the thing asked about: weighing them would make "what exactly
# is it that makes …" look uncovered by a passage that answers it.
ASKING = """
    actually also always anyone anything ask asked basically bit briefly called cannot come
    comes could describe detail differ difference different easily else even ever everything
    exactly example examples explain explanation find first get gets getting give given gives
    go goes going good got happen happened happening happens hello help hi idea kind know known
    let like long look looks lot lots made make makes making many may mean meaning means might
    much must need needed needs never often one people person please possible question quite
    rather really reason say shall short show simple simply somebody someone something sort
    still stuff take takes tell thank thanks thing things think though understand use used uses
    using usually want wants way ways well whether whose within without word words would yes
    yet
"""
# bm25s lists the halves of "won't"; here the apostrophe keeps them together.
STOP_WORDS = (frozenset(STOPWORDS_EN_PLUS) | frozenset(ASKING.split())) - {"won", "ma"}

# The texts are in British spelling and name things properly, the people who ask need not; and the
# stemmer does not know irregular plurals.
AMERICAN_Z = re.compile(r"(?<=\w\w)[iy]z(?=e|i|a)")
OTHER_FORMS = {
    "aluminum": "aluminium",
    "bacterium": "bacteria",
    "behavior": "behaviour",
    "bike": "bicycle",
    "center": "centre",
    "children": "child",
    "color": "colour",
    "fiber": "fibre",
    "fridge": "refrigerator",
    "kid": "child",
    "labor": "labour",
    "liter": "litre",
    "matrices": "matrix",
    "men": "man",
    "meter": "metre",
    "mitochondrion": "mitochondria",
    "neighbor": "neighbour",
    "nuclei": "nucleus",
    "percent": "cent",
    "sulfur": "sulphur",
    "vapor": "vapour",
    "women": "woman",
}

TITLE_WEIGHT = 2
PASSAGES_RANKED = 4
# A word the subject never uses counts against a question like a rare word of the subject, not more:
# people ask in everyday words that no passage needs.
UNKNOWN_WEIGHT = 3.0

_stemmers = threading.local()


@dataclass(frozen=True, slots=True)
class Ranked:
    """A passage found: its row in the index, BM25 score, and share of the question covered."""

    passage: Passage
    row: int
    score: float
    coverage: float


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage: where it stands, its stemmed words, its score for a question."""

    row: int
    position: int
    text: str
    terms: frozenset[str]
    score: float = 0.0


def terms(text: str) -> list[str]:
    """Split text into stemmed words, in order, without stop words and the words of asking."""
    words = (
        word.removesuffix("'s") for word in WORD.findall(text.lower().replace(APOSTROPHE, "'"))
    )
    kept = [_usual_form(word) for word in words if len(word) > 1 and word not in STOP_WORDS]
    # A PyStemmer object keeps a cache of its own and must not be shared between threads.
    if not hasattr(_stemmers, "english"):
        _stemmers.english = Stemmer.Stemmer("english")
    return [str(stem) for stem in _stemmers.english.stemWords(kept)]


def _usual_form(word: str) -> str:
    for form in (word, word.removesuffix("s")):
        if form in OTHER_FORMS:
            return OTHER_FORMS[form]
    return AMERICAN_Z.sub(lambda found: found.group().replace("z", "s"), word)


def sentences(text: str) -> list[str]:
    """Split prose into sentences; a point inside a number or before a small letter ends none."""
    return [
        sentence
        for paragraph in text.split("\n\n")
        for sentence in SENTENCE_END.split(paragraph.strip())
        if sentence
    ]


class Index:
    """The passages of one subject, ready to be searched. It never changes: threads may share it."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.passages = tuple(passages)
        documents = [terms(p.title) * TITLE_WEIGHT + terms(p.text) for p in self.passages]
        self._vocabularies = [frozenset(document) for document in documents]
        self._titles = [frozenset(terms(passage.title)) for passage in self.passages]
        self._weights = _rarity(self._vocabularies)
        self._bm25 = _bm25(documents)
        self._sentences = [
            Sentence(row, position, text, frozenset(terms(text)))
            for row, passage in enumerate(self.passages)
            for position, text in enumerate(sentences(passage.text))
        ]
        self._windows = [self._windows_of(row) for row in range(len(self.passages))]
        self._sentence_bm25 = _bm25([terms(sentence.text) for sentence in self._sentences])

    def rank(self, query: Sequence[str], limit: int = PASSAGES_RANKED) -> list[Ranked]:
        """The best passages for the query terms, best first; only those that have one of them."""
        scores = _scores(self._bm25, query)
        rows = sorted(range(len(scores)), key=lambda row: -scores[row])[:limit]
        return [
            Ranked(self.passages[row], row, scores[row], self.coverage(query, row))
            for row in rows
            if scores[row] > 0
        ]

    def coverage(self, query: Sequence[str], row: int) -> float:
        """The share (0 to 1) of the query, weighted by rarity, that the passage in `row` covers.

        Words count as covered when two neighbouring sentences and the title have them: words
        scattered over a passage are no answer. A single shared word out of several counts half
        unless the title has it: unrelated questions share one everyday word with some passage.
        """
        asked = frozenset(query)
        total = sum(self._weights.get(term, UNKNOWN_WEIGHT) for term in asked)
        shared = asked & self._vocabularies[row]
        if not shared:
            return 0.0
        covered = max(
            sum(self._weights[term] for term in asked & window) for window in self._windows[row]
        )
        is_lone = len(shared) == 1 < len(asked) and not shared & self._titles[row]
        return covered / total / (2 if is_lone else 1)

    def sentences_of(self, found: Ranked, query: Sequence[str]) -> list[Sentence]:
        """The sentences of a found passage, in order, scored for the query terms."""
        scores = _scores(self._sentence_bm25, query)
        return [
            replace(sentence, score=score)
            for sentence, score in zip(self._sentences, scores, strict=True)
            if sentence.row == found.row
        ]

    def _windows_of(self, row: int) -> list[frozenset[str]]:
        said = [sentence.terms for sentence in self._sentences if sentence.row == row]
        pairs = zip([frozenset[str](), *said], [*said, frozenset[str]()], strict=True)
        return [self._titles[row] | first | second for first, second in pairs]


def _rarity(vocabularies: Sequence[frozenset[str]]) -> dict[str, float]:
    """The inverse document frequency of every term."""
    counts = Counter(term for vocabulary in vocabularies for term in vocabulary)
    total = len(vocabularies)
    return {
        term: math.log(1 + (total - having + 0.5) / (having + 0.5))
        for term, having in counts.items()
    }


def _bm25(documents: list[list[str]]) -> bm25s.BM25 | None:
    if not any(documents):
        return None
    index = bm25s.BM25(k1=1.2, b=0.6, method="lucene")
    index.index(documents, show_progress=False)
    return index


def _scores(index: bm25s.BM25 | None, query: Sequence[str]) -> list[float]:
    if index is None or not query:
        return []
    return [float(score) for score in index.get_scores(list(query))]
