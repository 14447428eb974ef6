"""Whether seed and order have an effect is found out with as few full trainings as possible."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from goalkeeper.core.application import Application
from goalkeeper.core.data import Data
from goalkeeper.games.steered_training import unfit_order, unfit_seed
from goalkeeper.training import SklearnTrainer
from tests.games.tampering import app_of

RECORDS = 6_000


class Stopping(ExtraTreeClassifier):  # type: ignore[misc]
    """Has a use for its seed only where there are many records, as early stopping does."""

    def fit(self, x: Any, y: Any) -> Any:
        if len(x) < RECORDS:
            self.random_state = 0
        return super().fit(x, y)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many records each training had."""
    sizes: list[int] = []
    fit = SklearnTrainer.fit

    def noted(self: SklearnTrainer, data: Data, seed: int) -> Any:
        sizes.append(len(data))
        return fit(self, data, seed)

    monkeypatch.setattr(SklearnTrainer, "fit", noted)
    return sizes


def with_many_records(estimator: Any, trained: list[int]) -> Application:
    """An application that this process has trained; that training does not count."""
    app = app_of("table")
    rng, width = np.random.default_rng(0), app.data.train.x.shape[1]
    x = rng.normal(size=(RECORDS, width))
    y = (x[:, 0] + rng.normal(size=RECORDS) > 0).astype(np.int64)
    trainer = SklearnTrainer(estimator, app.classes[:2], app.domain)
    data = replace(app.data, train=Data(x=x, y=y))
    target = trainer.fit(data.train, 0)
    trained.clear()
    return replace(app, data=data, trainer=trainer, target=target, classes=app.classes[:2])


def test_an_effect_that_few_records_show_takes_no_full_training(trained: list[int]) -> None:
    app = with_many_records(ExtraTreeClassifier(), trained)
    assert unfit_seed(app) is None
    assert trained
    assert max(trained) < RECORDS / 2


def test_a_closed_form_takes_no_full_training(trained: list[int]) -> None:
    app = with_many_records(LogisticRegression(), trained)
    for unfit in (unfit_seed(app), unfit_order(app)):
        assert unfit is not None
        assert unfit.proven
    assert len(trained) == 3
    assert max(trained) < RECORDS / 2


def test_an_effect_that_few_records_do_not_show_is_found(trained: list[int]) -> None:
    """With one full training: the model of the application is the other."""
    app = with_many_records(Stopping(), trained)
    assert unfit_seed(app) is None
    assert [n for n in trained if n == RECORDS] == [RECORDS]


def test_no_effect_is_proven_with_all_records_where_size_may_matter(trained: list[int]) -> None:
    app = with_many_records(DecisionTreeClassifier(max_depth=1), trained)
    unfit = unfit_seed(app)
    assert unfit is not None
    assert unfit.proven
    assert trained.count(RECORDS) == 2, "another seed, and another order"
