"""The models that a fitted estimator of scikit-learn consists of: who votes, and who is wrapped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Members:
    """What an estimator consists of.

    Parameters
    ----------
    models
        Fitted models that see the inputs as the estimator does.
    last
        What joins their answers, where that was fitted too; None where nothing was.
    whole
        Whether each of them sees all features, and nothing of the estimator is left out.
    """

    models: Sequence[Any]
    last: Any = None
    whole: bool = True


VOTING = frozenset({"VotingClassifier", "AdaBoostClassifier", "OneVsRestClassifier"})
WRAPPING = frozenset({
    "SelfTrainingClassifier", "TunedThresholdClassifierCV", "FixedThresholdClassifier",
    "FrozenEstimator",
})  # fmt: skip


def members_of(final: Any) -> Members | None:
    """Return what an estimator consists of; None of one that is a model of its own."""
    kind = type(final)
    if not kind.__module__.startswith("sklearn."):
        return None
    name, models = kind.__qualname__, list(getattr(final, "estimators_", ()))
    if name in VOTING:
        return Members(models)
    if name == "BaggingClassifier":
        width = int(final.n_features_in_)
        seen = final.estimators_features_
        return Members(models, whole=all(list(each) == list(range(width)) for each in seen))
    if name == "StackingClassifier":
        return Members(models, last=final.final_estimator_, whole=not final.passthrough)
    if name == "CalibratedClassifierCV":
        return Members([each.estimator for each in final.calibrated_classifiers_])
    if name in WRAPPING:
        return Members([getattr(final, "estimator_", None) or final.estimator])
    return None
