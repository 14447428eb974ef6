"""Images reach the model in the units, order and kind of numbers of the user's own file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from goalkeeper.core.application import Application
from goalkeeper.core.domain import ImageDomain
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.power import View
from goalkeeper.describe import check, load
from goalkeeper.targets.inputs import our_order, own_order, prepared
from tests.describe.test_bad_data import NPZ, npz_app
from tests.describe.writing import TABLE, write_table_app

SCORER = """
import numpy as np
def unit(images):
    return scores(np.asarray(images, dtype=float).reshape(len(images), -1))
def bytes_(images):
    assert np.asarray(images).dtype == np.uint8, np.asarray(images).dtype
    return unit(images / 255)
def double(images):
    return unit(images / 2)
def red(images):
    x = np.asarray(images, dtype=float).reshape(len(images), 8, 12, 3) / 255
    return scores(x[:, :, :, 0].reshape(len(x), -1))
def scores(x):
    half = x.shape[1] // 2
    z = 60 * (x[:, :half].mean(1) - x[:, half:].mean(1) - 20 / 255 * (1 if x.max() < 2 else 255))
    return np.stack([1 / (1 + np.exp(z)), 1 / (1 + np.exp(-z))], axis=1)
"""


def drawn(shape: tuple[int, ...], n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Draw bytes whose first half is brighter in class 1."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    x = rng.integers(60, 180, (n, *shape))
    flat = x.reshape(n, -1)
    flat[:, : flat.shape[1] // 2] += 40 * y[:, None]
    return flat.reshape(x.shape).astype(np.uint8), y


def image_app(folder: Path, x: np.ndarray, y: np.ndarray, function: str, more: str = "") -> Path:
    """Write an application of images with one of the functions above."""
    text = NPZ.replace("  file: data.npz", f"  train: {{file: data.npz}}\n  test: "
                       f"{{file: test.npz}}\n{more}")  # fmt: skip
    text = text.replace("build: filter.py:build", f"function: mine.py:{function}")
    path = npz_app(folder, text, x=x[:100], y=y[:100])
    np.savez(folder / "test.npz", x=x[100:], y=y[100:])
    (folder / "mine.py").write_text(SCORER, encoding="utf-8")
    return path


def accuracy(app: Application) -> float:
    labels = app.target.answer(app.data.holdout.x, View.LABELS).labels
    return float((labels == app.data.holdout.y).mean())


@pytest.mark.parametrize(
    ("scale", "function", "more", "ends"),
    [
        (1, "bytes_", "", (0, 255)),
        (1, "unit", "  range: [0, 1]\n", (0, 1)),
        (1 / 255, "unit", "", (0, 1)),
        (1 / 127.5, "double", "  range: [0, 2]\n", (0, 2)),
    ],
)
def test_the_model_gets_the_units_that_it_was_made_for(
    scale: float, function: str, more: str, ends: tuple[float, float], tmp_path: Path
) -> None:
    x, y = drawn((12, 12))
    app = load(image_app(tmp_path, x if scale == 1 else x * scale, y, function, more))
    assert isinstance(app.domain, ImageDomain)
    assert (app.domain.low, app.domain.high) == ends
    assert app.domain.quantum == pytest.approx((ends[1] - ends[0]) / 255)
    assert app.domain.valid(app.data.holdout.x).all()
    assert accuracy(app) > 0.95


@pytest.mark.parametrize("first", [True, False])
def test_colours_first_or_last_are_flattened_as_in_the_file(*, first: bool, tmp_path: Path) -> None:
    x, y = drawn((8, 12, 3))
    stored = np.moveaxis(x, 3, 1) if first else x
    app = load(image_app(tmp_path, stored, y, "red" if not first else "bytes_"))
    assert isinstance(app.domain, ImageDomain)
    assert app.domain.shape == (3, 8, 12)
    assert app.domain.channels_last is not first
    given = prepared(app.data.holdout.x[:4], app.domain)
    assert {row.tobytes() for row in given} <= {row.tobytes() for row in stored}
    if not first:
        assert accuracy(app) > 0.95


def test_an_order_that_is_undone_is_the_order_before() -> None:
    domain = ImageDomain(shape=(3, 2, 4), channels_last=True)
    values = np.arange(48.0).reshape(2, 24)
    assert (our_order(own_order(values, domain), domain) == values).all()
    assert not (own_order(values, domain) == values).all()


def test_what_the_shape_does_not_say_is_noted_or_stated(tmp_path: Path) -> None:
    x, y = drawn((3, 20, 3))
    noted = load(image_app(tmp_path, x, y, "bytes_"))
    assert any("colours first or last" in caveat for caveat in noted.caveats)
    stated = load(image_app(tmp_path, x, y, "bytes_", "  channels: last\n"))
    assert isinstance(stated.domain, ImageDomain)
    assert stated.domain.shape == (3, 3, 20)


def test_values_outside_of_the_stated_range_name_the_record(tmp_path: Path) -> None:
    x, y = drawn((6, 6))
    moved = x / 64 - 1.5
    (problem,) = check(image_app(tmp_path, moved, y, "unit", "  range: [-1, 1]\n"))
    assert "record 1 of data.npz has values outside" in str(problem)
    assert check(image_app(tmp_path, moved, y, "unit", "  range: [-2, 2.5]\n")) == ()


def test_the_usual_range_is_proposed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "d.npz", x=rng.uniform(-0.98, 0.97, (60, 1, 6, 6)), y=np.arange(60) % 2)
    text = TABLE.replace("[no, yes]", "[0, 1]")
    text = text.replace("file: table.csv\n  label: label", "file: d.npz")
    path = write_table_app(tmp_path, text)
    with pytest.raises(DescriptionError) as caught:
        load(path)
    assert "`range: [-1, 1]`" in caught.value.advice
