"""A target that scores by likeness to class averages: the weakened application, and rigged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.games.inversion.questions import FeatureMatrix
from goalkeeper.games.shared.simple_targets import LinearTarget


@dataclass(frozen=True, eq=False)
class SinglePrecisionTarget(LinearTarget):
    """A linear target whose differentiable form is a torch layer in float32, as users' are."""

    def network(self, count: Callable[[int, int], None]) -> Any:
        """Return a metered torch module, `(n, ...)` to logits `(n, classes)`."""
        from goalkeeper.targets.torch import metered, need_torch

        torch = need_torch()
        layer = torch.nn.Linear(self.weights.shape[1], len(self.bias))
        with torch.no_grad():
            layer.weight.copy_(torch.as_tensor(self.weights))
            layer.bias.copy_(torch.as_tensor(self.bias))
        module = torch.nn.Sequential(torch.nn.Flatten(), layer)
        for parameter in module.parameters():
            parameter.requires_grad = False
        return metered(module, len(self.bias), count)


def by_likeness(
    known: FeatureMatrix, classes: int, vocabulary: tuple[str, ...] = ()
) -> SinglePrecisionTarget:
    """Score inputs by how near they are to each class average, all columns counting alike."""
    means = known.means(classes)
    means = np.where(np.isnan(means), known.matrix.mean(axis=0), means)
    spread = known.matrix.std(axis=0)
    weights = (means - means.mean(axis=0)) / np.where(spread > 0, spread, 1.0) ** 2
    bias = -0.5 * (weights * (means + means.mean(axis=0))).sum(axis=1)
    # Scores of 0 and 1 would hide what a query shows: logits have a spread of about 2.
    scale = 2.0 / max(float((known.matrix @ weights.T + bias).std()), 1e-9)
    return SinglePrecisionTarget(weights * scale, bias * scale, vocabulary)
