"""Gradient algorithms as plain functions: from a network and tensors to a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from goalkeeper.attacks.evasion._gradients import Ascent, Network, ascend
from goalkeeper.attacks.evasion._perturbed import Perturbed, key_streams
from goalkeeper.core.errors import DataError
from goalkeeper.games.evasion import Grid, NormBall

if TYPE_CHECKING:
    from torch import Tensor

Norm = Literal["linf", "l2"]


class Aim(TypedDict, total=False):
    """What gradient algorithms aim at, and where inputs may go; all of it has defaults.

    Parameters
    ----------
    target
        Classes to reach `(n,)`; left out, any class other than the true one.
    low, high
        Least and largest value of an input: 0 and 1.
    seed
        Of the random starts.
    """

    target: Any
    low: float
    high: float
    seed: int


def split_aim(options: Mapping[str, Any]) -> tuple[Aim, dict[str, Any]]:
    """Split options into the aim and the settings of the algorithm."""
    aim = Aim(**{k: v for k, v in options.items() if k in Aim.__annotations__})  # type: ignore[typeddict-item]
    return aim, {k: v for k, v in options.items() if k not in Aim.__annotations__}


def build_ball(norm: Norm, radius: float, aim: Aim) -> NormBall:
    """Return the ball that inputs stay in; raises DataError for another norm, or no radius."""
    if not radius > 0:
        raise DataError(f"the radius must be above 0, given {radius!r}")
    grid = Grid(low=aim.get("low", 0.0), high=aim.get("high", 1.0))
    return replace(build_unbounded_ball(norm, grid), radius=radius)


def build_unbounded_ball(norm: Norm, grid: Grid) -> NormBall:
    """Return the norm of changes that nothing but the values bounds; raises DataError."""
    if norm not in ("linf", "l2"):
        raise DataError(f"norm is 'linf' or 'l2', given {norm!r}")
    return NormBall(norm=norm, radius=float("inf"), grid=grid)


def climb(network: Network, x: Tensor, y: Tensor, ascent: Ascent[Any], aim: Aim) -> Perturbed:
    """Run a gradient algorithm on inputs `(n, ...)` of the true classes `(n,)`.

    Inputs that are already answered as wanted are left as they are, and cost one pass.
    """
    import torch

    x = torch.as_tensor(x)
    with torch.no_grad():
        logits = network(x[:1]) if len(x) else x.new_zeros((0, 2))
    wanted = _mark_wanted(x, y, aim.get("target"), classes=logits.shape[1])
    before = x.detach().cpu().double().numpy()
    found = ascend(network, x, wanted, ascent, key_streams(before, aim.get("seed", 0)))
    after = found.points.cpu().double().numpy()
    return Perturbed(
        points=found.points,
        success=found.hit.cpu().numpy(),
        distance=ascent.constraint.size(before, after),
        passes=found.passes.cpu().numpy(),
    )


def _mark_wanted(x: Tensor, y: Tensor, target: Any, *, classes: int) -> Tensor:
    """Mark the answers that count as success, `(n, classes)`."""
    import torch

    labels = torch.as_tensor(y if target is None else target, device=x.device)
    if labels.shape != (len(x),) or labels.is_floating_point():
        raise DataError(
            f"{'y' if target is None else 'target'} holds one class index for each of {len(x)} "
            f"inputs, ({len(x)},), given {labels.dtype} of shape {tuple(labels.shape)}"
        )
    chosen = torch.nn.functional.one_hot(labels.long(), classes).bool()
    return ~chosen if target is None else chosen
