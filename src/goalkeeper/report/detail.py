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
    RatioAt,
    Tally,
    Trial,
)
from goalkeeper.report import format as fmt
from goalkeeper.report.language import _, ngettext
from goalkeeper.report.parts import Fact, Table, drop_empty_columns, merge_rows
from goalkeeper.report.words import describe_knowledge, factor_name

MOST_GROUPS = 8


# ---- measured ------------------------------------------------------------------------------------


def measurements(evidence: Evidence) -> Table:
    """List what was measured on all cases, other than the headline."""
    rows = [_measured(m) for m in evidence.result.measurements[1:] if not m.group]
    caption = _("Further measurements of {attack}").format(attack=evidence.attack)
    return drop_empty_columns(Table(caption, _measured_head(), tuple(rows)))


def groups(evidence: Evidence) -> Table:
    """List what was measured on classes, subgroups and people, in the order of the game."""
    found = [m for m in evidence.result.measurements[1:] if m.group]
    rows = [(m.group.replace(": ", " ", 1), *_measured(m)) for m in found[:MOST_GROUPS]]
    caption = _("By group, most affected first")
    if len({name for _, name, *_ in rows}) == 1:  # stated once, in the caption
        metric = fmt.sentence_case(rows[0][1])
        caption = _("{metric} by group, most affected first").format(metric=metric)
        rows = [(group, "", *rest) for group, _, *rest in rows]
    if len(found) > MOST_GROUPS:
        caption = _("{caption}: {n} of {all}, all in assessment.json").format(
            caption=caption, n=MOST_GROUPS, all=fmt.count(len(found))
        )
    head = (_("Group"), *_measured_head())
    return drop_empty_columns(Table(caption, head, tuple(rows)))


def _measured_head() -> tuple[str, ...]:
    return (_("Metric"), _("Value"), _("95 % interval"), _("Baseline"), "n", _("Note"))


def _measured(m: Measurement) -> tuple[str, ...]:
    numbers = fmt.measurement(m)
    name = fmt.metric_name(m.metric)
    return (name, numbers.value, numbers.interval, numbers.baseline, fmt.count(m.n), m.note)


def controls(evidence: Evidence) -> Table:
    """List the checks of the attack and the setting."""
    rows = tuple(
        (c.name, _("passed") if c.passed else _("failed"), c.detail)
        for c in evidence.result.controls
    )
    caption = _("Controls of {attack}").format(attack=evidence.attack)
    return Table(caption, (_("Control"), _("Outcome"), _("Detail")), rows)


# ---- counted and rated ---------------------------------------------------------------------------


def counts(evidence: Evidence) -> Table:
    """List the counts at each budget, and their rating."""
    rated = {t.budget: t for t in evidence.rated.trials} if evidence.rated else {}
    scale = fmt.scale_of(evidence.metric)
    rows = []
    for trial in evidence.result.trials:
        checked = fmt.count(trial.verified) if trial.verified else _("none")
        bounds = level = ""
        if trial.budget in rated:
            step = rated[trial.budget]
            digits = fmt.places(step.low, step.high, step.low, scale)
            bounds = fmt.interval(step.low, step.high, digits, scale)
            level = fmt.levels(step.demonstrated, step.potential)
        budget = fmt.budget(trial.budget, budget_scale(evidence))
        rows.append((budget, _campaign(trial), tally(trial.tally), checked, bounds, level))
    caption = _("{attack} at each budget: cost of one campaign, counts and rating")
    caption = caption.format(attack=evidence.attack)
    head = (
        _("Budget"),
        _("Spent"),
        _("Counts"),
        _("Verified"),
        _("One-sided bounds"),
        _("Exposure level"),
    )
    return drop_empty_columns(Table(caption, head, tuple(rows)))


def _campaign(trial: Trial) -> str:
    queries = ngettext("{n} query", "{n} queries", trial.queries)
    parts = [queries.format(n=fmt.count(trial.queries))]
    if trial.share:
        share = _("{share} of the data").format(share=fmt.budget(trial.share, fmt.PERCENT))
        parts = [*parts, share] if trial.queries else [share]
    return ", ".join(parts)


def budget_scale(evidence: Evidence) -> fmt.Scale:
    """Return the scale of budgets: shares in per cent, everything else unscaled."""
    return fmt.scale_of(evidence.result.curve.budget) if evidence.result.curve else fmt.PLAIN


def costs(group: tuple[Evidence, ...]) -> tuple[Fact, ...]:
    """List the factors of attack potential except time, by attacker where they differ."""
    rated = [(e.attacker, e.rated.attack_potential) for e in group if e.rated is not None]
    parts = (
        (_("Expertise"), [(c.expertise, who) for who, c in rated]),
        (_("Secret knowledge"), [(c.knowledge, who) for who, c in rated]),
        (_("Window"), [(c.window, who) for who, c in rated]),
        (_("Equipment"), [(c.equipment, who) for who, c in rated]),
    )
    return tuple(Fact(label, _by_attacker(merge_rows(words, 1))) for label, words in parts if words)


def _by_attacker(rows: tuple[tuple[str, ...], ...]) -> str:
    words = [(factor_name(word), who) for word, who in rows]
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
        _("Attack potential of {attack} at each budget").format(attack=group[0].attack),
        (_("Budget"), *(attacker for attacker, _ in rated)),
        tuple(zip(budgets, *columns, strict=True)),
    )


def _cost(rating: Rated, place: int) -> str:
    cost = rating.trials[place].attack_potential
    return f"{fmt.points(cost.points, _('none'))}, {fmt.days(cost.days)}"


def tally(counted: Tally) -> str:
    """Describe the counts in words."""
    match counted:
        case Proportion(successes=k, n=n, baseline_successes=k0, baseline_n=n0):
            return _("{k} of {n} succeeded; {k0} of {n0} without the attack").format(
                **_counts(k=k, n=n, k0=k0, n0=n0)
            )
        case Accuracy(correct=k, n=n):
            return _("{k} of {n} correct; guessing gets half of them").format(**_counts(k=k, n=n))
        case Gain(successes=k, n=n, baseline_successes=k0, baseline_n=n0):
            return _("{k} of {n} correct; {k0} of {n0} without access to the model").format(
                **_counts(k=k, n=n, k0=k0, n0=n0)
            )
        case Ratio(at=rates):
            return "; ".join(map(_rates, rates))
        case DamageCount(gained=gained, lost=lost, n=n, tolerance=tolerance):
            both = zip(gained, lost, strict=True)
            pairs = ", ".join(f"+{fmt.count(g)}/-{fmt.count(v)}" for g, v in both)
            return _(
                "items newly wrong/newly correct of {n}, per retraining: {pairs}; tolerance "
                "{tolerance}"
            ).format(n=fmt.count(n), pairs=pairs, tolerance=fmt.percent(tolerance))
        case Latency(attack=attack, benign=benign, quantile=q, unit=unit):
            statistic = _("medians") if q == 0.5 else _("quantiles {q}").format(q=f"{q:g}")
            return _("{statistic} of {n} attack inputs and {n0} ordinary inputs, in {unit}").format(
                statistic=statistic, unit=unit, **_counts(n=len(attack), n0=len(benign))
            )


def _counts(**numbers: int) -> dict[str, str]:
    return {name: fmt.count(number) for name, number in numbers.items()}


def _rates(r: RatioAt) -> str:
    return _(
        "at a target of {share} false alarms: {k} of {n} found, {k0} of {n0} false alarms"
    ).format(
        share=fmt.percent(r.fpr),
        **_counts(k=r.true_positives, n=r.positives, k0=r.false_positives, n0=r.negatives),
    )


# ---- costs and settings --------------------------------------------------------------------------


def spent(evidence: Evidence) -> tuple[Fact, ...]:
    """List what the attack run cost, now or when its stored result was computed."""
    cost = evidence.result.cost
    numbers = (
        (_("Queries"), cost.queries),
        (_("Forward passes"), cost.forward),
        (_("Backward passes"), cost.backward),
        (_("Models trained"), cost.models),
    )
    facts = [Fact(label, fmt.count(value)) for label, value in numbers if value]
    duration = fmt.duration(cost.seconds)
    if cost.reused:
        stored = _("{time} (result of an earlier run, from the store; times are from that run)")
        duration = stored.format(time=duration)
    return (*facts, Fact(_("Computing"), duration))


def required_knowledge(evidence: Evidence) -> str:
    """Describe the knowledge that the attack needs."""
    return describe_knowledge(evidence.requires.knowledge)


def details(group: tuple[Evidence, ...]) -> tuple[Fact, ...]:
    """Describe the attack run, precisely enough to repeat it."""
    first = group[0]
    facts = [
        Fact(_("Game"), first.game),
        Fact(_("Variant"), f"{first.family}.{first.variant.removeprefix(first.family + '.')}"),
        Fact(_("Needs capabilities"), ", ".join(first.requires.capabilities) or _("nothing")),
        Fact(_("Needs view"), _(first.requires.view)),
        Fact(_("Seed"), str(first.seed)),
        Fact(_("Evidence"), ", ".join(e.id for e in group)),
    ]
    facts += [Fact(_("Unit"), first.unit)] if first.unit else []
    facts += [
        Fact(_("Setting {name}").format(name=k), fmt.truncate(str(v), 200))
        for k, v in first.settings.items()
    ]
    return tuple(facts)
