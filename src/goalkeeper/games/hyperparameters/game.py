"""Hyperparameters: how the application's own recipe is set; the attack names the value of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from goalkeeper.core.application import Application, Target, Trainer
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.data import Data, Ints
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.goals import Goal, Harm
from goalkeeper.core.power import Attacker, Power
from goalkeeper.core.standing import Standing
from goalkeeper.games.base import Deal, Game, Marking, Task, Unfit
from goalkeeper.games.shared.constant_answers import unfit_constant
from goalkeeper.games.shared.grants import unless_it_holds_the_model
from goalkeeper.games.shared.hidden_victims import (
    ApplicationWithVictims,
    MadeVictims,
    VictimKinds,
    draw_kinds,
    draw_records,
    mark_guesses,
    records_per_victim,
    replace_victims,
    unfit_records,
)
from goalkeeper.training import (
    FunctionTrainer,
    Setting,
    find_settings,
    usual_recipe,
    with_setting,
)

ASKED = 10_000  # queries of one campaign that an estimate counts, at most
MOST_TASKS = 2  # of one recipe: each takes dozens of trainings
GENERAL = "hyperparameter"  # the task of a recipe that has none of those that are known


@dataclass(frozen=True, slots=True)
class HiddenSettings(VictimKinds):
    """The question: to which of the candidates `names` the recipe of each victim was set.

    `setting` says of which hyperparameter, with the values of the candidates; `usual` is the recipe
    that anybody would write down for such a model, for attackers who do not know the real one.
    """

    setting: Setting
    usual: Trainer


@final
@dataclass(frozen=True, kw_only=True)
class HyperparameterInference(Game[HiddenSettings, Ints, Ints]):
    """Question: to which value a hyperparameter of some models was set. Answer: a value for each.

    The models are of the application's own recipe, in which one hyperparameter is hidden: each is
    trained with a value drawn among candidates around the one that the recipe has, equally many
    with each, as the single value in service could be named by chance. Always naming the most
    frequent value, the best guess without the models, is the baseline. A recipe without any
    hyperparameter that is known here has nothing that could be found out.

    Parameters
    ----------
    victims
        Models that the game trains.
    """

    name: ClassVar[str] = "hyperparameters"
    family: ClassVar[str] = "internals"
    grows: ClassVar[Mapping[str, int]] = {"victims": 24}

    victims: int = 30

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Find out each of the first few hyperparameters of the application's recipe."""
        kinds = list(dict.fromkeys(setting.kind for setting in _settings_of(app)))
        return tuple(_task(kind) for kind in kinds[:MOST_TASKS] or [GENERAL])

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Need a recipe with a hyperparameter, records to train on, and answers that differ."""
        if app.trainer is None:
            return Unfit(
                "the application cannot be retrained: its description has no recipe (model.build), "
                "so that its hyperparameters are not known"
            )
        if all(setting.kind != task.name for setting in _settings_of(app)):
            opaque = isinstance(app.trainer, FunctionTrainer) and app.trainer.inner is None
            return Unfit(
                f"the recipe {app.trainer.recipe} has no hyperparameter that is set to one of "
                "several numbers, and is known here (regularisation, depth, number of trees, "
                "learning rate, neighbours, kernel width, layer width)",
                proven=not opaque,
            )
        few = unfit_records(app)
        if few is not None or isinstance(app, ApplicationWithVictims):
            return few
        return unfit_constant(app)

    def standing(self, app: Application, task: Task, attacker: Attacker) -> Standing:
        """Whoever has the model gains nothing here."""
        return unless_it_holds_the_model(attacker, "guessing how its training was set")

    def deal(
        self, app: Application, task: Task, rng: np.random.Generator
    ) -> Deal[HiddenSettings, Ints]:
        """Train models of the application's recipe, each with a hidden value."""
        setting = _setting_of(app, task)
        hidden = draw_kinds(self.victims, len(setting.values), rng)
        made = app.once(MadeVictims).of(
            hidden, rng, lambda i: _make(app, setting, int(hidden[i]), rng)
        )
        question = HiddenSettings(
            names=tuple(setting.name(value) for value in setting.values),
            records=records_per_victim(app),
            setting=setting,
            usual=usual_recipe(_recipe_of(app), setting),
        )
        return Deal(question, hidden, campaigns=len(hidden), victims=made)

    def mark(self, marking: Marking[HiddenSettings, Ints, Ints]) -> AttackResult:
        """Count the correct guesses."""
        setting = marking.deal.question.setting
        return mark_guesses(
            marking,
            setting.kind.replace("-", " "),
            f"the models are of the application's own recipe ({setting.model}), with another "
            f"{setting.kind.replace('-', ' ')} each, and were trained on "
            f"{marking.deal.question.records:,} records",
        )

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Train the victims on the very data that the attacker has."""
        setting = _setting_of(app, task)
        return replace_victims(
            app, lambda kind, rng: _train(app, setting, kind, app.data.similar, rng)
        )

    def smaller(self) -> HyperparameterInference:
        """Train fewer victims."""
        return replace(self, victims=min(self.victims, 24))

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Say what the attack may ask of all victims, and how many are trained."""
        asked = min(granted.budget.queries, ASKED)
        return Estimate(queries=asked * self.victims, models=self.victims)


def _task(kind: str) -> Task:
    return Task(
        name=kind,
        harms=(Harm(Goal.CONFIDENTIALITY),),
        metric="normalised_gain",
        sentence=f"find out to which {kind.replace('-', ' ')} the application's own recipe is set",
    )


def _settings_of(app: Application) -> tuple[Setting, ...]:
    return () if app.trainer is None else find_settings(app.trainer)


def _recipe_of(app: Application) -> Trainer:
    if app.trainer is None:
        raise NotOffered("the application has no training recipe; describe one (model.build)")
    return app.trainer


def _setting_of(app: Application, task: Task) -> Setting:
    return next(setting for setting in _settings_of(app) if setting.kind == task.name)


def _make(app: Application, setting: Setting, kind: int, rng: np.random.Generator) -> Target:
    if isinstance(app, ApplicationWithVictims):
        return app.make_victim(kind, rng)
    return _train(app, setting, kind, app.data.train, rng)


def _train(
    app: Application, setting: Setting, kind: int, data: Data, rng: np.random.Generator
) -> Target:
    """Train a model of the recipe with a candidate on its own draw of records."""
    records = draw_records(data, records_per_victim(app), rng)
    trainer = with_setting(_recipe_of(app), setting, setting.values[kind])
    return trainer.fit(records, int(rng.integers(2**31)))
