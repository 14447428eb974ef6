"""Verdicts on whole applications whose truth is known: from the description to each goal's verdict.

Each application goes the way that a user's goes: it is described, planned for the built-in
attackers, run, rated, and gets a verdict. What was found of an application is kept in
build/validation/end_to_end as soon as it is there, so that a run that was stopped goes on where it
was. `python -m tests.validation --specimens [WORD ...]` assesses those whose names contain all
words, and prints what is open in each.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from goalkeeper import Application, Choice, Goal, run
from goalkeeper.core.assessment import Assessment, Verdict
from goalkeeper.core.evidence import Evidence
from tests.validation.rows import KEPT, Finding, Row, digest_of

SECTION = "Verdicts on whole applications"
FOUND = KEPT / "end_to_end"
SOURCES = ("src/goalkeeper",)


@dataclass(frozen=True, kw_only=True)
class Specimen:
    """An application whose truth is known.

    Parameters
    ----------
    name
        Unique; of letters, digits and hyphens.
    family, kind
        What it is an example of, and its kind of input: text, table or image.
    goals
        The goals whose verdict is known; no other is run.
    need
        The protection need of each of these goals.
    build
        Makes the application in an empty folder, or an application file there and returns its
        path. Its needs must be `self.needs`; equal specimens build equal applications.
    """

    name: str
    family: str
    kind: str
    goals: tuple[Goal, ...]
    need: str
    build: Callable[[Specimen, Path], Application | Path]

    @property
    def needs(self) -> dict[str, str]:
        """Protection needs as a description states them."""
        return {str(goal): self.need if goal in self.goals else "none" for goal in Goal}

    @property
    def file(self) -> Path:
        """Where what was found is kept."""
        return FOUND / f"{self.name}.json"

    @property
    def digest(self) -> str:
        """A hash of goalkeeper, of this module, and of the one that builds the application."""
        return digest_of((__name__, self.build.__module__), SOURCES)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an assessment said: a verdict and its reason for each goal, and what decided it."""

    verdicts: dict[str, str]
    reasons: dict[str, str]
    deciding: dict[str, list[str]]
    seconds: float

    @property
    def worst(self) -> str:
        """The worst verdict of all goals that were asked."""
        order = (Verdict.NOT_MET, Verdict.INCONCLUSIVE, Verdict.MET)
        return next(v.value for v in order if v.value in self.verdicts.values())


def assess(specimen: Specimen) -> Outcome:
    """Assess a specimen as `goalkeeper run` does, with the default attackers and sizes."""
    before = time.perf_counter()
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of models that do not converge; the verdict is asked
        app = specimen.build(specimen, Path(folder))
        found = run(app, Path(folder) / "run", choice=Choice(goals=specimen.goals))
    ratings = {goal: found.goals[goal] for goal in specimen.goals}
    return Outcome(
        verdicts={goal.value: rating.verdict.value for goal, rating in ratings.items()},
        reasons={goal.value: rating.reason for goal, rating in ratings.items()},
        deciding={goal.value: describe_open(found, goal) for goal in specimen.goals},
        seconds=round(time.perf_counter() - before, 1),
    )


def describe_open(found: Assessment, goal: Goal) -> list[str]:
    """List the evidence that counts for a goal and reaches its critical level, or may reach it."""
    critical = found.goals[goal].critical
    counted = [e for e in found.evidence if goal in e.goals and e.standing.decides]
    return [line for e in counted if (line := _describe(e, critical))]


def _describe(evidence: Evidence, critical: int) -> str:
    rated, who = evidence.rated, f"{evidence.attack or evidence.variant} by {evidence.attacker}"
    if rated is None:
        status = evidence.status.value
        return "" if status == "not_applicable" else f"{who}: {status}: {evidence.result.reason}"
    if rated.potential < critical:
        return ""
    levels = f"level {rated.demonstrated} to {rated.potential}"
    return f"{who}: {levels} at {rated.attack_potential.points} points: {evidence.result.summary}"


# ---- kept results --------------------------------------------------------------------------------


def recall(specimen: Specimen) -> Outcome | None:
    """Return what is kept of a specimen, if it is of these sources."""
    if not specimen.file.exists():
        return None
    kept = json.loads(specimen.file.read_text(encoding="utf-8"))
    return Outcome(**kept["outcome"]) if kept["sources"] == specimen.digest else None


def find(specimen: Specimen) -> Outcome:
    """Return what is kept of a specimen, or assess it now and keep that."""
    kept = recall(specimen)
    if kept is not None:
        return kept
    sources, outcome = specimen.digest, assess(specimen)
    FOUND.mkdir(parents=True, exist_ok=True)
    partial = specimen.file.with_suffix(".partial")
    content = {"sources": sources, "outcome": asdict(outcome)}
    partial.write_text(json.dumps(content, indent=1), encoding="utf-8")
    partial.replace(specimen.file)
    sys.stderr.write(f"{specimen.name}: {outcome.verdicts} ({outcome.seconds} s)\n")
    return outcome


# ---- rows of the table ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Verdicts:
    """Count the verdicts on specimens; each counts by the worst verdict of its goals.

    Parameters
    ----------
    specimens
        The first of them are assessed where fewer are asked for.
    expected, least
        The right verdict, and the smallest share of specimens that must get it.
    wrong, most
        The wrong verdict, and the largest share that may get it.
    """

    specimens: Sequence[Specimen]
    expected: Verdict
    least: float
    wrong: Verdict
    most: float

    def __call__(self, cases: int, rng: np.random.Generator) -> Finding:
        """Assess the first specimens; what chance decides is in their own seeds."""
        outcomes = [find(specimen) for specimen in self.specimens[:cases]]
        count = Counter(outcome.worst for outcome in outcomes)
        right, wrong = count[self.expected.value], count[self.wrong.value]
        return Finding(
            measured=", ".join(f"{name.replace('_', ' ')} {n}" for name, n in count.most_common()),
            cases=len(outcomes),
            passed=right >= self.least * cases and wrong <= self.most * cases,
        )


def report_specimens(rows: Sequence[Row], words: Sequence[str]) -> Iterator[str]:
    """Assess the specimens of rows whose names contain all words; say what is open in each."""
    counted = [row.measure for row in rows if isinstance(row.measure, Verdicts)]
    chosen = {one.name: one for verdicts in counted for one in verdicts.specimens}
    for name, specimen in chosen.items():
        if not all(word in name for word in words):
            continue
        outcome = find(specimen)
        for goal, verdict in outcome.verdicts.items():
            yield f"{name}: {goal}: {verdict} ({outcome.seconds} s): {outcome.reasons[goal]}\n"
            yield from (f"    {line}\n" for line in outcome.deciding[goal])
