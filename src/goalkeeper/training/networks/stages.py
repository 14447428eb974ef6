"""Layers of G networks at once: each passes `(g, b, ...)` forward, and the error back.

A stage holds no parameters: it is handed those of the first g networks, each `(g, ...)`. It returns
what leaves the layer, and a function that takes the error of that, adds gradients to tensors like
the parameters, and returns the error of what entered. Linear layers, where most time goes, have
their backward pass written out, because autograd costs more than these products; rarer ones ask
autograd.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from goalkeeper.targets.torch import need_torch

if TYPE_CHECKING:
    from torch import Generator, Tensor, nn

LayerTensors = Sequence["Tensor"]  # parameters, then buffers, of one stage: each (g, ...)
# Takes the error of what left a layer, the gradients to add to, and whether the error of what
# entered is wanted; returns that.
Back = Callable[["Tensor", "LayerTensors", bool], "Tensor | None"]
Passed = tuple["Tensor", "Back | None"]


@dataclass(eq=False)
class Step:
    """What is particular to one step of g networks.

    Parameters
    ----------
    training
        Whether layers behave as in training.
    record_counts
        Records of each network; the others up to b only fill up.
    present
        1 for records and 0 for what fills up `(g, b)`; None where nothing does.
    generators
        The random generator of each network.
    momentum
        How much what is in the gradients already counts.
    """

    training: bool = False
    record_counts: Sequence[int] = ()
    present: Tensor | None = None
    generators: Sequence[Generator] = ()
    momentum: float = 0.0

    def add(self, total: Tensor, gradient: Tensor) -> None:
        """Add a gradient to `total`, of which `momentum` is kept."""
        if self.momentum:
            need_torch().add(gradient, total, alpha=self.momentum, out=total)
        else:
            total.copy_(gradient)


class Stage(Protocol):
    """A layer of many networks; `names` are its parameters, then its buffers, in the module."""

    names: tuple[str, ...]
    parameters: int  # how many of the names are parameters

    def forward(self, tensors: LayerTensors, h: Tensor, step: Step) -> Passed:
        """Return what leaves the layer, and how errors go back."""
        ...


# ---- layers of numbers ---------------------------------------------------------------------------


class Linear:
    """A linear layer, and the activation behind it; `half` multiplies in bfloat16."""

    def __init__(self, names: tuple[str, ...], activation: str = "", *, half: bool = False) -> None:
        self.names, self.parameters = names, len(names)
        self.activation, self.half = activation, half

    def forward(self, tensors: LayerTensors, h: Tensor, step: Step) -> Passed:
        """Pass `(g, b, inputs)` to `(g, b, outputs)`."""
        torch = need_torch()
        weight, bias = tensors[0], tensors[1][:, None] if len(tensors) > 1 else None
        if self.half:
            h, weight = h.to(torch.bfloat16), weight.to(torch.bfloat16)
        transposed = weight.transpose(1, 2)
        if self.half or bias is None:  # a bias is added in float32 in either case
            out = torch.bmm(h, transposed)
            out = out.float() if self.half else out
            out = out if bias is None else out.add_(bias)
        else:
            out = torch.baddbmm(bias, h, transposed)
        out = _activate(self.activation, out)

        def back(error: Tensor, gradients: LayerTensors, input_wanted: bool) -> Tensor | None:  # noqa: FBT001
            error = _activation_gradient(self.activation, error, out)
            if bias is not None:
                step.add(gradients[1], error.sum(dim=1))
            if self.half:
                error = error.to(torch.bfloat16)
                step.add(gradients[0], torch.bmm(error.transpose(1, 2), h))
            else:
                gradients[0].baddbmm_(error.transpose(1, 2), h, beta=step.momentum)
            if not input_wanted:
                return None
            entering: Tensor = torch.bmm(error, weight)
            return entering.float() if self.half else entering

        return out, back


def _activate(activation: str, out: Tensor) -> Tensor:
    if activation == "ReLU":
        return out.relu_()
    if activation == "Tanh":
        return out.tanh_()
    return out.sigmoid_() if activation == "Sigmoid" else out


def _activation_gradient(activation: str, error: Tensor, out: Tensor) -> Tensor:
    """Carry an error back through an activation; the error is used up."""
    aten = need_torch().ops.aten
    if activation == "ReLU":
        aten.threshold_backward.grad_input(error, out, 0, grad_input=error)
        return error
    if activation == "Tanh":
        return aten.tanh_backward(error, out)  # type: ignore[no-any-return]
    if activation == "Sigmoid":
        return aten.sigmoid_backward(error, out)  # type: ignore[no-any-return]
    return error


# Their derivative follows from what they give, so what they take may be overwritten.
IN_PLACE_ACTIVATIONS = ("ReLU", "Tanh", "Sigmoid")


class Dropout:
    """Zero numbers at random, each network from its own stream, as it would alone."""

    names: tuple[str, ...] = ()
    parameters = 0

    def __init__(self, share: float) -> None:
        self.share = share

    def forward(self, tensors: LayerTensors, h: Tensor, step: Step) -> Passed:
        """Pass `(g, b, ...)`."""
        del tensors
        if not step.training or self.share == 0:
            return h, lambda error, gradients, input_wanted: error
        keep = 1 - self.share
        noise = h.new_zeros(h.shape)
        streams = zip(step.record_counts, step.generators, strict=True)
        for i, (count, generator) in enumerate(streams):
            noise[i, :count].bernoulli_(keep, generator=generator)
        if keep > 0:
            noise /= keep  # so that the expected value stays, and answering scales nothing
        return h * noise, lambda error, gradients, input_wanted: error * noise


class BatchNorm:
    """Batch normalisation over records (and places of images): weight, bias, mean, variance, count.

    What fills up a step has no part in its means.
    """

    parameters = 2

    def __init__(self, names: tuple[str, ...], eps: float, momentum: float) -> None:
        self.names, self.eps, self.momentum = names, eps, momentum

    def forward(self, tensors: LayerTensors, h: Tensor, step: Step) -> Passed:
        """Pass `(g, b, channels)` or `(g, b, channels, height, width)`."""
        axes = (1, *range(3, h.ndim))
        weight, bias, mean, variance = (self._broadcast(a, h) for a in tensors[:4])
        if not step.training:
            return (h - mean) * ((variance + self.eps).rsqrt() * weight) + bias, None
        mask = (
            None if step.present is None else step.present.view(*h.shape[:2], *[1] * (h.ndim - 2))
        )
        places = h[0, 0, 0].numel()
        count = h.new_tensor([places * c for c in step.record_counts]).view(-1, *[1] * (h.ndim - 1))
        mean = _masked_sum(h, mask, axes) / count
        centred = h - mean
        variance = _masked_sum(centred * centred, mask, axes) / count
        scale = (variance + self.eps).rsqrt()
        unit = centred.mul_(scale)
        # Torch normalises by the biased variance and remembers the unbiased one.
        self._update_running(tensors, mean, variance * (count / (count - 1).clamp_(min=1)))

        def back(error: Tensor, gradients: LayerTensors, input_wanted: bool) -> Tensor | None:  # noqa: FBT001
            error = error if mask is None else error * mask
            of_bias = error.sum(axes, keepdim=True)
            of_weight = (error * unit).sum(axes, keepdim=True)
            step.add(gradients[0], of_weight.view_as(gradients[0]))
            step.add(gradients[1], of_bias.view_as(gradients[1]))
            if not input_wanted:
                return None
            # Less what moves the mean and the variance of the batch (Ioffe and Szegedy, 2015).
            out = (error - of_bias / count - unit * (of_weight / count)) * (scale * weight)
            return out if mask is None else out * mask

        return unit * weight + bias, back

    def _update_running(self, tensors: LayerTensors, mean: Tensor, variance: Tensor) -> None:
        tensors[2].lerp_(mean.view_as(tensors[2]), self.momentum)
        tensors[3].lerp_(variance.view_as(tensors[3]), self.momentum)
        tensors[4].add_(1)

    def _broadcast(self, a: Tensor, h: Tensor) -> Tensor:
        return a.view(len(a), 1, -1, *[1] * (h.ndim - 3))


def _masked_sum(h: Tensor, mask: Tensor | None, axes: tuple[int, ...]) -> Tensor:
    return (h if mask is None else h * mask).sum(axes, keepdim=True)


class Flatten:
    """Turn every record into one row."""

    names: tuple[str, ...] = ()
    parameters = 0

    def forward(self, tensors: LayerTensors, h: Tensor, step: Step) -> Passed:
        """Pass `(g, b, ...)` to `(g, b, d)`."""
        del tensors, step
        return h.flatten(2), lambda error, gradients, input_wanted: error.reshape(h.shape)


# ---- what autograd carries back ------------------------------------------------------------------


class Traced:
    """A layer whose errors autograd carries back; `apply(tensors, h)` passes `(g, b, ...)`."""

    def __init__(
        self, names: tuple[str, ...], apply: Callable[[LayerTensors, Tensor], Tensor]
    ) -> None:
        self.names, self.parameters, self.apply = names, len(names), apply
        self.activation = ""  # what it is called, where a linear layer in front can do it

    def forward(self, tensors: LayerTensors, h: Tensor, step: Step) -> Passed:
        """Pass `(g, b, ...)`."""
        torch = need_torch()
        if not step.training:
            return self.apply(tensors, h), None
        differentiable = h.is_floating_point()  # numbers of words are not
        with torch.enable_grad():
            leaf = h.detach().requires_grad_(differentiable)
            leaves: list[Tensor] = [a.detach().requires_grad_() for a in tensors]
            out = self.apply(leaves, leaf)

        def back(error: Tensor, gradients: LayerTensors, input_wanted: bool) -> Tensor | None:  # noqa: FBT001
            inputs = [*leaves, leaf] if input_wanted and differentiable else leaves
            results: list[Tensor] = list(torch.autograd.grad(out, inputs, error)) if inputs else []
            for total, gradient in zip(gradients, results, strict=False):
                step.add(total, gradient)
            return results[-1] if input_wanted and differentiable else None

        return out.detach(), back


def apply_per_record(function: Callable[[Tensor], Tensor]) -> Traced:
    """Pass every record through something without parameters (pooling, activations)."""

    def apply(tensors: LayerTensors, h: Tensor) -> Tensor:
        del tensors
        result: Tensor = function(h.flatten(0, 1)).unflatten(0, h.shape[:2])
        return result

    return Traced((), apply)


def batched_convolution(names: tuple[str, ...], layer: nn.Conv2d) -> Traced:
    """Convolve by one product a network: the patches of all pixels as columns."""
    torch = need_torch()
    size, stride, dilation = layer.kernel_size, layer.stride, layer.dilation
    padding = _padding(layer)

    def apply(tensors: LayerTensors, h: Tensor) -> Tensor:
        g, b, _, height, width = h.shape
        images = torch.nn.functional.pad(h.flatten(0, 1), padding)
        columns = torch.nn.functional.unfold(images, size, dilation, 0, stride)  # (g b, c k k, l)
        columns = columns.unflatten(0, (g, b)).transpose(1, 2).flatten(2)  # (g, c k k, b l)
        weight = tensors[0].flatten(2)
        out = (
            torch.bmm(weight, columns)
            if len(tensors) == 1
            else torch.baddbmm(tensors[1][:, :, None], weight, columns)
        )
        sizes = [  # of the answer; a kernel of k spans d * (k - 1) + 1 pixels
            (n + before + after - d * (k - 1) - 1) // s + 1
            for n, before, after, d, k, s in zip(
                (height, width), padding[2::-2], padding[3::-2], dilation, size, stride, strict=True
            )
        ]
        answer: Tensor = out.unflatten(2, (b, *sizes)).transpose(1, 2)
        return answer

    return Traced(names, apply)


def _padding(layer: nn.Conv2d) -> tuple[int, int, int, int]:
    """Return how many zeros stand left, right, above and below."""
    if layer.padding == "valid":
        return 0, 0, 0, 0
    if layer.padding == "same":
        rows, columns = (
            d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size, strict=True)
        )
        return columns // 2, columns - columns // 2, rows // 2, rows - rows // 2
    high, wide = (int(p) for p in layer.padding)
    return wide, wide, high, high


def embedding_bag(name: str, layer: nn.EmbeddingBag) -> Traced:
    """Sum or average the embedded words `(g, b, length)` of every text."""
    torch = need_torch()
    padding_word, mean = layer.padding_idx, layer.mode == "mean"

    def apply(tensors: LayerTensors, h: Tensor) -> Tensor:
        g, b, _ = h.shape
        vocabulary = tensors[0].shape[1]
        weights = torch.ones_like(h, dtype=tensors[0].dtype)
        if padding_word is not None:
            weights = (h != padding_word).float()
        if mean:
            weights = weights / weights.sum(dim=2, keepdim=True).clamp_(min=1)
        # The tables of all networks are one long table, each begins where the last one ends.
        places = h + vocabulary * torch.arange(g, device=h.device)[:, None, None]
        table = tensors[0].flatten(0, 1)
        out: Tensor = torch.nn.functional.embedding_bag(
            places.flatten(0, 1), table, mode="sum", per_sample_weights=weights.flatten(0, 1)
        )
        answer: Tensor = out.unflatten(0, (g, b))
        return answer

    return Traced((name,), apply)
