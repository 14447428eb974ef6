"""The simple targets of positive controls exist for every text, also for codes and empty ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from goalkeeper.core.application import Application
from goalkeeper.core.data import PARTS, Data, Floats, Splits
from goalkeeper.core.domain import Column, Domain, ImageDomain, TableDomain
from goalkeeper.core.power import View
from goalkeeper.core.text import texts
from goalkeeper.games.shared.simple_targets import LinearTarget, frequent, simple_rule, word_rule
from goalkeeper.testing.worlds import extraction

CODES = texts(f"a{i % 7} b{i % 5} 0x{i}" for i in range(60))


def made_of(x: np.ndarray) -> Application:
    """The rigged texts of extraction with other calibration texts."""
    app = extraction.rigged("text", np.random.default_rng(0))
    parts = {part: getattr(app.data, part) for part in PARTS}
    parts["calibration"] = Data(x=x, y=np.arange(len(x)) % 2)
    return replace(app, data=Splits(**parts))


def test_words_of_letters_come_before_codes() -> None:
    assert frequent(texts(["red a1", "red a1", "blue b2", "x9"]), 3) == ["red", "blue"]
    assert frequent(CODES, 2) == ["b0", "b1"]
    assert frequent(texts(["", " "]), 2) == ["word"]


@pytest.mark.parametrize("rule", [simple_rule, word_rule])
def test_a_rule_for_texts_without_a_word_of_letters_tells_them_apart(rule) -> None:  # type: ignore[no-untyped-def]
    target = rule(made_of(CODES), np.random.default_rng(0))
    labels = target.answer(CODES, View.LABELS).labels
    assert 0.2 < labels.mean() < 0.8


@pytest.mark.parametrize("rule", [simple_rule, word_rule])
def test_texts_without_any_word_break_no_rule(rule) -> None:  # type: ignore[no-untyped-def]
    empty = texts([" " * i for i in range(20)])
    labels = rule(made_of(empty), np.random.default_rng(0)).answer(empty, View.LABELS).labels
    assert labels.shape == (20,)


# ---- the rule of positive controls ---------------------------------------------------------------


def rows_app(x: Floats, classes: int) -> Application:
    """Wrap rows, or images `(n, 1, h, w)`, of which the rule reads the calibration part only."""
    y = (np.arange(len(x)) % classes).astype(np.int64)
    parts = {part: Data(x=x[:1] + 2 + i, y=y[:1]) for i, part in enumerate(PARTS)}
    parts["calibration"] = Data(x=x, y=y)
    domain: Domain
    if x.ndim == 4:
        domain = ImageDomain(shape=(1, 6, 6))
    else:
        domain = TableDomain(columns=tuple(Column(name=f"c{j}") for j in range(x.shape[1])))
    return Application(
        name="rows",
        target=LinearTarget(np.zeros((classes, x[0].size)), np.zeros(classes)),
        data=Splits(**parts),
        domain=domain,
        classes=tuple(f"k{k}" for k in range(classes)),
    )


def sparse_images(rng: np.random.Generator) -> Floats:
    """Draw images of which 30 of 36 pixels are black in all but every twentieth."""
    x = rng.random((400, 36))
    x[:, 6:] *= rng.random((400, 30)) < 0.05
    return x.reshape(-1, 1, 6, 6)


@pytest.mark.parametrize("seed", range(5))
def test_a_rule_reads_pixels_that_are_not_nearly_always_black(seed: int) -> None:
    rng = np.random.default_rng(seed)
    app = rows_app(sparse_images(rng), 4)
    rule = simple_rule(app, rng)
    assert set(np.flatnonzero(np.ptp(rule.weights, axis=0))) <= set(range(6))
    labels = rule.answer(app.data.calibration.x, View.LABELS).labels
    assert np.bincount(labels, minlength=4).min() > 60


@pytest.mark.parametrize("classes", [2, 3])
def test_no_input_lies_on_a_boundary_of_a_rule_on_two_values(classes: int) -> None:
    """There classes tie, and rounding errors would decide: no copy could agree with those."""
    rng = np.random.default_rng(0)
    app = rows_app((rng.random((300, 5)) < 0.5).astype(float), classes)
    scores = np.sort(
        simple_rule(app, rng).answer(app.data.calibration.x, View.SCORES).scores, axis=1
    )
    assert (scores[:, -1] - scores[:, -2]).min() > 1e-6
