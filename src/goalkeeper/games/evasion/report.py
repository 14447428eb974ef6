"""Say what a marked evasion attack showed: measurements, controls, caveats, examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Data, Floats, Inputs, Ints
from goalkeeper.core.evidence import Control, Exhibit, Measurement, Tally
from goalkeeper.games.base import Marking
from goalkeeper.games.evasion.parts import Before, Ending, Limits, Question, Submission
from goalkeeper.games.evasion.tables import Cells
from goalkeeper.games.tallies import won
from goalkeeper.stats import clopper_pearson

SMALL = 5  # inputs below which a group is not shown by itself
EXAMPLES = 3
SHOWN = 1500  # characters of an example


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Marked:
    """What the game found for each input, `(n,)`; size and queries are infinite if unbroken."""

    marking: Marking[Question, Before, Submission]
    solved: Bools
    size: Floats
    queries: Floats
    after: Inputs
    label: Ints
    random_hits: Bools
    lost: Bools
    invalid: Bools
    tally: Tally

    @property
    def question(self) -> Question:
        """What was asked."""
        return self.marking.dealt.question

    @property
    def before(self) -> Before:
        """What the game remembers."""
        return self.marking.dealt.secret

    def endings(self) -> Counter[str]:
        """Count how the inputs ended: the game's word before the attack's."""
        said = self.marking.final.answer.endings
        found = [
            Ending.BROKEN
            if solved
            else Ending.INVALID
            if invalid
            else Ending.BUDGET_SPENT
            if ending == Ending.BUDGET_SPENT
            else Ending.SURVIVED
            for solved, invalid, ending in zip(self.solved, self.invalid, said, strict=True)
        ]
        return Counter(found) + Counter({Ending.WRONG_BEFORE: self.before.wrong_before})


def summary(marked: Marked) -> str:
    """Tell in one sentence what was reached."""
    n, broken, chance = len(marked.solved), int(marked.solved.sum()), int(marked.random_hits.sum())
    unit = marked.question.limits.unit
    middle = _middle(marked.size)
    typical = f"; median {middle:g} {unit}" if np.isfinite(middle) else ""
    return (
        f"{broken} of {n} inputs that were answered rightly are answered wrongly after the "
        f"change{typical}; random changes of equal size: {chance} of {n}"
    )


def measurements(marked: Marked, *, by_size: bool) -> tuple[Measurement, ...]:
    """List the success rate first, then what it took, whom it hit, and the accuracy."""
    everything = np.ones(len(marked.solved), dtype=bool)
    counts = marked.endings()
    note = ", ".join(f"{counts[ending]} {ending}" for ending in Ending if counts[ending])
    out = [_rate(marked, everything, note=note), _median(marked.size, marked.question.limits.unit)]
    if not by_size:
        out.append(_median(marked.queries, "queries"))
    return (*out, *_by_group(marked), _accuracy(marked))


def _rate(marked: Marked, chosen: Bools, group: str = "", note: str = "") -> Measurement:
    n, k = int(chosen.sum()), int(marked.solved[chosen].sum())
    low, high = clopper_pearson(k, n)
    return Measurement(
        metric="success_rate",
        value=k / n,
        low=low,
        high=high,
        baseline=float(marked.random_hits[chosen].mean()),
        n=n,
        group=group,
        note=note,
    )


def _median(values: Floats, unit: str) -> Measurement:
    """Bound a median by order statistics; it is infinite where fewer than half are broken."""
    from scipy.stats import binom

    n, ranked = len(values), np.sort(values)
    k = max(1, int(binom.ppf(0.025, n, 0.5)))
    return Measurement(
        metric=f"median {unit} until broken",
        value=_middle(values),
        low=float(ranked[k - 1]),
        high=float(ranked[n - k]),
        baseline=0.0,
        n=n,
        note="unbroken inputs count as infinite",
    )


def _middle(values: Floats) -> float:
    return float(np.sort(values)[(len(values) - 1) // 2])


def _by_group(marked: Marked) -> Iterator[Measurement]:
    """Yield the success rate of each class, subgroup and person, the worst first."""
    app, attacked = marked.marking.app, marked.before.attacked
    found = []
    for name, values in groups(app, attacked).items():
        kinds = sorted(set(values.tolist()), key=str)
        for kind in kinds if len(kinds) > 1 else ():
            chosen = np.asarray(values == kind)
            if chosen.sum() >= SMALL:
                found.append(_rate(marked, chosen, group=f"{name}: {kind}"))
    yield from sorted(found, key=lambda m: (-m.value, -m.low, m.group))


def groups(app: Application, data: Data) -> Mapping[str, NDArray[Any]]:
    """Name what the attacked inputs can be told apart by, with its values `(n,)`."""
    names = [*app.subgroups, *([app.person] if app.person else [])]
    found = {name: data.columns[name] for name in names if name in data.columns}
    return {**found, "class": np.array(app.classes, dtype=object)[data.y]}


def _accuracy(marked: Marked) -> Measurement:
    """Measure the accuracy on all inputs looked at, after the attack; the baseline is before."""
    looked_at, right = marked.before.looked_at, len(marked.solved)
    left = right - int(marked.solved.sum())
    low, high = clopper_pearson(left, looked_at)
    return Measurement(
        metric="accuracy after the attack",
        value=left / looked_at,
        low=low,
        high=high,
        baseline=right / looked_at,
        n=looked_at,
        note="on the kind of inputs that was attacked; the baseline is the accuracy before",
    )


# ---- checks on the attack ------------------------------------------------------------------------


def controls(marked: Marked, unrepeatable: int) -> tuple[Control, ...]:
    """Check for the known ways in which an evasion attack deceives itself."""
    n, chance = len(marked.solved), int(marked.random_hits.sum())
    said = marked.marking.final.answer.endings
    claims = np.array([ending == Ending.BROKEN for ending in said], dtype=bool)
    false = int((claims & ~marked.solved).sum())
    lost, invalid = int(marked.lost.sum()), int(marked.invalid.sum())
    return (
        Control(
            name="does more than random changes of equal size",
            passed=chance == 0 or won(marked.tally),
            detail=f"{int(marked.solved.sum())} of {n} against {chance} of {n} by random changes",
        ),
        Control(
            name="answers repeat",
            passed=unrepeatable == 0,
            detail=f"{unrepeatable} answers differed when asked again, one at a time",
        ),
        Control(
            name="more budget never undoes a success",
            passed=lost == 0,
            detail=f"{lost} inputs were broken by an earlier answer and not by the last",
        ),
        Control(
            name="what was claimed is verified",
            passed=false == 0,
            detail=f"{false} inputs the attack called broken were not, asked afresh",
        ),
        Control(
            name="every change is allowed",
            passed=invalid == 0,
            detail=f"{invalid} inputs were changed beyond the limits; those do not count",
        ),
    )


def remarks(marked: Marked) -> tuple[str, ...]:
    """State what qualifies the number."""
    before, n = marked.before, len(marked.solved)
    out = [
        "That a changed input still serves its sender was checked by rule "
        f"({marked.question.limits.rule}), not by people."
    ]
    if before.wrong_before:
        out.append(
            f"{before.wrong_before} of {before.looked_at} inputs were answered wrongly without "
            "any attack; they were not attacked and do not count as successes."
        )
    if n < 100:
        out.append(f"Only {n} inputs were attacked; more data would narrow the interval.")
    return tuple(out)


def exhibits(marked: Marked) -> tuple[Exhibit, ...]:
    """Show the inputs that took the smallest change; harmless ones are somebody's own."""
    app, question = marked.marking.app, marked.question
    limits = question.limits
    if question.x.dtype != object and not isinstance(limits, Cells):
        return ()
    chosen = np.argsort(marked.size, kind="stable")[: min(EXAMPLES, int(marked.solved.sum()))]
    return tuple(
        Exhibit(
            title=f"{app.classes[question.y[i]]}, answered {app.classes[marked.label[i]]} after "
            f"the change",
            before=_shown(question.x[i], marked.after[i], limits),
            after=_shown(marked.after[i], question.x[i], limits),
            note=f"{marked.size[i]:g} {question.limits.unit}",
            private=app.harmless is None or int(question.y[i]) == app.harmless,
        )
        for i in chosen
    )


def _shown(value: Any, other: Any, limits: Limits) -> str:
    """Write a text as it is, and of a row the entries in which it differs from another."""
    if isinstance(limits, Cells):
        return limits.differing(value, other)
    return value if len(value) <= SHOWN else f"{value[:SHOWN]} [...]"
