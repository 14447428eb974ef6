"""One plain sentence on each attack run and each goal: who did what, how often, at what cost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from goalkeeper.core.amounts import MAX_EFFORT
from goalkeeper.core.assessment import (
    ApplicationRow,
    Assessment,
    Gap,
    GoalRating,
    NextStep,
    Verdict,
)
from goalkeeper.core.evidence import Evidence, Gain, Measurement, Status
from goalkeeper.core.goals import Goal
from goalkeeper.core.threats import LEAST_LIKELY
from goalkeeper.core.wording import MEASURED, placeholders_of
from goalkeeper.report import format as fmt
from goalkeeper.report import phrases
from goalkeeper.report.deciding import RunOutcome, determine_outcome
from goalkeeper.report.language import _
from goalkeeper.report.stored import retell_reason, retell_threat
from goalkeeper.report.words import goal_name

HARM = "tolerance_multiple"


def tell_run(group: Sequence[Evidence], goal: Goal, assessment: Assessment) -> str:
    """Tell what an attack run reached, and what that means for a goal, in plain words.

    `group` are the attackers who share the run, the cheapest first.
    """
    rating = assessment.goals.get(goal)
    named = (e for e in group if rating is not None and e.id == rating.cheapest_attack)
    evidence = next(named, group[0])
    if evidence.status is not Status.TESTED:
        return _tell_status(evidence)
    reached = tell_reached(evidence, assessment)
    if rating is None:
        return reached
    outcome = determine_outcome(group, rating)
    if outcome is RunOutcome.INCONCLUSIVE:
        open_ = _what_settles(group, rating)
        return phrases.fill(phrases.INCONCLUSIVE, open=open_, reached=reached)
    return " ".join(filter(None, (reached, _weigh(evidence, outcome, rating))))


def tell_reached(evidence: Evidence, assessment: Assessment) -> str:
    """Tell what an attack run reached, whatever it counts for; empty without a number."""
    head = evidence.headline
    if head is None:
        return evidence.result.summary and _as_sentence(evidence.result.summary)
    values = _values(evidence, head, assessment.application)
    templates = assessment.sentences.get(evidence.variant, {})
    chosen = (
        templates[task] for task in sorted(templates, reverse=True) if _is_for(task, evidence)
    )
    general = phrases.BY_METRIC.get(head.metric, phrases.ANY_METRIC)
    for template in (*chosen, general):
        if set(placeholders_of(template)) <= set(values):
            return fmt.sentence_case(_(template).format_map(values))
    return _as_sentence(evidence.result.summary)


def tell_goal(goal: Goal, decider: Sequence[Evidence], assessment: Assessment) -> str:
    """Tell the verdict on a goal in a sentence, with what decided it or what is missing.

    `decider` is the attack run that decided, of all attackers who share it; empty if none did.
    """
    rating = assessment.goals[goal]
    if rating.verdict is Verdict.NOT_ASSESSED:
        nothing = phrases.NO_NEED if rating.need.level == 0 else phrases.NO_ATTACK
        return phrases.fill(nothing, goal=goal_name(goal))
    if rating.verdict is Verdict.NOT_MET and decider:
        return tell_run(decider, goal, assessment)
    if rating.verdict is Verdict.MET:
        return _tell_met(rating, decider, assessment)
    if rating.doubt:
        return phrases.fill(phrases.DOUBTED_GOAL, doubt=_clause(rating.doubt))
    if rating.verdict is Verdict.INCONCLUSIVE:
        run = _tell_open(decider[0], rating, assessment) if decider else _first_gap(rating)
        return phrases.fill(phrases.OPEN, run=run).rstrip()
    return _as_sentence(_clause(rating.reason)) or phrases.fill(phrases.SUCCEEDED)


def tell_settling(goal: Goal, decider: Sequence[Evidence], assessment: Assessment) -> str:
    """Tell what would settle a goal that is inconclusive, first for the run that may decide it."""
    rating = assessment.goals[goal]
    if rating.doubt:
        return phrases.fill(phrases.CHECK_MODEL)
    step = assessment.next_steps.get(goal)
    if not assessment.complete and (step is None or step.kind != "continue"):
        return phrases.fill(phrases.CONTINUE)
    if step is not None:
        return _tell_step(step, assessment)
    if any(e.status is Status.CONTROL_FAILED for e in decider):
        return phrases.fill(phrases.MORE_EFFORT)
    if not decider or decider[0].status is not Status.TESTED:
        return ""
    return _as_sentence(_what_settles(decider, rating).removeprefix(_(phrases.TOO_LITTLE)))


def _tell_step(step: NextStep, assessment: Assessment) -> str:
    """Tell the next step, and how long it takes by what this run took."""
    time = fmt.duration(step.seconds)
    if step.kind == "continue":
        return phrases.fill(phrases.CONTINUE_FOR, runs=fmt.count(step.runs), time=time)
    models = phrases.fill(phrases.MODELS, models=fmt.count(step.models)) if step.models else ""
    values = {
        "factor": fmt.count(step.factor),
        "attack": _plain(step.attack),
        "attacker": step.attacker.replace("_", " "),
        "models": models,
        "records": fmt.count(step.records),
        "time": time,
    }
    told = [phrases.fill(phrases.LARGER_DATA if step.records else phrases.LARGER, **values)]
    effort = assessment.effort * step.factor
    if not step.records and effort <= MAX_EFFORT:
        told.append(phrases.fill(phrases.EFFORT, effort=f"{effort:g}"))
    if not step.settles:
        all_ = fmt.duration(step.seconds_of_all)
        told.append(phrases.fill(phrases.FIRST_OF, runs=fmt.count(step.runs), time=all_))
    return " ".join(told)


# ---- what it means -------------------------------------------------------------------------------


def _tell_open(evidence: Evidence, rating: GoalRating, assessment: Assessment) -> str:
    """Tell what was measured where nothing is decided, or why nothing was."""
    if evidence.status is not Status.TESTED:
        return _tell_status(evidence)
    measured = phrases.fill(phrases.MEASURED, reached=tell_reached(evidence, assessment))
    return f"{measured} {tell_success(evidence.metric, rating, assessment)}".rstrip()


def tell_success(metric: str, rating: GoalRating, assessment: Assessment) -> str:
    """Say above which value an attack counts as a success; empty where no rule says so."""
    edges = assessment.policy.edges.get(metric, ())
    if not 0 < rating.critical <= len(edges) or metric not in phrases.SUCCESS_ABOVE:
        return ""
    edge = edges[rating.critical - 1]
    scale = fmt.scale_of(metric)
    shown = fmt.quantity(edge, fmt.places(edge, edge, edge, scale), scale)
    return phrases.fill(phrases.SUCCESS_ABOVE[metric], edge=shown)


def _tell_met(rating: GoalRating, decider: Sequence[Evidence], assessment: Assessment) -> str:
    named = (e for e in assessment.evidence if e.id in rating.because[:1])
    check = next(named, None)
    if check is not None and check.status is Status.NOT_APPLICABLE:
        return phrases.fill(phrases.NOTHING_TO_TAKE, reason=_clause(check.result.reason))
    reached = tell_reached(decider[0], assessment) if decider else ""
    run = phrases.fill(phrases.AMONG_OTHERS, reached=reached) if reached else ""
    points = fmt.points(rating.required, _("any cost"))
    return phrases.fill(phrases.MET, points=points, run=run).rstrip()


def _tell_status(evidence: Evidence) -> str:
    reason = tell_reason(evidence.result.reason) or _(phrases.NO_REASON[evidence.status])
    return phrases.fill(phrases.BY_STATUS[evidence.status], reason=reason)


def _weigh(evidence: Evidence, outcome: RunOutcome, rating: GoalRating) -> str:
    """Say what a run that was decided costs, or that it was withstood."""
    if outcome is RunOutcome.WITHSTOOD:
        return _(phrases.WITHSTOOD)
    if outcome is RunOutcome.UNRATED or evidence.rated is None:
        return ""
    cost = evidence.rated.attack_potential
    spent = {
        "points": fmt.points(cost.points, _("no points")),
        "required": fmt.count(rating.required),
        "time": fmt.days(cost.days),
        "queries": _queries(evidence),
        "skill": _(phrases.SKILLS.get(cost.expertise, _plain(cost.expertise))),
        "access": _(phrases.ACCESS.get(cost.window, _plain(cost.window))),
    }
    if outcome is RunOutcome.TOO_COSTLY:
        return phrases.fill(phrases.TOO_COSTLY, **spent)
    if cost.points >= rating.required:
        spent["points"] = fmt.points(rating.demonstrated, "fewer points")
        return phrases.fill(phrases.LESS_IS_ENOUGH, **spent)
    template = next(text for most, text in phrases.COSTS if cost.points <= most)
    return phrases.fill(template, **spent)


def _what_settles(group: Sequence[Evidence], rating: GoalRating) -> str:
    """Say why a run does not decide, and what would settle it."""
    if rating.doubt:
        return phrases.fill(phrases.DOUBTED_RUN, doubt=_clause(rating.doubt))
    ids = {e.id for e in group}
    who = {(e.variant, e.attacker) for e in group}
    gaps = [g for g in rating.not_tested if g.evidence in ids] or [
        g for g in rating.not_tested if not g.evidence and (g.variant, g.attacker) in who
    ]
    return _clause(gaps[0].reason) if gaps else _(phrases.MORE_DATA)


def _first_gap(rating: GoalRating) -> str:
    gaps: Iterable[Gap] = rating.not_tested
    return next((_as_sentence(g.reason) for g in gaps), _(phrases.NOTHING_TESTED))


# ---- what is filled in ---------------------------------------------------------------------------


def _is_for(task: str, evidence: Evidence) -> bool:
    return evidence.task.startswith(task)


def _values(evidence: Evidence, head: Measurement, app: ApplicationRow) -> dict[str, str]:
    """Return what can be filled into a sentence; what was not measured is left out."""
    inputs, parts = map(_, phrases.KINDS.get(app.domain, phrases.ANY_KIND))
    trial = evidence.result.trials[-1] if evidence.result.trials else None
    values = {
        "who": name_attacker(evidence.attacker),
        "attack": _plain(evidence.attack),
        "metric": fmt.metric_name(head.metric),
        "inputs": inputs,
        "parts": parts,
        "subject": _subject(evidence),
        "target": _target(evidence, app),
        "where": f", {retell_threat(evidence.result.threat)}" if evidence.result.threat else "",
        "after": phrases.after(trial.queries if trial else evidence.result.cost.queries),
        "dose": fmt.budget(trial.share if trial else 0.0, fmt.PERCENT),
        "n": fmt.count(head.n),
        **_classes(app, inputs),
        **_numbers(head),
    }
    measured = {m.metric: m for m in reversed(evidence.result.measurements) if not m.group}
    for name, metric in MEASURED.items():
        if metric in measured:
            shown = _numbers(measured[metric])
            values |= {
                name: shown["value"],
                f"{name}_interval": shown["interval"],
                f"{name}_baseline": shown["baseline"],
            }
    return values | _rate(evidence)


def _classes(app: ApplicationRow, inputs: str) -> dict[str, str]:
    """Name the harmless class and the others, and the inputs of each."""
    passes, passing = phrases.HARMLESS
    harmful = [name for name in app.classes if name != app.harmless]
    harmless = app.harmless or ""
    if harmless:
        passes, passing = phrases.CLASS, phrases.OF_CLASS
    failing = phrases.OF_CLASS if len(harmful) == 1 else phrases.HARMFUL
    return {
        "harmless": phrases.fill(passes, name=harmless),
        "harmless_inputs": phrases.fill(passing, name=harmless, inputs=inputs),
        "harmful_inputs": phrases.fill(failing, name="".join(harmful[:1]), inputs=inputs),
    }


def _target(evidence: Evidence, app: ApplicationRow) -> str:
    """Say as which class inputs are to be misclassified, which the name of a task ends with."""
    aimed = evidence.task.partition("-to-")[2]
    if aimed == LEAST_LIKELY:
        return phrases.fill(phrases.AS_LEAST_LIKELY)
    named = (name for name in app.classes if aimed and _in_task(name) == aimed)
    return next((phrases.fill(phrases.AS_CLASS, name=name) for name in named), "")


def _in_task(name: str) -> str:
    """Write a class as in the name of a task."""
    return "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split())


def name_attacker(name: str) -> str:
    """Write an attacker as in a sentence: `an outsider`, `a device holder`, `Mallory`."""
    if name in phrases.ATTACKERS:
        return _(phrases.ATTACKERS[name])
    consonant, vowel, named = phrases.OTHER_ATTACKERS
    if not name[:1].islower():
        return phrases.fill(named, name=name)
    return phrases.fill(vowel if name[0] in "aeiou" else consonant, name=_plain(name))


def _subject(evidence: Evidence) -> str:
    about = evidence.task.removeprefix(f"{evidence.family}-")
    return _(phrases.A_FACT) if about == evidence.family else _plain(about.replace("-", " "))


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _queries(evidence: Evidence) -> str:
    spent = evidence.result.trials[-1].queries if evidence.result.trials else 0
    return phrases.count_queries(spent)


# ---- numbers -------------------------------------------------------------------------------------


def _numbers(m: Measurement) -> dict[str, str]:
    """Write the numbers of a measurement; a harm below none is none."""
    if m.metric == HARM:
        no_less = {k: max(0.0, getattr(m, k)) for k in ("value", "low", "high", "baseline")}
        m = m.model_copy(update=no_less)
    scale = fmt.scale_of(m.metric)
    digits = fmt.readable_places(m.low, m.high, m.value, scale)
    whole = scale is fmt.PERCENT and m.value in (0, 1)
    value = fmt.quantity(m.value, 0 if whole else digits, scale)
    if math.isinf(m.value) and m.value > 0:
        value = phrases.fill(phrases.AT_LEAST, low=fmt.quantity(m.low, digits, scale))
    return {
        "value": value,
        "interval": fmt.interval(m.low, m.high, digits, scale),
        "baseline": fmt.baseline(m.baseline, digits, scale),
    }


def _rate(evidence: Evidence) -> dict[str, str]:
    """Write the share that a gain was computed from: people know shares, and not gains."""
    trial = evidence.result.trials[-1] if evidence.result.trials else None
    tally = trial.tally if trial else None
    if not isinstance(tally, Gain) or not (tally.n and tally.baseline_n):
        return {}
    share, base = tally.successes / tally.n, tally.baseline_successes / tally.baseline_n
    same = (
        m
        for m in evidence.result.measurements[1:]
        if not m.group and m.n == tally.n and math.isclose(m.value, share)
    )
    measured = next(same, None)
    if measured is None:
        return {}
    shown = _numbers(measured.model_copy(update={"metric": "rate", "baseline": base}))
    return {
        "rate": shown["value"],
        "rate_interval": shown["interval"],
        "rate_baseline": shown["baseline"],
    }


# ---- reasons within a sentence -------------------------------------------------------------------


def tell_reason(reason: str) -> str:
    """Write a reason as it follows a colon, without the numbers at its end that show nothing."""
    return _shorten(_clause(reason))


def _clause(reason: str) -> str:
    """Write a reason as it follows a colon: without a status in front, or a full stop."""
    for status in phrases.STATED:
        reason = reason.removeprefix(f"{status}: ")
    return retell_reason(reason.strip().rstrip("."))


def _shorten(clause: str) -> str:
    """Leave out what a reason adds in parentheses at its end: numbers that show nothing."""
    return clause.partition(" (")[0] if clause.endswith(")") else clause


def _as_sentence(text: str) -> str:
    text = text.strip().rstrip(".")
    return f"{fmt.sentence_case(text)}." if text else ""
