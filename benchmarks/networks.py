"""Many small networks trained together, against the loops in which they are trained elsewhere.

Every network is trained on a random half of the rows by the same recipe (SGD with momentum, batches
of 256) and asked for all rows. Medians of process CPU seconds, one thread, methods in turns; loops
train `--loop` networks and are scaled up. "tight loop" slices tensors by indices, "DataLoader loop"
draws batches with torch's DataLoader, record by record, as public attack code does.
"of the peak" is the share of the speed of a large matrix product, measured in the same run.

    python -m benchmarks.networks [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.neural_network import MLPClassifier
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks._timing import timed
from goalkeeper.core.data import Bools, Data
from goalkeeper.core.domain import Column, Domain, ImageDomain, TableDomain
from goalkeeper.training.networks import TorchRecipe, TorchTrainer

BATCH, RATE, MOMENTUM = 256, 0.05, 0.9


@dataclass(frozen=True)
class Case:
    """Networks of one size and the records that they learn; `work` is FLOP a record and pass."""

    name: str
    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    classes: int
    rows: int
    epochs: int
    models: int
    loop: int
    work: float
    goals: dict[str, str]


def mlp(*sizes: int) -> nn.Module:
    layers: list[nn.Module] = []
    for wide, narrow in pairwise(sizes):
        layers += [nn.Linear(wide, narrow), nn.ReLU()]
    return nn.Sequential(nn.Flatten(), *layers[:-1])


def convolutions() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(32 * 49, 10),
    )  # fmt: skip


CASES = (
    Case("MLP of Adult size, 105-64-2", partial(mlp, 105, 64, 2), (105,), 2, 10_000, 4, 64, 4,
         6.0 * (105 * 64 + 64 * 2), {"tight loop": ">= 2.5x", "DataLoader loop": ">= 10x"}),
    Case("MLP of Purchase size, 600-128-100", partial(mlp, 600, 128, 100), (600,), 100, 10_000, 2,
         16, 4, 6.0 * (600 * 128 + 128 * 100), {"tight loop": ">= 1.6x"}),
    Case("CNN of 28 x 28 images", convolutions, (1, 28, 28), 10, 2000, 2, 4, 4,
         6.0 * (9 * 16 * 196 + 9 * 16 * 32 * 49 + 32 * 49 * 10), {"tight loop": ">= 1.1x"}),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the rows of the table")
    options = parser.parse_args()
    torch.set_num_threads(1)
    speed = peak()
    print(f"large matrix products: {speed / 1e9:.0f} GFLOP/s in float32, one thread")
    rows = [row for case in CASES for row in figures(case, options.rounds, speed)]
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


def peak() -> float:
    """FLOP a second of a large matrix product."""
    a, taken = torch.rand(2048, 2048), []
    for _ in range(5):
        start = time.process_time()
        a @ a
        taken.append(time.process_time() - start)
    return 2 * 2048**3 / float(np.median(taken))


def records(case: Case) -> Data:
    """Make classes that overlap: a noisy linear rule, which networks of this size find."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2 * case.rows, *case.shape)).astype(np.float32)
    flat = x.reshape(len(x), -1)
    rule = rng.normal(size=(flat.shape[1], case.classes)) / np.sqrt(flat.shape[1])
    y = (flat @ rule + 0.2 * rng.normal(size=(len(x), case.classes))).argmax(axis=1)
    return Data(x=x, y=y.astype(np.int64))


def domain_of(case: Case) -> Domain:
    if len(case.shape) == 3:
        return ImageDomain(shape=case.shape, low=-8.0, high=8.0)
    return TableDomain(columns=tuple(Column(name=f"c{j}") for j in range(case.shape[0])))


def figures(case: Case, rounds: int, speed: float) -> list[dict[str, object]]:
    """Time one case, print the lines and return them."""
    data = records(case)
    masks = np.random.default_rng(1).random((case.models, len(data))) < 0.5
    few, scale = masks[: case.loop], case.models / case.loop
    x, y = torch.as_tensor(data.x), torch.as_tensor(data.y)
    how = TorchRecipe(epochs=case.epochs, batch=BATCH, optimiser="sgd", rate=RATE)
    names = [str(c) for c in range(case.classes)]
    trainer = TorchTrainer(case.build, names, domain_of(case), how)
    peers: dict[str, Callable[[], Any]] = {
        "tight loop": lambda: looped(case, x, y, few, sliced),
        "DataLoader loop": lambda: looped(case, x, y, few, loaded),
    }
    if len(case.shape) == 1:
        peers["scikit-learn MLPClassifier"] = lambda: classifiers(case, data, few)
    taken = timed({"ours": lambda: ours(trainer, data, masks), **peers}, rounds)
    right = {n: accuracy(run(), data, few) for n, run in peers.items()}
    mine = accuracy(ours(trainer, data, few), data, few)
    share = case.work * masks.sum() * case.epochs / taken["ours"] / speed
    return [
        printed({
            "figure": f"{case.models} x {case.name}",
            "ours_s": taken["ours"],
            "peer": peer,
            "peer_s": taken[peer] * scale,
            "ratio": taken[peer] * scale / taken["ours"],
            "goal": case.goals.get(peer, ""),
            "note": f"{share:.0%} of the peak; accuracy {mine:.3f}, its {right[peer]:.3f}",
        })
        for peer in peers
    ]  # fmt: skip


def ours(trainer: TorchTrainer, data: Data, masks: Bools) -> Any:
    return trainer.fit_many(data, masks, range(len(masks))).scores(data.x)


Batches = Callable[[Tensor, Tensor], Iterator[Any]]


def sliced(x: Tensor, y: Tensor) -> Iterator[Any]:
    order = torch.randperm(len(x))
    for start in range(0, len(x), BATCH):
        index = order[start : start + BATCH]
        yield x[index], y[index]


def loaded(x: Tensor, y: Tensor) -> Iterator[Any]:
    yield from DataLoader(TensorDataset(x, y), batch_size=BATCH, shuffle=True)


def looped(case: Case, x: Tensor, y: Tensor, masks: Bools, batches: Batches) -> Any:
    """Train and score one network after the other."""
    out = []
    for i, mask in enumerate(masks):
        torch.manual_seed(i)
        module, chosen = case.build(), torch.as_tensor(mask)
        own_x, own_y = x[chosen], y[chosen]
        optimiser = torch.optim.SGD(module.parameters(), RATE, momentum=MOMENTUM)
        for _ in range(case.epochs):
            for part, classes in batches(own_x, own_y):
                optimiser.zero_grad()
                nn.functional.cross_entropy(module(part), classes).backward()
                optimiser.step()
        with torch.inference_mode():
            out.append(module(x).softmax(dim=1).numpy())
    return np.stack(out)


def classifiers(case: Case, data: Data, masks: Bools) -> Any:
    hidden = tuple(m.out_features for m in case.build().modules() if isinstance(m, nn.Linear))[:-1]
    out = []
    for i, mask in enumerate(masks):
        model = MLPClassifier(
            hidden, solver="sgd", alpha=0, batch_size=BATCH, learning_rate_init=RATE,
            momentum=MOMENTUM, nesterovs_momentum=False, max_iter=case.epochs, tol=0,
            n_iter_no_change=case.epochs + 1, random_state=i,
        )  # fmt: skip
        first = {"classes": np.arange(case.classes)}
        for epoch in range(case.epochs):  # `fit` would warn that it has not converged
            model.partial_fit(data.x[mask], data.y[mask], **({} if epoch else first))
        out.append(model.predict_proba(data.x))
    return np.stack(out)


def accuracy(scores: Any, data: Data, masks: Bools) -> float:
    """On the rows that a network was not trained on."""
    right = scores.argmax(axis=2) == data.y
    return float(np.mean([r[~m].mean() for r, m in zip(right, masks, strict=True)]))


def printed(row: dict[str, object]) -> dict[str, object]:
    print(f"  {row['figure']!s:40}{row['ours_s']:8.2f} s  {row['peer']!s:28}{row['peer_s']:8.2f} s"
          f"{row['ratio']:7.2f}x  {row['note']}", flush=True)  # fmt: skip
    return row


if __name__ == "__main__":
    main()
