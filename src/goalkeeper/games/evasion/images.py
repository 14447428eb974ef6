"""Images: how far they may be changed, in three norms, and how they arrive in whole steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Floats, Inputs
from goalkeeper.core.domain import ImageDomain
from goalkeeper.core.errors import DataError
from goalkeeper.core.threats import ImageThreat
from goalkeeper.games.evasion.parts import Constraint

RULE = "the change stays within a small distance, so that people should see the same"
MAX_SIGN_SIDE = 32  # pixels: up to this size, images of one channel are drawings of signs, as MNIST
LINF_OF_SIGNS = 0.3  # of the value range: Madry et al. 2018, MNIST
LINF_OF_PHOTOS = 8 / 255  # of the value range: Madry et al. 2018, CIFAR-10
L2_PER_LINF = 0.3  # times sqrt(values): 0.5 on CIFAR-10 and 2.5 on MNIST, as is usual
MAX_PIXELS = 5  # Su et al. 2019 change 1, 3 and 5
PIXEL_SHARE = 0.005
SLACK = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The values that an image may have: from `low` to `high` in steps of `quantum`.

    A value that an image already had is also possible, on the grid or not.
    """

    low: float = 0.0
    high: float = 1.0
    quantum: float = 1 / 255

    def round_nearest(self, before: Floats, after: Floats) -> Floats:
        """Round to the nearest step; what moved less than half a step did not move."""
        steps = np.round((np.clip(after, self.low, self.high) - self.low) / self.quantum)
        out = np.minimum(self.low + steps * self.quantum, self.high)
        return self._keep_small(before, out)

    def round_towards(self, before: Floats, after: Floats) -> Floats:
        """Round to the nearest step that lies on the side of the value before."""
        place = (np.clip(after, self.low, self.high) - self.low) / self.quantum
        up = after > before
        steps = np.where(up, np.floor(place + 1e-6), np.ceil(place - 1e-6))
        out = np.minimum(self.low + steps * self.quantum, self.high)
        return self._keep_small(
            before, np.where(up, np.maximum(out, before), np.minimum(out, before))
        )

    def _keep_small(self, before: Floats, out: Floats) -> Floats:
        return np.where(np.abs(out - before) < self.quantum / 2, before, out)

    def holds(self, before: Floats, after: Floats) -> Bools:
        """Return which images `(n, ...)` have values of the grid, or those before, only."""
        place = (after - self.low) / self.quantum
        fine = (np.abs(place - np.round(place)) < 1e-6) | (after == before)
        fine |= np.abs(after - self.high) < 1e-6 * self.quantum
        inside = (after >= self.low - SLACK) & (after <= self.high + SLACK)
        return np.asarray((fine & inside).all(axis=tuple(range(1, fine.ndim))))


@dataclass(frozen=True, slots=True, kw_only=True)
class NormBall:
    """Every value of an image may change, by no more than `radius` in all.

    norm: `linf` bounds the largest change of a value, `l2` the Euclidean length of all changes.
    Sizes are in the units of the images.
    """

    rule: ClassVar[str] = RULE
    norm: Literal["linf", "l2"]
    radius: float
    grid: Grid = Grid()

    @property
    def unit(self) -> str:
        """Unit of a change's size."""
        return "Linf distance" if self.norm == "linf" else "L2 distance"

    @property
    def within(self) -> str:
        """The limit in words; the radius in shares of the range of values."""
        share = self.radius / (self.grid.high - self.grid.low)
        return f"at {'Linf' if self.norm == 'linf' else 'L2'} {format_radius(share)}"

    @property
    def most(self) -> float:
        """The largest size allowed."""
        return self.radius

    def size(self, before: Inputs, after: Inputs) -> Floats:
        """Measure each change in float64, `(n,)`."""
        change = flatten(after) - flatten(before)
        if self.norm == "linf":
            return np.asarray(np.abs(change).max(axis=1, initial=0.0))
        return np.asarray(np.sqrt((change**2).sum(axis=1)))

    def allows(self, before: Inputs, after: Inputs) -> Bools:
        """Return which images `(n, ...)` lie on the grid and inside the ball."""
        near = self.size(before, after) <= self.radius + SLACK * (1 + self.radius)
        return np.asarray(near & self.grid.holds(before, after))

    def quantise(self, before: Inputs, after: Inputs) -> Inputs:
        """Round to the nearest steps inside the ball."""
        before, after = np.asarray(before, np.float64), np.asarray(after, np.float64)
        out = self.grid.round_nearest(before, after)
        outside = self.size(before, out) > self.radius
        out[outside] = self.grid.round_towards(before[outside], after[outside])
        return out

    def perturb_randomly(
        self, before: Inputs, sizes: Floats, like: Inputs, rng: np.random.Generator
    ) -> Inputs:
        """Change each image by a size `(n,)`: up or down by chance, or in a random direction.

        A Euclidean change goes away from the limits of the values, so that it keeps its length.
        """
        shape = (-1, *[1] * (before.ndim - 1))
        if self.norm == "linf":
            way = rng.choice([-1.0, 1.0], before.shape) * sizes.reshape(shape)
            return self.quantise(before, before + way)
        way = rng.standard_normal(before.shape)
        length = np.sqrt((flatten(way) ** 2).sum(axis=1))
        way *= (sizes / np.maximum(length, 1e-12)).reshape(shape)
        room = (before + way >= self.grid.low) & (before + way <= self.grid.high)
        return self.quantise(before, before + np.where(room, way, -way))


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelConstraint:
    """At most `pixels` pixels of an image may change, in all channels and by any amount."""

    unit: ClassVar[str] = "pixels changed"
    rule: ClassVar[str] = "all but a few pixels are untouched"
    pixels: int
    grid: Grid = Grid()

    @property
    def within(self) -> str:
        """The limit in words."""
        return f"with at most {self.pixels} pixel{'s' * (self.pixels != 1)} changed"

    @property
    def most(self) -> float:
        """The largest size allowed."""
        return float(self.pixels)

    def size(self, before: Inputs, after: Inputs) -> Floats:
        """Count the pixels that differ in any channel, `(n,)`."""
        differs = (np.asarray(after) != np.asarray(before)).any(axis=1)
        return np.asarray(differs.sum(axis=(1, 2)), dtype=np.float64)

    def allows(self, before: Inputs, after: Inputs) -> Bools:
        """Return which images `(n, ...)` lie on the grid and differ in few pixels."""
        few = self.size(before, after) <= self.pixels
        return np.asarray(few & self.grid.holds(before, after))

    def quantise(self, before: Inputs, after: Inputs) -> Inputs:
        """Round to the nearest steps."""
        return self.grid.round_nearest(
            np.asarray(before, np.float64), np.asarray(after, np.float64)
        )

    def perturb_randomly(
        self, before: Inputs, sizes: Floats, like: Inputs, rng: np.random.Generator
    ) -> Inputs:
        """Set as many pixels as `sizes` `(n,)` says, drawn blindly, to any values."""
        n, channels = before.shape[:2]
        out = flatten(before).reshape(n, channels, before[0, 0].size if n else 0).copy()
        for i, size in enumerate(sizes.astype(int)):
            chosen = rng.choice(out.shape[2], min(size, out.shape[2]), replace=False)
            out[i][:, chosen] = rng.uniform(self.grid.low, self.grid.high, (channels, len(chosen)))
        return self.quantise(before, out.reshape(before.shape))


def format_radius(share: float) -> str:
    """Write a share of the range of values, in steps of 1/255 where it is no round number."""
    steps = round(255 * share)
    short = f"{share:.3g}"
    even = abs(float(short) - share) < SLACK or abs(steps - 255 * share) > 1e-6
    return short if even else f"{steps}/255"


def flatten(x: Inputs) -> Floats:
    """Return images as rows of numbers, `(n, values)`."""
    rows = np.asarray(x, dtype=np.float64)
    return rows.reshape(len(rows), int(np.prod(rows.shape[1:])))  # -1 fails for no images


# ---- limits of an application --------------------------------------------------------------------


def build_norm_ball(app: Application, threat: ImageThreat) -> Constraint:
    """Bound the largest change of a value, or the Euclidean length of the change."""
    domain = _require_images(app)
    span = domain.high - domain.low
    norm: Literal["linf", "l2"] = "l2" if threat.norm == "l2" else "linf"
    radius = _usual_radius(domain, norm) if threat.radius is None else threat.radius * span
    return NormBall(norm=norm, radius=radius, grid=build_grid(domain))


def build_pixel_constraint(app: Application, threat: ImageThreat) -> Constraint:
    """Bound the number of pixels that change."""
    domain = _require_images(app)
    _, height, width = domain.shape
    default = min(MAX_PIXELS, max(1, round(PIXEL_SHARE * height * width)))
    return PixelConstraint(pixels=int(threat.radius or default), grid=build_grid(domain))


def build_grid(domain: ImageDomain) -> Grid:
    """Return the values that images of a domain have."""
    return Grid(low=domain.low, high=domain.high, quantum=domain.quantum)


def _usual_radius(domain: ImageDomain, norm: Literal["linf", "l2"]) -> float:
    """Return the usual radius in the units of the images; at least one step."""
    channels, height, width = domain.shape
    signs = channels == 1 and max(height, width) <= MAX_SIGN_SIDE
    share = LINF_OF_SIGNS if signs else LINF_OF_PHOTOS
    linf = max(share * (domain.high - domain.low), domain.quantum)
    return linf if norm == "linf" else L2_PER_LINF * linf * float(np.sqrt(np.prod(domain.shape)))


def _require_images(app: Application) -> ImageDomain:
    if not isinstance(app.domain, ImageDomain):
        raise DataError(f"norms of images do not bound changes of {app.domain.kind} inputs")
    return app.domain
