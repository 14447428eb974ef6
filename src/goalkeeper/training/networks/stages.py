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

Own = Sequence["Tensor"]  # parameters, then buffers, of one stage: each (g, ...)
Back = Callable[["Tensor", "Own", bool], "Tensor | None"]  # error, gradients, whether it is wanted
Passed = tuple["Tensor", "Back | None"]


@dataclass(eq=False)
class Step:
    """What is particular to one step of g networks.

    Parameters
    ----------
    training
        Whether layers behave as in training.
    counts
        Records of each network; the others up to b only fill up.
    present
        1 for records and 0 for what fills up `(g, b)`; None where nothing does.
    generators
        The random generator of each network.
    kept
        What is in the gradients already counts so much (momentum).
    """

    training: bool = False
    counts: Sequence[int] = ()
    present: Tensor | None = None
    generators: Sequence[Generator] = ()
    kept: float = 0.0

    def add(self, slope: Tensor, gradient: Tensor) -> None:
        """Add a gradient to what is kept of the earlier ones."""
        if self.kept:
            need_torch().add(gradient, slope, alpha=self.kept, out=slope)
        else:
            slope.copy_(gradient)


class Stage(Protocol):
    """A layer of many networks; `names` are its parameters, then its buffers, in the module."""

    names: tuple[str, ...]
    parameters: int  # how many of the names are parameters

    def forward(self, own: Own, h: Tensor, step: Step) -> Passed:
        """Return what leaves the layer, and how errors go back."""
        ...


# ---- layers of numbers ---------------------------------------------------------------------------


class Linear:
    """A linear layer, and the activation behind it; `half` multiplies in bfloat16."""

    def __init__(self, names: tuple[str, ...], bend: str = "", *, half: bool = False) -> None:
        self.names, self.parameters, self.bend, self.half = names, len(names), bend, half

    def forward(self, own: Own, h: Tensor, step: Step) -> Passed:
        """Pass `(g, b, inputs)` to `(g, b, outputs)`."""
        torch = need_torch()
        weight, bias = own[0], own[1][:, None] if len(own) > 1 else None
        if self.half:
            h, weight = h.to(torch.bfloat16), weight.to(torch.bfloat16)
        turned = weight.transpose(1, 2)
        if self.half or bias is None:
            out = torch.bmm(h, turned).float()
            out = out if bias is None else out.add_(bias)
        else:
            out = torch.baddbmm(bias, h, turned)
        out = _apply(self.bend, out)

        def back(error: Tensor, slopes: Own, wanted: bool) -> Tensor | None:  # noqa: FBT001
            error = _slope(self.bend, error, out)
            if bias is not None:
                step.add(slopes[1], error.sum(dim=1))
            if self.half:
                error = error.to(torch.bfloat16)
                step.add(slopes[0], torch.bmm(error.transpose(1, 2), h))
            else:
                slopes[0].baddbmm_(error.transpose(1, 2), h, beta=step.kept)
            return torch.bmm(error, weight).float() if wanted else None

        return out, back


def _apply(bend: str, out: Tensor) -> Tensor:
    if bend == "ReLU":
        return out.relu_()
    if bend == "Tanh":
        return out.tanh_()
    return out.sigmoid_() if bend == "Sigmoid" else out


def _slope(bend: str, error: Tensor, out: Tensor) -> Tensor:
    """Carry an error back through an activation; the error is used up."""
    aten = need_torch().ops.aten
    if bend == "ReLU":
        aten.threshold_backward.grad_input(error, out, 0, grad_input=error)
        return error
    if bend == "Tanh":
        return aten.tanh_backward(error, out)  # type: ignore[no-any-return]
    if bend == "Sigmoid":
        return aten.sigmoid_backward(error, out)  # type: ignore[no-any-return]
    return error


BENDS = ("ReLU", "Tanh", "Sigmoid")  # known by what they give, so applied in place


class Dropout:
    """Zero numbers at random, each network from its own stream, as it would alone."""

    names: tuple[str, ...] = ()
    parameters = 0

    def __init__(self, share: float) -> None:
        self.share = share

    def forward(self, own: Own, h: Tensor, step: Step) -> Passed:
        """Pass `(g, b, ...)`."""
        del own
        if not step.training or self.share == 0:
            return h, lambda error, slopes, wanted: error
        keep = 1 - self.share
        noise = h.new_zeros(h.shape)
        for i, (count, generator) in enumerate(zip(step.counts, step.generators, strict=True)):
            noise[i, :count].bernoulli_(keep, generator=generator)
        if keep > 0:
            noise /= keep
        return h * noise, lambda error, slopes, wanted: error * noise


class BatchNorm:
    """Batch normalisation over records (and places of images): weight, bias, mean, variance, count.

    What fills up a step has no part in its means.
    """

    parameters = 2

    def __init__(self, names: tuple[str, ...], eps: float, momentum: float) -> None:
        self.names, self.eps, self.momentum = names, eps, momentum

    def forward(self, own: Own, h: Tensor, step: Step) -> Passed:
        """Pass `(g, b, channels)` or `(g, b, channels, height, width)`."""
        over = (1, *range(3, h.ndim))
        weight, bias, mean, variance = (self._wide(a, h) for a in own[:4])
        if not step.training:
            return (h - mean) * ((variance + self.eps).rsqrt() * weight) + bias, None
        mask = (
            None if step.present is None else step.present.view(*h.shape[:2], *[1] * (h.ndim - 2))
        )
        places = h[0, 0, 0].numel()
        count = h.new_tensor([places * c for c in step.counts]).view(-1, *[1] * (h.ndim - 1))
        mean = _total(h, mask, over) / count
        away = h - mean
        spread = _total(away * away, mask, over) / count
        scale = (spread + self.eps).rsqrt()
        unit = away.mul_(scale)
        self._remember(own, mean, spread * (count / (count - 1).clamp_(min=1)))

        def back(error: Tensor, slopes: Own, wanted: bool) -> Tensor | None:  # noqa: FBT001
            error = error if mask is None else error * mask
            shift, turn = error.sum(over, keepdim=True), (error * unit).sum(over, keepdim=True)
            step.add(slopes[0], turn.view_as(slopes[0]))
            step.add(slopes[1], shift.view_as(slopes[1]))
            if not wanted:
                return None
            out = (error - shift / count - unit * (turn / count)) * (scale * weight)
            return out if mask is None else out * mask

        return unit * weight + bias, back

    def _remember(self, own: Own, mean: Tensor, variance: Tensor) -> None:
        own[2].lerp_(mean.view_as(own[2]), self.momentum)
        own[3].lerp_(variance.view_as(own[3]), self.momentum)
        own[4].add_(1)

    def _wide(self, a: Tensor, h: Tensor) -> Tensor:
        return a.view(len(a), 1, -1, *[1] * (h.ndim - 3))


def _total(h: Tensor, mask: Tensor | None, over: tuple[int, ...]) -> Tensor:
    return (h if mask is None else h * mask).sum(over, keepdim=True)


class Flatten:
    """Turn every record into one row."""

    names: tuple[str, ...] = ()
    parameters = 0

    def forward(self, own: Own, h: Tensor, step: Step) -> Passed:
        """Pass `(g, b, ...)` to `(g, b, d)`."""
        del own, step
        return h.flatten(2), lambda error, slopes, wanted: error.reshape(h.shape)


# ---- what autograd carries back ------------------------------------------------------------------


class Traced:
    """A layer whose errors autograd carries back; `apply(own, h)` passes `(g, b, ...)`."""

    def __init__(self, names: tuple[str, ...], apply: Callable[[Own, Tensor], Tensor]) -> None:
        self.names, self.parameters, self.apply = names, len(names), apply
        self.bend = ""  # what it is called, where a linear layer in front can do it

    def forward(self, own: Own, h: Tensor, step: Step) -> Passed:
        """Pass `(g, b, ...)`."""
        torch = need_torch()
        if not step.training:
            return self.apply(own, h), None
        numbers = h.is_floating_point()
        with torch.enable_grad():
            entering = h.detach().requires_grad_(numbers)
            held: list[Tensor] = [a.detach().requires_grad_() for a in own]
            out = self.apply(held, entering)

        def back(error: Tensor, slopes: Own, wanted: bool) -> Tensor | None:  # noqa: FBT001
            asked = [*held, entering] if wanted and numbers else held
            found: list[Tensor] = list(torch.autograd.grad(out, asked, error)) if asked else []
            for slope, gradient in zip(slopes, found, strict=False):
                step.add(slope, gradient)
            return found[-1] if wanted and numbers else None

        return out.detach(), back


def per_record(work: Callable[[Tensor], Tensor]) -> Traced:
    """Pass every record through something without parameters (pooling, activations)."""

    def apply(own: Own, h: Tensor) -> Tensor:
        del own
        done: Tensor = work(h.flatten(0, 1)).unflatten(0, h.shape[:2])
        return done

    return Traced((), apply)


def convolution(names: tuple[str, ...], layer: nn.Conv2d) -> Traced:
    """Convolve by one product a network: patches of all places as columns."""
    torch = need_torch()
    size, stride, dilation = layer.kernel_size, layer.stride, layer.dilation
    padding = _padding(layer)

    def apply(own: Own, h: Tensor) -> Tensor:
        g, b, _, height, width = h.shape
        images = torch.nn.functional.pad(h.flatten(0, 1), padding)
        columns = torch.nn.functional.unfold(images, size, dilation, 0, stride)  # (g b, c k k, l)
        columns = columns.unflatten(0, (g, b)).transpose(1, 2).flatten(2)  # (g, c k k, b l)
        weight = own[0].flatten(2)
        out = (
            torch.bmm(weight, columns)
            if len(own) == 1
            else torch.baddbmm(own[1][:, :, None], weight, columns)
        )
        places = [
            (n + before + after - d * (k - 1) - 1) // s + 1
            for n, before, after, d, k, s in zip(
                (height, width), padding[2::-2], padding[3::-2], dilation, size, stride, strict=True
            )
        ]
        answer: Tensor = out.unflatten(2, (b, *places)).transpose(1, 2)
        return answer

    return Traced(names, apply)


def _padding(layer: nn.Conv2d) -> tuple[int, int, int, int]:
    """Zeros left, right, above and below."""
    if layer.padding == "valid":
        return 0, 0, 0, 0
    if layer.padding == "same":
        reach = [d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]
        return reach[1] // 2, reach[1] - reach[1] // 2, reach[0] // 2, reach[0] - reach[0] // 2
    high, wide = (int(p) for p in layer.padding)
    return wide, wide, high, high


def bag(name: str, layer: nn.EmbeddingBag) -> Traced:
    """Sum or average the embedded words `(g, b, length)` of every text."""
    torch = need_torch()
    lone, mean = layer.padding_idx, layer.mode == "mean"

    def apply(own: Own, h: Tensor) -> Tensor:
        g, b, _ = h.shape
        vocabulary = own[0].shape[1]
        weights = (
            (h != lone).float() if lone is not None else torch.ones_like(h, dtype=own[0].dtype)
        )
        if mean:
            weights = weights / weights.sum(dim=2, keepdim=True).clamp_(min=1)
        places = h + vocabulary * torch.arange(g, device=h.device)[:, None, None]
        table = own[0].flatten(0, 1)
        out: Tensor = torch.nn.functional.embedding_bag(
            places.flatten(0, 1), table, mode="sum", per_sample_weights=weights.flatten(0, 1)
        )
        answer: Tensor = out.unflatten(0, (g, b))
        return answer

    return Traced((name,), apply)
