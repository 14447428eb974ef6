"""Other ways to a gradient, where the network's own is hidden.

A network may be easily misled and still show a gradient that leads nowhere: behind rounding, a
saturated last function, a detached part, a backward pass of its own, or noise. The answers are the
same, so an attacker who holds the network goes round what hides it (Athalye, Carlini, Wagner 2018,
Obfuscated gradients give a false sense of security, ICML: backward pass differentiable
approximation, expectation over transformation).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from goalkeeper.core.asking import MOST_FAILING
from goalkeeper.core.errors import TargetError

if TYPE_CHECKING:
    from torch import Tensor

Network = Callable[["Tensor"], "Tensor"]

LINEAR = frozenset({"linear", "addmm", "matmul", "mm", "__matmul__", "conv2d", "bilinear"})
ROUNDING = frozenset({"round", "floor", "ceil", "trunc", "fix", "sign", "quantize_per_tensor"})
CONVERTING = frozenset({"to", "type", "int", "long", "short", "byte", "char"})
# What a module may raise on an input.
RAISED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TargetError,
    TypeError,
    ValueError,
)
PASSES = 16  # over which the answers of a network that answers at random are averaged
DIRECTIONS = 64  # pairs of points by which a gradient is estimated
WIDTH = 0.05  # distance of these points, in shares of the range of values: wider than most steps


def guard_rows(network: Network, classes: int) -> Network:
    """Return a network that gives NaN to an input on which it raises, and answers the others.

    After 20 inputs of a batch that fail alone, with no answer in between, the rest of the batch
    gets NaN, too.
    """
    import torch

    def guarded(x: Tensor) -> Tensor:
        found: dict[int, Tensor] = {}  # by the first row of each part
        answers, failures, waiting = 0, 0, [slice(0, len(x))]
        while waiting:
            rows = waiting.pop()
            size = rows.stop - rows.start
            try:
                found[rows.start] = network(x[rows])
                answers += size
            except RAISED:
                failures += size <= 1
                if size <= 1 or (failures >= MOST_FAILING and not answers):
                    found[rows.start] = x.new_full((size, classes), torch.nan)
                else:
                    middle = rows.start + size // 2
                    waiting += [slice(middle, rows.stop), slice(rows.start, middle)]
        parts = [found[first] for first in sorted(found)]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    return guarded


def pass_straight(network: Network) -> Network:
    """Return a network whose gradient ignores rounding, and reaches what is detached.

    Its answers are the same: rounding counts as the identity on the way back only.
    """

    def straight(x: Tensor) -> Tensor:
        with _straight():
            return network(x)

    return straight


def stop_before_head(network: Network, classes: int) -> Network:
    """Return what the last linear layer of a network gives, one column for each class.

    What follows it (a temperature, a softmax that saturates, rounding, argmax) is left out. The
    caller checks whether the largest column is still the answer.

    The network returned raises ValueError where no layer gives such columns.
    """
    import torch

    def inner(x: Tensor) -> Tensor:
        with _straight() as mode:
            network(x)
        wide = (classes, 1) if classes == 2 else (classes,)
        found = [y for y in mode.layers if y.ndim == 2 and len(y) == len(x) and y.shape[1] in wide]
        if not found:
            raise ValueError(f"no layer of the network gives {classes} columns")
        logits: Tensor = found[-1].to(x.device)
        if logits.shape[1] < classes:  # one column towards class 1
            return torch.cat([-logits / 2, logits / 2], dim=1)
        return logits

    return inner


def average_passes(network: Network) -> Network:
    """Return the mean of several passes: expectation over the network's own randomness."""

    def averaged(x: Tensor) -> Tensor:
        total = network(x)
        for _ in range(PASSES - 1):
            total = total + network(x)
        return total / PASSES

    return averaged


def estimate_slopes(network: Network, span: float) -> Network:
    """Return a network whose gradient is estimated from answers about points around an input.

    Central differences along random directions (Spall 1992, simultaneous perturbation), at a
    distance that smooths steps and ripples; `span` is the range of values. All inputs of a batch
    share the directions of a pass, so that results do not depend on how a batch is cut.
    """
    import torch

    calls = [0]

    class Estimated(torch.autograd.Function):
        """The answers of the network, and the estimated product with its Jacobian."""

        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            return network(x).detach()

        @staticmethod
        def backward(ctx: Any, *gradients: Tensor) -> Tensor:
            (x,), (outer,) = ctx.saved_tensors, gradients
            generator = torch.Generator().manual_seed(calls[0])
            calls[0] += 1
            total = torch.zeros_like(x)
            with torch.no_grad():
                for _ in range(DIRECTIONS):
                    drawn = torch.randint(0, 2, x.shape[1:], generator=generator)
                    way = (2.0 * drawn - 1).to(x)
                    step = WIDTH * span * way
                    rise = ((network(x + step) - network(x - step)) * outer).sum(dim=1)
                    total += rise.reshape(-1, *[1] * (x.ndim - 1)).to(x) * way
            return total / (2 * WIDTH * span * DIRECTIONS)

    def estimated(x: Tensor) -> Tensor:
        found: Tensor = Estimated.apply(x)  # type: ignore[no-untyped-call]
        return found

    return estimated


def _straight() -> Any:
    """Return a context in which rounding, detaching and `no_grad` leave the gradient as it is."""
    import torch

    class Straight(torch.overrides.TorchFunctionMode):
        """Keeps what linear layers give, in `layers`."""

        def __init__(self) -> None:
            super().__init__()
            self.layers: list[Tensor] = []

        def __torch_function__(
            self, function: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            del types
            name = str(getattr(function, "__name__", "")).rstrip("_")
            if name == "_set_grad_enabled":
                return None
            made = function(*args, **(kwargs or {}))
            given = args[0] if args else None
            if not isinstance(given, torch.Tensor) or not isinstance(made, torch.Tensor):
                return made
            if name in LINEAR:
                self.layers.append(made)
            if name == "detach":
                return given
            hides = name in ROUNDING or (name in CONVERTING and not made.is_floating_point())
            if hides and given.is_floating_point() and made.shape == given.shape:
                return given + (made.to(given.dtype) - given).detach()
            return made

    return Straight()
