"""Membership scores of every model as the target, and the memory of answers in blocks.

Scores: 256 models on 20,000 records, one thread, medians of process CPU seconds, interleaved. The
peers are the published steps written plainly for one target: LiRA as in tensorflow/privacy
(research/mi_lira_2021/plot.py), RMIA as the full comparison of records with a population. They are
run for `--targets` targets and scaled to all, marked (x).

Memory: 1,000 models, 50,000 records, 100 classes, that is 37 GiB of scores. A process of its own
computes them block by block with a matrix product, keeps the confidence in the true class, and
reports its own peak.

    python -m benchmarks.scoring [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.stats
from threadpoolctl import threadpool_limits

from benchmarks._timing import timed
from goalkeeper.attacks.membership._signal import logit_confidence
from goalkeeper.core.application import Target
from goalkeeper.core.data import Bools, Floats, Inputs, Ints
from goalkeeper.stats import lira, offline_lira, relative_likelihood, rmia, student_ratio
from goalkeeper.training.answers import plan_answers, reduce_scores

MODELS, RECORDS, POPULATION = 256, 20_000, 10_000
STREAM = (1000, 50_000, 100)  # models, records, classes
MEMORY = 1 << 30
GOAL, GOAL_BYTES = "<= 1 s", 4 << 30


def main() -> None:
    options = parsed()
    if options.stream:
        print(json.dumps(streamed(*STREAM)))
        return
    rows = [memory()]  # first: on Linux a process inherits the peak of the one that starts it
    with threadpool_limits(limits=1):
        rows += scores(options.rounds, options.targets)
    for row in rows:
        peer = f"{row['peer_s']:9.1f} s{row['ratio']:7.0f}x  {row['peer']}" if "peer" in row else ""
        print(f"{row['figure']:48}{row['ours_s']:8.2f} s  {peer}{row.get('note', '')}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--targets", type=int, default=2, help="targets of the peers")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--stream", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


# ---- scores --------------------------------------------------------------------------------------


def scores(rounds: int, targets: int) -> list[dict[str, Any]]:
    """Time all targets with ours, and a few with the published steps; check that they agree."""
    signals, member = drawn(np.random.default_rng(0))
    likelihoods = (1 / (1 + np.exp(-signals))).astype(np.float32)
    drawn_z = np.random.default_rng(1).normal(size=(MODELS, POPULATION))
    population = (1 / (1 + np.exp(-drawn_z))).astype(np.float32)
    few = range(targets)

    def medians() -> Floats:
        return lira(signals, member, location="median")

    def means() -> Floats:
        return lira(signals, member)

    def shares() -> Floats:
        return rmia(likelihoods, member, population)

    methods: dict[str, Callable[[], Any]] = {
        "LiRA, means and variances": means,
        "LiRA, medians and variances": medians,
        "LiRA, offline": lambda: offline_lira(signals, member),
        "Student t ratio": lambda: student_ratio(signals, member),
        "RMIA": shares,
        "RMIA, offline, a = 0.3, gamma = 2": lambda: rmia(
            likelihoods, member, population, gamma=2.0, a=0.3
        ),
        "(x) LiRA": lambda: [plain_lira(signals, member, i) for i in few],
        "(x) RMIA": lambda: [plain_rmia(likelihoods, member, population, i) for i in few],
    }
    agree(methods, medians()[:targets], shares()[:targets])
    taken = timed(methods, rounds)
    scale = MODELS / targets
    peers = {"LiRA": taken["(x) LiRA"] * scale, "RMIA": taken["(x) RMIA"] * scale}
    rows: list[dict[str, Any]] = []
    for name in list(methods)[:-2]:
        row = {"figure": f"{name}, {MODELS} targets", "ours_s": taken[name], "goal": GOAL}
        peer = peers.get(name.partition(",")[0])
        if peer is not None:
            said = f"published steps, {targets} targets (x)"
            row |= {"peer": said, "peer_s": peer, "ratio": peer / taken[name]}
        rows.append(row)
    return rows


def drawn(rng: np.random.Generator) -> tuple[Any, Bools]:
    """Float32 signals of every model on every record; every record is in half of the models."""
    member = rng.random((MODELS, RECORDS)).argsort(axis=0) < MODELS // 2
    signals = 2 * rng.normal(size=RECORDS) + rng.normal(size=(MODELS, RECORDS)) + 1.5 * member
    return signals.astype(np.float32), member


def plain_lira(signals: Any, member: Bools, i: int) -> Floats:
    """Score one target as the published code does, with all models of each record."""
    others = np.arange(len(signals)) != i
    rest, seen = signals[others], member[others]
    inside = [rest[seen[:, j], j] for j in range(rest.shape[1])]
    outside = [rest[~seen[:, j], j] for j in range(rest.shape[1])]
    laws = [
        (np.array([np.median(v) for v in side]), np.array([np.std(v) for v in side]))
        if len({len(v) for v in side}) > 1
        else (np.median(np.array(side), 1), np.std(np.array(side), 1))
        for side in map(evened, (inside, outside))
    ]
    (m_in, s_in), (m_out, s_out) = laws
    above = scipy.stats.norm.logpdf(signals[i], m_in, s_in + 1e-30)
    return np.asarray(above - scipy.stats.norm.logpdf(signals[i], m_out, s_out + 1e-30))


def evened(side: list[Any]) -> list[Any]:
    """Drop models until every record has equally many, as the published code does."""
    least = min(map(len, side))
    return [values[:least] for values in side]


def plain_rmia(likelihoods: Any, member: Bools, population: Any, i: int) -> Floats:
    """Score one target by comparing every record with every one of the population."""
    others = np.arange(len(likelihoods)) != i
    x = relative_likelihood(likelihoods[others], member[others], target=likelihoods[i])
    z = population[i] / population[others].mean(axis=0, dtype=np.float64)
    return np.asarray((x[:, None] / z > 1.0).mean(axis=1))


def agree(methods: dict[str, Callable[[], Any]], medians: Floats, shares: Floats) -> None:
    """Check that ours and the plain steps tell the same; models dropped make a difference."""
    for name, found, least in (("(x) LiRA", medians, 0.999), ("(x) RMIA", shares, 0.999999)):
        for ours, theirs in zip(found, methods[name](), strict=True):
            alike = float(np.corrcoef(ours, theirs)[0, 1])
            if alike < least:
                raise SystemExit(f"{name} and ours differ: correlation {alike}")


# ---- memory --------------------------------------------------------------------------------------


class Products:
    """N softmax models whose scores are matrix products, one model after the other."""

    def __init__(self, models: int, width: int, classes: int) -> None:
        rng = np.random.default_rng(0)
        self.weights = rng.normal(size=(models, width, classes)) / 4

    def __len__(self) -> int:
        return len(self.weights)

    def scores(self, x: Inputs) -> Floats:
        """Probabilities `(N, n, classes)`."""
        out = np.empty((len(self), len(x), self.weights.shape[2]))
        for block, weights in zip(out, self.weights, strict=True):
            powers = np.exp(x @ weights)
            np.divide(powers, powers.sum(axis=1, keepdims=True), out=block)
        return out

    def labels(self, x: Inputs) -> Ints:
        """Classes `(N, n)`."""
        return np.asarray(self.scores(x).argmax(axis=2))

    def target(self, i: int) -> Target:
        """Is not asked here."""
        raise NotImplementedError


def streamed(models: int, records: int, classes: int) -> dict[str, Any]:
    """Compute all confidences in this process; return its plan, its seconds and its peak."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(records, 32)), rng.integers(classes, size=records)
    start = time.perf_counter()
    found = reduce_scores(
        Products(models, 32, classes), x, lambda s, rows: logit_confidence(s, y[rows]), MEMORY
    )
    return {
        "plan": str(plan_answers(models, records, classes, MEMORY)),
        "seconds": time.perf_counter() - start,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,  # Linux: in KiB
        "shape": found.shape,
    }


def memory() -> dict[str, Any]:
    """Run the streaming in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.scoring", "--stream"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    peak = found["peak"] / (1 << 30)
    return {
        "figure": "answers in blocks, wall seconds",
        "ours_s": found["seconds"],
        "goal": f"peak < {GOAL_BYTES >> 30} GiB",
        "note": f"peak {peak:.2f} GiB. {found['plan']}",
    }


if __name__ == "__main__":
    main()
