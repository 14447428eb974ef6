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
from goalkeeper.core.power import Grade, Power, View
from goalkeeper.games.base import Dealt, Game, Marking, Task, Unfit
from goalkeeper.games.extraction.stolen import examined
from goalkeeper.games.extraction.substitutes import (
    Substitute,
    parameter_error,
    predicted,
    stands_alone,
    without_queries,
)
from goalkeeper.games.shared.gains import Found, curve, gain, share, thinned
from goalkeeper.games.shared.simple_targets import simple_rule

FEWEST = 30
MOST_ESTIMATED = 10_000
TASK = Task(
    name="copy",
    harms=(Harm(Goal.CONFIDENTIALITY),),
    metric="normalised_gain",
    sentence="build a substitute that answers as the model does",
)


@dataclass(frozen=True, eq=False, slots=True)
class Original:
    """What is public of the target: the names of its classes; the rest is asked of `access`."""

    classes: tuple[str, ...]


Answered = Marking[Original, Data, Substitute]


@final
@dataclass(frozen=True, kw_only=True)
class Extraction(Game[Original, Data, Substitute]):
    """Question: what is public. Secret: unseen inputs. Answer: a substitute that stands alone.

    A success is an unseen input on which the substitute agrees with the target; the baseline is
    the best substitute that this attacker can have without any query.
    """

    name: ClassVar[str] = "extraction"
    domains: ClassVar[frozenset[str]] = frozenset({"text", "table", "image"})
    grows: ClassVar[Mapping[str, int]] = {"inputs": 300}
    inputs: int = 1000

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Return the one task."""
        return (TASK,)

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Need enough unseen inputs."""
        if len(app.data.holdout) < FEWEST:
            return Unfit(
                f"extraction needs {FEWEST} inputs in the holdout, there are "
                f"{len(app.data.holdout)}"
            )
        return None

    def deal(self, app: Application, task: Task, rng: np.random.Generator) -> Dealt[Original, Data]:
        """Draw the unseen inputs, which the attack does not get."""
        size = min(self.inputs, len(app.data.holdout))
        rows = np.sort(rng.choice(len(app.data.holdout), size, replace=False))
        return Dealt(Original(app.classes), app.data.holdout.take(rows))

    def mark(self, marking: Answered) -> AttackResult:
        """Count on how many unseen inputs each substitute agrees with the target."""
        app, unseen = marking.app, marking.dealt.secret
        for point in marking.answers:
            stands_alone(point.answer, app)
        asked = _Asked.of(app, unseen)
        base = _baseline(marking, asked.labels)
        shown = thinned(marking.answers)
        agree = [_says(point, app, unseen.x) == asked.labels for point in shown]
        trials = [gain(point, _found(a, base)) for point, a in zip(shown, agree, strict=True)]
        measurements = _measurements(marking, asked, base, agree[-1])
        return AttackResult(
            status=Status.TESTED,
            summary=_summary(shown[-1], agree[-1], base),
            measurements=measurements,
            trials=tuple(trials),
            curve=curve(trials),
            controls=(
                Control(
                    name="the substitute stands alone",
                    passed=True,
                    detail="nothing it holds leads back to the target, so it asked nothing "
                    "while it was marked",
                ),
            ),
            caveats=_caveats(marking, asked),
            exhibits=(*_stolen(marking), *_exhibits(marking, asked, agree[-1])),
        )

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Replace the target by a rule on a handful of frequent words, or on two columns."""
        return replace(app, target=simple_rule(app, rng))

    def smaller(self) -> Extraction:
        """Return the game with fewer unseen inputs."""
        return Extraction(inputs=min(self.inputs, 300))

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Say what the attack may spend, and what is asked to mark it."""
        return Estimate(queries=min(granted.budget.queries, MOST_ESTIMATED) + 3 * self.inputs)


# ---- what the target itself says --------------------------------------------------------------


@dataclass(frozen=True, eq=False, slots=True)
class _Asked:
    """The target's labels `(n,)`, and which inputs lie near its boundary `(n,)`, if it tells."""

    labels: Ints
    near: Bools | None

    @staticmethod
    def of(app: Application, unseen: Data) -> _Asked:
        if app.target.offers < View.SCORES:
            return _Asked(app.target.answer(unseen.x, View.LABELS).labels, None)
        said = app.target.answer(unseen.x, View.SCORES)
        best = np.sort(said.scores, axis=1)[:, -2:]
        order = np.argsort(best[:, 1] - best[:, 0], kind="stable")
        near = np.zeros(len(order), dtype=bool)
        near[order[: max(1, len(order) // 4)]] = True
        return _Asked(said.labels, near)


def _found(agree: Bools, base: Bools) -> Found:
    return Found(int(agree.sum()), len(agree), int(base.sum()), len(base))


def _says(point: Checkpoint, app: Application, x: Inputs) -> Ints:
    return predicted(point.answer, x, len(app.classes))


def _baseline(marking: Answered, labels: Ints) -> Bools:
    """Tell where the best substitute without any query agrees with the target, `(n,)`."""
    app, x = marking.app, marking.dealt.secret.x
    counts = np.bincount(labels, minlength=len(app.classes))
    best = labels == counts.argmax()
    seed = int(marking.victim.generate_state(1)[0])
    for trained in without_queries(app, marking.granted, seed):
        same = trained.answer(x, View.LABELS).labels == labels
        best = same if same.sum() > best.sum() else best
    return np.asarray(best)


# ---- what is shown -----------------------------------------------------------------------------


def _measurements(
    marking: Answered, asked: _Asked, base: Bools, agree: Bools
) -> tuple[Measurement, ...]:
    app, unseen, point = marking.app, marking.dealt.secret, marking.final
    own = _says(point, app, unseen.x)
    found = [
        _found(agree, base).measured(marking.task.metric, "over the best without any query"),
        share("fidelity", agree, float(base.mean()), "same answer as the original"),
        share(
            "accuracy of the substitute",
            own == unseen.y,
            float((asked.labels == unseen.y).mean()),
            "baseline: the original's own accuracy",
        ),
    ]
    if asked.near is not None:
        note = "same answer, on the quarter of inputs nearest to the original's boundary"
        near = asked.near
        found.append(
            share("fidelity near the boundary", agree[near], float(base[near].mean()), note)
        )
    if isinstance(app.domain, TableDomain):
        found += _anywhere(marking, app.domain)
    return (*found, *_parameters(marking))


def _anywhere(marking: Answered, domain: TableDomain) -> list[Measurement]:
    """Measure the agreement on rows drawn uniformly, where the columns have bounds."""
    low, high = domain.bounds()
    if not np.isfinite([low, high]).all():
        return []
    size = len(marking.dealt.secret)
    drawn = marking.rng.uniform(size=(size, len(low))) * (high - low) + low
    rows = domain.project(drawn)
    labels = marking.app.target.answer(rows, View.LABELS).labels
    agree = _says(marking.final, marking.app, rows) == labels
    most = float(np.bincount(labels).max() / size)
    return [share("fidelity on uniform points", agree, most, "rows drawn uniformly in the bounds")]


def _parameters(marking: Answered) -> list[Measurement]:
    """Measure queries per parameter, and the largest error, where parameters can be compared."""
    substitute, app = marking.final.answer, marking.app
    spent = float(marking.final.queries[0])
    found = []
    size, unit = _size(app)
    if size:
        found.append(
            Measurement(
                metric=f"queries per {unit}",
                value=spent / size,
                low=spent / size,
                high=spent / size,
                baseline=1.0,
                n=size,
                note="the original has n of them; 1 is what one equation for each would cost",
            )
        )
    compared = parameter_error(app, substitute)
    if compared:
        error, n = compared
        found.append(
            Measurement(
                metric="largest relative error of a parameter",
                value=error,
                low=error,
                high=error,
                baseline=1.0,
                n=n,
                note="1 is the error of a copy that is all zeros",
            )
        )
    return found


def _size(app: Application) -> tuple[int, str]:
    """Count the numbers that make up the original, and say what they are."""
    try:
        known = app.target.parameters()
    except NotOffered:
        return 0, "parameter"
    weights = int(np.size(known.get("weights", ())) + np.size(known.get("bias", ())))
    leaves = known.get("stored", {}).get("leaves", {})
    return (weights, "parameter") if weights else (len(leaves.get("count", ())), "leaf")


def _summary(point: Checkpoint, agree: Bools, base: Bools) -> str:
    return (
        f"after {int(point.queries[0]):,} queries a substitute gives the same answer on "
        f"{agree.mean():.1%} of {len(agree):,} unseen inputs; without any query the best one "
        f"does on {base.mean():.1%}"
    )


def _caveats(marking: Answered, asked: _Asked) -> tuple[str, ...]:
    found = []
    if len(np.unique(asked.labels)) < 2:
        found.append("the original gave one and the same answer to every unseen input")
    if marking.granted.knowledge.data is Grade.NONE:
        found.append(
            "the attacker has no data, so the baseline is the most frequent answer; who does "
            "have similar data gains less"
        )
    return tuple(found)


def _stolen(marking: Answered) -> tuple[Exhibit, ...]:
    """Examine how the stored model is protected, where the attacker is one who gets at it."""
    full = marking.granted.knowledge.model is Grade.FULL
    return (examined(marking.app),) if full else ()


def _exhibits(marking: Answered, asked: _Asked, agree: Bools) -> tuple[Exhibit, ...]:
    """Show the unseen input nearest to the boundary, and what both say of it."""
    app, unseen = marking.app, marking.dealt.secret
    near = np.flatnonzero(agree if asked.near is None else asked.near)
    if not len(near) or app.domain.kind != "text":
        return ()
    row = int(near[0])
    own = _says(marking.final, app, unseen.x[row : row + 1])[0]
    return (
        Exhibit(
            title="an unseen message near the boundary, and what both say of it",
            before=str(unseen.x[row]),
            note=f"the original: {app.classes[asked.labels[row]]}; "
            f"the substitute: {app.classes[own]}",
        ),
    )
