"""Model family: whether the attack recognises the family of the application's own model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, final

import numpy as np

from goalkeeper.core.application import Application, Target
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.data import Ints
from goalkeeper.core.domain import Domain
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.goals import Goal, Harm
from goalkeeper.core.power import Attacker, Power
from goalkeeper.core.standing import Standing
from goalkeeper.games.base import Deal, Game, Marking, Task, Unfit
from goalkeeper.games.model_family import marks
from goalkeeper.games.model_family.estimators import FAMILIES, build_estimator, find_family
from goalkeeper.games.shared.constant_answers import unfit_constant
from goalkeeper.games.shared.grants import unless_it_holds_the_model
from goalkeeper.games.shared.hidden_victims import (
    ApplicationWithVictims,
    MadeVictims,
    VictimKinds,
    draw_records,
    make_victim,
    records_per_victim,
    replace_victims,
    train_on_similar,
    unfit_records,
)

ASKED = 10_000  # queries of one campaign that an estimate counts, at most
TASK = Task(
    name="model-family",
    harms=(Harm(Goal.CONFIDENTIALITY),),
    metric="normalised_gain",
    sentence="find out of what family the application's own model is",
)


@final
@dataclass(frozen=True, kw_only=True)
class ModelFamilyInference(Game[VictimKinds, Ints, Ints]):
    """Question: of what family each of some models is. Answer: a family for each.

    Half of the models are the application's own: the one in service, and others that its own
    recipe makes of other draws of its training data. The other half are of the other families,
    trained on the same data. A success is an own model whose family is named. One guess could name
    it by chance, or by habit; how often models of other families get the same name is the baseline,
    so that naming one family for all, even the right one, gains nothing.

    Parameters
    ----------
    victims
        Models that are asked about.
    """

    name: ClassVar[str] = "model_family"
    family: ClassVar[str] = "internals"
    grows: ClassVar[Mapping[str, int]] = {"victims": 24}

    victims: int = 32

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Find out the family."""
        return (TASK,)

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Need a model of a known family, its recipe, and records to train on."""
        few = unfit_records(app)
        if few is not None or isinstance(app, ApplicationWithVictims):
            return few
        constant = unfit_constant(app)
        if constant is not None:
            return constant
        if find_family(app) is None:
            return Unfit(
                "the family of the application's own model is not known: it is none of "
                + ", ".join(FAMILIES)
            )
        if app.trainer is None:
            return Unfit(
                "the application cannot be retrained: its description has no recipe (model.build), "
                "and a single model says nothing about how often its family is recognised"
            )
        return None

    def standing(self, app: Application, task: Task, attacker: Attacker) -> Standing:
        """Whoever has the model gains nothing here."""
        return unless_it_holds_the_model(attacker, "guessing its family")

    def deal(
        self, app: Application, task: Task, rng: np.random.Generator
    ) -> Deal[VictimKinds, Ints]:
        """Train models of the application's own recipe, and as many of other families."""
        own = find_family(app) or 0
        hidden = draw_halves(self.victims, own, rng)
        first = int(np.flatnonzero(hidden == own)[0]) if _is_dealt_itself(app) else -1

        def make(i: int) -> Target:
            return app.target if i == first else _make_victim(app, int(hidden[i]), own, rng)

        made = app.once(MadeVictims).of(hidden, rng, make)
        question = VictimKinds(names=FAMILIES, records=records_per_victim(app))
        return Deal(question, hidden, campaigns=len(hidden), victims=made)

    def mark(self, marking: Marking[VictimKinds, Ints, Ints]) -> AttackResult:
        """Count the own models whose family is named, beside others that get the same name."""
        return marks.mark(marking)

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Train the victims on the very data that the attacker has."""
        return replace_victims(app, train_on_similar(app, partial(_build, app.domain)))

    def smaller(self) -> ModelFamilyInference:
        """Train fewer victims."""
        return replace(self, victims=min(self.victims, 24))

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Say what the attack may ask of all victims, and how many are trained."""
        asked = min(granted.budget.queries, ASKED)
        return Estimate(queries=asked * self.victims, models=self.victims)


def _is_dealt_itself(app: Application) -> bool:
    """Tell whether the application's own model is among the victims."""
    return app.trainer is not None and not isinstance(app, ApplicationWithVictims)


def _make_victim(app: Application, kind: int, own: int, rng: np.random.Generator) -> Target:
    """Train a victim of a family: of the own one by the application's recipe."""
    if kind != own or app.trainer is None or isinstance(app, ApplicationWithVictims):
        return make_victim(app, partial(_build, app.domain), kind, rng)
    data = draw_records(app.data.train, records_per_victim(app), rng)
    return app.trainer.fit(data, int(rng.integers(2**31)))


def _build(domain: Domain, family: int, rng: np.random.Generator) -> Any:
    return build_estimator(family, domain, rng)


def draw_halves(victims: int, own: int, rng: np.random.Generator) -> Ints:
    """Draw hidden families `(victims,)`: half its own, the others equally often."""
    others = np.setdiff1d(np.arange(len(FAMILIES)), [own])
    half = victims // 2
    rest = others[np.arange(victims - half) % len(others)]
    kinds = np.concatenate([np.full(half, own), rest])
    return np.asarray(rng.permutation(kinds), dtype=np.int64)
