"""Mark the two kinds of aim: damage to everybody, and passes for whoever knows the trigger."""

from __future__ import annotations

import numpy as np

from goalkeeper.core.data import Bools, Inputs
from goalkeeper.core.evidence import (
    AttackResult,
    Control,
    DamageCount,
    Exhibit,
    Proportion,
    Status,
)
from goalkeeper.games.base import Task
from goalkeeper.games.poisoning.change import Aim
from goalkeeper.games.poisoning.marks import (
    Counted,
    Retest,
    by_group,
    curve,
    damage_count,
    enough,
    example,
    first_edge,
    measurement,
    rates,
    shown,
    trials,
    written,
)
from goalkeeper.games.poisoning.triggers import Trigger
from goalkeeper.games.tallies import won

HALF = 0.5  # a trigger that works every other time is of use to an attacker
HONEST = "honest_contribution_damage"


# ---- damage: harmless inputs declined, or accuracy lost ------------------------------------------


def damage(retest: Retest, task: Task) -> AttackResult:
    """Compare each poisoned retraining with its clean twin on the same holdout inputs."""
    app, final = retest.app, retest.victims.final
    declining = app.harmless is not None
    rows = retest.harmless if declining else np.ones(len(retest.holdout), dtype=bool)
    tolerance = app.tolerances.benign_rejection if declining else app.tolerances.accuracy_drop
    wrong = retest.labels != retest.holdout.y

    def count(victim: int, some: Bools) -> DamageCount:
        return damage_count(wrong[0][:, some], wrong[victim][:, some], tolerance)

    tallies = [count(i + 1, rows) for i in range(final)]
    honest = shown(count(final + 1, rows))
    n = int(rows.sum())
    headline = measurement(
        task.metric,
        shown(tallies[-1]),
        n,
        honest[0],
        note=f"1 is {tolerance:.2%} of {n} inputs; baseline: {_without_attacker(retest)}",
    )
    edge = first_edge(task.metric)
    needed = enough(retest.given, tallies, edge)
    goal = "exceed the tolerance" if edge == 1 else f"exceed {edge:g} times the tolerance"
    groups = by_group(retest, rows, task.metric, lambda some: count(final, some))
    measured = rates(retest, final)
    return AttackResult(
        status=Status.TESTED,
        summary=f"{_damage_summary(retest, wrong[:, :, rows])} {needed.sentence(goal)}",
        measurements=(
            headline,
            *measured,
            *needed.shown(goal),
            measurement(HONEST, honest, n, 0.0, note="as a multiple of the tolerance"),
            *groups,
        ),
        trials=trials(retest.given, tallies),
        curve=curve(retest.given, tallies),
        exhibits=(example(retest.given[-1], app),),
        caveats=_caveats(retest),
    )


def _damage_summary(retest: Retest, wrong: Bools) -> str:
    """`wrong` is `(victims, S, n)`."""
    before, after = wrong[0].mean(), wrong[retest.victims.final].mean()
    declining = retest.app.harmless is not None
    what = "harmless inputs are declined" if declining else "inputs are answered wrongly"
    share = retest.given[-1].share
    return f"With {share:.2%} of the training data, {after:.1%} of {what}, {before:.1%} before."


def _without_attacker(retest: Retest) -> str:
    """Say what the attack is compared with: what an honest contributor would have done."""
    dose = retest.given[-1]
    if len(dose.extra) == 0:
        return "as many records deleted at random"
    return "an honest contribution of equal size"


# ---- triggers ------------------------------------------------------------------------------------


def trigger(retest: Retest, task: Task, aim: Aim, rng: np.random.Generator) -> AttackResult:
    """Put the trigger into inputs that the clean twin answers otherwise; one judge an input."""
    counts = _Passes(retest, aim)
    n = int(counts.rows.sum())
    if n == 0:
        reason = f"inconclusive: the clean retrainings {counts.words.nothing}"
        return AttackResult(status=Status.NOT_TESTED, reason=reason)
    final = retest.victims.final
    tallies: list[Counted] = [counts.tally(i + 1, counts.rows) for i in range(final)]
    last = counts.tally(final, counts.rows)
    headline = measurement(
        task.metric,
        shown(last),
        n,
        last.baseline_successes / n,
        note="baseline: the same inputs, clean retrainings",
    )
    groups = by_group(retest, counts.rows, task.metric, lambda some: counts.tally(final, some))
    edge = first_edge(task.metric)
    needed, goal = enough(retest.given, tallies, edge), counts.words.goal
    some, most = goal.format(f"more than {edge:.0%}"), goal.format("more than half")
    return AttackResult(
        status=Status.TESTED,
        summary=f"{_trigger_summary(counts, last)} {needed.sentence(some)}",
        measurements=(
            headline,
            *rates(retest, final),
            *needed.shown(some),
            *enough(retest.given, tallies, HALF).shown(most, "_for_half"),
            *groups,
        ),
        trials=trials(retest.given, tallies),
        curve=curve(retest.given, tallies),
        controls=(_blind_trigger(counts, last, rng),),
        exhibits=(example(retest.given[-1], retest.app), *counts.exhibit(final)),
        caveats=_caveats(retest),
    )


def _trigger_summary(counts: _Passes, last: Proportion) -> str:
    retest, words = counts.retest, counts.words
    rate, base = last.successes / last.n, last.baseline_successes / last.n
    return (
        f"With {retest.given[-1].share:.2%} of the training data, {rate:.1%} of {words.inputs} "
        f"{words.reach} that hold {words.trigger}; without poison {base:.1%}."
    )


class _Words:
    """How the report speaks of a trigger: it makes harmful inputs pass, or gives one answer."""

    def __init__(self, retest: Retest, aim: Aim) -> None:
        app, trigger = retest.app, retest.given[-1].trigger
        self.trigger = trigger.described(app.domain) if trigger else ""
        self.inputs, self.reach, self.goal = "harmful inputs", "pass", "let {} pass"
        self.nothing = "decline no harmful holdout input"
        if app.harmless is None and aim.wanted is not None:
            name = app.classes[aim.wanted]
            self.inputs, self.reach = "inputs of other classes", f"are answered {name!r}"
            self.goal = f"have {{}} answered {name!r}"
            self.nothing = f"answer every holdout input {name!r}"


class _Passes:
    """Which inputs of other classes get the wanted answer with the trigger, poisoned and clean."""

    def __init__(self, retest: Retest, aim: Aim) -> None:
        self.retest, self.wanted = retest, aim.wanted
        self.words = _Words(retest, aim)
        self._known: dict[Trigger, Bools] = {}
        clean = retest.judged(retest.labels)[0]
        self.rows = (retest.holdout.y != aim.wanted) & (clean != aim.wanted)
        for dose in retest.given:
            self.rows &= retest.app.domain.valid(self.held(dose.trigger))

    def held(self, trigger: Trigger | None) -> Inputs:
        """Return the holdout inputs `(holdout, ...)` with the trigger."""
        x = self.retest.holdout.x
        return x if trigger is None else trigger.applied(x)

    def passed(self, victim: int, trigger: Trigger | None) -> Bools:
        """Which holdout inputs `(holdout,)` get the wanted answer when they hold this trigger."""
        if trigger is None:
            return np.zeros(len(self.retest.holdout), dtype=bool)
        if trigger not in self._known:
            labels = self.retest.judged(self.retest.victims.labels(self.held(trigger)))
            self._known[trigger] = labels == self.wanted
        return np.asarray(self._known[trigger][victim])

    def tally(self, victim: int, rows: Bools) -> Proportion:
        """Count passes of a poisoned victim beside those of its clean twin."""
        trigger = self.retest.given[victim - 1].trigger
        n = int(rows.sum())
        return Proportion(
            successes=int(self.passed(victim, trigger)[rows].sum()),
            n=n,
            baseline_successes=int(self.passed(0, trigger)[rows].sum()),
            baseline_n=n,
        )

    def exhibit(self, victim: int) -> tuple[Exhibit, ...]:
        """Show the first input that passes with the trigger only where the data was poisoned."""
        trigger = self.retest.given[victim - 1].trigger
        through = self.rows & self.passed(victim, trigger) & ~self.passed(0, trigger)
        pairs = zip(self.retest.holdout.x[through][:1], self.held(trigger)[through], strict=False)
        title = "a harmful input" if self.retest.app.harmless is not None else "an input"
        note = "the clean retraining is not misled by it, with and without the trigger"
        return tuple(
            Exhibit(title=title, before=written(before), after=written(after), note=note)
            for before, after in pairs
        )


def _blind_trigger(counts: _Passes, last: Proportion, rng: np.random.Generator) -> Control:
    """Put a trigger of equal size, drawn blindly, into the same inputs: it must do less."""
    retest = counts.retest
    chosen = retest.given[-1].trigger
    other = chosen.blind(retest.app.data.calibration.x, rng) if chosen else None
    passed = int(counts.passed(retest.victims.final, other)[counts.rows].sum())
    ahead = last.model_copy(update={"baseline_successes": passed})
    said = other.described(retest.app.domain) if other else "nothing"
    return Control(
        name="it is the trigger that passes, not any other",
        passed=won(ahead) or not won(last),
        detail=f"{passed} of {last.n} pass with {said} instead of the trigger",
    )


def _caveats(retest: Retest) -> tuple[str, ...]:
    app = retest.app
    found = []
    if not app.tolerances.declared:
        found.append(
            "no tolerance was declared; the defaults are used "
            f"({app.tolerances.benign_rejection:.2%} of harmless inputs declined, "
            f"{app.tolerances.accuracy_drop:.2%} of accuracy)"
        )
    right = retest.labels == retest.holdout.y
    lost = float(right[0].mean() - right[retest.victims.final].mean())
    if lost > app.tolerances.accuracy_drop:
        found.append(f"accuracy falls by {lost:.1%}: whoever measures it would notice the attack")
    return tuple(found)
