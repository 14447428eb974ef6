"""Nearest neighbours by masks over one matrix of distances equal scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.data import Bools, Data
from goalkeeper.core.errors import DataError
from goalkeeper.core.power import View
from goalkeeper.training import SklearnTrainer, fit_strategy
from tests.training.samples import rows, subsets, table

KINDS: dict[str, dict[str, Any]] = {
    "five": {},
    "one": {"n_neighbors": 1},
    "brute": {"n_neighbors": 3, "algorithm": "brute"},
    "distance": {"weights": "distance", "algorithm": "kd_tree"},
    "distance_brute": {"weights": "distance", "n_neighbors": 7, "algorithm": "brute"},
    "manhattan": {"p": 1, "n_neighbors": 4},
    "manhattan_distance": {"metric": "manhattan", "weights": "distance"},
}


def compare(final: Any, data: Data, masks: Bools, new: Any, memory: int = 1 << 30) -> None:
    classes = [f"k{c}" for c in range(int(data.y.max()) + 1)]
    domain, compute = table(data.x.shape[1]), ComputeSettings(memory=memory)
    trainer = SklearnTrainer(final, classes, domain, compute=compute)
    assert fit_strategy(trainer).reason.startswith("together")
    ensemble = trainer.fit_many(data, masks, range(len(masks)))
    ordinary = [trainer.fit(data.take(mask), 0) for mask in masks]
    # scikit-learn rounds the distance of a record to itself, and weighs by it
    atol = 1e-6 if final.weights == "distance" else 1e-9
    for x in (data.x, new):
        expected = [t.answer(x, View.SCORES) for t in ordinary]
        scores = np.stack([a.scores for a in expected])
        np.testing.assert_allclose(ensemble.scores(x), scores, atol=atol, rtol=0)
        labels = np.stack([a.labels for a in expected])
        np.testing.assert_array_equal(ensemble.labels(x), labels)
    answer = ensemble.target(1).answer(new, View.SCORES)
    np.testing.assert_array_equal(answer.scores, ordinary[1].answer(new, View.SCORES).scores)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_tables_equal_the_loop(kind: str, classes: int) -> None:
    data, new = rows(classes=classes), rows(40, classes=classes, seed=3).x
    compare(KNeighborsClassifier(**KINDS[kind]), data, subsets(data), new)


@pytest.mark.parametrize("kind", KINDS)
def test_ties_are_broken_as_scikit_learn_does(kind: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, size=(200, 3)).astype(np.float64)  # 27 different rows
    data = Data(x=x, y=rng.integers(0, 3, 200))
    new = rng.integers(0, 3, size=(30, 3)) + 0.5
    compare(KNeighborsClassifier(**KINDS[kind]), data, subsets(data), new)


def test_subsets_of_very_different_size() -> None:
    data, new = rows(300), rows(40, seed=3).x
    masks = subsets(data)
    masks[0] = np.arange(300) >= 295  # exactly the number of neighbours
    masks[1] = True
    compare(KNeighborsClassifier(), data, masks, new)


def test_little_memory_changes_nothing() -> None:
    data, new = rows(), rows(40, seed=3).x
    compare(KNeighborsClassifier(), data, subsets(data), new, memory=1)


def test_too_few_records_are_named() -> None:
    data = rows()
    masks = subsets(data)
    masks[4] = np.arange(150) < 3
    trainer = SklearnTrainer(KNeighborsClassifier(), ("a", "b"), table(6))
    with pytest.raises(DataError, match="model 4 of 9 has 3 records, but asks 5 neighbours"):
        trainer.fit_many(data, masks, range(9))


@pytest.mark.parametrize(
    ("final", "said"),
    [
        (KNeighborsClassifier(p=3), "with p=3"),
        (KNeighborsClassifier(metric="cosine"), "with metric='cosine'"),
        (make_pipeline(StandardScaler(), KNeighborsClassifier()), "behind a scaler"),
    ],
)
def test_what_is_not_covered_says_why(final: Any, said: str) -> None:
    strategy = SklearnTrainer(final, ("a", "b"), table(6)).strategy
    assert strategy.kind == "one_by_one"
    assert said in strategy.reason
