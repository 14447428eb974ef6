"""Mark rankings of words: how many of the true indicators stand first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from goalkeeper.core.data import Bools, Inputs
from goalkeeper.core.errors import DataError
from goalkeeper.core.evidence import AttackResult, Exhibit, Measurement, Status
from goalkeeper.games.base import Marking
from goalkeeper.games.extraction.substitutes import fit_without_queries
from goalkeeper.games.shared.indicators import find_indicators
from goalkeeper.games.shared.measuring import (
    GainCounts,
    build_gain_trial,
    draw_curve,
    thinned_checkpoints,
)
from goalkeeper.games.shared.rankings import (
    FEWEST,
    Ranking,
    RankingAim,
    find_named,
    precision,
)
from goalkeeper.games.shared.wording import percent
from goalkeeper.stats import clopper_pearson

MarkingWords = Marking[RankingAim, Inputs, Ranking]


def mark(marking: MarkingWords, used: Sequence[str], most: int) -> AttackResult:
    """Count the true indicators among the first words named, of the words in use.

    The `most` strongest are the true ones, but no more than a quarter of the words in use, so
    that drawing at random finds few.
    """
    found = find_indicators(marking.app.target, marking.app, used, marking.deal.secret)
    ranked = found.ranked()
    k = min(most, len(ranked), len(used) // 4)
    if k < FEWEST:
        return AttackResult(
            status=Status.NOT_TESTED,
            reason=f"only {k} of the words in use indicate a harmful class: too few to distinguish "
            "finding them from guessing",
        )
    truth = ranked[:k]
    points = thinned_checkpoints(marking.answers)
    lists = [_checked(point.answer) for point in points]
    known_before = _known_before(marking, used, truth)
    hits = [_found(words, truth, known_before) for words in lists]
    trials = [build_gain_trial(point, f) for point, f in zip(points, hits, strict=True)]
    return AttackResult(
        status=Status.TESTED,
        summary=_summary(hits[-1], int(points[-1].queries[0])),
        measurements=(
            hits[-1].measure(marking.task.metric, "over the best without any query"),
            precision(
                hits[-1],
                f"true indicators among the first {hits[-1].n} words, ranked by {found.unit}",
            ),
            _reached(hits[-1], lists[-1], truth),
        ),
        trials=tuple(trials),
        curve=draw_curve(trials),
        caveats=_caveats(lists[-1], truth, used),
        exhibits=(_exhibit(lists[-1], ranked, k),),
    )


# ---- counting ----------------------------------------------------------------------------------


def _checked(answer: Ranking) -> list[str]:
    """Return the listed words in lower case, each once.

    Raises
    ------
    DataError
        The answer is not a list of words.
    """
    if isinstance(answer, str) or not all(isinstance(word, str) for word in answer):
        raise DataError("an answer must be a list of words, the most confident claim first")
    return list(dict.fromkeys(word.lower() for word in answer))


def _known_before(marking: MarkingWords, used: Sequence[str], truth: Sequence[str]) -> Bools | None:
    """Return what the best ranking from own data finds of the truth `(k,)`; None without data."""
    seed = int(marking.victim.generate_state(1)[0])
    guesses = [
        find_indicators(trained, marking.app, used, marking.deal.secret).ranked()[: len(truth)]
        for trained in fit_without_queries(marking.app, marking.attacker, seed)
    ]
    return max((find_named(guess, truth) for guess in guesses), key=np.sum, default=None)


def _found(words: Sequence[str], truth: Sequence[str], known: Bools | None) -> GainCounts:
    """Count hits of k, beside the better of drawing from the same list and of own data."""
    k = len(truth)
    hits = find_named(words[:k], truth)
    drawn = len(set(words) & set(truth)), max(len(words), 1)
    if known is not None and known.mean() > drawn[0] / drawn[1]:
        return GainCounts.paired(hits, known)
    return GainCounts(int(hits.sum()), k, *drawn)


# ---- what is shown -----------------------------------------------------------------------------


def _reached(found: GainCounts, words: Sequence[str], truth: Sequence[str]) -> Measurement:
    reached = len(set(words) & set(truth))
    low, high = clopper_pearson(reached, len(truth))
    return Measurement(
        metric="indicators among the words considered",
        value=reached / len(truth),
        low=low,
        high=high,
        baseline=found.baseline_successes / found.baseline_n,
        n=len(truth),
        note="what no ranking of these words could exceed",
    )


def _summary(found: GainCounts, queries: int) -> str:
    base = found.baseline_successes / found.baseline_n
    return (
        f"After {queries:,} queries {found.successes} of the first {found.n} words named are "
        f"among the {found.n} strongest indicators of a harmful class; without any query "
        f"{percent(base)} of them would be."
    )


def _caveats(words: Sequence[str], truth: Sequence[str], used: Sequence[str]) -> tuple[str, ...]:
    missed = len(set(truth) - set(words))
    if not missed:
        return ()
    return (
        f"{missed} of the {len(truth)} indicators were not among the {len(words):,} words "
        f"considered; {len(used):,} are in use",
    )


def _exhibit(words: Sequence[str], ranked: Sequence[str], k: int) -> Exhibit:
    """Show the words found, each with its true rank."""
    rank = {word: i + 1 for i, word in enumerate(ranked)}
    found = [f"{word} ({rank[word]})" for word in words[:k] if rank.get(word, k + 1) <= k]
    return Exhibit(
        title="indicator words that were found, with their true rank",
        after=", ".join(found[:30]) or "none",
        note=f"{len(found)} of {k}",
    )
