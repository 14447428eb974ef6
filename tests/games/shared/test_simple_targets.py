"""The simple targets of positive controls exist for every text, also for codes and empty ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from goalkeeper.core.application import Application
from goalkeeper.core.data import PARTS, Data, Splits
from goalkeeper.core.power import View
from goalkeeper.core.text import texts
from goalkeeper.games.shared.simple_targets import frequent, simple_rule, word_rule
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
