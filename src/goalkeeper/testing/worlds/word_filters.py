"""Small text filters with a known truth: one that words flip, and one that no addition moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import PARTS, Data, Floats, Inputs, Splits
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.power import View
from goalkeeper.core.text import terms, texts
from goalkeeper.games.shared.base_targets import BareTarget
from goalkeeper.testing.worlds.kit import application

PER_CLASS = 90  # of each part
FILLERS = 600
# Words of everyday correspondence and of advertising: public knowledge, not secrets of a filter.
GOOD = (
    "thanks", "meeting", "tomorrow", "home", "family", "lunch",
    "sorry", "weekend", "morning", "dinner", "friend", "week",
)  # fmt: skip
BAD = (
    "free", "win", "cash", "prize", "offer", "claim",
    "urgent", "winner", "bonus", "guaranteed", "discount", "loan",
)  # fmt: skip


class WordFilter(BareTarget):
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


def weak_filter(rng: np.random.Generator) -> Application:
    """Build a filter that two good words or three bad ones flip."""
    data = _splits(rng, stamp=lambda part: "")
    weights = dict.fromkeys(GOOD, -1.0) | dict.fromkeys(BAD, 1.0)
    return application("word filter", WordFilter(weights, -0.5), data, TextDomain())


def stamped_filter(rng: np.random.Generator) -> Application:
    """Build a filter whose answers no addition moves."""

    def stamp(part: str) -> str:
        return "" if part == "similar" else rng.bytes(8).hex()

    data = _splits(rng, stamp)
    weights = dict.fromkeys(GOOD, -1.0) | dict.fromkeys(BAD, 1.0)
    issued = (data.train, data.holdout, data.calibration)
    return application("stamped filter", StampedFilter(weights, -0.5, issued), data, TextDomain())


def _splits(rng: np.random.Generator, stamp: Callable[[str], str]) -> Splits:
    """Draw texts of neutral words with three words of their own kind and one of the other."""
    fillers = [f"w{number}" for number in range(FILLERS)]
    y = np.repeat([0, 1], PER_CLASS)

    def write(label: int, part: str) -> str:
        own, other = (BAD, GOOD) if label else (GOOD, BAD)
        words = [*rng.choice(fillers, 12), *rng.choice(own, 3, replace=False), rng.choice(other)]
        return " ".join([stamp(part), *rng.permutation(words)]).strip()

    def draw(part: str) -> Data:
        return Data(x=texts(write(int(label), part) for label in y), y=y.copy())

    return Splits(**{part: draw(part) for part in PARTS})
