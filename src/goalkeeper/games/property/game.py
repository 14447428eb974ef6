"""The property game: tell how common something is in the training data as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.application import Application, Property
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.data import Bools, Ints
from goalkeeper.core.errors import DataError
from goalkeeper.core.evidence import Accuracy, AttackResult, Curve, Measurement, Status, Trial
from goalkeeper.core.goals import Goal, Harm
from goalkeeper.core.power import Power
from goalkeeper.games.base import Dealt, Game, Marking, Task, Unfit
from goalkeeper.games.property.leak import records_seen, smallest_difference
from goalkeeper.games.property.worlds import (
    ShareTrainer,
    VictimStack,
    Worlds,
    pool,
    properties,
    shares_of,
    worlds_of,
)
from goalkeeper.games.tallies import shown
from goalkeeper.stats import clopper_pearson

METRIC = "distinguishing_accuracy"
FEWEST = 60  # records of a training set
APART = 5  # records by which the two worlds must differ
RAREST = 12  # records of each class to be expected in a training set

Guessing = Marking[Worlds, Bools, Ints]


@final
@dataclass(frozen=True, kw_only=True)
class PropertyInference(Game[Worlds, Bools, Ints]):
    """Question: two worlds and a model from one of them. Secret: from which. Answer: 0 or 1.

    For each of `victims` campaigns a coin picks the world. Then the application's own recipe
    trains a model on records of which exactly that world's share has the property; both
    worlds' training sets are equally large (`most` records at most). The attack has a door to
    every model through `access.victims()`. The game's records are never those of the attacker,
    who trains models of both worlds on its own.
    """

    name: ClassVar[str] = "property"
    domains: ClassVar[frozenset[str]] = frozenset({"text", "table"})
    grows: ClassVar[Mapping[str, int]] = {"victims": 20}
    victims: int = 60
    most: int = 1000

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Return a task for each declared property, or for the commonest ones."""
        return tuple(_task(app, fact) for fact in properties(app))

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Need a recipe, and records enough for training sets of both worlds."""
        if app.trainer is None:
            return Unfit("models of both worlds cannot be trained; describe model.build")
        fact = _fact(app, task)
        if fact.column and fact.column not in app.data.similar.columns:
            return Unfit(f"there is no column {fact.column} beside the inputs")
        worlds = worlds_of(app, fact, self.most)
        first, second = worlds.shares
        if worlds.size < FEWEST:
            return Unfit(
                f"there are records for training sets of {worlds.size} with shares of {first:.1%} "
                f"and {second:.1%}, fewer than {FEWEST}; declare shares nearer to each other, or "
                "give more data"
            )
        if abs(first - second) * worlds.size < APART:
            return Unfit(
                f"training sets of {worlds.size} records with shares of {first:.1%} and "
                f"{second:.1%} differ by fewer than {APART} records"
            )
        return _rare_class(app, worlds)

    def deal(self, app: Application, task: Task, rng: np.random.Generator) -> Dealt[Worlds, Bools]:
        """Toss the coins, and train a model for each."""
        if app.trainer is None:
            raise ValueError("there is no recipe to train with; unfit() says so beforehand")
        worlds = worlds_of(app, _fact(app, task), self.most)
        coins = rng.random(self.victims) < 0.5
        own = pool(app)
        masks = worlds.masks(own, coins, rng)
        seeds = rng.integers(0, 2**31, self.victims).tolist()
        stack = VictimStack(app.trainer.fit_many(own, masks, seeds), app.target.offers)
        return Dealt(worlds, coins, campaigns=self.victims, victims=stack.victims())

    def mark(self, marking: Guessing) -> AttackResult:
        """Count right guesses."""
        worlds, coins = marking.dealt.question, marking.dealt.secret
        points = list({int(p.queries.max()): p for p in marking.answers}.values())
        trials = tuple(_trial(point, coins) for point in points)
        right = _guesses(points[-1], coins) == coins
        return AttackResult(
            status=Status.TESTED,
            summary=_summary(worlds, right),
            measurements=_measurements(trials[-1], worlds, right, coins),
            trials=trials,
            curve=_curve(trials),
            caveats=_caveats(marking.app, worlds),
        )

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Return the application with models that answer with the share itself."""
        trainer = ShareTrainer(_fact(app, task), app.classes)
        target = trainer.fit(app.data.train, 0)
        return replace(app, target=target, trainer=trainer, lookalike=trainer)

    def smaller(self) -> PropertyInference:
        """Return the game with fewer models."""
        return replace(self, victims=min(self.victims, 20), most=min(self.most, 300))

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Count the questions to every model."""
        return Estimate(queries=self.victims * min(granted.budget.queries, 256))


# ---- tasks ---------------------------------------------------------------------------------------


def _fact(app: Application, task: Task) -> Property:
    return next(f for f in properties(app) if f"property-{f.name}" == task.name)


def _task(app: Application, fact: Property) -> Task:
    what = f"{fact.column or 'class'} {fact.value}"
    return Task(
        name=f"property-{fact.name}",
        harms=(Harm(Goal.PRIVACY),),
        metric=METRIC,
        sentence=f"tell how common {what} is in the training data",
        about=fact.column,
    )


def _rare_class(app: Application, worlds: Worlds) -> Unfit | None:
    """Refuse worlds in which a training set may lack a class."""
    for data in (pool(app), app.data.similar):
        there = worlds.holds(data)
        for world in worlds.shares:
            weight = np.where(there, world / there.sum(), (1 - world) / (~there).sum())
            chance = np.bincount(data.y, weights=weight, minlength=len(app.classes))
            rare = int(chance.argmin())
            if chance[rare] * worlds.size < RAREST:
                return Unfit(
                    f"class {app.classes[rare]} would have about "
                    f"{chance[rare] * worlds.size:.0f} records in a training set of "
                    f"{worlds.size}, too few to train on; give more data"
                )
    return None


# ---- marking -------------------------------------------------------------------------------------


def _guesses(point: Checkpoint, coins: Bools) -> Bools:
    guesses = np.asarray(point.answer)
    if guesses.shape != coins.shape or not np.isin(guesses, (0, 1)).all():
        raise DataError(
            f"an answer is 0 or 1 for every model: expected shape {coins.shape}, got "
            f"{guesses.shape}"
        )
    return guesses.astype(bool)


def _trial(point: Checkpoint, coins: Bools) -> Trial:
    spent = float(point.queries.max())
    correct = int((_guesses(point, coins) == coins).sum())
    return Trial(
        budget=spent,
        queries=spent,
        compute_h=point.cost.seconds / 3600,
        tally=Accuracy(correct=correct, n=len(coins)),
    )


def _measurements(
    trial: Trial, worlds: Worlds, right: Bools, coins: Bools
) -> tuple[Measurement, ...]:
    seen = shown(trial.tally)
    n, (first, second) = len(right), worlds.shares
    records = [records_seen(a, first, second) for a in (seen.value, seen.low, seen.high)]
    apart = [smallest_difference(r, first) for r in records]
    found = [
        Measurement(
            metric=METRIC,
            value=seen.value,
            low=seen.low,
            high=seen.high,
            baseline=0.5,
            n=n,
            note=f"models trained on {worlds.size} records, {first:.1%} or {second:.1%} of them "
            f"{worlds.property.column or 'class'} {worlds.property.value}",
        ),
        Measurement(
            metric="training records seen",
            value=records[0],
            low=records[1],
            high=records[2],
            baseline=0.0,
            n=n,
            note="who sees so many records drawn at random tells the shares apart as often",
        ),
        Measurement(
            metric="smallest difference told apart",
            value=apart[0],
            low=apart[2],
            high=apart[1],
            baseline=1.0,
            n=n,
            note=f"from a share of {first:.1%}, right 3 times of 4, computed from the records "
            "seen; 1 if none",
        ),
    ]
    for world, share in enumerate(worlds.shares):
        side = right[coins == bool(world)]
        if len(side):
            low, high = clopper_pearson(int(side.sum()), len(side))
            found.append(
                Measurement(
                    metric=f"right where the share is {share:.1%}",
                    value=float(side.mean()),
                    low=low,
                    high=high,
                    baseline=0.5,
                    n=len(side),
                )
            )
    return tuple(found)


def _summary(worlds: Worlds, right: Bools) -> str:
    first, second = worlds.shares
    low, high = clopper_pearson(int(right.sum()), len(right))
    return (
        f"whether {worlds.property.column or 'class'} {worlds.property.value} makes up "
        f"{first:.1%} or {second:.1%} of the training data is told right for {int(right.sum())} "
        f"of {len(right)} models ({right.mean():.0%}, {low:.0%} to {high:.0%}; a coin: 50 %)"
    )


def _curve(trials: Sequence[Trial]) -> Curve:
    seen = [shown(t.tally) for t in trials]
    return Curve(
        budget="queries to a model",
        unit="queries",
        x=tuple(t.budget for t in trials),
        value=tuple(s.value for s in seen),
        low=tuple(s.low for s in seen),
        high=tuple(s.high for s in seen),
    )


def _caveats(app: Application, worlds: Worlds) -> tuple[str, ...]:
    said = []
    if worlds.size < len(app.data.train):
        said.append(
            f"models were trained on {worlds.size} records, the application's on "
            f"{len(app.data.train)}: with more records a share may show more clearly"
        )
    if worlds.property not in app.properties:
        first, second = shares_of(worlds.property, app.data.similar, app.classes)
        said.append(
            f"no property is declared: the commonest value was taken, with shares of {first:.1%} "
            f"and {second:.1%}; declare `properties` for what must stay private"
        )
    return tuple(said)
