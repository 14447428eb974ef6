"""A shortcut gives the answers of the model itself, and is not taken where it does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_selector as columns_of
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from goalkeeper.core.answer_costs import CostMeter
from goalkeeper.core.data import Data, Floats
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import DataError, TargetError
from goalkeeper.core.power import View
from goalkeeper.targets import SklearnTarget, shortcuts
from goalkeeper.targets.inputs import prepared
from goalkeeper.training.families import fit_family

WORDS = ("red", "green", "blue")
DOMAIN = TableDomain(
    columns=(
        Column(name="colour", kind="category", categories=WORDS, dtype="str"),
        Column(name="age", kind="integer", low=0, high=90, dtype="int64"),
        Column(name="score", low=-5, high=5, dtype="float64"),
    ),
    named=True,
)


def rows(n: int = 300, seed: int = 0) -> Floats:
    """Draw rows of the domain."""
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.integers(0, 3, n), rng.integers(0, 91, n), rng.normal(size=n)])


def fitted(final: Any, *, unknown: str = "ignore", sparse: bool = True, extra: Any = ()) -> Any:
    """Fit a model behind a preprocessing of columns."""
    x = rows()
    y = ((x[:, 0] == 1) ^ (x[:, 1] > 40) ^ (x[:, 2] > 0.5)).astype(int)
    words = OneHotEncoder(handle_unknown=unknown, sparse_output=sparse)
    made = make_column_transformer(
        (words, columns_of(dtype_exclude=np.number)),
        (StandardScaler(), columns_of(dtype_include=np.number)),
    )
    return make_pipeline(made, *extra, final).fit(prepared(x, DOMAIN), y)


MODELS = {
    "forest": fitted(RandomForestClassifier(20, random_state=0)),
    "forest in threads": fitted(RandomForestClassifier(20, random_state=0, n_jobs=2)),
    "boosting": fitted(HistGradientBoostingClassifier(max_iter=5), sparse=False),
    "linear": fitted(LogisticRegression()),
    "linear, dense": fitted(LogisticRegression(), sparse=False),
}


def target_of(model: Any) -> SklearnTarget:
    """Wrap a model, and ask it until shortcuts are taken."""
    target = SklearnTarget(model, ("no", "yes"), DOMAIN, indexed=True)
    for seed in range(shortcuts.WARM_UP + shortcuts.PROOFS):
        target.answer(rows(20, seed), View.SCORES)
    return target


def forbid(*_: Any) -> Any:
    """Stand in for what a shortcut replaces."""
    raise AssertionError("the model's own preprocessing was called")


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("n", [1, 2, 200])
def test_answers_are_those_of_the_model_and_its_preprocessing_is_not_called(
    name: str, n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, x = MODELS[name], rows(n, 9)
    target = target_of(model)
    expected = model.predict_proba(prepared(x, DOMAIN))
    labels = model.predict(prepared(x, DOMAIN))
    monkeypatch.setattr(type(model[0]), "transform", forbid)
    if "forest" in name:
        monkeypatch.setattr(RandomForestClassifier, "predict_proba", forbid)
    answers = target.answer(x, View.SCORES)
    assert np.abs(answers.scores - expected).max() <= (1e-12 if "threads" in name else 0.0)
    assert np.array_equal(answers.labels, labels)
    assert np.array_equal(target.answer(x, View.LABELS).labels, labels)


ODD = {
    "an unknown word": (0, 7.0),
    "a missing word": (0, np.nan),
    "half a word": (0, 0.5),
    "a negative code": (0, -1.0),
    "a fraction among whole numbers": (1, 3.5),
    "a huge number": (2, 1e300),
    "an infinite number": (2, np.inf),
    "a missing number": (2, np.nan),
}


STRICT = fitted(RandomForestClassifier(3, random_state=0), unknown="error")


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
@pytest.mark.parametrize("unknown", ["ignore", "error"])
@pytest.mark.parametrize("name", ODD)
def test_odd_cells_get_what_the_model_itself_makes_of_them(name: str, unknown: str) -> None:
    model = STRICT if unknown == "error" else MODELS["forest"]
    target, x = target_of(model), rows(5, 9)
    column, cell = ODD[name]
    x[2, column] = cell
    try:
        expected = model.predict_proba(prepared(x, DOMAIN))
    except ValueError as error:
        with pytest.raises(TargetError, match=type(error).__name__):
            target.answer(x, View.SCORES)
    else:
        assert np.array_equal(target.answer(x, View.SCORES).scores, expected)


def test_a_row_that_is_too_short_is_refused_as_ever() -> None:
    with pytest.raises(DataError, match="do not fit a table"):
        target_of(MODELS["forest"]).answer(rows(3)[:, :2], View.LABELS)


def test_a_preprocessing_that_looks_at_other_rows_keeps_its_own_way() -> None:
    centred = FunctionTransformer(lambda made: made - made.mean(axis=0))
    model = fitted(LogisticRegression(), sparse=False, extra=(centred,))
    target, x = target_of(model), rows(7, 9)
    assert getattr(target._features, "_given_up")  # noqa: B009 - typed as any callable
    expected = model.predict_proba(prepared(x, DOMAIN))
    assert np.array_equal(target.answer(x, View.SCORES).scores, expected)


def test_cells_that_are_rounded_keep_their_own_way() -> None:
    narrow = Column(name="score", low=-5, high=5, dtype="float32")
    domain = TableDomain(columns=(*DOMAIN.columns[:2], narrow), named=True)
    frame = prepared(rows(), domain)
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["colour"]), remainder="passthrough"),
        LogisticRegression(max_iter=1000),
    ).fit(frame, np.arange(len(frame)) % 2)
    target = SklearnTarget(model, ("no", "yes"), domain, indexed=True)
    for seed in range(12):
        target.answer(rows(20, seed), View.SCORES)
    assert getattr(target._features, "_given_up")  # noqa: B009 - typed as any callable


class TestShortcut:
    """What a shortcut does, apart from any model."""

    def ask(self, fast: Any, calls: int = 12) -> list[float]:
        """Return what is given for 1, call after call."""
        shortcut = shortcuts.Shortcut(lambda x: x * 2, lambda: fast, lambda a, b: a == b)
        return [float(shortcut(np.ones(1))[0]) for _ in range(calls)]

    def test_it_is_never_taken_where_it_gave_something_else(self) -> None:
        calls: list[int] = []

        def wrong_at_last(x: Any) -> Any:
            calls.append(1)
            return x * 2 if len(calls) < shortcuts.PROOFS else x * 3

        assert self.ask(wrong_at_last) == [2.0] * 12
        assert len(calls) == shortcuts.PROOFS

    def test_it_is_taken_where_it_has_proved_itself(self) -> None:
        answered = iter([2.0] * shortcuts.PROOFS + [5.0] * 100)
        given = self.ask(lambda x: x * next(answered))
        assert given[: shortcuts.WARM_UP + shortcuts.PROOFS] == [2.0] * 8
        assert set(given[8:]) == {5.0}

    def test_what_it_cannot_say_is_asked_in_full(self) -> None:
        assert self.ask(lambda _: None) == [2.0] * 12


def test_the_time_of_an_answer_is_that_of_the_model_itself() -> None:
    target = target_of(MODELS["forest"])
    ticks = iter(range(1000))
    meter = CostMeter.of(target, lambda: float(next(ticks)))
    assert isinstance(meter.target, SklearnTarget)
    assert not isinstance(meter.target._features, shortcuts.Shortcut)
    assert not isinstance(meter.target._probabilities, shortcuts.Shortcut)
    assert len(meter.measure(rows(3)).values) == 3
    assert isinstance(target._features, shortcuts.Shortcut)


def test_texts_and_rows_without_a_frame_are_asked_as_ever() -> None:
    x = rows()
    plain = TableDomain(columns=tuple(Column(name=c) for c in "abc"))
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, x[:, 0] > 1)
    target = SklearnTarget(model, ("no", "yes"), plain, indexed=True)
    assert np.array_equal(target.answer(x, View.SCORES).scores, model.predict_proba(x))
    assert not isinstance(target._features, shortcuts.Shortcut)
    assert isinstance(prepared(x[:1], DOMAIN), pd.DataFrame)


def test_a_family_of_the_attackers_own_gets_the_features_of_its_own_encoder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x = rows()
    data = Data(x=x, y=(x[:, 1] > 40).astype(np.int64))
    model = fit_family("boosting", data, DOMAIN, 0)
    for seed in range(shortcuts.WARM_UP + shortcuts.PROOFS):
        model.margins(rows(20, seed))
    expected, labels = model.model.predict_proba(x), model.model.predict(x)
    monkeypatch.setattr(type(model.model[0]), "transform", forbid)
    assert np.array_equal(model.margins(x), expected)
    assert np.array_equal(model.predict(x), labels)


def test_features_that_are_frames_are_made_by_the_pipeline_itself() -> None:
    encoder = OneHotEncoder(sparse_output=False)
    made = make_column_transformer((encoder, ["colour"]), remainder="passthrough")
    model = make_pipeline(made.set_output(transform="pandas"), LogisticRegression(max_iter=1000))
    model.fit(prepared(rows(), DOMAIN), rows()[:, 2] > 0)
    target, x = SklearnTarget(model, (False, True), DOMAIN), rows(30, seed=2)
    expected = model.predict_proba(prepared(x, DOMAIN))
    for _ in range(shortcuts.WARM_UP + shortcuts.PROOFS + 2):
        assert np.allclose(target.answer(x, View.SCORES).scores, expected)
