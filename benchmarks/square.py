"""Break images by scores alone: our Square attack beside that of AutoAttack's authors.

Both see the same images and networks, get the same queries and use one thread. Success is what a
fresh pass misreads. One network learns the digits of scikit-learn here, another one MNIST where
GOALKEEPER_DATA names the folder that holds it; neither is defended. The peer is the package
`autoattack` (the repository fra31/auto-attack); `--peer` names a folder to import it from, and it
is skipped where there is none.

    python -m benchmarks.square --peer auto-attack
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

from goalkeeper.attacks.evasion import square
from goalkeeper.core.data import Floats, Ints

QUERIES, SEEDS = 1000, 3
GOAL = ">= 60 %"  # of MNIST at Linf 0.1
IMAGES = 200
MNIST = "MNIST"


@dataclass(frozen=True)
class Case:
    """Images `(n, 1, h, w)` that a network reads rightly, and how far they may be changed."""

    name: str
    network: nn.Module
    x: Floats
    y: Ints
    limits: tuple[tuple[str, float], ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peer", default="", help="folder to import autoattack from")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    sys.path[:0] = [options.peer] if options.peer else []
    torch.set_num_threads(1)
    rows = []
    for case in (digits(options.images), *mnist(options.images)):
        for norm, radius in case.limits:
            rows.append(compared(case, norm, radius, options.seeds))
    if options.json:
        options.json.write_text(json.dumps(rows))


def compared(case: Case, norm: str, radius: float, seeds: int) -> dict[str, Any]:
    ours = tried(ask_us, case, norm, radius, seeds)
    theirs = tried(ask_peer, case, norm, radius, seeds) if has_peer() else None
    goal = GOAL if case.name == MNIST and norm == "linf" else ""
    row: dict[str, Any] = {
        "figure": f"{case.name}, {'Linf' if norm == 'linf' else 'L2'} {radius:g}",
        "ours_s": ours[1],
        "goal": goal,
        "note": f"{ours[0]:.0%} of {len(case.x)} broken by {QUERIES:,} queries, mean of {seeds}",
    }
    if theirs:
        row |= {"peer": "autoattack's Square", "peer_s": theirs[1], "ratio": theirs[1] / ours[1]}
        row["note"] += f"; the peer {theirs[0]:.0%}"
    print(row["figure"], row["note"], f"{row['ours_s']:.1f} s", row.get("ratio", ""), flush=True)
    return row


def tried(
    ask: Callable[[Case, str, float, int], Floats], case: Case, norm: str, radius: float, seeds: int
) -> tuple[float, float]:
    """Return the mean share of broken images, and the median of the CPU seconds."""
    shares, seconds = [], []
    for seed in range(seeds):
        start = time.process_time()
        found = ask(case, norm, radius, seed)
        seconds.append(time.process_time() - start)
        change = (found - case.x).reshape(len(found), -1)
        size = abs(change).max(axis=1) if norm == "linf" else np.linalg.norm(change, axis=1)
        inside = (size <= radius + 1e-5) & (found.min() >= -1e-6) & (found.max() <= 1 + 1e-6)
        wrong = probabilities(case.network, found).argmax(axis=1) != case.y
        shares.append(float((inside & wrong).mean()))
    return float(np.mean(shares)), float(np.median(seconds))


def ask_us(case: Case, norm: str, radius: float, seed: int) -> Floats:
    def scores(x: Floats) -> Floats:
        return probabilities(case.network, x)

    found = square(scores, case.x, case.y, norm, radius, steps=QUERIES, seed=seed)  # type: ignore[arg-type]
    return np.asarray(found.points)


def has_peer() -> bool:
    try:
        __import__("autoattack.square")
    except ImportError:
        return False
    return True


def ask_peer(case: Case, norm: str, radius: float, seed: int) -> Floats:
    from autoattack.square import SquareAttack  # type: ignore[import-not-found]

    attack = SquareAttack(
        case.network, norm={"linf": "Linf", "l2": "L2"}[norm], n_queries=QUERIES, eps=radius,
        n_restarts=1, seed=seed, verbose=False, device="cpu", resc_schedule=True,
    )  # fmt: skip
    x = torch.as_tensor(case.x, dtype=torch.float32)
    found = attack.perturb(x, torch.as_tensor(case.y))
    return np.asarray(found.numpy().astype(np.float64))


def probabilities(network: nn.Module, x: Floats) -> Floats:
    with torch.no_grad():
        logits = network(torch.as_tensor(x, dtype=torch.float32))
    return np.asarray(logits.double().softmax(dim=1).numpy())


# ---- networks ------------------------------------------------------------------------------------


def digits(n: int) -> Case:
    x, y = load_digits(return_X_y=True)
    x = (np.round(x / 16 * 255) / 255).reshape(-1, 1, 8, 8)
    order = np.random.default_rng(0).permutation(len(x))
    train, test = order[:1000], order[1000:]
    network = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip
    learn(network, x[train], y[train], epochs=20, rate=0.01)
    limits = (("linf", 0.1), ("linf", 0.2), ("l2", 0.5), ("l2", 1.0))
    return chosen("digits 8 x 8", network, x[test], y[test], n, limits)


def mnist(n: int) -> tuple[Case, ...]:
    """Train the network of Wong, Rice, Kolter 2020 without its adversarial training."""
    file = Path(os.environ.get("GOALKEEPER_DATA", ".")) / "mnist.npz"
    if not file.exists():
        return ()
    network = nn.Sequential(
        nn.Conv2d(1, 16, 4, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 4, 2, 1), nn.ReLU(),
        nn.Flatten(), nn.Linear(1568, 100), nn.ReLU(), nn.Linear(100, 10),
    )  # fmt: skip
    with np.load(file, allow_pickle=False) as stored:
        parts = {name: stored[name] for name in ("x_train", "y_train", "x_test", "y_test")}
    x = {name: parts[name].reshape(-1, 1, 28, 28) / 255 for name in ("x_train", "x_test")}
    y = {name: parts[name].astype(np.int64) for name in ("y_train", "y_test")}
    learn(network, x["x_train"][:20_000], y["y_train"][:20_000], epochs=4, rate=2e-3)
    limits = (("linf", 0.1), ("l2", 1.5))
    return (chosen(MNIST, network, x["x_test"][: 2 * n], y["y_test"][: 2 * n], n, limits),)


def learn(network: nn.Module, x: Floats, y: Ints, *, epochs: int, rate: float) -> None:
    torch.manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.reset_parameters()
    inputs, labels = torch.as_tensor(x, dtype=torch.float32), torch.as_tensor(y)
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    for _ in range(epochs):
        for rows in torch.randperm(len(inputs)).split(100):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(inputs[rows]), labels[rows]).backward()
            optimiser.step()
    network.eval().requires_grad_(requires_grad=False)


def chosen(
    name: str, network: nn.Module, x: Floats, y: Ints, n: int, limits: tuple[tuple[str, float], ...]
) -> Case:
    right = probabilities(network, x).argmax(axis=1) == y
    return Case(name, network, x[right][:n], y[right][:n], limits)


if __name__ == "__main__":
    main()
