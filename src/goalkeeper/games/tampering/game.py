"""Tampering: change what is stored, swap it, or steer how it is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.errors import GoalkeeperError, NotOffered
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.goals import Goal, Harm, IntegrityLevel
from goalkeeper.core.power import Power
from goalkeeper.games.base import Dealt, Game, Marking, Task, Unfit
from goalkeeper.games.tampering import files, flips, worlds
from goalkeeper.games.tampering import steering as training
from goalkeeper.games.tampering.bits import stored_of
from goalkeeper.games.tampering.flips import FlipAim
from goalkeeper.games.tampering.steering import seedless
from goalkeeper.targets.unpickling import scan

FLIPS, SWAP, CODE, TRAINING = "bit-flips", "swapped-file", "planted-code", "steered-training"
_HARMS = (Harm(Goal.INTEGRITY, level=IntegrityLevel.MODEL), Harm(Goal.AVAILABILITY))
_SENTENCES = {
    FLIPS: "flip bits of the stored numbers, so that right answers turn wrong",
    SWAP: "put a changed file in place of the stored model, unnoticed before it is used",
    CODE: "put a file in place of the stored model that runs code when it is loaded",
    TRAINING: "steer the training, so that the model answers wrongly what it would get right",
}


@final
@dataclass(frozen=True, kw_only=True)
class Tampering(Game[Any, None, Any]):
    """The attack changes stored numbers or files, or steers training; the game runs the result.

    Nothing of the user's is touched: numbers are changed in a copy of the model, files are put
    into a temporary folder, and every training is a new one.

    Parameters
    ----------
    counts
        Numbers of flipped bits that are judged.
    draws
        Sets of random flips that the chosen ones are compared with.
    inputs
        Inputs that a model with flipped bits is asked about, at most.
    tries
        Files that are put in place of the stored model, about.
    retrainings
        Pairs of an honest and a steered training.
    """

    name: ClassVar[str] = "tampering"
    grows: ClassVar[Mapping[str, int]] = {"draws": 10, "inputs": 300, "retrainings": 5}

    counts: tuple[int, ...] = (1, 2, 5, 10, 20)
    draws: int = 20
    inputs: int = 1000
    tries: int = 24
    retrainings: int = 5

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Flip bits, swap the file, plant code in it, steer the training."""
        return tuple(
            Task(name=name, harms=_HARMS, metric="success_rate", sentence=sentence)
            for name, sentence in _SENTENCES.items()
        )

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Need stored numbers that can be rewritten, a stored file, or a recipe."""
        if task.name == FLIPS:
            return _numbers(app)
        if task.name == TRAINING:
            return None if app.trainer is not None else seedless(app)
        if app.storage is None:
            return Unfit(
                "no stored file of the model is described (model.file or model.weights), so "
                "whether a changed one would be noticed was not tried"
            )
        if task.name == CODE and not app.storage.runs_code:
            form = scan(app.storage.read()).form
            return Unfit(f"loading this file ({form}) runs no code that stands in it", proven=True)
        return None

    def deal(self, app: Application, task: Task, rng: np.random.Generator) -> Dealt[Any, None]:
        """Show the stored numbers, the stored file, or what is trained; there is no secret."""
        if task.name == FLIPS:
            return Dealt(FlipAim(counts=self.counts, stored=stored_of(app.target)), None)
        if task.name == TRAINING:
            return Dealt(training.aim_of(app), None)
        return Dealt(files.slot(app, rng, self.tries, models=task.name == SWAP), None)

    def mark(self, marking: Marking[Any, None, Any]) -> AttackResult:
        """Run what the attack made of the model, and count."""
        app, aim, answer = marking.app, marking.dealt.question, marking.final.answer
        task, rng = marking.task.name, marking.rng
        if task == FLIPS:
            return flips.mark(app, aim, answer, (self.draws, self.inputs), rng)
        if task == TRAINING:
            luck = (marking.victim, self.retrainings, rng)
            return training.mark(app, aim, answer, marking.granted, luck)
        return (files.swapped if task == SWAP else files.planted)(app, aim, answer)

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Store few numbers, check no file, or train in large steps."""
        if task.name == FLIPS:
            return worlds.fragile(app)
        if task.name == TRAINING:
            return replace(app, trainer=worlds.hasty(app))
        return files.unprotected(app)

    def smaller(self) -> Tampering:
        """Judge fewer flips, files and trainings."""
        return replace(self, counts=(1, 2, 5), draws=5, inputs=100, tries=12, retrainings=3)

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Count the trainings."""
        if task.name == TRAINING:
            return Estimate(models=2 * self.retrainings)
        return Estimate(models=2 * files.MODELS if task.name == SWAP else 0)


def _numbers(app: Application) -> Unfit | None:
    try:
        stored_of(app.target)
    except NotOffered as error:
        return Unfit(str(error))
    except GoalkeeperError as error:
        return Unfit(f"the stored numbers cannot be read: {error}")
    return None
