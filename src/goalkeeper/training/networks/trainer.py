"""Train PyTorch modules by a declared recipe."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from goalkeeper.compute.threads import one_torch_thread
from goalkeeper.core.application import Ensemble
from goalkeeper.core.data import Bools, Data, Inputs
from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.core.errors import DataError, TargetError
from goalkeeper.core.means import Means
from goalkeeper.core.steering import Steering
from goalkeeper.targets.torch import TorchTarget, is_module, need_torch, rows_of
from goalkeeper.training import generic
from goalkeeper.training.networks import choice, kept, together
from goalkeeper.training.networks.alone import Alone
from goalkeeper.training.networks.chain import Chain, Unreadable, read
from goalkeeper.training.networks.course import Course
from goalkeeper.training.networks.recipe import TorchRecipe
from goalkeeper.training.recipes import function_recipe

if TYPE_CHECKING:
    from torch import Tensor, nn

PLACES = 1000  # multiplications for every number of an input, in networks of unknown layers


class TorchTrainer:
    """Train what a function builds, by a recipe.

    Parameters
    ----------
    build
        Takes nothing and returns an untrained module; its weights are drawn anew from the seed
        of each training.
    classes
        The application's classes, in the order of the logits.
    domain
        What an input looks like.
    how
        The recipe.
    means
        What this machine computes with.
    """

    def __init__(
        self,
        build: Callable[[], nn.Module],
        classes: Sequence[str | int],
        domain: Domain,
        how: TorchRecipe | None = None,
        *,
        means: Means | None = None,
    ) -> None:
        self.build, self.domain, self.how = build, domain, how or TorchRecipe()
        means = means or Means()
        if means.device == "auto":
            means = replace(means, device=choice.device_of("auto"))
        self.means = means
        self.classes = tuple(str(c) for c in classes)

    @property
    def recipe(self) -> str:
        """The function's name, a hash of its source, and the recipe."""
        said = ", ".join(f"{k}={v}" for k, v in asdict(self.how).items())
        return f"{function_recipe(self.build)} > torch({said})"

    def way(self) -> str:
        """Say in words how `fit_many` trains, and why."""
        try:
            chain = self._chain(self._sample())
        except Unreadable as reason:
            return f"one after the other: {reason}"
        if self._apart(chain):
            return "one after the other: on a CPU, convolutions of many networks gain nothing"
        return "together: layers stacked, one batched matrix product a layer"

    def fit(self, data: Data, seed: int) -> TorchTarget:
        """Train one target; the same seed gives the same parameters on the same machine."""
        return self.steered(data, seed, Steering())

    def remembered(self, data: Data, seed: int) -> TorchTarget:
        """Train one of many targets, unless the store has it."""
        records = self._records(data)

        def train() -> kept.Arrays:
            state = self.fit(data, seed).module.state_dict()
            return {name: a.cpu().numpy() for name, a in state.items()}

        work = 3.0 * records[0].numel() * self.how.epochs * PLACES
        parts = [a.cpu().numpy() for a in records] if self.means.store else []
        return self.rebuilt(kept.recalled(self, work, (*parts, seed), train))

    def suited(self, data: Data) -> TorchTrainer:
        """Choose device, layout and precision by measuring on a few of the records."""
        return self.changed(choice.suited(self, data))

    def changed(self, means: Means, how: TorchRecipe | None = None) -> TorchTrainer:
        """Return the same trainer with other means and, if given, another recipe."""
        return TorchTrainer(self.build, self.classes, self.domain, how or self.how, means=means)

    @property
    def steerable(self) -> frozenset[str]:
        """What of `order` and `weights` can be steered: both."""
        return frozenset({"order", "weights"})

    def steered(self, data: Data, seed: int, steering: Steering) -> TorchTarget:
        """Train one target as somebody steers it; without any steering, as `fit` does."""
        if len(data) == 0:
            raise DataError("there are no records to train on; give at least one of every class")
        torch, used = need_torch(), seed if steering.seed is None else steering.seed
        course = Course(self.how, np.arange(len(data)), used, steering.order, data.y)
        with one_torch_thread(), torch.random.fork_rng(devices=self._cards()):
            torch.manual_seed(used)
            module = self._placed(self.untrained())
            training = Alone(
                self.how, module, self._records(data), len(self.classes), half=self._half
            )
            training.run(course, steering.weights)
        return TorchTarget(module, self.classes, self.domain)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`.

        Chains of known layers are trained together (see `chain`), everything else one after the
        other; `how(trainer)` says which, and why.
        """
        from goalkeeper.training.trainers import checked_masks

        masks = checked_masks(data, masks, seeds)
        try:
            chain = self._chain(self._inputs(data.x[: together.PROBES])) if len(masks) else None
        except Unreadable:
            chain = None
        if chain is None or self._apart(chain):
            jobs = self.means.jobs if self.means.device == "cpu" else 1
            return generic.fit_many(self.remembered, data, masks, seeds, jobs)
        with one_torch_thread():
            job = together.Job(self, chain, self._records(data), masks, tuple(seeds))
            return together.fit_many(job)

    def stored(self, path: Path) -> TorchTarget:
        """Load parameters from a safetensors file or a state dict; nothing in it is run.

        Raises
        ------
        TargetError
            The file is neither, or its parameters are not those of the module.
        """
        torch, module = need_torch(), self.untrained()
        try:
            if path.suffix == ".safetensors":
                from safetensors.torch import load_file

                state = load_file(path)
            else:
                state = torch.load(path, map_location="cpu", weights_only=True)
            module.load_state_dict(state)
        except Exception as error:  # of a file that holds something else, torch raises many kinds
            raise TargetError(
                f"{path.name} does not hold the parameters of {type(module).__name__}: "
                f"{str(error).splitlines()[0]}"
            ) from error
        return TorchTarget(self._placed(module), self.classes, self.domain, path)

    def untrained(self) -> nn.Module:
        """Build a module; raises TargetError when the function gives something else."""
        module = self.build()
        if not is_module(module):
            raise TargetError(
                f"{getattr(self.build, '__name__', 'build')}() returned {type(module).__name__} "
                "where a torch.nn.Module is expected"
            )
        return module

    def seeded(self, seed: int) -> tuple[nn.Module, Any]:
        """Build an untrained module of a seed, and the random generator that goes on from there."""
        torch, device = need_torch(), self.means.device
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = self.untrained()
            state = torch.get_rng_state()
        generator = torch.Generator(device)
        if device == "cpu":
            generator.set_state(state)
        else:
            generator.manual_seed(seed)
        return module, generator

    def rebuilt(self, arrays: kept.Arrays) -> TorchTarget:
        """Make a target of trained parameters and buffers."""
        torch, module = need_torch(), self.untrained()
        module.load_state_dict({name: torch.as_tensor(a) for name, a in arrays.items()})
        return TorchTarget(self._placed(module), self.classes, self.domain)

    def inputs(self, x: Inputs) -> Tensor:
        """Turn inputs `(n, ...)` into what the module takes, on the device."""
        made: Tensor = self._inputs(x).to(self.means.device)
        return made

    @property
    def _half(self) -> bool:
        return self.means.networks is not None and self.means.networks.half

    def _cards(self) -> list[str]:
        """Devices beside the CPU whose random state a training uses."""
        return [] if self.means.device == "cpu" else [self.means.device]

    def _placed(self, module: nn.Module) -> nn.Module:
        torch, networks = need_torch(), self.means.networks
        placed: Any = module.to(self.means.device)
        if networks is not None and networks.channels_last:
            placed = placed.to(memory_format=torch.channels_last)
        return placed  # type: ignore[no-any-return]

    def _chain(self, sample: Tensor) -> Chain:
        chain = read(self.untrained(), sample)
        return chain.halved() if self._half else chain

    def _apart(self, chain: Chain) -> bool:
        """Tell whether networks of this chain are as fast one after the other, or faster."""
        return chain.convolves and self.means.device == "cpu"

    def _sample(self) -> Tensor:
        """Make a few inputs of the right shape."""
        torch, domain = need_torch(), self.domain
        if isinstance(domain, TextDomain):
            texts = np.array(["some words of a text", "a text", "words"], dtype=object)
            return self._inputs(texts)
        shape = (len(domain.columns),) if isinstance(domain, TableDomain) else domain.shape
        made: Tensor = torch.rand(together.PROBES, *shape, generator=torch.Generator())
        return made

    def _inputs(self, x: Inputs) -> Tensor:
        return rows_of(
            x, self.domain, self.untrained() if isinstance(self.domain, TextDomain) else None
        )

    def _records(self, data: Data) -> tuple[Tensor, Tensor]:
        return self.inputs(data.x), need_torch().tensor(data.y, device=self.means.device)


def generic_network(like: TorchTrainer, hidden: int = 64) -> nn.Module:
    """Build a network with one hidden layer for the inputs and classes of another trainer."""
    layers = need_torch().nn
    domain = like.domain
    if isinstance(domain, TextDomain):
        raise TargetError("a generic network takes numbers, not texts")
    size = len(domain.columns) if isinstance(domain, TableDomain) else math.prod(domain.shape)
    module: nn.Module = layers.Sequential(
        layers.Flatten(),
        layers.BatchNorm1d(size),
        layers.Linear(size, hidden),
        layers.ReLU(),
        layers.Linear(hidden, len(like.classes)),
    )
    return module
