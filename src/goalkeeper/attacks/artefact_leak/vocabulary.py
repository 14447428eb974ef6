"""Vocabulary: the words a text model knows are words of its training texts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from goalkeeper.attacks._words import public_words
from goalkeeper.attacks.artefact_leak._stored import check_size, read_contents
from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Floats
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import Budget
from goalkeeper.games.artefact_leak import ArtefactLeak, ClaimLimit, Claims, WordSets

NUMBER = re.compile(r"[\d@]")


@final
@dataclass(frozen=True, kw_only=True)
class Vocabulary(Attack[ClaimLimit, Claims]):
    """Claim the rarest words of the vocabulary that look like names, numbers or addresses.

    How rare a word was is read from its inverse document frequency. Where there is none, the
    weights tell: in counting models all words seen once in a class have the same weight, and
    they are the most numerous, so that the most common weight marks the rarest words. Words of
    public word lists are claimed last, numbers and addresses first.
    """

    game: ClassVar[type[ArtefactLeak]] = ArtefactLeak
    variant: ClassVar[str] = "artefact_leak.parameters"
    reference: ClassVar[str] = (
        "the vocabulary of a vectoriser is a list of the words of its training texts; idf gives "
        "the number of texts of each (Salton, Buckley 1988)"
    )
    domains: ClassVar[frozenset[str]] = frozenset({"text"})
    tasks: ClassVar[tuple[str, ...]] = ("rare-words",)
    most: ClassVar[Budget] = Budget(compute_h=1.0)  # no question is asked

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse models whose vocabulary cannot be read."""
        try:
            parameters = app.target.parameters()
        except NotOffered as error:
            return check_size(app) or Unfit(f"the words of the model cannot be read: {error}")
        if "vocabulary" in parameters or "words" in read_contents(parameters):
            return None
        return Unfit("the stored model has no list of words")

    def run(self, question: ClaimLimit, access: Access) -> Claims:
        """Rank the vocabulary, the rarest and most identifying words first."""
        parameters = access.parameters()
        contents = read_contents(parameters)
        words = [str(word) for word in parameters.get("vocabulary", contents.get("words", ()))]
        rarity = _measure_rarity(parameters, contents, words)
        common = frozenset(public_words())
        order = np.lexsort(
            (access.rng.random(len(words)), _grade_plainness(words, common), -rarity)
        )
        return WordSets(tuple(frozenset({words[i]}) for i in order[: question.most]))


def _measure_rarity(
    parameters: Mapping[str, Any], contents: Mapping[str, Any], words: Sequence[str]
) -> Floats:
    """Return how rare each word was `(d,)`, in steps: equal values are equally rare."""
    idf = parameters.get("idf", contents.get("idf"))
    if idf is not None and np.ptp(np.asarray(idf)) > 0:
        return np.asarray(np.round(np.asarray(idf, dtype=np.float64), 9), dtype=np.float64)
    if "weights" not in parameters:
        return np.zeros(len(words))
    rows = np.round(np.asarray(parameters["weights"], dtype=np.float64).T, 9)
    keys = [row.tobytes() for row in np.atleast_2d(rows)]
    times = Counter(keys)
    return np.array([times[key] for key in keys], dtype=np.float64)


def _grade_plainness(words: Sequence[str], common: frozenset[str]) -> Floats:
    """Grade words `(d,)`: 0 with a digit or @, 1 not in the public lists, 2 a public word."""
    return np.array(
        [0.0 if NUMBER.search(w) else 2.0 if w.lower() in common else 1.0 for w in words]
    )
