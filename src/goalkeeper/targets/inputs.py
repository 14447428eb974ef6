"""Turn goalkeeper's inputs into what a model was written for."""

from __future__ import annotations

from typing import Any

import numpy as np

from goalkeeper.core.data import Inputs
from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.core.errors import DataError
from goalkeeper.targets.frames import frame_of


def prepared(x: Inputs, domain: Domain) -> Any:
    """Give the model its own kind of input.

    Texts stay an object array `(n,)`; images are flattened to `(n, pixels)`; a table stays a
    float array `(n, d)`, or becomes the user's own DataFrame when the domain is `named`: names,
    types, categories and missing cells as pandas gave them. The model may write to what it gets,
    as a scaler with `copy=False` does: read-only inputs, which are the application's records, are
    copied.

    Raises
    ------
    DataError
        The inputs do not have the shape of the domain.
    """
    if isinstance(domain, TextDomain):
        if x.ndim != 1:
            raise DataError(f"texts must come as an array (n,), given shape {x.shape}")
        return _writable(x)
    if not isinstance(domain, TableDomain):
        return _writable(np.asarray(x, dtype=np.float64).reshape(len(x), -1))
    rows = np.asarray(x, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != len(domain.columns):
        raise DataError(
            f"rows of shape {rows.shape} do not fit a table of {len(domain.columns)} columns; "
            "give one value for every column of the domain"
        )
    return frame_of(rows, domain) if domain.named else _writable(rows)


def _writable(x: Inputs) -> Inputs:
    return x if x.flags.writeable else np.array(x)
