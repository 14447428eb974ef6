"""How much of a hidden set a ranked list of guesses found."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from goalkeeper.stats._check import require_positive

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable


def precision_at_k(ranked: Iterable[Hashable], truth: Iterable[Hashable], k: int) -> float:
    """Give the share of the first `k` guesses that are true; guesses not made are wrong.

    Parameters
    ----------
    ranked : (r,)
        Guesses, best first.
    truth
        What was to be found.
    k : int
        Guesses that count.

    Raises
    ------
    ValueError
        If `k` is below 1, or a guess is repeated among the first `k`.
    """
    require_positive("k", k)
    guesses = list(islice(ranked, k))
    if len(set(guesses)) < len(guesses):
        raise ValueError(
            f"{len(guesses) - len(set(guesses))} of the first {len(guesses)} guesses are "
            "repeated; name each candidate once"
        )
    return len(set(guesses) & set(truth)) / k


def precision_baseline(n_truth: int, n_candidates: int) -> float:
    """Give the precision that guessing at random among the candidates has on average.

    Raises
    ------
    ValueError
        If there are no candidates, or more truths than candidates.
    """
    require_positive("n_candidates", n_candidates)
    if not 0 <= n_truth <= n_candidates:
        raise ValueError(
            f"need 0 <= n_truth <= n_candidates, got {n_truth} of {n_candidates}; "
            "every truth is one of the candidates"
        )
    return n_truth / n_candidates


def precision_pvalue(hits: int, k: int, *, n_truth: int, n_candidates: int) -> float:
    """Give the chance that `k` random guesses without repetition find `hits` truths or more.

    Parameters
    ----------
    hits : int
        True guesses among the first `k`.
    k : int
        Guesses made.
    n_truth, n_candidates : int
        Truths among all candidates.

    Raises
    ------
    ValueError
        If the counts do not fit one another.

    References
    ----------
    R. A. Fisher (1935), "The logic of inductive inference", JRSS 98, 39-82 (the
    hypergeometric tail of the exact test).
    """
    from scipy.stats import hypergeom

    precision_baseline(n_truth, n_candidates)
    if not 0 <= hits <= k <= n_candidates:
        raise ValueError(
            f"need 0 <= hits <= k <= n_candidates, got {hits}, {k}, {n_candidates}; "
            "guess each candidate at most once"
        )
    return float(hypergeom.sf(hits - 1, n_candidates, n_truth, k))
