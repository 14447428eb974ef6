"""In which order defences are tried, so that the time there is leads to something.

What only takes from attackers comes first, all of it together and as strong as can be: its trial
costs least, and where it does not help, no part of it does. Defences that change the model follow,
short trials before long ones, each with its strongest setting that is not too costly: where that
does not help, no milder one does. What can be done without, and milder settings of what is
accepted, are tried at the end, in the time that is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite

from goalkeeper.core.assessment import Verdict
from goalkeeper.core.errors import DataError, DescriptionError, TargetError, TimeIsUp
from goalkeeper.core.goals import Goal
from goalkeeper.defences import Chosen
from goalkeeper.hardening.accepting import OUT_OF_TIME as CUT_OFF
from goalkeeper.hardening.choosing import Offer
from goalkeeper.hardening.estimating import estimate_trial
from goalkeeper.hardening.records import GoalEffect, RuledTrial, TriedDefence
from goalkeeper.hardening.trials import UNLIMITED, Before, Trials, name_together

__all__ = ["LEAST", "OUT_OF_TIME", "TRIALS", "Search", "Together", "count_together"]

TRIALS = "trials"
MARGIN = 1.5  # times what the longest accepted trial took, for all accepted defences together
MOST_TOGETHER = 6  # trials of several defences, beside each alone
MOST_DEFENCES = 3  # that change the model, in one of them
Together = tuple[Chosen, ...]
LEAST = 20.0  # seconds that each assessment may take, however fast the first one was
SHARE = 0.5  # of the time that is left, which a trial of what only takes from attackers may have
OUT_OF_TIME = "the time was over before it was tried; the same command continues with it"
WEAKER = "{stronger} did not help, so that this milder setting does not either"
NO_PART = "all that only takes from attackers did not help together, so that no part of it does"
SPARED = "not needed: without it the same goals are protected"


@dataclass(frozen=True, eq=False)
class Search:
    """Goes through the defences of an application.

    Parameters
    ----------
    trials
        Tries them.
    before
        The application as it is.
    offers
        What may be tried, in order.
    tell
        Is called with a line of text at each step.
    seconds
        What each assessment may take.
    """

    trials: Trials
    before: Before
    offers: Sequence[Offer]
    tell: Callable[[str], None]
    seconds: float
    tried: list[TriedDefence] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    accepted: list[Together] = field(default_factory=list)
    took: list[float] = field(default_factory=list)  # seconds of each accepted trial
    too_costly: set[str] = field(default_factory=set)  # settings, by their words
    postponed: set[str] = field(default_factory=set)  # for want of time, by their words

    def run(self) -> None:
        """Try what takes from attackers, then what changes the model, then less of both."""
        taken = self._take_away()
        changed = self._change()
        if taken is not None:
            self._reduce(*taken)
        for one, trial in changed:
            self._soften(one, trial)

    # ---- what only takes from attackers ----------------------------------------------------------

    def _take_away(self) -> tuple[Together, RuledTrial] | None:
        """Try all of it together that concerns what decides; return what is accepted.

        What concerns other attackers comes next where it does not help, as they may succeed too.
        """
        offers = [offer for offer in self.offers if offer.defence.narrows]
        near = [offer for offer in offers if self.before.concerns(offer.strongest)]
        groups = [near, offers] if 0 < len(near) < len(offers) else [offers] if offers else []
        for group in groups:
            every = tuple(offer.strongest for offer in group)
            trial = self._try(every, len(self.offers) - len(offers))
            if trial is None or not (trial.tried.accepted or trial.complete):
                return None
            if trial.tried.accepted:
                self.accepted.append(every)
                return every, trial
        if len(offers) > 1:
            self.left_out.update({offer.name: NO_PART for offer in offers})
        return None

    def _reduce(self, every: Together, trial: RuledTrial) -> None:
        """Leave out, and make milder, what the same goals are protected without."""
        kept = every
        useful = tuple(one for one in every if set(trial.moved) & set(one.defence.goals))
        parts = [useful] if len(useful) < len(every) else []
        parts += [tuple(o for o in useful if o is not one) for one in reversed(useful)]
        for part in parts:
            smaller = tuple(one for one in kept if one in part)
            if smaller and len(smaller) < len(kept) and self._protects(smaller, trial):
                kept = smaller
        for one in kept:
            kept = self._make_milder(kept, one, trial)
        self.accepted[self.accepted.index(every)] = kept
        spared = {o.name for o in self.offers if o.defence.narrows} - {one.name for one in kept}
        self.left_out.update(dict.fromkeys(sorted(spared), SPARED))

    def _make_milder(self, kept: Together, one: Chosen, trial: RuledTrial) -> Together:
        """Find the mildest setting that protects the same goals, by bisection."""
        offer = next(o for o in self.offers if o.name == one.name)
        low, high = 0, len(offer.settings) - 1  # `high` protects
        while low < high:
            middle = (low + high) // 2
            milder = _replaced(kept, offer.settings[middle])
            if self._protects(milder, trial):
                kept, high = milder, middle
            else:
                low = middle + 1
        return kept

    def _protects(self, smaller: Together, trial: RuledTrial) -> bool:
        """Try less, and say whether it does what more did."""
        found = self._try(smaller, 0)
        return found is not None and _does_as_much(found, trial)

    # ---- what changes the model ------------------------------------------------------------------

    def _change(self) -> list[tuple[Chosen, RuledTrial]]:
        """Try each defence; return those that were accepted alone, with their rulings."""
        changing = [offer for offer in self.offers if not offer.defence.narrows]
        waiting: list[Together] = [(o.strongest,) for o in sorted(changing, key=self._length)]
        waiting = list(self._still_of_use(waiting))
        together, found = count_together(self.offers), list[tuple[Chosen, RuledTrial]]()
        while waiting:
            now = waiting.pop(0)
            trial = self._try(now, len(waiting))
            if trial is None:
                continue
            if trial.tried.accepted:
                self.accepted.append(now)
                found += [(now[0], trial)] if len(now) == 1 else []
                waiting = list(self._still_of_use(waiting))
            elif trial.milder:
                self.too_costly.update([now[-1].words] if len(now) == 1 else [])
                waiting = [*self._list_milder(now), *waiting]
            else:
                self._leave_milder_out(now, trial)
                further = self._list_further(now, trial)[:together]
                together -= len(further)
                waiting = [*further, *waiting]
        return found

    def _length(self, offer: Offer) -> int:
        return estimate_trial(self.before, (offer.strongest,), self.trials.workers).length

    def _soften(self, one: Chosen, trial: RuledTrial) -> None:
        """Try milder settings of what was accepted, as long as they do as much."""
        for milder in reversed(self._milder(one)):
            found = self._try((milder,), 0)
            if found is None or not _does_as_much(found, trial):
                return
            place = next(i for i, kept in enumerate(self.accepted) if kept[0].name == one.name)
            self.accepted[place] = (milder,)

    def _milder(self, one: Chosen) -> tuple[Chosen, ...]:
        """List the milder settings of the same defence, the mildest first."""
        offer = next(o for o in self.offers if o.name == one.name)
        return offer.settings[: offer.settings.index(one)]

    def _list_milder(self, now: Together) -> list[Together]:
        """List the next setting to try of what was tried last, where there is one."""
        return [(*now[:-1], milder) for milder in self._milder(now[-1])[-1:]]

    def _leave_milder_out(self, now: Together, trial: RuledTrial) -> None:
        if len(now) == 1 and trial.complete:
            why = WEAKER.format(stronger=now[0].words)
            self.left_out.update({milder.words: why for milder in self._milder(now[0])})

    def _list_further(self, now: Together, trial: RuledTrial) -> list[Together]:
        """List what to try together with defences after which another attack is as cheap.

        All that takes from attackers together, and of each other defence against that attack the
        strongest setting that is not too costly.
        """
        names = {one.name for one in now}
        fitting = [
            offer
            for goal, family in trial.remaining.items()
            for offer in self.offers
            if goal in offer.defence.goals and family in offer.defence.families
        ]
        others = [o for o in dict.fromkeys(fitting) if o.name not in names]
        taking = tuple(o.strongest for o in others if o.defence.narrows)
        further: list[Together] = [(*taking, *now)] if taking else []
        if sum(not one.defence.narrows for one in now) < MOST_DEFENCES:
            for offer in (o for o in others if not o.defence.narrows):
                fit = [one for one in offer.settings if one.words not in self.too_costly]
                further += [(*now, one) for one in fit[-1:]]
        return further

    def _still_of_use(self, waiting: Sequence[Together]) -> Iterator[Together]:
        """Leave out what is accepted already, and what serves only goals that are met now."""
        names = {one.name for kept in self.accepted for one in kept}
        met = {
            goal: found.defence
            for found in self.tried
            if found.accepted
            for goal, effect in found.goals.items()
            if effect.after is Verdict.MET
        }
        for several in waiting:
            if names & {one.name for one in several}:
                continue
            aimed = self.before.aimed(several)
            if aimed and set(aimed) <= set(met):
                goals, words = " and ".join(map(str, aimed)), name_together(several)
                self.left_out[words] = f"not needed: with {met[aimed[0]]}, {goals} is met"
                continue
            yield several

    # ---- together, and one by one ----------------------------------------------------------------

    def combine(self) -> tuple[TriedDefence, Together] | None:
        """Try the accepted defences together; where that is refused, without the last one."""
        kept = list(self.accepted)
        while len(kept) > 1 and self.trials.left() > 0:
            every = tuple({one.name: one for several in kept for one in several}.values())
            trial = self._attempt(every, 0, UNLIMITED)
            if trial.tried.accepted:
                return trial.tried, every
            kept.pop()
        if not kept:
            return None
        words = name_together(kept[0])
        return next(one for one in self.tried if one.defence == words), kept[0]

    def _try(self, now: Together, waiting: int) -> RuledTrial | None:
        """Try defences, where there is the time for it; None: there is not."""
        needed, left = estimate_trial(self.before, now, self.trials.workers), self.trials.left()
        spare = left - self._reserve()
        if spare < max(min(self.seconds, LEAST), needed.seconds):
            enough = spare >= min(self.seconds, LEAST)
            why = needed.refuse(spare, [one.name for one in now]) if enough else OUT_OF_TIME
            self.left_out[name_together(now)] = why
            self.postponed.add(name_together(now))
            return None
        seconds = max(self.seconds, 2 * needed.seconds)
        if all(one.defence.narrows for one in now):  # the trial that comes first, and costs least
            seconds = max(seconds, SHARE * left)
        trial = self._attempt(now, waiting, seconds)
        self.tried.append(trial.tried)
        if trial.tried.accepted:
            self.took.append(left - self.trials.left())
        return trial

    def _reserve(self) -> float:
        """Return the seconds that are kept for what was accepted, together."""
        seconds = MARGIN * max(self.took, default=0.0)
        return seconds if len(self.accepted) > 1 and isfinite(seconds) else 0.0

    def _attempt(self, chosen: Together, waiting: int, seconds: float) -> RuledTrial:
        """Try defences; what cannot be trained is refused with the reason."""
        words, done = name_together(chosen), len(self.tried)
        self.tell(f"trying {words} ({done + 1} of {done + 1 + waiting})")
        folder = self.trials.root / TRIALS / _slug(words)
        try:
            found = self.trials.attempt(self.before, chosen, folder, seconds)
        except (DataError, TargetError, DescriptionError) as error:
            found = _refused(words, f"It cannot be applied: {error}", complete=True)
        except TimeIsUp:
            found = _refused(words, CUT_OFF, complete=False)
        self.tell(f"{'accepted' if found.tried.accepted else 'not accepted'}: {found.tried.why}")
        return found


def count_together(offers: Sequence[Offer]) -> int:
    """Count the trials of several defences that are allowed for: they share the error as well."""
    return MOST_TOGETHER if len(offers) > 1 else 0


def _refused(words: str, why: str, *, complete: bool) -> RuledTrial:
    tried = TriedDefence(defence=words, accepted=False, why=why)
    return RuledTrial(key="", tried=tried, complete=complete, milder=complete)


def _replaced(kept: Together, one: Chosen) -> Together:
    return tuple(one if other.name == one.name else other for other in kept)


def _does_as_much(less: RuledTrial, more: RuledTrial) -> bool:
    """Whether a trial was accepted, and protects each goal as well as another did."""
    return less.tried.accepted and all(
        _protection(less.tried.goals, goal) >= _protection(more.tried.goals, goal)
        for goal in more.moved
    )


def _protection(goals: dict[Goal, GoalEffect], goal: Goal) -> tuple[int, float]:
    order = (Verdict.NOT_ASSESSED, Verdict.NOT_MET, Verdict.INCONCLUSIVE, Verdict.MET)
    effect = goals[goal]
    return order.index(effect.after), effect.potential_after or 0.0


def _slug(words: str) -> str:
    kept = "".join(c if c.isalnum() else "-" for c in words)
    return "-".join(part for part in kept.split("-") if part)
