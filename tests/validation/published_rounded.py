"""Linear models behind rounded scores, on public data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from goalkeeper.core.power import View
from tests.public_data import FOLDER
from tests.validation.rows import Finding, Row

SPAMBASE = "spambase.parquet"


@dataclass(frozen=True)
class Rounded:
    """Copy logistic regression from scores of so many decimals; `least` must be answered alike."""

    data: str
    decimals: int
    least: float

    def __call__(self, cases: int, rng: np.random.Generator) -> Finding:
        """Count the inputs of the whole data set that the copy answers as the model does."""
        from tests.attacks.extraction.doors import Coarse, around
        from tests.attacks.extraction.test_score_forms import stolen, world

        x, y = read(self.data)
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
        app = world(model, x, y)
        coarse = around(Coarse(app.target, self.decimals), app.domain, len(app.classes))
        copy, spent = stolen(coarse)
        same = int((copy.predict(x) == app.target.answer(x, View.LABELS).labels).sum())
        return Finding(
            measured=f"{same / len(x):.2%} of {len(x):,} answered alike, with {spent:,} queries",
            cases=len(x),
            passed=same >= self.least * len(x),
        )


def read(name: str) -> tuple[Any, Any]:
    """Read inputs and classes."""
    if name == "digits":
        digits = load_digits()
        return digits.data, digits.target
    import pandas as pd

    frame = pd.read_parquet(FOLDER / SPAMBASE)
    return frame.drop(columns="label").to_numpy(float), frame["label"].to_numpy(np.int64)


def _row(data: str, decimals: int, least: float, claim: str) -> Row:
    return Row(
        section="Published figures",
        name=f"logistic regression on {data}, from scores of {decimals} decimals",
        claim=claim,
        measure=Rounded(data, decimals, least),
        full=1,
        about=("src/goalkeeper/attacks/extraction", "src/goalkeeper/games/extraction"),
        needs=() if data == "digits" else (SPAMBASE,),
    )


WHOLE = "all answers (least squares on boundary points, measured: all with 1,536 queries)"
ROWS = (
    _row("spambase", 2, 1.0, WHOLE),
    _row("spambase", 3, 1.0, WHOLE),
    _row("digits", 3, 0.85, "at least 85 % (least squares on boundary points, measured: 75 to 89)"),
)
