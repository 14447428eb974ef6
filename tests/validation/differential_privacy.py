"""DP-SGD as Opacus trains it, and planted mistakes of its accounting: what an audit proves."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy.special import logsumexp

import goalkeeper as gk
from goalkeeper.core.data import Data, Floats
from goalkeeper.defences._training import inner_trainer
from goalkeeper.defences.private_gradients import PrivateTrainer
from goalkeeper.stats import epsilon_lower_bound
from goalkeeper.training import TorchTrainer
from tests.validation.defences import ACCOUNTING
from tests.validation.rows import Finding, Row

EPSILON, DELTA = 2.0, 1e-3
RECORDS, BATCH, EPOCHS = 16, 8, 4
LEAST = 0.2  # an audit that cannot prove this much of the claim says nothing about it
THRESHOLDS = np.linspace(0.01, 0.99, 99)
STEPS, NOISE = 50, 1.0  # of the mechanism whose batches are shuffled


def lower_bound(with_record: Floats, without: Floats) -> float:
    """Bound epsilon from scores `(n,)` of two worlds: threshold by a third, bound by the rest."""
    third = len(with_record) // 3
    edges = np.quantile(np.concatenate([with_record[:third], without[:third]]), THRESHOLDS)
    sides = [(sign, edge) for sign in (1, -1) for edge in edges]
    bound = partial(_bound, with_record[:third], without[:third])
    best = max(sides, key=lambda side: bound(*side))
    return _bound(with_record[third:], without[third:], *best)


def _bound(with_record: Floats, without: Floats, sign: int, edge: float) -> float:
    tp, fp = (int((sign * side > sign * edge).sum()) for side in (with_record, without))
    return epsilon_lower_bound(tp, len(with_record), fp, len(without), delta=DELTA)


# ---- networks that Opacus trains -----------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class AveragedNoise(PrivateTrainer):
    """A planted mistake: the noise is divided by the size of a batch, as if it were a gradient."""

    def _make_private(self, module: Any, records: Any, seed: int) -> tuple[Any, Any, Any]:
        module, optimiser, loader = super()._make_private(module, records, seed)
        optimiser.noise_multiplier /= BATCH
        return module, optimiser, loader


def build_linear() -> Any:
    """Build two weights a class, all 0."""
    from torch import nn

    layer = nn.Linear(2, 2, bias=False)
    nn.init.zeros_(layer.weight)
    return layer


def recipe() -> TorchTrainer:
    """Return the trainer without privacy; its steps are so small that gradients stay as they are.

    So what the steps add up to is a sum of clipped gradients and noise.
    """
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(400, 2)), np.arange(400) % 2
    training = {
        "epochs": EPOCHS, "batch": BATCH, "optimiser": "sgd", "rate": 1e-6, "momentum": 0.0,
    }  # fmt: skip
    app = gk.Application.from_model(
        build_linear, x[:200], y[:200], x[200:], y[200:],
        needs="normal", attackers=["customer"], training=training,
    )  # fmt: skip
    trainer = inner_trainer(app)
    assert isinstance(trainer, TorchTrainer)
    return trainer


def audit_training(
    cases: int, rng: np.random.Generator, *, trainer: type[PrivateTrainer]
) -> Finding:
    """Train with a record that alone moves one weight, and with one that moves nothing."""
    private = trainer(recipe(), EPSILON, DELTA, 1.0)
    x = np.zeros((RECORDS, 2))
    x[:, 1] = np.where(np.arange(RECORDS) % 2, 1.0, -1.0)
    y = np.arange(RECORDS) % 2
    scores = []
    for first in ([1000.0, 0.0], [0.0, 0.0]):
        records = Data(x=np.concatenate([[first], x[1:]]), y=np.concatenate([[1], y[1:]]))
        scores.append(_scores(private, records, rng.integers(2**31, size=cases).tolist()))
    return judge(lower_bound(*scores), EPSILON, cases, wrong=trainer is not PrivateTrainer)


def _scores(trainer: PrivateTrainer, records: Data, seeds: list[int]) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made: list[Any] = [trainer.fit(records, seed) for seed in seeds]
    weights = np.stack([one.module.weight.detach().numpy() for one in made])
    return np.asarray(weights[:, 1, 0] - weights[:, 0, 0], dtype=np.float64)


# ---- batches that are shuffled -------------------------------------------------------------------


def audit_shuffling(cases: int, rng: np.random.Generator) -> Finding:
    """See all noisy steps of an epoch in which each record is in just one batch, at random.

    All other records pull one way, and one pulls the other way or does not pull: then its batch
    cannot be mistaken for one without it. The claim is that for records drawn by themselves.
    Annamalai, Balle, Hayes, De Cristofaro 2024, To shuffle or not to shuffle, audit it likewise.
    """
    from opacus.accountants import RDPAccountant

    accountant = RDPAccountant()
    accountant.history = [(NOISE, 1 / STEPS, STEPS)]
    claimed = accountant.get_epsilon(DELTA)
    found = lower_bound(*(_ratios(_steps(pull, cases, rng)) for pull in (2.0, 1.0)))
    return judge(found, claimed, cases, wrong=True)


def _steps(pull: float, cases: int, rng: np.random.Generator) -> Floats:
    """Draw the noisy sums of epochs `(cases, STEPS)`, less what the other records add."""
    sums = rng.normal(0, NOISE, size=(cases, STEPS))
    sums[np.arange(cases), rng.integers(STEPS, size=cases)] += pull
    return sums


def _ratios(sums: Floats) -> Floats:
    """Return the logarithm of how much likelier epochs `(n, STEPS)` are with the record."""
    likelihoods = [logsumexp((pull * sums - pull**2 / 2) / NOISE**2, axis=1) for pull in (2.0, 1.0)]
    return np.asarray(likelihoods[0] - likelihoods[1])


def judge(found: float, claimed: float, cases: int, *, wrong: bool) -> Finding:
    """Say what was proved; a right claim must not be contradicted, a wrong one must be."""
    words = f"epsilon at least {found:.2f}, claimed {claimed:.2f}"
    right = LEAST * claimed <= found <= claimed
    return Finding(measured=words, cases=cases, passed=found > claimed if wrong else right)


HOLDS, BROKEN = "no contradiction to the claimed epsilon", "contradicts the claimed epsilon"
ROWS = tuple(
    Row(
        section=ACCOUNTING,
        name=name,
        claim=claim,
        measure=measure,
        full=full,
        packages=("opacus",),
    )
    for name, claim, measure, full in (
        (
            "DP-SGD by Opacus as it is",
            f"{HOLDS}, of which at least {LEAST:.0%} is shown",
            partial(audit_training, trainer=PrivateTrainer),
            1500,
        ),
        (
            "DP-SGD by Opacus, noise divided by the batch",
            BROKEN,
            partial(audit_training, trainer=AveragedNoise),
            300,
        ),
        (
            "shuffled batches, accounted as drawn one by one",
            BROKEN,
            audit_shuffling,
            30_000,
        ),
    )
)
