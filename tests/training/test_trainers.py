"""Recipes, seeds, users' functions and generic recipes of the same family."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import TargetError
from goalkeeper.core.power import View
from goalkeeper.training import FunctionTrainer, SklearnTrainer, fit_strategy, lookalike
from goalkeeper.training.recipes import clone_with_seed, describe_recipe
from tests.training.samples import TEXT, rows, subsets, table, texts

AB = ("a", "b")


def naive_filter() -> Any:
    """Build what a user might write."""
    return make_pipeline(CountVectorizer(), MultinomialNB())


def fitted(x: Any, y: Any, seed: int) -> Any:
    """Train what a user might write."""
    return DecisionTreeClassifier(random_state=seed, max_features=1).fit(x, y)


def threshold(x: Any, y: Any, seed: int) -> Any:
    """Return a function that answers."""
    del seed
    middle = float(x[y == 1, 0].mean() + x[y == 0, 0].mean()) / 2
    return lambda rows: (rows[:, 0] > middle).astype(int)


def test_recipes_hold_what_is_not_default_and_no_seed() -> None:
    pipeline = make_pipeline(CountVectorizer(min_df=2), MultinomialNB(alpha=0.5))
    assert describe_recipe(pipeline) == (
        "Pipeline(steps=[('countvectorizer', CountVectorizer(min_df=2)), "
        "('multinomialnb', MultinomialNB(alpha=0.5))])"
    )
    assert describe_recipe(SGDClassifier(random_state=3)) == "SGDClassifier()"
    assert describe_recipe(MultinomialNB(alpha=np.float64(0.5))) == "MultinomialNB(alpha=0.5)"
    assert describe_recipe(MultinomialNB(class_prior=np.ones(2))) != describe_recipe(
        MultinomialNB(class_prior=np.zeros(2))
    )
    assert SklearnTrainer(pipeline, AB, TEXT).recipe == describe_recipe(pipeline)


def test_functions_in_recipes_are_hashed_by_source() -> None:
    one = describe_recipe(CountVectorizer(tokenizer=lambda t: t.split()))
    two = describe_recipe(CountVectorizer(tokenizer=lambda t: t.split(" ")))
    assert one != two
    assert "0x" not in one


def test_every_random_state_is_set() -> None:
    bag = BaggingClassifier(DecisionTreeClassifier(random_state=7), random_state=8)
    first, again, other = clone_with_seed(bag, 1), clone_with_seed(bag, 1), clone_with_seed(bag, 2)
    assert first.get_params()["estimator__random_state"] != 7
    for key in ("random_state", "estimator__random_state"):
        assert first.get_params()[key] == again.get_params()[key]
        assert first.get_params()[key] != other.get_params()[key]
    assert bag.random_state == 8


def test_build_without_arguments_is_an_estimator_trainer() -> None:
    trainer = FunctionTrainer(naive_filter, AB, TEXT)
    assert fit_strategy(trainer).reason.startswith("together: MultinomialNB")
    assert "naive_filter #" in trainer.recipe
    assert "CountVectorizer()" in trainer.recipe
    data = texts()
    target = trainer.fit(data, 0)
    assert target.offers is View.GRADIENTS
    ensemble = trainer.fit_many(data, subsets(data), range(9))
    assert ensemble.scores(data.x).shape == (9, 120, 2)


def test_build_with_data_is_generic() -> None:
    trainer = FunctionTrainer(fitted, AB, table(6))
    assert "only the trainer itself" in fit_strategy(trainer).reason
    data = rows()
    ensemble = trainer.fit_many(data, subsets(data, models=3), [5, 6, 7])
    single = trainer.fit(data.take(subsets(data, models=3)[1]), 6)
    np.testing.assert_array_equal(
        ensemble.scores(data.x)[1], single.answer(data.x, View.SCORES).scores
    )
    assert trainer.recipe == FunctionTrainer(fitted, AB, table(6)).recipe


def test_build_may_return_a_function() -> None:
    target = FunctionTrainer(threshold, AB, table(6)).fit(rows(), 0)
    assert target.offers is View.LABELS
    assert set(target.answer(rows().x, View.LABELS).labels) <= {0, 1}


def test_wrong_functions_are_explained() -> None:
    with pytest.raises(TargetError, match=r"takes \['x', 'y'\]; write build\(\)"):
        FunctionTrainer(lambda x, y: (x, y), AB, TEXT)
    with pytest.raises(TargetError, match="returned int, which has no fit"):
        FunctionTrainer(lambda: 3, AB, TEXT)
    with pytest.raises(TargetError, match="returned int; return a fitted estimator"):
        FunctionTrainer(lambda x, y, seed: 3, AB, table(6)).fit(rows(), 0)
    with pytest.raises(TargetError, match="raised ZeroDivisionError"):
        FunctionTrainer(lambda x, y, seed: 1 / 0, AB, table(6)).fit(rows(), 0)


@pytest.mark.parametrize(
    ("estimator", "names"),
    [
        (
            make_pipeline(CountVectorizer(min_df=3), MultinomialNB(alpha=9)),
            "CountVectorizer MultinomialNB",
        ),
        (
            make_pipeline(TfidfVectorizer(min_df=3), SGDClassifier()),
            "TfidfVectorizer LogisticRegression",
        ),
        (
            make_pipeline(HashingVectorizer(), ComplementNB()),
            "TfidfVectorizer ComplementNB",
        ),
        (
            make_pipeline(TfidfVectorizer(), RandomForestClassifier(max_depth=2)),
            "TfidfVectorizer RandomForestClassifier",
        ),
    ],
)
def test_lookalikes_of_text_models_keep_the_family_and_lose_the_settings(
    estimator: Any, names: str
) -> None:
    similar = lookalike(SklearnTrainer(estimator, AB, TEXT))
    assert isinstance(similar, SklearnTrainer)
    steps = [type(step).__name__ for _, step in similar.estimator.steps]
    assert " ".join(steps) == names
    assert similar.recipe.count("=") <= 2


def test_lookalikes_of_table_models() -> None:
    def of(estimator: Any, domain: Any) -> Any:
        similar = lookalike(SklearnTrainer(estimator, AB, domain))
        assert isinstance(similar, SklearnTrainer)
        return similar

    scaled = of(LogisticRegression(C=7), table(6)).estimator
    assert [type(s) for _, s in scaled.steps] == [StandardScaler, LogisticRegression]
    assert type(of(MultinomialNB(alpha=3), table(6)).estimator) is MultinomialNB
    unknown = lookalike(FunctionTrainer(fitted, AB, table(6)))
    assert fit_strategy(unknown).reason.startswith("together: LogisticRegression")
    similar = lookalike(FunctionTrainer(naive_filter, AB, TEXT))
    assert fit_strategy(similar).reason.startswith("together: Multi")


@pytest.mark.parametrize("named", [True, False])
def test_lookalikes_of_tables_with_categories_can_be_trained(*, named: bool) -> None:
    colour = Column(name="colour", kind="category", categories=("red", "green", "blue"))
    domain = TableDomain(columns=(Column(name="size"), colour), named=named)
    x = rows(d=2).x.copy()
    x[:, 1] = np.arange(len(x)) % 3
    data = replace(rows(d=2), x=x)
    similar = lookalike(FunctionTrainer(fitted, AB, domain))
    target = similar.fit(data, 0)
    assert target.answer(data.x, View.SCORES).scores.shape == (150, 2)


def test_importing_does_not_import_scikit_learn() -> None:
    code = (
        "import sys, goalkeeper.training, goalkeeper.targets; "
        "print([m for m in ('sklearn', 'pandas', 'scipy', 'joblib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
