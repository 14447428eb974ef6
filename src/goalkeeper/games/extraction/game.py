"""The extraction game: hand in a substitute that answers as the target does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.data import Bools, Data, Inputs, Ints
from goalkeeper.core.domain import TableDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.evidence import AttackResult, Control, Exhibit, Measurement, Status
from goalkeeper.core.goals import Goal, Harm
from goalkeeper.core.power import Attacker, Grade, Knowledge, Power, View
from goalkeeper.core.standing import Standing
from goalkeeper.games.base import Deal, Game, Marking, Task, Unfit
from goalkeeper.games.extraction.leaves import find_copied_leaves
from goalkeeper.games.extraction.remainder import Remainder
from goalkeeper.games.extraction.stolen import examine_protection
from goalkeeper.games.extraction.substitutes import (
    Substitute,
    check_standalone,
    copy_without_queries,
    measure_parameter_error,
    predict_labels,
)
from goalkeeper.games.shared.constant_answers import unfit_constant
from goalkeeper.games.shared.grants import unless_it_holds_the_model
from goalkeeper.games.shared.items import keep_outcomes
from goalkeeper.games.shared.measuring import (
    GainCounts,
    build_gain_trial,
    build_measurement,
    draw_curve,
    measure_rate,
    thinned_checkpoints,
)
from goalkeeper.games.shared.simple_targets import simple_rule
from goalkeeper.games.shared.wording import percent, rate
from goalkeeper.games.tallies import beats_baseline
from goalkeeper.stats import clopper_pearson

MIN_INPUTS = 30  # in the holdout
TYPICAL_QUERIES = 10_000  # after which attacks have usually ended
TASK = Task(
    name="copy",
    harms=(Harm(Goal.CONFIDENTIALITY),),
    metric="normalised_gain",
    sentence="build a substitute that gives the same answers as the model",
)


@dataclass(frozen=True, eq=False, slots=True)
class PublicInterface:
    """What is public about the target: the names of its classes; the rest comes from `access`."""

    classes: tuple[str, ...]


ExtractionMarking = Marking[PublicInterface, Data, Substitute]


@final
@dataclass(frozen=True, kw_only=True)
class Extraction(Game[PublicInterface, Data, Substitute]):
    """Question: what is public. Secret: unseen inputs. Answer: a substitute that stands alone.

    A success is an unseen input on which the substitute agrees with the target; the baseline is
    the best substitute that this attacker can have without any query. Where that is so good that
    what is left does not matter (`Remainder`), and no attack is better, nothing is to be had.
    """

    name: ClassVar[str] = "extraction"
    domains: ClassVar[frozenset[str]] = frozenset({"text", "table", "image"})
    grows: ClassVar[Mapping[str, int]] = {"inputs": 300}
    looks_ahead: ClassVar[bool] = False
    inputs: int = 1000

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Return the one task."""
        return (TASK,)

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Need enough unseen inputs, and answers that differ."""
        constant = unfit_constant(app)
        if constant is not None:
            return constant
        if len(app.data.holdout) < MIN_INPUTS:
            return Unfit(
                f"extraction needs {MIN_INPUTS} inputs in the holdout, there are "
                f"{len(app.data.holdout)}"
            )
        return None

    def standing(self, app: Application, task: Task, attacker: Attacker) -> Standing:
        """Whoever has the model gains nothing here."""
        return unless_it_holds_the_model(attacker, "a copy of it")

    def filled(self, app: Application) -> Extraction:
        """Ask for no more unseen inputs than there are."""
        return replace(self, inputs=min(self.inputs, len(app.data.holdout)))

    def baseline_power(self, attacker: Power) -> Power:
        """Return what the attacker knows of data and recipe: both train without a query."""
        knowledge = attacker.knowledge
        return Power(knowledge=Knowledge(data=knowledge.data, algorithm=knowledge.algorithm))

    def deal(
        self, app: Application, task: Task, rng: np.random.Generator
    ) -> Deal[PublicInterface, Data]:
        """Draw the unseen inputs, which the attack does not get."""
        size = min(self.inputs, len(app.data.holdout))
        rows = np.sort(rng.choice(len(app.data.holdout), size, replace=False))
        return Deal(PublicInterface(app.classes), app.data.holdout.take(rows))

    def mark(self, marking: ExtractionMarking) -> AttackResult:
        """Count on how many unseen inputs each substitute agrees with the target."""
        app, unseen = marking.app, marking.deal.secret
        for point in marking.answers:
            check_standalone(point.answer, app)
        target = _TargetAnswers.of(app, unseen)
        base = _find_baseline(marking, target.labels)
        points = thinned_checkpoints(marking.answers)
        agree = [_predict(point, app, unseen.x) == target.labels for point in points]
        trials = [
            build_gain_trial(point, _count(a, base)) for point, a in zip(points, agree, strict=True)
        ]
        left = Remainder.of(app, target.labels, base)
        if left.negligible and not any(beats_baseline(trial.tally) for trial in trials):
            return AttackResult(
                status=Status.NOT_APPLICABLE,
                reason=left.reason,
                summary=_summarise(points[-1], agree[-1], base),
                measurements=(left.measure(), _measure_fidelity(agree[-1], base)),
            )
        return AttackResult(
            status=Status.TESTED,
            summary=_summarise(points[-1], agree[-1], base),
            measurements=_measure(marking, target, base, agree[-1]),
            trials=tuple(trials),
            outcomes=keep_outcomes(app, unseen.x, agree[-1], base),
            curve=draw_curve(trials),
            controls=(
                Control(
                    name="the substitute stands alone",
                    passed=True,
                    detail="no reference in it leads back to the target, so it could not query the "
                    "target while it was evaluated",
                ),
            ),
            caveats=_list_caveats(marking, target, agree[-1]),
            exhibits=(*_examine_storage(marking), *_show_example(marking, target, agree[-1])),
        )

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Replace the target by a rule on a handful of frequent words, or on two columns."""
        return replace(app, target=simple_rule(app, rng))

    def smaller(self) -> Extraction:
        """Return the game with fewer unseen inputs."""
        return Extraction(inputs=min(self.inputs, 300))

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Return what the attack may spend, and what is asked to mark it."""
        return Estimate(queries=min(granted.budget.queries, TYPICAL_QUERIES) + 3 * self.inputs)


# ---- what the target itself answers -----------------------------------------------------------


@dataclass(frozen=True, eq=False, slots=True)
class _TargetAnswers:
    """The target's labels `(n,)`, and which inputs lie near its boundary `(n,)`, where known."""

    labels: Ints
    near: Bools | None

    @staticmethod
    def of(app: Application, unseen: Data) -> _TargetAnswers:
        if app.target.offers < View.SCORES:
            return _TargetAnswers(app.target.answer(unseen.x, View.LABELS).labels, None)
        answers = app.target.answer(unseen.x, View.SCORES)
        best = np.sort(answers.scores, axis=1)[:, -2:]
        order = np.argsort(best[:, 1] - best[:, 0], kind="stable")
        near = np.zeros(len(order), dtype=bool)
        near[order[: max(1, len(order) // 4)]] = True
        return _TargetAnswers(answers.labels, near)


def _count(agree: Bools, base: Bools) -> GainCounts:
    return GainCounts.paired(agree, base)


def _predict(point: Checkpoint, app: Application, x: Inputs) -> Ints:
    return predict_labels(point.answer, x, len(app.classes))


def _find_baseline(marking: ExtractionMarking, labels: Ints) -> Bools:
    """Return where the best substitute without any query agrees with the target, `(n,)`."""
    app, x = marking.app, marking.deal.secret.x
    counts = np.bincount(labels, minlength=len(app.classes))
    best = labels == counts.argmax()
    model = copy_without_queries(app, marking.attacker)
    if model is not None:
        same = predict_labels(model, x, len(app.classes)) == labels
        best = same if same.sum() > best.sum() else best
    return np.asarray(best)


# ---- what is shown -----------------------------------------------------------------------------


def _measure(
    marking: ExtractionMarking, target: _TargetAnswers, base: Bools, agree: Bools
) -> tuple[Measurement, ...]:
    app, unseen, point = marking.app, marking.deal.secret, marking.final
    labels = _predict(point, app, unseen.x)
    found = [
        _count(agree, base).measure(marking.task.metric, "over the best without any query"),
        _measure_fidelity(agree, base),
        measure_rate(
            "accuracy of the substitute",
            labels == unseen.y,
            float((target.labels == unseen.y).mean()),
            note="baseline: the original's own accuracy",
        ),
    ]
    if target.near is not None:
        near = target.near
        found.append(
            measure_rate(
                "fidelity near the boundary",
                agree[near],
                float(base[near].mean()),
                note="equal answers on the quarter of inputs nearest to the original's boundary",
            )
        )
    if isinstance(app.domain, TableDomain):
        found += _measure_uniform(marking, app.domain)
    leaves = find_copied_leaves(app, point.answer, marking.rng)
    if leaves is not None:
        note = "leaves of the original's tree within which the substitute always answers alike"
        found.append(measure_rate("leaves copied", leaves, 0.0, note=note))
    return (*found, *_measure_parameters(marking))


def _measure_fidelity(agree: Bools, base: Bools) -> Measurement:
    note = "share of equal answers on unseen inputs"
    return measure_rate("fidelity", agree, float(base.mean()), note=note)


def _measure_uniform(marking: ExtractionMarking, domain: TableDomain) -> list[Measurement]:
    """Measure the agreement on rows drawn uniformly, where the columns have bounds."""
    low, high = domain.bounds()
    if not np.isfinite([low, high]).all():
        return []
    size = len(marking.deal.secret)
    drawn = marking.rng.uniform(size=(size, len(low))) * (high - low) + low
    rows = domain.project(drawn)
    labels = marking.app.target.answer(rows, View.LABELS).labels
    agree = _predict(marking.final, marking.app, rows) == labels
    most = float(np.bincount(labels).max() / size)
    note = "rows drawn uniformly within the bounds; baseline: the most frequent answer"
    return [measure_rate("fidelity on uniform points", agree, most, note=note)]


def _measure_parameters(marking: ExtractionMarking) -> list[Measurement]:
    """Measure queries per parameter, and the largest error, where parameters can be compared."""
    substitute, app = marking.final.answer, marking.app
    found = []
    size, unit = _model_size(app)
    if size:
        ratio = float(marking.final.queries[0]) / size
        found.append(
            build_measurement(
                f"queries per {unit}",
                (ratio, ratio, ratio),
                size,
                1.0,
                note="the original has n of them; 1 is the cost of one equation for each",
            )
        )
    labels_only = marking.granted.view < View.SCORES
    compared = measure_parameter_error(app, substitute, scale_free=labels_only)
    if compared:
        error, n = compared
        found.append(
            build_measurement(
                "largest relative error of a parameter",
                (error, error, error),
                n,
                1.0,
                note="1 is the error of a copy that is all zeros"
                + ("; up to one factor, which labels cannot show" if labels_only else ""),
            )
        )
    return found


def _model_size(app: Application) -> tuple[int, str]:
    """Return how many numbers make up the original, and what they are."""
    try:
        parameters = app.target.parameters()
    except NotOffered:
        return 0, "parameter"
    weights = int(np.size(parameters.get("weights", ())) + np.size(parameters.get("bias", ())))
    leaves = parameters.get("stored", {}).get("leaves", {})
    return (weights, "parameter") if weights else (len(leaves.get("count", ())), "leaf")


def _summarise(point: Checkpoint, agree: Bools, base: Bools) -> str:
    low, high = clopper_pearson(int(agree.sum()), len(agree))
    gained = "." if agree.mean() > base.mean() else ": nothing gained."
    return (
        f"After {int(point.queries[0]):,} queries the copy agrees on "
        f"{rate(float(agree.mean()), low, high)} of {len(agree):,} unseen inputs; a model trained "
        f"without any query already agrees on {percent(float(base.mean()))}{gained}"
    )


def _list_caveats(
    marking: ExtractionMarking, target: _TargetAnswers, agree: Bools
) -> tuple[str, ...]:
    caveats = []
    if not agree.all():
        caveats.append(
            f"the copy is approximate: it differs from the original on {int((~agree).sum()):,} of "
            f"{len(agree):,} unseen inputs"
        )
    if len(np.unique(target.labels)) < 2:
        caveats.append("the original gave the same answer to every unseen input")
    if marking.attacker.knowledge.data is Grade.NONE:
        caveats.append(
            "the attacker has no data, so the baseline is the most frequent answer; an attacker "
            "with similar data gains less"
        )
    return tuple(caveats)


def _examine_storage(marking: ExtractionMarking) -> tuple[Exhibit, ...]:
    """Examine how the stored model is protected, where the attacker is one who gets at it."""
    full = marking.granted.knowledge.model is Grade.FULL
    return (examine_protection(marking.app),) if full else ()


def _show_example(
    marking: ExtractionMarking, target: _TargetAnswers, agree: Bools
) -> tuple[Exhibit, ...]:
    """Show the unseen input nearest to the boundary, and how both answer it."""
    app, unseen = marking.app, marking.deal.secret
    near = np.flatnonzero(agree if target.near is None else target.near)
    if not len(near) or app.domain.kind != "text":
        return ()
    row = int(near[0])
    label = _predict(marking.final, app, unseen.x[row : row + 1])[0]
    return (
        Exhibit(
            title="an unseen message near the boundary, and how both answer it",
            before=str(unseen.x[row]),
            note=f"the original: {app.classes[target.labels[row]]}; "
            f"the substitute: {app.classes[label]}",
        ),
    )
