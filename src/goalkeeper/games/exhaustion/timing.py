"""What an answer costs: inputs asked one at a time, in turns, by seconds or counted operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np

from goalkeeper.core.application import Target
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.errors import TargetError
from goalkeeper.core.power import View
from goalkeeper.core.text import texts

Unit = Literal["seconds", "operations"]


@dataclass(frozen=True, eq=False, slots=True)
class CostMeter:
    """Reads time, or the operations that a target counts itself."""

    target: Target
    read: Callable[[], float]
    unit: Unit
    patience: float  # seconds after which no further round is begun

    @classmethod
    def of(cls, target: Target, clock: Callable[[], float], patience: float) -> CostMeter:
        """Take the target's own count (`work()`, a number that grows with every answer)."""
        count = getattr(target, "work", None)
        if count is not None:
            return cls(target, count, "operations", float("inf"))
        return cls(target, clock, "seconds", patience)

    def measure(
        self, groups: Sequence[Inputs], rounds: int, rng: np.random.Generator
    ) -> list[Floats]:
        """Return what each input of each group costs, `(n,)` a group, the median over rounds.

        In every round all inputs of all groups are asked once, alone and in a new random order,
        so that whatever slows the machine down meets all groups alike. No further round is begun
        when the patience is over. A refusal costs what it took until it came.
        """
        places = [(g, i) for g, group in enumerate(groups) for i in range(len(group))]
        for group in groups:
            self._measure_one(group[:1])  # the first answer may load or compile something
        start, rounds_seen = self.read(), []
        for _ in range(rounds):
            costs = np.zeros(len(places))
            for k in rng.permutation(len(places)).tolist():
                g, i = places[k]
                costs[k] = self._measure_one(groups[g][i : i + 1])
            rounds_seen.append(costs)
            if self.read() - start > self.patience:
                break
        # The median over rounds ignores rounds in which the machine was busy with something else.
        median = np.median(np.stack(rounds_seen), axis=0)
        edges = np.cumsum([len(group) for group in groups])[:-1]
        return [np.asarray(part) for part in np.split(median, edges)]

    def _measure_one(self, x: Inputs) -> float:
        start = self.read()
        with suppress(TargetError):
            self.target.answer(x, View.LABELS)
        return self.read() - start


def draw_of_size(like: Inputs, size: int, n: int, rng: np.random.Generator) -> Inputs:
    """Return `n` ordinary inputs of equal size `(n, ...)`.

    Texts are ordinary ones one after the other, in random order, cut at `size` characters.
    Inputs of fixed shape are drawn from the ordinary ones as they are.
    """
    if like.dtype != object:
        return draw_inputs(like, n, rng)
    return texts(_join_texts(like, size, rng) for _ in range(n))


def draw_inputs(x: Inputs, n: int, rng: np.random.Generator) -> Inputs:
    """Draw inputs, each once where there are enough."""
    rows = rng.permutation(len(x))[:n] if len(x) >= n else rng.integers(0, len(x), n)
    return np.asarray(x[rows])


def _join_texts(like: Inputs, size: int, rng: np.random.Generator) -> str:
    parts: list[str] = []
    length = 0
    while length < size:
        part = str(like[int(rng.integers(len(like)))]) + "\n"
        parts.append(part)
        length += len(part)
    return "".join(parts)[:size]
