"""Read the weights of a linear model, and change the fewest entries of a row that turn it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from goalkeeper.attacks.base import Unfit
from goalkeeper.attacks.evasion._cells import Case, CellAttack, Talk, Told, greedy
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Floats
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import UNLIMITED, Budget
from goalkeeper.games.evasion import Cells, Question


@final
@dataclass(frozen=True, kw_only=True)
class ColumnsFromWeights(CellAttack):
    """Change the entry that the weights say helps most, until they say that the answer turns.

    With two classes the gains of the entries add up, so that no smaller number of entries would
    do: the result is exact. The variant is `evasion.gradient`: the weights of a linear model are
    its gradient.

    Deviations: the papers minimise a distance or a cost; here it is the number of entries.
    """

    variant = "evasion.gradient"
    reference = (
        "Lowd, Meek 2005, Adversarial learning, KDD; "
        "Biggio et al. 2013, Evasion attacks against machine learning at test time, ECML PKDD"
    )
    most = Budget(compute_h=UNLIMITED)

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse a model whose weights cannot be read."""
        try:
            known = app.target.parameters()
        except NotOffered as error:
            return Unfit(f"the attack reads linear weights: {error}")
        if "weights" not in known:
            return Unfit("the attack reads linear weights, and the parameters name none")
        return None

    def talks(self, question: Question, access: Access) -> Callable[[Case], Talk]:
        """Read the weights once."""
        known = access.parameters()
        weights, bias = both(known["weights"], known["bias"])

        def talk(case: Case) -> Talk:
            row = shortest(case, weights, bias)
            yield row[None]

        return talk


def both(weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
    """Return one row of weights `(classes, d)` for each class, also where there are two."""
    weights, bias = np.asarray(weights, np.float64), np.asarray(bias, np.float64)
    if len(weights) > 1:
        return weights, bias
    return np.vstack([np.zeros_like(weights), weights]), np.concatenate([[0.0], bias])


def shortest(case: Case, weights: Floats, bias: Floats) -> Floats:
    """Change the fewest entries that turn the answer, or as many as are allowed."""
    search = greedy(case)
    try:
        rows = next(search)
        while True:
            lead = _lead(rows @ weights.T + bias, case.wanted)
            rows = search.send(Told(lead > 0, lead))
    except StopIteration as end:
        return np.asarray(end.value[0])


def _lead(logits: Floats, wanted: Bools) -> Floats:
    return np.asarray(logits[:, wanted].max(axis=1) - logits[:, ~wanted].max(axis=1))


def perturb(weights: Floats, bias: Floats, x: Floats, wanted: Bools, limits: Cells) -> Floats:
    """Change rows of a linear model, without any framework.

    Parameters
    ----------
    weights, bias
        `(classes, d)` and `(classes,)`; or one row towards class 1.
    x
        Rows `(n, d)`.
    wanted
        Which answers are wanted, `(n, classes)`.
    limits
        Which entries may change, and how many.

    Returns
    -------
    (n, d)
        Rows with the fewest entries changed; they may not reach the aim.
    """
    weights, bias = both(weights, bias)
    rng = np.random.default_rng(0)
    cases = [
        Case.of(row, want, limits, rng)
        for row, want in zip(np.asarray(x, np.float64), wanted, strict=True)
    ]
    return np.array([shortest(case, weights, bias) for case in cases]).reshape(np.shape(x))
