"""Answers in blocks: the same as at once, within the memory, and in files that are whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from goalkeeper.core.application import Target
from goalkeeper.core.data import Floats, Inputs, Ints
from goalkeeper.training import SklearnTrainer
from goalkeeper.training.answers import (
    BLOCK_COPIES,
    gather_scores,
    iterate_blocks,
    plan_answers,
    reduce_scores,
    write_scores,
)
from tests.training.samples import TEXT, rows, subsets, table, texts

CLASSES = 5


class Products:
    """An ensemble whose scores are exact whatever the block; it notes how it was asked."""

    def __init__(self, models: int = 6, fail_at: int = -1) -> None:
        self.models, self.fail_at = models, fail_at
        self.asked: list[int] = []

    def __len__(self) -> int:
        return self.models

    def scores(self, x: Inputs) -> Floats:
        if len(self.asked) == self.fail_at:
            raise RuntimeError("the model broke")
        self.asked.append(len(x))
        each = np.arange(self.models)[:, None, None] + x[None, :, :1] * np.arange(1, CLASSES + 1)
        return np.asarray(each / 1000)

    def labels(self, x: Inputs) -> Ints:
        return np.asarray(self.scores(x).argmax(axis=2))

    def target(self, i: int) -> Target:
        raise NotImplementedError


INPUTS = np.arange(40.0)[:, None]
BLOCK = BLOCK_COPIES * 8 * 6 * CLASSES  # bytes of one record


def best(scores: Floats, _: slice) -> Floats:
    return np.asarray(scores.max(axis=2), dtype=np.float32)


def test_blocks_are_as_planned_and_cover_every_record() -> None:
    ensemble = Products()
    seen = [(part.start, part.stop) for part, _ in iterate_blocks(ensemble, INPUTS, 7 * BLOCK)]
    plan = plan_answers(6, 40, CLASSES, 7 * BLOCK)
    assert plan.rows_a_block == 7
    assert plan.blocks == 6
    assert ensemble.asked == [1, 7, 7, 7, 7, 7, 4]  # the first shows how many classes there are
    assert [a for a, _ in seen] == [0, *(b for _, b in seen[:-1])]
    assert seen[-1][1] == 40


def test_little_work_is_asked_at_once() -> None:
    ensemble = Products()
    assert [part for part, _ in iterate_blocks(ensemble, INPUTS, 1 << 30)] == [slice(0, 40)]


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 50), st.integers(1, 10**6))
def test_a_planned_block_stays_below_the_memory(
    models: int, count: int, classes: int, memory: int
) -> None:
    plan = plan_answers(models, count, classes, memory)
    block = BLOCK_COPIES * 8 * models * classes * plan.rows_a_block
    assert block <= memory or plan.rows_a_block == 1
    assert (plan.blocks - 1) * plan.rows_a_block < max(count, 1)
    assert plan.blocks * plan.rows_a_block >= count
    assert plan.bytes_total == max(1, models * classes * 8) * count


def test_a_plan_says_what_it_does() -> None:
    assert str(plan_answers(1000, 50_000, 100, 1 << 30)) == (
        "1,000 models answer 50,000 records with 100 classes: 37 GiB of scores, computed in 112 "
        "blocks of 447 records"
    )
    assert str(plan_answers(2, 10, 2, 1 << 30)).endswith("320 bytes of scores, computed at once")


@pytest.mark.parametrize("memory", [1, 7 * BLOCK, 1 << 30])
def test_reduced_answers_are_those_of_all_at_once(memory: int) -> None:
    found = reduce_scores(Products(), INPUTS, best, memory)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, best(Products().scores(INPUTS), slice(0, 40)))


def test_the_reduction_knows_its_rows() -> None:
    y = np.arange(40) % CLASSES
    found = reduce_scores(
        Products(), INPUTS, lambda s, part: s[:, np.arange(s.shape[1]), y[part]], 3 * BLOCK
    )
    whole = Products().scores(INPUTS)
    np.testing.assert_array_equal(found, whole[:, np.arange(40), y])


def test_no_records_have_no_answers(tmp_path: Path) -> None:
    assert reduce_scores(Products(), INPUTS[:0], best, 100).shape == (6, 0)
    assert write_scores(Products(), INPUTS[:0], tmp_path / "none.npy", 100).shape == (6, 0, CLASSES)
    assert gather_scores(Products(), INPUTS[:0], tmp_path / "no.npy", 100).shape == (6, 0, CLASSES)


@pytest.mark.parametrize("kind", ["texts", "rows"])
def test_any_ensemble_is_answered_in_blocks(kind: str) -> None:
    data = texts() if kind == "texts" else rows()
    estimator: Any = DecisionTreeClassifier(max_depth=3)
    if kind == "texts":
        estimator = make_pipeline(TfidfVectorizer(), LogisticRegression())
    domain = TEXT if kind == "texts" else table(6)
    ensemble = SklearnTrainer(estimator, ("a", "b"), domain).fit_many(data, subsets(data), range(9))
    found = reduce_scores(ensemble, data.x, lambda s, _: s[:, :, 1], 9 * 2 * 8 * BLOCK_COPIES * 11)
    np.testing.assert_allclose(found, ensemble.scores(data.x)[:, :, 1], rtol=1e-12)


def test_stored_answers_are_read_by_any_numpy(tmp_path: Path) -> None:
    path = tmp_path / "scores.npy"
    found = write_scores(Products(), INPUTS, path, 7 * BLOCK)
    wanted = Products().scores(INPUTS).astype(np.float32)
    assert isinstance(found, np.memmap)
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(np.load(path, mmap_mode="r"), wanted)
    assert [p.name for p in tmp_path.iterdir()] == ["scores.npy"]
    with pytest.raises(ValueError, match="read-only"):
        found[0, 0, 0] = 1
    assert write_scores(Products(), INPUTS, path, 7 * BLOCK, np.float64).dtype == np.float64


def test_a_failure_leaves_no_file_and_the_old_one_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "scores.npy"
    write_scores(Products(), INPUTS[:3], path, 7 * BLOCK)
    with pytest.raises(RuntimeError, match="the model broke"):
        write_scores(Products(fail_at=2), INPUTS, path, 7 * BLOCK)
    assert [p.name for p in tmp_path.iterdir()] == ["scores.npy"]
    assert np.load(path).shape == (6, 3, CLASSES)


def test_answers_are_kept_in_memory_where_they_fit(tmp_path: Path) -> None:
    path, size = tmp_path / "scores.npy", 6 * 40 * CLASSES * 4
    ensemble = Products()
    small = gather_scores(ensemble, INPUTS, path, size)
    assert not isinstance(small, np.memmap)
    assert not path.exists()
    assert sum(ensemble.asked) == 40  # nothing is asked twice
    large = gather_scores(Products(), INPUTS, path, size - 1)
    assert isinstance(large, np.memmap)
    np.testing.assert_array_equal(small, large)
