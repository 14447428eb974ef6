"""Train a network with clipped, noisy gradients: differential privacy."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any, ClassVar

from pydantic import Field

from goalkeeper.compute.threads import one_torch_thread
from goalkeeper.core.application import Application, Ensemble, Target
from goalkeeper.core.data import Bools, Data
from goalkeeper.core.deadline import check_time
from goalkeeper.core.errors import MissingExtra, TargetError
from goalkeeper.core.goals import Goal
from goalkeeper.defences._training import NO_RECIPE, inner_trainer, noting_noise, retrained
from goalkeeper.defences.base import RETRAINED, Defence, Settings
from goalkeeper.training import TorchTrainer, fit_one_by_one

ACCOUNTANT = "rdp"  # Opacus's tighter one refuses large epsilon


class PrivateGradientSettings(Settings):
    """How private."""

    epsilon: float = Field(default=3.0, gt=0, description="privacy of each record; less is more")
    delta: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="probability with which that may fail (default: a tenth of one record's share)",
    )
    clip: float = Field(
        default=1.0, gt=0, description="longest gradient of a record that is not shortened"
    )


class PrivateGradients(Defence[PrivateGradientSettings]):
    """What one record can change in a step is bounded, and hidden in noise.

    DP-SGD: Abadi et al. 2016, Deep learning with differential privacy, CCS; by Opacus, whose
    batches are drawn as its accountant assumes (each record by itself).
    """

    about: ClassVar[str] = (
        "train the network with clipped and noisy gradients, so that it is differentially private"
    )
    works: ClassVar[str] = (
        "there are enough records for the noise to average out; it also bounds attacks that "
        "nobody knows yet"
    )
    price: ClassVar[str] = "the noise costs accuracy, and training takes several times as long"
    adaptive: ClassVar[str] = RETRAINED
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.PRIVACY})
    families: ClassVar[frozenset[str]] = frozenset({
        "membership", "attribute", "inversion", "property",
    })  # fmt: skip
    settings: ClassVar[type[PrivateGradientSettings]] = PrivateGradientSettings

    def lacks(self, app: Application) -> str:
        """Need a network that is trained by a recipe, and Opacus."""
        if app.trainer is None:
            return NO_RECIPE
        if not isinstance(inner_trainer(app), TorchTrainer):
            return "its model is no network that goalkeeper trains itself"
        found = find_spec("opacus") is not None
        return "" if found else "Opacus is not installed: pip install 'goalkeeper[dp]'"

    def candidates(self, app: Application) -> Sequence[PrivateGradientSettings]:
        """Try less and more privacy."""
        return tuple(PrivateGradientSettings(epsilon=epsilon) for epsilon in (10.0, 3.0, 1.0))

    def work(self, app: Application, settings: PrivateGradientSettings) -> float:
        """Each record has a gradient of its own."""
        return 4.0

    def apply(self, app: Application, settings: PrivateGradientSettings) -> Application:
        """Train again."""
        trainer = inner_trainer(app)
        if not isinstance(trainer, TorchTrainer):
            raise TargetError(self.lacks(app))
        delta = settings.delta or 0.1 / len(app.data.train)
        return noting_noise(
            retrained(app, PrivateTrainer(trainer, settings.epsilon, delta, settings.clip))
        )


@dataclass(frozen=True, eq=False)
class PrivateTrainer:
    """Train networks with DP-SGD, each to the same epsilon and delta, however many records it has.

    Raises TargetError for layers that mix the records of a batch, such as batch normalisation.
    """

    inner: TorchTrainer
    epsilon: float
    delta: float
    clip: float

    @property
    def recipe(self) -> str:
        """The recipe of the network, and how private it is."""
        return f"DP-SGD({self.epsilon:g}, {self.delta:g}, {self.clip:g}) > {self.inner.recipe}"

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target."""
        import torch

        blueprint = self.inner.blueprint
        with (
            one_torch_thread(),
            torch.random.fork_rng(devices=blueprint.random_devices),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")  # Opacus recommends a slower source of noise
            torch.manual_seed(seed)
            module = blueprint.place(blueprint.build_module())
            self._train(module, blueprint.to_tensors(data), seed)
        return blueprint.target(module)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`, with N seeds."""
        return fit_one_by_one(self.fit, data, masks, seeds, self.inner.compute.jobs)

    def _make_private(
        self, module: Any, records: tuple[Any, Any], seed: int
    ) -> tuple[Any, Any, Any]:
        """Return module, optimiser and batches that clip, add noise, and draw each record."""
        import torch

        engine, recipe = _engine(module), self.inner.torch_recipe
        generator = torch.Generator(records[0].device).manual_seed(seed)
        loader = torch.utils.data.DataLoader(
            torch.utils.data.TensorDataset(*records),
            batch_size=min(recipe.batch, len(records[0])),
            generator=generator,
        )
        made: tuple[Any, Any, Any] = engine.make_private(
            module=module,
            optimizer=recipe.build_optimiser(module.parameters()),
            data_loader=loader,
            noise_multiplier=_noise(self.epsilon, self.delta, 1 / len(loader), recipe.epochs),
            max_grad_norm=self.clip,
            noise_generator=generator,
        )
        return made

    def _train(self, module: Any, records: tuple[Any, Any], seed: int) -> None:
        import torch

        recipe = self.inner.torch_recipe
        private, optimiser, loader = self._make_private(module, records, seed)
        private.train()
        for _ in range(recipe.epochs):
            for x, y in loader:
                check_time()
                optimiser.zero_grad()
                logits = self.inner.blueprint.outputs.logits(private, x)
                loss = torch.nn.functional.cross_entropy(logits, y, reduction="sum")
                # Each record is drawn by itself, so that a batch may be empty: noise all the same.
                (loss / max(len(x), 1)).backward()
                optimiser.step()
        private.remove_hooks()
        private.eval()


@cache
def _noise(epsilon: float, delta: float, rate: float, epochs: int) -> float:
    """Return the noise, as a multiple of the clip, for batches that have each record at a rate.

    The search takes longer than many a training, and hundreds of trainings share its result.
    """
    from opacus.accountants.utils import get_noise_multiplier

    found: float = get_noise_multiplier(
        target_epsilon=epsilon,
        target_delta=delta,
        sample_rate=rate,
        epochs=epochs,
        accountant=ACCOUNTANT,
    )
    return found


def _engine(module: Any) -> Any:
    """Return Opacus's engine; raises for a module that it cannot train, or where it is missing."""
    try:
        from opacus import PrivacyEngine
        from opacus.validators import ModuleValidator
    except ImportError as error:
        raise MissingExtra("Opacus", "dp") from error
    problems = ModuleValidator.validate(module, strict=False)
    if problems:
        raise TargetError(
            f"the network cannot be trained privately: {problems[0]}; layers must treat each "
            "record by itself (e.g. GroupNorm in place of BatchNorm)"
        )
    return PrivacyEngine(accountant=ACCOUNTANT)
