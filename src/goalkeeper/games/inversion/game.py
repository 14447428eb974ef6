"""The inversion game: reconstruct the average input of every class."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.data import Bools, Floats
from goalkeeper.core.domain import ImageDomain, TextDomain
from goalkeeper.core.evidence import AttackResult, Exhibit, Measurement, Status
from goalkeeper.core.goals import Goal, Harm
from goalkeeper.core.power import Attacker, Grade, Power, View
from goalkeeper.core.standing import DECIDES, Standing
from goalkeeper.games.base import Deal, Game, Marking, Task, Unfit
from goalkeeper.games.inversion.likeness import by_likeness
from goalkeeper.games.inversion.questions import (
    MIN_CLASS_RECORDS,
    ClassAverages,
    FeatureMatrix,
    Questions,
    align_answer,
    choose_questions,
    correlate_averages,
    extract_features,
    mark_answers,
)
from goalkeeper.games.inversion.ruling import find_ruling
from goalkeeper.games.shared.grants import own_data
from goalkeeper.games.shared.measuring import (
    GainCounts,
    build_gain_trial,
    build_measurement,
    draw_curve,
    measure_count,
    thinned_checkpoints,
)
from goalkeeper.games.shared.wording import percent, span

METRIC = "normalised_gain"
# Of fewer questions a guesser answers all correctly with a probability above 2.5 % (2^-5 = 3.1 %).
MIN_QUESTIONS = 6
COIN = (500_000, 1_000_000)  # successes of a coin; so many tries that the rate counts as known
NORMAL_QUANTILE = 1.959964  # of 97.5 %
SHADES = " .:-=+*#%@"
TASK = Task(
    name="class-average",
    harms=(Harm(Goal.PRIVACY),),
    metric=METRIC,
    sentence="reconstruct what the average input of each class looks like",
)


@dataclass(frozen=True, slots=True)
class InversionQuestion:
    """Nothing: inputs and classes are public, all classes are asked for together."""


InversionMarking = Marking[InversionQuestion, None, ClassAverages]


@final
@dataclass(frozen=True, kw_only=True)
class Inversion(Game[InversionQuestion, None, ClassAverages]):
    """Question: none. Secret: the averages of the classes. Answer: a reconstruction of all.

    Marked by questions with a known answer: which of two classes has the higher average in a
    column (pixel, word)? Each class takes part in one question a column, and columns that move
    together count as one, so that questions are independent for whoever knows nothing: of them a
    coin answers half. That is the baseline, or the averages of the attacker's own similar data
    where the attacker has some, whichever is better. The unit of a reconstruction does not matter,
    nor what all classes share: a prior, the middle of the domain or the overall average answers
    no better than the coin.
    """

    name: ClassVar[str] = "inversion"

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Return the one task."""
        return (TASK,)

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Need two classes with a few records each, and something that own data leave open."""
        counts = np.bincount(app.data.train.y, minlength=len(app.classes))
        if int((counts >= MIN_CLASS_RECORDS).sum()) < 2:
            return Unfit(f"two classes with {MIN_CLASS_RECORDS} training records each are needed")
        ruling = app.once(find_ruling)
        return Unfit(ruling, proven=True) if ruling else None

    def standing(self, app: Application, task: Task, attacker: Attacker) -> Standing:
        """Let no run decide of those who have the training data, and with them the averages."""
        if attacker.power.knowledge.data is Grade.FULL:
            return Standing.no_harm(
                "whoever has the training data knows the average of each class without the model"
            )
        return DECIDES

    def baseline_power(self, attacker: Power) -> Power:
        """Return the attacker's data, from which class averages are known without any query."""
        return own_data(attacker)

    def deal(
        self, app: Application, task: Task, rng: np.random.Generator
    ) -> Deal[InversionQuestion, None]:
        """Ask for all classes."""
        return Deal(InversionQuestion(), None)

    def mark(self, marking: InversionMarking) -> AttackResult:
        """Count the questions that each reconstruction answers correctly."""
        app = marking.app
        truth, classes = extract_features(app, app.data.train), len(app.classes)
        asked = choose_questions(truth, classes, marking.rng)
        if len(asked) < MIN_QUESTIONS:
            return AttackResult(
                status=Status.NOT_TESTED,
                reason=f"inconclusive: only {len(asked)} questions about these classes and columns "
                f"are independent; with fewer than {MIN_QUESTIONS}, guessing can get all of them "
                "right",
            )
        points = thinned_checkpoints(marking.answers)
        values = [align_answer(point.answer, truth, classes) for point in points]
        base = _find_baseline(marking, truth, asked)
        hits = [mark_answers(v, asked, marking.rng) for v in values]
        counts = [_count(h, base) for h in hits]
        trials = [build_gain_trial(point, c) for point, c in zip(points, counts, strict=True)]
        return AttackResult(
            status=Status.TESTED,
            summary=_summarise(counts[-1], values[-1], truth, app),
            measurements=_measure(counts[-1], values[-1], truth, (asked, app)),
            trials=tuple(trials),
            curve=draw_curve(trials) if len(trials) > 1 else None,
            caveats=_list_caveats(truth, app),
            exhibits=_show_averages(values[-1], truth, hits[-1], (asked, app)),
        )

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Score inputs by their likeness to the class averages."""
        truth = extract_features(app, app.data.train)
        vocabulary = truth.names if isinstance(app.domain, TextDomain) else ()
        return replace(app, target=by_likeness(truth, len(app.classes), vocabulary))

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Return what the attack may ask."""
        return Estimate(queries=min(granted.budget.queries, 20_000))


# ---- counting ----------------------------------------------------------------------------------


def _count(hits: Bools, base: Bools | None) -> GainCounts:
    """Count right answers `(m,)` beside the baseline on the same questions, or beside a coin."""
    if base is None:
        return GainCounts(int(hits.sum()), len(hits), *COIN)
    return GainCounts.paired(hits, base)


def _find_baseline(
    marking: InversionMarking, truth: FeatureMatrix, asked: Questions
) -> Bools | None:
    """Return what own data answers correctly `(m,)`; None where a coin does as well."""
    app, grade = marking.app, marking.attacker.knowledge.data
    if grade is Grade.NONE:
        return None
    data = app.data.train if grade is Grade.FULL else app.data.similar
    means = np.nan_to_num(extract_features(app, data, truth.names).means(len(app.classes)))
    right = mark_answers(means, asked, marking.rng)
    return right if 2 * int(right.sum()) > len(asked) else None


# ---- what is shown -----------------------------------------------------------------------------


def _summarise(counts: GainCounts, values: Floats, truth: FeatureMatrix, app: Application) -> str:
    unit = {"text": "word", "table": "column", "image": "pixel"}[app.domain.kind]
    found = counts.measure_hits("", "")
    return (
        f"The reconstruction shows in {counts.successes} of {counts.n} cases "
        f"({percent(found.value)}, {span(found.low, found.high)}) which of two classes has the "
        f"higher average of a {unit}; without the model {percent(counts.baseline)} would be "
        "correct. Its correlation with the true averages is "
        f"{correlate_averages(values, truth, app):.2f}."
    )


def _measure(
    counts: GainCounts, values: Floats, truth: FeatureMatrix, context: tuple[Questions, Application]
) -> tuple[Measurement, ...]:
    asked, app = context
    note = (
        f"which of two classes has the higher average, in {asked.columns} of {len(truth.names)} "
        "columns that differ between classes and are not correlated with one another"
    )
    optional = (_measure_correlation(values, truth, context), _measure_recognised(values, app))
    return (
        counts.measure(METRIC, "over the best without the model"),
        counts.measure_hits("questions answered correctly", note),
        *(m for m in optional if m is not None),
    )


def _measure_correlation(
    values: Floats, truth: FeatureMatrix, context: tuple[Questions, Application]
) -> Measurement | None:
    """Measure the correlation, by Fisher's z with one observation a separate column and class."""
    asked, app = context
    n = asked.columns * (len(app.classes) - 1)
    if n <= 3:
        return None
    correlation = correlate_averages(values, truth, app)
    # Fisher 1921: atanh of a correlation is about normal with variance 1 / (n - 3); kept off 1,
    # where it would be infinite.
    z = math.atanh(min(max(correlation, -0.999999), 0.999999))
    half = NORMAL_QUANTILE / math.sqrt(n - 3)
    return build_measurement(
        "correlation with the class averages",
        (correlation, math.tanh(z - half), math.tanh(z + half)),
        n,
        note="relative to the mean of all classes, over all columns; n: separate columns times "
        "classes less one; a reconstruction without the model has 0 on average",
    )


def _measure_recognised(values: Floats, app: Application) -> Measurement | None:
    """Ask a model trained on other data which class each reconstruction shows."""
    if app.trainer is None or isinstance(app.domain, TextDomain):
        return None
    if len(np.unique(app.data.holdout.y)) < len(app.classes):
        return None
    judge = app.trainer.fit(app.data.holdout, 0)
    x = _build_inputs(values, app)
    correct = int((judge.answer(x, View.LABELS).labels == np.arange(len(x))).sum())
    return measure_count(
        "classes recognised by an independent model",
        correct,
        len(x),
        1 / len(x),
        note="trained in the same way on records that the target never saw; inputs that fool one "
        "model can fool another, so this alone does not show likeness",
    )


def _build_inputs(values: Floats, app: Application) -> Floats:
    """Turn reconstructions `(classes, d)` into valid inputs."""
    if isinstance(app.domain, ImageDomain):
        return np.clip(values, app.domain.low, app.domain.high).reshape(-1, *app.domain.shape)
    return app.domain.project(values) if not isinstance(app.domain, TextDomain) else values


def _list_caveats(truth: FeatureMatrix, app: Application) -> tuple[str, ...]:
    caveats = [
        "this measures what is typical of a class, not of a single person; it does harm where a "
        "class is a person or a small group, or where its average is secret"
    ]
    small_classes = [
        name
        for label, name in enumerate(app.classes)
        if int((truth.y == label).sum()) < MIN_CLASS_RECORDS
    ]
    if small_classes:
        caveats.append(f"too few records for an average: {', '.join(small_classes)}")
    return tuple(caveats)


def _show_averages(
    values: Floats, truth: FeatureMatrix, hits: Bools, context: tuple[Questions, Application]
) -> tuple[Exhibit, ...]:
    """Show what was reconstructed beside the truth, for two classes."""
    asked, app = context
    means = truth.means(len(app.classes))
    labels = [i for i in range(len(app.classes)) if not np.isnan(means[i, 0])][-2:]
    if isinstance(app.domain, ImageDomain):
        pairs = [(_draw(means[i], app.domain), _draw(values[i], app.domain)) for i in labels]
    else:
        pairs = [
            (_profile(means, i, truth, asked), _profile(values, i, truth, asked)) for i in labels
        ]
    return tuple(
        Exhibit(
            title=f"class {app.classes[i]}: true average, and its reconstruction",
            before=before,
            after=after,
            note=f"{int(hits.sum())} of {len(hits)} questions about all classes were answered "
            "correctly",
        )
        for i, (before, after) in zip(labels, pairs, strict=True)
    )


def _profile(values: Floats, label: int, truth: FeatureMatrix, asked: Questions) -> str:
    """Name the columns in which a class stands out most from the others."""
    columns = np.unique(asked.column)
    spread = truth.matrix[:, columns].std(axis=0)
    above = (values[label] - values.mean(axis=0))[columns] / np.where(spread > 0, spread, 1)
    order = np.argsort(-np.abs(above), kind="stable")[:12]
    high = [truth.names[columns[j]] for j in order if above[j] > 0]
    low = [truth.names[columns[j]] for j in order if above[j] < 0]
    parts = [f"more {', '.join(high)}" if high else "", f"less {', '.join(low)}" if low else ""]
    return "; ".join(part for part in parts if part) or "nothing stands out"


def _draw(values: Floats, domain: ImageDomain) -> str:
    """Draw an image in characters, every pixel one; at most 28 by 28."""
    grey = values.reshape(domain.shape).mean(axis=0)
    step = -(-max(grey.shape) // 28)
    grey = grey[::step, ::step]
    span = float(grey.max() - grey.min()) or 1.0
    level = ((grey - grey.min()) / span * (len(SHADES) - 1)).round().astype(int)
    return "\n".join("".join(SHADES[i] for i in row) for row in level)
