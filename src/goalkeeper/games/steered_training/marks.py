"""Mark a steered training: what honest training classifies correctly and steered training not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Application, Target, Trainer
from goalkeeper.core.data import Data, Ints
from goalkeeper.core.errors import DataError, NotOffered
from goalkeeper.core.evidence import AttackResult, Measurement, Proportion, Status, Trial
from goalkeeper.core.power import Power, View
from goalkeeper.core.steering import Steering, permitted
from goalkeeper.games.base import Marking
from goalkeeper.games.shared.items import keep_outcomes
from goalkeeper.games.shared.wording import percent
from goalkeeper.games.steered_training.aim import TrainingAim
from goalkeeper.games.tallies import estimate_tally, paired_proportion
from goalkeeper.stats import clopper_pearson, paired_difference


def train(trainer: Trainer, data: Data, seed: int, steering: Steering) -> Target:
    """Train one target by this steering; a seed alone can be set in any training."""
    if steering.order is None and steering.weights is None:
        return trainer.fit(data, seed if steering.seed is None else steering.seed)
    steered = getattr(trainer, "fit_steered", None)
    if steered is None:
        raise NotOffered("this application's training cannot be steered")
    target: Target = steered(data, seed, steering)
    return target


def _neutral(steering: Steering, rows: int) -> Steering:
    """Return a steering of the same parts without effect, so that both trainings run alike."""
    return Steering(
        order=None if steering.order is None else lambda honest, labels, epoch: honest,
        weights=None if steering.weights is None else np.ones(rows),
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Labels:
    """Labels of holdout `(pairs, n)` and validation data `(pairs, m)`, honest and steered."""

    honest: Ints
    steered: Ints
    before: Ints
    after: Ints


def mark(marking: Marking[TrainingAim, None, Steering], *, pairs: int) -> AttackResult:
    """Train so many pairs, honest and steered, and compare their answers input by input.

    Each holdout input counts in one pair only, so that the counts are independent; its baseline
    is the honest training of the next pair.
    """
    app, aim, rng = marking.app, marking.deal.question, marking.rng
    steering = marking.final.answer
    if not isinstance(steering, Steering):
        raise DataError("an answer must be a Steering")
    steering = permitted(steering, marking.granted, aim.rows)
    labels = _retrain(app, steering, marking.victim, pairs)
    holdout = app.data.holdout
    counted = np.ones(len(holdout), dtype=bool)
    if aim.harmless is not None:
        counted = holdout.y == aim.harmless
    pair = rng.permutation(len(holdout)) % pairs
    place = np.arange(len(holdout))
    correct = (labels.honest[pair, place] == holdout.y) & counted
    if not correct.any():
        reason = "inconclusive: after honest training no holdout input is classified correctly"
        return AttackResult(status=Status.NOT_TESTED, reason=reason)
    wrong = labels.steered[pair, place] != holdout.y
    other = labels.honest[(pair + 1) % pairs, place] != holdout.y
    tally = paired_proportion(wrong[correct], other[correct])
    loss = _accuracy_lost(labels, app.data.calibration, aim.tolerance, rng)
    return AttackResult(
        status=Status.TESTED,
        summary=_summary(tally, aim, loss.value),
        measurements=(
            _headline(tally, aim),
            loss,
            _accuracy(labels, holdout),
        ),
        trials=(Trial(budget=_share(marking.granted), queries=0.0, tally=tally),),
        outcomes=keep_outcomes(app, holdout.x, wrong, other, correct),
        caveats=_caveats(steering, marking.granted),
    )


def _retrain(
    app: Application, steering: Steering, victim: np.random.SeedSequence, pairs: int
) -> _Labels:
    trainer, data = app.trainer, app.data.train
    if trainer is None:
        raise NotOffered("the application cannot be retrained; describe model.build")
    seeds = np.random.default_rng(victim).integers(0, 2**31 - 1, pairs).tolist()
    honest = [train(trainer, data, s, _neutral(steering, len(data))) for s in seeds]
    steered = [train(trainer, data, s, steering) for s in seeds]
    holdout, check = app.data.holdout, app.data.calibration
    return _Labels(
        honest=_ask(honest, holdout),
        steered=_ask(steered, holdout),
        before=_ask(honest, check),
        after=_ask(steered, check),
    )


def _ask(targets: Sequence[Target], data: Data) -> Ints:
    return np.stack([target.answer(data.x, View.LABELS).labels for target in targets])


def _share(granted: Power) -> float:
    """Return the share of steps that is influenced: all of them with M3."""
    return 1.0 if "M3" in granted.capabilities.closed().names() else granted.budget.share


# ---- what is shown -------------------------------------------------------------------------------


def _inputs(aim: TrainingAim) -> str:
    return "inputs" if aim.harmless is None else "harmless inputs"


def _headline(tally: Proportion, aim: TrainingAim) -> Measurement:
    value, low, high = estimate_tally(tally)
    return Measurement(
        metric="success_rate",
        value=value,
        low=low,
        high=high,
        baseline=tally.baseline_successes / tally.baseline_n,
        n=tally.n,
        note=f"{_inputs(aim)} correct after honest and misclassified after steered training; "
        "baseline: another honest training",
    )


def _accuracy_lost(
    labels: _Labels, check: Data, tolerance: float, rng: np.random.Generator
) -> Measurement:
    """Measure what a validation before release would have seen; each record counts in one pair."""
    before, after = labels.before != check.y, labels.after != check.y
    losses = after.mean(axis=1) - before.mean(axis=1)
    pair = rng.permutation(len(check)) % len(before)
    place = np.arange(len(check))
    gained = int((after & ~before)[pair, place].sum())
    lost = int((before & ~after)[pair, place].sum())
    span = paired_difference(gained, lost, len(check), alpha=0.025)
    return Measurement(
        metric="accuracy lost on validation data",
        value=(gained - lost) / len(check),
        low=span.low,
        high=span.high,
        baseline=0.0,
        n=len(check),
        note=f"a validation that tolerates {tolerance:.2%} would have noticed "
        f"{int((losses > tolerance).sum())} of {len(losses)} steered trainings; whether the "
        "application validates a model before release is not described",
    )


def _accuracy(labels: _Labels, holdout: Data) -> Measurement:
    n = len(holdout)
    before, after = (
        float((given == holdout.y).mean()) for given in (labels.honest, labels.steered)
    )
    span = clopper_pearson(after * n, n)
    return Measurement(
        metric="accuracy",
        value=after,
        low=span.low,
        high=span.high,
        baseline=before,
        n=n,
        note="mean over steered trainings; baseline: honest trainings",
    )


def _summary(tally: Proportion, aim: TrainingAim, loss: float) -> str:
    return (
        f"Of {tally.n} {_inputs(aim)} that are classified correctly after honest training, "
        f"{percent(tally.successes / tally.n)} are misclassified after steered training, "
        f"{percent(tally.baseline_successes / tally.baseline_n)} after another honest training. "
        f"Validation data would show a loss of accuracy of {percent(loss)}."
    )


def _caveats(steering: Steering, granted: Power) -> tuple[str, ...]:
    parts = [
        name
        for name, value in (
            ("the seed", steering.seed),
            ("the order of records", steering.order),
            ("the weight of records", steering.weights),
        )
        if value is not None
    ]
    share = _share(granted)
    caveat = f"steered: {' and '.join(parts) or 'nothing'}"
    return (caveat if share == 1.0 else f"{caveat}, in {share:.2%} of the places of each epoch",)
