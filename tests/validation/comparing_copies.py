"""Comparisons of real copies: the same models, copied several times with other seeds."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import numpy as np

from goalkeeper.comparing import Direction, compare
from goalkeeper.core.assessment import Assessment
from goalkeeper.core.evidence import AttackResult, Gain, Status, Trial
from goalkeeper.core.power import Grade, View
from goalkeeper.planning.evidence import build_evidence
from tests.scheduling.making import plan_of
from tests.validation.comparing import ABOUT, ALPHA, CASES, COPIES, conclude
from tests.validation.copies import MODELS, Copied, attacker, build_application, copy_all
from tests.validation.rows import Finding, Row

COPIES_OF_EACH = 4
COPIED = (  # what attackers of real models see and know, and how they copy
    (View.LABELS, Grade.PARTIAL, ("substitute_from_data",)),
    (View.LABELS, Grade.NONE, ("substitute",)),
)
DATA = "breast cancer"


def claims_between_copies(cases: int, rng: np.random.Generator) -> Finding:
    """Copy so many models several times each, and count the pairs between which a change is seen.

    Each attack is compared alone, without a correction for others.
    """
    claims, pairs, luck = 0, 0, []
    for model in list(MODELS)[:cases]:
        app = build_application(model, DATA)
        copies: dict[str, list[Assessment]] = {}
        missing: dict[str, list[float]] = {}
        for seed in range(COPIES_OF_EACH):
            for view, data, names in COPIED:
                for copy in copy_all(app, attacker(view, data), names, seed):
                    copies.setdefault(copy.attack, []).append(assess_copy(copy, seed))
                    left = copy.n - copy.without
                    missing.setdefault(copy.attack, []).append((copy.n - copy.copied + 0.5) / left)
        luck += [np.var(np.log(each), ddof=1) for each in missing.values()]
        for made in copies.values():
            found = [compare(*pair).attacks[0] for pair in combinations(made, 2)]
            claims += sum(row.change is not Direction.UNDECIDED for row in found)
            pairs += len(found)
    return Finding(
        measured=f"claimed in {claims} of {pairs} pairs ({claims / pairs:.1%}) of {cases} models; "
        f"standard deviation of the logarithm of what is missed {math.sqrt(np.mean(luck)):.2f}",
        cases=pairs,
        passed=claims <= ALPHA * pairs,
    )


def assess_copy(copy: Copied, seed: int) -> Assessment:
    tally = Gain(
        successes=copy.copied,
        n=copy.n,
        baseline_successes=copy.without,
        baseline_n=copy.n,
        both=copy.both,
    )
    trial = Trial(budget=copy.queries, queries=copy.queries, tally=tally)
    result = AttackResult(status=Status.TESTED, trials=(trial,))
    entry = plan_of([replace(CASES[0], looks=1)]).entries[0]
    update = {"metric": COPIES.metric, "game": COPIES.game}
    evidence = build_evidence(entry, result, seed=seed, look=entry.unit).model_copy(update=update)
    return conclude([evidence], seed, rated=False)


ROWS = (
    Row(
        section="Comparing two runs",
        name="copies of the same real models, with other seeds",
        claim="a change is claimed in at most 5 % of pairs",
        measure=claims_between_copies,
        full=len(MODELS),
        about=(*ABOUT, "src/goalkeeper/attacks/extraction", "src/goalkeeper/games/extraction"),
    ),
)
