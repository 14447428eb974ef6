"""The model that goalkeeper trains and evaluates: replace it by your own."""

from __future__ import annotations

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline


def build() -> Pipeline:
    """Return an unfitted estimator."""
    return make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000))
