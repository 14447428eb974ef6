"""Networks whose gradients mislead although they are easily misled, and honest ones.

All share one small trained network, so that their truth is known: nearly every image of a digit
that it reads rightly is misread within the radius. A masking changes what a gradient shows, and
(nearly) nothing of what is answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

from goalkeeper.core.application import Application
from goalkeeper.core.data import PARTS, Data, Splits
from goalkeeper.core.domain import ImageDomain
from goalkeeper.core.threats import ImageThreat, Threats
from goalkeeper.targets.torch import TorchTarget

RADIUS = 0.2
ROWS = 360  # of each part
CLASSES = tuple(f"digit {k}" for k in range(10))


@cache
def digits() -> Splits:
    """Images of 8 x 8 pixels between 0 and 1, in steps of 1/255."""
    x, y = load_digits(return_X_y=True)
    x = np.round(x / 16 * 255) / 255
    order = np.random.default_rng(0).permutation(len(x))
    images, y = x[order].reshape(-1, 1, 8, 8), y[order].astype(np.int64)
    cuts = [slice(k * ROWS, (k + 1) * ROWS) for k in range(len(PARTS))]
    return Splits(**{p: Data(x=images[cut], y=y[cut]) for p, cut in zip(PARTS, cuts, strict=True)})


def _fitted(network: nn.Module, epochs: int = 60) -> nn.Module:
    data = digits().train
    x, y = torch.tensor(np.array(data.x), dtype=torch.float32), torch.tensor(np.array(data.y))
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    network.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(100):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(x[rows]), y[rows]).backward()
            optimiser.step()
    return network.eval()


def layers(*more: nn.Module, bend: Callable[[], nn.Module] = nn.ReLU) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 48), bend(), *more, nn.Linear(48, 10))


@cache
def base() -> nn.Module:
    torch.manual_seed(0)
    return _fitted(layers())


class Wrapped(nn.Module):
    """The base network with something before it and something after it."""

    def __init__(
        self,
        before: Callable[[Any], Any] | None = None,
        after: Callable[[Any], Any] | None = None,
        inner: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.inner = base() if inner is None else inner
        self.before, self.after = before, after

    def forward(self, x: Any) -> Any:
        z = self.inner(x if self.before is None else self.before(x))
        return z if self.after is None else self.after(z)


# ---- maskings ------------------------------------------------------------------------------------


class _Flip(torch.autograd.Function):
    """The same values, and the opposite gradient."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return -gradients[0]


class _Nothing(torch.autograd.Function):
    """The same values, and no gradient."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return torch.zeros_like(gradients[0])


class _Scrambled(torch.autograd.Function):
    """The same values, and a gradient of another place."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        flat = gradients[0].flatten(1)
        return flat[:, torch.arange(flat.shape[1]).flip(0)].reshape(gradients[0].shape)


def _own_softmax(z: Any) -> Any:
    e = (z - z.amax(dim=1, keepdim=True)).exp()
    return e / e.sum(dim=1, keepdim=True)


def _thermometer(x: Any) -> Any:
    levels = torch.arange(1, 16, dtype=x.dtype, device=x.device) / 16
    return (x[..., None] >= levels).to(x.dtype).mean(dim=-1)


def _jpeg_like(x: Any) -> Any:
    """Round the coefficients of a cosine transform of each image."""
    n = x.shape[-1]
    k = torch.arange(n, dtype=x.dtype)
    basis = torch.cos(torch.pi * (2 * k[None] + 1) * k[:, None] / (2 * n)) * (2 / n) ** 0.5
    basis[0] /= 2**0.5
    made = torch.round((basis @ x @ basis.T) * 8) / 8
    return basis.T @ made @ basis


def _ripple(x: Any) -> Any:
    return x + 0.001 * torch.sin(2000 * x)


class Ensemble(nn.Module):
    """Three members; the gradient of all but a weak one is hidden."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = base()
        torch.manual_seed(3)
        self.weak = layers()

    def forward(self, x: Any) -> Any:
        return self.inner(x).detach() + 0.01 * self.weak(x)


class Silent(nn.Module):
    """A network that computes without gradients, and may answer with one-hot rows."""

    def __init__(self, *, one_hot: bool) -> None:
        super().__init__()
        self.inner, self.one_hot = base(), one_hot

    @torch.no_grad()
    def forward(self, x: Any) -> Any:
        z = self.inner(x)
        return nn.functional.one_hot(z.argmax(1), 10).float() if self.one_hot else z


def masked() -> Mapping[str, Callable[[], nn.Module]]:
    """Every planted masking by its name."""
    return {
        "saturated softmax": lambda: Wrapped(after=lambda z: _own_softmax(2000 * z)),
        "input rounded": lambda: Wrapped(lambda x: torch.round(x * 15) / 15),
        "logits rounded": lambda: Wrapped(after=lambda z: torch.round(z * 2) / 2),
        "gradient flipped": lambda: Wrapped(_Flip.apply),
        "gradient zero": lambda: Wrapped(after=_Nothing.apply),
        "gradient scrambled": lambda: Wrapped(_Scrambled.apply),
        "ripple": lambda: Wrapped(_ripple),
        "thermometer": lambda: Wrapped(_thermometer),
        "jpeg-like": lambda: Wrapped(_jpeg_like),
        "probabilities rounded": lambda: Wrapped(
            after=lambda z: torch.round(torch.softmax(z, 1) * 1000) / 1000
        ),
        "detached branch": Ensemble,
        "bytes": lambda: Wrapped(lambda x: (x * 16).to(torch.uint8).to(x.dtype) / 16),
        "sigmoid saturated": lambda: Wrapped(after=lambda z: torch.sigmoid(z * 50 + 400)),
    }


def randomised() -> Mapping[str, Callable[[], nn.Module]]:
    """Networks that answer at random to a degree."""
    return {
        "noise": lambda: Wrapped(lambda x: x + 0.1 * torch.randn_like(x)),
        "dropout": lambda: Wrapped(lambda x: nn.functional.dropout(x, 0.2, training=True)),
    }


# ---- honest networks -----------------------------------------------------------------------------


def _seeded(make: Callable[[], nn.Module], **how: Any) -> nn.Module:
    torch.manual_seed(1)
    return _fitted(make(), **how)


def convolutions() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip


def honest() -> Mapping[str, Callable[[], nn.Module]]:
    """Networks and harmless variants of them, by their names."""
    return {
        "plain": base,
        "scale 1e6": lambda: Wrapped(after=lambda z: 1e6 * z),
        "shift 1e6": lambda: Wrapped(after=lambda z: z.double() + 1e6),
        "softmax": lambda: nn.Sequential(base(), nn.Softmax(dim=1)),
        "log-softmax": lambda: nn.Sequential(base(), nn.LogSoftmax(dim=1)),
        "float64": lambda: Wrapped(inner=_seeded(layers)).double(),
        "linear": lambda: _seeded(lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 10))),
        "tanh": lambda: _seeded(lambda: layers(bend=nn.Tanh)),
        "sigmoid": lambda: _seeded(lambda: layers(bend=nn.Sigmoid)),
        "gelu": lambda: _seeded(lambda: layers(bend=nn.GELU)),
        "batch norm": lambda: _seeded(lambda: layers(nn.BatchNorm1d(48))),
        "dropout at rest": lambda: _seeded(lambda: layers(nn.Dropout(0.3))),
        "convolutions": lambda: _seeded(convolutions, epochs=15),
        "deep": lambda: _seeded(
            lambda: layers(*[m for _ in range(4) for m in (nn.Linear(48, 48), nn.ReLU())])
        ),
    }


def application(module: nn.Module, radius: float = RADIUS) -> Application:
    """Images of digits read by a module."""
    domain = ImageDomain(shape=(1, 8, 8))
    return Application(
        name="digits",
        target=TorchTarget(module, CLASSES, domain),
        data=digits(),
        domain=domain,
        classes=CLASSES,
        threats=Threats(images=(ImageThreat(norm="linf", radius=radius),)),
    )
