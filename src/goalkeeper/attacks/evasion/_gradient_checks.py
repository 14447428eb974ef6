"""Whether the gradient of a network is of use, and which way round a hidden one is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from goalkeeper.attacks.evasion._unmasking import (
    average_passes,
    estimate_slopes,
    pass_straight,
    stop_before_head,
)
from goalkeeper.core.evidence import Control

if TYPE_CHECKING:
    from torch import Tensor

Network = Callable[["Tensor"], "Tensor"]

TRIED = 40  # inputs whose gradient is looked at
STEP = 0.03  # of the range of values: a small step along the sign of the gradient
MIN_SHARE = 0.95  # of the inputs whose margin must rise after that step
COMPARED = 10  # inputs on which gradients are compared with differences of answers
WAYS = 16  # random directions of this comparison
NEAR = 0.01  # of the range of values: length of the differences, in every value
FAR = 0.05  # the same where rounding was passed over, so that several steps are crossed
MIN_AGREEMENT = 0.8  # correlation of gradient and differences that counts as agreement
NAME = "the gradient that was followed leads to other answers"


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientCheck:
    """How many of `n` inputs have a gradient of which kind.

    flat: it is exactly zero. broken: it is not a number, or the network raised. rising: the margin
    rises after a small step along its sign. agreeing of compared: it agrees with differences.
    same: the answers are those of the network itself.
    """

    n: int
    flat: int
    broken: int
    rising: int
    agreeing: int
    compared: int
    same: int

    @property
    def useful(self) -> bool:
        """Whether an attack can follow this gradient."""
        least = MIN_SHARE * self.n
        return (
            self.n - self.flat - self.broken >= least
            and self.rising >= least
            and self.same >= least
            and self.agreeing >= MIN_SHARE * self.compared - 1
        )

    @property
    def words(self) -> str:
        """The counts in words."""
        return (
            f"zero for {self.flat} of {self.n} inputs, not a number for {self.broken}; the margin "
            f"rises after a small step along it for {self.rising} of {self.n}; it agrees with "
            f"differences of answers for {self.agreeing} of {self.compared}"
        )

    def name_masking(self) -> str:
        """Name what likely hides the gradient."""
        if self.broken > (1 - MIN_SHARE) * self.n:
            return "answers that are not numbers"
        if self.flat > (1 - MIN_SHARE) * self.n:
            return "rounding, a saturated last function, or a part that is detached"
        if self.rising < self.n / 4:
            return "a backward pass that differs from the forward pass"
        return "a backward pass that differs from the forward pass, a rough surface, or randomness"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Inspection:
    """The network to climb on, and why this one.

    own: check of the network's own gradient; followed: of the one that is climbed, reached by
    `way` (empty for the own one). varies: the network answers at random. constant: it gives the
    same answer to every input, so that there is nothing to climb.
    """

    network: Network
    own: GradientCheck
    followed: GradientCheck
    way: str
    varies: bool
    constant: bool

    def report(self) -> Control:
        """Return the control on the gradient that was followed."""
        detail = f"the network's own gradient is {self.own.words}"
        if self.constant:
            detail = "the network gives one and the same answer to every input"
            return Control(name=NAME, passed=True, detail=detail)
        if self.own.useful:
            return Control(name=NAME, passed=True, detail=detail)
        found = f"gradients are masked, probably by {self.own.name_masking()}: {detail}"
        if self.varies:
            found = f"the network answers at random: {detail}"
        tried = f"; {self.way} was followed instead: {self.followed.words}" if self.way else ""
        return Control(name=NAME, passed=self.followed.useful, detail=f"{found}{tried}")


def inspect(network: Network, x: Tensor, wanted: Tensor, low: float, high: float) -> Inspection:
    """Check the gradient of a network, and choose another way to one where it is of no use.

    Parameters
    ----------
    network
        Maps inputs to logits `(n, classes)`.
    x
        Inputs `(n, ...)`; the first 40 are looked at.
    wanted
        Answers that count as success, `(n, classes)`.
    low, high
        Range of the values.
    """
    x, wanted, span = x[:TRIED], wanted[:TRIED], high - low
    truth = _answers(network, x)
    varies = not _equal(truth, _answers(network, x))
    constant = not varies and len(x) > 1 and bool((truth == truth[:1]).all())
    own = _check(network, network, x, wanted, span)
    best, way, chosen = own, "", network
    if own.useful or constant:
        ways: Iterator[tuple[str, Network]] = iter(())
    else:
        ways = _list_ways(network, wanted.shape[1], span, varies=varies)
    truth_of = average_passes(network) if varies else network
    for name, candidate in ways:
        # What varies or is estimated differs from any gradient by chance: it need only rise.
        exact = not varies and "estimated" not in name
        found = _check(candidate, truth_of, x, wanted, span, near=FAR if exact else 0.0)
        if _rank(found) > _rank(best):
            best, way, chosen = found, name, candidate
        if best.useful:
            break
    return Inspection(
        network=chosen, own=own, followed=best, way=way, varies=varies, constant=constant
    )


def _list_ways(
    network: Network, classes: int, span: float, *, varies: bool
) -> Iterator[tuple[str, Network]]:
    """Yield ways round a masking with their names, those that cost least first."""
    base, mean = network, ""
    if varies:
        base, mean = average_passes(network), " of the mean of several passes"
        yield f"the gradient{mean}", base
    yield f"the gradient{mean} with rounding passed straight through", pass_straight(base)
    inner = stop_before_head(network, classes)
    inner = average_passes(inner) if varies else inner
    yield f"the gradient{mean} of the last linear layer", inner
    yield f"a gradient{mean} estimated from differences of answers", estimate_slopes(base, span)
    yield (
        f"a gradient{mean} of the last linear layer, estimated from differences",
        estimate_slopes(inner, span),
    )


def _rank(check: GradientCheck) -> tuple[bool, float]:
    return check.useful, min(check.rising, check.same) / max(1, check.n)


def _check(
    network: Network,
    truth: Network,
    x: Tensor,
    wanted: Tensor,
    span: float,
    near: float = NEAR,
) -> GradientCheck:
    """Look at the gradient of the margin: is it there, does it lead upwards, is it the slope.

    near: length of the differences that it is compared with; 0: it is not compared.
    """
    n = len(x)
    nothing = GradientCheck(n=n, flat=0, broken=n, rising=0, agreeing=0, compared=0, same=0)
    try:
        before, gradient = _slope(network, x, wanted)
        after = _margin(_answers(network, x + STEP * span * gradient.nan_to_num().sign()), wanted)
        same = _answers(network, x).argmax(dim=1) == _answers(truth, x).argmax(dim=1)
    except (RuntimeError, ValueError, TypeError, IndexError, AttributeError):
        return nothing  # this way does not fit this network
    flat = gradient.flatten(1).abs().amax(dim=1) == 0
    broken = ~(gradient.flatten(1).isfinite().all(dim=1) & before.isfinite())
    few = min(COMPARED, n) if near else 0
    agreeing = _count_agreeing(network, x[:few], wanted[:few], gradient, near * span)
    return GradientCheck(
        n=n,
        flat=int(flat.sum()),
        broken=int(broken.sum()),
        rising=int(((after > before) & ~flat & ~broken).sum()),
        agreeing=agreeing,
        compared=few,
        same=int(same.sum()),
    )


def _count_agreeing(
    network: Network, x: Tensor, wanted: Tensor, gradient: Tensor, length: float
) -> int:
    """Count the inputs whose gradient predicts differences of answers along random directions."""
    import torch

    if not len(x):
        return 0
    generator = torch.Generator().manual_seed(0)
    told, seen = [], []
    for _ in range(WAYS):
        way = 2.0 * torch.randint(0, 2, x.shape[1:], generator=generator).to(x) - 1
        step = length * way
        up = _margin(_answers(network, x + step), wanted)
        seen.append(up - _margin(_answers(network, x - step), wanted))
        told.append((gradient[: len(x)] * step).flatten(1).sum(dim=1).double())
    one, two = torch.stack(told), torch.stack(seen)
    one, two = one - one.mean(dim=0), two - two.mean(dim=0)
    size = one.norm(dim=0) * two.norm(dim=0)
    correlation = (one * two).sum(dim=0) / size.clamp_min(1e-300)
    return int((correlation > MIN_AGREEMENT).sum())


def _slope(network: Network, x: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Return margin `(n,)` and its gradient `(n, ...)`; zero where there is none."""
    import torch

    x = x.detach().requires_grad_()
    with torch.enable_grad():
        margin = _margin(network(x), wanted)
        if not margin.requires_grad:
            return margin.detach(), torch.zeros_like(x)
        found: tuple[Tensor | None, ...] = torch.autograd.grad(margin.sum(), x, allow_unused=True)
    slope = torch.zeros_like(x) if found[0] is None else found[0].detach()
    return margin.detach(), slope


def _answers(network: Network, x: Tensor) -> Tensor:
    import torch

    with torch.no_grad():
        return network(x).double()


def _margin(logits: Tensor, wanted: Tensor) -> Tensor:
    """Return how far the best wanted logit is ahead of the best other, `(n,)`, in float64."""
    logits, low = logits.double(), float("-inf")
    up = logits.masked_fill(~wanted, low).amax(dim=1)
    return up - logits.masked_fill(wanted, low).amax(dim=1)


def _equal(one: Tensor, other: Tensor) -> bool:
    return bool(((one == other) | (one.isnan() & other.isnan())).all())
