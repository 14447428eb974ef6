"""The property game: tell how common something is in the training data as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.application import Application, Property
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.data import Bools, Ints
from goalkeeper.core.errors import DataError
from goalkeeper.core.evidence import Accuracy, AttackResult, Measurement, Status, Trial
from goalkeeper.core.goals import Goal, Harm
from goalkeeper.core.power import Attacker, Grade, Power
from goalkeeper.core.reference import TrainingSets
from goalkeeper.core.standing import DECIDES, Standing
from goalkeeper.games.base import Deal, Game, Marking, Task, Unfit
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
from goalkeeper.games.shared.measuring import (
    build_measurement,
    build_query_trial,
    draw_curve,
    last_checkpoints,
    measure_rate,
)
from goalkeeper.games.shared.wording import percent, span
from goalkeeper.games.tallies import estimate_tally
from goalkeeper.stats import clopper_pearson
from goalkeeper.training.kept import KeptTrainings

METRIC = "distinguishing_accuracy"
HARMS = (Harm(Goal.PRIVACY),)
# So many that guessing is bounded below 60 % (need high) in 99 % of runs: of 400 guesses 223 are
# right at most (binomial), whose upper bound is 59.9 %.
VICTIMS = 400
UNDECLARED = Task(
    name="property",
    harms=HARMS,
    metric=METRIC,
    sentence="infer how common something is in the training data as a whole",
)
MIN_RECORDS = 60  # of a training set
MIN_DIFFERENCE = 5  # records by which the two worlds must differ
MIN_CLASS_RECORDS = 12  # of each class to be expected in a training set

PropertyMarking = Marking[Worlds, Bools, Ints]


@final
@dataclass(frozen=True, kw_only=True)
class PropertyInference(Game[Worlds, Bools, Ints]):
    """Question: two worlds and a model from one of them. Secret: from which. Answer: 0 or 1.

    Each of `victims` campaigns (`undeclared` of them where nobody declared the property) has its
    world, half of them one and half the other, in random order. The application's own recipe
    trains a model on records of which exactly that world's share has the property; both
    worlds' training sets are equally large (`most` records at most). The attack has a door to
    every model through `access.victims()`, through which it may also add to what the model is
    trained on, if it can. The game's records are never those of the attacker, who trains models
    of both worlds on its own.
    """

    name: ClassVar[str] = "property"
    grows: ClassVar[Mapping[str, int]] = {"victims": 20, "undeclared": 20}
    victims: int = VICTIMS
    undeclared: int = 60
    most: int = 1000

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Return a task for each declared property, or for the most frequent values of columns."""
        return tuple(_build_task(app, fact) for fact in properties(app)) or (UNDECLARED,)

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Need a recipe, and records enough for training sets of both worlds."""
        if task.name == UNDECLARED.name:
            return Unfit(
                "no property is declared; name what must stay private under threats.properties"
            )
        if app.trainer is None:
            return Unfit("models of both worlds cannot be trained; describe model.build")
        fact = _find_property(app, task)
        if fact.column and fact.column not in app.data.similar.columns:
            return Unfit(f"there is no column {fact.column} beside the inputs")
        worlds = worlds_of(app, fact, self.most)
        first, second = worlds.shares
        if worlds.size < MIN_RECORDS:
            return Unfit(
                f"the data suffice for training sets of {worlds.size} records with shares of "
                f"{first:.1%} and {second:.1%}, fewer than {MIN_RECORDS}; declare shares nearer to "
                "each other, or give more data"
            )
        if abs(first - second) * worlds.size < MIN_DIFFERENCE:
            return Unfit(
                f"training sets of {worlds.size} records with shares of {first:.1%} and "
                f"{second:.1%} differ by fewer than {MIN_DIFFERENCE} records"
            )
        return _find_rare_class(app, worlds)

    def standing(self, app: Application, task: Task, attacker: Attacker) -> Standing:
        """Let a run decide on declared properties only, and not of those who have the data."""
        if not app.properties:
            return Standing.by_assumption(
                "no property is declared; name what must stay private under threats.properties"
            )
        if attacker.power.knowledge.data is Grade.FULL:
            return Standing.no_harm(
                "whoever has the training data can count how common something is in them"
            )
        return DECIDES

    def deal(self, app: Application, task: Task, rng: np.random.Generator) -> Deal[Worlds, Bools]:
        """Give every victim its world, and train a model for each."""
        fact = _find_property(app, task)
        worlds = worlds_of(app, fact, self.most)
        victims = self.victims if fact in app.properties else self.undeclared
        # Half of each: a guess that is the same for all models is then right for exactly half,
        # and no independent guess varies more than with coins.
        coins = rng.permutation(np.arange(victims) % 2 == 1)
        masks = worlds.masks(pool(app), coins, rng)
        seeds = rng.integers(0, 2**31, victims).tolist()
        stack = _train_victims(app, TrainingSets(data=pool(app), masks=masks, seeds=seeds))
        return Deal(worlds, coins, campaigns=victims, victims=stack.victims())

    def mark(self, marking: PropertyMarking) -> AttackResult:
        """Count correct guesses."""
        worlds, coins = marking.deal.question, marking.deal.secret
        points = last_checkpoints(marking.answers)
        correct = [_check_guesses(point, coins) == coins for point in points]
        trials = tuple(
            build_query_trial(point, Accuracy(correct=int(hits.sum()), n=len(coins)))
            for point, hits in zip(points, correct, strict=True)
        )
        return AttackResult(
            status=Status.TESTED,
            summary=_summarise(worlds, correct[-1]),
            measurements=_measure(trials[-1], worlds, correct[-1], coins),
            trials=trials,
            curve=draw_curve(trials, "queries to a model", "queries"),
            caveats=_list_caveats(marking.app, worlds),
        )

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Return the application with models that answer with the share itself."""
        trainer = ShareTrainer(_find_property(app, task), app.classes)
        target = trainer.fit(app.data.train, 0)
        return replace(app, target=target, trainer=trainer, lookalike=trainer)

    def smaller(self) -> PropertyInference:
        """Return the game with fewer models."""
        return replace(
            self,
            victims=min(self.victims, 20),
            undeclared=min(self.undeclared, 20),
            most=min(self.most, 300),
        )

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Count the questions to every model."""
        victims = self.victims if app.properties else self.undeclared
        return Estimate(queries=victims * min(granted.budget.queries, 256))


# ---- tasks ---------------------------------------------------------------------------------------


def _find_property(app: Application, task: Task) -> Property:
    return next(f for f in properties(app) if f"property-{f.name}" == task.name)


def _build_task(app: Application, fact: Property) -> Task:
    what = _name(fact)
    return Task(
        name=f"property-{fact.name}",
        harms=HARMS,
        metric=METRIC,
        sentence=f"infer how common {what} is in the training data",
        about=fact.column,
    )


def _find_rare_class(app: Application, worlds: Worlds) -> Unfit | None:
    """Refuse worlds in which a training set may lack a class."""
    for data in (pool(app), app.data.similar):
        has_property = worlds.holds(data)
        for world in worlds.shares:
            with_it, without_it = world / has_property.sum(), (1 - world) / (~has_property).sum()
            weight = np.where(has_property, with_it, without_it)
            chance = np.bincount(data.y, weights=weight, minlength=len(app.classes))
            rare = int(chance.argmin())
            if chance[rare] * worlds.size < MIN_CLASS_RECORDS:
                return Unfit(
                    f"class {app.classes[rare]} would have about "
                    f"{chance[rare] * worlds.size:.0f} records in a training set of "
                    f"{worlds.size}, too few to train on; give more data"
                )
    return None


def _train_victims(app: Application, sets: TrainingSets) -> VictimStack:
    """Train the victims, or find what was kept of them: all attacks on a property have the same."""
    if app.trainer is None:
        raise ValueError("there is no recipe to train with; unfit() says so in advance")
    ensemble = app.once(KeptTrainings).trained(app.trainer, sets)
    return VictimStack(ensemble, app.target.offers, sets.data, sets.masks)


# ---- marking -------------------------------------------------------------------------------------


def _check_guesses(point: Checkpoint, coins: Bools) -> Bools:
    guesses = np.asarray(point.answer)
    if guesses.shape != coins.shape or not np.isin(guesses, (0, 1)).all():
        raise DataError(
            f"an answer is 0 or 1 for every model: expected shape {coins.shape}, got "
            f"{guesses.shape}"
        )
    return guesses.astype(bool)


def _measure(trial: Trial, worlds: Worlds, correct: Bools, coins: Bools) -> tuple[Measurement, ...]:
    accuracy = estimate_tally(trial.tally)
    n, (first, second) = len(correct), worlds.shares
    at_value, at_low, at_high = (records_seen(a, first, second) for a in accuracy)
    differences = [smallest_difference(r, first) for r in (at_value, at_high, at_low)]
    found = [
        build_measurement(
            METRIC,
            accuracy,
            n,
            0.5,
            note=f"models trained on {worlds.size} records, {first:.1%} or {second:.1%} of them "
            f"{_name(worlds.property)}",
        ),
        build_measurement(
            "training records seen",
            (at_value, at_low, at_high),
            n,
            note="seeing so many records drawn at random distinguishes the shares as often",
        ),
        build_measurement(
            "smallest distinguishable difference",
            (differences[0], differences[1], differences[2]),
            n,
            1.0,
            note=f"from a share of {first:.1%}, correct 3 times of 4, computed from the records "
            "seen; 1 if none",
        ),
    ]
    for world, share in enumerate(worlds.shares):
        hits = correct[coins == bool(world)]
        if len(hits):
            found.append(measure_rate(f"correct where the share is {share:.1%}", hits, 0.5))
    return tuple(found)


def _name(fact: Property) -> str:
    return f"{fact.column or 'class'} {fact.value}"


def _summarise(worlds: Worlds, correct: Bools) -> str:
    first, second = worlds.shares
    low, high = clopper_pearson(int(correct.sum()), len(correct))
    return (
        f"Whether {_name(worlds.property)} makes up {percent(first)} or {percent(second)} of the "
        f"training data is inferred correctly for {int(correct.sum())} of {len(correct)} models "
        f"({percent(float(correct.mean()))}, {span(low, high)}; a coin: 50 %)."
    )


def _list_caveats(app: Application, worlds: Worlds) -> tuple[str, ...]:
    caveats = []
    if worlds.size < len(app.data.train):
        caveats.append(
            f"models were trained on {worlds.size} records, the application's on "
            f"{len(app.data.train)}: with more records a share may show more clearly"
        )
    if worlds.property not in app.properties:
        first, second = shares_of(worlds.property, app.data.similar, app.classes)
        caveats.append(
            f"no property is declared: the most frequent value was taken, with shares of "
            f"{first:.1%} and {second:.1%}; name what must stay private under threats.properties"
        )
    return tuple(caveats)
