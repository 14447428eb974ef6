"""Fitted estimators as they come: boosters are refused, pipelines are split."""

from __future__ import annotations

from functools import partial
from typing import Any

from goalkeeper.core.errors import TargetError

# Boosters have a predict(), but not that of scikit-learn: why, and what has.
BOOSTERS = {
    "xgboost": (
        "its predict() takes a DMatrix and returns probabilities, not classes",
        "XGBClassifier",
    ),
    "lightgbm": ("its predict() returns the probability of class 1, not classes", "LGBMClassifier"),
}


def refuse_booster(model: Any) -> None:
    """Refuse boosters, whose predict() gives no classes; raises TargetError with the remedy."""
    library = type(model).__module__.partition(".")[0]
    if type(model).__name__ != "Booster" or library not in BOOSTERS:
        return
    why, classifier = BOOSTERS[library]
    raise TargetError(
        f"the model is a Booster of {library}: {why}; store an {classifier} (the same training "
        f"with the methods of scikit-learn), store the booster with save_model, or name a Python "
        "function that answers for it (model.function)"
    )


def split_pipeline(model: Any) -> tuple[Any, Any]:
    """Split a pipeline, so that texts are cut into words once for labels, scores and logits."""
    from sklearn.pipeline import Pipeline

    if type(model) is not Pipeline or len(model.steps) < 2:
        return None, model
    final = model.steps[-1][1]
    if final is None or final == "passthrough":
        return None, model
    before = model[:-1]
    # A step of the user's own that learns nothing has no attributes by which to see it is fitted.
    before.__sklearn_is_fitted__ = partial(bool, True)  # noqa: FBT003 - the answer itself
    return before, final
