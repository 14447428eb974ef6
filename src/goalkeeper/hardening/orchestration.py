"""Try defences one after the other, then those that are accepted together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path

from goalkeeper.compute.files import write_whole
from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Assessment
from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.errors import DataError, DescriptionError, TargetError
from goalkeeper.core.private import make_folder
from goalkeeper.defences import Chosen, catalogue
from goalkeeper.hardening.accepting import OUT_OF_TIME as CUT_OFF
from goalkeeper.hardening.choosing import choose_defences, list_open_goals
from goalkeeper.hardening.markdown import render_hardening
from goalkeeper.hardening.model_files import write_model
from goalkeeper.hardening.records import Hardening, TriedDefence
from goalkeeper.hardening.subject import Subject
from goalkeeper.hardening.trials import UNLIMITED, WHOLE, Before, Trials
from goalkeeper.planning import Choice
from goalkeeper.running import RunOptions, Sizing, open_store

BEFORE, TRIALS, HARDENED = "before", "trials", "hardened"
RESULT, PAGE = "hardening.json", "hardening.md"
FIRST_SHARE = 0.25  # of the time, at most, for the assessment of the application as it is
PACE = 3.0  # a trial runs three assessments, each at most so many times as long as the first one
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
    seconds = max(LEAST, PACE * (begun - sizing.left())) if isfinite(begun) else begun
    hardening = _try_all(trials, whole, options, seconds)
    write_whole(root / RESULT, hardening.to_json().encode())
    write_whole(root / PAGE, render_hardening(hardening).encode())
    return hardening


def _try_all(
    trials: Trials, whole: Assessment, options: HardenOptions, seconds: float
) -> Hardening:
    subject, root = trials.subject, trials.root
    app = subject.load(subject.given)
    chosen, left_out = choose_defences(app, whole, options.defences)
    open_goals = list_open_goals(whole)
    before = Before(app, whole, subject.policy, open_goals, len(chosen), root / BEFORE)
    named = str(subject.given) if isinstance(subject.given, Path) else app.name
    tried: list[TriedDefence] = []
    accepted: list[Chosen] = []
    waiting, left_out = list(chosen), dict(left_out)
    while waiting:
        one = waiting.pop(0)
        if trials.left() < min(seconds, LEAST):  # too little for a trial that shows anything
            left_out[one.words] = OUT_OF_TIME
            continue
        options.tell(f"trying {one.words} ({len(tried) + 1} of {len(tried) + 1 + len(waiting)})")
        found = _attempt(trials, before, [one], seconds)
        options.tell(f"{'accepted' if found.accepted else 'not accepted'}: {found.why}")
        tried.append(found)
        if found.accepted:  # a stronger setting of the same defence only costs more
            accepted.append(one)
            waiting = [other for other in waiting if other.name != one.name]
    together = _combine(trials, before, accepted, tried, options)
    complete = OUT_OF_TIME not in left_out.values() and CUT_OFF not in {t.why for t in tried}
    hardening = Hardening(
        application=named, tried=tuple(tried), left_out=left_out, complete=complete
    )
    if together is None:
        return hardening
    combined, kept = together
    file, model = _write(trials, kept)
    return hardening.model_copy(update={"combined": combined, "hardened": file, "model": model})


def _attempt(
    trials: Trials, before: Before, chosen: Sequence[Chosen], seconds: float
) -> TriedDefence:
    """Try defences; what cannot be trained is refused with the reason."""
    words = " + ".join(one.words for one in chosen)
    try:
        return trials.attempt(before, chosen, trials.root / TRIALS / _slug(words), seconds)
    except (DataError, TargetError, DescriptionError) as error:
        return TriedDefence(defence=words, accepted=False, why=f"It cannot be applied: {error}")


def _combine(
    trials: Trials,
    before: Before,
    accepted: Sequence[Chosen],
    tried: Sequence[TriedDefence],
    options: HardenOptions,
) -> tuple[TriedDefence, Sequence[Chosen]] | None:
    """Try the accepted defences together; where that is refused, without the last one."""
    kept = list(accepted)
    while len(kept) > 1 and trials.left() > 0:
        options.tell("trying together: " + ", ".join(one.words for one in kept))
        found = _attempt(trials, before, kept, UNLIMITED)
        if found.accepted:
            return found, kept
        kept.pop()
    if not kept:
        return None
    alone = next(one for one in tried if one.defence == kept[0].words)
    return alone, kept[:1]


def _write(trials: Trials, kept: Sequence[Chosen]) -> tuple[str, str]:
    """Write the hardened application file, and the model where it can be stored."""
    folder = trials.root / HARDENED
    described = trials.subject.defended(kept, folder)
    make_folder(folder)
    model = write_model(trials.subject.load(described).target, folder)
    return ("" if isinstance(described, Application) else str(described)), model


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
