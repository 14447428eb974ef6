"""Steered training: the attack chooses seed, order or weights, and the game trains both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.goals import Goal, Harm, IntegrityLevel
from goalkeeper.core.power import Attacker, Power
from goalkeeper.core.standing import Standing
from goalkeeper.core.steering import Steering
from goalkeeper.games.base import Deal, Game, Marking, Task, Unfit
from goalkeeper.games.shared.grants import unless_it_trains
from goalkeeper.games.shared.large_steps import trainer_for
from goalkeeper.games.steered_training import marks
from goalkeeper.games.steered_training.aim import TrainingAim, describe_aim
from goalkeeper.games.steered_training.effects import no_recipe

TASK = Task(
    name="steered-training",
    harms=(Harm(Goal.INTEGRITY, level=IntegrityLevel.MODEL), Harm(Goal.AVAILABILITY)),
    metric="success_rate",
    sentence="steer the training, so that the model answers wrongly what it would get right",
)


@final
@dataclass(frozen=True, kw_only=True)
class SteeredTraining(Game[TrainingAim, None, Steering]):
    """Question: what is trained, and which inputs count. Answer: seed, order or weights.

    Models are trained in pairs, as honest people would and as the attack wants it. What the
    honest model of a pair classifies correctly and the steered one does not is a success; another
    honest training is the baseline.

    Parameters
    ----------
    retrainings
        Pairs of an honest and a steered training.
    """

    name: ClassVar[str] = "steered_training"
    family: ClassVar[str] = "tampering"
    grows: ClassVar[Mapping[str, int]] = {"retrainings": 5}

    retrainings: int = 5

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Steer the training."""
        return (TASK,)

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Need a recipe; what of it can be steered, each attack says."""
        return None if app.trainer is not None else no_recipe()

    def standing(self, app: Application, task: Task, attacker: Attacker) -> Standing:
        """Whoever trains the model may train any."""
        return unless_it_trains(attacker)

    def deal(
        self, app: Application, task: Task, rng: np.random.Generator
    ) -> Deal[TrainingAim, None]:
        """Show what is trained; there is no secret."""
        return Deal(describe_aim(app), None)

    def mark(self, marking: Marking[TrainingAim, None, Steering]) -> AttackResult:
        """Train in pairs, honest and steered, and compare their answers."""
        return marks.mark(marking, pairs=self.retrainings)

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Train record by record in large steps."""
        return replace(app, trainer=trainer_for(app))

    def smaller(self) -> SteeredTraining:
        """Train fewer pairs."""
        return replace(self, retrainings=3)

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Count the trainings."""
        return Estimate(models=2 * self.retrainings)
