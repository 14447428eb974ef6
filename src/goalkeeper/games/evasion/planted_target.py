"""A classifier for the positive control that gives way to small changes of each input.

It knows the inputs that will be attacked. About each it answers with the true class, and with a
wanted one beyond a threshold along a way of its own, which lies inside the limits whatever these
are. A rule for all inputs could not: inputs of one class lie farther apart than small limits reach.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers
from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.core.power import View
from goalkeeper.games.evasion.images import flatten
from goalkeeper.games.evasion.parts import Constraint
from goalkeeper.games.shared.base_targets import BareTarget
from goalkeeper.targets.torch import metered, need_torch

STEEP = 5.0  # difference of logits between an input and where its answer turns
MOST = 0.9  # of the farthest allowed change, where random changes get far by themselves
DRAWS = 8  # random changes of each input, by which that is measured
RIDGE = 3.0  # of the mean square length of an input
LEARNT = 1000  # inputs that linear weights are fitted to


@dataclass(frozen=True, eq=False)
class PlantedTarget(BareTarget):
    """Answers as the nearest of `known` `(m, d)` does, whose answer turns along its slope.

    slopes `(m, d)`: the answer turns where the change times the slope is one. truth, given `(m,)`:
    the class before and beyond. rest: logit of all other classes.
    """

    known: Floats
    slopes: Floats
    truth: Ints
    given: Ints
    classes: int
    rest: float

    @property
    def offers(self) -> View:
        """Everything, as it has a differentiable form."""
        return View.GRADIENTS

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        logits = self.logits(x)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores = powers / powers.sum(axis=1, keepdims=True)
        return Answers(logits.argmax(axis=1).astype(np.int64), scores, logits).cut(view)

    def logits(self, x: Inputs) -> Floats:
        """Return the logits `(n, classes)` of inputs `(n, ...)`."""
        values, every = self.values(x), np.arange(len(x))
        length = (self.known**2).sum(axis=1) / 2
        nearest = (length - values @ self.known.T).argmin(axis=1)
        along = (values @ self.slopes.T - (self.known * self.slopes).sum(axis=1))[every, nearest]
        logits = np.full((len(x), self.classes), self.rest)
        logits[every, self.truth[nearest]] = 0.0
        logits[every, self.given[nearest]] = STEEP * (along - 1)
        return logits

    def values(self, x: Inputs) -> Floats:
        """Return the values `(n, d)` of inputs that are compared with the known ones."""
        return flatten(x)

    def network(self, count: Callable[[int, int], None]) -> Any:
        """Return the metered torch form, which takes inputs whose values are themselves."""
        return metered(_build_network(self), self.classes, count)


def _build_network(target: PlantedTarget) -> Any:
    torch = need_torch()

    class Planted(torch.nn.Module):  # type: ignore[misc, name-defined]
        """The same answers as the target, as logits."""

        def __init__(self) -> None:
            super().__init__()
            single = {"dtype": torch.float32}
            self.register_buffer("known", torch.tensor(target.known, **single))
            self.register_buffer("slopes", torch.tensor(target.slopes, **single))
            self.register_buffer("truth", torch.tensor(target.truth))
            self.register_buffer("given", torch.tensor(target.given))

        def forward(self, x: Any) -> Any:
            """Return logits `(n, classes)`."""
            values = x.flatten(1).to(self.known.dtype)
            with torch.no_grad():
                length = (self.known**2).sum(dim=1) / 2
                nearest = (length - values @ self.known.T).argmin(dim=1, keepdim=True)
            start = (self.known * self.slopes).sum(dim=1)
            along = (values @ self.slopes.T - start).gather(1, nearest)
            logits = values.new_full((len(x), target.classes), target.rest)
            logits = logits.scatter(1, self.truth[nearest], 0.0)
            return logits.scatter(1, self.given[nearest], STEEP * (along - 1))

    return Planted()


def rest_of(*, least_likely: bool) -> float:
    """Return the logit of all classes but two: just more than that of a least likely one."""
    return STEEP * (-0.98 if least_likely else -1.02)


def choose_classes(
    known: Floats, wanted: Bools, similar: Floats, labels: Ints, rng: np.random.Generator
) -> tuple[Ints, Floats]:
    """Choose for each known input the wanted class with the nearest mean; and return the means.

    A class of which nothing is known has its mean anywhere about that of all inputs.
    """
    middle, spread = similar.mean(axis=0), similar.std() + 1e-9
    means = middle + spread * rng.choice([-1.0, 1.0], (wanted.shape[1], known.shape[1]))
    for k in np.unique(labels):
        means[k] = similar[labels == k].mean(axis=0)
    away = np.stack([((known - mean) ** 2).sum(axis=1) for mean in means], axis=1)
    return np.where(wanted, away, np.inf).argmin(axis=1), means


def fit_ridge(x: Floats, y: Ints, classes: int) -> Floats:
    """Fit linear weights `(classes, d)`, so smooth that they resemble what networks learn."""
    x, y = x[:LEARNT], y[:LEARNT]
    x, truth = x - x.mean(axis=0), np.eye(classes)[y]
    products = x @ x.T
    penalty = RIDGE * np.trace(products) / len(x) + 1e-12
    inverse = np.linalg.solve(products + penalty * np.eye(len(x)), truth - truth.mean(axis=0))
    return np.asarray(inverse.T @ x)


def steepen(ways: Floats, reach: Floats) -> Floats:
    """Return slopes `(m, d)` by which the farthest allowed change, `reach` `(m,)`, makes one.

    Where there is no room the answer never turns.
    """
    room = (reach > 0)[:, None]
    return np.where(room, ways / np.where(room, reach[:, None], 1.0), 0.0)


def measure_random(
    limits: Constraint,
    before: Inputs,
    size: float,
    along: Callable[[Inputs], Floats],
    rng: np.random.Generator,
    share: float,
) -> float:
    """Return how far a `share` of random changes of a size stay below, by `along` of them."""
    sizes = np.full(len(before), size)
    found = [along(limits.perturb_randomly(before, sizes, before, rng)) for _ in range(DRAWS)]
    return float(np.quantile(np.concatenate(found), share)) if len(before) else 0.0
