"""The artefact leak game: find training records in the stored model, without any question to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Data
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.evidence import AttackResult, Exhibit, Measurement, Proportion, Status, Trial
from goalkeeper.core.goals import Goal, Harm
from goalkeeper.games.artefact_leak.claims import (
    Claims,
    Regions,
    WordSets,
    checked,
    found_records,
    shuffled,
    singled_out,
    widths,
)
from goalkeeper.games.artefact_leak.stored_records import storing_records
from goalkeeper.games.base import Dealt, Game, Marking, Task, Unfit
from goalkeeper.games.tallies import shown
from goalkeeper.stats import clopper_pearson

FEWEST = 20  # training records, and strangers
HARMS = (Harm(Goal.PRIVACY), Harm(Goal.CONFIDENTIALITY))
METRIC = "success_rate"
WORDS = Task(
    name="rare-words",
    harms=HARMS,
    metric=METRIC,
    sentence="read from the stored model words that only one person or record of the training "
    "data has",
)
RECORDS = Task(
    name="stored-records",
    harms=HARMS,
    metric=METRIC,
    sentence="read whole training records from the stored model",
)
LEAVES = Task(
    name="single-records",
    harms=HARMS,
    metric=METRIC,
    sentence="read from the stored model where a single training record lies, and its class",
)


@dataclass(frozen=True, slots=True)
class Sought:
    """How many claims an attack may make."""

    most: int


Claimed = Marking[Sought, None, Claims]


@final
@dataclass(frozen=True, kw_only=True)
class ArtefactLeak(Game[Sought, None, Claims]):
    """Question: how many claims count. Secret: the training data. Answer: claims about records.

    A claim is a set of words, a record, or a region of inputs with a class. It succeeds if it
    singles out: exactly one record of the training data (of a set of words: one person, where
    persons are known) fits it. Baseline: the same claims about as many records that the model
    never saw, or about records whose columns were shuffled, whichever fits more often; the data
    parts are disjoint, so that strangers alone would never equal a training record.
    """

    name: ClassVar[str] = "artefact_leak"
    most: int = 300

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Texts have rare words; tables and images have regions; all have records."""
        return (WORDS, RECORDS) if isinstance(app.domain, TextDomain) else (RECORDS, LEAVES)

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Need records to find, and strangers to compare with."""
        size, strangers = len(app.data.train), len(_unseen(app))
        if min(size, strangers) < FEWEST:
            return Unfit(
                f"{FEWEST} training records and as many others are needed; there are {size} and "
                f"{strangers}"
            )
        return None

    def deal(self, app: Application, task: Task, rng: np.random.Generator) -> Dealt[Sought, None]:
        """Say how many claims count."""
        return Dealt(Sought(self.most), None)

    def mark(self, marking: Claimed) -> AttackResult:
        """Count the claims that single out a training record, and those that fit a stranger."""
        app = marking.app
        claims = checked(marking.final.answer, app.data.train, self.most)
        if not len(claims):
            return AttackResult(
                status=Status.NOT_TESTED,
                reason="the attack found nothing in the stored model that it could claim",
            )
        hits = singled_out(claims, app.data.train, app.person)
        strangers = _strangers(app, marking.rng)
        chance = _chance(claims, strangers, marking)
        tally = Proportion(
            successes=int(hits.sum()),
            n=len(hits),
            baseline_successes=int(chance.sum()),
            baseline_n=len(chance),
        )
        spent = marking.final.cost.seconds / 3600
        # A hit proves a leak by itself only where none is met by chance.
        sure = tally.successes if tally.baseline_successes == 0 else 0
        trial = Trial(budget=0, queries=0, compute_h=spent, tally=tally, verified=sure)
        return AttackResult(
            status=Status.TESTED,
            summary=_summary(claims, tally, _who(marking)),
            measurements=_measurements(claims, tally, marking),
            trials=(trial,),
            caveats=_caveats(app, strangers),
            exhibits=_exhibits(claims, hits, marking),
        )

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Store the training data beside the model."""
        return replace(app, target=storing_records(app.target, app.data.train))

    def smaller(self) -> ArtefactLeak:
        """Return the game with fewer claims."""
        return replace(self, most=min(self.most, 100))


# ---- counting ----------------------------------------------------------------------------------


def _unseen(app: Application) -> Data:
    return app.data.holdout.joined(app.data.calibration).joined(app.data.similar)


def _strangers(app: Application, rng: np.random.Generator) -> Data:
    """Draw as many records that the model never saw as there are training records."""
    others = _unseen(app)
    size = min(len(others), len(app.data.train))
    return others.take(np.sort(rng.choice(len(others), size, replace=False)))


def _chance(claims: Claims, strangers: Data, marking: Claimed) -> Bools:
    fits = singled_out(claims, strangers, marking.app.person)
    if isinstance(claims, WordSets):
        return fits
    dealt_anew = singled_out(claims, shuffled(strangers, marking.rng))
    return max(fits, dealt_anew, key=lambda found: int(found.sum()))


def _who(marking: Claimed) -> str:
    known = marking.app.person in marking.app.data.train.columns
    return "person" if marking.task.name == WORDS.name and known else "record"


# ---- what is shown -----------------------------------------------------------------------------


def _summary(claims: Claims, tally: Proportion, who: str) -> str:
    what = {
        "rare-words": f"words read from the stored model stand with exactly one {who} of the "
        "training data",
        "stored-records": "records read from the stored model are records of the training data",
        "single-records": "regions read from the stored model hold exactly one record of the "
        "training data, of the class that was read",
    }[_kind(claims)]
    return (
        f"{tally.successes} of {tally.n} {what}; of records that the model never saw "
        f"{tally.baseline_successes} of {tally.baseline_n} would be right"
    )


def _kind(claims: Claims) -> str:
    if isinstance(claims, WordSets):
        single = all(len(words) == 1 for words in claims.sets)
        return WORDS.name if single else RECORDS.name
    return RECORDS.name if bool((claims.low == claims.high).all()) else LEAVES.name


def _measurements(claims: Claims, tally: Proportion, marking: Claimed) -> tuple[Measurement, ...]:
    app, seen, who = marking.app, shown(tally), _who(marking)
    found = [
        Measurement(
            metric=METRIC,
            value=seen.value,
            low=seen.low,
            high=seen.high,
            baseline=tally.baseline_successes / tally.baseline_n,
            n=tally.n,
            note=f"claims that single out one {who} of the training data; baseline: the same "
            "claims about records that the model never saw",
        )
    ]
    size = len(app.data.train)
    revealed = found_records(claims, app.data.train)
    low, high = clopper_pearson(revealed, size)
    found.append(
        Measurement(
            metric="training records singled out",
            value=revealed / size,
            low=low,
            high=high,
            baseline=0.0,
            n=size,
            note=f"by at most {marking.dealt.question.most} claims",
        )
    )
    if isinstance(claims, Regions) and _kind(claims) == LEAVES.name:
        left = widths(claims, app.data.train)
        middle = float(np.median(left))
        low, high = (float(q) for q in np.quantile(left, [0.025, 0.975]))
        found.append(
            Measurement(
                metric="range left open",
                value=middle,
                low=low,
                high=high,
                baseline=1.0,
                n=len(left),
                note="median over the regions of the mean share of a column's range that they "
                "leave open, with the range that holds 95 % of the regions; 0 would tell the "
                "record exactly",
            )
        )
    return tuple(found)


def _caveats(app: Application, strangers: Data) -> tuple[str, ...]:
    size = len(app.data.train)
    if len(strangers) == size:
        return ()
    return (
        f"only {len(strangers):,} records that the model never saw stand beside {size:,} training "
        "records, so that the baseline may be too low",
    )


def _exhibits(claims: Claims, hits: Bools, marking: Claimed) -> tuple[Exhibit, ...]:
    first = np.flatnonzero(hits)[:20].tolist()
    if not first:
        return ()
    if isinstance(claims, WordSets):
        sets = [" ".join(sorted(claims.sets[i])) for i in first]
        lines = ", ".join(sets) if _kind(claims) == WORDS.name else "\n".join(sets[:3])
    else:
        lines = "\n".join(_region(claims, i, marking.app) for i in first[:3])
    count = len(first) if "\n" not in lines else 3
    title = f"found in the stored model (at most {count} shown)"
    return (Exhibit(title=title, after=lines, private=True),)


def _region(claims: Regions, i: int, app: Application) -> str:
    columns = getattr(app.domain, "columns", ())
    parts = []
    for j, (low, high) in enumerate(zip(claims.low[i], claims.high[i], strict=True)):
        name = columns[j].name if j < len(columns) else f"pixel {j}"
        if low == high:
            parts.append(f"{name} {low:.4g}")
        elif np.isfinite(low) or np.isfinite(high):
            parts.append(f"{name} {low:.4g} to {high:.4g}")
    label = claims.classes[i]
    said = f"class {app.classes[label]}: " if label >= 0 else ""
    return said + ", ".join(parts[:30])
