"""A table application from a public data set, with everything a game may want of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, cut
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.training import SklearnTrainer

SHARES = {"train": 0.5, "holdout": 0.2, "calibration": 0.1, "similar": 0.2}


def table(load: Any) -> Application:
    x, y = load(return_X_y=True)
    both = np.unique(np.column_stack([x, y]), axis=0)
    x, y = both[:, :-1], both[:, -1].astype(np.int64)
    bounds = zip(x.min(axis=0), x.max(axis=0), strict=True)
    columns = [Column(name=f"c{j}", low=float(a), high=float(b)) for j, (a, b) in enumerate(bounds)]
    domain = TableDomain(columns=tuple(columns))
    data = cut(Data(x=x, y=y), SHARES)
    classes = tuple(str(label) for label in range(int(y.max()) + 1))
    trainer = SklearnTrainer(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)), classes, domain
    )
    return Application(
        name="table",
        target=trainer.fit(data.train, 0),
        data=data,
        domain=domain,
        classes=classes,
        trainer=trainer,
    )
