"""The models of tables and images that the application files in this folder evaluate."""

from typing import Any

from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def build_income() -> Any:
    """Categories one-hot, numbers scaled, then logistic regression."""
    columns = ColumnTransformer(
        [
            (
                "codes",
                OneHotEncoder(handle_unknown="ignore"),
                make_column_selector(dtype_exclude="number"),
            )
        ],
        remainder=StandardScaler(),
    )
    return make_pipeline(columns, LogisticRegression(max_iter=1000))


def build_income_boosted() -> Any:
    """Boosted trees of LightGBM on the same columns; needs `pip install lightgbm`."""
    from lightgbm import LGBMClassifier
    from sklearn.preprocessing import OrdinalEncoder

    columns = ColumnTransformer(
        [
            (
                "codes",
                OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
                make_column_selector(dtype_exclude="number"),
            )
        ],
        remainder="passthrough",
    )
    return make_pipeline(columns, LGBMClassifier(n_estimators=100, n_jobs=1, verbose=-1))


def build_places() -> Any:
    """Return the network usual for Location-30: 446-128-30 with tanh."""
    from torch import nn

    return nn.Sequential(nn.Linear(446, 128), nn.Tanh(), nn.Linear(128, 30))


def build_digits() -> Any:
    """Return a small convolutional network for 28 x 28 digits."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 16, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(1568, 100),
        nn.ReLU(),
        nn.Linear(100, 10),
    )
