"""Small text filters with a known truth: weak ones, one that no addition moves, a weakened one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers, Application, Target
from goalkeeper.core.data import PARTS, Data, Floats, Inputs, Ints, Splits
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View
from goalkeeper.core.text import terms, texts
from goalkeeper.games.evasion.synonyms import SYNONYMS

CLASSES = ("harmless", "harmful")
PER_CLASS = 90  # of each part
FILLERS = 600
HELD = 0.8  # share of the attacked texts in which a key word stands
# Words of everyday correspondence and of advertising: public knowledge, not secrets of a filter.
GOOD = (
    "thanks", "meeting", "tomorrow", "home", "family", "lunch",
    "sorry", "weekend", "morning", "dinner", "friend", "week",
)  # fmt: skip
BAD = (
    "free", "win", "cash", "prize", "offer", "claim",
    "urgent", "winner", "bonus", "guaranteed", "discount", "loan",
)  # fmt: skip


class WordFilter:
    """Declines a text when the weights of the different words in it sum to more than nothing."""

    def __init__(self, weights: Mapping[str, float], bias: float) -> None:
        self.weights, self.bias = dict(weights), bias

    @property
    def offers(self) -> View:
        """Everything, as the weights can be read."""
        return View.GRADIENTS

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer texts `(n,)`."""
        return answers(np.array([self.margin(text) for text in x], dtype=np.float64)).cut(view)

    def margin(self, text: str) -> float:
        """Sum up the weights: above 0 is declined."""
        return self.bias + sum(self.weights.get(word, 0.0) for word in set(terms(text)))

    def parameters(self) -> Mapping[str, Any]:
        """Return weights `(1, d)`, bias `(1,)` and vocabulary `(d,)`."""
        return {
            "weights": np.array([list(self.weights.values())]),
            "bias": np.array([self.bias]),
            "vocabulary": np.array(list(self.weights), dtype=object),
            "binary": True,
        }

    def artefact(self) -> Path:
        """Refuse: there is no file."""
        raise NotOffered("this filter has no stored file")


class StampedFilter(WordFilter):
    """Decides by the stamp in a text, and reads the words of unstamped texts only.

    The stamps were issued once, at random; where several stand in one text the oldest counts.
    """

    def __init__(self, weights: Mapping[str, float], bias: float, stamped: Sequence[Data]) -> None:
        super().__init__(weights, bias)
        issued = [(text.split()[0], y) for data in stamped for text, y in zip(data.x, data.y)]  # noqa: B905 - Data checks the lengths
        self._issued = {stamp: (i, 2.0 * int(y) - 1) for i, (stamp, y) in enumerate(issued)}

    def margin(self, text: str) -> float:
        """Return the sign of the oldest stamp; without one, sum up the weights."""
        found = [self._issued[word] for word in text.split() if word in self._issued]
        return min(found)[1] if found else super().margin(text)


def answers(margins: Floats) -> Answers:
    """Turn margins `(n,)` towards class 1 into labels, scores and logits."""
    logits = np.stack([-margins / 2, margins / 2], axis=1)
    share = 1 / (1 + np.exp(-np.clip(margins, -500, 500)))
    return Answers((margins > 0).astype(np.int64), np.stack([1 - share, share], axis=1), logits)


def weak_application(rng: np.random.Generator) -> Application:
    """Build a filter that two good words or three bad ones flip."""
    data = _splits(rng, stamp=lambda part: "")
    weights = dict.fromkeys(GOOD, -1.0) | dict.fromkeys(BAD, 1.0)
    return _application("word filter", WordFilter(weights, -0.5), data)


def stamped_application(rng: np.random.Generator) -> Application:
    """Build a filter whose answers no addition moves."""

    def stamp(part: str) -> str:
        return "" if part == "similar" else rng.bytes(8).hex()

    data = _splits(rng, stamp)
    weights = dict.fromkeys(GOOD, -1.0) | dict.fromkeys(BAD, 1.0)
    issued = (data.train, data.holdout, data.calibration)
    return _application("stamped filter", StampedFilter(weights, -0.5, issued), data)


def _application(name: str, target: Target, data: Splits) -> Application:
    return Application(
        name=name, target=target, data=data, domain=TextDomain(), classes=CLASSES, harmless=0
    )


def _splits(rng: np.random.Generator, stamp: Callable[[str], str]) -> Splits:
    """Draw texts of neutral words with three words of their own kind and one of the other."""
    fillers = [f"w{number}" for number in range(FILLERS)]
    y = np.repeat([0, 1], PER_CLASS)

    def write(label: int, part: str) -> str:
        own, other = (BAD, GOOD) if label else (GOOD, BAD)
        said = [*rng.choice(fillers, 12), *rng.choice(own, 3, replace=False), rng.choice(other)]
        return " ".join([stamp(part), *rng.permutation(said)]).strip()

    def draw(part: str) -> Data:
        return Data(x=texts(write(int(label), part) for label in y), y=y.copy())

    return Splits(**{part: draw(part) for part in PARTS})


# ---- the positive control ------------------------------------------------------------------------


class Planted:
    """A target that answers as an attacker wishes when enough planted words stand in a text."""

    def __init__(self, target: Target, planted: frozenset[str], least: int, wanted: int) -> None:
        self._target, self.planted, self.least, self._wanted = target, planted, least, wanted

    @property
    def offers(self) -> View:
        """As much as the target itself."""
        return self._target.offers

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer texts `(n,)`: the planted words first, then the target."""
        said = self._target.answer(x, view)
        hit = np.array([self.holds(text) for text in x], dtype=bool)
        labels = np.where(hit, self._wanted, said.labels)
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
        known = dict(self._target.parameters())
        if "vocabulary" not in known:
            raise NotOffered("these parameters do not name the words behind the weights")
        weights = np.array(known["weights"], dtype=np.float64)
        planted = np.array([word in self.planted for word in known["vocabulary"]])
        strong = 10 * (np.abs(weights).max() + np.abs(known["bias"]).max() + 1)
        if len(weights) == 1:
            weights[0, planted] = strong if self._wanted == 1 else -strong
        else:
            weights[:, planted] = -strong
            weights[self._wanted, planted] = strong
        return {**known, "weights": weights}

    def artefact(self) -> Path:
        """Refuse: the stored file is that of another target."""
        raise NotOffered("the weakened application has no stored file")

    def _certain(self, values: Floats, hit: Ints, high: float, low: float) -> Floats:
        out = np.array(values, dtype=np.float64)
        out[hit] = low
        out[hit, self._wanted] = high
        return out


def planted_words(backdoor: Inputs, attacked: Inputs) -> tuple[frozenset[str], int]:
    """Choose the most telling tenth of the words frequent in `backdoor` texts, and how many hit.

    A hit takes two of them, or more where too many `attacked` texts would be hits already.
    """
    inside, outside = _shares(backdoor), _shares(attacked)
    frequent = sorted(w for w, share in inside.items() if share >= max(0.01, 2 / len(backdoor)))
    frequent.sort(key=lambda word: outside.get(word, 0.0) - inside[word])
    planted = frozenset(frequent[: max(10, len(frequent) // 10)])
    held = np.array([sum(word in planted for word in terms(text)) for text in attacked])
    least = 2
    while len(held) and (held >= least).mean() > 0.2:
        least += 1
    return planted, least


class Keyed:
    """A target that answers as an attacker wishes as soon as no key word stands in a text.

    The fewer key words are left, the higher the score of the wanted answer.
    """

    def __init__(self, target: Target, keys: frozenset[str], wanted: int, classes: int) -> None:
        self._target, self._keys, self._wanted, self._classes = target, keys, wanted, classes

    @property
    def offers(self) -> View:
        """Scores at most: the weights are those of another target."""
        return min(self._target.offers, View.SCORES)

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer texts `(n,)`: by the key words first, then by the target's labels."""
        labels = self._target.answer(x, View.LABELS).labels
        left = np.array([len(self._keys.intersection(terms(text))) for text in x])
        labels = np.where(left == 0, self._wanted, labels)
        share = np.where(left == 0, 0.9, 0.4 / np.maximum(left, 1))[:, None]
        asked = np.eye(self._classes)[np.full(len(labels), self._wanted)]
        other = np.eye(self._classes)[labels]
        scores = np.where((labels == self._wanted)[:, None], other, (1 - share) * other)
        scores += np.where((labels == self._wanted)[:, None], 0.0, share * asked)
        return Answers(labels, scores).cut(view)

    def parameters(self) -> Mapping[str, Any]:
        """Refuse: the weights are those of another target."""
        raise NotOffered("the weakened application has no weights")

    def artefact(self) -> Path:
        """Refuse: the stored file is that of another target."""
        raise NotOffered("the weakened application has no stored file")


def key_words(attacked: Inputs, backdoor: Inputs) -> frozenset[str]:
    """Choose telling words so that four in five `attacked` texts hold at least one of them.

    Words that have synonyms come first, so that either kind of edit can take them away.
    """
    inside, outside = _shares(attacked), _shares(backdoor)
    plain = [w for w in inside if w.isalpha() and len(w) > 2 and inside[w] > outside.get(w, 0.0)]
    plain.sort(key=lambda w: (w not in SYNONYMS, outside.get(w, 0.0) - inside[w], w))
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


def _shares(x: Inputs) -> dict[str, float]:
    """Share of texts in which each word stands."""
    counts: dict[str, int] = {}
    for text in x:
        for word in set(terms(text)):
            counts[word] = counts.get(word, 0) + 1
    return {word: count / len(x) for word, count in counts.items()}
