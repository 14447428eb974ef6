"""What a reading says of features, what it refuses and why, and what can be written back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import KNNImputer, MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import BernoulliNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    PolynomialFeatures,
    StandardScaler,
)

from goalkeeper.core.design import CURVES
from goalkeeper.core.domain import Column, ImageDomain, TableDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View
from goalkeeper.targets import SklearnTarget
from goalkeeper.targets.inputs import prepared
from tests.targets.reading.people import CLASSES, PEOPLE, WORDS, draw, people
from tests.targets.reading.test_agreement import ONE_HOT, agree, columns, expected, read

torch = pytest.importorskip("torch")


def target_of(model: Any, classes: int = 2, domain: TableDomain = PEOPLE) -> SklearnTarget:
    x, y = people(classes)
    return SklearnTarget(model.fit(x, y), CLASSES[:classes], domain)


def no_count(forward: int, backward: int) -> None:
    """Count nothing."""


def test_features_are_named_and_in_the_units_of_the_columns() -> None:
    target = target_of(make_pipeline(columns(), LogisticRegression()))
    known = target.parameters()
    design = known["design"]
    assert design.names == (
        "work = clerk",
        "work = farmer",
        "work = nurse",
        "work = no value",
        "grade = high",
        "grade = low",
        "grade = mid",
        "age",
        "gain",
    )
    x, _ = people()
    features = design.expand([[30, 1, 12.5, 0, 2], [40, np.nan, np.nan, 2, 2]])
    mean = x["gain"].mean()
    assert features[0].tolist() == [0, 1, 0, 0, 0, 1, 0, 30, 12.5]
    np.testing.assert_allclose(features[1], [0, 0, 0, 1, 1, 0, 0, 40, mean])
    own = -target.model[-1].coef_[0]  # its classes are in alphabetical order, those of ours are not
    scale = target.model[0].named_transformers_["n"][-1].scale_
    np.testing.assert_allclose(known["weights"][0, -2:], own[-2:] / scale)
    np.testing.assert_array_equal(known["weights"][0, :7], own[:7])
    assert list(design.columns) == [0, 1, 2, 3]


@pytest.mark.parametrize("classes", [2, 3])
def test_weights_of_features_can_be_written_back(classes: int) -> None:
    target = target_of(make_pipeline(columns(), LogisticRegression()), classes)
    rows, known = draw(60, seed=3, unseen=True), target.parameters()
    same = target.with_parameters(known)
    np.testing.assert_allclose(expected(same, rows), expected(target, rows), atol=1e-9)
    rng = np.random.default_rng(0)
    new = {name: rng.normal(size=known[name].shape) for name in ("weights", "bias")}
    other = target.with_parameters(new)
    np.testing.assert_allclose(other.parameters()["weights"], new["weights"], atol=1e-9)
    np.testing.assert_allclose(read(other, rows), expected(other, rows), atol=1e-9)
    np.testing.assert_allclose(target.parameters()["bias"], known["bias"])


def test_a_row_that_the_model_cannot_answer_has_no_features() -> None:
    target = target_of(make_pipeline(columns(OneHotEncoder()), LogisticRegression()))
    unseen, fine = draw(2, seed=1, gaps=False), draw(1, seed=2, gaps=False)
    unseen[:, 1] = 3
    features = target.parameters()["design"].expand(np.concatenate([unseen, fine]))
    assert np.isnan(features).any(axis=1).tolist() == [True, True, False]


class Halver(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A step of the user's own."""

    def fit(self, x: Any, y: Any = None) -> Halver:
        self.n_features_in_ = x.shape[1]
        return self

    def transform(self, x: Any) -> Any:
        return np.asarray(x) / 2


REFUSED: dict[str, tuple[Any, str]] = {
    "normaliser": (Normalizer(), "through Normalizer: it divides by the length"),
    "products": (PolynomialFeatures(), "through PolynomialFeatures: it multiplies columns"),
    "neighbours": (KNNImputer(), "through KNNImputer: it fills in from the nearest"),
    "own step": (Halver(), "through Halver"),
    "own function": (FunctionTransformer(np.nan_to_num), "FunctionTransformer of nan_to_num"),
    "unknown function": (FunctionTransformer(lambda x: x * 2), "FunctionTransformer of <lambda>"),
    "a clipped range": (MinMaxScaler(clip=True), "through MinMaxScaler"),
    "other gaps": (SimpleImputer(missing_values=-1), "SimpleImputer of numbers with missing_val"),
    "other marks": (MissingIndicator(missing_values=-1), "MissingIndicator of numbers"),
    "after a curve": (
        make_pipeline(FunctionTransformer(np.log1p), SimpleImputer()),
        "SimpleImputer of numbers .* behind a curve",
    ),
    "bins of a mix": (
        make_pipeline(PCA(2), KBinsDiscretizer(2, strategy="uniform")),
        "KBinsDiscretizer behind a step that mixes",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_names_the_step(name: str) -> None:
    step, reason = REFUSED[name]
    words = ("w", OneHotEncoder(handle_unknown="ignore", sparse_output=False), WORDS)
    model = ColumnTransformer([words, ("n", step, ["age", "rooms"])], sparse_threshold=0)
    target = target_of(make_pipeline(model, StandardScaler(with_mean=False), LogisticRegression()))
    assert target.offers is View.LOGITS
    with pytest.raises(NotOffered, match=reason):
        target.parameters()


def test_a_step_that_does_something_else_than_it_says_is_refused() -> None:
    model = make_pipeline(columns(), LogisticRegression())
    target = target_of(model)
    scaler = model[0].named_transformers_["n"][-1]
    scaler.transform = lambda x: np.asarray(x) ** 2
    with pytest.raises(NotOffered, match="does something else with age than its steps say"):
        target.parameters()


def test_dates_may_be_dropped_and_are_not_read() -> None:
    times = (Column(name="since", kind="date", low=0, high=1e9, dtype="datetime64[s]"),)
    domain = replace(PEOPLE, columns=PEOPLE.columns + times)
    rows = np.column_stack([draw(80), np.linspace(0, 1e9, 80).round()])
    x, y = prepared(rows, domain), np.array(CLASSES)[(rows[:, 0] > 50).astype(int)]
    fine = SklearnTarget(
        make_pipeline(columns(), LogisticRegression()).fit(x, y), CLASSES[:2], domain
    )
    np.testing.assert_allclose(read(fine, rows), expected(fine, rows), atol=1e-9)
    year = FunctionTransformer(lambda f: f.apply(lambda s: s.dt.year))
    dated = ColumnTransformer([("w", ONE_HOT, WORDS), ("d", year, ["since"])])
    target = SklearnTarget(
        make_pipeline(dated, StandardScaler(with_mean=False), LogisticRegression()).fit(x, y),
        CLASSES[:2],
        domain,
    )
    with pytest.raises(NotOffered, match="FunctionTransformer"):
        target.parameters()


def test_samplers_and_searches_are_looked_through() -> None:
    pipelines = pytest.importorskip("imblearn.pipeline")
    sampler = pytest.importorskip("imblearn.over_sampling").RandomOverSampler(random_state=0)
    agree(pipelines.make_pipeline(columns(), sampler, LogisticRegression()))
    search = GridSearchCV(
        make_pipeline(columns(), LogisticRegression()), {"logisticregression__C": [0.1, 1]}, cv=2
    )
    target = agree(search)
    known = target.parameters()
    turned = target.with_parameters({**known, "weights": -known["weights"], "bias": -known["bias"]})
    rows = draw(50)
    np.testing.assert_allclose(expected(turned, rows), -expected(target, rows), atol=1e-9)


def test_bernoulli_needs_zeros_and_ones() -> None:
    target = target_of(make_pipeline(columns(), BernoulliNB()))
    with pytest.raises(NotOffered, match="only in inputs that are 0 or 1"):
        target.parameters()


# ---- tables of numbers ------------------------------------------------------------------------


def number_table(model: Any, gaps: int = 0) -> tuple[SklearnTarget, Any]:
    kept = tuple(replace(PEOPLE.columns[j], missing=False) for j in (0, 4, 2))
    domain = TableDomain(columns=kept, named=True)
    rows = np.nan_to_num(draw(120)[:, [0, 4, 2]], nan=30.0)
    if gaps:
        domain = replace(domain, columns=(*kept[:2], replace(kept[2], missing=True)))
        rows[:gaps, 2] = np.nan
    value = rows[:, 0] / 20 - np.nan_to_num(rows[:, 2]) / 10 + rows[:, 1]
    y = np.array(CLASSES)[(value > np.median(value)).astype(int)]
    return SklearnTarget(model.fit(prepared(rows, domain), y), CLASSES[:2], domain), rows


SEPARATE = ColumnTransformer([("m", MinMaxScaler(), ["gain", "age"])], remainder=StandardScaler())


def test_columns_of_numbers_stay_columns_however_they_are_moved() -> None:
    target, rows = number_table(make_pipeline(SEPARATE, LogisticRegression()))
    known = target.parameters()
    assert "design" not in known
    assert known["weights"].shape == (1, 3)
    np.testing.assert_allclose(read(target, rows), expected(target, rows), atol=1e-9)
    same = target.with_parameters(known)
    np.testing.assert_allclose(expected(same, rows), expected(target, rows), atol=1e-9)


def test_what_drops_columns_has_a_design_of_what_is_left() -> None:
    some = ColumnTransformer([("m", MinMaxScaler(), ["gain"])])
    target, rows = number_table(make_pipeline(some, LogisticRegression()))
    assert target.parameters()["design"].names == ("gain",)
    np.testing.assert_allclose(read(target, rows), expected(target, rows), atol=1e-9)


CURVED = ColumnTransformer(
    [("l", make_pipeline(SimpleImputer(), FunctionTransformer(np.log1p)), ["gain"])],
    remainder=MinMaxScaler(),
)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("front", [SEPARATE, CURVED, make_pipeline(SimpleImputer(), PCA(2))])
@pytest.mark.parametrize(
    "final", [LogisticRegression(max_iter=5000), MLPClassifier((4,), max_iter=20, random_state=0)]
)
def test_tables_of_numbers_have_a_torch_form(front: Any, final: Any) -> None:
    target, rows = number_table(make_pipeline(front, final), gaps=0 if front is SEPARATE else 9)
    inputs = torch.as_tensor(rows).requires_grad_()
    logits = target.network(no_count)(inputs)
    scores = target.answer(rows, View.SCORES).scores
    np.testing.assert_allclose(logits.softmax(dim=1).detach().numpy(), scores, atol=1e-9)
    logits[:, 1].sum().backward()
    assert torch.isfinite(inputs.grad).all()


@pytest.mark.parametrize("name", CURVES)
def test_every_curve_is_known_to_torch(name: str) -> None:
    x = np.array([0.3, 1.0, 4.5])
    np.testing.assert_allclose(getattr(torch, name)(torch.as_tensor(x)).numpy(), CURVES[name](x))


def test_bins_and_words_have_no_gradient() -> None:
    bins = make_pipeline(KBinsDiscretizer(3, strategy="uniform"), LogisticRegression())
    target, _ = number_table(bins)
    with pytest.raises(NotOffered, match="cuts numbers into bins"):
        target.network(no_count)
    with pytest.raises(NotOffered, match="takes words"):
        target_of(make_pipeline(columns(), LogisticRegression())).network(no_count)


def test_images_are_read_through_components() -> None:
    rng = np.random.default_rng(0)
    x, domain = rng.random((60, 9)), ImageDomain(shape=(1, 3, 3))
    model = make_pipeline(StandardScaler(), PCA(4), LogisticRegression()).fit(x, x[:, 0] > 0.5)
    target = SklearnTarget(model, (False, True), domain)
    images = x.reshape(60, 1, 3, 3)
    np.testing.assert_allclose(read(target, x), expected(target, images), atol=1e-9)
    with pytest.raises(NotOffered, match="drops or mixes columns"):
        target.with_parameters(target.parameters())
