"""The model of the example, and others to try."""

from typing import Any

from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def build() -> Any:
    """Return an untrained logistic regression."""
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def build_forest() -> Any:
    """Return an untrained forest, which remembers more of its patients."""
    return RandomForestClassifier(100)


def build_xgboost() -> Any:
    """Return untrained boosted trees; needs `pip install xgboost`."""
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=50, n_jobs=1)
