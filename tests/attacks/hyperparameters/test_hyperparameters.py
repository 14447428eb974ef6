"""The strength of regularisation shows in how far answers spread."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks.hyperparameters.hyperparameters import Hyperparameters, _spread
from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Splits
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.evidence import AttackResult, Gain
from goalkeeper.games.hyperparameters import HyperparameterInference
from goalkeeper.games.hyperparameters.game import TASK
from tests.attacks.extraction.doors import mailbox
from tests.contract.harness import enough
from tests.public_tables import table


def result_of(app: Application) -> AttackResult:
    this = AttackRun(
        attack=Hyperparameters(),
        game=HyperparameterInference(),
        task=TASK,
        granted=enough(Hyperparameters),
        seed=0,
    )
    return evaluate(app, this)


def right(result: AttackResult) -> int:
    tally = result.trials[-1].tally
    assert isinstance(tally, Gain)
    assert (tally.n, tally.baseline_successes) == (30, 6)
    return tally.successes


@pytest.mark.requirement("S34")
def test_the_strength_is_named_on_a_table() -> None:
    """Measured: 29 of 30 on breast cancer; guessing names 6."""
    assert right(result_of(table(load_breast_cancer))) >= 26


@pytest.mark.requirement("S34")
def test_the_strength_is_named_on_texts() -> None:
    """Measured: 30 of 30 on the example's mail; guessing names 6."""
    app = mailbox(make_pipeline(TfidfVectorizer(), LogisticRegression()), 1200)
    result = result_of(app)
    assert right(result) >= 26
    assert result.trials[-1].queries <= 100


def test_what_is_common_to_all_records_does_not_count() -> None:
    odds = np.random.default_rng(0).normal(size=200)

    def scores(shift: float, scale: float) -> np.ndarray:
        one = 1 / (1 + np.exp(-(scale * odds + shift)))
        return np.stack([1 - one, one], axis=1)

    assert _spread(scores(0, 1)) == pytest.approx(_spread(scores(3, 1)))
    assert _spread(scores(0, 2)) == pytest.approx(_spread(scores(0, 1)) + np.log(2))
    assert _spread(scores(0, 1)[:0]) == 0.0


@pytest.mark.requirement("S34")
def test_categories_of_a_named_table_become_codes() -> None:
    """The model takes a DataFrame with words in it; the game's own models must as well."""
    app = table(load_breast_cancer)
    assert isinstance(app.domain, TableDomain)
    middle = float(np.median(app.data.train.x[:, 0]))
    first = Column(name="size", kind="category", categories=("small", "large"))
    parts = {name: coded(getattr(app.data, name), middle) for name in app.data.sizes()}
    domain = TableDomain(columns=(first, *app.domain.columns[1:]), named=True)
    assert right(result_of(replace(app, data=Splits(**parts), domain=domain))) >= 20


def coded(part: Data, middle: float) -> Data:
    """Keep of the first column only whether it is large."""
    x = part.x.copy()
    x[:, 0] = x[:, 0] > middle
    return replace(part, x=x)
