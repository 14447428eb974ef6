"""Images for the positive control: how each gives way, under three norms."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application, Target
from goalkeeper.core.data import Floats, Inputs, Ints
from goalkeeper.games.evasion.images import NormBall, PixelConstraint, flatten
from goalkeeper.games.evasion.kinds import BackdoorSpec
from goalkeeper.games.evasion.parts import Constraint
from goalkeeper.games.evasion.planted_target import (
    MOST,
    PlantedTarget,
    choose_classes,
    fit_ridge,
    measure_random,
    rest_of,
    steepen,
)

# Of the farthest allowed change along the pattern; an exact direction is not needed. Under Linf
# more than half, so that an attack which takes half of the radius for the whole does not get
# there. A thousand scores lead a Euclidean change of 3,000 values 0.4 of the way, labels less far.
FAR, FAR_L2 = 0.55, 0.3
RARE = 0.99  # share of random changes of full size that must not turn an answer
# Values that a pattern consists of. With more, labels of a thousand noisy images do not show the
# direction of each; with a smaller share, squares seldom hit any.
VALUES, SHARE = 36, 0.05
CLEAR = 0.25  # of the largest difference of two class means: a value that tells classes apart
CLIMBS = 3  # of finding what a Euclidean change can reach where values are at their limits


def planted_images(app: Application, backdoor: BackdoorSpec, rng: np.random.Generator) -> Target:
    """Build a classifier that gives way to changes of the images under attack.

    The pattern of each image leads from the mean of its class to the nearest mean of a wanted one,
    so that also an attacker who asks nothing, and only learns from images of his own, can come
    upon it. The answer turns at somewhat more than half of what an allowed change can reach, or
    farther, where random changes come that far.
    """
    images, limits = backdoor.inputs, backdoor.constraint
    before = flatten(images.x)
    given, ways = _choose_ways(app, backdoor, rng)
    best = flatten(_change_along(limits, images.x, ways)) - before
    slopes = steepen(ways, (best * ways).sum(axis=1))
    random = measure_random(
        limits,
        images.x,
        limits.most,
        lambda x: ((flatten(x) - before) * slopes).sum(axis=1),
        rng,
        RARE,
    )
    least = FAR_L2 if isinstance(limits, NormBall) and limits.norm == "l2" else FAR
    return PlantedTarget(
        known=before,
        slopes=slopes / np.clip(random, least, MOST),
        truth=images.y,
        given=given,
        classes=len(app.classes),
        rest=rest_of(least_likely=backdoor.least_likely),
    )


def _choose_ways(
    app: Application, backdoor: BackdoorSpec, rng: np.random.Generator
) -> tuple[Ints, Floats]:
    """Choose the wanted class that is nearest, and the way `(m, d)` towards it.

    Where the length of a change is bounded, the way is that of a linear model, from which the
    gradients of networks differ less than from the means.
    """
    x, truth, limits = flatten(backdoor.inputs.x), backdoor.inputs.y, backdoor.constraint
    pixels, labels = flatten(app.data.similar.x), app.data.similar.y
    given, means = choose_classes(x, backdoor.goal.wanted, pixels, labels, rng)
    if not isinstance(limits, NormBall):
        return given, means[given] - means[truth]
    if limits.norm == "linf":
        return given, np.sign(_concentrate(limits, x, means[given] - means[truth]))
    learnt = fit_ridge(pixels, labels, len(app.classes))
    # As many values as can all move by two steps at least: less would be rounded away.
    most = int(max(1.0, (limits.radius / limits.grid.quantum / 2) ** 2))
    return given, _keep_largest(_with_room(limits, x, learnt[given] - learnt[truth]), most)


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


def _length(rows: Floats) -> Floats:
    return np.asarray(np.sqrt((rows**2).sum(axis=1, keepdims=True)))
