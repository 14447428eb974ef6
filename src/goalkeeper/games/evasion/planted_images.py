"""A classifier of images for the positive control: it gives way to small changes of each image.

It knows the images that will be attacked. About each it answers with the true class, and with a
wanted one beyond a threshold along a pattern, which lies inside the limits whatever these are. A
rule for all images could not: images of one class lie farther apart than small limits reach.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.application import Answers, Application, Target
from goalkeeper.core.data import Floats, Inputs, Ints
from goalkeeper.core.power import View
from goalkeeper.games.evasion.images import NormBall, PixelConstraint, flatten
from goalkeeper.games.evasion.kinds import BackdoorSpec
from goalkeeper.games.evasion.parts import Constraint
from goalkeeper.games.shared.base_targets import BareTarget
from goalkeeper.targets.torch import metered, need_torch

STEEP = 5.0  # difference of logits between an image and where its answer turns
# Of the farthest allowed change along the pattern; an exact direction is not needed. Under Linf
# more than half, so that an attack which takes half of the radius for the whole does not get
# there. A thousand scores lead a Euclidean change of 3,000 values 0.4 of the way, labels less far.
FAR, FAR_L2 = 0.55, 0.3
MOST = 0.9  # the same, where random changes get far by themselves
RARE = 0.99  # share of random changes of full size that must not get there
DRAWS = 20  # random changes of each image, by which that is measured
# Values that a pattern consists of. With more, labels of a thousand noisy images do not
# show the direction of each; with a smaller share, squares seldom hit any.
VALUES, SHARE = 36, 0.05
CLEAR = 0.25  # of the largest difference of two class means: a value that tells classes apart
RIDGE = 3.0  # of the mean square length of an image
LEARNT = 1000  # images that linear weights are fitted to
CLIMBS = 3  # of finding what a Euclidean change can reach where values are at their limits


@dataclass(frozen=True, eq=False)
class PlantedImagesTarget(BareTarget):
    """Answers as the nearest of the `images` `(m, d)` does, whose answer turns along its slope.

    slopes `(m, d)`: the answer turns where the change times the slope is one. truth, given `(m,)`:
    the class before and beyond. rest: logit of all other classes.
    """

    images: Floats
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
        """Answer images `(n, ...)`."""
        pixels, every = flatten(x), np.arange(len(x))
        length = (self.images**2).sum(axis=1) / 2
        nearest = (length - pixels @ self.images.T).argmin(axis=1)
        along = (pixels @ self.slopes.T - (self.images * self.slopes).sum(axis=1))[every, nearest]
        logits = np.full((len(x), self.classes), self.rest)
        logits[every, self.truth[nearest]] = 0.0
        logits[every, self.given[nearest]] = STEEP * (along - 1)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores = powers / powers.sum(axis=1, keepdims=True)
        return Answers(logits.argmax(axis=1).astype(np.int64), scores, logits).cut(view)

    def network(self, count: Callable[[int, int], None]) -> Any:
        """Return the metered torch form."""
        return metered(_build_network(self), self.classes, count)


def _build_network(target: PlantedImagesTarget) -> Any:
    torch = need_torch()

    class PlantedImages(torch.nn.Module):  # type: ignore[misc, name-defined]
        """The same answers as the target, as logits."""

        def __init__(self) -> None:
            super().__init__()
            single = {"dtype": torch.float32}
            self.register_buffer("images", torch.tensor(target.images, **single))
            self.register_buffer("slopes", torch.tensor(target.slopes, **single))
            self.register_buffer("truth", torch.tensor(target.truth))
            self.register_buffer("given", torch.tensor(target.given))

        def forward(self, x: Any) -> Any:
            """Return logits `(n, classes)`."""
            pixels = x.flatten(1).to(self.images.dtype)
            with torch.no_grad():
                length = (self.images**2).sum(dim=1) / 2
                nearest = (length - pixels @ self.images.T).argmin(dim=1, keepdim=True)
            start = (self.images * self.slopes).sum(dim=1)
            along = (pixels @ self.slopes.T - start).gather(1, nearest)
            logits = pixels.new_full((len(x), target.classes), target.rest)
            logits = logits.scatter(1, self.truth[nearest], 0.0)
            return logits.scatter(1, self.given[nearest], STEEP * (along - 1))

    return PlantedImages()


def planted_images(app: Application, backdoor: BackdoorSpec, rng: np.random.Generator) -> Target:
    """Build a classifier that gives way to changes of the images under attack.

    The pattern of each image leads from the mean of its class to the nearest mean of a wanted one,
    so that also an attacker who asks nothing, and only learns from images of his own, can come
    upon it. The answer turns at somewhat more than half of what an allowed change can reach, or
    farther, where random changes come that far.
    """
    images, limits = backdoor.inputs, backdoor.constraint
    given, ways = _choose_classes(app, backdoor, rng)
    best = flatten(_change_along(limits, images.x, ways)) - flatten(images.x)
    reach = (best * ways).sum(axis=1)
    ways[reach <= 0] = 0.0  # there is no room: the answer never turns
    slopes = ways / np.maximum(reach, np.finfo(np.float64).tiny)[:, None]
    least = FAR_L2 if isinstance(limits, NormBall) and limits.norm == "l2" else FAR
    far = np.clip(_measure_random(limits, images.x, slopes, rng), least, MOST)
    return PlantedImagesTarget(
        images=flatten(images.x),
        slopes=slopes / far,
        truth=images.y,
        given=given,
        classes=len(app.classes),
        # The least likely class is the one in whose stead another answer is not wanted.
        rest=STEEP * (-0.98 if backdoor.least_likely else -1.02),
    )


def _choose_classes(
    app: Application, backdoor: BackdoorSpec, rng: np.random.Generator
) -> tuple[Ints, Floats]:
    """Choose the wanted class with the nearest mean, and the way `(m, d)` towards it.

    A class of which nothing is known has its mean anywhere about that of all images. Where the
    length of a change is bounded, the way is that of a linear model, from which the gradients of
    networks differ less than from the means.
    """
    x, pixels, labels = flatten(backdoor.inputs.x), flatten(app.data.similar.x), app.data.similar.y
    middle, spread = pixels.mean(axis=0), pixels.std() + 1e-9
    means = middle + spread * rng.choice([-1.0, 1.0], (len(app.classes), x.shape[1]))
    for k in np.unique(labels):
        means[k] = pixels[labels == k].mean(axis=0)
    away = np.stack([((x - mean) ** 2).sum(axis=1) for mean in means], axis=1)
    given = np.where(backdoor.goal.wanted, away, np.inf).argmin(axis=1)
    truth, limits = backdoor.inputs.y, backdoor.constraint
    ways = means[given] - means[truth]
    if not isinstance(limits, NormBall):
        return given, ways
    if limits.norm == "linf":
        return given, np.sign(_concentrate(limits, x, ways))
    learnt = _fit_ridge(pixels[:LEARNT], labels[:LEARNT], len(app.classes))
    # As many values as can all move by two steps at least: less would be rounded away.
    most = int(max(1.0, (limits.radius / limits.grid.quantum / 2) ** 2))
    return given, _keep_largest(_with_room(limits, x, learnt[given] - learnt[truth]), most)


def _fit_ridge(x: Floats, y: Ints, classes: int) -> Floats:
    """Fit linear weights `(classes, d)`, so smooth that they resemble what networks learn."""
    x, truth = x - x.mean(axis=0), np.eye(classes)[y]
    products = x @ x.T
    penalty = RIDGE * np.trace(products) / len(x) + 1e-12
    inverse = np.linalg.solve(products + penalty * np.eye(len(x)), truth - truth.mean(axis=0))
    return np.asarray(inverse.T @ x)


def _concentrate(limits: NormBall, x: Floats, ways: Floats) -> Floats:
    """Keep of each way `(m, d)` few large parts along which values of `x` have room."""
    ways = _keep_largest(_with_room(limits, x, ways), max(VALUES, round(SHARE * x.shape[1])))
    return np.where(np.abs(ways) >= CLEAR * np.abs(ways).max(axis=1, keepdims=True), ways, 0.0)


def _with_room(limits: NormBall, x: Floats, ways: Floats) -> Floats:
    grid = limits.grid
    room = np.where(ways > 0, x <= grid.high - grid.quantum, x >= grid.low + grid.quantum)
    return np.where(room, ways, 0.0)


def _keep_largest(ways: Floats, keep: int) -> Floats:
    if keep >= ways.shape[1]:
        return ways
    least = -np.partition(-np.abs(ways), keep - 1, axis=1)[:, keep - 1 : keep]
    return np.where(np.abs(ways) >= least, ways, 0.0)


def _change_along(limits: Constraint, before: Inputs, ways: Floats) -> Inputs:
    """Change images `(m, ...)` as far along their ways `(m, d)` as the limits allow."""
    if isinstance(limits, PixelConstraint):
        return _set_pixel(limits, before, ways)
    if not isinstance(limits, NormBall):
        raise TypeError(f"changes of images are bounded by a norm, not by {limits!r}")
    grid, x = limits.grid, flatten(before)
    if limits.norm == "linf":
        return limits.quantise(before, (x + limits.radius * ways).reshape(before.shape))
    change = np.zeros_like(x)
    for _ in range(CLIMBS):  # what is cut off at the ends of the range goes elsewhere
        change = change + ways * (limits.radius / np.maximum(_length(ways), 1e-12))
        change = change * np.minimum(1.0, limits.radius / np.maximum(_length(change), 1e-12))
        change = np.clip(x + change, grid.low, grid.high) - x
    return limits.quantise(before, (x + change).reshape(before.shape))


def _set_pixel(limits: PixelConstraint, before: Inputs, ways: Floats) -> Inputs:
    """Set that pixel of images `(m, c, h, w)` to an end of the range which gains most.

    One is enough, however many may change: attacks try one before they try several.
    """
    x = flatten(before).reshape(*before.shape[:2], -1)
    way = ways.reshape(x.shape)
    ends = np.where(way > 0, limits.grid.high, limits.grid.low)
    gain = (way * (ends - x)).sum(axis=1, keepdims=True)
    chosen = (gain == gain.max(axis=2, keepdims=True)) & (way != 0)
    return np.where(chosen, ends, x).reshape(before.shape)


def _measure_random(
    limits: Constraint, before: Inputs, slopes: Floats, rng: np.random.Generator
) -> float:
    """Return how far along the slopes hardly any random change of full size gets."""
    sizes = np.full(len(before), limits.most)
    along = [
        ((flatten(limits.perturb_randomly(before, sizes, before, rng)) - flatten(before)) * slopes)
        .sum(axis=1)
        for _ in range(DRAWS)
    ]  # fmt: skip
    return float(np.quantile(np.concatenate(along), RARE)) if len(before) else 0.0


def _length(rows: Floats) -> Floats:
    return np.asarray(np.sqrt((rows**2).sum(axis=1, keepdims=True)))
