"""What membership finds does not depend on the scale in which a model answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks.membership._signal import logit_confidence
from goalkeeper.attacks.membership.loss_threshold import LossThreshold
from goalkeeper.core.application import Application
from goalkeeper.core.data import PARTS, Data, Splits
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.evidence import AttackResult, Status
from goalkeeper.games.membership import Membership
from goalkeeper.games.membership.game import TASK
from goalkeeper.games.tallies import bounds
from goalkeeper.targets import PythonTarget
from tests.contract.harness import enough

TABLE = TableDomain(columns=tuple(Column(name=f"c{i}") for i in range(2)))
CLASSES = ("deny", "grant")
SCALES: dict[str, Callable[[Any], Any]] = {
    "probabilities": lambda p: p,
    "percent": lambda p: 100 * p,
    "log-probabilities": np.log,
    "logits": lambda p: np.log(p) + 3.0,
    "one logit": lambda p: np.log(p[:, 1]) - np.log(p[:, 0]),
    "one probability": lambda p: p[:, 1],
    "log-probabilities in a dict": lambda p: {"log_probs": np.log(p)},
}


def application(answer: Callable[[Any], Any], sure: float = 40.0) -> Application:
    """A model that knows the classes of its training data and guesses those of others.

    It is so sure of what it memorised, and a little surer of each next record, that all of that
    lies below a probability of 1e-12.
    """
    rng = np.random.default_rng(0)
    parts = {name: Data(x=rng.normal(size=(80, 2)), y=rng.integers(2, size=80)) for name in PARTS}
    known = {row.tobytes(): y for row, y in zip(parts["train"].x, parts["train"].y, strict=True)}

    def probabilities(x: Any) -> Any:
        x = np.ascontiguousarray(x)
        margin = np.array(
            [sure * (2 * known[r.tobytes()] - 1) if r.tobytes() in known else 2 * r[0] for r in x]
        )
        margin = margin + np.where(np.abs(margin) == sure, np.abs(x[:, 1]) * np.sign(margin), 0.0)
        return np.stack([1 / (1 + np.exp(margin)), 1 / (1 + np.exp(-margin))], axis=1)

    x = np.concatenate([parts["train"].x, parts["holdout"].x])
    target = PythonTarget(lambda x: answer(probabilities(x)), CLASSES, TABLE, sample=x)
    return Application(
        name="memory", target=target, data=Splits(**parts), domain=TABLE, classes=CLASSES
    )


def tried(app: Application) -> AttackResult:
    granted = enough(LossThreshold)
    return evaluate(
        app,
        AttackRun(attack=LossThreshold(), game=Membership(), task=TASK, granted=granted, seed=0),
    )


@pytest.mark.parametrize("scale", SCALES)
def test_a_memory_is_found_whichever_scale_the_scores_have(scale: str) -> None:
    result = tried(application(SCALES[scale]))
    area = next(m for m in result.measurements if m.metric == "AUC")
    assert result.status is Status.TESTED
    assert area.value == pytest.approx(1.0, abs=1e-3)


def test_the_signal_keeps_the_order_of_what_is_almost_certain() -> None:
    """Beyond 1e-12, where it used to be cut off, and down to a probability of exactly 0."""
    rest = np.array([0.5, 1e-6, 1e-12, 1e-13, 1e-40, 1e-300, 0.0])
    scores = np.stack([rest, 1 - rest], axis=1)
    one = logit_confidence(scores, np.ones(len(rest), dtype=np.int64))
    assert (np.diff(one) > 0).all()
    assert one[-1] < 40  # does not outweigh all others
    np.testing.assert_allclose(logit_confidence(scores, np.zeros(len(rest), np.int64)), -one)
    np.testing.assert_allclose(one[:2], np.log(1 - rest[:2]) - np.log(rest[:2]))


def test_a_signal_that_is_the_same_for_all_records_gives_nothing_away() -> None:
    """The attack can only toss coins; that it would win elsewhere is for the control to show."""
    result = tried(application(lambda p: np.full_like(p, 0.5)))
    assert result.status is Status.TESTED
    assert "scored all 240 records alike" in " ".join(result.caveats)
    assert bounds(result.trials[-1].tally, 0.05).low < 1
