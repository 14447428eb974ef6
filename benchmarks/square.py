"""Break images by scores alone: our Square attack beside that of AutoAttack's authors.

Both see the same images and networks, get the same queries and use one thread. Success is what a
fresh pass misreads. One network learns the digits of scikit-learn here; an undefended network of
MNIST joins where GOALKEEPER_DATA names the folder that holds it. The peer is the package
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
GOAL = ">= 60 %"  # at Linf 0.1, 1,000 queries, an undefended network
IMAGES = 200


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
    goal = GOAL if (norm, radius) == ("linf", 0.1) else ""
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
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip
    inputs, labels = torch.tensor(x[train], dtype=torch.float32), torch.tensor(y[train])
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(20):
        for rows in torch.randperm(len(train)).split(100):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(inputs[rows]), labels[rows]).backward()
            optimiser.step()
    network.eval().requires_grad_(requires_grad=False)
    limits = (("linf", 0.1), ("linf", 0.2), ("l2", 0.5), ("l2", 1.0))
    return chosen("digits 8 x 8", network, x[test], y[test], n, limits)


def mnist(n: int) -> tuple[Case, ...]:
    folder = Path(os.environ.get("GOALKEEPER_DATA", "."))
    weights = folder / "models" / "mnist_lenet5_plain.safetensors"
    if not weights.exists() or not (folder / "mnist.npz").exists():
        return ()
    from safetensors.torch import load_file

    network = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, 200), nn.ReLU(), nn.Linear(200, 10),
    )  # fmt: skip
    network.load_state_dict(load_file(weights))
    network.eval().requires_grad_(requires_grad=False)
    with np.load(folder / "mnist.npz", allow_pickle=False) as stored:
        x, y = stored["x_test"][: 2 * n] / 255, stored["y_test"][: 2 * n].astype(np.int64)
    limits = (("linf", 0.1), ("l2", 2.0))
    return (chosen("MNIST, undefended", network, x.reshape(-1, 1, 28, 28), y, n, limits),)


def chosen(
    name: str, network: nn.Module, x: Floats, y: Ints, n: int, limits: tuple[tuple[str, float], ...]
) -> Case:
    right = probabilities(network, x).argmax(axis=1) == y
    return Case(name, network, x[right][:n], y[right][:n], limits)


if __name__ == "__main__":
    main()
