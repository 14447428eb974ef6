"""Adult census income as an application; skipped where the data are not at hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goalkeeper.core.application import Application, Property
from goalkeeper.core.data import PARTS, Data, Splits
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.training import SklearnTrainer, lookalike

ROOT = Path(__file__).parents[2]
FILE = Path(os.environ.get("GOALKEEPER_DATA") or ROOT.parent / "shared" / "data") / "adult.parquet"
NUMBERS = ("age", "education-num", "capital-gain", "capital-loss", "hours-per-week")
CODED = ("workclass", "marital-status", "occupation", "relationship", "race", "sex")


def census(
    estimator: Any, *, train: int, others: int, binary: bool = False, **said: Any
) -> Application:
    """Train on a random sample; `binary`: all columns one-hot, numbers in five ranges."""
    if not FILE.exists():
        pytest.skip("adult.parquet is not at hand; set GOALKEEPER_DATA to the folder it is in")
    import pandas as pd

    weight = ("fnlwgt",) if binary else ()
    frame = pd.read_parquet(FILE).drop_duplicates([*NUMBERS, *CODED, *weight], ignore_index=True)
    frame = frame.sample(frac=1.0, random_state=0).reset_index(drop=True)
    y = frame["label"].to_numpy().astype(np.int64)
    if binary:
        parts = [pd.get_dummies(frame[c]).to_numpy(float) for c in CODED]
        for name in NUMBERS:
            place = pd.cut(
                frame[name], np.unique(np.quantile(frame[name], np.arange(6) / 5)).tolist()
            )
            parts.append(pd.get_dummies(place).to_numpy(float))
        parts.append(frame[["fnlwgt"]].to_numpy(float) / 1e9)  # makes rows differ, says nothing
        x = np.hstack(parts)
        columns = tuple(Column(name=f"b{j}", low=0.0, high=1.0) for j in range(x.shape[1]))
    else:
        codes = [pd.Categorical(frame[c]) for c in CODED]
        plain = [frame[c].to_numpy(float) for c in NUMBERS]
        x = np.column_stack([*plain, *(c.codes.astype(float) for c in codes)])
        columns = (
            *(Column(name=c) for c in NUMBERS),
            *(
                Column(name=n, kind="category", categories=tuple(map(str, c.categories)))
                for n, c in zip(CODED, codes, strict=True)
            ),
        )
    kept = np.sort(np.unique(x, axis=0, return_index=True)[1])
    x, y, frame = x[kept], y[kept], frame.iloc[kept]
    beside = {c: frame[c].astype(str).to_numpy(dtype=object) for c in ("sex", "race")}
    everything = Data(x=x, y=y, columns=beside)
    edges = np.cumsum([0, train, others, others, others])
    ends = zip(PARTS, edges, edges[1:], strict=False)  # train comes first
    data = Splits(**{part: everything.take(slice(start, stop)) for part, start, stop in ends})
    domain = TableDomain(columns=columns)
    trainer = SklearnTrainer(estimator, ("low", "high"), domain)
    return Application(
        name="census",
        target=trainer.fit(data.train, 0),
        data=data,
        domain=domain,
        classes=("low", "high"),
        trainer=trainer,
        lookalike=lookalike(trainer),
        **said,
    )


WOMEN = Property(name="women", column="sex", value="Female", shares=(0.3, 0.5))
