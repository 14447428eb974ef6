"""Logistic regression whose weights are differentially private."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack, issparse
from sklearn.linear_model import LogisticRegression


class PrivateLogisticRegression(LogisticRegression):  # type: ignore[misc]  # it has no types
    """Logistic regression of two classes with noise on its weights.

    Output perturbation: Chaudhuri, Monteleoni and Sarwate 2011, Differentially private empirical
    risk minimization, JMLR 12, with Gaussian noise. Rows longer than 1 are shortened to 1, and the
    intercept is learnt as the weight of a constant, regularised like the others: then replacing one
    record moves the weights by at most 2 / (n * lambda) = 2 * C in Euclidean length, whatever the
    records are.

    Parameters
    ----------
    epsilon, delta
        The privacy of each record, against replacement by another one.
    C, max_iter, random_state
        As those of the parent; noise is drawn from `random_state`.
    """

    def __init__(
        self,
        epsilon: float = 1.0,
        delta: float = 1e-5,
        *,
        C: float = 0.01,
        max_iter: int = 1000,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            C=C, max_iter=max_iter, random_state=random_state, fit_intercept=False, tol=1e-8
        )
        self.epsilon, self.delta = epsilon, delta

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> PrivateLogisticRegression:
        """Fit, and add the noise; raises ValueError for weights of records or other classes."""
        if sample_weight is not None:
            raise ValueError("weights of records would change how much one of them can move")
        if len(np.unique(y)) != 2:
            raise ValueError("private logistic regression knows two classes")
        super().fit(_with_constant(X), y)
        rng, fitted = np.random.default_rng(self.random_state), np.asarray(vars(self)["coef_"])
        noise = rng.normal(0, noise_scale(2 * self.C, self.epsilon, self.delta), fitted.shape)
        noisy = (fitted + noise) / math.sqrt(2)
        self.coef_, self.intercept_ = noisy[:, :-1], noisy[:, -1]
        self.n_features_in_ -= 1
        return self


@lru_cache(64)
def noise_scale(sensitivity: float, epsilon: float, delta: float) -> float:
    """Return the standard deviation of Gaussian noise that makes a vector private.

    The exact condition of Balle and Wang 2018, Improving the Gaussian mechanism for differential
    privacy, ICML, solved by bisection: it holds for every epsilon, unlike the classical formula.
    """
    from scipy.stats import norm

    def spent(sigma: float) -> float:
        half, shift = sensitivity / (2 * sigma), epsilon * sigma / sensitivity
        log_tail = float(norm.logcdf(-half - shift))  # exp(epsilon) alone may overflow
        return float(norm.cdf(half - shift)) - math.exp(min(epsilon + log_tail, 0.0))

    low, high = 1e-6 * sensitivity, 1e6 * sensitivity
    for _ in range(200):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if spent(middle) <= delta else (middle, high)
    return high


def _with_constant(X: Any) -> Any:
    """Return rows shortened to length 1 where they are longer, with a constant, over root 2."""
    sparse = issparse(X)
    rows: Any = csr_matrix(X) if sparse else np.asarray(X, dtype=float)
    squares = (
        np.asarray(rows.multiply(rows).sum(axis=1)).ravel() if sparse else (rows**2).sum(axis=1)
    )
    scale = 1 / np.maximum(np.sqrt(squares), 1.0)
    ones = np.ones((len(scale), 1))
    if sparse:
        short = rows.multiply(scale[:, None])
        return csr_matrix(hstack([short, csr_matrix(ones)])) / math.sqrt(2)
    return np.hstack([rows * scale[:, None], ones]) / math.sqrt(2)
