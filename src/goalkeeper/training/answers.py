"""Answers of hundreds of models to many records, computed in blocks of rows.

The scores of N models on n records `(N, n, classes)` are often larger than the memory: 1,000
models, 50,000 records and 100 classes take 40 GB. So they are asked for a block of rows at a time,
through nothing but `ensemble.scores(x[rows])`, and reduced or written before the next block.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from goalkeeper.core.application import Ensemble
from goalkeeper.core.data import Floats, Inputs

BYTES_PER_SCORE = 8  # float64, whatever the models compute in
BLOCK_COPIES = 3  # at a time: the models' own work, the block, and what it is reduced with
# Allowed for until the first block has shown how many classes there are: more than models with
# scores have, and few enough that the first block is not a single record.
ASSUMED_CLASSES = 10_000

ReduceBlock = Callable[[Floats, slice], NDArray[Any]]


@dataclass(frozen=True, slots=True)
class AnswerPlan:
    """How many rows are asked at a time, and what all answers would take.

    Parameters
    ----------
    models, rows, classes
        What is asked: N models, n records, scores of so many classes.
    bytes_total
        Bytes of all scores at once, as float64.
    rows_a_block, blocks
        Rows that are asked at a time, and how often.
    """

    models: int
    rows: int
    classes: int
    bytes_total: int
    rows_a_block: int
    blocks: int

    def __str__(self) -> str:
        """Say it in words for people."""
        asked = f"{self.models:,} models answer {self.rows:,} records with {self.classes:,} classes"
        once = "at once" if self.blocks == 1 else f"in {self.blocks:,} blocks"
        rows_each = "" if self.blocks == 1 else f" of {self.rows_a_block:,} records"
        return f"{asked}: {_format_bytes(self.bytes_total)} of scores, computed {once}{rows_each}"


def plan_answers(models: int, rows: int, classes: int, memory: int) -> AnswerPlan:
    """Say beforehand how the scores `(models, rows, classes)` will be cut into blocks.

    `memory` is in bytes; a block and what is computed with it stay below, unless a single record
    takes more.
    """
    bytes_a_row = max(1, models * classes * BYTES_PER_SCORE)
    rows_each = min(max(1, memory // (BLOCK_COPIES * bytes_a_row)), max(1, rows))
    blocks = math.ceil(rows / rows_each)
    return AnswerPlan(models, rows, classes, bytes_a_row * rows, rows_each, blocks)


def iterate_blocks(ensemble: Ensemble, x: Inputs, memory: int) -> Iterator[tuple[slice, Floats]]:
    """Yield rows and their scores `(N, r, classes)`, until all of `x` `(n, ...)` is answered.

    The first block is small enough for 10,000 classes; it shows how many there are, and the
    others are as large as `plan_answers` says. Raises what the models raise.
    """
    start, plan = 0, plan_answers(len(ensemble), len(x), ASSUMED_CLASSES, memory)
    while start == 0 or start < len(x):
        rows = slice(start, min(start + plan.rows_a_block, len(x)))
        scores = ensemble.scores(x[rows])
        if start == 0:
            plan = plan_answers(len(ensemble), len(x), scores.shape[2], memory)
        yield rows, scores
        del scores  # before the next block is asked for
        start = rows.stop or 1  # without records there is one empty block


def reduce_scores(ensemble: Ensemble, x: Inputs, reduce: ReduceBlock, memory: int) -> NDArray[Any]:
    """Reduce the scores of every block, so that all scores never stand in memory together.

    Parameters
    ----------
    ensemble
        N models.
    x
        Inputs `(n, ...)`.
    reduce
        Called with scores `(N, r, classes)` and the rows they belong to; returns `(N, r)`, for
        example the confidence in each record's class.
    memory
        Bytes that a block and what is computed with it may take.

    Returns
    -------
    NDArray
        `(N, n)`, of the type that `reduce` returns.
    """
    out: NDArray[Any] | None = None
    for rows, scores in iterate_blocks(ensemble, x, memory):
        reduced = reduce(scores, rows)
        if out is None:
            out = np.empty((len(ensemble), len(x)), dtype=reduced.dtype)
        out[:, rows] = reduced
        del scores, reduced
    assert out is not None  # noqa: S101 - there is always a first block
    return out


def write_scores(
    ensemble: Ensemble, x: Inputs, path: Path, memory: int, dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Write all scores `(N, n, classes)` to an .npy file, and return it mapped for reading.

    Written block by block beside `path`, then renamed: a file of this name is whole. Any
    numpy reads it with `np.load(path, mmap_mode="r")`. Raises OSError where it cannot be written.
    """
    blocks = iterate_blocks(ensemble, x, memory)
    return _write(blocks, (len(ensemble), len(x)), path, np.dtype(dtype))


def gather_scores(
    ensemble: Ensemble, x: Inputs, path: Path, memory: int, dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Return all scores `(N, n, classes)`: in memory where they fit, else as `write_scores` does.

    They fit where, as `dtype`, they take no more than `memory` bytes; no file is written then.
    """
    score_blocks = iterate_blocks(ensemble, x, memory)
    first = next(score_blocks)
    shape = (len(ensemble), len(x), first[1].shape[2])
    all_blocks = chain([first], score_blocks)
    if math.prod(shape) * np.dtype(dtype).itemsize > memory:
        return _write(all_blocks, shape[:2], path, np.dtype(dtype))
    out = np.empty(shape, dtype=dtype)
    for rows, scores in all_blocks:
        out[:, rows] = scores
    return out


def _write(
    score_blocks: Iterator[tuple[slice, Floats]],
    shape: tuple[int, int],
    path: Path,
    dtype: np.dtype[Any],
) -> NDArray[Any]:
    """Write blocks to a file, each through a mapping of its own, so that it leaves the memory."""
    unfinished = path.with_name(f"{path.name}.part")
    try:
        for rows, scores in score_blocks:
            if rows.start == 0:
                _open_memmap(unfinished, mode="w+", dtype=dtype, shape=(*shape, scores.shape[2]))
            _open_memmap(unfinished, mode="r+")[:, rows] = scores
            del scores
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return _open_memmap(path, mode="r")


def _open_memmap(path: Path, **options: Any) -> NDArray[Any]:
    return np.lib.format.open_memmap(path, **options)


def _format_bytes(count: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            break
        count /= 1024
    return f"{count:,.0f} {unit}" if count >= 10 or unit == "bytes" else f"{count:.1f} {unit}"
