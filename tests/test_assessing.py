"""The assessment as a whole: how well the application works before any attack."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import beta

from goalkeeper.assessing import baseline
from goalkeeper.core.application import Answers, Application
from goalkeeper.core.data import Data, Inputs, Splits
from goalkeeper.core.errors import DataError
from goalkeeper.core.power import View
from tests.attacks.membership.gaussian import application


class Sign:
    """Class 1 where the first column is above 0."""

    offers = View.LABELS

    def answer(self, x: Inputs, view: View) -> Answers:
        return Answers((np.asarray(x)[:, 0] > 0).astype(np.int64))


def app() -> Application:
    """Ten records of two groups: right are 4 of 5 in one, 2 of 5 in the other."""
    made = application(0, n=60)
    x = np.arange(1.0, 11.0)[:, None] * np.ones(made.data.train.x.shape[1])
    y = np.array([1, 1, 1, 1, 0, 1, 1, 0, 0, 0])
    groups = np.array(["old"] * 5 + ["young"] * 5, dtype=object)
    holdout = Data(x=x, y=y, columns={"age": groups})
    parts = {p: getattr(made.data, p) for p in ("train", "calibration", "similar")}
    for part, data in parts.items():
        parts[part] = replace(data, columns={"age": np.full(len(data), "old", dtype=object)})
    splits = Splits(holdout=holdout, **parts)
    return replace(made, target=Sign(), data=splits, subgroups=("age",))  # type: ignore[arg-type]


@pytest.mark.requirement("S21", "S52")
def test_accuracy_is_given_on_every_slice_with_its_interval() -> None:
    rows = {row.slice: row for row in baseline(app())}
    counts = {name: (round(row.value * row.n), row.n) for name, row in rows.items()}
    assert counts["all"] == (6, 10)
    assert counts["age old"] == (4, 5)
    assert counts["age young"] == (2, 5)
    assert sum(n for name, (_, n) in counts.items() if name.startswith("class")) == 10
    for name, (k, n) in counts.items():
        low = 0.0 if k == 0 else beta.ppf(0.025, k, n - k + 1)
        high = 1.0 if k == n else beta.ppf(0.975, k + 1, n - k)
        assert (rows[name].low, rows[name].high) == pytest.approx((low, high))


def test_nothing_to_measure_on_is_an_error() -> None:
    whole = app()
    empty = Splits(
        train=whole.data.train,
        holdout=whole.data.holdout.take(np.empty(0, dtype=np.int64)),
        calibration=whole.data.calibration,
        similar=whole.data.similar,
    )
    with pytest.raises(DataError, match="holdout part is empty"):
        baseline(replace(whole, data=empty))
