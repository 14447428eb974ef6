"""Mark a steered training: answers that an honest training gives rightly and a steered one not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Application, Target, Trainer
from goalkeeper.core.data import Bools, Data, Inputs, Ints
from goalkeeper.core.errors import DataError, NotOffered
from goalkeeper.core.evidence import AttackResult, Measurement, Proportion, Status, Trial
from goalkeeper.core.power import Power, View
from goalkeeper.core.steering import Steering, permitted
from goalkeeper.games.base import Unfit
from goalkeeper.games.tallies import shown
from goalkeeper.stats import clopper_pearson, paired_difference
from goalkeeper.training import SklearnTrainer

SAME = 1e-3  # difference of scores that is the solver's tolerance and no effect


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TrainingAim:
    """Steer the training so that inputs are answered wrongly that honest training gets right.

    Parameters
    ----------
    rows
        Number of training records.
    tolerance
        Loss of accuracy that a validation before release would let pass.
    harmless
        The class whose inputs count; None: all inputs.
    labels
        The classes of the training records `(rows,)`: who runs the training handles them.
    """

    rows: int
    tolerance: float
    harmless: int | None
    labels: Ints


def aim_of(app: Application) -> TrainingAim:
    """Say what is aimed at."""
    return TrainingAim(
        rows=len(app.data.train),
        tolerance=app.tolerances.accuracy_drop,
        harmless=app.harmless,
        labels=app.data.train.y.copy(),
    )


# ---- what training depends on --------------------------------------------------------------------


def seedless(app: Application) -> Unfit | None:
    """Say that the seed of the training changes nothing, which was tried."""
    return _ruled_out(
        app, "the training has no seed that changes the result", app.once(_effects)[0]
    )


def orderless(app: Application) -> Unfit | None:
    """Say that the order of the records changes nothing, or that it cannot be steered here."""
    trainer = app.trainer
    if trainer is not None and not app.once(_effects)[1]:
        what = "the training has no order of records that changes the result"
        return _ruled_out(app, what, moved=False)
    return _steerable(app, "order")


def weightless(app: Application) -> Unfit | None:
    """Say that the weight of records in the loss cannot be steered here."""
    return _steerable(app, "weights")


def _ruled_out(app: Application, what: str, moved: bool) -> Unfit | None:  # noqa: FBT001
    if app.trainer is None:
        return _no_recipe()
    if moved:
        return None
    n = len(app.data.train)
    return Unfit(f"{what}: trained twice on {n} records, it gave the same model", proven=True)


def _steerable(app: Application, what: str) -> Unfit | None:
    if app.trainer is None:
        return _no_recipe()
    if what in getattr(app.trainer, "steerable", ()):
        return None
    said = {"order": "step by step", "weights": "with a weight for every record"}[what]
    return Unfit(f"goalkeeper cannot run this application's training {said}")


def _no_recipe() -> Unfit:
    return Unfit(
        "the application cannot be trained anew: its description has no recipe (model.build)"
    )


def _effects(app: Application) -> tuple[bool, bool]:
    """Try whether the seed, and whether the order of the records, changes the model.

    All records are used: a part might be a single batch, or too small for early stopping. What
    learns in steps is not tried, as there the game itself measures the effect.
    """
    trainer = getattr(app.trainer, "inner", None) or app.trainer
    if not isinstance(trainer, SklearnTrainer) or "order" in trainer.steerable:
        return True, True
    train, x = app.data.train, app.data.holdout.x
    first = trainer.fit(train, 0)
    if not _same(first, trainer.fit(train, 1), x):
        return True, True
    turned = train.take(np.random.default_rng(0).permutation(len(train)))
    return False, not _same(first, trainer.fit(turned, 0), x)


def _same(one: Target, other: Target, x: Inputs) -> bool:
    view = min(View.SCORES, one.offers)
    a, b = one.answer(x, view), other.answer(x, view)
    if view < View.SCORES:
        return bool(np.array_equal(a.labels, b.labels))
    return bool(np.array_equal(a.labels, b.labels) and np.abs(a.scores - b.scores).max() < SAME)


# ---- the mark ------------------------------------------------------------------------------------


def trained(trainer: Trainer, data: Data, seed: int, steering: Steering) -> Target:
    """Train as somebody steers it; a seed alone can be set in any training."""
    if steering.order is None and steering.weights is None:
        return trainer.fit(data, seed if steering.seed is None else steering.seed)
    steered = getattr(trainer, "steered", None)
    if steered is None:
        raise NotOffered("this application's training cannot be steered")
    target: Target = steered(data, seed, steering)
    return target


def _honest(steering: Steering, rows: int) -> Steering:
    """Return what an honest operator does by the same means: the same path with no effect."""
    return Steering(
        order=None if steering.order is None else lambda honest, labels, epoch: honest,
        weights=None if steering.weights is None else np.ones(rows),
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Pairs:
    """Labels of holdout `(S, holdout)` and validation data `(S, m)`, honest and steered."""

    honest: Ints
    steered: Ints
    before: Ints
    after: Ints


def mark(
    app: Application,
    aim: TrainingAim,
    steering: Steering,
    granted: Power,
    luck: tuple[np.random.SeedSequence, int, np.random.Generator],
) -> AttackResult:
    """Train in pairs, honest and steered; `luck` is the victim's seeds, how many, and a stream."""
    if not isinstance(steering, Steering):
        raise DataError("an answer must be a Steering")
    victim, retrainings, rng = luck
    steering = permitted(steering, granted, aim.rows)
    pairs = _retrain(app, steering, victim, retrainings)
    holdout = app.data.holdout
    counts = np.ones(len(holdout), dtype=bool)
    if aim.harmless is not None:
        counts = holdout.y == aim.harmless
    judge = rng.permutation(len(holdout)) % retrainings
    place = np.arange(len(holdout))
    right = (pairs.honest[judge, place] == holdout.y) & counts
    if not right.any():
        reason = "inconclusive: honest training answers none of the holdout inputs rightly"
        return AttackResult(status=Status.NOT_TESTED, reason=reason)
    wrong = pairs.steered[judge, place] != holdout.y
    other = pairs.honest[(judge + 1) % retrainings, place] != holdout.y
    tally = _tally(wrong[right], other[right])
    loss = _lost(pairs, app.data.calibration, aim.tolerance, rng)
    return AttackResult(
        status=Status.TESTED,
        summary=_summary(tally, aim, loss.value),
        measurements=(
            _headline(tally, aim),
            loss,
            *_accuracies(pairs, holdout),
        ),
        trials=(Trial(budget=_share(granted), queries=0.0, tally=tally),),
        caveats=_caveats(steering, granted),
    )


def _retrain(
    app: Application, steering: Steering, victim: np.random.SeedSequence, retrainings: int
) -> _Pairs:
    trainer, train = app.trainer, app.data.train
    if trainer is None:
        raise NotOffered("the application cannot be trained anew; describe model.build")
    seeds = np.random.default_rng(victim).integers(0, 2**31 - 1, retrainings).tolist()
    honest = [trained(trainer, train, s, _honest(steering, len(train))) for s in seeds]
    steered = [trained(trainer, train, s, steering) for s in seeds]
    holdout, check = app.data.holdout, app.data.calibration
    return _Pairs(
        honest=_labels(honest, holdout),
        steered=_labels(steered, holdout),
        before=_labels(honest, check),
        after=_labels(steered, check),
    )


def _labels(targets: Sequence[Target], data: Data) -> Ints:
    return np.stack([target.answer(data.x, View.LABELS).labels for target in targets])


def _tally(wrong: Bools, other: Bools) -> Proportion:
    return Proportion(
        successes=int(wrong.sum()),
        n=len(wrong),
        baseline_successes=int(other.sum()),
        baseline_n=len(other),
    )


def _share(granted: Power) -> float:
    """Give the share of steps that is influenced: all of them where the process is (M3)."""
    return 1.0 if "M3" in granted.capabilities.closed().names() else granted.budget.share


# ---- what is shown -------------------------------------------------------------------------------


def _what(aim: TrainingAim) -> str:
    return "inputs" if aim.harmless is None else "harmless inputs"


def _headline(tally: Proportion, aim: TrainingAim) -> Measurement:
    value, low, high = shown(tally)
    return Measurement(
        metric="success_rate",
        value=value,
        low=low,
        high=high,
        baseline=tally.baseline_successes / tally.baseline_n,
        n=tally.n,
        note=f"{_what(aim)} that honest training answers rightly and steered training wrongly; "
        "baseline: another honest training",
    )


def _lost(pairs: _Pairs, check: Data, tolerance: float, rng: np.random.Generator) -> Measurement:
    """Measure what a validation before release would have seen; each record has one judge."""
    before, after = pairs.before != check.y, pairs.after != check.y
    losses = after.mean(axis=1) - before.mean(axis=1)
    judge = rng.permutation(len(check)) % len(before)
    place = np.arange(len(check))
    gained = int((after & ~before)[judge, place].sum())
    lost = int((before & ~after)[judge, place].sum())
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


def _accuracies(pairs: _Pairs, holdout: Data) -> list[Measurement]:
    n = len(holdout)
    before, after = (
        float((labels == holdout.y).mean()) for labels in (pairs.honest, pairs.steered)
    )
    span = clopper_pearson(after * n, n)
    return [
        Measurement(
            metric="accuracy",
            value=after,
            low=span.low,
            high=span.high,
            baseline=before,
            n=n,
            note="mean over steered trainings; baseline: honest trainings",
        )
    ]


def _summary(tally: Proportion, aim: TrainingAim, loss: float) -> str:
    return (
        f"Of {tally.n} {_what(aim)} that an honest training answers rightly, "
        f"{tally.successes / tally.n:.1%} are answered wrongly after the steered training; "
        f"{tally.baseline_successes / tally.baseline_n:.1%} after another honest one. "
        f"Validation data would show a loss of accuracy of {loss:.1%}."
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
    said = f"steered: {' and '.join(parts) or 'nothing'}"
    return (said if share == 1.0 else f"{said}, in {share:.2%} of the places of each epoch",)
