"""Assess an application before and after a defence, in folders that can be resumed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ValidationError

from goalkeeper.comparing import compare
from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Assessment, Verdict
from goalkeeper.core.goals import Goal
from goalkeeper.core.private import make_folder, write_text
from goalkeeper.defences import Chosen, apply_chosen
from goalkeeper.hardening.accepting import (
    FirstOutcome,
    TrialOutcome,
    decide,
    effects_of_first,
    effects_on_goals,
    refuse_first,
    refuse_price,
)
from goalkeeper.hardening.choosing import list_deciding_attacks, list_served_goals
from goalkeeper.hardening.records import RuledTrial, SideEffect, TriedDefence
from goalkeeper.hardening.side_effects import OwnCosts, compare_answers, compare_times
from goalkeeper.hardening.subject import Subject
from goalkeeper.planning import Choice
from goalkeeper.policy import Policy
from goalkeeper.running import RunOptions, Sizing, run

GRACE = 10.0  # seconds in which a run writes what it has once its own time is over
WHOLE, AIMED, DECIDING = "assessment", "aimed-goals", "deciding-attacks"
TRIAL = "trial.json"
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
    sizing
        How long everything may take.
    """

    subject: Subject
    root: Path
    seed: int
    options: RunOptions
    sizing: Sizing
    known: dict[Path, Assessment] = field(default_factory=dict)  # what was run to its end, once

    def left(self) -> float:
        """Return the seconds that are left for everything."""
        return self.sizing.left()

    @property
    def workers(self) -> int:
        """How many attack runs are made at a time."""
        return self.options.execution.workers

    def assess(
        self,
        described: Application | Path,
        folder: Path,
        choice: Choice,
        seconds: float = UNLIMITED,
    ) -> Assessment:
        """Run an assessment in the time that is left, or less; an existing one is resumed."""
        options = replace(self.options, sizing=Sizing(limit=max(min(self.left(), seconds), 1.0)))
        with self.sizing.enforced(GRACE):  # the run itself ends its attack runs in time
            return run(described, folder, seed=self.seed, choice=choice, options=options)

    def attempt(
        self, before: Before, chosen: Sequence[Chosen], folder: Path, seconds: float
    ) -> RuledTrial:
        """Apply defences, assess them and rule; raises what training or loading raises.

        What was ruled before is taken from the folder. Raises TimeIsUp where time is over before
        the defended model is trained.
        """
        described = self.subject.defended(chosen, folder)
        narrows = all(one.defence.narrows for one in chosen)
        with self.sizing.enforced():
            if narrows:  # the model stays as it is, so that it need not be trained
                after = apply_chosen(before.costs.app, chosen)
            else:
                after = self.subject.load(described)
        key = before.key(after)
        known = _read(folder / TRIAL, key)
        if known is not None:
            return known
        defended = Defended(described, after, folder, seconds)
        attempt = self._narrow if narrows else self._attempt
        found = attempt(before, chosen, defended)
        trial = found.model_copy(update={"key": key})
        if trial.complete:
            make_folder(folder)
            write_text(folder / TRIAL, trial.model_dump_json(indent=1) + "\n")
        return trial

    def _narrow(self, before: Before, chosen: Sequence[Chosen], defended: Defended) -> RuledTrial:
        """Try what only takes from attackers: the goals that it is meant for are assessed again.

        It changes no answer and no training, so that it has no price here, and no other goal can
        become worse. The attacks are the same ones with less, so that no difference is chance.
        """
        aimed = before.aimed(chosen)
        folder = defended.folder / AIMED
        again = self.assess(defended.described, folder, Choice(goals=aimed), defended.seconds)
        whole = self._settled(before, again, defended.seconds)
        comparison = compare(whole, again)
        first = FirstOutcome(
            aimed=aimed,
            before=whole,
            after=again,
            comparison=comparison,
            tried=before.tried,
            complete=again.complete,
        )
        measured = TrialOutcome(
            first=first,
            before=whole,
            after=again,
            comparison=comparison,
            side_effects=(),
            complete=again.complete,
            narrows=True,
        )
        return self._rule(before, chosen, measured, folder)

    def _settled(self, before: Before, after: Assessment, seconds: float) -> Assessment:
        """Assess what time left open before and is met now: else it is not known to be better."""
        met = {goal for goal, rating in after.goals.items() if rating.verdict is Verdict.MET}
        verdicts = {goal: before.whole.goals[goal].verdict for goal in before.open_goals}
        open_goals = [g for g in verdicts if verdicts[g] is Verdict.INCONCLUSIVE and g in met]
        if before.whole.complete or not open_goals:
            return before.whole
        folder = before.root / "-".join([AIMED, *map(str, open_goals)])
        found = self.assess(self.subject.given, folder, Choice(goals=tuple(open_goals)), seconds)
        known = {e.id: e for e in found.evidence if set(e.goals) & set(open_goals)}
        update = {
            "goals": {**before.whole.goals, **{goal: found.goals[goal] for goal in open_goals}},
            "evidence": tuple(known.get(e.id, e) for e in before.whole.evidence),
            "complete": found.complete,
        }
        return before.whole.model_copy(update=update)

    def _attempt(self, before: Before, chosen: Sequence[Chosen], defended: Defended) -> RuledTrial:
        """Try defences up to the first thing that speaks against them.

        What is left could not change that, and others need the time.
        """
        with self.sizing.enforced():
            paid = compare_answers(before.costs, defended.app)
        if why := refuse_price(paid):
            return _refused(before, chosen, why, paid).model_copy(update={"milder": True})
        first = self._first(before, chosen, defended)
        if why := refuse_first(first):
            return _refused(before, chosen, why, paid, first)
        with self.sizing.enforced():
            paid = (*paid, *compare_times(before.costs, defended.app))
        assessed = {
            g for g, r in before.whole.goals.items() if r.verdict is not Verdict.NOT_ASSESSED
        }
        if set(first.aimed) != assessed:  # the others only count where these became better
            outcome = self._measure(before, defended, AIMED, first, paid)
            found = self._rule(before, chosen, outcome, defended.folder / AIMED)
            if not found.tried.accepted:
                return found
        outcome = self._measure(before, defended, WHOLE, first, paid)
        return self._rule(before, chosen, outcome, defended.folder / WHOLE)

    def _measure(
        self,
        before: Before,
        defended: Defended,
        name: str,
        first: FirstOutcome,
        paid: Sequence[SideEffect],
    ) -> TrialOutcome:
        """Assess the goals that a defence is meant for, or all, in a folder of this name."""
        choice = Choice(goals=tuple(first.aimed)) if name == AIMED else Choice()
        after = self.assess(defended.described, defended.folder / name, choice, defended.seconds)
        return TrialOutcome(
            first=first,
            before=before.whole,
            after=after,
            comparison=compare(before.whole, after),
            side_effects=paid,
            complete=after.complete,
        )

    def _rule(
        self, before: Before, chosen: Sequence[Chosen], measured: TrialOutcome, folder: Path
    ) -> RuledTrial:
        """Accept or refuse what was assessed in a folder."""
        ruling, after = decide(measured, before.policy.rating.feasibility), measured.after
        tried = TriedDefence(
            defence=name_together(chosen),
            accepted=ruling.accepted,
            why=ruling.why,
            goals=dict(effects_on_goals(measured, ruling)),
            attacks=measured.first.comparison.attacks,
            side_effects=tuple(measured.side_effects),
            run=str(folder),
        )
        return RuledTrial(
            key="",
            tried=tried,
            complete=after.complete,
            remaining={goal: _cheapest_family(after, goal) for goal in ruling.remaining},
            moved=ruling.moved,
            milder=ruling.milder,
        )

    def _first(self, before: Before, chosen: Sequence[Chosen], defended: Defended) -> FirstOutcome:
        """Run the attacks that decided, with their full samples."""
        aimed, seconds = before.aimed(chosen), defended.seconds
        choice = Choice(goals=aimed, attacks=before.attacks(chosen))
        again = self.assess(defended.described, defended.folder / DECIDING, choice, seconds)
        known = self._known(before, chosen, seconds)
        return FirstOutcome(
            aimed=aimed,
            before=known,
            after=again,
            comparison=compare(known, again),
            tried=before.tried,
            complete=known.complete and again.complete,
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
class Defended:
    """A defended application: described, loaded, where it is assessed, and how long at most."""

    described: Application | Path
    app: Application
    folder: Path
    seconds: float


def name_together(chosen: Sequence[Chosen]) -> str:
    """Name defences that are applied together."""
    return " + ".join(one.words for one in chosen)


def _refused(
    before: Before,
    chosen: Sequence[Chosen],
    why: str,
    paid: Sequence[SideEffect],
    first: FirstOutcome | None = None,
) -> RuledTrial:
    """Refuse before all attacks were made."""
    tried = TriedDefence(
        defence=name_together(chosen),
        accepted=False,
        why=why,
        goals=dict(effects_of_first(before.whole, first.after if first else None)),
        attacks=first.comparison.attacks if first else (),
        side_effects=tuple(paid),
    )
    return RuledTrial(key="", tried=tried, complete=first is None or first.complete)


def _cheapest_family(assessment: Assessment, goal: Goal) -> str:
    by_id = {e.id: e for e in assessment.evidence}
    found = by_id.get(assessment.goals[goal].cheapest_attack)
    return found.family if found else ""


def _read(file: Path, key: str) -> RuledTrial | None:
    """Read what was ruled before; None where there is nothing, or of something else."""
    try:
        found = RuledTrial.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None
    return found if found.key == key else None


@dataclass(frozen=True, eq=False)
class Before:
    """The application as it was.

    Parameters
    ----------
    costs
        The application, and what it costs.
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

    costs: OwnCosts
    whole: Assessment
    policy: Policy
    open_goals: Sequence[Goal]
    tried: int
    root: Path

    def aimed(self, chosen: Sequence[Chosen]) -> tuple[Goal, ...]:
        """List the open goals that some of the defences are meant for.

        Those of which it may stop what decides, if there are any.
        """
        meant = {goal for one in chosen for goal in one.defence.goals}
        served = {g for one in chosen for g in list_served_goals(one.defence, self.whole)}
        return tuple(goal for goal in self.open_goals if goal in (served or meant))

    def concerns(self, one: Chosen) -> bool:
        """Whether it takes something from an attacker whose attack it is meant to stop decides."""
        made = one.defence.apply(self.costs.app, one.settings)
        pairs = zip(self.costs.app.attackers, made.attackers, strict=True)
        names = {was.name for was, now in pairs if was != now}
        return any(
            e.attacker in names and e.family in one.defence.families
            for goal in self.aimed((one,))
            for e in self.whole.evidence
            if e.id in self.whole.goals[goal].because
        )

    def attacks(self, chosen: Sequence[Chosen]) -> tuple[str, ...]:
        """List the attacks that decide these goals."""
        return list_deciding_attacks(self.whole, self.aimed(chosen))

    def key(self, after: Application) -> str:
        """Hash what a ruling on the defended application depends on, but the code."""
        evidence = sorted((e.id, e.unit, str(e.status)) for e in self.whole.evidence)
        parts = [
            after.fingerprint,
            repr(after.attackers),
            repr(sorted(after.needs.items())),
            self.whole.application.fingerprint,
            self.whole.policy.model_dump_json(),
            self.whole.tool.version,
            str(self.whole.seed),
            str(self.tried),
            repr(evidence),
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def folder(self, chosen: Sequence[Chosen]) -> Path:
        """Return where these attacks are run with their full samples."""
        return self.root / "-".join([DECIDING, *map(str, self.aimed(chosen))])
