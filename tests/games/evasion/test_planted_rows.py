"""Weakened applications of tables: sound attacks break them however little may be changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks import catalogue
from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import PARTS, Data, Splits
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.power import Power
from goalkeeper.core.threats import TableThreat, Threats
from goalkeeper.games.evasion import Ending, EntryConstraint, Evasion, EvasionQuestion, Submission
from goalkeeper.games.shared.simple_targets import LinearTarget
from goalkeeper.games.tallies import beats_baseline
from tests.contract.harness import enough

GAME = Evasion(n=24)
LITTLE = [(0.02, 1), (0.02, None)]  # standard deviations, columns
OPEN = Power()


@cache
def tumours() -> Application:
    x, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    rows = dict(zip(PARTS, np.array_split(order, len(PARTS)), strict=True))
    parts = Splits(**{p: Data(x=x[rows[p]], y=y[rows[p]].astype(np.int64)) for p in PARTS})
    columns = [Column(name=f"c{j}", low=0.0, high=2 * float(x[:, j].max())) for j in range(30)]
    return Application(
        name="tumours",
        target=LinearTarget(np.zeros((2, 30)), np.zeros(2)),
        data=parts,
        domain=TableDomain(columns=tuple(columns)),
        classes=("malignant", "benign"),
    )


@cache
def weakened(spread: float, most: int | None) -> Application:
    app = replace(tumours(), threats=Threats(table=TableThreat(spread=spread, most=most)))
    return GAME.weakened(app, GAME.tasks(app)[0], np.random.default_rng(0))


def breaks(attack: Attack[Any, Any], spread: float, most: int | None, granted: Power) -> bool:
    app = weakened(spread, most)
    run = AttackRun(attack=attack, game=GAME, task=GAME.tasks(app)[0], granted=granted, seed=0)
    return any(beats_baseline(trial.tally) for trial in evaluate(app, run).trials)


@dataclass(frozen=True, kw_only=True)
class _Blind(Attack[EvasionQuestion, Submission]):
    """Random changes of full size; or none."""

    game = Evasion
    variant = "evasion.decision"
    reference = "none"
    moves: bool

    def run(self, question: EvasionQuestion, access: Access) -> Submission:
        limits, x = question.constraint, np.asarray(question.x, dtype=np.float64)
        assert isinstance(limits, EntryConstraint)
        sizes = np.full(len(x), float(limits.entries * self.moves))
        after = limits.perturb_randomly(x, sizes, x, access.rng)
        return Submission(x=after, endings=np.full(len(x), Ending.SURVIVED, dtype=object))


@pytest.mark.parametrize(("spread", "most"), LITTLE)
def test_sound_attacks_break_rows_however_little_may_change(
    spread: float, most: int | None
) -> None:
    # With a single column, that of another model is often not the one that is planted.
    names = ["columns_from_scores", "columns_from_labels", "columns_from_weights"]
    names += [] if most == 1 else ["columns_transferred"]
    attacks = {name: catalogue()[name] for name in names}
    broken = [
        name
        for name, attack in attacks.items()
        if breaks(attack(), spread, most, enough(attack, queries=1000))
    ]
    assert broken == names


@pytest.mark.parametrize(("spread", "most"), LITTLE)
@pytest.mark.parametrize("moves", [True, False])
def test_an_attack_that_ignores_the_answers_or_never_moves_does_not(
    spread: float,
    most: int | None,
    moves: bool,  # noqa: FBT001 - a table of cases
) -> None:
    assert not breaks(_Blind(moves=moves), spread, most, OPEN)
