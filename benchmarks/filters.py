"""Time `fit_many` against scikit-learn in a loop: train many shadow filters, score every message.

All methods run interleaved, round by round, in one process with one thread; figures are medians of
process CPU seconds. Loops marked (x) were run for the first `--loop` models and scaled up; equality
of scores is checked on these models. "counts in" and "one tf-idf for all in" spare scikit-learn the
preprocessing inside every subset, so that it trains slightly different, cheaper models.

    python -m benchmarks.filters                     # the generated mail of the example
    python -m benchmarks.filters --data sms.parquet  # a file with columns text and label
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from goalkeeper.core.compute_settings import PRECISIONS, ComputeSettings
from goalkeeper.core.data import Bools, Data, Floats
from goalkeeper.core.domain import TextDomain
from goalkeeper.training import SklearnTrainer, bayes
from goalkeeper.training.dispatch import FitJob


@dataclass(frozen=True)
class Method:
    """One way to train `models` models and score every message; `scale` makes it all of them."""

    name: str
    run: Callable[[], Floats]
    scale: float = 1.0


def main() -> None:
    options = parsed()
    data = loaded(options.data)
    rng = np.random.default_rng(0)
    masks = rng.random((options.models, len(data))) < 0.5
    print(f"{len(data)} messages, {options.models} models on random halves, medians of CPU seconds")
    with threadpool_limits(limits=1):
        rows = report("naive Bayes", *bayes_methods(data, masks, options.loop), options.rounds)
        beside_memory(rows, data, masks)
        found = logistic_methods(data, masks, options.loop)
        rows += report("logistic regression on tf-idf", *found, options.rounds)
    if options.json:
        options.json.write_text(json.dumps(rows))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, help="parquet or CSV file with text and label")
    parser.add_argument("--models", type=int, default=256)
    parser.add_argument("--loop", type=int, default=16, help="models of the slowest loops")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the rows of the table")
    return parser.parse_args()


def loaded(path: Path | None) -> Data:
    if path is None:
        from goalkeeper.examples.spam_filter.mail import generate

        frame = generate(mails=5000).frame
    else:
        frame = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    x = frame["text"].to_numpy(dtype=object)
    return Data(x=x, y=np.unique(frame["label"], return_inverse=True)[1].astype(np.int64))


def loop(make: Callable[[], Any], x: Any, y: Any, masks: Bools) -> Floats:
    """Train and score one model after the other."""
    return np.stack([make().fit(x[m], y[m]).predict_proba(x) for m in masks])


def bayes_methods(data: Data, masks: Bools, some: int) -> tuple[list[Method], float]:
    def pipeline() -> Any:
        return make_pipeline(CountVectorizer(), MultinomialNB())

    trainer, fast = (
        SklearnTrainer(
            pipeline(), ("ham", "spam"), TextDomain(), compute=ComputeSettings(precision=precision)
        )
        for precision in PRECISIONS
    )
    job = FitJob(
        trainer.strategy.parts, trainer.estimator, trainer.classes, trainer.domain, data, masks
    )
    quick = replace(job, compute=ComputeSettings(precision="fast"))
    space, small = bayes.build_space(job), bayes.build_space(quick)
    counts = CountVectorizer().fit_transform(data.x)
    few = masks[:some]
    methods = [
        Method(
            "goalkeeper, texts in",
            lambda: trainer.fit_many(data, masks, range(len(masks))).scores(data.x),
        ),
        Method(
            "goalkeeper, counts in",
            lambda: bayes.train(job, space, lambda i: trainer.fit(data, i)).scores(data.x),
        ),
        Method(
            "goalkeeper fast, texts in",
            lambda: fast.fit_many(data, masks, range(len(masks))).scores(data.x),
        ),
        Method(
            "goalkeeper fast, counts in",
            lambda: bayes.train(quick, small, lambda i: fast.fit(data, i)).scores(data.x),
        ),
        Method("scikit-learn, counts in", lambda: loop(MultinomialNB, counts, data.y, masks)),
        Method(
            "scikit-learn, texts in (x)",
            lambda: loop(pipeline, data.x, data.y, few),
            len(masks) / len(few),
        ),
    ]
    return methods, apart(methods[0].run()[: len(few)], loop(pipeline, data.x, data.y, few))


def logistic_methods(data: Data, masks: Bools, some: int) -> tuple[list[Method], float]:
    def pipeline(**params: Any) -> Any:
        return make_pipeline(TfidfVectorizer(), LogisticRegression(**params))

    def tight() -> Any:
        return pipeline(tol=1e-10, max_iter=10_000, solver="newton-cg")

    trainer, fast = (
        SklearnTrainer(
            pipeline(), ("ham", "spam"), TextDomain(), compute=ComputeSettings(precision=precision)
        )
        for precision in PRECISIONS
    )
    features = TfidfVectorizer().fit_transform(data.x)
    few = masks[:some]
    scale = len(masks) / len(few)
    methods = [
        Method(
            "goalkeeper, texts in",
            lambda: trainer.fit_many(data, masks, range(len(masks))).scores(data.x),
        ),
        Method(
            "goalkeeper fast, texts in",
            lambda: fast.fit_many(data, masks, range(len(masks))).scores(data.x),
        ),
        Method(
            "scikit-learn, one tf-idf for all in",
            lambda: loop(LogisticRegression, features, data.y, masks),
        ),
        Method("scikit-learn, texts in (x)", lambda: loop(pipeline, data.x, data.y, few), scale),
        Method(
            "scikit-learn, texts in, to the optimum (x)",
            lambda: loop(tight, data.x, data.y, few),
            scale,
        ),
    ]
    return methods, apart(methods[0].run()[: len(few)], loop(tight, data.x, data.y, few))


def beside_memory(rows: list[dict[str, object]], data: Data, masks: Bools) -> None:
    """Say how far naive Bayes is from a bound: every array passes through the memory once.

    That is the masks read, the counts of two classes written and read, the weights written and
    read, and the scores written. The speed of the memory is that of copying.
    """
    words = CountVectorizer().fit(data.x).vocabulary_
    numbers = len(masks) * (len(data) + 2 * 2 * len(words) + 2 * len(words) + 2 * len(data))
    large = np.ones(1 << 25)
    taken = []
    for _ in range(5):
        start = time.process_time()
        large.copy()
        taken.append(time.process_time() - start)
    speed = 2 * large.nbytes / float(np.median(taken))
    for row in rows:
        size = 4 if "fast" in str(row["figure"]) else 8
        times = float(str(row["ours_s"])) * speed / (numbers * size)
        row["note"] = f"{row['note']}; {times:.1f} times the bound of memory"
    print(
        f"  memory copies {speed / 1e9:.1f} GB/s: at least {numbers * 4 / speed:.4f} s in float32"
    )


def apart(found: Floats, expected: Floats) -> float:
    return float(np.abs(found - expected).max())


def report(title: str, methods: list[Method], gap: float, rounds: int) -> list[dict[str, object]]:
    """Time the methods in turns, and compare each of ours with each of scikit-learn's."""
    seconds: list[list[float]] = [[] for _ in methods]
    for _ in range(rounds):
        for method, taken in zip(methods, seconds, strict=True):
            start = time.process_time()
            method.run()
            taken.append((time.process_time() - start) * method.scale)
    medians = [float(np.median(taken)) for taken in seconds]
    print(f"\n{title}: scores differ by at most {gap:.1e} from scikit-learn's, texts in")
    for method, median, taken in zip(methods, medians, seconds, strict=True):
        spread = f"{min(taken):.3f} to {max(taken):.3f}"
        print(f"  {method.name:44} {median:9.3f} s  ({spread})  {median / medians[0]:6.1f}x")
    times = dict(zip((m.name for m in methods), medians, strict=True))
    return [
        {
            "figure": f"{title}: {ours.removeprefix('goalkeeper').strip(' ,')}",
            "ours_s": times[ours],
            "peer": peer,
            "peer_s": times[peer],
            "ratio": times[peer] / times[ours],
            "note": f"{ours}; scores in float64 differ by at most {gap:.0e}",
        }
        for ours in times
        if ours.startswith("goalkeeper")
        for peer in times
        if not peer.startswith("goalkeeper")
    ]


if __name__ == "__main__":
    main()
