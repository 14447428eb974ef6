"""Records and models in memory, and the same as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import goalkeeper as gk
from goalkeeper.core.power import View

N = 300  # training records, and as many unseen ones
NEEDS = """\
needs:
  integrity: {tasks: {level: normal, reason: stated by the caller}}
  availability: {tasks: {level: normal, reason: stated by the caller}}
  confidentiality: {tasks: {level: normal, reason: stated by the caller}}
  privacy: {tasks: {level: normal, reason: stated by the caller}}
"""
Records = tuple[Any, Any, Any, Any]


def halves(x: Any, y: Any) -> Records:
    """Cut into training and unseen records: `X_train, y_train, X_test, y_test`."""
    if isinstance(x, pd.DataFrame):
        return x.iloc[:N], y[:N], x.iloc[N:], y[N:]
    return x[:N], y[:N], x[N:], y[N:]


def rows() -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Rows `(2N, 3)` with the classes no and yes, of which a tenth is wrong."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2 * N, 3))
    return x, np.where((x[:, 0] + x[:, 1] > 0) ^ (rng.random(2 * N) < 0.1), "yes", "no")


def frame() -> tuple[pd.DataFrame, NDArray[np.str_]]:
    """A table of numbers, words, flags and integers, with an index of its own."""
    x, y = rows()
    table = pd.DataFrame(
        {
            "income": x[:, 0],
            "job": np.where(x[:, 1] > 0, "clerk", "baker"),
            "owner": x[:, 2] > 0,
            "age": (40 + 10 * x[:, 2]).round().astype(int),
        },
        index=np.arange(2 * N)[::-1] + 5000,
    )
    return table, y


def texts() -> tuple[list[str], list[str]]:
    """Short mails and whether they are spam."""
    rng = np.random.default_rng(0)
    words = {"spam": ["offer", "prize", "click"], "ham": ["lunch", "plan", "train"]}
    y = [("ham", "spam")[i % 2] for i in range(2 * N)]
    return [f"{' '.join(rng.choice(words[label], 4))} {i}" for i, label in enumerate(y)], y


def write(folder: Path, model: str, x: pd.DataFrame, y: Any, *, data: str = "") -> Path:
    """Write the same records, and an application file with this `model` section."""
    table = x.reset_index(drop=True).assign(label=np.asarray(y))
    table[:N].to_csv(folder / "train.csv", index=False)
    table[N:].to_csv(folder / "test.csv", index=False)
    path = folder / "application.yaml"
    path.write_text(
        f"goalkeeper: 1\nname: It\nclasses: {sorted(set(map(str, y)))}\n"
        f"data: {{train: train.csv, test: test.csv, label: label{data}}}\n"
        f"model: {model}\n{NEEDS}attackers: [customer]\n"
    )
    return path


def accuracy(app: gk.Application) -> float:
    data = app.data.holdout
    return float((app.target.answer(data.x, View.LABELS).labels == data.y).mean())
