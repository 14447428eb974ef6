"""Many networks of one trainer: cut into groups, trained, and kept where that took long."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from goalkeeper.core.data import Bools, fingerprint
from goalkeeper.targets.torch import need_torch
from goalkeeper.training.networks import kept
from goalkeeper.training.networks.chain import PROBES as PROBES
from goalkeeper.training.networks.chain import Chain
from goalkeeper.training.networks.course import Course
from goalkeeper.training.networks.kept import Arrays
from goalkeeper.training.networks.stacked import Records, Stack, StackedModules, Training
from goalkeeper.training.networks.stages import Flatten, Linear

if TYPE_CHECKING:
    from torch import Tensor

    from goalkeeper.training.networks.trainer import TorchTrainer

GROUP = 24 << 20  # bytes that one step of a group of networks works on, on a CPU
SHARE = 0.05  # of the free memory of a GPU; other workers use it, too


@dataclass(frozen=True, eq=False)
class Job:
    """One call of `fit_many`: all records, and the masks `(N, rows)` and seeds of the networks."""

    trainer: TorchTrainer
    chain: Chain
    records: tuple[Tensor, Tensor]
    masks: Bools
    seeds: tuple[int, ...]

    def trained(self) -> Arrays:
        """Train all networks at once; return parameters and buffers by name, each `(N, ...)`."""
        torch, trainer = need_torch(), self.trainer
        courses = [
            Course(trainer.how, np.flatnonzero(mask), seed)
            for mask, seed in zip(self.masks, self.seeds, strict=True)
        ]
        built = [trainer.seeded(seed) for seed in self.seeds]
        states = [module.state_dict() for module, _ in built]
        arrays = {n: np.stack([s[n].numpy() for s in states]) for n in self.chain.names}
        x, y = self.records
        records = Records(_first(self, x), y, len(trainer.classes))
        stack = Stack.of(self.chain, arrays, trainer.means.device)
        generators = [generator for _, generator in built]
        with torch.no_grad():
            return Training(trainer.how, stack, records, courses, generators).run().arrays()


def fit_many(job: Job) -> StackedModules:
    """Train all networks of a job, group by group; those with most records first."""
    trainer = job.trainer
    order = np.argsort(-job.masks.sum(axis=1), kind="stable")
    size = group_size(job)
    plain = replace(job.chain, stages=tuple(_plain(s) for s in job.chain.stages))
    data = _fingerprint(job) if trainer.means.store else ""
    done = []
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        masks, seeds = job.masks[chosen], [job.seeds[i] for i in chosen]
        work = 3.0 * job.chain.numbers * trainer.how.epochs * int(masks.sum())
        own = replace(job, masks=masks, seeds=tuple(seeds))
        arrays = kept.recalled(trainer, work, (data, np.packbits(masks), seeds), own.trained)
        done.append((chosen, Stack.of(plain, arrays, trainer.means.device)))
    return StackedModules(done, len(trainer.classes), trainer.rebuilt, trainer.inputs)


def _fingerprint(job: Job) -> str:
    parts = (a.cpu().numpy() for a in job.records)
    return " ".join(fingerprint(part) for part in parts)


def group_size(job: Job) -> int:
    """Choose how many networks are trained together, from the cache or the memory at hand."""
    batch, device = job.trainer.how.batch, job.trainer.means.device
    states = 3 if job.trainer.how.optimiser == "sgd" else 5
    each = 4 * (states * job.chain.numbers + 2 * batch * job.chain.passing)
    room = GROUP
    if device != "cpu":
        room = int(SHARE * need_torch().cuda.mem_get_info(device)[0])
    return max(1, min(len(job.masks), room // each))


def _first(job: Job, x: Tensor) -> Tensor:
    """Round inputs once where the first layer would round every batch."""
    first = next(s for s in job.chain.stages if not isinstance(s, Flatten))
    rounded = isinstance(first, Linear) and first.half and not job.trainer.how.augments
    return x.to(need_torch().bfloat16) if rounded else x


def _plain(stage: Any) -> Any:
    """Answers are computed in float32, however networks were trained."""
    return Linear(stage.names, stage.bend) if isinstance(stage, Linear) else stage
