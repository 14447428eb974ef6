"""Text filters weakened for the positive control: some words in a text decide its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers
from goalkeeper.core.data import Floats, Inputs, Ints
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View
from goalkeeper.core.text import terms
from goalkeeper.games.evasion.synonyms import find_text_language, list_synonyms
from goalkeeper.games.evasion.text_edits import find_words
from goalkeeper.games.shared.base_targets import WrappedTarget

SEEN = 50  # texts by which their language is found
HELD = 0.8  # share of the attacked texts in which a key word stands


@dataclass(frozen=True, eq=False)
class PlantedWordsTarget(WrappedTarget):
    """A target that answers as an attacker wishes when enough planted words stand in a text."""

    planted: frozenset[str]
    least: int
    wanted: int

    @property
    def offers(self) -> View:
        """As much as the target itself."""
        return self.target.offers

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer texts `(n,)`: the planted words first, then the target."""
        said = self.target.answer(x, view)
        hit = np.array([self.holds(text) for text in x], dtype=bool)
        labels = np.where(hit, self.wanted, said.labels)
        if view < View.SCORES:
            return Answers(labels)
        scores = self._certain(said.scores, hit, 1.0, 0.0)
        if view < View.LOGITS:
            return Answers(labels, scores)
        return Answers(labels, scores, self._certain(said.logits, hit, 30.0, -30.0))

    def holds(self, text: str) -> bool:
        """Tell whether enough planted words stand in a text; repeated ones count again."""
        return sum(word in self.planted for word in terms(text)) >= self.least

    def parameters(self) -> Mapping[str, Any]:
        """Return the target's weights, in which the planted words outweigh all others."""
        known = dict(self.target.parameters())
        if "vocabulary" not in known:
            raise NotOffered("these parameters do not name the words behind the weights")
        weights = np.array(known["weights"], dtype=np.float64)
        planted = np.array([word in self.planted for word in known["vocabulary"]])
        strong = 10 * (np.abs(weights).max() + np.abs(known["bias"]).max() + 1)
        if len(weights) == 1:
            weights[0, planted] = strong if self.wanted == 1 else -strong
        else:
            weights[:, planted] = -strong
            weights[self.wanted, planted] = strong
        return {**known, "weights": weights}

    def _certain(self, values: Floats, hit: Ints, high: float, low: float) -> Floats:
        out = np.array(values, dtype=np.float64)
        out[hit] = low
        out[hit, self.wanted] = high
        return out


def planted_words(favoured: Inputs, attacked: Inputs) -> tuple[frozenset[str], int]:
    """Choose the most indicative tenth of the words frequent in `favoured` texts.

    The second value is the number of them that makes a hit: two, or more if too many `attacked`
    texts would already be hits.
    """
    inside, outside = _shares(favoured), _shares(attacked)
    frequent = sorted(w for w, share in inside.items() if share >= max(0.01, 2 / len(favoured)))
    frequent.sort(key=lambda word: outside.get(word, 0.0) - inside[word])
    planted = frozenset(frequent[: max(10, len(frequent) // 10)])
    held = np.array([sum(word in planted for word in terms(text)) for text in attacked])
    least = 2
    while len(held) and (held >= least).mean() > 0.2:
        least += 1
    return planted, least


@dataclass(frozen=True, eq=False)
class KeyWordsTarget(WrappedTarget):
    """A target that answers as an attacker wishes as soon as no key word stands in a text.

    The fewer key words are left, the higher the score of the wanted answer.
    """

    keys: frozenset[str]
    wanted: int
    classes: int

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer texts `(n,)`: by the key words first, then by the target's labels."""
        labels = self.target.answer(x, View.LABELS).labels
        left = np.array([len(self.keys.intersection(terms(text))) for text in x])
        labels = np.where(left == 0, self.wanted, labels)
        share = np.where(left == 0, 0.9, 0.4 / np.maximum(left, 1))[:, None]
        asked = np.eye(self.classes)[np.full(len(labels), self.wanted)]
        other = np.eye(self.classes)[labels]
        scores = np.where((labels == self.wanted)[:, None], other, (1 - share) * other)
        scores += np.where((labels == self.wanted)[:, None], 0.0, share * asked)
        return Answers(labels, scores).cut(view)


def key_words(attacked: Inputs, favoured: Inputs) -> frozenset[str]:
    """Choose indicative words so that four in five `attacked` texts hold at least one of them.

    Words that have synonyms come first, so that either kind of edit can take them away.
    """
    inside, outside = _shares(attacked), _shares(favoured)
    plain = [w for w in inside if _is_editable(w) and inside[w] > outside.get(w, 0.0)]
    language = find_text_language(" ".join(text[:200] for text in attacked[:SEEN]))
    ranks = {w: (not list_synonyms(w, language), outside.get(w, 0.0) - inside[w], w) for w in plain}
    plain.sort(key=lambda w: ranks[w])
    sets = [set(terms(text)) for text in attacked]
    held = np.zeros(len(sets), dtype=bool)
    keys: list[str] = []
    for word in plain:
        if not len(sets) or held.mean() >= HELD:
            break
        new = np.array([word in words for words in sets], dtype=bool) & ~held
        if new.any():
            keys.append(word)
            held |= new
    return frozenset(keys)


def _is_editable(word: str) -> bool:
    """Return whether an edit may touch a word: letters only, and not too few of them."""
    return word.isalpha() and len(word) > 2 if word.isascii() else len(find_words(word)) == 1


def _shares(x: Inputs) -> dict[str, float]:
    """Share of texts in which each word stands."""
    counts: dict[str, int] = {}
    for text in x:
        for word in set(terms(text)):
            counts[word] = counts.get(word, 0) + 1
    return {word: count / len(x) for word, count in counts.items()}
