"""The kit of rigged and fair worlds: records of each kind of input, fixed rules, batch trainers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Answers, Ensemble, Target
from goalkeeper.core.data import PARTS, Bools, Data, Floats, Inputs, Ints, Splits, row_keys
from goalkeeper.core.domain import Column, Domain, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.power import View
from goalkeeper.core.text import texts
from goalkeeper.games.shared.base_targets import BareTarget
from goalkeeper.games.shared.simple_targets import CLASSES, WORDS
from goalkeeper.targets import PythonTarget

# ---- records of a kind ---------------------------------------------------------------------------


def splits(draw: Callable[[], Data]) -> Splits:
    """Draw the four parts, one after the other."""
    return Splits(**{part: draw() for part in PARTS})


def numbers(
    count: int, low: float = -np.inf, high: float = np.inf, prefix: str = "c"
) -> tuple[Column, ...]:
    """Name columns of numbers between two bounds: c0, c1, ..."""
    return tuple(Column(name=f"{prefix}{i}", low=low, high=high) for i in range(count))


def domain_of(
    kind: str,
    columns: Sequence[Column],
    shape: tuple[int, int, int] = (1, 1, 1),
    max_chars: int = TextDomain().max_chars,
) -> Domain:
    """Return the domain of a kind: texts, rows of these columns, or images of this shape."""
    if kind == "text":
        return TextDomain(max_chars=max_chars)
    if kind == "image":
        return ImageDomain(shape=shape)
    return TableDomain(columns=tuple(columns))


def messages(rng: np.random.Generator, count: int, length: int) -> list[str]:
    """Write messages of everyday words, each word drawn by itself."""
    rows = rng.integers(0, len(WORDS), (count, length)).tolist()
    return [" ".join(WORDS[i] for i in row) for row in rows]


# ---- a rule that nothing was learnt for ----------------------------------------------------------


class FixedRuleTarget(BareTarget):
    """Answers by a fixed rule of the input, whatever it was trained on."""

    def __init__(self, classes: int = 2) -> None:
        self._mix = np.random.default_rng(0).integers(1, 2**32, classes, dtype=np.uint64)

    @property
    def offers(self) -> View:
        """Logits."""
        return View.LOGITS

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        codes = np.array([int.from_bytes(key[:4], "big") for key in row_keys(x)], dtype=np.uint64)
        drawn = (codes[:, None] * self._mix) % 2**32 / 2**32
        scores = (0.1 + drawn) / (0.1 + drawn).sum(axis=1, keepdims=True)
        return Answers(scores.argmax(axis=1), scores, np.log(scores))


class FixedRuleTrainer:
    """Ignores its data: every training gives the same fixed rule."""

    recipe = "a rule fixed before any data was seen"

    def __init__(self, classes: int = 2) -> None:
        self._target = FixedRuleTarget(classes)

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target."""
        return self._target

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`."""
        return Copies(self._target, len(masks))


@dataclass(frozen=True, eq=False)
class Copies:
    """The same target so many times; a question is answered once."""

    one: Target
    count: int

    def __len__(self) -> int:
        return self.count

    def scores(self, x: Inputs) -> Floats:
        """Probabilities `(N, n, classes)`."""
        return np.repeat(self.one.answer(x, View.SCORES).scores[None], self.count, axis=0)

    def labels(self, x: Inputs) -> Ints:
        """Classes `(N, n)`."""
        return np.asarray(self.scores(x).argmax(axis=2))

    def target(self, i: int) -> Target:
        """Return the i-th target."""
        return self.one


# ---- trainers of many targets at once ------------------------------------------------------------


class BatchTrainer(ABC):
    """Trains all its targets at once; one target is a batch of one."""

    @property
    @abstractmethod
    def recipe(self) -> str:
        """What is trained."""

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target."""
        return self.fit_many(data, np.ones((1, len(data)), dtype=bool), [seed]).target(0)

    @abstractmethod
    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`."""


@dataclass(frozen=True, eq=False)
class RuleEnsemble:
    """N targets of two classes behind one function that gives classes `(N, n)`."""

    domain: Domain
    rule: Callable[[Inputs], Ints]
    count: int

    def __len__(self) -> int:
        return self.count

    def scores(self, x: Inputs) -> Floats:
        """Probabilities `(N, n, classes)`: next to certain."""
        return np.asarray(np.eye(len(CLASSES))[self.rule(x)] * 0.98 + 0.01)

    def labels(self, x: Inputs) -> Ints:
        """Classes `(N, n)`."""
        return self.rule(x)

    def target(self, i: int) -> Target:
        """Return the i-th target."""
        return PythonTarget(
            lambda x: self.scores(self._shaped(x))[i], CLASSES, self.domain, sample=self._sample()
        )

    def _sample(self) -> Inputs:
        match self.domain:
            case TextDomain():
                return texts(["ba"])
            case TableDomain(columns=columns):
                return np.zeros((1, len(columns)))
            case ImageDomain(shape=shape):
                return np.zeros((1, *shape))

    def _shaped(self, x: Inputs) -> Inputs:
        """Give images their shape again: a function is given their pixels in a row."""
        return x.reshape(len(x), *self.domain.shape) if isinstance(self.domain, ImageDomain) else x
