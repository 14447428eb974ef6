"""Turn goalkeeper's inputs into what a model was written for."""

from __future__ import annotations

from typing import Any

import numpy as np

from goalkeeper.core.data import Floats, Inputs, Ints
from goalkeeper.core.domain import Domain, ImageDomain, TableDomain, TextDomain
from goalkeeper.core.errors import DataError
from goalkeeper.targets.frames import frame_of


def prepared(x: Inputs, domain: Domain) -> Any:
    """Give the model its own kind of input.

    Texts stay an object array `(n,)`; images are flattened to `(n, pixels)`, in the order and
    the whole numbers of the user's own file; a table stays a
    float array `(n, d)`, or becomes the user's own DataFrame when the domain is `named`: names,
    types, categories and missing cells as pandas gave them. The model may write to what it gets,
    as a scaler with `copy=False` does, and an attack still needs its inputs: they are copied.

    Raises
    ------
    DataError
        The inputs do not have the shape of the domain.
    """
    if isinstance(domain, TextDomain):
        if x.ndim != 1:
            raise DataError(f"texts must come as an array (n,), given shape {x.shape}")
        return _apart(x, x)
    if not isinstance(domain, TableDomain):
        return _apart(_own_numbers(own_order(flatten(x), domain), domain), x)
    rows = np.asarray(x, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != len(domain.columns):
        raise DataError(
            f"rows of shape {rows.shape} do not fit a table of {len(domain.columns)} columns; "
            "give one value for every column of the domain"
        )
    return frame_of(rows, domain) if domain.named else _apart(rows, x)


def _apart(made: Inputs, x: Inputs) -> Inputs:
    """Return what was made of inputs so that who writes to it does not change them."""
    shared = made is x or np.may_share_memory(made, x)
    return np.array(made) if shared or not made.flags.writeable else made


def flatten(x: Inputs) -> Floats:
    """Return images as rows of numbers, `(n, values)`."""
    rows = np.asarray(x, dtype=np.float64)
    return rows.reshape(len(rows), int(np.prod(rows.shape[1:])))  # -1 fails for no images


def own_order(values: Floats, domain: Domain) -> Floats:
    """Put flat images `(..., values)` into the order of the user's own file."""
    if not isinstance(domain, ImageDomain) or not domain.channels_last:
        return values
    return values[..., _places(domain)]


def our_order(values: Floats, domain: Domain) -> Floats:
    """Put what a model has for each value of an image, `(..., values)`, into our own order."""
    if not isinstance(domain, ImageDomain) or not domain.channels_last:
        return values
    return values[..., np.argsort(_places(domain))]


def _places(domain: ImageDomain) -> Ints:
    """Return the place among our values of each value of the file, `(values,)`."""
    ours = np.arange(int(np.prod(domain.shape))).reshape(domain.shape)
    return np.moveaxis(ours, 0, 2).reshape(-1)


def _own_numbers(values: Floats, domain: Domain) -> Any:
    """Give whole numbers as the file has them, unless some value is none of its type."""
    name = domain.dtype if isinstance(domain, ImageDomain) else ""
    if not name or not len(values):
        return values
    kind = np.dtype(name)
    ends = np.iinfo(kind)
    whole = (values == np.round(values)) & (values >= ends.min) & (values <= ends.max)
    return values.astype(kind) if whole.all() else values
