"""Turn replayed campaigns into counts: what was taught, who noticed, and what a rollback leaves."""

from __future__ import annotations

import math

import numpy as np

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.data import Bools, Ints
from goalkeeper.core.evidence import AttackResult, DamageCount, Measurement, Status, Trial
from goalkeeper.games.base import Task
from goalkeeper.games.poisoning.marks import count_damage
from goalkeeper.games.shared.measuring import (
    build_measurement,
    draw_curve,
    measure_count,
    measure_mean_rate,
)
from goalkeeper.games.shared.wording import percent, rate
from goalkeeper.games.tallies import estimate_tally
from goalkeeper.games.teaching.replay import ATTACKED, HONEST, CampaignReplay
from goalkeeper.stats import clopper_pearson, geometric_grid

CURVE_AXIS = ("wrong feedback", "of all training records")  # budget and its unit

# ---- drift ---------------------------------------------------------------------------------------


def mark_drift(
    replay: CampaignReplay, task: Task, answer: Checkpoint, *, declining: bool, points: int
) -> AttackResult:
    """Compare every taught campaign with its honest twin, after a few rounds and after the last."""
    app = replay.app
    truth = app.data.holdout.y
    rows = truth == app.harmless if declining else np.ones(len(truth), dtype=bool)
    tolerance = app.tolerances.benign_rejection if declining else app.tolerances.accuracy_drop

    def count(after: int) -> DamageCount:
        wrong = [
            replay.answers(world, after)[:, rows] != truth[rows] for world in (HONEST, ATTACKED)
        ]
        return count_damage(wrong[0], wrong[1], tolerance)

    rounds = _choose_rounds(replay, points)
    tallies = [count(after) for after in rounds]
    n = int(rows.sum())
    what = "harmless inputs" if declining else "inputs"
    note = (
        f"scale: 1 = your tolerance ({percent(tolerance)} of {n} {what}), compared with the same "
        "amount of honest feedback"
    )
    trials = tuple(
        _build_trial(replay, after, tally, answer)
        for after, tally in zip(rounds, tallies, strict=True)
    )
    return AttackResult(
        status=Status.TESTED,
        summary=_summarise_drift(replay, rows, declining=declining),
        measurements=(
            _measure_damage(task.metric, tallies[-1], note),
            *measure_detection(replay),
            *_measure_rates(replay, replay.answers(ATTACKED, -1), replay.answers(HONEST, -1)),
            *_measure_rolled_back(replay, tolerance, rows),
            _measure_smallest_share(tallies, rounds, replay),
            *_measure_review(replay),
        ),
        trials=trials,
        curve=draw_curve(trials, *CURVE_AXIS),
        caveats=_list_caveats(replay),
    )


def _choose_rounds(replay: CampaignReplay, points: int) -> list[int]:
    """Choose rounds after which more was written than after the one chosen before; the last too."""
    written = replay.written
    grew = [r for r in range(1, len(written)) if written[r] > written[r - 1]]
    last = replay.rounds
    near = set(grew)
    if len(grew) > points:
        wanted = geometric_grid(float(replay.share(grew[-1])), points)
        near = {min(grew, key=lambda r: abs(replay.share(r) - share)) for share in wanted.tolist()}
    # After the last feedback nothing more is written, but learning may still be stopped and undone:
    # what counts is the state at the end.
    return [*sorted(near - {grew[-1]}), last]


def _summarise_drift(replay: CampaignReplay, rows: Bools, *, declining: bool) -> str:
    truth = replay.app.data.holdout.y[rows]
    attacked, honest = (
        (replay.answers(world, -1)[:, rows] != truth) for world in (ATTACKED, HONEST)
    )
    found = measure_mean_rate("", attacked)
    what = "harmless inputs are declined" if declining else "inputs are misclassified"
    written = int(replay.written[-1])
    return (
        f"After {written} wrong reports in {replay.rounds} rounds ({percent(replay.share(-1))} of "
        f"all training records{_describe_learning(replay)}), "
        f"{rate(found.value, found.low, found.high)} of {what}; after as much honest feedback "
        f"{percent(float(honest.mean()))}"
        f"{_describe_detection(replay)}."
    )


def _describe_learning(replay: CampaignReplay) -> str:
    return "; the model is updated with each round" if replay.loop.in_place else ""


def _describe_detection(replay: CampaignReplay) -> str:
    if replay.loop.monitor is None:
        return "; no monitor is declared"
    noticed, campaigns = _count_alarms(replay, ATTACKED), replay.noticed.shape[1]
    return f"; detected in {noticed} of {campaigns} campaigns"


# ---- rollback ------------------------------------------------------------------------------------


def mark_rollback(replay: CampaignReplay, task: Task, answer: Checkpoint) -> AttackResult:
    """Compare what is left after the rollback with the state before anything was taught."""
    app = replay.app
    truth = app.data.holdout.y
    before, after = replay.labels[ATTACKED, :, 0], replay.rolled_back(ATTACKED)
    tally = count_damage(before != truth, after != truth, app.tolerances.accuracy_drop)
    without_rollback = count_damage(
        before != truth, replay.labels[ATTACKED, :, -1] != truth, app.tolerances.accuracy_drop
    )
    n = len(truth)
    differ = before != after
    note = (
        f"scale: 1 = your tolerance ({percent(app.tolerances.accuracy_drop)} of {n} inputs), "
        "compared with the state before"
    )
    trial = _build_trial(replay, replay.rounds, tally, answer)
    return AttackResult(
        status=Status.TESTED,
        summary=_summarise_rollback(replay, differ),
        measurements=(
            _measure_damage(task.metric, tally, note),
            measure_mean_rate(
                "answers_changed_after_rollback",
                differ,
                float((before != replay.labels[ATTACKED, :, -1]).mean()),
                note="share of inputs whose answer differs from that before the campaign; "
                "baseline: without any rollback",
            ),
            _measure_damage("damage_without_rollback", without_rollback, note),
            *measure_detection(replay),
        ),
        trials=(trial,),
        curve=draw_curve([trial], *CURVE_AXIS),
        caveats=_list_caveats(replay),
    )


def _summarise_rollback(replay: CampaignReplay, differ: Bools) -> str:
    versions, rounds = replay.loop.snapshots, replay.rounds
    found = measure_mean_rate("", differ)
    changed = f"{rate(found.value, found.low, found.high)} of answers"
    if not versions:
        return (
            f"No earlier version is kept, so nothing can be rolled back: {changed} remain "
            "different from those before the feedback."
        )
    kept = f"{versions} earlier versions are kept over {rounds} rounds; after the rollback"
    if not found.value:
        return f"{kept} every answer is as it was before the feedback."
    return f"{kept} {changed} still differ from those before the feedback."


# ---- measurements --------------------------------------------------------------------------------


def measure_detection(replay: CampaignReplay) -> tuple[Measurement, ...]:
    """Count the campaigns in which the monitor raised an alarm, beside honest ones."""
    if replay.loop.monitor is None:
        return ()
    n = replay.noticed.shape[1]
    note = (
        f"campaigns in which accuracy on the {len(replay.app.data.calibration)} reference records "
        f"fell by more than {replay.loop.monitor:.2%}; baseline: false alarms with honest feedback"
    )
    attacked, honest = _count_alarms(replay, ATTACKED), _count_alarms(replay, HONEST)
    return (measure_count("noticed", attacked, n, honest / n, note=note),)


def _count_alarms(replay: CampaignReplay, world: int) -> int:
    return int((replay.noticed[world] >= 0).sum())


def _measure_damage(metric: str, tally: DamageCount, note: str) -> Measurement:
    return build_measurement(metric, estimate_tally(tally), tally.n, note=note)


def _measure_rates(replay: CampaignReplay, attacked: Ints, honest: Ints) -> tuple[Measurement, ...]:
    """Measure accuracy, what is accepted and what is declined, beside honest feedback."""
    app = replay.app
    truth = app.data.holdout.y
    every = np.ones(len(truth), dtype=bool)
    parts = [("accuracy", attacked == truth, honest == truth, every)]
    if app.harmless is not None:
        harmless = truth == app.harmless
        parts += [
            ("benign_rejection_rate", attacked != app.harmless, honest != app.harmless, harmless),
            (
                "harmful_acceptance_rate",
                attacked == app.harmless,
                honest == app.harmless,
                ~harmless,
            ),
        ]
    note = "mean over campaigns; baseline: as much honest feedback"
    return tuple(
        measure_mean_rate(name, hits[:, rows], float(others[:, rows].mean()), note=note)
        for name, hits, others, rows in parts
        if rows.any()
    )


def _measure_rolled_back(
    replay: CampaignReplay, tolerance: float, rows: Bools
) -> tuple[Measurement, ...]:
    """Measure what a rollback at the end leaves, where versions are kept."""
    if not replay.loop.snapshots:
        return ()
    truth = replay.app.data.holdout.y[rows]
    before = replay.labels[ATTACKED, :, 0][:, rows] != truth
    after = replay.rolled_back(ATTACKED)[:, rows] != truth
    note = "with the oldest version that is kept, compared with the state before the campaign"
    return (_measure_damage("after_rollback", count_damage(before, after, tolerance), note),)


def _measure_smallest_share(
    tallies: list[DamageCount], rounds: list[int], replay: CampaignReplay
) -> Measurement:
    estimates = [estimate_tally(tally) for tally in tallies]

    def first(which: int) -> float:
        pairs = zip(rounds, estimates, strict=True)
        exceeding = (replay.share(r) for r, estimate in pairs if estimate[which] > 1.0)
        return next(exceeding, math.inf)

    # A larger damage needs a smaller share: the bounds change places.
    bounds = first(0), first(2), first(1)
    note = "the smallest measured that exceeds the tolerance"
    return build_measurement("smallest_share", bounds, len(rounds), note=note)


def _measure_review(replay: CampaignReplay) -> tuple[Measurement, ...]:
    if not replay.loop.review:
        return ()
    n = int(replay.written[-1])
    mean = float(replay.corrected.mean() / n)
    return (
        build_measurement(
            "corrected_by_review",
            (mean, *clopper_pearson(mean * n, n)),
            n,
            note="share of the attacker's feedback that a reviewer relabelled to another class",
        ),
    )


def _build_trial(
    replay: CampaignReplay, after: int, tally: DamageCount, answer: Checkpoint
) -> Trial:
    share = replay.share(after)
    return Trial(
        budget=share,
        queries=float(answer.queries[0]),
        compute_h=answer.cost.seconds / 3600,
        share=share,
        tally=tally,
    )


def _list_caveats(replay: CampaignReplay) -> tuple[str, ...]:
    app, loop = replay.app, replay.loop
    found = []
    if not app.tolerances.declared:
        found.append(
            "no tolerance is declared; defaults are used "
            f"({app.tolerances.benign_rejection:.2%} of harmless inputs declined, "
            f"{app.tolerances.accuracy_drop:.2%} of accuracy)"
        )
    if loop.in_place and not loop.others:
        found.append(
            "the model is updated with each round's feedback, and no feedback of other users is "
            "described (feedback.others): what they report would counteract the attacker"
        )
    if loop.monitor is None:
        found.append("no monitor is declared, so no campaign can be detected")
    if not loop.snapshots:
        found.append("no earlier version is kept, so nothing can be rolled back")
    if int(replay.written[-1]) > len(app.data.similar):
        found.append(
            f"the honest counterpart has only {len(app.data.similar)} similar records, fewer than "
            "the attacker contributed"
        )
    if loop.monitor is not None and _count_alarms(replay, HONEST):
        found.append("the monitor also raised false alarms with honest feedback")
    return tuple(found)
