"""From arrays of images to inputs: axes, range of values, and what only looks like images."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.data import Floats
from goalkeeper.core.domain import ImageDomain
from goalkeeper.core.errors import DescriptionError
from goalkeeper.describe.document import Document, Key
from goalkeeper.describe.form import ApplicationForm
from goalkeeper.describe.problems import problem
from goalkeeper.describe.raw import Raw

COLOURS = (1, 3, 4)
BYTES = (0.0, 255.0)
UNIT = (0.0, 1.0)
UNCLEAR = 16.0  # up to which integers and floats above 1 may as well be ink in some unit of its own
STEPS = 255
NARROW, LONG = 8, 4  # a sequence: fewer channels than this, and this many times as many steps
KEY: Key = ("data",)


@dataclass(frozen=True, eq=False)
class Pictures:
    """Finds out how the images of a description are stored, and what the model gets."""

    document: Document
    form: ApplicationForm
    raw: Raw
    notes: list[str] = field(default_factory=list)

    def read(self, images: NDArray[Any]) -> tuple[Floats, ImageDomain]:
        """Return images `(n, c, h, w)` in the units of the model, and their domain.

        Raises
        ------
        DescriptionError
            They hold no finite numbers, are no images, or their range has to be stated.
        """
        if images.dtype.kind == "b":
            images = images.astype(np.uint8)
        if images.dtype.kind not in "uif":
            raise self._problem("images hold no numbers", given=str(images.dtype))
        x = images.astype(np.float64)
        flat = x.reshape(len(x), -1)
        odd = ~np.isfinite(flat).all(axis=1)
        if odd.any():
            raise self._problem(
                f"{self.raw.record(int(odd.argmax()))} has values that are no finite numbers",
                given="NaN or infinity",
                advice="correct these images, or take them out",
            )
        last = self._channels_last(images.shape)
        low, high = self._range(images, flat)
        given = self.form.data.range or (low, high)
        moved = (low, high) != given
        if moved:
            x = given[0] + (x - low) / (high - low) * (given[1] - given[0])
            self.notes.append(
                f"the images have values from {low:g} to {high:g}; the model gets them scaled to "
                f"{given[0]:g} to {given[1]:g} (data.range)"
            )
        x = x[:, None] if x.ndim == 3 else np.moveaxis(x, 3, 1) if last else x
        channels, height, width = (int(side) for side in x.shape[1:])
        whole = images.dtype.kind in "ui" and not moved
        domain = ImageDomain(
            shape=(channels, height, width),
            low=given[0],
            high=given[1],
            quantum=(given[1] - given[0]) / STEPS,
            channels_last=last and channels > 1,
            dtype=str(images.dtype) if whole and high > 1 else "",
        )
        return np.ascontiguousarray(x), domain

    def _problem(self, what: str, **details: Any) -> DescriptionError:
        return problem(self.document, KEY, what, **details)

    # ---- axes -------------------------------------------------------------------------------

    def _channels_last(self, shape: tuple[int, ...]) -> bool:
        """Tell whether the colours are the last axis, and note where the shape does not say so."""
        stated = self.form.data.channels
        if len(shape) == 3:
            self._refuse_sequences(shape)
            return False
        if stated is not None:
            return stated == "last"
        first, last = shape[1] in COLOURS, shape[3] in COLOURS
        if first != last:
            if last:
                self.notes.append(
                    "the images have their colours last: functions and estimators get them so, "
                    "torch modules as (n, channels, height, width)"
                )
            return last
        if first:
            self.notes.append(
                f"images of shape {shape} may have their colours first or last: they are taken to "
                "be first, (n, channels, height, width); else say so: `channels: last` under data"
            )
            return False
        self.notes.append(
            f"images of shape {shape} have neither 1, 3 nor 4 channels: the first axis is taken "
            "for the channels; else say so: `channels: last` under data"
        )
        return False

    def _refuse_sequences(self, shape: tuple[int, ...]) -> None:
        narrow = shape[2] < NARROW and shape[1] >= LONG * shape[2]
        if narrow and self.form.input != "image" and self.form.data.range is None:
            raise self._sequences(shape)

    def _sequences(self, shape: tuple[int, ...]) -> DescriptionError:
        return self._problem(
            f"inputs of shape {shape} look like sequences (n, steps, channels), such as sensor "
            "readings or audio, which goalkeeper does not assess yet",
            expected="texts (n,), rows (n, d), images (n, h, w) or (n, c, h, w)",
            given=f"shape {shape}",
            advice="give each sequence as a row of numbers, x.reshape(len(x), -1), with a model "
            "that takes such rows; if these are images, write `input: image` and the range of "
            "their values, `range: [LOW, HIGH]` under data",
        )

    # ---- values -----------------------------------------------------------------------------

    def _range(self, images: NDArray[Any], flat: Floats) -> tuple[float, float]:
        """Find the range of the values in the file; the stated one where they show none."""
        least, most = (float(flat.min()), float(flat.max())) if flat.size else UNIT
        found = UNIT if least >= 0 and most <= 1 else None
        if found is None and least >= 0 and UNCLEAR < most <= BYTES[1]:
            found = BYTES
            if self.form.data.range is None:
                self.notes.append(
                    f"the images have values up to {most:g}: the model gets them as they are, from "
                    "0 to 255; if it was made for other values, say so: `range: [0, 1]` under data"
                )
        if found is not None:
            return found
        stated = self.form.data.range
        if stated is not None:
            self._within(flat, stated)
            return stated
        raise self._unknown(images, flat, least, most)

    def _within(self, flat: Floats, stated: tuple[float, float]) -> None:
        slack = 1e-6 * (stated[1] - stated[0])
        off = ((flat < stated[0] - slack) | (flat > stated[1] + slack)).any(axis=1)
        if off.any():
            row = int(off.argmax())
            raise problem(
                self.document,
                ("data", "range"),
                f"{self.raw.record(row)} has values outside of this range",
                given=f"values from {flat[row].min():g} to {flat[row].max():g}",
                expected=f"values from {stated[0]:g} to {stated[1]:g}",
                advice="widen the range, or correct the images",
            )

    def _unknown(
        self, images: NDArray[Any], flat: Floats, least: float, most: float
    ) -> DescriptionError:
        square = images.ndim == 3 and images.shape[1] == images.shape[2]
        if images.ndim == 3 and not square and least < 0 and self.form.input != "image":
            return self._sequences(images.shape)
        row = int(np.argmax(flat.max(axis=1) - np.minimum(flat.min(axis=1), 0)))
        low, high = (-1, 1) if -1 <= least < 0 and most <= 1 else (least, most)
        if images.dtype == np.uint16:
            low, high = 0, np.iinfo(np.uint16).max
        return self._problem(
            f"the range of the images is not known: {self.raw.record(row)} has values outside of "
            "the range of an image",
            expected="floats from 0 to 1, bytes from 0 to 255, or a stated range",
            given=f"values from {least:g} to {most:g}",
            advice=f"state the range that the model takes: `range: [{low:g}, {high:g}]` under "
            "data; the images are then left as they are",
        )
