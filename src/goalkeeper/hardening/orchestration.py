"""Try defences one after the other, then those that are accepted together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path

from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Assessment, Verdict
from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.errors import DataError, DescriptionError, TargetError
from goalkeeper.defences import Chosen, catalogue
from goalkeeper.hardening.accepting import OUT_OF_TIME as CUT_OFF
from goalkeeper.hardening.choosing import choose_defences, list_open_goals
from goalkeeper.hardening.records import Hardening, RuledTrial, TriedDefence
from goalkeeper.hardening.side_effects import OwnCosts
from goalkeeper.hardening.subject import Subject
from goalkeeper.hardening.trials import UNLIMITED, WHOLE, Before, Trials, name_together
from goalkeeper.hardening.writing import write_hardened, write_pages
from goalkeeper.planning import Choice
from goalkeeper.running import RunOptions, Sizing, open_store

BEFORE, TRIALS = "before", "trials"
FIRST_SHARE = 0.25  # of the time, at most, for the assessment of the application as it is
PACE = 3.0  # each assessment may take so many times as long as all attack runs of the first one
MOST_TOGETHER = 6  # trials of several defences, beside each alone
MOST_DEFENCES = 3  # in one of them
Together = tuple[Chosen, ...]
LEAST = 20.0  # seconds that each assessment may take, however fast the first one was
OUT_OF_TIME = "the time was over before it was tried; the same command continues with it"


@dataclass(frozen=True, eq=False, kw_only=True)
class HardenOptions:
    """How defences are tried.

    Parameters
    ----------
    defences
        Names of defences to keep to; empty: all that are meant to stop what was found.
    seed
        Same seed, same evidence (but for measured times).
    time
        Seconds after which no further defence is tried, and attack runs end.
    run
        Executor, store and progress of each assessment; its sizing is not used.
    tell
        Is called with a line of text at each step.
    """

    defences: Sequence[str] = ()
    seed: int = 0
    time: float = float("inf")
    run: RunOptions = field(default_factory=RunOptions)
    tell: Callable[[str], None] = lambda _: None


def harden(
    application: Application | Path | str,
    folder: Path | str,
    *,
    options: HardenOptions | None = None,
) -> Hardening:
    """Try defences on an application, and keep what is shown to help.

    Each defence is applied, the model is retrained, and the attacks that decided are run again
    by an attacker who knows the defence; see `goalkeeper.hardening.accepting` for when it is
    accepted. Accepted ones are then tried together. The same call resumes what was interrupted.

    Parameters
    ----------
    application
        An application file (YAML), or an Application.
    folder
        Holds one run folder for each assessment, and the hardened application.
    options
        Which defences, how long, and how each assessment runs.

    Raises
    ------
    DescriptionError
        The file, or the name of a defence, says something that cannot be used.
    StoreError
        The folder cannot be used.
    """
    options, root = options or HardenOptions(), Path(folder)
    _check_names(options.defences)
    sizing = Sizing(limit=options.time)  # the time counts from here
    given = application if isinstance(application, Application) else Path(application)
    compute, store = options.run.compute or ComputeSettings(device="auto"), None
    if isinstance(given, Path):  # each run loads the file again: what is trained once is kept
        store = open_store(given, options.run)
    subject = Subject(given, replace(compute, store=str(store.root) if store else ""))
    trials = Trials(subject, root, options.seed, options.run, sizing.left)
    options.tell("assessing the application as it is")
    begun = sizing.left()
    whole = trials.assess(given, root / BEFORE / WHOLE, Choice(), FIRST_SHARE * begun)
    return write_pages(_try_all(trials, whole, options), whole, subject, root)


@dataclass(frozen=True, eq=False)
class Search:
    """Goes through the defences of an application.

    Parameters
    ----------
    trials
        Tries them.
    before
        The application as it is.
    chosen
        What is tried, in order.
    options
        How.
    seconds
        What each assessment may take.
    """

    trials: Trials
    before: Before
    chosen: Sequence[Chosen]
    options: HardenOptions
    seconds: float
    tried: list[TriedDefence] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    accepted: list[Together] = field(default_factory=list)

    def run(self) -> None:
        """Try each alone; where another attack is as cheap, also with a defence against that."""
        waiting: list[Together] = [(one,) for one in self.chosen]
        together = count_together(self.chosen)
        while waiting:
            now = waiting.pop(0)
            if self.trials.left() < min(self.seconds, LEAST):  # too little to show anything
                self.left_out[name_together(now)] = OUT_OF_TIME
                continue
            trial = self._attempt(now, len(waiting), self.seconds)
            self.tried.append(trial.tried)
            if trial.tried.accepted:
                self.accepted.append(now)
                waiting = list(self._still_of_use(waiting, trial.tried))
            else:
                further = _list_further(now, trial, self.chosen)[:together]
                together -= len(further)
                sooner = _list_stronger(now, trial, waiting)
                waiting = [*sooner, *further, *(w for w in waiting if w not in sooner)]

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

    def _attempt(self, chosen: Together, waiting: int, seconds: float) -> RuledTrial:
        """Try defences; what cannot be trained is refused with the reason."""
        words, done = name_together(chosen), len(self.tried)
        self.options.tell(f"trying {words} ({done + 1} of {done + 1 + waiting})")
        folder = self.trials.root / TRIALS / _slug(words)
        try:
            found = self.trials.attempt(self.before, chosen, folder, seconds)
        except (DataError, TargetError, DescriptionError) as error:
            why = f"It cannot be applied: {error}"
            tried = TriedDefence(defence=words, accepted=False, why=why)
            found = RuledTrial(key="", tried=tried, complete=True)
        self.options.tell(
            f"{'accepted' if found.tried.accepted else 'not accepted'}: {found.tried.why}"
        )
        return found

    def _still_of_use(self, waiting: Sequence[Together], found: TriedDefence) -> Iterator[Together]:
        """Leave out other settings of what was accepted, and what serves only goals now met.

        Stronger settings only cost more.
        """
        names = {one.name for one in self.accepted[-1]}
        met = {goal for goal, effect in found.goals.items() if effect.after is Verdict.MET}
        for several in waiting:
            if names & {one.name for one in several}:
                continue
            aimed = self.before.aimed(several)
            if aimed and set(aimed) <= met:
                goals = " and ".join(map(str, aimed))
                words = name_together(several)
                self.left_out[words] = f"not needed: with {found.defence}, {goals} is met"
                continue
            yield several


def count_together(chosen: Sequence[Chosen]) -> int:
    """Count the trials of several defences that are allowed for: they share the error as well."""
    return MOST_TOGETHER if len({one.name for one in chosen}) > 1 else 0


def _list_stronger(now: Together, trial: RuledTrial, waiting: Sequence[Together]) -> list[Together]:
    """Find the next setting of the same defence, where it may stop what is as cheap as well."""
    families = set(trial.remaining.values())
    alike: list[Together] = [
        w for w in waiting if len(now) == len(w) == 1 and w[0].name == now[0].name
    ]
    found = (w for w in alike if families & set(w[0].defence.families))
    return list(found)[:1]


def _list_further(now: Together, trial: RuledTrial, chosen: Sequence[Chosen]) -> list[Together]:
    """List what to try together with defences after which another attack is as cheap.

    Of each defence against that attack, the strongest setting.
    """
    if len(now) >= MOST_DEFENCES:
        return []
    names = {one.name for one in now}
    found: dict[str, Chosen] = {}
    for goal, family in trial.remaining.items():
        for one in chosen:
            serves = goal in one.defence.goals and family in one.defence.families
            if serves and one.name not in names:
                found[one.name] = one
    return [(*now, one) for one in found.values()]


def _try_all(trials: Trials, whole: Assessment, options: HardenOptions) -> Hardening:
    subject, root = trials.subject, trials.root
    app = subject.load(subject.given)
    chosen, left_out = choose_defences(app, whole, options.defences)
    before = Before(
        costs=OwnCosts(app),
        whole=whole,
        policy=subject.policy,
        open_goals=list_open_goals(whole),
        tried=len(chosen) + count_together(chosen),
        root=root / BEFORE,
    )
    seconds = _seconds_each(whole) if isfinite(trials.left()) else UNLIMITED
    search = Search(trials, before, chosen, options, seconds, left_out=dict(left_out))
    search.run()
    together = search.combine()
    cut_off = any(one.why == CUT_OFF for one in search.tried)
    hardening = Hardening(
        application=str(subject.given) if isinstance(subject.given, Path) else app.name,
        tried=tuple(search.tried),
        left_out=search.left_out,
        complete=OUT_OF_TIME not in search.left_out.values() and not cut_off,
    )
    if together is None:
        return hardening
    combined, kept = together
    file, model = write_hardened(subject, root, kept)
    return hardening.model_copy(update={"combined": combined, "hardened": file, "model": model})


def _seconds_each(whole: Assessment) -> float:
    """Say how long each assessment may take: a multiple of what the first one took, if resumed."""
    units = {e.unit: e.result.took for e in whole.evidence if e.unit}
    return max(LEAST, PACE * sum(units.values()))


def _check_names(names: Sequence[str]) -> None:
    known = catalogue()
    for name in names:
        if name not in known:
            raise DescriptionError(
                "there is no such defence",
                key="--defence",
                expected="one of " + ", ".join(known),
                given=name,
            )


def _slug(words: str) -> str:
    kept = "".join(c if c.isalnum() else "-" for c in words)
    return "-".join(part for part in kept.split("-") if part)
