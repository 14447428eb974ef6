"""Small applications of every kind of input, to apply defences to."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

import goalkeeper as gk
from goalkeeper.core.application import Storage, Target
from goalkeeper.core.errors import NotOffered
from goalkeeper.targets import SklearnTarget

HAM = [
    "meeting",
    "agenda",
    "lunch",
    "family",
    "thanks",
    "tomorrow",
    "project",
    "notes",
    "friday",
    "weekend",
]
SPAM = ["winner", "prize", "cash", "offer", "click", "cheap", "pills", "casino", "bonus", "urgent"]
OTHER = ["please", "the", "and", "with", "this", "that", "from", "our", "your", "today"]


def texts(n: int = 400, seed: int = 0) -> tuple[Any, Any]:
    """Mails of common words, half of them with words of spam; one in ten is there twice."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    x = [
        " ".join([*rng.choice(OTHER, 8), *rng.choice(SPAM if spam else HAM, 4), f"id{i}"])
        for i, spam in enumerate(y)
    ]
    x[: n // 10] = x[n // 10 : 2 * (n // 10)]
    y[: n // 10] = y[n // 10 : 2 * (n // 10)]
    return np.array(x, dtype=object), y


def rows(n: int = 400, seed: int = 0) -> tuple[Any, Any]:
    """Five columns, of which the first two decide, and one label in five is wrong."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5))
    y = (x[:, 0] + x[:, 1] > 0) ^ (rng.random(n) < 0.2)
    return x, y.astype(int)


def pictures(n: int = 240, seed: int = 0) -> tuple[Any, Any]:
    """Pictures of 4 x 4 pixels with a bright upper or lower half."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    x = rng.uniform(0, 0.6, size=(n, 4, 4))
    x[y == 0, :2] += 0.4
    x[y == 1, 2:] += 0.4
    return x, y


def make(model: Any, records: tuple[Any, Any], **options: Any) -> gk.Application:
    """Describe a model that knows half of the records; needs are normal."""
    x, y = records
    half = len(y) // 2
    said: dict[str, Any] = {"needs": "normal", "attackers": ["customer", "insider"], **options}
    return gk.Application.from_model(model, x[:half], y[:half], x[half:], y[half:], **said)


def mail(**options: Any) -> gk.Application:
    """A filter of mails, class 0 harmless."""
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10))
    return make(model, texts(), harmless="0", **options)


def table(**options: Any) -> gk.Application:
    """A linear model of a table, stored in a file that nothing checks; ten records a person."""
    people = np.array([f"person {i // 10}" for i in range(400)])
    said = {"wiring": {"0": "rejects", "1": "accepts"}, "person": (people, people), "harmless": "0"}
    said["attackers"] = ["customer", "contributor", "insider"]
    app = make(LogisticRegression(), rows(800), **{**said, **options})

    def save(target: Target) -> bytes:
        if not isinstance(target, SklearnTarget):
            raise NotOffered("only one model of scikit-learn can be stored")
        stream = io.BytesIO()
        joblib.dump(target.model, stream)
        return stream.getvalue()

    def load(path: Path) -> Target:
        return SklearnTarget(joblib.load(path), app.classes, app.domain)

    content = save(app.target)
    storage = Storage(
        read=lambda: content,
        suffix=".joblib",
        runs_code=True,
        protection="",
        check=lambda path: True,
        load=load,
        save=save,
    )
    return replace(app, storage=storage)


def build_network() -> Any:
    """Build a network for pictures."""
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2))


APPLICATIONS: dict[str, Callable[..., gk.Application]] = {
    "texts": mail,
    "linear": table,
    "forest": lambda **o: make(RandomForestClassifier(3, random_state=0), rows(), **o),
    "boosting": lambda **o: make(HistGradientBoostingClassifier(max_iter=3), rows(), **o),
    "torch": lambda **o: make(
        build_network, pictures(), training={"epochs": 10, "rate": 0.01}, **o
    ),
    "network": lambda **o: make(
        MLPClassifier((8,), max_iter=10, tol=0.0, n_iter_no_change=1000), pictures(), **o
    ),
}
