"""Choose the device, the layout in memory and the precision of networks, by measurement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from goalkeeper.compute.stopwatch import fastest
from goalkeeper.core.compute_settings import ComputeSettings, Networks
from goalkeeper.core.data import Bools, Data
from goalkeeper.core.errors import DescriptionError
from goalkeeper.targets.torch import need_torch
from goalkeeper.training.networks.blueprint import NetworkBlueprint

# Trained to see which computation is the fastest: models enough to be stacked, batches enough that
# the overhead of a call does not decide, and both few enough to take a moment when loading.
MEASURED_MODELS = 4
MEASURED_BATCHES = 6

FitMany = Callable[[NetworkBlueprint, Data, Bools, Sequence[int]], object]


def tune(blueprint: NetworkBlueprint, data: Data, fit_many: FitMany) -> ComputeSettings:
    """Return the settings of a blueprint, with those left open chosen for this machine.

    The first to load an application measures; its workers are handed what it chose, so that all
    of them compute alike. Float32 with the usual layout is kept where nothing is clearly faster.

    Parameters
    ----------
    blueprint
        What is trained.
    data
        Records to measure with.
    fit_many
        Trains a blueprint on the rows of each mask `(N, rows)` with N seeds.

    Raises
    ------
    DescriptionError
        A GPU was asked for that torch does not see.
    """
    compute = replace(blueprint.compute, device=resolve_device(blueprint.compute.device))
    if compute.networks is not None:
        return compute
    candidates = _candidates(blueprint, compute)
    if len(candidates) == 1:
        return replace(compute, networks=Networks())
    recipe = replace(blueprint.recipe, epochs=1, patience=0)
    sample = _repeat_records(data, MEASURED_BATCHES * recipe.batch)
    masks = np.ones((MEASURED_MODELS, len(sample)), dtype=bool)
    trials = {
        name: replace(
            blueprint, recipe=recipe, compute=replace(compute, networks=networks, store="")
        )
        for name, networks in candidates.items()
    }
    best = fastest(
        {
            name: lambda trial=trial: fit_many(trial, sample, masks, range(MEASURED_MODELS))  # type: ignore[misc]
            for name, trial in trials.items()
        },
        here=compute.device == "cpu",
    )
    return replace(compute, networks=candidates[best])


def _candidates(blueprint: NetworkBlueprint, compute: ComputeSettings) -> dict[str, Networks]:
    """Return what might be faster than the usual computation, which comes first."""
    candidates = {"plain": Networks()}
    images = any(type(m).__name__ == "Conv2d" for m in blueprint.build_module().modules())
    if images:
        candidates["channels_last"] = Networks(channels_last=True)
    if compute.precision == "fast":
        candidates["half"] = Networks(half=True)
    if images and compute.precision == "fast":
        candidates["both"] = Networks(channels_last=True, half=True)
    return candidates


def _repeat_records(data: Data, rows: int) -> Data:
    """Take so many records, beginning again where there are fewer."""
    chosen = np.resize(np.arange(len(data)), rows)
    return Data(x=data.x[chosen], y=data.y[chosen])


def resolve_device(wanted: str) -> str:
    """Name the device that is meant: `auto` is a GPU where there is one."""
    cuda = need_torch().cuda
    if wanted == "cpu" or (wanted == "auto" and not cuda.is_available()):
        return "cpu"
    available = cuda.device_count() if cuda.is_available() else 0
    number = int(wanted.partition(":")[2] or 0)
    if number >= available:
        raise DescriptionError(
            "torch does not see this GPU",
            key="--device",
            expected=f"one of {available} GPUs" if available else "cpu: torch sees no GPU here",
            given=wanted,
            advice="leave --device out, or install a torch with CUDA for this machine's driver",
        )
    return f"cuda:{number}"
