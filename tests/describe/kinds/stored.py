"""Applications whose model is a stored file: rows of numbers and words, images, texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from goalkeeper.core.application import Application
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.power import View
from goalkeeper.describe import load
from goalkeeper.describe.kinds import ModelFile, file_kinds
from goalkeeper.describe.models import recognising
from tests.describe.writing import TABLE

NUMBERS = ["age", "income", "debt"]
JOBS = ("baker", "clerk", "smith")
TRAIN = 300


def table(classes: Sequence[str] = ("no", "yes"), *, words: bool = False) -> pd.DataFrame:
    """Draw records whose class is the part of `income` in which they lie.

    With `words` there is a column `job`, which also moves the class.
    """
    rng = np.random.default_rng(0)
    n = 2 * TRAIN
    frame = pd.DataFrame(rng.normal(size=(n, 3)), columns=NUMBERS)
    if words:
        frame["job"] = rng.choice(JOBS, n)
    lift = frame["job"].map(JOBS.index) - 1.0 if words else 0.0
    cuts = np.linspace(-0.5, 0.5, len(classes) - 1) if len(classes) > 2 else np.array([0.0])
    place = np.searchsorted(cuts, frame["income"] + lift)
    noisy = np.where(rng.random(n) < 0.1, rng.integers(0, len(classes), n), place)
    frame["label"] = np.asarray(classes)[noisy]
    return frame


def trained_on(frame: pd.DataFrame, classes: Sequence[str]) -> tuple[pd.DataFrame, Any]:
    """Return the features of the training records, and the numbers of their classes."""
    part = frame[:TRAIN]
    return part.drop(columns="label"), part["label"].map(list(classes).index).to_numpy()


def described(
    folder: Path,
    model: str,
    classes: Sequence[str] = ("no", "yes"),
    *,
    words: bool = False,
    data: str = "",
) -> Path:
    """Write a table application whose model is `model`; returns the application file."""
    frame = table(classes, words=words)
    frame[:TRAIN].to_csv(folder / "train.csv", index=False)
    frame[TRAIN:].to_csv(folder / "test.csv", index=False)
    return _written(
        folder, model, classes, "train.csv", f"  test: test.csv\n  label: label\n{data}"
    )


def described_images(
    folder: Path, model: str, images: Any, y: Any, classes: Sequence[str] = ("no", "yes")
) -> Path:
    """Write an application for images `(n, ...)`: half of them are training records."""
    half = len(images) // 2
    np.savez(folder / "train.npz", x=images[:half], y=np.asarray(classes)[y[:half]])
    np.savez(folder / "test.npz", x=images[half:], y=np.asarray(classes)[y[half:]])
    return _written(folder, model, classes, "train.npz", "  test: test.npz\n")


def described_texts(
    folder: Path, model: str, texts: Sequence[str], y: Any, classes: Sequence[str]
) -> Path:
    """Write an application for texts: half of them are training records."""
    frame = pd.DataFrame({"text": texts, "label": np.asarray(classes)[y]})
    half = len(frame) // 2
    frame[:half].to_csv(folder / "train.csv", index=False)
    frame[half:].to_csv(folder / "test.csv", index=False)
    rest = "  test: test.csv\n  text: text\n  label: label\n"
    return _written(folder, model, classes, "train.csv", rest)


def _written(folder: Path, model: str, classes: Sequence[str], train: str, rest: str) -> Path:
    text = TABLE.replace("[no, yes]", "[" + ", ".join(f"{c!r}" for c in classes) + "]")
    old = "  file: table.csv\n  label: label\n"
    assert old in text
    text = text.replace(old, f"  train: {train}\n{rest}")
    path = folder / "app.yaml"
    path.write_text(text.replace("build: filter.py:build", model), encoding="utf-8")
    return path


def small_images(shape: tuple[int, ...] = (1, 8, 8), n: int = 400) -> tuple[Any, Any]:
    """Draw images of bytes in [0, 1] `(n, *shape)`; the brighter half decides their class."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, n)
    images = rng.integers(0, 160, (n, *shape)).astype(np.float64)
    half = shape[-1] // 2
    images[..., :half] += 80 * (1 - y).reshape(-1, *(1 for _ in shape))
    images[..., half:] += 80 * y.reshape(-1, *(1 for _ in shape))
    return np.clip(images, 0, 255).astype(np.uint8) / 255.0, y


def labels(app: Application) -> Any:
    """Return the classes `(n,)` of the holdout records, as numbers."""
    return app.target.answer(app.data.holdout.x, View.LABELS).labels


def scores(app: Application) -> Any:
    """Return the scores `(n, classes)` of the holdout records."""
    return app.target.answer(app.data.holdout.x, View.SCORES).scores


def accuracy(app: Application) -> float:
    """Return the share of holdout records that get their class."""
    return float((labels(app) == app.data.holdout.y).mean())


def rows(app: Application) -> Any:
    """Return the holdout records as the DataFrame from which they were read."""
    columns: Any = app.domain.columns  # type: ignore[union-attr]
    found = {}
    for j, column in enumerate(columns):
        values = app.data.holdout.x[:, j]
        decoded = [column.categories[int(v)] for v in values] if column.categories else values
        found[column.name] = decoded
    return pd.DataFrame(found)


def refused(path: Path, says: str) -> DescriptionError:
    """Load an application that cannot be used; returns the error, which must be at its model."""
    with pytest.raises(DescriptionError, match=says) as raised:
        load(path)
    assert raised.value.key.startswith("model.")
    assert "\n" not in raised.value.problem
    return raised.value


def kind_of(path: Path) -> list[str]:
    """Name the kinds that recognise a file or folder."""
    return list(recognising(file_kinds(), ModelFile(path, "")))


def cut_short(path: Path, share: float = 0.5) -> None:
    """Leave only the first part of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def without(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    """Let packages look as if they were not installed."""
    import sys

    for name in [n for n in sys.modules if n.split(".")[0] in packages]:
        monkeypatch.setitem(sys.modules, name, None)
    for name in packages:
        monkeypatch.setitem(sys.modules, name, None)
