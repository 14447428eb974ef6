"""Train many small networks together: their layers stacked, one batched matrix product a layer.

A model of its own would get the same batches in the same order: what comes out is what
`TorchTrainer.fit` gives for the same rows and seed, up to the rounding of float32. The backward
pass is written out, because autograd costs more than these products. Models whose masks have
fewer rows are done earlier; the others go on without them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Floats, Inputs, Ints
from goalkeeper.targets.torch import TorchTarget, need_torch

if TYPE_CHECKING:
    from torch import Tensor, nn

    from goalkeeper.training.torch import TorchRecipe

GROUP = 24 << 20  # bytes of weights, gradients and one batch that are worked on together
SCORED = 32 << 20  # bytes of activations when many models answer
PLAIN = ("Flatten", "Identity")
ACTIVATIONS = ("ReLU", "Tanh", "Sigmoid")


Rebuild = Callable[[dict[str, Any]], TorchTarget]
Prepare = Callable[[Inputs], Any]


@dataclass(frozen=True, slots=True)
class Layer:
    """A linear layer of `inputs` x `outputs`, and the activation after it ("" for none)."""

    weight: str
    bias: str
    inputs: int
    outputs: int
    activation: str


def layers_of(module: nn.Module) -> tuple[Layer, ...] | None:
    """Read a chain of linear layers and elementwise activations; None for anything else."""
    torch = need_torch()
    found: list[Layer] = []
    for name, part in _leaves(module, ""):
        kind = type(part).__name__
        if kind in PLAIN:
            continue
        if isinstance(part, torch.nn.Linear) and part.bias is not None:
            size = part.in_features, part.out_features
            found.append(Layer(f"{name}weight", f"{name}bias", *size, ""))
        elif kind in ACTIVATIONS and found and not found[-1].activation:
            last = found.pop()
            found.append(Layer(last.weight, last.bias, last.inputs, last.outputs, kind))
        else:
            return None
    fits = all(a.outputs == b.inputs for a, b in pairwise(found))
    return tuple(found) if found and fits and not found[-1].activation else None


def obstacle(module: nn.Module) -> str:
    """Name the first layer that cannot be stacked, for a module that `layers_of` refuses."""
    for _, part in _leaves(module, ""):
        kind = type(part).__name__
        if kind == "Linear" and getattr(part, "bias", 0) is None:
            return "a Linear layer without bias"
        if kind not in (*PLAIN, *ACTIVATIONS, "Linear"):
            return kind
    return "the order of its layers"


def _leaves(module: nn.Module, prefix: str) -> Iterator[tuple[str, nn.Module]]:
    torch = need_torch()
    if type(module) is torch.nn.Sequential:
        for name, part in module.named_children():
            yield from _leaves(part, f"{prefix}{name}.")
    else:
        yield prefix, module


@dataclass(frozen=True, eq=False)
class Stack:
    """Parameters of G models in one tensor `(G, P)`, with views of each layer."""

    layers: tuple[Layer, ...]
    flat: Tensor

    def weights(self, i: int) -> tuple[Tensor, Tensor]:
        """Return weight `(G, outputs, inputs)` and bias `(G, 1, outputs)` of a layer."""
        start = sum((1 + layer.inputs) * layer.outputs for layer in self.layers[:i])
        layer = self.layers[i]
        size = layer.inputs * layer.outputs
        weight = self.flat[:, start : start + size].unflatten(1, (layer.outputs, layer.inputs))
        bias = self.flat[:, start + size : start + size + layer.outputs]
        return weight, bias[:, None]

    def first(self, count: int) -> Stack:
        """Keep the first models."""
        return Stack(self.layers, self.flat[:count])

    @classmethod
    def of(cls, layers: tuple[Layer, ...], modules: Sequence[nn.Module]) -> Stack:
        """Stack the parameters of modules."""
        torch = need_torch()
        rows = []
        for module in modules:
            state = module.state_dict()
            parts = [state[name].flatten() for la in layers for name in (la.weight, la.bias)]
            rows.append(torch.cat(parts))
        return cls(layers, torch.stack(rows))

    def state(self, i: int) -> dict[str, Tensor]:
        """Return the parameters of one model by name."""
        one = Stack(self.layers, self.flat[i : i + 1])
        out: dict[str, Tensor] = {}
        for j, layer in enumerate(self.layers):
            weight, bias = one.weights(j)
            out[layer.weight], out[layer.bias] = weight[0].clone(), bias[0, 0].clone()
        return out


def forward(stack: Stack, x: Tensor) -> tuple[list[Tensor], Tensor]:
    """Pass inputs `(G, b, d)`; return what enters each layer, and the logits `(G, b, k)`."""
    entering, h = [], x
    for i, layer in enumerate(stack.layers):
        weight, bias = stack.weights(i)
        entering.append(h)
        h = need_torch().baddbmm(bias, h, weight.transpose(1, 2))
        if layer.activation:
            h = {"ReLU": h.relu_, "Tanh": h.tanh_, "Sigmoid": h.sigmoid_}[layer.activation]()
    return entering, h


def backward(stack: Stack, gradient: Stack, entering: list[Tensor], error: Tensor) -> None:
    """Write the gradient of every parameter; `error` `(G, b, k)` is that of the logits."""
    torch = need_torch()
    for i in reversed(range(len(stack.layers))):
        weight, bias = gradient.weights(i)
        weight.copy_(torch.bmm(error.transpose(1, 2), entering[i]))
        bias.copy_(error.sum(dim=1, keepdim=True))
        if i:
            h = entering[i]
            error = torch.bmm(error, stack.weights(i)[0])
            kind = stack.layers[i - 1].activation
            if kind == "ReLU":
                error *= h > 0
            elif kind == "Tanh":
                error *= 1 - h * h
            elif kind == "Sigmoid":
                error *= h * (1 - h)


class Optimiser:
    """SGD with momentum, Adam or AdamW on `(G, P)`, step for step as torch's own."""

    def __init__(self, how: TorchRecipe, flat: Tensor) -> None:
        self.how = how
        self.one = flat.new_zeros(flat.shape)
        self.two = flat.new_zeros(flat.shape) if how.optimiser != "sgd" else None
        self.steps = 0

    def step(self, flat: Tensor, gradient: Tensor, rate: Tensor) -> None:
        """Update the first models `flat` `(g, P)`; `rate` `(g, 1)` is the learning rate of each."""
        how, count = self.how, len(flat)
        self.steps += 1
        if how.weight_decay and how.optimiser == "adamw":
            flat *= 1 - rate * how.weight_decay
        elif how.weight_decay:
            gradient.add_(flat, alpha=how.weight_decay)
        one = self.one[:count]
        if self.two is None:
            one.mul_(how.momentum).add_(gradient)
            flat.addcmul_(rate, one, value=-1)
            return
        two = self.two[:count]
        one.lerp_(gradient, 0.1)
        two.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
        size = (two / (1 - 0.999**self.steps)).sqrt_().add_(1e-8)
        flat.addcdiv_(one * (rate / (1 - 0.9**self.steps)), size, value=-1)


def trained(
    how: TorchRecipe, modules: Sequence[nn.Module], x: Tensor, y: Tensor, batches: list[list[Ints]]
) -> Stack:
    """Train modules of one shape together.

    Parameters
    ----------
    how
        The recipe.
    modules
        Untrained, all alike but for their weights.
    x, y
        All records `(n, d)` and their classes `(n,)`.
    batches
        For each model the rows of every step, in order; the models with most steps first.

    Returns
    -------
    Stack
        The trained parameters, in the order of the modules.
    """
    torch = need_torch()
    layers = layers_of(modules[0])
    if layers is None:
        raise ValueError("only chains of linear layers can be stacked")
    stack = Stack.of(layers, modules)
    gradient = Stack(layers, torch.empty_like(stack.flat))
    optimiser = Optimiser(how, stack.flat)
    totals = np.array([len(own) for own in batches])
    for t in range(int(totals.max(initial=0))):
        count = int((totals > t).sum())
        rows, weight = _padded([own[t] for own in batches[:count]])
        now, slope = stack.first(count), gradient.first(count)
        index = torch.as_tensor(rows)
        entering, logits = forward(now, x[index])
        error = logits.softmax(dim=2)
        error.scatter_add_(2, y[index][:, :, None], torch.full_like(error[:, :, :1], -1.0))
        error *= torch.as_tensor(weight)[:, :, None]
        backward(now, slope, entering, error)
        rate = torch.as_tensor(how.rates(t, totals[:count]), dtype=torch.float32)[:, None]
        optimiser.step(now.flat, slope.flat, rate)
    return stack


def _padded(rows: Sequence[Ints]) -> tuple[Ints, NDArray[np.float32]]:
    """Fill batches up to one length; what is filled in has weight 0, the rest one over the size."""
    longest = max(len(own) for own in rows)
    index = np.zeros((len(rows), longest), dtype=np.int64)
    weight = np.zeros((len(rows), longest), dtype=np.float32)
    for i, own in enumerate(rows):
        index[i, : len(own)] = own
        weight[i, : len(own)] = 1 / len(own)
    return index, weight


def groups(layers: tuple[Layer, ...], models: int, batch: int) -> int:
    """Choose how many models are trained together, so that they stay in the cache."""
    numbers = sum((1 + la.inputs) * la.outputs for la in layers)
    each = 4 * (4 * numbers + 3 * batch * (layers[0].inputs + sum(la.outputs for la in layers)))
    return max(1, min(models, GROUP // each))


class StackedModules:
    """N trained networks that answer together."""

    def __init__(
        self, stacks: Sequence[tuple[Ints, Stack]], rebuild: Rebuild, prepare: Prepare
    ) -> None:
        self._stacks, self._rebuild, self._prepare = stacks, rebuild, prepare
        self._place = {
            int(model): (stack, i) for models, stack in stacks for i, model in enumerate(models)
        }

    def __len__(self) -> int:
        return len(self._place)

    def logits(self, x: Inputs) -> Iterator[tuple[Ints, slice, Tensor]]:
        """Yield models, rows and their logits `(g, b, classes)`, block by block."""
        torch = need_torch()
        rows = self._prepare(x)
        with torch.inference_mode():
            for models, stack in self._stacks:
                width = max(la.outputs + la.inputs for la in stack.layers)
                step = max(1, SCORED // (4 * width * len(models)))
                for start in range(0, len(rows), step):
                    block = rows[start : start + step]
                    shared = block[None].expand(len(models), *block.shape)
                    yield models, slice(start, start + len(block)), forward(stack, shared)[1]

    def scores(self, x: Inputs) -> Floats:
        """Probabilities `(N, n, classes)`."""
        classes = self._stacks[0][1].layers[-1].outputs
        out = np.empty((len(self), len(x), classes))
        for models, part, logits in self.logits(x):
            out[models, part] = logits.double().softmax(dim=2).numpy()
        return out

    def labels(self, x: Inputs) -> Ints:
        """Classes `(N, n)`."""
        out = np.empty((len(self), len(x)), dtype=np.int64)
        for models, part, logits in self.logits(x):
            out[models, part] = logits.argmax(dim=2).numpy()
        return out

    def target(self, i: int) -> TorchTarget:
        """Return the i-th target."""
        if not -len(self) <= i < len(self):
            raise IndexError(f"there are {len(self)} models, no number {i}")
        stack, place = self._place[i % len(self)]
        return self._rebuild(stack.state(place))
