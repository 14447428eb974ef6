"""Equation solving reads linear models out exactly, with d + 1 queries."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from goalkeeper.attacks._words import public_words
from goalkeeper.attacks.extraction._word_probing import PAIRS, probe_words
from goalkeeper.attacks.extraction.equation_solving import EquationSolving
from goalkeeper.core.application import Application
from goalkeeper.core.domain import Column, ImageDomain, TableDomain
from goalkeeper.core.errors import DataError, NotGranted
from goalkeeper.core.power import Grade, View
from goalkeeper.games.extraction import PublicInterface
from goalkeeper.games.extraction.substitutes import measure_parameter_error
from goalkeeper.games.shared.simple_targets import LinearTarget
from goalkeeper.targets import SklearnTarget
from goalkeeper.testing.worlds import extraction
from goalkeeper.testing.worlds.kit import HashedTarget
from tests.attacks.extraction.doors import (
    Coarse,
    access_to,
    around,
    fidelity,
    mailbox,
    random_linear,
    table,
)


def result_of(app: Application, queries: float, data: Grade = Grade.NONE) -> tuple[Any, int]:
    access = access_to(app, queries, data=data)
    copy = EquationSolving().run(PublicInterface(app.classes), access)
    return copy, access.spent.queries


def error(app: Application, copy: Any) -> float:
    found = measure_parameter_error(app, copy)
    assert found is not None
    return found[0]


@pytest.mark.requirement("S16", "S17", "S32", "S34", "S46")
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("columns", "classes"), [(3, 2), (30, 2), (12, 3), (40, 10)])
def test_d_plus_1_queries_give_the_parameters(columns: int, classes: int, seed: int) -> None:
    """Up to what is common to all classes, to 1e-6 of the largest parameter."""
    app = around(random_linear(columns, classes, seed, 0.7), table(columns), classes)
    copy, spent = result_of(app, columns + 1)
    assert spent == columns + 1
    assert error(app, copy) < 1e-6
    assert fidelity(app, copy) == 1.0


@pytest.mark.requirement("S34")
@pytest.mark.parametrize(("load", "queries"), [(load_breast_cancer, 31), (load_digits, 65)])
def test_real_models(load: Any, queries: int) -> None:
    """31 and 65 queries: the project's reference figures on the same data sets."""
    raw = load()
    low, high = raw.data.min(axis=0), raw.data.max(axis=0)
    columns = tuple(
        Column(name=str(j), low=float(a), high=float(b))
        for j, (a, b) in enumerate(zip(low, high, strict=True))
    )
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    model.fit(raw.data, raw.target)
    names, domain = [str(c) for c in raw.target_names], TableDomain(columns=columns)
    target = SklearnTarget(model, names, domain, indexed=True)
    app = around(target, domain, len(names))
    copy, spent = result_of(app, queries)
    assert spent == queries
    assert error(app, copy) < 1e-6
    assert (copy.predict(raw.data) == target.answer(raw.data, View.LABELS).labels).all()


def test_what_saturates_is_asked_again() -> None:
    app = around(random_linear(6, 2, 0, 60.0), table(6), 2)
    copy, spent = result_of(app, 500)
    assert 7 < spent < 200
    assert error(app, copy) < 1e-6


def test_a_saturated_middle_is_left_for_the_boundary() -> None:
    linear = random_linear(5, 2, 3, 400.0)
    app = around(linear, table(5), 2)
    copy, _ = result_of(app, 500)
    assert error(app, copy) < 1e-6


@pytest.mark.requirement("S46")
def test_a_pixel_that_outweighs_all_others_is_read_as_well() -> None:
    """A quarter of its range makes a score 0: left out, the copy agreed on a quarter of inputs."""
    rng = np.random.default_rng(0)
    weights = 0.1 * rng.standard_normal((4, 36))
    weights[:, [7, 20]] *= 1e5
    weights[:, 20] *= -1
    linear = LinearTarget(weights, -weights.sum(axis=1) / 2)
    app = around(linear, ImageDomain(shape=(1, 6, 6)), 4)
    copy, spent = result_of(app, 500)
    at = app.data.holdout.x
    assert (copy.predict(at) == linear.answer(at, View.LABELS).labels).all()
    assert 37 < spent <= 200


@pytest.mark.parametrize(("decimals", "least"), [(None, 0.99), (4, 0.99), (2, 0.95)])
def test_coarse_scores_take_more_rows(decimals: int | None, least: float) -> None:
    app = around(Coarse(random_linear(10, 2, 1, 2.0), decimals), table(10), 2)
    few, _ = result_of(app, 11)
    copy, spent = result_of(app, 700)
    assert spent > 11
    assert fidelity(app, copy) >= max(least, fidelity(app, few) - 0.01)


def test_fewer_queries_than_unknowns_give_some_parameters() -> None:
    app = around(random_linear(10, 2, 0), table(10), 2)
    copy, spent = result_of(app, 6)
    assert spent == 6
    assert np.count_nonzero(copy.weights[1]) == 5


def test_columns_without_bounds_and_whole_numbers() -> None:
    domain = TableDomain(
        columns=(
            Column(name="any"),
            Column(name="from", low=2.0),
            Column(name="upto", high=-3.0),
            Column(name="count", kind="integer", low=0, high=7),
            Column(name="fixed", low=4.0, high=4.0),
        )
    )
    target = random_linear(5, 2, 2, 0.5)
    app = around(target, domain, 2)
    copy, spent = result_of(app, 5)
    assert spent == 5
    assert np.allclose(
        (copy.weights[1] - copy.weights[0])[:4], (np.diff(target.weights, axis=0))[0, :4]
    )
    assert fidelity(app, copy) == 1.0


def test_one_hot_columns_move_together() -> None:
    names = ("a", "b", "c", "x")
    columns = tuple(Column(name=n, kind="integer", low=0, high=1) for n in names[:3])
    domain = TableDomain(columns=(*columns, Column(name="x", low=0, high=1)), one_hot=((0, 1, 2),))
    app = around(random_linear(4, 2, 5, 2.0), domain, 2)
    copy, _ = result_of(app, 40)
    assert fidelity(app, copy) == 1.0


def test_categories_have_an_unknown_a_level() -> None:
    class ByLevel:
        """The number of a level means nothing: 0 and 2 pull one way, 1 the other."""

        offers = View.SCORES

        def answer(self, x: Any, view: View) -> Any:
            pull = np.array([2.0, -3.0, 1.0])[x[:, 0].astype(int)]
            rows = np.column_stack([pull, x[:, 1]])
            linear = random_linear(2, 2, 0)
            return type(linear)(np.array([[0, 0], [1.0, 2.0]]), np.zeros(2)).answer(rows, view)

        def parameters(self) -> Any:
            raise NotImplementedError

        artefact = parameters

    kind = Column(name="kind", kind="category", categories=("u", "v", "w"))
    domain = TableDomain(columns=(kind, Column(name="x", low=-1, high=1)))
    app = around(ByLevel(), domain, 2)
    copy, spent = result_of(app, 4)
    assert spent == 4
    assert fidelity(app, copy) == 1.0


def test_impossible_tables_are_refused() -> None:
    columns = tuple(Column(name=n, kind="integer", low=0, high=1) for n in "abc")
    domain = TableDomain(columns=columns, one_hot=((0, 1), (1, 2)))
    app = around(random_linear(3, 2, 0), table(3), 2)
    app = type(app)(**{**vars(app), "domain": domain})
    with pytest.raises(DataError, match="one-hot"):
        result_of(app, 40)


FRONTS = {
    "tf-idf": TfidfVectorizer(),
    "sublinear": TfidfVectorizer(sublinear_tf=True),
    "presence": TfidfVectorizer(binary=True),
    "counts": CountVectorizer(),
    "binary counts": CountVectorizer(binary=True),
}


@pytest.mark.requirement("S33", "S34")
@pytest.mark.parametrize("front", FRONTS)
def test_texts_word_by_word(front: str) -> None:
    """With all words in use asked, the copy is the filter; what was asked is exact anyway."""
    app = mailbox(make_pipeline(FRONTS[front], LogisticRegression(C=10, max_iter=1000)), 800)
    copy, spent = result_of(app, 20_000, Grade.PARTIAL)
    assert error(app, copy) < 1e-9
    assert fidelity(app, copy) > 0.97
    known = app.target.parameters()
    assert copy.normed == (known.get("norm") == "l2")
    once_or_twice = {"sublinear": 1 + np.log(2), "presence": 1.0, "binary counts": 1.0}
    assert copy.counts == pytest.approx(once_or_twice.get(front, 2.0))
    assert spent < 2.2 * len(public_words()) + 2 * len(known["vocabulary"])


def test_idf_is_exact() -> None:
    app = mailbox(make_pipeline(TfidfVectorizer(), LogisticRegression(C=10, max_iter=1000)), 800)
    copy, _ = result_of(app, 20_000)
    known = app.target.parameters()
    idf = dict(zip(known["vocabulary"], known["idf"], strict=True))
    ratio = np.array([copy.scale[i] / idf[word] for i, word in enumerate(copy.words)])
    assert np.ptp(ratio) / ratio.mean() < 1e-6


def test_naive_bayes_falls_to_one_query_a_word() -> None:
    app = mailbox(make_pipeline(CountVectorizer(), MultinomialNB()), 800)
    copy, spent = result_of(app, 20_000)
    assert error(app, copy) < 1e-9
    assert spent <= len(public_words()) + 1 + 3 * PAIRS


@pytest.mark.requirement("S7", "S34")
def test_who_knows_the_vocabulary_asks_about_nothing_else() -> None:
    """Every weight, with hardly more than one question a word and a few for the structure."""
    app = mailbox(make_pipeline(CountVectorizer(), LogisticRegression(C=10, max_iter=1000)), 800)
    known = app.target.parameters()
    size = len(known["vocabulary"])
    access = access_to(app, 1.1 * size + 60, model=Grade.PARTIAL)
    copy = EquationSolving().run(PublicInterface(app.classes), access)
    found = measure_parameter_error(app, copy)
    assert found is not None
    assert found[0] < 1e-9
    assert found[1] >= 2 * (size + 1) * 0.98  # words of weight 0 cannot be told from unknown ones
    assert fidelity(app, copy) == 1.0


def test_who_knows_nothing_of_the_model_is_not_shown_its_vocabulary() -> None:
    app = mailbox(make_pipeline(CountVectorizer(), MultinomialNB()), 800)
    with pytest.raises(NotGranted, match="partial knowledge of the model"):
        access_to(app, 10).vocabulary()


@pytest.mark.parametrize("phrases", [1, 2])
def test_a_phrase_does_not_decide_how_words_are_weighed(phrases: int) -> None:
    """Of one pair of words a phrase that the filter knows made all words seem scaled to length 1.

    The words that pull most are those of which pairs are made; together they mean something else.
    """
    app = extraction.rigged("text", np.random.default_rng(3))
    linear = app.target
    assert isinstance(linear, LinearTarget)
    pull = np.diff(linear.weights, axis=0)[0]
    order = np.argsort(pull)
    known = {
        f"{linear.vocabulary[order[-1 - k]]} {linear.vocabulary[order[k]]}" for k in range(phrases)
    }

    class Phrased(HashedTarget):
        """The linear filter, to which some phrases are harmless."""

        def answer(self, x: Any, view: View) -> Any:
            logits = linear.answer(x, View.LOGITS).logits.copy()
            logits[:, 0] += 4.0 * np.array([any(p in text for p in known) for text in x])
            scores = np.exp(logits - logits.max(axis=1, keepdims=True))
            scores /= scores.sum(axis=1, keepdims=True)
            return type(linear.answer(x, view))(scores.argmax(axis=1), scores).cut(view)

    phrased = replace(app, target=Phrased(b"k"))
    words = [linear.vocabulary[i] for i in np.argsort(-np.abs(pull - np.median(pull)))]
    copy = list(probe_words(access_to(phrased, 3000), words))[-1]
    assert not copy.normed
    assert copy.counts == 2.0
    assert fidelity(phrased, copy) > 0.97
