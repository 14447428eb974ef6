"""Choose the device, the layout in memory and the precision of networks, by measurement."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from goalkeeper.compute.stopwatch import fastest
from goalkeeper.core.data import Data
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.means import Means, Networks
from goalkeeper.targets.torch import need_torch

if TYPE_CHECKING:
    from goalkeeper.training.networks.trainer import TorchTrainer

MODELS, BATCHES = 4, 6  # trained to see which way is the fastest


def suited(trainer: TorchTrainer, data: Data) -> Means:
    """Return the means of a trainer with what suits this machine; nothing that was chosen changes.

    The first to load an application measures; its workers are handed what it chose, so that all
    of them compute alike. Float32 with the usual layout is kept where nothing is clearly faster.

    Raises
    ------
    DescriptionError
        A GPU was asked for that torch does not see.
    """
    means = replace(trainer.means, device=device_of(trainer.means.device))
    if means.networks is not None:
        return means
    ways = {"plain": Networks()}
    images = any(type(m).__name__ == "Conv2d" for m in trainer.untrained().modules())
    if images:
        ways["channels_last"] = Networks(channels_last=True)
    if means.precision == "fast":
        ways["half"] = Networks(half=True)
    if images and means.precision == "fast":
        ways["both"] = Networks(channels_last=True, half=True)
    if len(ways) == 1:
        return replace(means, networks=ways["plain"])
    some = _sample(data, BATCHES * trainer.how.batch)
    masks = np.ones((MODELS, len(some)), dtype=bool)
    short = replace(trainer.how, epochs=1, patience=0)
    tried = {
        k: trainer.changed(replace(means, networks=n, store=""), short) for k, n in ways.items()
    }
    best = fastest(
        {k: lambda t=t: t.fit_many(some, masks, range(MODELS)) for k, t in tried.items()}  # type: ignore[misc]
    )
    return replace(means, networks=ways[best])


def _sample(data: Data, rows: int) -> Data:
    chosen = np.resize(np.arange(len(data)), rows)
    return Data(x=data.x[chosen], y=data.y[chosen])


def device_of(wanted: str) -> str:
    """Name the device that is meant: `auto` is a GPU where there is one."""
    cuda = need_torch().cuda
    if wanted == "cpu" or (wanted == "auto" and not cuda.is_available()):
        return "cpu"
    found = cuda.device_count() if cuda.is_available() else 0
    number = int(wanted.partition(":")[2] or 0)
    if number >= found:
        raise DescriptionError(
            "torch does not see this GPU",
            key="--device",
            expected=f"one of {found} GPUs" if found else "cpu: torch sees no GPU here",
            given=wanted,
            advice="leave --device out, or install a torch with CUDA for this machine's driver",
        )
    return f"cuda:{number}"
