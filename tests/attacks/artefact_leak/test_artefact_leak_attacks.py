"""Training records come out of stored models: all of them, or as many as the model keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelSpreading
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from goalkeeper.attack_run import AttackRun, evaluate, execute
from goalkeeper.attacks.artefact_leak.single_leaves import SingleLeaves
from goalkeeper.attacks.artefact_leak.stored_points import StoredPoints
from goalkeeper.attacks.artefact_leak.support_vectors import SupportVectors
from goalkeeper.attacks.artefact_leak.vocabulary import Vocabulary
from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, cut
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.evidence import AttackResult, Proportion, Status
from goalkeeper.core.power import Grade, Knowledge, Power
from goalkeeper.games.artefact_leak import ArtefactLeak
from goalkeeper.games.artefact_leak.game import LEAVES, RECORDS, WORDS
from goalkeeper.games.base import Task
from goalkeeper.games.tallies import beats_baseline
from goalkeeper.targets import SklearnTarget
from tests.attacks.extraction.doors import SHARES, mailbox

HOLDER = Power(knowledge=Knowledge(model=Grade.FULL))


def cancer(model: Any, *, noise: bool = False) -> Application:
    """Train on biopsies; with noise, on classes that nothing explains."""
    x, y = load_breast_cancer(return_X_y=True)
    if noise:
        y = np.random.default_rng(0).permutation(y)
    data = cut(Data(x=x, y=y.astype(np.int64)), SHARES)
    columns = tuple(Column(name=f"c{j}", low=c.min(), high=c.max()) for j, c in enumerate(x.T))
    domain = TableDomain(columns=columns)
    model.fit(data.train.x, data.train.y)
    target = SklearnTarget(model, ("malignant", "benign"), domain, indexed=True)
    return Application(
        name="cancer", target=target, data=data, domain=domain, classes=("malignant", "benign")
    )


def noisy_mailbox(model: Any, mails: int) -> Application:
    """Train on mails whose classes nothing explains."""
    app = mailbox(model, mails)
    y = np.random.default_rng(0).permutation(app.data.train.y)
    model.fit(app.data.train.x, y)
    return replace(
        app,
        target=SklearnTarget(model, app.classes, app.domain, indexed=True),
        data=replace(app.data, train=Data(x=app.data.train.x, y=y)),
    )


def run_of(attack: Any, task: Task, most: int = 300) -> AttackRun:
    game = ArtefactLeak(most=most)
    return AttackRun(attack=attack, game=game, task=task, granted=HOLDER, seed=0)


def counts(found: AttackResult) -> tuple[int, int, int]:
    tally = found.trials[0].tally
    assert isinstance(tally, Proportion)
    return tally.successes, tally.n, tally.baseline_successes


@pytest.mark.requirement("S36", "S37")
@pytest.mark.parametrize("neighbours", [1, 5])
def test_neighbours_give_away_every_record(neighbours: int) -> None:
    """spec/privacy.md 3.2, item 8: stored records are found with match fraction 1.0."""
    app = cancer(make_pipeline(StandardScaler(), KNeighborsClassifier(neighbours)))
    found = evaluate(app, run_of(StoredPoints(), RECORDS))
    n = len(app.data.train)
    assert counts(found) == (n, n, 0)
    assert found.measurements[1].value == 1.0
    assert found.cost.queries == found.cost.forward == 0


@pytest.mark.requirement("S37")
@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_support_vectors_are_exact(kernel: str) -> None:
    """spec/privacy.md 3.2, item 8."""
    model = make_pipeline(StandardScaler(), SVC(kernel=kernel))
    app = cancer(model)
    found = evaluate(app, run_of(SupportVectors(), RECORDS))
    n = int(model[-1].n_support_.sum())
    assert counts(found) == (n, n, 0)
    assert found.measurements[1].value == n / len(app.data.train)


@pytest.mark.requirement("S37")
def test_a_full_tree_places_single_records() -> None:
    """spec/privacy.md 3.2, item 8: every leaf of one record holds exactly that record."""
    app = cancer(DecisionTreeClassifier(min_samples_leaf=1, random_state=0), noise=True)
    found = evaluate(app, run_of(SingleLeaves(), LEAVES))
    right, n, by_chance = counts(found)
    assert right == n >= 15
    assert by_chance < 0.6 * n  # of regions that hold one record, so many hold one stranger
    assert beats_baseline(found.trials[0].tally)
    assert found.measurements[2].metric == "range left open"
    assert found.measurements[2].value > 0.5  # a region, not the record itself


def make_boosting(library: str) -> Any:
    if library == "xgboost":
        module = pytest.importorskip("xgboost")
        return module.XGBClassifier(n_estimators=3, max_depth=30, min_child_weight=0, n_jobs=1)
    if library == "lightgbm":
        module = pytest.importorskip("lightgbm")
        return module.LGBMClassifier(
            n_estimators=3, num_leaves=300, min_child_samples=1, n_jobs=1, verbose=-1
        )
    return HistGradientBoostingClassifier(max_iter=8, max_leaf_nodes=None, min_samples_leaf=1)


@pytest.mark.parametrize("library", ["sklearn", "xgboost", "lightgbm"])
@pytest.mark.parametrize("decimals", [1, 9])  # whose edges are between values, and values
def test_every_single_leaf_of_boosting_is_right(library: str, decimals: int) -> None:
    rng = np.random.default_rng(0)
    x, y = np.round(rng.normal(size=(1000, 6)), decimals), rng.integers(0, 2, 1000)
    domain = TableDomain(columns=tuple(Column(name=f"c{j}") for j in range(6)))
    parts = cut(Data(x=x, y=y), SHARES)
    model = make_boosting(library).fit(parts.train.x, parts.train.y)
    target = SklearnTarget(model, ("no", "yes"), domain, indexed=True)
    app = Application(name="noise", target=target, data=parts, domain=domain, classes=("no", "yes"))
    right, n, _ = counts(evaluate(app, run_of(SingleLeaves(), LEAVES)))
    assert right == n >= 15


def test_large_leaves_place_nobody() -> None:
    app = cancer(DecisionTreeClassifier(min_samples_leaf=5, random_state=0), noise=True)
    found = execute(app, run_of(SingleLeaves(), LEAVES))
    assert counts(found)[0] == 0
    assert found.status is Status.TESTED  # the attack broke the weakened application
    assert found.controls[0].passed


def test_bootstrap_makes_claims_fail_and_the_game_sees_it() -> None:
    """Records outside of a tree's bootstrap sample fall into its single leaves too."""
    full = cancer(RandomForestClassifier(20, random_state=0), noise=True)
    right, n, _ = counts(evaluate(full, run_of(SingleLeaves(), LEAVES)))
    assert 0 < right < n


@pytest.mark.requirement("S36", "S37")
def test_rare_words_come_out_of_idf() -> None:
    app = mailbox(make_pipeline(TfidfVectorizer(min_df=1), LogisticRegression()))
    found = evaluate(app, run_of(Vocabulary(), WORDS))
    right, n, by_chance = counts(found)
    assert right == n == 300  # idf tells exactly which words stand in one text
    assert by_chance < 0.3 * n
    assert found.exhibits[0].private


def test_rare_words_come_out_of_counts() -> None:
    """Without idf: words seen once share their weight with most others."""
    app = mailbox(make_pipeline(CountVectorizer(), MultinomialNB()))
    right, n, by_chance = counts(evaluate(app, run_of(Vocabulary(), WORDS)))
    assert right > 0.8 * n
    assert by_chance < 0.3 * n


def test_a_vocabulary_without_rare_words_singles_out_nobody() -> None:
    app = mailbox(make_pipeline(TfidfVectorizer(min_df=5), LogisticRegression()))
    found = execute(app, run_of(Vocabulary(), WORDS))
    assert counts(found)[0] == 0
    assert not beats_baseline(found.trials[0].tally)
    assert found.status is Status.TESTED


@pytest.mark.parametrize(
    ("words", "final"),
    [
        (CountVectorizer(), DecisionTreeClassifier(random_state=0)),
        (TfidfVectorizer(), DecisionTreeClassifier(random_state=0)),
        (CountVectorizer(), GradientBoostingClassifier(n_estimators=1, max_depth=None)),
    ],
)
def test_leaves_of_a_tree_on_words_single_texts_out(words: Any, final: Any) -> None:
    app = noisy_mailbox(make_pipeline(words, final), 800)
    found = evaluate(app, run_of(SingleLeaves(), LEAVES))
    right, n, by_chance = counts(found)
    assert right > 0.9 * n
    assert n >= 15
    assert by_chance < 0.6 * n
    assert ", without " in found.exhibits[0].after


@pytest.mark.parametrize(
    "words",
    [
        (HashingVectorizer(n_features=512),),
        (HashingVectorizer(n_features=512, norm=None), TfidfTransformer()),
    ],
)
def test_leaves_on_hashed_words_single_texts_out(words: tuple[Any, ...]) -> None:
    app = noisy_mailbox(make_pipeline(*words, DecisionTreeClassifier(random_state=0)), 800)
    right, n, by_chance = counts(evaluate(app, run_of(SingleLeaves(), LEAVES)))
    assert right > 0.9 * n
    assert n >= 15
    assert by_chance < 0.6 * n
    for attack in (StoredPoints(), SupportVectors()):
        unfit = attack.unfit(app)
        assert unfit is not None
        assert unfit.proven


@pytest.mark.parametrize(("leaf", "proven"), [(1, False), (3, True)])
def test_leaves_behind_a_projection_place_nobody_where_all_are_large(
    leaf: int, *, proven: bool
) -> None:
    tree = DecisionTreeClassifier(min_samples_leaf=leaf, random_state=0)
    both = make_union(TfidfVectorizer(), TfidfVectorizer(analyzer="char"))
    app = noisy_mailbox(make_pipeline(both, TruncatedSVD(5), tree), 400)
    unfit = SingleLeaves().unfit(app)
    assert unfit is not None
    assert unfit.proven is proven
    points = StoredPoints().unfit(app)
    assert points is not None
    assert points.proven


def test_leaves_that_cannot_be_read_rule_nothing_out() -> None:
    xgboost = pytest.importorskip("xgboost")
    app = mailbox(make_pipeline(CountVectorizer(), xgboost.XGBClassifier(n_estimators=1)), 60)
    unfit = SingleLeaves().unfit(app)
    assert unfit is not None
    assert not unfit.proven
    points = StoredPoints().unfit(app)
    assert points is not None
    assert points.proven


def test_stored_texts_give_their_words() -> None:
    app = mailbox(make_pipeline(TfidfVectorizer(), KNeighborsClassifier(1)), 400)
    right, n, by_chance = counts(evaluate(app, run_of(StoredPoints(), RECORDS)))
    assert right > 0.95 * n  # a text may have all words of another one
    assert by_chance == 0


class KeepsRecords(LogisticRegression):  # type: ignore[misc]
    """A linear model that keeps its training data beside the weights, as many of users' own do."""

    def fit(self, x: Any, y: Any) -> KeepsRecords:
        super().fit(x, y)
        self.rows_ = np.array(x)
        return self


class OwnLinear(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A linear model of the user's own: the difference of the class averages."""

    def fit(self, x: Any, y: Any) -> OwnLinear:
        self.classes_ = np.unique(y)
        means = np.array([x[y == c].mean(axis=0) for c in self.classes_])
        self.coef_ = (means[1:] - means[:1]) * self.sign
        self.intercept_ = -self.coef_ @ means.mean(axis=0)
        return self

    sign = 1.0

    def predict(self, x: Any) -> Any:
        return self.classes_[(x @ self.coef_[0] + self.intercept_[0] > 0).astype(int)]


class Stepped(OwnLinear):
    """Weights that do not say what it answers."""

    def predict(self, x: Any) -> Any:
        return super().predict(np.where(x[:, :1] > 0, x, -x))


def test_a_linear_model_of_the_users_own_is_read_where_its_weights_say_what_it_answers() -> None:
    own = cancer(make_pipeline(StandardScaler(), OwnLinear()))
    assert "weights" in own.target.parameters()
    unfit = StoredPoints().unfit(own)
    assert unfit is not None
    assert unfit.proven
    with pytest.raises(NotOffered):
        cancer(make_pipeline(StandardScaler(), Stepped())).target.parameters()


@pytest.mark.parametrize(
    ("model", "proven"),
    [
        (LogisticRegression(), True),
        (make_pipeline(TruncatedSVD(2), LogisticRegression()), True),
        (make_pipeline(Nystroem(n_components=9), LogisticRegression()), False),
        (KeepsRecords(), False),
    ],
)
def test_hashed_words_hide_no_records(model: Any, *, proven: bool) -> None:
    app = mailbox(make_pipeline(HashingVectorizer(n_features=64), model))
    for attack in (StoredPoints(), SupportVectors()):
        unfit = attack.unfit(app)
        assert unfit is not None
        assert unfit.proven is proven


def test_no_word_singles_out_where_each_occurs_in_several_texts() -> None:
    app = mailbox(make_pipeline(CountVectorizer(), LogisticRegression()))
    assert ArtefactLeak().unfit(app, WORDS) is None
    train = app.data.train.joined(app.data.train)
    twice = Data(x=train.x, y=train.y, columns={"sender": np.repeat(["a", "b"], len(train) // 2)})
    common = replace(app, person="sender", data=replace(app.data, train=twice))
    unfit = ArtefactLeak().unfit(common, WORDS)
    assert unfit is not None
    assert unfit.proven


def test_what_does_not_apply_is_proven_where_the_model_was_read() -> None:
    linear = cancer(make_pipeline(StandardScaler(), LogisticRegression()))
    network = cancer(MLPClassifier((2,), max_iter=2000, random_state=0))
    neighbours = cancer(KNeighborsClassifier(1))
    sealed = cancer(LabelSpreading(kernel="knn"))
    keeping = cancer(make_pipeline(StandardScaler(), KeepsRecords()))
    for attack in (StoredPoints(), SupportVectors(), SingleLeaves()):
        for read in (linear, network):
            unfit = attack.unfit(read)
            assert unfit is not None
            assert unfit.proven
        for unread in (sealed, keeping):
            unfit = attack.unfit(unread)
            assert unfit is not None
            assert not unfit.proven
    assert StoredPoints().unfit(neighbours) is None
    assert SupportVectors().unfit(neighbours) is not None
    assert Vocabulary().unfit(linear) is not None
    assert Vocabulary().unfit(sealed) is not None
