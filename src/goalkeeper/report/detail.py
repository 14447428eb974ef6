"""Tables and facts of one attack run: what was measured, counted, spent and checked."""

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
from goalkeeper.report.parts import Fact, Table, drop_empty_columns, merge_rows

MOST_GROUPS = 8


# ---- measured ------------------------------------------------------------------------------------


def measurements(evidence: Evidence) -> Table:
    """List what was measured on all cases, other than the headline."""
    rows = [_measured(m) for m in evidence.result.measurements[1:] if not m.group]
    head = ("Metric", "Value", "95 % interval", "Baseline", "n", "Note")
    return drop_empty_columns(
        Table(f"Further measurements of {evidence.attack}", head, tuple(rows))
    )


def groups(evidence: Evidence) -> Table:
    """List what was measured on classes, subgroups and people, in the order of the game."""
    found = [m for m in evidence.result.measurements[1:] if m.group]
    rows = [(m.group.replace(": ", " ", 1), *_measured(m)) for m in found[:MOST_GROUPS]]
    caption = "By group, most affected first"
    if len({name for _, name, *_ in rows}) == 1:  # stated once, in the caption
        caption = f"{fmt.sentence_case(rows[0][1])} by group, most affected first"
        rows = [(group, "", *rest) for group, _, *rest in rows]
    if len(found) > MOST_GROUPS:
        caption += f": {MOST_GROUPS} of {len(found)}, all in assessment.json"
    head = ("Group", "Metric", "Value", "95 % interval", "Baseline", "n", "Note")
    return drop_empty_columns(Table(caption, head, tuple(rows)))


def _measured(m: Measurement) -> tuple[str, ...]:
    numbers = fmt.measurement(m)
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
    """List the counts at each budget, and their rating."""
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
    caption = f"{evidence.attack} at each budget: cost of one campaign, counts and rating"
    head = ("Budget", "Spent", "Counts", "Verified", "One-sided bounds", "Exposure level")
    return drop_empty_columns(Table(caption, head, tuple(rows)))


def _campaign(trial: Trial) -> str:
    parts = [f"{fmt.count(trial.queries)} {'query' if trial.queries == 1 else 'queries'}"]
    if trial.share:
        share = f"{fmt.budget(trial.share, fmt.PERCENT)} of the data"
        parts = [*parts, share] if trial.queries else [share]
    return ", ".join(parts)


def budget_scale(evidence: Evidence) -> fmt.Scale:
    """Return the scale of budgets: shares in per cent, everything else unscaled."""
    return fmt.scale_of(evidence.result.curve.budget) if evidence.result.curve else fmt.PLAIN


def costs(group: tuple[Evidence, ...]) -> tuple[Fact, ...]:
    """List the factors of attack potential except time, by attacker where they differ."""
    rated = [(e.attacker, e.rated.attack_potential) for e in group if e.rated is not None]
    parts = (
        ("Expertise", [(c.expertise, who) for who, c in rated]),
        ("Secret knowledge", [(c.knowledge, who) for who, c in rated]),
        ("Window", [(c.window, who) for who, c in rated]),
        ("Equipment", [(c.equipment, who) for who, c in rated]),
    )
    return tuple(Fact(label, _by_attacker(merge_rows(words, 1))) for label, words in parts if words)


def _by_attacker(rows: tuple[tuple[str, ...], ...]) -> str:
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
    """Describe the counts in words."""
    match counted:
        case Proportion(successes=k, n=n, baseline_successes=k0, baseline_n=n0):
            return f"{k:,} of {n:,} succeeded; {k0:,} of {n0:,} without the attack"
        case Accuracy(correct=k, n=n):
            return f"{k:,} of {n:,} correct; guessing gets half of them"
        case Gain(successes=k, n=n, baseline_successes=k0, baseline_n=n0):
            return f"{k:,} of {n:,} correct; {k0:,} of {n0:,} without access to the model"
        case Ratio(at=rates):
            return "; ".join(
                f"at a target of {fmt.percent(r.fpr)} false alarms: {r.true_positives:,} of "
                f"{r.positives:,} found, {r.false_positives:,} of {r.negatives:,} false alarms"
                for r in rates
            )
        case DamageCount(gained=gained, lost=lost, n=n, tolerance=tolerance):
            pairs = ", ".join(f"+{g:,}/-{v:,}" for g, v in zip(gained, lost, strict=True))
            return (
                f"items newly wrong/newly correct of {n:,}, per retraining: {pairs}; "
                f"tolerance {fmt.percent(tolerance)}"
            )
        case Latency(attack=attack, benign=benign, quantile=q, unit=unit):
            statistic = "medians" if q == 0.5 else f"quantiles {q:g}"
            return (
                f"{statistic} of {len(attack):,} attack inputs and {len(benign):,} ordinary "
                f"inputs, in {unit}"
            )


# ---- costs and settings --------------------------------------------------------------------------


def spent(evidence: Evidence) -> tuple[Fact, ...]:
    """List what the attack run cost, now or when its stored result was computed."""
    cost = evidence.result.cost
    numbers = (
        ("Queries", cost.queries),
        ("Forward passes", cost.forward),
        ("Backward passes", cost.backward),
        ("Models trained", cost.models),
    )
    facts = [Fact(label, fmt.count(value)) for label, value in numbers if value]
    duration = fmt.duration(cost.seconds)
    if cost.reused:
        duration += " (result of an earlier run, from the store; times are from that run)"
    return (*facts, Fact("Computing", duration))


def required_knowledge(evidence: Evidence) -> str:
    """Describe the knowledge that the attack needs."""
    grades = evidence.requires.knowledge.items()
    words = tuple(f"{grade} {aspect}" for aspect, grade in grades if grade != "none")
    return fmt.join_words(words) or "nothing"


def details(group: tuple[Evidence, ...]) -> tuple[Fact, ...]:
    """Describe the attack run, precisely enough to repeat it."""
    first = group[0]
    facts = [
        Fact("Game", first.game),
        Fact("Variant", f"{first.family}.{first.variant.removeprefix(first.family + '.')}"),
        Fact("Needs capabilities", ", ".join(first.requires.capabilities) or "nothing"),
        Fact("Needs view", first.requires.view),
        Fact("Seed", str(first.seed)),
        Fact("Evidence", ", ".join(e.id for e in group)),
    ]
    facts += [Fact("Unit", first.unit)] if first.unit else []
    facts += [Fact(f"Setting {k}", fmt.truncate(str(v), 200)) for k, v in first.settings.items()]
    return tuple(facts)
