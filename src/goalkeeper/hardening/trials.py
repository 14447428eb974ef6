"""Assess an application before and after a defence, in folders that can be resumed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from goalkeeper.comparing import compare
from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Assessment
from goalkeeper.core.goals import Goal
from goalkeeper.defences import Chosen
from goalkeeper.hardening.accepting import TrialOutcome, decide, effects_on_goals
from goalkeeper.hardening.choosing import list_deciding_attacks
from goalkeeper.hardening.records import TriedDefence
from goalkeeper.hardening.side_effects import measure_side_effects
from goalkeeper.hardening.subject import Subject
from goalkeeper.planning import Choice
from goalkeeper.policy import Policy
from goalkeeper.running import RunOptions, Sizing, run

WHOLE, DECIDING = "assessment", "deciding-attacks"
UNLIMITED = float("inf")


@dataclass(frozen=True, eq=False)
class Trials:
    """Tries defences, one folder each.

    Parameters
    ----------
    subject
        What is hardened.
    root
        The folder of the hardening.
    seed
        Same seed, same evidence.
    options
        Executor, store and progress of each assessment.
    left
        Returns the seconds that are left for everything.
    """

    subject: Subject
    root: Path
    seed: int
    options: RunOptions
    left: Callable[[], float]
    known: dict[Path, Assessment] = field(default_factory=dict)  # what was run to its end, once

    def assess(
        self,
        described: Application | Path,
        folder: Path,
        choice: Choice,
        seconds: float = UNLIMITED,
    ) -> Assessment:
        """Run an assessment in the time that is left, or less; an existing one is resumed."""
        options = replace(self.options, sizing=Sizing(limit=max(min(self.left(), seconds), 1.0)))
        return run(described, folder, seed=self.seed, choice=choice, options=options)

    def attempt(
        self, before: Before, chosen: Sequence[Chosen], folder: Path, seconds: float
    ) -> TriedDefence:
        """Apply defences, assess them and rule; raises what training or loading raises."""
        described = self.subject.defended(chosen, folder)
        after = self.subject.load(described)
        effects = measure_side_effects(before.app, after)
        choice = Choice(goals=before.aimed(chosen), attacks=before.attacks(chosen))
        deciding = self.assess(described, folder / DECIDING, choice, seconds)
        known = self._known(before, chosen, seconds)
        whole = self.assess(described, folder / WHOLE, Choice(), seconds)
        measured = TrialOutcome(
            aimed=before.aimed(chosen),
            deciding=compare(known, deciding),
            whole=compare(before.whole, whole),
            before=before.whole,
            after=whole,
            side_effects=effects,
            tried=before.tried,
            complete=all(one.complete for one in (deciding, known, whole)),
        )
        ruling = decide(measured, before.policy.rating.feasibility)
        return TriedDefence(
            defence=" + ".join(one.words for one in chosen),
            accepted=ruling.accepted,
            why=ruling.why,
            goals=dict(effects_on_goals(before.whole, whole, measured.whole)),
            side_effects=effects,
            run=str(folder / WHOLE),
        )

    def _known(self, before: Before, chosen: Sequence[Chosen], seconds: float) -> Assessment:
        """Run the attacks that decide on the application as it is, once for all defences."""
        folder = before.folder(chosen)
        if folder not in self.known:
            choice = Choice(goals=before.aimed(chosen), attacks=before.attacks(chosen))
            found = self.assess(self.subject.given, folder, choice, seconds)
            if not found.complete:  # the next trial continues
                return found
            self.known[folder] = found
        return self.known[folder]


@dataclass(frozen=True, eq=False)
class Before:
    """The application as it was.

    Parameters
    ----------
    app
        The application.
    whole
        Its assessment.
    policy
        The rules that rated it.
    open_goals
        The goals that are not met, or may not be.
    tried
        How many defences are tried.
    root
        Where its assessments lie.
    """

    app: Application
    whole: Assessment
    policy: Policy
    open_goals: Sequence[Goal]
    tried: int
    root: Path

    def aimed(self, chosen: Sequence[Chosen]) -> tuple[Goal, ...]:
        """List the open goals that some of the defences are meant for."""
        meant = {goal for one in chosen for goal in one.defence.goals}
        return tuple(goal for goal in self.open_goals if goal in meant)

    def attacks(self, chosen: Sequence[Chosen]) -> tuple[str, ...]:
        """List the attacks that decide these goals."""
        return list_deciding_attacks(self.whole, self.aimed(chosen))

    def folder(self, chosen: Sequence[Chosen]) -> Path:
        """Return where these attacks are run with their full samples."""
        return self.root / "-".join([DECIDING, *map(str, self.aimed(chosen))])
