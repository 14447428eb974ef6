"""Ask about random mixtures of words, and learn from the labels which way each word pulls.

The label of a text depends on all its words at once (a pooled design), so that 1,000 labels carry
more information about 1,500 words than labels of 1,000 single words would. After each round, the
probabilities of words are tilted so that the expected answer lies on the boundary, where a label
is most informative.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.attacks._words import weigh_by_frequency
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats, Ints
from goalkeeper.core.text import texts

TEXT_SIZES = (8, 64)  # words in a text, drawn evenly on a logarithmic scale
FIRST_SIZES = (1, 1024)  # the same while all answers are alike
CANDIDATES = 3  # texts composed for each one asked; the nearest to the boundary are asked


@dataclass(frozen=True, eq=False)
class WordPull:
    """A linear fit: effect of each word `(k, d)` and bias `(k,)`, on counts of words.

    k is 1 for two classes (towards the second), else one row a class; `classes` are those seen.
    `normed`: the counts of a text are scaled to length 1.
    """

    weights: Floats
    bias: Floats
    classes: Ints
    normed: bool

    def divisors(self, sizes: Ints) -> Floats:
        """Return by what sums over `sizes` words are divided."""
        return np.sqrt(np.maximum(sizes, 1)) if self.normed else np.ones(len(sizes))


class WordMixtures:
    """Mixtures asked so far.

    Parameters
    ----------
    access
        Where the questions go; a single campaign.
    words
        Words to mix; usual ones are mixed in more often.
    """

    def __init__(self, access: Access, words: Sequence[str]) -> None:
        self._access, self.words = access, tuple(words)
        self._frequencies = weigh_by_frequency(access, words)
        self._room = np.array([len(word) + 1 for word in words])
        self._most = getattr(access.domain, "max_chars", 10**9)
        self.rows: list[Ints] = []
        self.labels = np.zeros(0, dtype=np.int64)
        self.fit: WordPull | None = None

    @property
    def left(self) -> int:
        """Queries left."""
        return int(self._access.left()[0])

    def ask(self, n: int) -> None:
        """Compose and ask up to `n` texts."""
        n = min(n, self.left)
        if n <= 0 or not self.words:
            return
        rows = self._compose(n)
        mixtures = texts(" ".join(self.words[i] for i in row) for row in rows)
        self.labels = np.concatenate([self.labels, self._access.query(mixtures).labels])
        self.rows += rows

    def learn(self, groups: Ints | None = None) -> WordPull | None:
        """Fit the labels, or their `groups` `(classes,)`; None while all are alike."""
        y = self.labels if groups is None else groups[self.labels]
        if len(np.unique(y)) < 2:
            return None
        normed = self._is_normed_better(y)
        model = fit_logistic(self.count_features(normed=normed), y)
        self.fit = WordPull(model.coef_, model.intercept_, model.classes_, normed)
        return self.fit

    def _is_normed_better(self, y: Ints) -> bool:
        """Return whether counts scaled to length 1 explain texts set aside at least as well."""
        test = self._access.rng.random(len(y)) < 0.25
        if len(np.unique(y[~test])) < 2 or not test.any():
            return True
        right = []
        for normed in (False, True):
            x = self.count_features(normed=normed)
            right.append(fit_logistic(x[~test], y[~test]).score(x[test], y[test]))
        return bool(right[1] >= right[0])

    def count_features(self, *, normed: bool) -> Any:
        """Count the words of each text, perhaps scaled to length 1: sparse `(n, d)`."""
        from scipy.sparse import csr_array, diags_array

        lengths = np.array([len(row) for row in self.rows], dtype=np.int64)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        columns = np.concatenate(self.rows)
        shape = (len(self.rows), len(self.words))
        counts = csr_array((np.ones(len(columns)), columns, starts), shape=shape)
        counts.sum_duplicates()
        if not normed:
            return counts
        size = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1)).reshape(-1))
        return (diags_array(1 / np.maximum(size, 1.0)) @ counts).tocsr()

    # ---- composing --------------------------------------------------------------------------

    def _compose(self, n: int) -> list[Ints]:
        """Compose `n` texts; of several candidates those nearest to the expected boundary."""
        if self.fit is None:
            sizes = self._draw_sizes(n, FIRST_SIZES)
            drawn = self._draw_words(int(sizes.sum()), self._frequencies)
            return self._cut_texts(drawn, sizes, np.arange(n))
        which = self._access.rng.integers(0, len(self.fit.bias))
        weights, bias = self.fit.weights[which], float(self.fit.bias[which])
        sizes = np.sort(self._draw_sizes(n * CANDIDATES, TEXT_SIZES))
        parts = []
        for size in np.unique(sizes):
            wanted = -bias * self.fit.divisors(np.array([size]))[0] / size
            chances = tilt_chances(weights, wanted, self._frequencies)
            parts.append(self._draw_words(int(size * (sizes == size).sum()), chances))
        drawn = np.concatenate(parts)
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        margins = np.abs(np.add.reduceat(weights[drawn], starts) / self.fit.divisors(sizes) + bias)
        return self._cut_texts(drawn, sizes, np.argsort(margins, kind="stable")[:n])

    def _draw_words(self, n: int, chances: Floats) -> Ints:
        """Draw `n` words, each as often as its chance says."""
        edges = np.cumsum(chances)
        places = self._access.rng.random(n) * edges[-1]
        return np.asarray(np.searchsorted(edges, places).clip(0, len(edges) - 1))

    def _draw_sizes(self, n: int, span: tuple[int, int]) -> Ints:
        """Draw how many words each text has, `(n,)`: steps of the square root of 2."""
        high = max(1, min(span[1], len(self.words) // 2))
        steps = np.geomspace(min(span[0], high), high, 7).astype(np.int64)
        return np.asarray(self._access.rng.choice(steps, n))

    def _cut_texts(self, drawn: Ints, sizes: Ints, chosen: Ints) -> list[Ints]:
        """Cut the words drawn into texts; keep the chosen ones, as much of them as fits."""
        ends = np.cumsum(sizes)
        rows = [drawn[ends[i] - sizes[i] : ends[i]] for i in chosen]
        return [row[np.cumsum(self._room[row]) <= self._most] for row in rows]


def tilt_chances(weights: Floats, wanted: float, frequencies: Floats) -> Floats:
    """Return chances `frequencies * exp(b * weights)` `(d,)` that make the mean weight `wanted`."""
    spread = float(weights.std())
    if spread == 0:
        return frequencies
    # Tilts of up to e^8 for one standard deviation of weights; 30 halvings leave 1e-9 of the span.
    low, high = -8.0 / spread, 8.0 / spread
    for _ in range(30):
        middle = (low + high) / 2
        share = frequencies * np.exp(middle * weights - (middle * weights).max())
        if (share * weights).sum() / share.sum() < wanted:
            low = middle
        else:
            high = middle
    share = frequencies * np.exp(low * weights - (low * weights).max())
    return np.asarray(share + 1e-6 * share.max())  # every word stays possible


def fit_logistic(features: Any, y: Ints, strength: float = 10.0) -> Any:
    """Fit a logistic regression.

    The tolerance is on the mean gradient, which is small from the start where texts lie close to
    the boundary: a loose one would stop at no weights at all.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # nearly converged is good enough
        return LogisticRegression(C=strength, tol=1e-4, max_iter=1000).fit(features, y)


def split_rounds(limit: int, first: int = 100) -> list[int]:
    """Split a number of queries into rounds, each as large as all before it."""
    sizes: list[int] = []
    while sum(sizes) < limit:
        sizes.append(min(max(first, sum(sizes)), limit - sum(sizes)))
    return sizes
