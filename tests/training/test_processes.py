"""Training in processes: one copy of the data, one thread each, and nothing else changes."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_info
from xgboost import XGBClassifier

import goalkeeper as gk
from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.data import Bools, Data
from goalkeeper.core.domain import Domain
from goalkeeper.core.errors import DataError, TargetError
from goalkeeper.core.power import View
from goalkeeper.targets import SklearnTarget
from goalkeeper.training import FunctionTrainer, SklearnTrainer, one_by_one, preprocessing
from tests.training.samples import TEXT, rows, subsets, table, texts

TWO = ComputeSettings(jobs=2)
CLASSES = ("a", "b")

ESTIMATORS: dict[str, Any] = {
    "tree": DecisionTreeClassifier(),
    "forest": RandomForestClassifier(n_estimators=8, n_jobs=-1),
    "extra trees": ExtraTreesClassifier(n_estimators=8),
    "boosting": HistGradientBoostingClassifier(max_iter=8),
    "xgboost": XGBClassifier(n_estimators=8, subsample=0.7),
    "lightgbm": LGBMClassifier(n_estimators=8, min_child_samples=2, verbose=-1),
    "scaled": make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss")),
    "normalised": make_pipeline(Normalizer(), StandardScaler(), DecisionTreeClassifier()),
}


def trained(estimator: Any, data: Data, masks: Bools, jobs: int, domain: Domain) -> Any:
    trainer = SklearnTrainer(estimator, CLASSES, domain, compute=ComputeSettings(jobs=jobs))
    return trainer.fit_many(data, masks, range(len(masks)))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_processes_do_not_change_a_single_score(name: str) -> None:
    data = rows()
    masks = subsets(data, models=5)
    alone, shared = (trained(ESTIMATORS[name], data, masks, j, table(6)) for j in (1, 2))
    np.testing.assert_array_equal(alone.scores(data.x), shared.scores(data.x))


@pytest.mark.parametrize("mark", ["", "ä\udc80€ "], ids=["plain", "any letters"])
@pytest.mark.parametrize(
    "front", [CountVectorizer(max_features=20), HashingVectorizer(n_features=64, norm=None)]
)
def test_processes_read_the_same_texts(front: Any, mark: str) -> None:
    data = texts()
    data = replace(data, x=np.array([mark + text for text in data.x], dtype=object))
    masks = subsets(data, models=5)
    estimator = make_pipeline(front, DecisionTreeClassifier(random_state=0))
    alone, shared = (trained(estimator, data, masks, j, TEXT) for j in (1, 2))
    np.testing.assert_array_equal(alone.scores(data.x), shared.scores(data.x))
    assert alone.scores(data.x).std(axis=0).max() > 0


def test_a_function_of_the_user_is_trained_in_processes() -> None:
    def build(x: Any, y: Any, seed: int) -> Any:
        return RandomForestClassifier(n_estimators=4, random_state=seed).fit(x, y)

    data = rows()
    masks = subsets(data, models=4)
    alone, shared = (
        FunctionTrainer(build, CLASSES, table(6), compute=ComputeSettings(jobs=j)).fit_many(
            data, masks, range(4)
        )
        for j in (1, 2)
    )
    np.testing.assert_array_equal(alone.scores(data.x), shared.scores(data.x))


def test_code_of_the_users_files_reaches_processes(tmp_path: Path) -> None:
    """A file that a description names, and one that it imports: no process finds them by name."""
    (tmp_path / "parts_of_a_user.py").write_text("depth = 2\n")
    (tmp_path / "model.py").write_text(
        "import parts_of_a_user\n"
        "from sklearn.tree import DecisionTreeClassifier\n"
        "class Tree(DecisionTreeClassifier):\n"
        "    def fit(self, x, y):\n"
        "        self.max_depth = parts_of_a_user.depth\n"
        "        return super().fit(x, y)\n"
        "def build():\n"
        "    return Tree(random_state=0)\n"
    )
    x = np.random.default_rng(0).normal(size=(120, 3))
    lines = ["a,b,c,label", *(",".join([*map(str, row), str(int(row[0] > 0))]) for row in x)]
    (tmp_path / "records.csv").write_text("\n".join(lines))
    (tmp_path / "application.yaml").write_text(
        "goalkeeper: 1\nname: tree\nclasses: ['0', '1']\nattackers: [customer]\n"
        "data: {file: records.csv, label: label}\nmodel: {build: model.py:build}\n"
        "needs: {integrity: {none: not the point}, availability: {none: not the point}, "
        "confidentiality: {none: not the point}, "
        "privacy: {financial: {level: normal, reason: money}}}\n"
    )
    app = gk.load(tmp_path / "application.yaml")
    trainer = app.trainer
    assert isinstance(trainer, SklearnTrainer)
    data = app.data.train
    masks = subsets(data, models=4)
    made = one_by_one.fit_many(trainer.fit, data, masks, range(4), 2)
    alone = one_by_one.fit_many(trainer.fit, data, masks, range(4), 1)
    np.testing.assert_array_equal(made.scores(data.x), alone.scores(data.x))


# ---- threads ------------------------------------------------------------------------------------


class Spy(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Remembers in which process it was fitted, with how many threads, and from what memory."""

    def __init__(self, n_jobs: int = -1, dies: str = "") -> None:
        self.n_jobs, self.dies = n_jobs, dies

    def fit(self, x: Any, y: Any) -> Spy:
        if self.dies and not (Path(self.dies).exists() and Path(self.dies).suffix == ".once"):
            Path(self.dies).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        self.classes_, self.process_ = np.unique(y), os.getpid()
        self.threads_ = max(pool["num_threads"] for pool in threadpool_info())
        return self

    def predict(self, x: Any) -> Any:
        return np.zeros(len(x), dtype=np.int64)


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_model_has_limit_to_one_thread(jobs: int) -> None:
    data = rows()
    ensemble = trained(Spy(), data, subsets(data, models=6), jobs, table(6))
    models = [ensemble.target(i).model for i in range(6)]
    assert {m.threads_ for m in models} == {1}
    assert {m.n_jobs for m in models} == {1}
    assert (os.getpid() in {m.process_ for m in models}) == (jobs == 1)


def test_threads_are_capped_wherever_they_are_set() -> None:
    inner = make_pipeline(StandardScaler(), RandomForestClassifier(n_jobs=-1))
    # None is one thread for scikit-learn, and every core for others.
    assert one_by_one.limit_to_one_thread(inner).steps[-1][1].n_jobs is None
    boosted_in = make_pipeline(StandardScaler(), LGBMClassifier())
    assert one_by_one.limit_to_one_thread(boosted_in).steps[-1][1].n_jobs == 1
    boosted = one_by_one.limit_to_one_thread(XGBClassifier(nthread=7))
    assert {boosted.n_jobs, boosted.get_params()["nthread"]} == {1}
    plain = MultinomialNB()
    assert one_by_one.limit_to_one_thread(plain) is plain


# ---- failures -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["rows", "texts"])
def test_a_failing_subset_says_the_same_in_processes(kind: str) -> None:
    data = rows() if kind == "rows" else texts()
    masks = subsets(data, models=8)
    masks[[3, 6]] &= data.y == 1
    estimator: Any = make_pipeline(Normalizer(), LogisticRegression())
    if kind == "texts":
        estimator = make_pipeline(HashingVectorizer(n_features=8), LogisticRegression())
    domain = TEXT if kind == "texts" else table(6)
    said = []
    for jobs in (1, 2):
        with pytest.raises(DataError) as caught:
            trained(estimator, data, masks, jobs, domain)
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert said[0].startswith("model 3 of 8: training ")
    assert f"on {masks[3].sum()} records (class 1: {masks[3].sum()}) raised ValueError" in said[0]


def test_a_process_that_dies_once_is_replaced(tmp_path: Path) -> None:
    data = rows()
    spy = Spy(dies=str(tmp_path / "died.once"))
    ensemble = trained(spy, data, subsets(data, models=6), 2, table(6))
    assert (tmp_path / "died.once").exists()
    assert len(ensemble) == 6


def test_processes_that_die_again_end_it(tmp_path: Path) -> None:
    data = rows()
    spy = Spy(dies=str(tmp_path / "died.always"))
    with pytest.raises(TargetError, match=r"died 2 times while models \d to \d of 6.*fewer than 2"):
        trained(spy, data, subsets(data, models=6), 2, table(6))


# ---- what is shared -----------------------------------------------------------------------------


def centred(x: Any) -> Any:
    return x - x.mean(axis=0)


def noisy(x: Any) -> Any:
    return x + np.random.default_rng().normal(size=x.shape)


def broken_for_zero(x: Any) -> Any:
    if (x[:, 0] == 0).any():
        raise ValueError("there is a zero")
    return np.log(np.abs(x) + 1)


def logged(x: Any) -> Any:
    return np.log(np.abs(x) + 1)


def lowered(x: Any) -> Any:
    return np.array([text.lower() for text in x], dtype=object)


def taken(estimator: Any, data: Data, domain: Domain) -> preprocessing.PreprocessedData | None:
    found = preprocessing.preprocess_once(estimator, data, domain, subsets(data))
    return found if isinstance(found, preprocessing.PreprocessedData) else None


def test_preprocessing_that_looks_at_no_other_row_is_done_once() -> None:
    tree = DecisionTreeClassifier()
    front = make_pipeline(FunctionTransformer(logged), Normalizer(), StandardScaler(), tree)
    found = taken(front, rows(), table(6))
    assert found is not None
    assert len(found.steps) == 2
    texts_in = taken(make_pipeline(HashingVectorizer(n_features=8), tree), texts(), TEXT)
    assert texts_in is not None
    assert texts_in.x.shape == (120, 8)


@pytest.mark.parametrize("function", [centred, noisy])
def test_a_function_that_looks_further_is_not_shared(function: Any) -> None:
    front = make_pipeline(FunctionTransformer(function), DecisionTreeClassifier())
    assert taken(front, rows(), table(6)) is None


def test_what_cannot_be_shared_is_left_as_it_is(tmp_path: Path) -> None:
    tree = DecisionTreeClassifier()
    assert taken(tree, rows(), table(6)) is None
    assert taken(make_pipeline(StandardScaler(), tree), rows(), table(6)) is None
    lower = make_pipeline(FunctionTransformer(lowered), CountVectorizer(), tree)
    assert taken(lower, texts(), TEXT) is None
    assert taken(make_pipeline(Normalizer(), tree), rows(), table(6, named=True)) is not None
    cached = make_pipeline(Normalizer(), tree, memory=str(tmp_path))
    assert taken(cached, rows(), table(6)) is None
    as_table = make_pipeline(Normalizer(), tree).set_output(transform="pandas")
    assert taken(as_table, rows(), table(6)) is None


@pytest.mark.parametrize("function", [logged, centred, lowered])
def test_shared_or_not_the_models_are_those_of_the_loop(function: Any) -> None:
    front, tree = FunctionTransformer(function), DecisionTreeClassifier(random_state=3)
    words = function is lowered
    data, domain = (texts(), TEXT) if words else (rows(), table(6))
    middle = CountVectorizer() if words else StandardScaler()
    masks = subsets(data, models=4)
    trainer = SklearnTrainer(make_pipeline(front, middle, tree), CLASSES, domain)
    ensemble = trainer.fit_many(data, masks, range(4))
    for i in range(4):
        single = trainer.fit(data.take(masks[i]), i)
        wanted = single.answer(data.x, View.SCORES).scores
        np.testing.assert_array_equal(ensemble.scores(data.x)[i], wanted)
        found = ensemble.target(i)
        assert isinstance(found, SklearnTarget)
        assert len(found.model.steps) == 3


def test_a_row_that_cannot_be_preprocessed_matters_only_where_it_is() -> None:
    x = rows().x.copy()
    x[7, 0] = 0.0
    data = replace(rows(), x=x)
    masks = subsets(data, models=4)
    masks[:, 7] = False
    estimator = make_pipeline(FunctionTransformer(broken_for_zero), DecisionTreeClassifier())
    assert len(trained(estimator, data, masks, 1, table(6))) == 4
    masks[2, 7] = True
    with pytest.raises(DataError, match=r"model 2 of 4: .*there is a zero"):
        trained(estimator, data, masks, 1, table(6))


class Watched:
    """Rows that tell whether they are mapped from a file."""

    def __init__(self, x: Any) -> None:
        self.x = x

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: Bools) -> tuple[bool, int]:
        return isinstance(self.x, np.memmap), int(self.x[rows].sum())


def test_processes_map_one_copy_of_large_data() -> None:
    x = np.ones(300_000)
    masks = np.arange(300_000) < np.array([[1], [2], [3], [4]])

    def fit(part: Any, seed: int) -> Any:
        return part, seed

    ensemble = one_by_one.fit_many(fit, Watched(x), masks, range(4), 2)
    found: list[Any] = [ensemble.target(i) for i in range(4)]
    assert found == [((True, i + 1), i) for i in range(4)]


def test_texts_are_shared_as_numbers() -> None:
    x = texts().x.copy()
    x[3], x[5] = "", "ä\udc80€"
    data = replace(texts(), x=x)
    packed: Any = one_by_one._encode_texts(data)
    assert (packed.letters.dtype, packed.ends.dtype) == (np.uint8, np.int64)
    mask = np.arange(len(data)) % 3 != 1
    np.testing.assert_array_equal(packed.take(mask).x, data.x[mask])
    np.testing.assert_array_equal(packed.take(mask).y, data.y[mask])
    x[4] = None  # the estimator says what is wrong with that
    data = replace(data, x=x)
    assert one_by_one._encode_texts(data) is data


def test_columns_beside_the_inputs_are_not_sent() -> None:
    data = rows()
    people = np.array([object() for _ in range(len(data))], dtype=object)
    with_people = Data(x=data.x, y=data.y, columns={"person": people})
    seen: list[Data] = []

    def fit(part: Data, seed: int, notes: list[Data]) -> Any:
        notes.append(part)
        return seed

    one_by_one.fit_many(partial(fit, notes=seen), with_people, subsets(data, models=2), [0, 1], 1)
    assert [dict(part.columns) for part in seen] == [{}, {}]
