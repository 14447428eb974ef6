"""Train a network on images that are changed against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import ClassVar

from pydantic import Field

from goalkeeper.core.application import Application
from goalkeeper.core.domain import ImageDomain
from goalkeeper.core.errors import TargetError
from goalkeeper.core.goals import Goal
from goalkeeper.defences._training import NO_RECIPE, inner_trainer, retrained
from goalkeeper.defences.base import RETRAINED, Defence, Settings
from goalkeeper.training import Perturbation, TorchTrainer

SMALL_IMAGE = 32 * 32  # pixels of one channel: of such images much may change unnoticed
ENOUGH_STEPS = 6000  # in which a small network learns to withstand changes of MNIST by 0.3
MOST_EPOCHS = 20  # times as many as before


class AdversarySettings(Settings):
    """How images are changed."""

    radius: float = Field(
        default=0.1, gt=0, le=1, description="most change of a value, as a share of the range"
    )
    steps: int = Field(default=3, ge=1, le=100, description="gradient steps for each batch")
    epochs: int = Field(
        default=1, ge=1, le=MOST_EPOCHS, description="times as many epochs as before"
    )


class AdversarialTraining(Defence[AdversarySettings]):
    """A network that has met the worst change of each image withstands it better.

    Madry et al. 2018, Towards deep learning models resistant to adversarial attacks, ICLR; with few
    steps a batch, a radius that grows at first, a rate that falls to 0, and the parameters of the
    epoch that withstood best.
    """

    about: ClassVar[str] = "train on images that are changed against the network in each step"
    works: ClassVar[str] = (
        "the attacker changes images by no more than the radius that is trained with"
    )
    price: ClassVar[str] = (
        "unchanged images are recognised less well, and training takes many times as long"
    )
    adaptive: ClassVar[str] = RETRAINED
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.INTEGRITY})
    families: ClassVar[frozenset[str]] = frozenset({"evasion"})
    settings: ClassVar[type[AdversarySettings]] = AdversarySettings

    def lacks(self, app: Application) -> str:
        """Need images, and a network that is trained by a recipe."""
        if not isinstance(app.domain, ImageDomain):
            return "its inputs are no images"
        if app.trainer is None:
            return NO_RECIPE
        known = isinstance(inner_trainer(app), TorchTrainer)
        return "" if known else "its model is no network that goalkeeper trains itself"

    def candidates(self, app: Application) -> Sequence[AdversarySettings]:
        """Try the radius that the description allows attackers, and as many epochs as it takes."""
        declared = [t.radius for t in app.threats.images if t.norm == "linf" and t.radius]
        usual = [0.3] if _is_small(app) else [8 / 255]
        radius, epochs = max(declared or usual), _enough_epochs(app)
        tried = sorted({epochs, min(MOST_EPOCHS, 3 * epochs)})
        return tuple(AdversarySettings(radius=radius, epochs=n) for n in tried)

    def work(self, app: Application, settings: AdversarySettings) -> float:
        """Count the passes: of the steps, the training itself, and the test of each epoch."""
        return settings.epochs * (settings.steps + 1.5)

    def apply(self, app: Application, settings: AdversarySettings) -> Application:
        """Train again."""
        trainer, domain = inner_trainer(app), app.domain
        if not isinstance(trainer, TorchTrainer) or not isinstance(domain, ImageDomain):
            raise TargetError(self.lacks(app))
        recipe = trainer.torch_recipe
        change = Perturbation(
            radius=settings.radius * (domain.high - domain.low),
            low=domain.low,
            high=domain.high,
            steps=settings.steps,
        )
        epochs = recipe.epochs * settings.epochs
        changed = replace(recipe, epochs=epochs, schedule="cosine", perturbation=change)
        return retrained(app, trainer.with_recipe(changed))


def _enough_epochs(app: Application) -> int:
    """Return by how much to multiply the epochs, so that a large radius can be learnt."""
    trainer = inner_trainer(app)
    if not isinstance(trainer, TorchTrainer):
        return 1
    steps = max(1, trainer.count_steps(app.data.train))
    return min(MOST_EPOCHS, ceil(ENOUGH_STEPS / steps))


def _is_small(app: Application) -> bool:
    channels, height, width = getattr(app.domain, "shape", (3, 1, 1))
    return channels == 1 and height * width <= SMALL_IMAGE
