"""Train PyTorch modules by a declared recipe."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from goalkeeper.core.application import Ensemble
from goalkeeper.core.data import Bools, Data, Floats, Inputs, Ints
from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.core.errors import DataError, GoalkeeperError, TargetError
from goalkeeper.core.means import Means
from goalkeeper.core.steering import Order, Steering
from goalkeeper.targets.inputs import prepared
from goalkeeper.targets.torch import TorchTarget, is_module, need_torch, two_columns
from goalkeeper.training import generic, stacked
from goalkeeper.training.recipes import function_recipe

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchRecipe:
    """How a module is trained: cross-entropy over shuffled batches.

    Parameters
    ----------
    epochs
        Passes over the data.
    batch
        Records a step.
    optimiser
        `adam`, `adamw` or `sgd`.
    rate
        Learning rate.
    momentum
        Of `sgd`.
    weight_decay
        Of the optimiser.
    schedule
        `constant`, or `cosine` down to 0 over all steps.
    """

    epochs: int = 20
    batch: int = 64
    optimiser: Literal["adam", "adamw", "sgd"] = "adam"
    rate: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: Literal["constant", "cosine"] = "constant"

    def optimiser_of(self, parameters: Any) -> Any:
        """Return torch's optimiser."""
        optim = need_torch().optim
        if self.optimiser == "sgd":
            momentum, decay = self.momentum, self.weight_decay
            return optim.SGD(parameters, self.rate, momentum=momentum, weight_decay=decay)
        kind = optim.Adam if self.optimiser == "adam" else optim.AdamW
        return kind(parameters, self.rate, weight_decay=self.weight_decay)

    def rates(self, step: int, totals: Ints) -> Floats:
        """Return the learning rate at a step of trainings of so many steps `(n,)`."""
        if self.schedule == "constant":
            return np.full(len(totals), self.rate)
        return np.asarray(self.rate * (1 + np.cos(np.pi * step / totals)) / 2)


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
        self.means = means or Means()
        self.classes = tuple(str(c) for c in classes)

    @property
    def recipe(self) -> str:
        """The function's name, a hash of its source, and the recipe."""
        said = ", ".join(f"{k}={v}" for k, v in asdict(self.how).items())
        return f"{function_recipe(self.build)} > torch({said})"

    def way(self) -> str:
        """Say in words how `fit_many` trains, and why."""
        module = self.untrained()
        layers = stacked.layers_of(module)
        if layers is None:
            return f"one after the other: {stacked.obstacle(module)} keeps networks from stacking"
        if layers[-1].outputs != len(self.classes):
            return "one after the other: the network has one output for two classes"
        return "together: layers stacked, one batched matrix product a layer"

    def fit(self, data: Data, seed: int) -> TorchTarget:
        """Train one target; the same seed gives the same parameters on the same machine."""
        if len(data) == 0:
            raise DataError("there are no records to train on; give at least one of every class")
        torch = need_torch()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = self.untrained()
            self._steps(module, data, list(self._batches(len(data), seed)))
        return TorchTarget(module, self.classes, self.domain)

    @property
    def steerable(self) -> frozenset[str]:
        """What of `order` and `weights` can be steered: both."""
        return frozenset({"order", "weights"})

    def steered(self, data: Data, seed: int, steering: Steering) -> TorchTarget:
        """Train one target as somebody steers it; without any steering, as `fit` does."""
        torch = need_torch()
        used = seed if steering.seed is None else steering.seed
        batches = list(
            self._batches(len(data), used)
            if steering.order is None
            else self._steered(data.y, used, steering.order)
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(used)
            module = self.untrained()
            self._steps(module, data, batches, steering.weights)
        return TorchTarget(module, self.classes, self.domain)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`.

        Chains of linear layers are trained together (see `stacked`), everything else one after
        the other.
        """
        from goalkeeper.training.trainers import checked_masks

        masks = checked_masks(data, masks, seeds)
        layers = stacked.layers_of(self.untrained()) if len(masks) else None
        if layers is None or layers[-1].outputs != len(self.classes):
            return generic.fit_many(self.fit, data, masks, seeds, self.means.jobs)
        rows = [np.flatnonzero(mask) for mask in masks]
        batches = [list(self._batches(len(r), s)) for r, s in zip(rows, seeds, strict=True)]
        order = np.argsort([-len(own) for own in batches], kind="stable")
        size = stacked.groups(layers, len(masks), self.how.batch)
        x, y = self._tensors(data)
        done = []
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            modules = [self._seeded(seeds[i]) for i in chosen]
            own = [[rows[i][batch] for batch in batches[i]] for i in chosen]
            done.append((chosen, stacked.trained(self.how, modules, x.flatten(1), y, own)))
        return stacked.StackedModules(done, self._rebuilt, lambda x: self._inputs(x).flatten(1))

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
        except Exception as error:
            raise TargetError(
                f"{path.name} does not hold the parameters of {type(module).__name__}: "
                f"{str(error).splitlines()[0]}"
            ) from error
        return TorchTarget(module, self.classes, self.domain, path)

    def untrained(self) -> nn.Module:
        """Build a module; raises TargetError when the function gives something else."""
        module = self.build()
        if not is_module(module):
            raise TargetError(
                f"{getattr(self.build, '__name__', 'build')}() returned {type(module).__name__} "
                "where a torch.nn.Module is expected"
            )
        return module

    def _seeded(self, seed: int) -> nn.Module:
        """Build an untrained module with the weights that belong to a seed."""
        torch = need_torch()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.untrained()

    def _rebuilt(self, state: dict[str, Any]) -> TorchTarget:
        module = self.untrained()
        module.load_state_dict(state)
        return TorchTarget(module, self.classes, self.domain)

    def _inputs(self, x: Inputs) -> Tensor:
        rows = prepared(x, self.domain) if isinstance(self.domain, TableDomain) else x
        made: Tensor = need_torch().as_tensor(np.asarray(rows, dtype=np.float32))
        return made

    def _tensors(self, data: Data) -> tuple[Tensor, Tensor]:
        return self._inputs(data.x), need_torch().as_tensor(data.y)

    def _batches(self, rows: int, seed: int) -> Iterator[Ints]:
        """Yield the rows of every step: shuffled anew in each epoch."""
        rng = np.random.default_rng(seed)
        for _ in range(self.how.epochs):
            yield from self._cut(rng.permutation(rows))

    def _steered(self, y: Ints, seed: int, order: Order) -> Iterator[Ints]:
        """Yield the rows of every step in the order that somebody makes of the honest one."""
        rng = np.random.default_rng(seed)
        for epoch in range(self.how.epochs):
            yield from self._cut(order(rng.permutation(len(y)), y, epoch))

    def _cut(self, order: Ints) -> Iterator[Ints]:
        """Cut an epoch into steps.

        A last step of a single record is left out: batch normalisation cannot work on it.
        """
        for start in range(0, len(order), self.how.batch):
            chosen = order[start : start + self.how.batch]
            if len(chosen) > 1 or len(order) == 1:
                yield chosen

    def _steps(
        self, module: nn.Module, data: Data, batches: Sequence[Ints], weights: Floats | None = None
    ) -> None:
        torch, how = need_torch(), self.how
        x, y = self._tensors(data)
        counts = torch.as_tensor(np.ones(len(x)) if weights is None else weights).float()
        optimiser = how.optimiser_of(module.parameters())
        module.train()
        for t, chosen in enumerate(batches):
            for group in optimiser.param_groups:
                group["lr"] = float(how.rates(t, np.array([len(batches)]))[0])
            index = torch.as_tensor(chosen)
            optimiser.zero_grad()
            loss = self._loss(module, x[index], y[index])
            (loss.mean() if weights is None else (loss * counts[index]).mean()).backward()
            optimiser.step()

    def _loss(self, module: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        torch = need_torch()
        try:
            logits = two_columns(module(x), len(self.classes))
        except GoalkeeperError:
            raise
        except Exception as error:
            raise TargetError(
                f"the module raised {type(error).__name__} on inputs of shape "
                f"{tuple(x.shape)}: {error}"
            ) from error
        if logits.ndim != 2 or logits.shape[1] != len(self.classes):
            raise TargetError(
                f"the module returned an array of shape {tuple(logits.shape)} for {len(x)} "
                f"inputs; return one logit for each of the {len(self.classes)} classes"
            )
        loss: Tensor = torch.nn.functional.cross_entropy(logits, y, reduction="none")
        return loss


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
