"""Naive Bayes on the fast path equals scikit-learn in a loop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.pipeline import make_pipeline

from goalkeeper.core.errors import DataError
from goalkeeper.core.power import View
from goalkeeper.training import SklearnTrainer, fit_strategy
from tests.training.pairs import pairwise
from tests.training.samples import TEXT, counts, loop, subsets, table, texts

FRONTS = {
    "plain": [CountVectorizer()],
    "min_df": [CountVectorizer(min_df=2)],
    "shares": [CountVectorizer(min_df=0.05, max_df=0.6)],
    "at_most_40": [CountVectorizer(max_df=40)],
    "binary_bigrams": [CountVectorizer(ngram_range=(1, 2), binary=True, lowercase=False)],
    "characters": [CountVectorizer(analyzer="char_wb", ngram_range=(2, 3), min_df=3)],
    "stop_words": [CountVectorizer(stop_words=["bala", "giri"], strip_accents="unicode")],
    "tfidf": [TfidfVectorizer()],
    "tfidf_min_df": [TfidfVectorizer(min_df=3, sublinear_tf=True, smooth_idf=False)],
    "tfidf_no_norm": [CountVectorizer(min_df=2), TfidfTransformer(norm=None)],
    "tfidf_no_idf": [TfidfVectorizer(use_idf=False)],
}


@pytest.mark.parametrize(
    ("front", "final", "classes"),
    pairwise(FRONTS, [MultinomialNB(), MultinomialNB(alpha=0.1, fit_prior=False)], [2, 3]),
)
def test_multinomial_on_texts_equals_the_loop(front: str, final: Any, classes: int) -> None:
    data, new = texts(classes=classes), texts(40, classes, seed=5).x
    masks = subsets(data)
    pipeline = make_pipeline(*FRONTS[front], final)
    trainer = SklearnTrainer(pipeline, [f"k{c}" for c in range(classes)], TEXT)
    assert fit_strategy(trainer).reason.startswith("together")
    ensemble = trainer.fit_many(data, masks, range(len(masks)))
    for x in (data.x, new, data.x[[5, 5, 2]]):
        found = ensemble.scores(x)
        np.testing.assert_allclose(found, loop(pipeline, data, masks, x), atol=1e-9, rtol=0)
        np.testing.assert_array_equal(ensemble.labels(x), found.argmax(axis=2))


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("final", [BernoulliNB(), ComplementNB(alpha=0.3), ComplementNB(norm=True)])
@pytest.mark.parametrize("front", ["plain", "min_df", "binary_bigrams"])
def test_other_kinds_on_texts_equal_the_loop(front: str, final: Any, classes: int) -> None:
    data, new = texts(classes=classes), texts(40, classes, seed=5).x
    masks = subsets(data)
    pipeline = make_pipeline(*FRONTS[front], final)
    trainer = SklearnTrainer(pipeline, [f"k{c}" for c in range(classes)], TEXT)
    assert fit_strategy(trainer).reason.startswith("together")
    found = trainer.fit_many(data, masks, range(len(masks))).scores(new)
    np.testing.assert_allclose(found, loop(pipeline, data, masks, new), atol=1e-9, rtol=0)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize(
    "final", [MultinomialNB(alpha=0.5), BernoulliNB(), ComplementNB(), MultinomialNB(alpha=2)]
)
def test_count_tables_equal_the_loop(final: Any, classes: int) -> None:
    data, new = counts(classes=classes), counts(50, classes=classes, seed=3).x
    masks = subsets(data)
    trainer = SklearnTrainer(final, [str(c) for c in range(classes)], table(12))
    assert fit_strategy(trainer).reason.startswith("together")
    found = trainer.fit_many(data, masks, range(len(masks))).scores(new)
    np.testing.assert_allclose(found, loop(final, data, masks, new), atol=1e-9, rtol=0)


def test_fractions_as_counts_equal_the_loop() -> None:
    data = counts()
    data = replace(data, x=data.x * 0.37)
    masks = subsets(data)
    trainer = SklearnTrainer(MultinomialNB(), ("a", "b"), table(12))
    found = trainer.fit_many(data, masks, range(len(masks))).scores(data.x)
    np.testing.assert_allclose(found, loop(MultinomialNB(), data, masks, data.x), atol=1e-9, rtol=0)


def test_targets_are_ordinary_models() -> None:
    data = texts()
    masks = subsets(data)
    trainer = SklearnTrainer(make_pipeline(CountVectorizer(), MultinomialNB()), ("a", "b"), TEXT)
    ensemble = trainer.fit_many(data, masks, range(len(masks)))
    assert len(ensemble) == len(masks)
    target = ensemble.target(4)
    assert target.offers is View.GRADIENTS
    scores = ensemble.scores(data.x)[4]
    np.testing.assert_allclose(target.answer(data.x, View.SCORES).scores, scores, atol=1e-9)
    with pytest.raises(IndexError, match="no number 9"):
        ensemble.target(9)


def test_answers_do_not_depend_on_the_batch() -> None:
    data = texts()
    masks = subsets(data)
    trainer = SklearnTrainer(make_pipeline(TfidfVectorizer(), MultinomialNB()), ("a", "b"), TEXT)
    whole = trainer.fit_many(data, masks, range(9)).scores(data.x)
    np.testing.assert_array_equal(trainer.fit_many(data, masks, range(9)).scores(data.x), whole)
    part = trainer.fit_many(data, masks[3:5], [3, 4]).scores(data.x)
    np.testing.assert_allclose(part, whole[3:5], atol=1e-12, rtol=0)


def test_scores_of_no_inputs_are_empty() -> None:
    data = texts()
    trainer = SklearnTrainer(make_pipeline(CountVectorizer(), MultinomialNB()), ("a", "b"), TEXT)
    ensemble = trainer.fit_many(data, subsets(data), range(9))
    assert ensemble.scores(data.x[:0]).shape == (9, 0, 2)
    assert ensemble.labels(data.x[:0]).shape == (9, 0)


def test_a_missing_class_is_named() -> None:
    data = texts()
    masks = subsets(data)
    masks[2] &= data.y == 0
    trainer = SklearnTrainer(
        make_pipeline(CountVectorizer(), MultinomialNB()), ("ham", "spam"), TEXT
    )
    with pytest.raises(DataError, match=r"model 2 of 9: none of its .* is of class 'spam'"):
        trainer.fit_many(data, masks, range(9))


def test_an_empty_vocabulary_is_named() -> None:
    data = texts()
    masks = subsets(data)
    masks[1] = np.arange(len(data)) < 2
    pipeline = make_pipeline(CountVectorizer(min_df=10), MultinomialNB())
    with pytest.raises(DataError, match="model 1 of 9: no word"):
        SklearnTrainer(pipeline, ("a", "b"), TEXT).fit_many(data, masks, range(9))


def test_subsets_without_any_word_are_named() -> None:
    x = texts().x.copy()
    x[:2] = ""
    data = replace(texts(), x=x)
    masks = subsets(data)
    masks[3] = np.arange(len(data)) < 2
    pipeline = make_pipeline(CountVectorizer(), MultinomialNB())
    with pytest.raises(DataError, match="model 3 of 9: no word"):
        SklearnTrainer(pipeline, ("a", "b"), TEXT).fit_many(data, masks, range(9))


def test_negative_counts_are_refused() -> None:
    x = counts().x.copy()
    x[3, 2] = -1
    data = replace(counts(), x=x)
    trainer = SklearnTrainer(MultinomialNB(), ("a", "b"), table(12))
    with pytest.raises(DataError, match="the smallest value is -1"):
        trainer.fit_many(data, subsets(data), range(9))
