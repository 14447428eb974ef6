"""How often a defence is accepted: one that does nothing, one that helps, one that ruins."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.hardening.choosing import list_open_goals
from goalkeeper.hardening.orchestration import BEFORE
from goalkeeper.hardening.side_effects import OwnCosts
from goalkeeper.hardening.subject import Subject
from goalkeeper.hardening.trials import WHOLE, Before, Trials
from goalkeeper.planning import Choice
from goalkeeper.running import RunOptions, Sizing
from tests.defences.planted import Effective, Placebo, Ruinous, chosen, memoriser
from tests.validation.rows import Finding, Row

SECTION = "Defences that are accepted"
TRIED = 5  # defences that share the error, as a usual hardening tries


def accepted(defence: type[Placebo], seed: int) -> bool:
    """Try a planted defence on an application of its own."""
    app = memoriser(seed)
    with TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        root = Path(name)
        trials = Trials(Subject(app, ComputeSettings()), root, seed, RunOptions(), Sizing())
        whole = trials.assess(app, root / BEFORE / WHOLE, Choice())
        before = Before(
            OwnCosts(app),
            whole,
            trials.subject.policy,
            list_open_goals(whole),
            TRIED,
            root / BEFORE,
        )
        return trials.attempt(
            before, (chosen(defence),), root / "trial", float("inf")
        ).tried.accepted


def measure(
    cases: int, rng: np.random.Generator, *, defence: type[Placebo], least: float, most: float
) -> Finding:
    """Count how often it is accepted."""
    seeds = rng.integers(1_000_000, size=cases).tolist()
    share = sum(accepted(defence, seed) for seed in seeds) / cases
    return Finding(measured=f"accepted in {share:.0%}", cases=cases, passed=least <= share <= most)


ROWS = tuple(
    Row(
        section=SECTION,
        name=name,
        claim=claim,
        measure=partial(measure, defence=defence, least=least, most=most),
        full=100,
    )
    for name, claim, defence, least, most in (
        ("training again", "accepted in at most 5 %", Placebo, 0.0, 0.05),
        ("a tree that stops in time", "accepted in at least 90 %", Effective, 0.9, 1.0),
        ("better privacy at the price of availability", "never accepted", Ruinous, 0.0, 0.0),
    )
)
