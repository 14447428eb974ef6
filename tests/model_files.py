"""Files of a model as joblib writes them."""

from __future__ import annotations

import io
from typing import Any

import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression


def joblib_file(compress: Any) -> bytes:
    rng = np.random.default_rng(0)
    model = LogisticRegression().fit(rng.random((40, 5)), rng.integers(0, 2, 40))
    stream = io.BytesIO()
    joblib.dump(model, stream, compress=compress)
    return stream.getvalue()
