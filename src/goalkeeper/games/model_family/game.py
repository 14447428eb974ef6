"""Model family: the game trains models of hidden families; the attack names the family of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, final

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.data import Ints
from goalkeeper.core.domain import Domain
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.goals import Goal, Harm
from goalkeeper.core.power import Attacker, Power
from goalkeeper.core.standing import Standing
from goalkeeper.games.base import Deal, Game, Marking, Task, Unfit
from goalkeeper.games.model_family.closed_form import closed_form_victims
from goalkeeper.games.model_family.estimators import FAMILIES, build_estimator
from goalkeeper.games.shared.grants import unless_it_holds_the_model
from goalkeeper.games.shared.hidden_victims import (
    VictimKinds,
    deal_victims,
    mark_guesses,
    replace_victims,
    unfit_records,
)

ASKED = 10_000  # queries of one campaign that an estimate counts, at most
TASK = Task(
    name="model-family",
    harms=(Harm(Goal.CONFIDENTIALITY),),
    metric="normalised_gain",
    sentence="find out of what family a model of this application's data is",
)


@final
@dataclass(frozen=True, kw_only=True)
class ModelFamilyInference(Game[VictimKinds, Ints, Ints]):
    """Question: of what family each of some models is. Answer: a family for each.

    A single application has one family, which one guess could name by chance. So the game trains
    models of hidden families on the application's data, equally many of each, and the attack
    guesses each; always naming the most frequent one is the baseline.

    Parameters
    ----------
    victims
        Models that the game trains.
    """

    name: ClassVar[str] = "model_family"
    family: ClassVar[str] = "internals"
    domains: ClassVar[frozenset[str]] = frozenset({"table"})
    grows: ClassVar[Mapping[str, int]] = {"victims": 24}

    victims: int = 30

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Find out the family."""
        return (TASK,)

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Need records to train the victims on."""
        return unfit_records(app)

    def standing(self, app: Application, task: Task, attacker: Attacker) -> Standing:
        """Whoever has the model gains nothing here."""
        return unless_it_holds_the_model(attacker, "guessing its family")

    def deal(
        self, app: Application, task: Task, rng: np.random.Generator
    ) -> Deal[VictimKinds, Ints]:
        """Train victims of hidden families."""
        return deal_victims(app, FAMILIES, partial(_build, app.domain), self.victims, rng)

    def mark(self, marking: Marking[VictimKinds, Ints, Ints]) -> AttackResult:
        """Count the correct guesses."""
        return mark_guesses(marking, "family")

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Use victims in closed form, whose shape is unmistakable."""
        return replace_victims(app, closed_form_victims(app))

    def smaller(self) -> ModelFamilyInference:
        """Train fewer victims."""
        return replace(self, victims=min(self.victims, 24))

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Say what the attack may ask of all victims, and how many are trained."""
        asked = min(granted.budget.queries, ASKED)
        return Estimate(queries=asked * self.victims, models=self.victims)


def _build(domain: Domain, family: int, rng: np.random.Generator) -> Any:
    return build_estimator(family, domain, rng)
