"""Train PyTorch modules by a declared recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from goalkeeper.compute.threads import one_torch_thread
from goalkeeper.core.application import Ensemble, Target
from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.data import Bools, Data
from goalkeeper.core.domain import Domain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.learning import FUNCTION, Feedback
from goalkeeper.core.steering import Steering
from goalkeeper.targets.outputs import Outputs
from goalkeeper.targets.torch import TorchTarget, need_torch
from goalkeeper.training import one_by_one
from goalkeeper.training.checks import check_masks, require_records
from goalkeeper.training.dispatch import FitStrategy, one_by_one_strategy
from goalkeeper.training.networks import autotune, batched_fit, cache
from goalkeeper.training.networks.batch_schedule import BatchSchedule
from goalkeeper.training.networks.blueprint import Arrays, NetworkBlueprint
from goalkeeper.training.networks.chain import PROBES, UnreadableModule
from goalkeeper.training.networks.parameters import read_parameters
from goalkeeper.training.networks.recipe import TorchRecipe
from goalkeeper.training.networks.single_fit import SingleTraining
from goalkeeper.training.updating import update_module

if TYPE_CHECKING:
    from torch import nn

# Multiplications for every number of an input in one pass, in networks whose layers are not known:
# the order of a small convolutional network. It decides only what is worth storing.
MULTIPLICATIONS_PER_INPUT = 1000
FEW_STEPS = 4  # in an epoch of a shortened training


class TorchTrainer:
    """Train what a function builds, by a recipe.

    Parameters
    ----------
    build
        Takes nothing and returns an untrained module; its weights are drawn from the seed of
        each training.
    classes
        The application's classes, in the order of the logits.
    domain
        What an input looks like.
    torch_recipe
        How the module is trained.
    compute
        Device, precision, processes and memory.
    outputs
        What the module returns; left out, this is found out by trying it.
    """

    def __init__(
        self,
        build: Callable[[], nn.Module],
        classes: Sequence[str | int],
        domain: Domain,
        torch_recipe: TorchRecipe | None = None,
        *,
        compute: ComputeSettings | None = None,
        outputs: Outputs | None = None,
    ) -> None:
        compute = compute or ComputeSettings()
        if compute.device == "auto":
            compute = replace(compute, device=autotune.resolve_device("auto"))
        names = tuple(str(c) for c in classes)
        self.blueprint = NetworkBlueprint(
            build, names, domain, torch_recipe or TorchRecipe(), compute, outputs
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """The application's classes, in the order of the logits."""
        return self.blueprint.classes

    @property
    def domain(self) -> Domain:
        """What an input looks like."""
        return self.blueprint.domain

    @property
    def torch_recipe(self) -> TorchRecipe:
        """How the module is trained."""
        return self.blueprint.recipe

    @property
    def compute(self) -> ComputeSettings:
        """What this machine computes with."""
        return self.blueprint.compute

    @property
    def recipe(self) -> str:
        """The function's name, a hash of its source, and the recipe."""
        return self.blueprint.description

    @property
    def strategy(self) -> FitStrategy:
        """How `fit_many` trains, and why."""
        try:
            chain = self.blueprint.read_chain(self.blueprint.sample_inputs())
        except UnreadableModule as obstacle:
            return one_by_one_strategy(str(obstacle))
        if not self.blueprint.gains_from_batching(chain):
            return one_by_one_strategy("on a CPU, convolutions of many networks gain nothing")
        reason = "together: layers stacked, one batched matrix product a layer"
        return FitStrategy("networks", reason)

    def with_compute(self, compute: ComputeSettings) -> TorchTrainer:
        """Return the same trainer with other settings."""
        return _of(replace(self.blueprint, compute=compute))

    def with_recipe(self, recipe: TorchRecipe) -> TorchTrainer:
        """Return a trainer of the same module by another recipe."""
        return _of(replace(self.blueprint, recipe=recipe))

    def tune(self, data: Data) -> TorchTrainer:
        """Choose device, layout and precision by measuring on a few of the records."""
        return self.with_compute(
            autotune.tune(
                self.blueprint,
                data,
                lambda blueprint, *subsets: _of(blueprint).fit_many(*subsets),
            )
        )

    # ---- one network ----------------------------------------------------------------------------

    def fit(self, data: Data, seed: int) -> TorchTarget:
        """Train one target; the same seed gives the same parameters on the same machine."""
        return self.fit_steered(data, seed, Steering())

    def fit_cached(self, data: Data, seed: int) -> TorchTarget:
        """Train one target, unless the store has it."""
        blueprint = self.blueprint
        records = blueprint.to_tensors(data)

        def train() -> Arrays:
            state = self.fit(data, seed).module.state_dict()
            return {name: a.cpu().numpy() for name, a in state.items()}

        passes = batched_fit.PASSES_PER_STEP * blueprint.recipe.epochs
        work = passes * records[0].numel() * MULTIPLICATIONS_PER_INPUT
        parts = [a.cpu().numpy() for a in records] if self.compute.store else []
        return blueprint.restore(cache.load_or_train(blueprint, work, (*parts, seed), train))

    @property
    def steerable(self) -> frozenset[str]:
        """What of `order` and `weights` can be steered: both."""
        return frozenset({"order", "weights"})

    def fit_steered(self, data: Data, seed: int, steering: Steering) -> TorchTarget:
        """Train one target as somebody steers it; without any steering, as `fit` does."""
        require_records(data)
        blueprint, torch = self.blueprint, need_torch()
        used = seed if steering.seed is None else steering.seed
        rows = np.arange(len(data))
        schedule = BatchSchedule(blueprint.recipe, rows, used, steering.order, data.y)
        with one_torch_thread(), torch.random.fork_rng(devices=blueprint.random_devices):
            torch.manual_seed(used)
            module = blueprint.place(blueprint.build_module())
            training = SingleTraining(
                blueprint.recipe,
                module,
                blueprint.to_tensors(data),
                blueprint.outputs,
                half=blueprint.half,
            )
            training.run(schedule, steering.weights)
        return blueprint.target(module)

    # ---- for estimates --------------------------------------------------------------------------

    def count_steps(self, data: Data) -> int:
        """Count the steps of one training that is not stopped early."""
        return BatchSchedule(self.blueprint.recipe, np.arange(len(data)), 0).total_steps

    def shortened(self, data: Data, steps: int) -> tuple[TorchTrainer, Data]:
        """Return a trainer and a few records of which a training is this long, all else alike.

        The records stay the same, so that trainings of different length differ in steps only.
        """
        recipe = self.blueprint.recipe
        data = data.take(slice(0, FEW_STEPS * recipe.batch))
        per_epoch = max(1, -(-len(data) // recipe.batch))
        recipe = replace(recipe, epochs=-(-steps // per_epoch), patience=0)
        return _of(replace(self.blueprint, recipe=recipe)), data

    # ---- learning in place ----------------------------------------------------------------------

    updates_in_place = True

    def update(self, target: Target, data: Data, seed: int, loop: Feedback) -> TorchTarget:
        """Take a few more steps with further records, at the declared rate.

        The optimiser is that of the recipe, and starts afresh; the rate does not fall.

        Raises
        ------
        NotOffered
            The target is no module, or its answers have no gradients.
        """
        if not isinstance(target, TorchTarget) or target.outputs.kind == "labels":
            raise NotOffered("the model is no module whose answers have gradients")
        if loop.learning == FUNCTION:
            return update_module(target, data, seed, loop)
        blueprint, torch = self.blueprint, need_torch()
        rate = blueprint.recipe.rate if loop.rate is None else loop.rate
        recipe = replace(blueprint.recipe, rate=rate, schedule="constant", patience=0)
        with one_torch_thread(), torch.random.fork_rng(devices=blueprint.random_devices):
            torch.manual_seed(seed)
            module = blueprint.build_module()  # says which parameters learn
            module.load_state_dict(target.module.state_dict())
            module = blueprint.place(module)
            records = blueprint.to_tensors(data)
            training = SingleTraining(recipe, module, records, target.outputs, half=blueprint.half)
            batches = loop.steps(len(data), np.random.default_rng(seed), recipe.batch)
            training.update(batches, BatchSchedule(recipe, np.arange(len(data)), seed))
        return blueprint.target(module)

    # ---- many networks --------------------------------------------------------------------------

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`.

        Chains of known layers are trained together (see `chain`), everything else one after the
        other; `strategy` says which, and why.
        """
        masks, blueprint = check_masks(data, masks, seeds), self.blueprint
        try:
            sample = blueprint.to_cpu_tensor(data.x[:PROBES]) if len(masks) else None
            chain = None if sample is None else blueprint.read_chain(sample)
        except UnreadableModule:
            chain = None
        if chain is None or not blueprint.gains_from_batching(chain):
            jobs = self.compute.jobs if self.compute.device == "cpu" else 1
            return one_by_one.fit_many(self.fit_cached, data, masks, seeds, jobs)
        with one_torch_thread():
            records = blueprint.to_tensors(data)
            job = batched_fit.NetworkJob(blueprint, chain, records, masks, tuple(seeds))
            return batched_fit.fit_many(job)

    def load_parameters(self, path: Path) -> TorchTarget:
        """Load parameters from a safetensors file or a state dict; nothing in it is run.

        Raises
        ------
        TargetError
            The file is neither, or its parameters are not those of the module.
        """
        module = self.blueprint.build_module()
        module.load_state_dict(read_parameters(path, module))
        return self.blueprint.target(self.blueprint.place(module), path)


def _of(blueprint: NetworkBlueprint) -> TorchTrainer:
    return TorchTrainer(
        blueprint.build,
        blueprint.classes,
        blueprint.domain,
        blueprint.recipe,
        compute=blueprint.compute,
        outputs=blueprint.outputs,
    )
