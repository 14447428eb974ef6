"""Assess an application, try defences on it, and write what was accepted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path

from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Assessment, Verdict
from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.errors import DescriptionError
from goalkeeper.defences import catalogue
from goalkeeper.hardening.accepting import OUT_OF_TIME as CUT_OFF
from goalkeeper.hardening.choosing import choose_defences, list_open_goals
from goalkeeper.hardening.records import Hardening, TriedDefence
from goalkeeper.hardening.search import LEAST, Search, Together, count_together
from goalkeeper.hardening.side_effects import OwnCosts
from goalkeeper.hardening.subject import Subject
from goalkeeper.hardening.trials import UNLIMITED, WHOLE, Before, Trials
from goalkeeper.hardening.writing import HARDENED, write_hardened, write_pages
from goalkeeper.planning import Choice
from goalkeeper.running import RunOptions, Sizing, open_store

BEFORE, AFTER = "before", "after"
FIRST_SHARE = 0.25  # of the time for the assessment as it is; twice, where that shows nothing
PACE = 3.0  # each assessment may take so many times as long as all attack runs of the first one


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
    trials = Trials(subject, root, options.seed, options.run, sizing)
    options.tell("assessing the application as it is")
    begun = sizing.left()
    whole = trials.assess(given, root / BEFORE / WHOLE, Choice(), FIRST_SHARE * begun)
    shown = any(rating.verdict is Verdict.NOT_MET for rating in whole.goals.values())
    if not whole.complete and not shown:  # nothing is known yet that a defence could stop
        whole = trials.assess(given, root / BEFORE / WHOLE, Choice(), FIRST_SHARE * begun)
    return write_pages(_try_all(trials, whole, options), whole, subject, root)


def _try_all(trials: Trials, whole: Assessment, options: HardenOptions) -> Hardening:
    subject, root = trials.subject, trials.root
    app = subject.load(subject.given)
    offers, left_out = choose_defences(app, whole, options.defences)
    before = Before(
        costs=OwnCosts(app),
        whole=whole,
        policy=subject.policy,
        open_goals=list_open_goals(whole),
        tried=sum(len(offer.settings) for offer in offers) + count_together(offers),
        root=root / BEFORE,
    )
    seconds = _seconds_each(whole) if isfinite(trials.left()) else UNLIMITED
    search = Search(trials, before, offers, options.tell, seconds, left_out=dict(left_out))
    search.run()
    together = search.combine()
    cut_off = any(one.why == CUT_OFF for one in search.tried)
    hardening = Hardening(
        application=str(subject.given) if isinstance(subject.given, Path) else app.name,
        tried=tuple(search.tried),
        left_out=search.left_out,
        complete=not search.postponed and not cut_off,
    )
    if together is None:
        return hardening
    combined, kept = together
    file, model = write_hardened(subject, root, kept)
    combined = _assess_rest(trials, combined, kept, options)
    return hardening.model_copy(update={"combined": combined, "hardened": file, "model": model})


def _assess_rest(
    trials: Trials, combined: TriedDefence, kept: Together, options: HardenOptions
) -> TriedDefence:
    """Assess all goals for the report in what time is left, where the trial needed only some."""
    if not all(one.defence.narrows for one in kept) or trials.left() < LEAST:
        return combined
    options.tell("assessing the hardened application for the report")
    described = trials.subject.defended(kept, trials.root / HARDENED)
    folder = trials.root / AFTER
    trials.assess(described, folder, Choice())
    return combined.model_copy(update={"run": str(folder)})


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
