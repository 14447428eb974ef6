"""Nearest answers: link the entries of two releases whose scores are most alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.data import Floats, Ints
from goalkeeper.core.power import Budget
from goalkeeper.games.linkage import Linkage, Releases

MIN_SCORE = 1e-12  # scores of 0 stay finite
RIDGE_SHARE = 1e-3  # of the mean variance: keeps a direction without spread from deciding all


@final
@dataclass(frozen=True, kw_only=True)
class NearestAnswers(Attack[Releases, Ints]):
    """Compare entries by their mean log-scores, and choose the assignment of least distance.

    Answers about similar data of the attacker's own tell how scores spread: distances are
    Mahalanobis distances in that spread, so that every direction counts alike.

    Settings
    --------
    calibration
        Records of the attacker's own that are asked about, at most.

    Deviations from the source: Anonymeter links by the nearest neighbours of records in two sets
    of columns of synthetic data; here answers are linked, one to one.
    """

    game: ClassVar[type[Linkage]] = Linkage
    variant: ClassVar[str] = "linkage.link_outputs"
    reference: ClassVar[str] = (
        "Giomi et al.: A Unified Framework for Quantifying Privacy Risk in Synthetic Data (PoPETs "
        "2023), linkability; assignment as in Kuhn: The Hungarian Method (1955)"
    )
    most: ClassVar[Budget] = Budget(queries=2000, compute_h=1.0)
    calibration: int = 1000

    def run(self, question: Releases, access: Access) -> Ints:
        """Link each entry of the first release to one of the second."""
        from scipy.optimize import linear_sum_assignment
        from scipy.spatial.distance import cdist

        whiten = self._learn_whitening(question, access)
        first, second = (
            _centred_logs(release).mean(axis=1) @ whiten
            for release in (question.first, question.second)
        )
        _, links = linear_sum_assignment(cdist(first, second))
        return np.asarray(links, dtype=np.int64)

    def _learn_whitening(self, question: Releases, access: Access) -> Floats:
        """Learn the map `(classes, classes)` after which log-scores spread alike everywhere."""
        data = access.data()
        size = int(min(self.calibration, len(data), access.left()[0]))
        rows = np.sort(access.rng.choice(len(data), size, replace=False))
        asked = access.query(data.x[rows]).scores if size else question.first[:, 0]
        logs = _centred_logs(asked)
        spread = np.cov(logs.T) if len(logs) > 1 else np.eye(logs.shape[1])
        values, vectors = np.linalg.eigh(np.atleast_2d(spread))
        values = np.maximum(values, 0) + RIDGE_SHARE * max(
            float(np.mean(np.abs(values))), MIN_SCORE
        )
        return np.asarray(vectors / np.sqrt(values))


def _centred_logs(scores: Floats) -> Floats:
    """Take log-scores `(..., classes)`, less their mean over classes."""
    logs = np.log(np.maximum(scores, MIN_SCORE))
    return np.asarray(logs - logs.mean(axis=-1, keepdims=True))
