"""Ask about the attacker's own inputs, then about blends that say most, and learn from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from goalkeeper.attacks.extraction._contest import Contest
from goalkeeper.attacks.extraction._learning import (
    AnsweredInputs,
    blend_inputs,
    fit_kind,
    rank_kinds,
)
from goalkeeper.attacks.extraction._substitutes import ConstantSubstitute
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats, Inputs, Ints
from goalkeeper.games.extraction import Substitute

INPUT_SHARES = (0.25, 1.0)  # of the attacker's own inputs, after which a substitute is learnt
KEPT = 2  # kinds of models that are trained on in every round
POOL = 4  # blends drawn for each that is asked
UNSURE = 0.5  # share of the blends asked that lie where copies disagree or are unsure


def learn_from_own_data(access: Access, most: int, blended: float) -> Iterator[Substitute]:
    """Yield ever better substitutes.

    Parameters
    ----------
    access
        Data and questions.
    most
        One's own inputs asked, at most.
    blended
        Blends asked, as a multiple of the attacker's own inputs; the budget ends them as well.
    """
    contest = Contest.of(access)
    yield from contest.improve(_learn(access, contest, most, blended))


def _learn(access: Access, contest: Contest, most: int, blended: float) -> Iterator[Substitute]:
    x = access.data().x[:0] if contest.rest is None else contest.rest.x[:most]
    answered = contest.held.take(np.arange(0)) if contest.held is not None else None
    kinds: Sequence[str] = ()
    copies: list[Substitute] = []
    done = 0
    for share in INPUT_SHARES:
        end = max(done + 1, int(share * len(x)))
        answered = _ask(access, x[done:end], answered)
        done = end
        if answered is None or len(np.unique(answered.labels)) < 2:
            yield _constant(answered)
            continue
        kinds = rank_kinds(answered, access.domain, access.rng, contest.held)
        copies = _fit(kinds[:KEPT], answered, access)
        yield max(copies, key=contest.agreement)
    total = min(int(blended * len(x)), int(access.left()[0]))
    while total > 0 and copies and answered is not None:
        size = min(total, max(len(x), len(answered.labels)))
        total -= size
        blends = blend_inputs(x, POOL * size, access.domain, access.rng)
        blends = blends[access.domain.valid(blends)]
        chosen = _choose_unsure(blends, copies, size, access.rng)
        answered = _ask(access, blends[chosen], answered)
        if answered is not None:
            copies = _fit(kinds[:KEPT], answered, access)
            yield max(copies, key=contest.agreement)
    if contest.held is not None and copies and answered is not None:  # nothing is held back now
        best = max(copies, key=contest.agreement)
        if contest.agreement(best) < contest.own_agreement:
            return
        kind = kinds[copies.index(best)]
        whole = answered.joined(contest.held)
        final = fit_kind(kind, whole, access.domain, int(access.rng.integers(2**31)))
        yield final


def _fit(
    kinds: Sequence[str], answered: AnsweredInputs, access: Access
) -> list[Substitute]:
    seed = int(access.rng.integers(2**31))
    return [fit_kind(kind, answered, access.domain, seed) for kind in kinds]


def _constant(answered: AnsweredInputs | None) -> Substitute:
    seen = answered is not None and len(answered.labels) > 0
    return ConstantSubstitute(int(answered.labels[0]) if seen and answered is not None else 0)


def _choose_unsure(
    x: Inputs, copies: Sequence[Substitute], n: int, rng: np.random.Generator
) -> Ints:
    """Choose `n` inputs: half of them where copies disagree or are nearest to the boundary."""
    n = min(n, len(x))
    doubt = np.max([_doubt(copy, x) for copy in copies], axis=0)
    unlike = copies[0].predict(x) != copies[-1].predict(x)
    ranked = np.lexsort((-doubt, ~unlike))[: int(UNSURE * n)]
    others = rng.permutation(np.setdiff1d(np.arange(len(x)), ranked))[: n - len(ranked)]
    return np.concatenate([ranked, others])


def _doubt(copy: Substitute, x: Inputs) -> Floats:
    """Return how unsure a copy is of each input `(n,)`, as far as it can say; 0 is the least."""
    margins = getattr(copy, "margins", None)
    if margins is None:
        return np.zeros(len(x))
    values = np.asarray(margins(x), dtype=np.float64)
    if values.shape[1] == 1:
        return -np.abs(values[:, 0])
    best = np.sort(values, axis=1)[:, -2:]
    return np.asarray(best[:, 0] - best[:, 1])


def _ask(access: Access, x: Inputs, before: AnsweredInputs | None) -> AnsweredInputs | None:
    x = x[: int(access.left()[0])]
    if not len(x):
        return before if before is None or len(before.labels) else None
    fresh = AnsweredInputs.of(x, access.query(x))
    return before.joined(fresh) if before else fresh
