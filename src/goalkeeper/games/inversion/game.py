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
from goalkeeper.core.power import Grade, Power, View
from goalkeeper.games.base import Dealt, Game, Marking, Task, Unfit
from goalkeeper.games.inversion.items import (
    FEWEST,
    Averages,
    Features,
    Items,
    agreements,
    aligned,
    features,
    items,
    likeness,
)
from goalkeeper.games.inversion.likeness import by_likeness
from goalkeeper.games.shared.gains import Found, curve, gain, thinned
from goalkeeper.stats import clopper_pearson

METRIC = "normalised_gain"
LEAST = 6  # questions: of fewer, a guesser may answer all rightly by luck
COIN = (500_000, 1_000_000)  # what a coin gets right; a known rate, not an estimate
SHADES = " .:-=+*#%@"
TASK = Task(
    name="class-average",
    harms=(Harm(Goal.PRIVACY),),
    metric=METRIC,
    sentence="reconstruct what the average input of each class looks like",
)


@dataclass(frozen=True, slots=True)
class Sought:
    """Nothing but the wish: inputs and classes are public, all classes are sought together."""


Reconstructed = Marking[Sought, None, Averages]


@final
@dataclass(frozen=True, kw_only=True)
class Inversion(Game[Sought, None, Averages]):
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
        """Need two classes with a few records each."""
        counts = np.bincount(app.data.train.y, minlength=len(app.classes))
        if int((counts >= FEWEST).sum()) < 2:
            return Unfit(f"two classes with {FEWEST} training records each are needed")
        return None

    def deal(self, app: Application, task: Task, rng: np.random.Generator) -> Dealt[Sought, None]:
        """Ask for all classes."""
        return Dealt(Sought(), None)

    def mark(self, marking: Reconstructed) -> AttackResult:
        """Count the questions that each reconstruction answers rightly."""
        app = marking.app
        known, classes = features(app, app.data.train), len(app.classes)
        asked = items(known, classes, marking.rng)
        if len(asked) < LEAST:
            return AttackResult(
                status=Status.NOT_TESTED,
                reason=f"only {len(asked)} questions about these classes and columns are "
                f"independent of one another; of fewer than {LEAST} a guesser may answer all "
                "rightly",
            )
        points = thinned(marking.answers)
        values = [aligned(point.answer, known, classes) for point in points]
        base = _baseline(marking, known, asked)
        hits = [agreements(v, asked, marking.rng) for v in values]
        found = [Found(int(h.sum()), len(h), *base) for h in hits]
        trials = [gain(point, f) for point, f in zip(points, found, strict=True)]
        return AttackResult(
            status=Status.TESTED,
            summary=_summary(found[-1], values[-1], known, app),
            measurements=_measurements(found[-1], values[-1], known, (asked, app)),
            trials=tuple(trials),
            curve=curve(trials) if len(trials) > 1 else None,
            caveats=_caveats(asked, known, app),
            exhibits=_exhibits(values[-1], known, hits[-1], (asked, app)),
        )

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Score inputs by their likeness to the class averages."""
        known = features(app, app.data.train)
        vocabulary = known.names if isinstance(app.domain, TextDomain) else ()
        return replace(app, target=by_likeness(known, len(app.classes), vocabulary))

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Say what the attack may ask."""
        return Estimate(queries=min(granted.budget.queries, 20_000))


# ---- counting ----------------------------------------------------------------------------------


def _baseline(marking: Reconstructed, known: Features, asked: Items) -> tuple[int, int]:
    """Give what is right without the model: a coin, or own data where that is better."""
    app, grade = marking.app, marking.granted.knowledge.data
    if grade is Grade.NONE:
        return COIN
    own = app.data.train if grade is Grade.FULL else app.data.similar
    means = np.nan_to_num(features(app, own, known.names).means(len(app.classes)))
    right = int(agreements(means, asked, marking.rng).sum())
    return (right, len(asked)) if 2 * right > len(asked) else COIN


# ---- what is shown -----------------------------------------------------------------------------


def _summary(found: Found, values: Floats, known: Features, app: Application) -> str:
    what = {"text": "word", "table": "column", "image": "pixel"}[app.domain.kind]
    base = found.baseline_successes / found.baseline_n
    alike = likeness(values, known, app)
    return (
        f"the reconstruction says rightly in {found.successes} of {found.n} cases which of two "
        f"classes has the higher average of a {what}; without the model {base:.0%} would be "
        f"right. Its correlation with the true averages is {alike:.2f}"
    )


def _measurements(
    found: Found, values: Floats, known: Features, about: tuple[Items, Application]
) -> tuple[Measurement, ...]:
    asked, app = about
    low, high = clopper_pearson(found.successes, found.n)
    told = [
        found.measured(METRIC, "over the best without the model"),
        Measurement(
            metric="questions answered rightly",
            value=found.successes / found.n,
            low=low,
            high=high,
            baseline=found.baseline_successes / found.baseline_n,
            n=found.n,
            note=f"which of two classes has the higher average, in {asked.columns} columns of "
            f"{len(known.names)} that differ between classes and do not move together",
        ),
    ]
    alike = _likeness(values, known, about)
    recognised = _recognised(values, app)
    return (*told, *(m for m in (alike, recognised) if m is not None))


def _likeness(
    values: Floats, known: Features, about: tuple[Items, Application]
) -> Measurement | None:
    """Measure the correlation, by Fisher's z with one observation a separate column and class."""
    asked, app = about
    classes = len(app.classes)
    n = asked.columns * (classes - 1)
    if n <= 3:
        return None
    alike = likeness(values, known, app)
    z = math.atanh(min(max(alike, -0.999999), 0.999999))
    half = 1.959964 / math.sqrt(n - 3)
    return Measurement(
        metric="correlation with the class averages",
        value=alike,
        low=math.tanh(z - half),
        high=math.tanh(z + half),
        baseline=0.0,
        n=n,
        note="relative to the mean of all classes, over all columns; n: separate columns times "
        "classes less one; a reconstruction without the model has 0 on average",
    )


def _recognised(values: Floats, app: Application) -> Measurement | None:
    """Ask a model trained on other data which class each reconstruction shows."""
    if app.trainer is None or isinstance(app.domain, TextDomain):
        return None
    if len(np.unique(app.data.holdout.y)) < len(app.classes):
        return None
    judge = app.trainer.fit(app.data.holdout, 0)
    x = _inputs(values, app)
    right = int((judge.answer(x, View.LABELS).labels == np.arange(len(x))).sum())
    low, high = clopper_pearson(right, len(x))
    return Measurement(
        metric="classes recognised by an independent model",
        value=right / len(x),
        low=low,
        high=high,
        baseline=1 / len(x),
        n=len(x),
        note="trained in the same way on records that the target never saw; inputs that fool a "
        "model can fool another one, so this alone shows no likeness",
    )


def _inputs(values: Floats, app: Application) -> Floats:
    """Turn reconstructions `(classes, d)` into valid inputs."""
    if isinstance(app.domain, ImageDomain):
        return np.clip(values, app.domain.low, app.domain.high).reshape(-1, *app.domain.shape)
    return app.domain.project(values) if not isinstance(app.domain, TextDomain) else values


def _caveats(asked: Items, known: Features, app: Application) -> tuple[str, ...]:
    said = [
        "what is typical of a class is measured, not a single person; it harms where a class is a "
        "person or a small group, or where its average is a secret"
    ]
    small_classes = [
        name for label, name in enumerate(app.classes) if int((known.y == label).sum()) < FEWEST
    ]
    if small_classes:
        said.append(f"too few records to have an average: {', '.join(small_classes)}")
    return tuple(said)


def _exhibits(
    values: Floats, known: Features, hits: Bools, about: tuple[Items, Application]
) -> tuple[Exhibit, ...]:
    """Show what was reconstructed beside the truth, for two classes."""
    asked, app = about
    means = known.means(len(app.classes))
    labels = [i for i in range(len(app.classes)) if not np.isnan(means[i, 0])][-2:]
    if isinstance(app.domain, ImageDomain):
        shown = [(_picture(means[i], app.domain), _picture(values[i], app.domain)) for i in labels]
    else:
        shown = [
            (_profile(means, i, known, asked), _profile(values, i, known, asked)) for i in labels
        ]
    return tuple(
        Exhibit(
            title=f"class {app.classes[i]}: true average, and its reconstruction",
            before=truth,
            after=guess,
            note=f"{int(hits.sum())} of {len(hits)} questions about all classes were answered "
            "rightly",
        )
        for i, (truth, guess) in zip(labels, shown, strict=True)
    )


def _profile(values: Floats, label: int, known: Features, asked: Items) -> str:
    """Name the columns in which a class stands out most from the others."""
    columns = np.unique(asked.column)
    spread = known.matrix[:, columns].std(axis=0)
    above = (values[label] - values.mean(axis=0))[columns] / np.where(spread > 0, spread, 1)
    order = np.argsort(-np.abs(above), kind="stable")[:12]
    high = [known.names[columns[j]] for j in order if above[j] > 0]
    low = [known.names[columns[j]] for j in order if above[j] < 0]
    parts = [f"more {', '.join(high)}" if high else "", f"less {', '.join(low)}" if low else ""]
    return "; ".join(part for part in parts if part) or "nothing stands out"


def _picture(values: Floats, domain: ImageDomain) -> str:
    """Draw an image in characters, every pixel one; at most 28 by 28."""
    grey = values.reshape(domain.shape).mean(axis=0)
    step = -(-max(grey.shape) // 28)
    grey = grey[::step, ::step]
    span = float(grey.max() - grey.min()) or 1.0
    level = ((grey - grey.min()) / span * (len(SHADES) - 1)).round().astype(int)
    return "\n".join("".join(SHADES[i] for i in row) for row in level)
