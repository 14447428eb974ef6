"""A simple model trained on the same data: what anybody gets from it in seconds."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Floats, Inputs, Ints
from goalkeeper.core.domain import Domain, ImageDomain, TableDomain, TextDomain

MOST_RECORDS = 20_000
MOST_CHARACTERS = 5_000  # of a text: words repeat, and a few texts may be as long as books
MOST_CELLS = 4_000_000  # records x columns x classes: a few seconds of logistic regression
MOST_PIXELS = 1_024  # of an image and channel; larger images are averaged over blocks
MOST_CODES = 50  # categories of a column that get a column of their own
ITERATIONS = 200
# Single characters are words, too, in some languages; signs are, so that every text has words.
WORDS = r"(?u)\w+|\S"


@dataclass(frozen=True, eq=False)
class ReferenceAnswers:
    """What the reference model is, and its classes `(n,)` for the records it was asked about."""

    name: str
    labels: Ints


def ask_reference(app: Application, unseen: Data) -> ReferenceAnswers | None:
    """Train the reference on the training data, and ask it about unseen records.

    Texts: naive Bayes on counts of words. Tables: logistic regression on scaled numbers and
    one-hot codes, missing values replaced by the median. Images: logistic regression on pixels.

    Returns None where the training data has one class only.
    """
    train, domain = app.data.train, app.domain
    if len(np.unique(train.y)) < 2:
        return None
    model, name = _build(domain)
    rows = _spread(len(train), _affordable(domain, len(app.classes)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether it has converged matters little here
        model.fit(_inputs(train.x[rows], domain), train.y[rows])
        labels = model.predict(_inputs(unseen.x, domain))
    return ReferenceAnswers(name, np.asarray(labels, dtype=np.int64))


def _spread(n: int, most: int) -> Ints:
    """Choose rows spread evenly: files are often sorted by class."""
    return np.linspace(0, n - 1, min(n, most)).astype(np.int64)


def _affordable(domain: Domain, classes: int) -> int:
    if isinstance(domain, TextDomain):
        return MOST_RECORDS
    width = len(domain.columns) if isinstance(domain, TableDomain) else _pixels(domain)
    return int(np.clip(MOST_CELLS // max(1, width * max(1, classes // 10)), 500, MOST_RECORDS))


def _build(domain: Domain) -> tuple[Any, str]:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if isinstance(domain, TextDomain):
        words = CountVectorizer(max_features=50_000, token_pattern=WORDS)
        return make_pipeline(words, MultinomialNB()), "naive Bayes on word counts"
    logistic = LogisticRegression(max_iter=ITERATIONS, tol=1e-3)
    if isinstance(domain, TableDomain):
        return make_pipeline(_table_encoder(domain), logistic), "logistic regression"
    return make_pipeline(StandardScaler(), logistic), "logistic regression on pixels"


def _table_encoder(domain: TableDomain) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    coded = [j for j, c in enumerate(domain.columns) if c.kind == "category"]
    plain = [j for j in range(len(domain.columns)) if j not in set(coded)]
    codes = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=MOST_CODES, sparse_output=False
    )
    numbers = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )
    return ColumnTransformer([("codes", codes, coded), ("numbers", numbers, plain)])


def _inputs(x: Inputs, domain: Domain) -> Any:
    if isinstance(domain, TextDomain):
        return [str(text)[:MOST_CHARACTERS] for text in x]
    if isinstance(domain, TableDomain):
        rows = np.array(x, dtype=np.float64)
        rows[~np.isfinite(rows)] = np.nan
        return rows
    return _averaged(np.asarray(x, dtype=np.float64), domain)


def _pixels(domain: ImageDomain) -> int:
    channels, height, width = domain.shape
    step = _step(domain)
    return channels * math.ceil(height / step) * math.ceil(width / step)


def _step(domain: ImageDomain) -> int:
    _, height, width = domain.shape
    return max(1, math.ceil(math.sqrt(height * width / MOST_PIXELS)))


def _averaged(images: Floats, domain: ImageDomain) -> Floats:
    """Average images over square blocks, and flatten them `(n, pixels)`."""
    step = _step(domain)
    if step > 1:
        for axis in (2, 3):
            edges = np.arange(0, images.shape[axis], step)
            counts = np.diff([*edges, images.shape[axis]])
            shape = [-1 if a == axis else 1 for a in range(4)]
            images = np.add.reduceat(images, edges, axis=axis) / counts.reshape(shape)
    return images.reshape(len(images), -1)
