"""Torch forms of scikit-learn models, for attacks that follow gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from goalkeeper.core.data import Floats
from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.targets import linear
from goalkeeper.targets.inputs import our_order
from goalkeeper.targets.torch import metered, need_torch

if TYPE_CHECKING:
    from torch import Tensor, nn

Count = Callable[[int, int], None]  # is told of rows passed forward, rows passed backward
Layer = tuple[Floats, Floats]  # weights (out, in) and bias (out,)


def linear_network(weights: Floats, bias: Floats, count: Count) -> nn.Module:
    """Return the metered network of a linear model.

    Parameters
    ----------
    weights
        `(k, d)`: one row a class, or one row towards class 1.
    bias
        `(k,)`.
    count
        Is called with the number of rows of each pass forward and backward.
    """
    return metered(_layered([(weights, bias)], "identity"), max(2, len(bias)), count)


def sklearn_network(
    model: Any, domain: Domain, places: Sequence[int], classes: int, count: Count
) -> nn.Module:
    """Return the metered network of a linear model or a multilayer perceptron.

    Inputs `(n, ...)` are flattened; scalers in front are folded into the first layer. Logits
    equal those of the target up to a number that is the same for all classes of an input.

    Parameters
    ----------
    model
        A fitted estimator or pipeline.
    domain
        What an input looks like: rows or images.
    places
        Index of each of the model's classes among the application's.
    classes
        Number of the application's classes.
    count
        Is called with the number of rows of each pass forward and backward.

    Raises
    ------
    NotOffered
        The model has no differentiable form that is known here.
    MissingExtra
        Torch is not installed.
    """
    if isinstance(domain, TextDomain):
        raise NotOffered("texts have no differentiable form")
    if isinstance(domain, TableDomain) and not domain.numeric:
        raise NotOffered("a model that takes words or dates has no differentiable form")
    if len(places) != classes:
        raise NotOffered(f"the model knows {len(places)} of the application's {classes} classes")
    from sklearn.neural_network import MLPClassifier

    _, final = linear.steps_of(model)
    if not isinstance(final, MLPClassifier):
        parameters = linear.read(model, domain, places, classes)
        return linear_network(parameters["weights"], parameters["bias"], count)
    layers = _perceptron(model, domain, final, places)
    return metered(_layered(layers, str(final.activation)), classes, count)


def _perceptron(model: Any, domain: Domain, final: Any, places: Sequence[int]) -> list[Layer]:
    """Read the layers of a perceptron, with scalers folded in and classes in order."""
    layers = [
        (np.asarray(w, dtype=np.float64).T, np.asarray(b, dtype=np.float64))
        for w, b in zip(final.coefs_, final.intercepts_, strict=True)
    ]
    weights, bias = layers[0]
    for step in reversed(linear.layout_of(model, domain).chain):
        weights, bias = weights * step.scale, bias + weights @ step.shift
    layers[0] = our_order(weights, domain), bias
    layers[-1] = linear.ordered(*layers[-1], places)
    return layers


def _layered(layers: Sequence[Layer], activation: str) -> nn.Module:
    """Build a module of dense layers, in float64 so that it agrees with numpy."""
    torch = need_torch()
    bends = {
        "identity": lambda x: x,
        "relu": torch.relu,
        "tanh": torch.tanh,
        "logistic": torch.sigmoid,
    }
    if activation not in bends:
        raise NotOffered(f"the activation {activation} has no differentiable form here")
    bend = bends[activation]

    class Layered(torch.nn.Module):  # type: ignore[misc, name-defined]
        """Dense layers on flattened inputs."""

        def __init__(self) -> None:
            super().__init__()
            for i, (weights, bias) in enumerate(layers):
                self.register_buffer(f"weights{i}", torch.as_tensor(np.array(weights)))
                self.register_buffer(f"bias{i}", torch.as_tensor(np.array(bias)))

        def forward(self, x: Tensor) -> Tensor:
            """Return logits `(n, outputs)`."""
            values = x.reshape(len(x), -1).to(torch.float64)
            for i in range(len(layers)):
                weights, bias = getattr(self, f"weights{i}"), getattr(self, f"bias{i}")
                values = values @ weights.T + bias
                values = bend(values) if i < len(layers) - 1 else values
            return values

    module: nn.Module = Layered()
    return module
