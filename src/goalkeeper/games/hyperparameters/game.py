"""Hyperparameters: the game trains models of hidden regularisation; the attack names it of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, final

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.data import Ints
from goalkeeper.core.domain import Domain, TextDomain
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.goals import Goal, Harm
from goalkeeper.core.power import Attacker, Power
from goalkeeper.core.standing import Standing
from goalkeeper.games.base import Deal, Game, Marking, Task, Unfit
from goalkeeper.games.shared.constant_answers import unfit_constant
from goalkeeper.games.shared.grants import unless_it_holds_the_model
from goalkeeper.games.shared.hidden_victims import (
    ApplicationWithVictims,
    VictimKinds,
    deal_victims,
    mark_guesses,
    replace_victims,
    train_on_similar,
    unfit_records,
)
from goalkeeper.training import build_encoder

ASKED = 10_000  # queries of one campaign that an estimate counts, at most
STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)  # C of scikit-learn: each a tenth as regularised
TASK = Task(
    name="regularisation",
    harms=(Harm(Goal.CONFIDENTIALITY),),
    metric="normalised_gain",
    sentence="find out how strongly a model of this application's data was regularised",
)


@final
@dataclass(frozen=True, kw_only=True)
class HyperparameterInference(Game[VictimKinds, Ints, Ints]):
    """Question: how strongly each of some models was regularised. Answer: a strength for each.

    A single application has one strength, which one guess could name by chance. So the game
    trains logistic regressions of hidden strength on the application's data, equally many of
    each, and the attack guesses each; always naming the most frequent one is the baseline.

    Parameters
    ----------
    victims
        Models that the game trains.
    """

    name: ClassVar[str] = "hyperparameters"
    family: ClassVar[str] = "internals"
    domains: ClassVar[frozenset[str]] = frozenset({"text", "table"})
    grows: ClassVar[Mapping[str, int]] = {"victims": 24}

    victims: int = 30

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Find out the strength of regularisation."""
        return (TASK,)

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Need records to train the victims on, and an application whose answers differ."""
        few = unfit_records(app)
        if few is not None or isinstance(app, ApplicationWithVictims):
            return few
        return unfit_constant(app)

    def standing(self, app: Application, task: Task, attacker: Attacker) -> Standing:
        """Whoever has the model gains nothing here."""
        return unless_it_holds_the_model(attacker, "guessing how it was regularised")

    def deal(
        self, app: Application, task: Task, rng: np.random.Generator
    ) -> Deal[VictimKinds, Ints]:
        """Train victims of hidden strength."""
        names = tuple(f"C = {strength:g}" for strength in STRENGTHS)
        return deal_victims(app, names, partial(_build, app.domain), self.victims, rng)

    def mark(self, marking: Marking[VictimKinds, Ints, Ints]) -> AttackResult:
        """Count the correct guesses."""
        return mark_guesses(marking, "regularisation")

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Train the victims on the very data that the attacker has."""
        return replace_victims(app, train_on_similar(app, partial(_build, app.domain)))

    def smaller(self) -> HyperparameterInference:
        """Train fewer victims."""
        return replace(self, victims=min(self.victims, 24))

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Say what the attack may ask of all victims, and how many are trained."""
        asked = min(granted.budget.queries, ASKED)
        return Estimate(queries=asked * self.victims, models=self.victims)


def _build(domain: Domain, kind: int, rng: np.random.Generator) -> Any:
    """Build the estimator of a kind; unlike a family, a strength leaves nothing to draw."""
    return build_logistic(STRENGTHS[kind], domain)


def build_logistic(strength: float, domain: Domain) -> Any:
    """Build the usual logistic regression: on tf-idf of words, or on one-hot and scaled columns."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    inputs = TfidfVectorizer() if isinstance(domain, TextDomain) else build_encoder(domain)
    return make_pipeline(inputs, LogisticRegression(C=strength, max_iter=500))
