"""Weights behind encoders and imputers break a table as exactly as weights of plain columns."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

from goalkeeper.attacks.evasion.columns_from_weights import ColumnsFromWeights, perturb
from goalkeeper.core.application import Application
from goalkeeper.core.data import PARTS, Data, Floats, Splits
from goalkeeper.core.design import Design, Term, take_steps
from goalkeeper.core.power import View
from goalkeeper.games.evasion import Ending, EntryConstraint
from goalkeeper.targets import SklearnTarget
from tests.attacks.evasion.arena import attacked
from tests.attacks.evasion.fields import dealt
from tests.targets.reading.people import CLASSES, PEOPLE, WORDS, draw, people

pytestmark = pytest.mark.filterwarnings("ignore:Found unknown categories")
NUMBERS = ["age", "gain", "rooms"]


def model(numbers: Any, words: Any) -> Any:
    return make_pipeline(
        ColumnTransformer([("w", words, WORDS), ("n", numbers, NUMBERS)]),
        LogisticRegression(C=0.3, max_iter=2000),
    )


CODES = OneHotEncoder(handle_unknown="ignore")
MODELS = {
    "scaled": model(make_pipeline(SimpleImputer(), StandardScaler()), CODES),
    "bins": model(
        make_pipeline(SimpleImputer(), KBinsDiscretizer(4, encode="onehot", strategy="uniform")),
        OneHotEncoder(drop="first", handle_unknown="infrequent_if_exist", min_frequency=0.1),
    ),
    "curves": model(
        make_pipeline(
            SimpleImputer(strategy="median"), FunctionTransformer(np.log1p), StandardScaler()
        ),
        make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()),
    ),
    "codes": model(
        SimpleImputer(add_indicator=True), OrdinalEncoder(encoded_missing_value=-1)
    ),
}  # fmt: skip


def target_of(name: str) -> SklearnTarget:
    x, y = people(2)
    return SklearnTarget(MODELS[name].fit(x, y), CLASSES[:2], PEOPLE)


def everything(constraint: EntryConstraint, row: Floats) -> Floats:
    """List rows with every word, and with numbers at 9 places or at each whole number."""
    low, high = (side[0] for side in constraint.box(row[None]))
    choices = []
    for j, column in enumerate(PEOPLE.columns):
        if column.categories:
            codes = [*map(float, range(len(column.categories))), *([np.nan] * column.missing)]
            choices.append([row[j], *codes])
        elif np.isnan(row[j]):
            choices.append([row[j]])
        elif column.kind == "integer":
            choices.append([row[j], *np.unique(np.linspace(low[j], high[j], 9).round())])
        else:
            choices.append([row[j], *np.linspace(low[j], high[j], 9)])
    return np.array(list(product(*choices)))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.validation)])
def test_no_smaller_number_of_entries_would_do(name: str, seed: int) -> None:
    """Compared with all combinations of words and of places of the numbers.

    The model itself answers for them, one combination of changed entries after the other.
    """
    target = target_of(name)
    known = target.parameters()
    steps = np.array([20.0, 0, 30.0, 0, 2.0])
    constraint = EntryConstraint(domain=PEOPLE, step=steps, entries=5)
    row = draw(30, seed=seed + 5)[seed]
    wanted = 1 - int(target.answer(row[None], View.LABELS).labels[0])
    aim = np.arange(2) == wanted
    found = perturb(
        known["weights"], known["bias"], row[None], aim[None], constraint, known["design"]
    )
    rows = everything(constraint, row)
    labels = np.concatenate([answered(target, part) for part in np.array_split(rows, 8)])
    sizes = constraint.size(np.repeat(row[None], len(rows), axis=0), rows)
    fewest = sizes[labels == wanted].min(initial=np.inf)
    assert np.isfinite(fewest)
    assert constraint.allows(row[None], found).all()
    assert target.answer(found, View.LABELS).labels[0] == wanted
    assert constraint.size(row[None], found)[0] == fewest


def answered(target: SklearnTarget, rows: Floats) -> Any:
    """Answer rows; -1 for one with a word that the model does not take."""
    known = np.isfinite(target.parameters()["design"].expand(rows)).all(axis=1)
    labels = np.full(len(rows), -1)
    labels[known] = target.answer(rows[known], View.LABELS).labels
    return labels


def application(name: str) -> Application:
    target = target_of(name)
    rows = np.array(list(dict.fromkeys(map(tuple, np.nan_to_num(draw(700, seed=20), nan=-1)))))
    rows[rows == -1] = np.nan
    parts = {
        part: Data(x=some, y=answered(target, some))
        for part, some in zip(PARTS, np.array_split(rows, 4), strict=True)
    }
    return Application(
        name="people",
        target=target,
        data=Splits(**parts),
        domain=PEOPLE,
        classes=CLASSES[:2],
        harmless=0,
    )


@pytest.mark.parametrize("name", ["scaled", "codes"])
def test_the_attack_breaks_a_table_of_words_numbers_and_gaps(name: str) -> None:
    app = application(name)
    assert ColumnsFromWeights().unfit(app) is None
    question = dealt(app, "harmful-passes").question
    answer, _ = attacked(ColumnsFromWeights(), app, question, queries=2)
    reached = answer.endings == Ending.BROKEN
    assert reached.mean() > 0.8
    assert question.constraint.allows(question.x, answer.x).all()
    labels = app.target.answer(answer.x[reached], View.LABELS).labels
    assert (labels == 0).all()


@pytest.mark.parametrize("column", [0, 2])
@pytest.mark.parametrize("steps", [(), (("subtract", 3.0), ("divide", 7.0))])
def test_a_number_goes_to_the_bin_that_helps_not_to_the_end(column: int, steps: Any) -> None:
    """Only from 40 to below 41 the answer turns, far from both ends of the range."""
    points = take_steps(steps, np.array([40.0, 41.0]))
    term = Term(column=column, steps=steps, kind="bins", points=points, values=np.eye(3)[1])
    design = Design(names=("from 40 to 41",), terms=(term,))
    constraint = EntryConstraint(domain=PEOPLE, step=np.full(5, 50.0), entries=1)
    row = np.array([30.0, 0.0, 10.0, 0.0, 1.0])
    found = perturb(
        np.array([[2.0]]),
        np.array([-1.0]),
        row[None],
        np.array([[False, True]]),
        constraint,
        design,
    )
    assert design.expand(found)[0, 0] == 1
    assert constraint.allows(row[None], found).all()


def test_a_row_without_an_answer_is_never_chosen() -> None:
    term = Term(column=1, kind="levels", points=np.array([2.0, 3.0]), values=np.array([9, np.nan]))
    design = Design(names=("work",), terms=(term,))
    constraint = EntryConstraint(domain=PEOPLE, step=np.zeros(5), entries=1)
    row = np.array([30.0, 0.0, 10.0, 0.0, 1.0])
    found = perturb(
        np.array([[1.0]]),
        np.array([-1.0]),
        row[None],
        np.array([[False, True]]),
        constraint,
        design,
    )
    assert found[0, 1] == 2
