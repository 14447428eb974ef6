"""Many networks of one blueprint: cut into groups, each trained at once or taken from the store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from goalkeeper.core.data import Bools, fingerprint
from goalkeeper.targets.torch import need_torch
from goalkeeper.training.networks import cache
from goalkeeper.training.networks.batch_schedule import BatchSchedule
from goalkeeper.training.networks.blueprint import Arrays, NetworkBlueprint
from goalkeeper.training.networks.chain import Chain
from goalkeeper.training.networks.stacked import (
    NetworkStack,
    StackedModules,
    StackedTraining,
    TensorRecords,
)
from goalkeeper.training.networks.stages import Flatten, Linear, Stage

if TYPE_CHECKING:
    from torch import Tensor

GROUP_BYTES = 24 << 20  # that one step of a group works on, on a CPU, so that it stays in the cache
FREE_SHARE = 0.05  # of the free memory of a GPU for one group; other workers use the GPU, too
FLOAT32_BYTES = 4
# Arrays like the parameters that a step touches: parameters, gradients and momentum with SGD;
# with Adam parameters, gradients, two moments and their quotient.
SGD_STATES, ADAM_STATES = 3, 5
# Multiplications for each parameter and record in one epoch: forward, error back, gradient.
PASSES_PER_STEP = 3.0


@dataclass(frozen=True, eq=False)
class NetworkJob:
    """One call of `fit_many`: all records, and the masks `(N, rows)` and seeds of the networks."""

    blueprint: NetworkBlueprint
    chain: Chain
    records: tuple[Tensor, Tensor]
    masks: Bools
    seeds: tuple[int, ...]

    def train(self) -> Arrays:
        """Train all networks at once; return parameters and buffers by name, each `(N, ...)`."""
        torch, blueprint = need_torch(), self.blueprint
        schedules = [
            BatchSchedule(blueprint.recipe, np.flatnonzero(mask), seed)
            for mask, seed in zip(self.masks, self.seeds, strict=True)
        ]
        built = [blueprint.build_seeded(seed) for seed in self.seeds]
        states = [module.state_dict() for module, _ in built]
        arrays = {n: np.stack([s[n].numpy() for s in states]) for n in self.chain.names}
        x, y = self.records
        records = TensorRecords(_round_inputs(self, x), y, len(blueprint.classes))
        stack = NetworkStack.from_arrays(self.chain, arrays, blueprint.compute.device)
        generators = [generator for _, generator in built]
        training = StackedTraining(blueprint.recipe, stack, records, schedules, generators)
        with torch.no_grad():
            return training.run().arrays()


def fit_many(job: NetworkJob) -> StackedModules:
    """Train all networks of a job, group by group; those with most records first.

    Networks of a group take their steps together, so those of like size belong side by side.
    """
    blueprint = job.blueprint
    order = np.argsort(-job.masks.sum(axis=1), kind="stable")
    size = choose_group_size(job)
    answering = replace(job.chain, stages=tuple(_in_float32(s) for s in job.chain.stages))
    data = _fingerprint(job) if blueprint.compute.store else ""
    stacks = []
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        masks, seeds = job.masks[chosen], [job.seeds[i] for i in chosen]
        work = PASSES_PER_STEP * job.chain.numbers * blueprint.recipe.epochs * int(masks.sum())
        group = replace(job, masks=masks, seeds=tuple(seeds))
        decisive = (data, np.packbits(masks), seeds)
        arrays = cache.load_or_train(blueprint, work, decisive, group.train)
        stacks.append(
            (chosen, NetworkStack.from_arrays(answering, arrays, blueprint.compute.device))
        )
    return StackedModules(stacks, len(blueprint.classes), blueprint.restore, blueprint.to_tensor)


def choose_group_size(job: NetworkJob) -> int:
    """Choose how many networks are trained together, from the cache or the memory at hand."""
    recipe, device = job.blueprint.recipe, job.blueprint.compute.device
    states = SGD_STATES if recipe.optimiser == "sgd" else ADAM_STATES
    passing = 2 * recipe.batch * job.chain.passing  # numbers on the way forward, errors on it back
    bytes_each = FLOAT32_BYTES * (states * job.chain.numbers + passing)
    available = GROUP_BYTES
    if device != "cpu":
        available = int(FREE_SHARE * need_torch().cuda.mem_get_info(device)[0])
    return max(1, min(len(job.masks), available // bytes_each))


def _fingerprint(job: NetworkJob) -> str:
    parts = (a.cpu().numpy() for a in job.records)
    return " ".join(fingerprint(part) for part in parts)


def _round_inputs(job: NetworkJob, x: Tensor) -> Tensor:
    """Round inputs once where the first layer would round every batch."""
    first = next(s for s in job.chain.stages if not isinstance(s, Flatten))
    rounded = isinstance(first, Linear) and first.half and not job.blueprint.recipe.augments
    return x.to(need_torch().bfloat16) if rounded else x


def _in_float32(stage: Stage) -> Stage:
    """Answers are computed in float32, however networks were trained."""
    return Linear(stage.names, stage.activation) if isinstance(stage, Linear) else stage
