"""Mark the two kinds of aim: damage to all users, and passes for inputs with the trigger."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from goalkeeper.core.data import Bools, Floats, Inputs
from goalkeeper.core.domain import ImageDomain
from goalkeeper.core.evidence import (
    AttackResult,
    Control,
    DamageCount,
    Exhibit,
    Measurement,
    Outcomes,
    Proportion,
    Status,
)
from goalkeeper.games.base import Task
from goalkeeper.games.poisoning.change import Dose, PoisoningQuestion
from goalkeeper.games.poisoning.marks import (
    PoisonTally,
    VictimAnswers,
    build_trials,
    choose_best,
    count_damage,
    estimate_tally,
    first_rating_edge,
    format_input,
    measure_groups,
    measure_rates,
    show_example,
)
from goalkeeper.games.poisoning.minimum import MinimumPoison, search_minimum
from goalkeeper.games.poisoning.retraining import UNANSWERED, RetrainedVictims
from goalkeeper.games.poisoning.triggers import Trigger
from goalkeeper.games.shared.items import keep_outcomes
from goalkeeper.games.shared.measuring import (
    ValueInterval,
    build_measurement,
    draw_curve,
    measure_mean_rate,
)
from goalkeeper.games.shared.pictures import draw_change
from goalkeeper.games.shared.wording import percent, rate
from goalkeeper.games.tallies import beats_baseline, paired_proportion

HALF = 0.5  # success rate that is shown beside the edge of the policy: every other time
HONEST = "honest_contribution_damage"
CURVE_AXIS = ("poisoned share", "of the training data")  # budget and its unit


# ---- damage: harmless inputs declined, or accuracy lost ------------------------------------------


def mark_damage(answers: VictimAnswers, task: Task) -> AttackResult:
    """Compare each poisoned retraining with its clean counterpart on the same holdout inputs."""
    app = answers.app
    declining = app.harmless is not None
    rows = answers.harmless if declining else np.ones(len(answers.holdout), dtype=bool)
    tolerance = app.tolerances.benign_rejection if declining else app.tolerances.accuracy_drop
    wrong = answers.labels != answers.holdout.y

    def count(victim: int, chosen: Bools) -> DamageCount:
        return count_damage(wrong[0][:, chosen], wrong[victim][:, chosen], tolerance)

    tallies = [count(i + 1, rows) for i in range(len(answers.doses))]
    best = choose_best(_rehearse_damage(answers))
    final = best[-1] + 1
    n = int(rows.sum())
    edge = first_rating_edge(task.metric)
    x, y = answers.holdout.x[rows], answers.holdout.y[rows]

    def damage_of(victims: RetrainedVictims) -> DamageCount:
        return count_damage(wrong[0][:, rows], victims.labels(x)[-1] != y, tolerance)

    damage, honest, beside = estimate_tally(tallies[best[-1]]), None, "clean retrainings"
    # An honest contribution is what damage is compared with. Where damage beyond the first level
    # is excluded, there is none to explain, and these retrainings, up to a third, are spared.
    if damage[2] > edge:
        honest = estimate_tally(damage_of(answers.retrain_honest()))
        beside = _name_baseline(answers)
    headline = build_measurement(
        task.metric,
        damage,
        n,
        honest[0] if honest else 0.0,
        note=f"scale: 1 = your tolerance ({percent(tolerance)} of {n} inputs), compared with "
        f"{beside}",
    )
    minimum = search_minimum(
        answers.doses, tallies, edge, lambda dose: damage_of(answers.retrain(dose)), answers.steps
    )
    goal = "exceed the tolerance" if edge == 1 else f"exceed {edge:g} times the tolerance"
    groups = measure_groups(answers, rows, task.metric, lambda chosen: count(final, chosen))
    trials = build_trials(answers.doses, [tallies[i] for i in best])
    return AttackResult(
        status=Status.TESTED,
        summary=f"{_summarise_damage(answers, wrong[:, :, rows], final)} {minimum.describe(goal)}",
        measurements=(
            headline,
            *measure_rates(answers, final),
            *minimum.measure(goal),
            *_measure_honest(honest, n),
            *groups,
        ),
        trials=trials,
        curve=draw_curve(trials, *CURVE_AXIS),
        exhibits=(show_example(answers.doses[best[-1]], app),),
        caveats=_list_caveats(answers, final),
    )


def _measure_honest(damage: ValueInterval | None, n: int) -> tuple[Measurement, ...]:
    note = "as a multiple of the tolerance"
    return () if damage is None else (build_measurement(HONEST, damage, n, note=note),)


def _rehearse_damage(answers: VictimAnswers) -> Floats:
    """Tell how often each calibration record is answered wrongly after each dose, `(doses, n)`."""
    data, harmless = answers.app.data.calibration, answers.app.harmless
    rows = np.full(len(data), harmless is None) | (data.y == harmless)
    labels = answers.victims.labels(data.x[rows])[1:]
    return np.asarray((labels != data.y[rows]).mean(axis=1))


def _summarise_damage(answers: VictimAnswers, wrong: Bools, final: int) -> str:
    """`wrong` is `(victims, S, n)`."""
    before = float(wrong[0].mean())
    after = measure_mean_rate("", wrong[final])
    declining = answers.app.harmless is not None
    what = "harmless inputs are declined" if declining else "inputs are misclassified"
    share = answers.doses[final - 1].share
    return (
        f"With {percent(share)} of the training data poisoned, "
        f"{rate(after.value, after.low, after.high)} of {what}; without poison {percent(before)}."
    )


def _name_baseline(answers: VictimAnswers) -> str:
    """Name what the attack is compared with: the effect of an honest contributor."""
    dose = answers.doses[-1]
    if len(dose.extra) == 0:
        return "as many records deleted at random"
    return "an honest contribution of equal size"


# ---- triggers ------------------------------------------------------------------------------------


def mark_trigger(
    answers: VictimAnswers, task: Task, question: PoisoningQuestion, rng: np.random.Generator
) -> AttackResult:
    """Put the trigger into inputs that the clean counterpart answers otherwise."""
    passes = _TriggerPasses(answers, question)
    n = int(passes.rows.sum())
    if n == 0:
        reason = f"inconclusive: the clean retrainings {passes.wording.nothing}"
        return AttackResult(status=Status.NOT_TESTED, reason=reason)
    doses = range(len(answers.doses))
    tallies: list[PoisonTally] = [passes.tally(i + 1, passes.rows) for i in doses]
    best = choose_best(passes.rehearse())
    final = best[-1] + 1
    last = passes.tally(final, passes.rows)
    headline = build_measurement(
        task.metric,
        estimate_tally(last),
        n,
        last.baseline_successes / n,
        note="baseline: the same inputs, clean retrainings",
    )
    groups = measure_groups(
        answers, passes.rows, task.metric, lambda chosen: passes.tally(final, chosen)
    )
    edge = first_rating_edge(task.metric)
    minimum, goal = passes.search(tallies, edge), passes.wording.goal
    beyond_edge, beyond_half = goal.format(f"more than {edge:.0%}"), goal.format("more than half")
    trials = build_trials(answers.doses, [tallies[i] for i in best])
    return AttackResult(
        status=Status.TESTED,
        summary=f"{_summarise_trigger(passes, last, final)} {minimum.describe(beyond_edge)}",
        measurements=(
            headline,
            *measure_rates(answers, final),
            *minimum.measure(beyond_edge),
            *passes.search(tallies, HALF).measure(beyond_half, "_for_half"),
            *groups,
        ),
        trials=trials,
        outcomes=passes.keep(final),
        curve=draw_curve(trials, *CURVE_AXIS),
        controls=(_check_random_trigger(passes, last, final, rng),),
        exhibits=(
            show_example(answers.doses[best[-1]], answers.app),
            *passes.show_example(final),
        ),
        caveats=_list_caveats(answers, final),
    )


def _summarise_trigger(passes: _TriggerPasses, last: Proportion, final: int) -> str:
    answers, wording = passes.answers, passes.wording
    base = last.baseline_successes / last.n
    return (
        f"With {percent(answers.doses[final - 1].share)} of the training data poisoned, "
        f"{rate(*estimate_tally(last))} of {wording.inputs} with {wording.trigger} "
        f"{wording.reach}; without poison {percent(base)}."
    )


class _Wording:
    """How the report describes a trigger: it makes harmful inputs pass, or gives one answer."""

    def __init__(self, answers: VictimAnswers, question: PoisoningQuestion) -> None:
        app, trigger = answers.app, answers.doses[-1].trigger
        self.trigger = trigger.describe(app.domain) if trigger else ""
        self.inputs, self.reach, self.goal = "harmful inputs", "pass", "let {} pass"
        self.nothing = "decline no harmful holdout input"
        if app.harmless is None and question.wanted is not None:
            name = app.classes[question.wanted]
            self.inputs, self.reach = "inputs of other classes", f"are answered {name!r}"
            self.goal = f"have {{}} answered {name!r}"
            self.nothing = f"answer every holdout input {name!r}"


class _TriggerPasses:
    """Which inputs of other classes get the wanted answer with the trigger, poisoned and clean."""

    def __init__(self, answers: VictimAnswers, question: PoisoningQuestion) -> None:
        self.answers, self.wanted = answers, question.wanted
        self.wording = _Wording(answers, question)
        self._hits: dict[Trigger, Bools] = {}
        clean = answers.pick_judged(answers.labels)[0]
        self.rows = (answers.holdout.y != question.wanted) & (clean != question.wanted)
        for dose in answers.doses:
            self.rows &= answers.app.domain.valid(self.apply(dose.trigger))

    def apply(self, trigger: Trigger | None) -> Inputs:
        """Return the holdout inputs `(holdout, ...)` with the trigger."""
        x = self.answers.holdout.x
        return x if trigger is None else trigger.apply(x)

    def passed(self, victim: int, trigger: Trigger | None) -> Bools:
        """Which holdout inputs `(holdout,)` get the wanted answer when they hold this trigger."""
        if trigger is None:
            return np.zeros(len(self.answers.holdout), dtype=bool)
        if trigger not in self._hits:
            labels = self.answers.pick_judged(self.answers.victims.labels(self.apply(trigger)))
            self._hits[trigger] = labels == self.wanted
        return np.asarray(self._hits[trigger][victim])

    def tally(self, victim: int, rows: Bools) -> Proportion:
        """Count passes of a poisoned victim beside those of its clean counterpart."""
        trigger = self.answers.doses[victim - 1].trigger
        return paired_proportion(self.passed(victim, trigger)[rows], self.passed(0, trigger)[rows])

    def keep(self, victim: int) -> Outcomes | None:
        """Keep what became of each input of a poisoned victim and of its clean counterpart."""
        trigger = self.answers.doses[victim - 1].trigger
        passed = self.passed(victim, trigger), self.passed(0, trigger)
        return keep_outcomes(self.answers.app, self.answers.holdout.x, *passed, self.rows)

    def rehearse(self) -> Floats:
        """Tell how often each calibration input passes after each dose, `(doses, n)`."""
        answers = self.answers
        data = answers.app.data.calibration
        x = data.x[data.y != self.wanted]
        hits: dict[Trigger | None, Floats] = {}
        for dose in answers.doses:
            if dose.trigger not in hits:
                shown = x if dose.trigger is None else dose.trigger.apply(x)
                passed = answers.victims.labels(shown) == self.wanted
                hits[dose.trigger] = passed.mean(axis=1)
        return np.stack([hits[dose.trigger][i + 1] for i, dose in enumerate(answers.doses)])

    def search(self, tallies: Sequence[PoisonTally], edge: float) -> MinimumPoison:
        """Find how few records let more than a share `edge` pass."""
        answers, rows = self.answers, self.rows

        def try_dose(dose: Dose) -> Proportion:
            x = self.apply(dose.trigger)
            labels = answers.pick_judged(answers.retrain(dose).labels(x))[0]
            before = self.passed(0, dose.trigger)[rows]
            return paired_proportion(labels[rows] == self.wanted, before)

        return search_minimum(answers.doses, tallies, edge, try_dose, answers.steps)

    def show_example(self, victim: int) -> tuple[Exhibit, ...]:
        """Show the first input that passes with the trigger only where the data was poisoned."""
        trigger = self.answers.doses[victim - 1].trigger
        through = self.rows & self.passed(victim, trigger) & ~self.passed(0, trigger)
        pairs = zip(self.answers.holdout.x[through][:1], self.apply(trigger)[through], strict=False)
        title = "a harmful input" if self.answers.app.harmless is not None else "an input"
        note = "the clean retraining classifies it correctly, with and without the trigger"
        domain = self.answers.app.domain
        return tuple(
            Exhibit(
                title=title,
                before=format_input(before),
                after=format_input(after),
                note=note,
                picture=draw_change(before, after, domain)
                if isinstance(domain, ImageDomain)
                else None,
            )
            for before, after in pairs
        )


def _check_random_trigger(
    passes: _TriggerPasses, last: Proportion, final: int, rng: np.random.Generator
) -> Control:
    """Put a random trigger of equal size into the same inputs: it must do less."""
    answers = passes.answers
    chosen = answers.doses[final - 1].trigger
    other = chosen.draw_random(answers.app.data.calibration.x, rng) if chosen else None
    rows = passes.rows
    passed = passes.passed(final, other)[rows]
    ahead = paired_proportion(passes.passed(final, chosen)[rows], passed)
    name = other.describe(answers.app.domain) if other else "nothing"
    return Control(
        name="does more than a random trigger of equal size",
        passed=beats_baseline(ahead) or not beats_baseline(last),
        detail=f"{int(passed.sum())} of {last.n} pass with {name} instead of the trigger",
    )


def _list_caveats(answers: VictimAnswers, final: int) -> tuple[str, ...]:
    app = answers.app
    found = []
    if not app.tolerances.declared:
        found.append(
            "no tolerance is declared; defaults are used "
            f"({app.tolerances.benign_rejection:.2%} of harmless inputs declined, "
            f"{app.tolerances.accuracy_drop:.2%} of accuracy)"
        )
    if final < len(answers.doses):
        found.append(
            f"more poison does less: on calibration data {answers.doses[final - 1].share:.2%} of "
            f"the training data does more than {answers.doses[-1].share:.2%}, and is what is shown"
        )
    unanswered = (answers.labels == UNANSWERED).sum(axis=2).mean(axis=1)
    if unanswered[final]:
        found.append(
            f"the retrained model raises an error on {unanswered[final]:.1f} of "
            f"{len(answers.holdout):,} holdout inputs with the poison and on {unanswered[0]:.1f} "
            "without it, on average; these count as answered wrongly"
        )
    right = answers.labels == answers.holdout.y
    lost = float(right[0].mean() - right[final].mean())
    if lost > app.tolerances.accuracy_drop:
        found.append(
            f"accuracy falls by {lost:.1%}: anyone who measures it would notice the attack"
        )
    return tuple(found)
