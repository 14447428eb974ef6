"""Our Square attack beside a plain one, written from the paper alone, with the same budget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from goalkeeper.core.data import Bools, Floats, Ints
from goalkeeper.stats import clopper_pearson
from tests.validation.rows import Finding, Row

SHARE = 0.8  # of the pixels that the first squares cover, as in the paper for Linf
HALVED = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)  # steps of 10,000 after which it is
RADIUS, QUERIES = 0.1, 1_000


def play_plainly(
    answers: Callable[[Floats], Floats], x: Floats, y: Ints, rng: np.random.Generator
) -> Bools:
    """Return which images `(n, c, h, w)` are misread: algorithms 1 and 2 of the paper."""
    n, c, h, w = x.shape

    def margins(points: Floats) -> Floats:
        found = answers(points).copy()
        right = found[np.arange(n), y].copy()
        found[np.arange(n), y] = -np.inf
        return np.asarray(right - found.max(axis=1))

    best = np.clip(x + rng.choice([-RADIUS, RADIUS], (n, c, 1, w)), 0, 1)
    lead = margins(best)
    for step in range(QUERIES - 1):
        share = SHARE / 2 ** sum(step * 10_000 / QUERIES > at for at in HALVED)
        side = max(1, min(h - 1, round((share * h * w) ** 0.5)))
        tried = best.copy()
        for i in np.flatnonzero(lead > 0):
            row, column = rng.integers(0, h - side + 1), rng.integers(0, w - side + 1)
            square = (slice(None), slice(row, row + side), slice(column, column + side))
            change = rng.choice([-RADIUS, RADIUS], (c, 1, 1))
            tried[i][square] = np.clip(x[i][square] + change, 0, 1)
        new = np.where(lead > 0, margins(tried), lead)
        better = new < lead
        best[better], lead = tried[better], np.minimum(lead, new)
    return lead <= 0


def compare_squares(cases: int, rng: np.random.Generator) -> Finding:
    """Play both on an undefended network that reads digits, and gradients beside them."""
    import torch

    from goalkeeper.attacks.evasion import apgd
    from goalkeeper.attacks.evasion.square import square
    from tests.attacks.evasion import masked_networks as networks

    net: Any = networks.base()

    def answers(points: Floats) -> Floats:
        with torch.no_grad():
            found = net(torch.as_tensor(np.array(points), dtype=torch.float32))
        return np.asarray(found.double().softmax(dim=1).numpy())

    held = networks.digits().holdout
    right = answers(held.x).argmax(axis=1) == held.y
    x, y = np.array(held.x[right][:cases]), np.array(held.y[right][:cases])
    ours = int(square(answers, x, y, "linf", RADIUS, steps=QUERIES).success.sum())
    plain = int(play_plainly(answers, x, y, rng).sum())
    inputs, labels = torch.as_tensor(x, dtype=torch.float32), torch.as_tensor(y)
    best = int(apgd(net, inputs, labels, "linf", RADIUS).success.sum())
    return Finding(
        measured=f"{ours / len(x):.1%}, {ours} of {len(x)}; plain {plain}, gradients {best}",
        cases=len(x),
        passed=ours >= 0.6 * len(x) and clopper_pearson(ours, len(x)).high >= plain / len(x),
    )


ROWS = (
    Row(
        section="Published figures",
        name="Square, undefended network, Linf 0.1, 1,000 queries",
        claim="at least 60 % misread, and as many as by a plain Square from the paper, within the "
        "interval",
        measure=compare_squares,
        full=300,
        about=("src/goalkeeper/attacks/evasion",),
    ),
)
