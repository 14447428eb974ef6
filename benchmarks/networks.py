"""Many small networks trained together, against the loops in which they are trained elsewhere.

Every network is trained on a random half of the rows by the same recipe (SGD with momentum, batches
of 256) and asked for all rows. Medians of process CPU seconds, one thread, methods in turns; loops
train a few networks and are scaled up. "tight loop" slices tensors by indices, "DataLoader loop"
draws batches with torch's DataLoader, record by record, as public attack code does. "fast" is
`--precision fast`: bfloat16 where this machine is measured to be faster with it. Layouts are
measured, too, before the clock runs. "of the peak" is the share of the speed of a large float32
matrix product, measured in the same run.

    python -m benchmarks.networks [--json FILE]
    python -m benchmarks.networks --device cuda   # wall seconds, more networks
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks._timing import timed
from goalkeeper.core.compute_settings import ComputeSettings, Precision
from goalkeeper.core.data import Bools, Data
from goalkeeper.core.domain import Column, Domain, ImageDomain, TableDomain
from goalkeeper.training.networks import TorchRecipe, TorchTrainer

BATCH, RATE, MOMENTUM = 256, 0.05, 0.9


@dataclass(frozen=True)
class Case:
    """Networks of one size and the records that they learn; `work` is FLOP a record and pass.

    `goals` are ratios to reach, by precision and peer.
    """

    name: str
    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    classes: int
    rows: int
    epochs: int
    models: int
    loop: int
    work: float
    goals: dict[tuple[str, str], str]


def mlp(*sizes: int) -> nn.Module:
    layers: list[nn.Module] = []
    for wide, narrow in pairwise(sizes):
        layers += [nn.Linear(wide, narrow), nn.ReLU()]
    return nn.Sequential(nn.Flatten(), *layers[:-1])


def convolutions(channels: int, side: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(2 * side * side, 10),
    )  # fmt: skip


def convolving(channels: int, side: int) -> float:
    """FLOP of such a network for one record and pass."""
    inner = 9 * channels * 16 * side**2 + 9 * 16 * 32 * (side // 2) ** 2
    return 6.0 * (inner + 20 * side**2)


BOTH: tuple[Precision, ...] = ("full", "fast")
CASES = (
    Case("MLP of Adult size, 105-64-2", partial(mlp, 105, 64, 2), (105,), 2, 10_000, 4, 64, 4,
         6.0 * (105 * 64 + 64 * 2),
         {("full", "tight loop"): ">= 2.5x", ("full", "DataLoader loop"): ">= 10x"}),
    Case("MLP of Purchase size, 600-128-100", partial(mlp, 600, 128, 100), (600,), 100, 10_000, 2,
         16, 4, 6.0 * (600 * 128 + 128 * 100), {("fast", "tight loop"): ">= 1.6x"}),
    Case("CNN of 28 x 28 images", partial(convolutions, 1, 28), (1, 28, 28), 10, 2000, 1, 4, 2,
         convolving(1, 28), {("full", "tight loop"): ">= 1.1x"}),
    Case("CNN of 32 x 32 x 3 images", partial(convolutions, 3, 32), (3, 32, 32), 10, 1000, 1, 4, 2,
         convolving(3, 32), {}),
)  # fmt: skip
ON_CUDA = {"105-64-2": (256, ">= 30x"), "28 x 28": (64, ">= 30x")}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu", help="cpu, or cuda where torch sees a GPU")
    parser.add_argument("--json", type=Path, help="write the rows of the table")
    options = parser.parse_args()
    torch.set_num_threads(1)
    speed = peak(options.device)
    print(f"large matrix products: {speed / 1e9:.0f} GFLOP/s in float32")
    cases = CASES if options.device == "cpu" else on_cuda()
    rows = [row for case in cases for row in figures(case, options, speed)]
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


def on_cuda() -> list[Case]:
    """Choose the cases of a GPU, with as many networks as it needs to be busy."""
    return [
        replace(case, models=models, goals={("full", "tight loop"): goal})
        for case in CASES
        for size, (models, goal) in ON_CUDA.items()
        if size in case.name
    ]


def peak(device: str) -> float:
    """FLOP a second of a large matrix product."""
    a, taken = torch.rand(2048, 2048, device=device), []
    for _ in range(5):
        start = clock(device)
        a @ a
        taken.append(clock(device) - start)
    return 2 * 2048**3 / float(np.median(taken))


def clock(device: str) -> float:
    """Seconds: of this process on a CPU, of the wall on a GPU, when it has done all it was told."""
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def records(case: Case) -> Data:
    """Make classes that overlap: a pattern of each class, which images show coarsely, and noise."""
    rng = np.random.default_rng(0)
    size = (2 * case.rows, *case.shape)
    y = rng.integers(0, case.classes, len(noise := rng.normal(size=size)))
    if len(case.shape) == 3:
        channels, side, _ = case.shape
        coarse = rng.normal(size=(case.classes, channels, 4, 4))
        pattern = 0.5 * np.kron(coarse, np.ones((side // 4, side // 4)))
    else:
        pattern = rng.normal(size=(case.classes, *case.shape)) * 3 / np.sqrt(case.shape[0])
    return Data(x=(noise + pattern[y]).astype(np.float32), y=y)


def domain_of(case: Case) -> Domain:
    if len(case.shape) == 3:
        return ImageDomain(shape=case.shape, low=-8.0, high=8.0)
    return TableDomain(columns=tuple(Column(name=f"c{j}") for j in range(case.shape[0])))


def figures(case: Case, options: argparse.Namespace, speed: float) -> list[dict[str, object]]:
    """Time one case, print the lines and return them."""
    data, device = records(case), options.device
    masks = np.random.default_rng(1).random((case.models, len(data))) < 0.5
    few, scale = masks[: case.loop], case.models / case.loop
    x, y = torch.as_tensor(data.x, device=device), torch.as_tensor(data.y, device=device)
    recipe = TorchRecipe(epochs=case.epochs, batch=BATCH, optimiser="sgd", rate=RATE)
    names = [str(c) for c in range(case.classes)]
    trainers = {
        name: TorchTrainer(
            case.build,
            names,
            domain_of(case),
            recipe,
            compute=ComputeSettings(precision=name, device=device),
        ).tune(data)
        for name in BOTH
    }
    peers: dict[str, Callable[[], Any]] = {
        "tight loop": lambda: looped(case, x, y, few, sliced),
        "DataLoader loop": lambda: looped(case, x, y, few, loaded),
    }
    if len(case.shape) == 1 and device == "cpu":
        peers["scikit-learn MLPClassifier"] = lambda: classifiers(case, data, few)
    mine = {n: partial(ours, t, data, masks) for n, t in trainers.items()}
    taken = timed({**mine, **peers}, options.rounds, "process" if device == "cpu" else "wall")
    right = {n: accuracy(run(), data, few) for n, run in peers.items()}
    rows = []
    for name, trainer in trainers.items():
        found = accuracy(ours(trainer, data, few), data, few)
        share = case.work * masks.sum() * case.epochs / taken[name] / speed
        rows += [
            printed({
                "figure": f"{case.models} x {case.name}, {name}",
                "ours_s": taken[name],
                "peer": peer,
                "peer_s": taken[peer] * scale,
                "ratio": taken[peer] * scale / taken[name],
                "goal": case.goals.get((name, peer), ""),
                "note": f"{share:.0%} of the peak; accuracy {found:.3f}, its {right[peer]:.3f}"
                f"{said(trainer)}",
            })
            for peer in peers
        ]  # fmt: skip
    return rows


def said(trainer: TorchTrainer) -> str:
    """Say what was measured to be the fastest."""
    networks = trainer.compute.networks
    ways = {"channels_last": networks.channels_last, "bfloat16": networks.half} if networks else {}
    return "".join(f"; {way}" for way, on in ways.items() if on)


def ours(trainer: TorchTrainer, data: Data, masks: Bools) -> Any:
    return trainer.fit_many(data, masks, range(len(masks))).scores(data.x)


Batches = Callable[[Tensor, Tensor], Iterator[Any]]


def sliced(x: Tensor, y: Tensor) -> Iterator[Any]:
    order = torch.randperm(len(x)).to(x.device)
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
        module, chosen = case.build().to(x.device), torch.as_tensor(mask)
        own_x, own_y = x[chosen], y[chosen]
        optimiser = torch.optim.SGD(module.parameters(), RATE, momentum=MOMENTUM)
        for _ in range(case.epochs):
            for part, classes in batches(own_x, own_y):
                optimiser.zero_grad()
                nn.functional.cross_entropy(module(part), classes).backward()
                optimiser.step()
        with torch.inference_mode():
            out.append(module(x).softmax(dim=1).cpu().numpy())
    return np.stack(out)


def classifiers(case: Case, data: Data, masks: Bools) -> Any:
    with threadpool_limits(limits=1):
        return multilayer(case, data, masks)


def multilayer(case: Case, data: Data, masks: Bools) -> Any:
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
