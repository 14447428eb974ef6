"""Whether an attacker's own data leave anything of the class averages to be found."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Data
from goalkeeper.games.inversion.questions import (
    MIN_Z,
    ClassDifferences,
    extract_features,
    find_separate_columns,
)

MOST_RECORDS = 5000  # of each side that are looked at; more would only show smaller differences
# Share of the questions that data of the same origin answer wrongly by chance, of those that are
# hardly beyond chance in the training data. A gain is relative to what own data leave open, so that
# a model that adds that little can gain all of it: no fixed share may be left open.
SLIPS = 0.01
CHANCE = 0.05  # probability that any column differs between classes that do not differ
UNRELATED = 0.001  # probability with which data without any relation would answer as many


def find_ruling(app: Application) -> str:
    """Say why no model of these data can add to what similar data show; empty if one may.

    Looked at are all questions about two classes and a column that differs between them in the
    training data. Own data answer one where the classes differ in them in the same direction.
    They must answer more than data without any relation to the training data would by chance, and
    no fewer than data of the same origin: none is answered wrongly beyond chance, and no more are
    answered wrongly by chance than a few in a hundred.
    """
    from scipy.stats import binom, norm

    classes = len(app.classes)
    truth = extract_features(app, _sample(app.data.train))
    own = extract_features(app, _sample(app.data.similar), truth.names)
    differences, similar = (ClassDifferences.of(m, classes) for m in (truth, own))
    columns = find_separate_columns(truth, differences)
    first, second = differences.list_pairs()
    # Of many comparisons some are beyond MIN_Z by chance, and no data could answer those.
    comparisons = max(1, len(first) * len(truth.names))
    least = max(MIN_Z, float(norm.isf(CHANCE / 2 / comparisons)))
    total = right = certain = opposed = 0
    for part in differences.split(columns):
        z, own_z = (d.z(first, second, part) for d in (differences, similar))
        asked, sure = np.abs(z) > least, np.abs(own_z) > MIN_Z
        answered = asked & (np.sign(z) == np.sign(own_z))
        total, right = total + int(asked.sum()), right + int(answered.sum())
        certain += int((answered & sure).sum())
        opposed += int((asked & ~answered & sure).sum())
    if not total:
        return (
            "the classes differ in no column of the training data beyond chance, so there is "
            "nothing to reconstruct"
        )
    # A class takes part in one independent question a column: half as many as there are classes.
    independent = min(total, len(columns) * max(1, len(np.unique(truth.y)) // 2))
    chance = binom.sf(np.floor(right / total * independent) - 1, independent, 0.5)
    # One question in 700 is answered beyond chance (MIN_Z) by data without any relation.
    related = 2 * certain >= total or chance < UNRELATED
    wrong = (total - right) / total * independent
    if opposed or not related or wrong > binom.isf(UNRELATED, independent, SLIPS):
        return ""
    return (
        f"an attacker's own similar data already show {right:,} of {total:,} differences between "
        f"class averages ({right / total:.1%}) in the right direction, so that the model has at "
        "most the rest to add"
    )


def _sample(data: Data) -> Data:
    if len(data) <= MOST_RECORDS:
        return data
    # What decides is the data and not a draw: it is the same in every run.
    rows = np.random.default_rng(0).choice(len(data), MOST_RECORDS, replace=False)
    return data.take(np.sort(rows))
