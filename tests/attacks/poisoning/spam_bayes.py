"""A learner like SpamBayes, which dictionary attacks were first shown on."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import chi2
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import CountVectorizer


class SpamBayes(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Robinson's learner: word odds smoothed towards one half, joined by Fisher's method.

    `cutoff` is the score above which a message is declined; SpamBayes itself calls what lies
    above 0.9 spam.
    """

    def __init__(self, cutoff: float = 0.5) -> None:
        self.cutoff = cutoff

    def fit(self, x: Any, y: Any) -> SpamBayes:
        self.classes_ = np.array([0, 1])
        self.words_ = CountVectorizer(binary=True)
        held = self.words_.fit_transform(x)
        in_spam, in_ham = (np.asarray(held[y == c].sum(axis=0)).ravel() for c in (1, 0))
        spam_share, ham_share = in_spam / (y == 1).sum(), in_ham / (y == 0).sum()
        raw, seen = spam_share / (spam_share + ham_share), in_spam + in_ham
        self.odds_ = (0.45 * 0.5 + seen * raw) / (0.45 + seen)
        return self

    def predict_proba(self, x: Any) -> Any:
        held = self.words_.transform(x).tocsr()
        ends = zip(held.indptr, held.indptr[1:], strict=False)
        spam = [self._spam(self.odds_[held.indices[a:b]]) for a, b in ends]
        return np.column_stack([1 - np.array(spam), spam])

    def predict(self, x: Any) -> Any:
        return (self.predict_proba(x)[:, 1] > self.cutoff).astype(int)

    @staticmethod
    def _spam(odds: Any) -> float:
        far = odds[np.abs(odds - 0.5) > 0.1]
        far = far[np.argsort(-np.abs(far - 0.5))[:150]]
        if not len(far):
            return 0.5
        spam, ham = (chi2.sf(-2 * np.log(p).sum(), 2 * len(far)) for p in (far, 1 - far))
        return float((1 + spam - ham) / 2)
