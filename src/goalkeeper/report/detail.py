"""Tables and facts of one play: what was measured, counted, spent and checked."""

from __future__ import annotations

from goalkeeper.core.evidence import (
    Accuracy,
    DamageCount,
    Evidence,
    Gain,
    Latency,
    Measurement,
    Proportion,
    Rated,
    Ratio,
    Tally,
    Trial,
)
from goalkeeper.report import format as fmt
from goalkeeper.report.parts import Fact, Table, merged, without_empty

MOST_GROUPS = 8


# ---- measured ------------------------------------------------------------------------------------


def measurements(evidence: Evidence) -> Table:
    """List what was measured on everything, beside the headline."""
    rows = [_measured(m) for m in evidence.result.measurements[1:] if not m.group]
    head = ("Measure", "Value", "95 % interval", "Baseline", "n", "Note")
    return without_empty(Table(f"Further measurements of {evidence.attack}", head, tuple(rows)))


def groups(evidence: Evidence) -> Table:
    """List what was measured on classes, subgroups and people, in the game's order."""
    found = [m for m in evidence.result.measurements[1:] if m.group]
    rows = [(m.group.replace(": ", " ", 1), *_measured(m)) for m in found[:MOST_GROUPS]]
    caption = "By group, hardest hit first"
    if len({name for _, name, *_ in rows}) == 1:  # said once, above the table
        caption = f"{fmt.sentence_case(rows[0][1])} by group, hardest hit first"
        rows = [(group, "", *rest) for group, _, *rest in rows]
    if len(found) > MOST_GROUPS:
        caption += f": {MOST_GROUPS} of {len(found)}, the rest in assessment.json"
    head = ("Group", "Measure", "Value", "95 % interval", "Baseline", "n", "Note")
    return without_empty(Table(caption, head, tuple(rows)))


def _measured(m: Measurement) -> tuple[str, ...]:
    numbers = fmt.measured(m)
    name = fmt.metric_name(m.metric)
    return (name, numbers.value, numbers.interval, numbers.baseline, f"{m.n:,}", m.note)


def controls(evidence: Evidence) -> Table:
    """List the checks of the attack and the setting."""
    rows = tuple(
        (c.name, "passed" if c.passed else "failed", c.detail) for c in evidence.result.controls
    )
    return Table(f"Controls of {evidence.attack}", ("Control", "Outcome", "Detail"), rows)


# ---- counted and rated ---------------------------------------------------------------------------


def counts(evidence: Evidence) -> Table:
    """List what was counted at each budget, and how it was rated."""
    rated = {t.budget: t for t in evidence.rated.trials} if evidence.rated else {}
    scale = fmt.scale_of(evidence.metric)
    rows = []
    for trial in evidence.result.trials:
        checked = f"{trial.verified:,}" if trial.verified else "none"
        bounds = level = ""
        if trial.budget in rated:
            step = rated[trial.budget]
            digits = fmt.places(step.low, step.high, step.low, scale)
            bounds = fmt.interval(step.low, step.high, digits, scale)
            level = fmt.levels(step.demonstrated, step.potential)
        budget = fmt.budget(trial.budget, budget_scale(evidence))
        rows.append((budget, _campaign(trial), tally(trial.tally), checked, bounds, level))
    caption = f"{evidence.attack} at each budget: spent in one campaign, counted, and rated"
    head = ("Budget", "Spent", "Counts", "Verified", "One-sided bounds", "Exposure level")
    return without_empty(Table(caption, head, tuple(rows)))


def _campaign(trial: Trial) -> str:
    parts = [f"{fmt.count(trial.queries)} {'query' if trial.queries == 1 else 'queries'}"]
    if trial.share:
        share = f"{fmt.budget(trial.share, fmt.PERCENT)} of the data"
        parts = [*parts, share] if trial.queries else [share]
    return ", ".join(parts)


def budget_scale(evidence: Evidence) -> fmt.Scale:
    """Return how budgets are written: shares in per cent, everything else as it is."""
    return fmt.scale_of(evidence.result.curve.budget) if evidence.result.curve else fmt.PLAIN


def costs(group: tuple[Evidence, ...]) -> tuple[Fact, ...]:
    """Say what makes up attack potential beside time, for whom where attackers differ."""
    rated = [(e.attacker, e.rated.attack_potential) for e in group if e.rated is not None]
    parts = (
        ("Expertise", [(c.expertise, who) for who, c in rated]),
        ("Secret knowledge", [(c.knowledge, who) for who, c in rated]),
        ("Window", [(c.window, who) for who, c in rated]),
        ("Equipment", [(c.equipment, who) for who, c in rated]),
    )
    return tuple(Fact(label, _for_whom(merged(words, 1))) for label, words in parts if words)


def _for_whom(rows: tuple[tuple[str, ...], ...]) -> str:
    words = [(word.replace("_", " "), who) for word, who in rows]
    if len(words) == 1:
        return words[0][0]
    return "; ".join(f"{word} ({who})" for word, who in words)


def steps(group: tuple[Evidence, ...]) -> Table:
    """List the attack potential at each budget, a column for each attacker; empty if constant."""
    rated = [(e.attacker, e.rated) for e in group if e.rated is not None and e.rated.trials]
    columns = [[_cost(rating, i) for i in range(len(rating.trials))] for _, rating in rated]
    if not any(len(set(column)) > 1 for column in columns):
        return Table("", (), ())
    scale = budget_scale(group[0])
    budgets = [fmt.budget(t.budget, scale) for t in rated[0][1].trials]
    return Table(
        f"Attack potential of {group[0].attack} at each budget",
        ("Budget", *(attacker for attacker, _ in rated)),
        tuple(zip(budgets, *columns, strict=True)),
    )


def _cost(rating: Rated, place: int) -> str:
    cost = rating.trials[place].attack_potential
    return f"{fmt.points(cost.points, 'none')}, {fmt.days(cost.days)}"


def tally(counted: Tally) -> str:
    """Say in words what was counted."""
    match counted:
        case Proportion(successes=k, n=n, baseline_successes=k0, baseline_n=n0):
            return f"{k:,} of {n:,} succeeded; {k0:,} of {n0:,} without the attack"
        case Accuracy(correct=k, n=n):
            return f"{k:,} of {n:,} right; a coin gets half of them right"
        case Gain(successes=k, n=n, baseline_successes=k0, baseline_n=n0):
            return f"{k:,} of {n:,} right; {k0:,} of {n0:,} without access to the model"
        case Ratio(at=rates):
            return "; ".join(
                f"at {fmt.percent(r.fpr)} false alarms: {r.true_positives:,} of {r.positives:,} "
                f"found, {r.false_positives:,} of {r.negatives:,} false alarms"
                for r in rates
            )
        case DamageCount(gained=gained, lost=lost, n=n, tolerance=tolerance):
            pairs = ", ".join(f"+{g:,}/-{v:,}" for g, v in zip(gained, lost, strict=True))
            return (
                f"items newly wrong/newly right of {n:,}, per retraining: {pairs}; "
                f"tolerance {fmt.percent(tolerance)}"
            )
        case Latency(attack=slow, benign=usual, quantile=q, unit=unit):
            which = "medians" if q == 0.5 else f"quantiles {q:g}"
            return (
                f"{which} of {len(slow):,} inputs and {len(usual):,} ordinary ones of equal size "
                f"compared, in {unit}"
            )


# ---- spent and set -------------------------------------------------------------------------------


def spent(evidence: Evidence) -> tuple[Fact, ...]:
    """Say what the play cost, in this run or in the one it was taken from."""
    cost = evidence.result.cost
    numbers = (
        ("Queries", cost.queries),
        ("Forward passes", cost.forward),
        ("Backward passes", cost.backward),
        ("Models trained", cost.models),
    )
    facts = [Fact(label, fmt.count(value)) for label, value in numbers if value]
    taken = fmt.duration(cost.seconds)
    if cost.reused:
        taken += " (played by an earlier run, taken from the store; its times are of that run)"
    return (*facts, Fact("Computing", taken))


def knows(evidence: Evidence) -> str:
    """Say what the attack has to know."""
    known = evidence.requires.knowledge.items()
    words = tuple(f"{grade} {aspect}" for aspect, grade in known if grade != "none")
    return fmt.listed(words) or "nothing"


def details(group: tuple[Evidence, ...]) -> tuple[Fact, ...]:
    """Say what was played, precisely enough to play it again."""
    first = group[0]
    facts = [
        Fact("Game", first.game),
        Fact("Variant", f"{first.family}.{first.variant.removeprefix(first.family + '.')}"),
        Fact("Needs to be able to", ", ".join(first.requires.capabilities) or "nothing"),
        Fact("Needs to see", first.requires.view),
        Fact("Seed of this play", str(first.seed)),
        Fact("Evidence", ", ".join(e.id for e in group)),
    ]
    facts += [Fact("Unit", first.unit)] if first.unit else []
    facts += [Fact(f"Setting {k}", fmt.shortened(str(v), 200)) for k, v in first.settings.items()]
    return tuple(facts)
