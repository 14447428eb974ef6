"""How far members differ from other records without any model, and records that do not differ.

Where training data and other data merely come from different times or places, a rule that never
saw a record is surer of the ones than of the others. That is no leak of the model. So members and
non-members are distinguished without it first, and where that works, only records are compared that
are as likely members by this as their counterparts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.data import Bools, Data, Floats, Ints, row_keys
from goalkeeper.core.domain import Domain, TableDomain, TextDomain
from goalkeeper.stats import auc
from goalkeeper.stats.intervals import IntervalEstimate

FOLDS = 3
ALPHA = 0.01  # that equal data are taken for different
STRATA = 20  # of the chance of membership; five remove nine tenths of a difference, by Cochran
MAX_ROUNDS = 4
SEED_BITS = 31


@dataclass(frozen=True, eq=False, slots=True)
class BlindBaseline:
    """How far membership shows without the model.

    Parameters
    ----------
    chance
        Log odds of membership of each record `(n,)`, by classifiers that were trained on others.
    area
        Its AUC, with a 99 % interval.
    """

    chance: Floats
    area: IntervalEstimate

    @property
    def differs(self) -> bool:
        """Whether members and non-members differ beyond chance."""
        return self.area.low > 0.5


def measure_blind(
    records: Data, member: Bools, domain: Domain, rng: np.random.Generator
) -> BlindBaseline:
    """Distinguish members from others by inputs and classes alone, each by models of other folds.

    Equal records are always in one fold, so that none is recognised by its copy.
    """
    features = _read_features(records, domain)
    _, copy_of = np.unique(np.array(row_keys(records.x)), return_inverse=True)
    fold = rng.integers(0, FOLDS, len(member))[copy_of]
    chance = np.zeros(len(member))
    for k in range(FOLDS):
        learn, judge = fold != k, fold == k
        if judge.any() and 0 < member[learn].sum() < learn.sum():
            models = _build(domain, int(rng.integers(2**SEED_BITS)))
            for model in models:
                model.fit(_take(features, learn), member[learn])
                chance[judge] += model.decision_function(_take(features, judge)) / len(models)
    return BlindBaseline(chance, auc(chance[member], chance[~member], alpha=ALPHA))


def match_records(
    records: Data,
    groups: tuple[Bools, ...],
    blind: BlindBaseline,
    domain: Domain,
    rng: np.random.Generator,
) -> Bools | None:
    """Choose records `(n,)` whose groups look alike without the model; members are the first group.

    What was chosen is distinguished again, by models that see nothing else, and what differs
    then is matched again. None where that does not end, or leaves hardly any record.
    """
    rows = np.arange(len(records))
    for _ in range(MAX_ROUNDS):
        inside = tuple(group[rows] for group in groups)
        rows = rows[match_strata(blind.chance, inside, rng)]
        if min(group[rows].sum() for group in groups) < FOLDS * 2:
            return None
        blind = measure_blind(records.take(rows), groups[0][rows], domain, rng)
        if not blind.differs:
            kept = np.zeros(len(records), dtype=bool)
            kept[rows] = True
            return kept
    return None


def match_strata(chance: Floats, groups: tuple[Bools, ...], rng: np.random.Generator) -> Bools:
    """Choose records `(n,)` so that all groups have the same distribution of `chance`.

    Of every stratum of equal chance, as many records of each group as the smallest has, relative
    to its size; a stratum that lacks one group is left out.
    """
    edges = np.quantile(chance, np.arange(1, STRATA) / STRATA)
    stratum = np.searchsorted(edges, chance, side="right")
    kept = np.zeros(len(chance), dtype=bool)
    sizes = np.array([g.sum() for g in groups], dtype=float)
    for s in range(STRATA):
        rows = [np.flatnonzero(g & (stratum == s)) for g in groups]
        share = min(len(r) / n for r, n in zip(rows, sizes, strict=True))
        for r, n in zip(rows, sizes, strict=True):
            kept[rng.permutation(r)[: round(share * n)]] = True
    return kept


def _read_features(records: Data, domain: Domain) -> Any:
    """Return what a classifier looks at: the input, and the class one-hot."""
    if isinstance(domain, TextDomain):
        from scipy.sparse import csr_array, hstack
        from sklearn.feature_extraction.text import HashingVectorizer

        words = HashingVectorizer(n_features=1 << 14, alternate_sign=False)
        return csr_array(hstack([words.transform(records.x), csr_array(_one_hot(records.y))]))
    rows = np.asarray(records.x, dtype=np.float64).reshape(len(records), -1)
    return np.column_stack([rows, _one_hot(records.y)])


def _one_hot(y: Ints) -> Floats:
    return np.asarray(np.eye(int(y.max(initial=0)) + 1)[y])


def _take(features: Any, rows: Bools) -> Any:
    return features[np.flatnonzero(rows)]


def _build(domain: Domain, seed: int) -> tuple[Any, ...]:
    """Build the classifiers whose log odds are averaged: linear, and boosted trees for tables."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if isinstance(domain, TextDomain):
        return (LogisticRegression(C=10.0, max_iter=200),)
    fill = SimpleImputer(add_indicator=True, keep_empty_features=True)
    linear = make_pipeline(fill, StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
    if not isinstance(domain, TableDomain):
        return (linear,)
    trees = HistGradientBoostingClassifier(max_iter=30, max_leaf_nodes=8, random_state=seed)
    return linear, trees
