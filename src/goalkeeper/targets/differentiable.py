"""Torch forms of scikit-learn models, for attacks that follow gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from goalkeeper.core.data import Floats
from goalkeeper.core.design import CURVES, Design
from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.targets import linear
from goalkeeper.targets.inputs import our_order
from goalkeeper.targets.torch import metered, need_torch

if TYPE_CHECKING:
    from torch import Tensor, nn

Count = Callable[[int, int], None]  # is told of rows passed forward, rows passed backward
Layer = tuple[Floats, Floats]  # weights (out, in) and bias (out,)
Front = Callable[["Tensor"], "Tensor"]  # from flat inputs to what the first layer multiplies


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

    Inputs `(n, ...)` are flattened; scalers and projections in front are folded into the first
    layer. Of tables, missing numbers are filled in and curves are drawn as the model does it.
    Logits equal those of the target up to a number that is the same for all classes of an input.

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

    _, final = linear.answering_steps(model)
    if not isinstance(final, MLPClassifier):
        parameters = linear.read(model, domain, places, classes)
        layers = [(parameters["weights"], parameters["bias"])]
        front = _front(parameters.get("design"))
        return metered(_layered(layers, "identity", front), classes, count)
    layout = linear.layout_of(model, domain)
    layers = _perceptron(layout, domain, places)
    front = _front(layout.design)
    return metered(_layered(layers, str(final.activation), front), classes, count)


def _perceptron(layout: linear.Layout, domain: Domain, places: Sequence[int]) -> list[Layer]:
    """Read the layers of a perceptron, with scalers folded in and classes in order."""
    layers = [
        (np.asarray(w, dtype=np.float64).T, np.asarray(b, dtype=np.float64))
        for w, b in zip(layout.final.coefs_, layout.final.intercepts_, strict=True)
    ]
    weights, bias = layers[0]
    for step in reversed(layout.chain):
        weights, bias = step.fold(weights, bias)
    layers[0] = our_order(weights, domain), bias
    layers[-1] = linear.ordered(*layers[-1], places)
    return layers


def _front(design: Design | None) -> Front | None:
    """Return what makes features of numbers; raises NotOffered where they do not move steadily."""
    if design is None:
        return None
    torch = need_torch()
    if any(term.points.size for term in design.terms):
        raise NotOffered(
            "the preprocessing cuts numbers into bins or levels, which has no differentiable form"
        )
    mix = None if design.mix is None else torch.as_tensor(design.mix)

    def front(x: Tensor) -> Tensor:
        features = []
        for term in design.terms:
            cells = x[:, term.column]
            gap = torch.isnan(cells)
            # A gap is filled before the curve: the gradient of NaN would reach other cells.
            made = torch.where(gap, torch.ones_like(cells), cells)
            for name, number in term.steps:
                step = getattr(torch, name)
                made = step(made) if name in CURVES else step(made, torch.tensor(number).to(made))
            if term.kind == "levels":
                made = torch.full_like(made, term.other)
            features.append(torch.where(gap, torch.full_like(made, term.missing), made))
        values: Tensor = torch.stack(features, dim=1)
        return values if mix is None else values @ mix.T

    return front


def _layered(layers: Sequence[Layer], activation: str, front: Front | None = None) -> nn.Module:
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
            values = values if front is None else front(values)
            for i in range(len(layers)):
                weights, bias = getattr(self, f"weights{i}"), getattr(self, f"bias{i}")
                values = values @ weights.T + bias
                values = bend(values) if i < len(layers) - 1 else values
            return values

    module: nn.Module = Layered()
    return module
