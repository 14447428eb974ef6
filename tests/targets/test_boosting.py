"""XGBoost and LightGBM have scikit-learn's methods and so are targets like its own models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from goalkeeper.core.data import Data
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.power import View
from goalkeeper.targets import SklearnTarget
from goalkeeper.targets.checks import preflight
from goalkeeper.training import SklearnTrainer

DOMAIN = TableDomain(columns=tuple(Column(name=f"c{i}") for i in range(4)))


def xgboost() -> Any:
    return pytest.importorskip("xgboost").XGBClassifier(n_estimators=20, max_depth=3, n_jobs=1)


def lightgbm() -> Any:
    module = pytest.importorskip("lightgbm")
    return module.LGBMClassifier(n_estimators=20, max_depth=3, n_jobs=1, verbose=-1)


def data(seed: int = 0) -> Data:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(300, 4))
    return Data(x=x, y=(x[:, 0] * x[:, 1] > 0).astype(np.int64))


@pytest.mark.parametrize("make", [xgboost, lightgbm])
def test_boosting_trains_answers_and_repeats(make: Callable[[], Any]) -> None:
    trainer = SklearnTrainer(make(), ["a", "b"], DOMAIN)
    first, second = trainer.fit(data(), 3), trainer.fit(data(), 3)
    assert first.offers >= View.SCORES
    x = data(1)
    got = first.answer(x.x, View.SCORES)
    assert (got.labels == x.y).mean() > 0.8
    np.testing.assert_array_equal(got.scores, second.answer(x.x, View.SCORES).scores)
    assert preflight(first, x.x) == ()


@pytest.mark.parametrize("make", [xgboost, lightgbm])
def test_a_fitted_model_keeps_its_classes(make: Callable[[], Any]) -> None:
    d = data()
    fitted = make().fit(d.x, d.y)
    target = SklearnTarget(fitted, ["no", "yes"], DOMAIN, indexed=True)
    want = fitted.predict_proba(d.x)
    np.testing.assert_allclose(target.answer(d.x, View.SCORES).scores, want, atol=1e-6)


@pytest.mark.parametrize("make", [xgboost, lightgbm])
def test_many_are_trained_on_their_own_rows(make: Callable[[], Any]) -> None:
    trainer = SklearnTrainer(make(), ["a", "b"], DOMAIN)
    d = data()
    masks = np.random.default_rng(0).random((3, 300)) < 0.5
    together = trainer.fit_many(d, masks, [1, 2, 3]).scores(d.x)
    for i, mask in enumerate(masks):
        alone = trainer.fit(d.take(mask), i + 1).answer(d.x, View.SCORES).scores
        np.testing.assert_array_equal(together[i], alone)
