"""Class averages from scores: change one thing at a time, and watch the score of each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks._words import list_query_words
from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats, Inputs, Ints
from goalkeeper.core.domain import ImageDomain, TableDomain, TextDomain
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.core.text import texts
from goalkeeper.games.inversion import ClassAverages, Inversion, InversionQuestion, centre_and_width

TINY = 1e-300  # half of the smallest number could be 0


@final
@dataclass(frozen=True, kw_only=True)
class ClassAverageFromScores(Attack[InversionQuestion, ClassAverages]):
    """Raise and lower each column from a background, or send each word alone; compare scores.

    The slope of a class's log-score shows whether the class has more or less of a column than
    others have. The first background is the middle of the domain; others are drawn around it, and
    slopes are averaged. All classes are read from the same answers. It needs no data to work, but
    asks for an attacker with own data, so that only what goes beyond that data counts.

    Settings
    --------
    most_words
        Words that are asked about, at most.
    around
        How far backgrounds lie from the middle, as a share of each column's range.

    Deviations from the source: one step from the middle in place of a descent to the most certain
    input, which for many models lies far from any record; differences over the whole range of a
    column in place of gradients, so that trees answer too.
    """

    game: ClassVar[type[Inversion]] = Inversion
    variant: ClassVar[str] = "inversion.score_based"
    reference: ClassVar[str] = (
        "Fredrikson et al.: Model Inversion Attacks that Exploit Confidence Information (CCS "
        "2015), section 5, black-box"
    )
    asks: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.PARTIAL))
    most: ClassVar[Budget] = Budget(queries=20_000, compute_h=1.0)
    most_words: int = 2000
    around: float = 0.5

    def run(self, question: InversionQuestion, access: Access) -> ClassAverages:
        """Probe as long as the budget lasts, and hand in the answer after each round."""
        domain = access.domain
        if isinstance(domain, TextDomain):
            return self._probe_words(access, domain)
        return self._probe_columns(access, domain)

    def _probe_words(self, access: Access, domain: TextDomain) -> ClassAverages:
        words = [w for w in list_query_words(access, self.most_words) if len(w) <= domain.max_chars]
        words = words[: int(min(len(words), access.left()[0]))]
        size = max(1, len(words) // 6)
        logs = np.zeros((len(words), len(access.classes)))
        found = ClassAverages(logs.T, tuple(words))
        for start in range(0, len(words), size):
            block = words[start : start + size]
            done = start + len(block)
            logs[start:done] = _ask_logs(access, texts(block))
            found = ClassAverages(_compare_with_median(logs[:done]), tuple(words[:done]))
            access.checkpoint(found)
        return found

    def _probe_columns(self, access: Access, domain: TableDomain | ImageDomain) -> ClassAverages:
        centre, width = centre_and_width(domain)
        total = np.zeros((len(access.classes), len(centre)))
        times = np.zeros(len(centre))
        split_rounds, found = 0, ClassAverages(np.repeat(centre[None], len(total), axis=0))
        while access.left()[0] >= 2 and 2 * split_rounds * len(centre) < self.most.queries:
            away = access.rng.uniform(-1, 1, len(centre)) * width * self.around
            columns = access.rng.permutation(len(centre))
            columns = columns[: int(min(len(centre), access.left()[0] // 2))]
            background = centre + (away if split_rounds else 0.0)
            total[:, columns] += _measure_slopes(access, domain, background, columns)
            times[columns] += 1
            split_rounds += 1
            step = total / np.maximum(times, 1)
            largest = np.abs(step).max(initial=0.0) or 1.0
            found = ClassAverages(centre + width * step / (2 * largest))
            access.checkpoint(found)
        return found


def _compare_with_median(logs: Floats) -> Floats:
    """Compare the log-scores of words `(d, classes)` with those of a middling word."""
    return np.asarray((logs - np.median(logs, axis=0)).T)


def _measure_slopes(
    access: Access, domain: TableDomain | ImageDomain, background: Floats, columns: Ints
) -> Floats:
    """Measure what raising each of some columns does to each class, `(classes, columns)`."""
    centre, width = centre_and_width(domain)
    low = np.repeat(background[None], len(columns), axis=0)
    high = low.copy()
    rows = np.arange(len(columns))
    low[rows, columns] = (centre - width / 2)[columns]
    high[rows, columns] = (centre + width / 2)[columns]
    logs = _ask_logs(access, _build_inputs(np.vstack([low, high]), domain))
    return np.asarray((logs[len(columns) :] - logs[: len(columns)]).T)


def _build_inputs(rows: Floats, domain: TableDomain | ImageDomain) -> Inputs:
    """Turn rows `(n, d)` into inputs that the domain takes."""
    if isinstance(domain, ImageDomain):
        return np.clip(rows, domain.low, domain.high).reshape(-1, *domain.shape)
    return domain.project(rows)


def _ask_logs(access: Access, x: Inputs) -> Floats:
    """Ask for log-scores `(n, classes)`; scores of 0 count as half of the smallest other one."""
    scores = access.query(x).scores
    least = scores[scores > 0].min(initial=1.0)
    return np.asarray(np.log(np.maximum(scores, max(least / 2, TINY))))
