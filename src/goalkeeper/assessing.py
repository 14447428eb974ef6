"""Assess: run what was planned, rate what was found, and put the assessment together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from goalkeeper.advise import advise
from goalkeeper.attack_run import execute
from goalkeeper.compute.folder import RunFolder
from goalkeeper.compute.store import Store
from goalkeeper.core.application import Application
from goalkeeper.core.assessment import (
    ApplicationRow,
    Assessment,
    AttackerRow,
    Baseline,
    Tool,
)
from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.deadline import NEVER
from goalkeeper.core.errors import DataError, StoreError
from goalkeeper.core.evidence import AttackResult, Evidence, Status
from goalkeeper.core.fit import FitReport
from goalkeeper.core.goals import Goal
from goalkeeper.core.need import ProtectionNeed
from goalkeeper.core.power import Attacker, View
from goalkeeper.environment import environment, tool_version
from goalkeeper.fit import contradiction_of, measure_fit
from goalkeeper.planning import Choice, Plan, PlanEntry, describe_power, make_plan
from goalkeeper.planning.evidence import build_evidence, build_row, identify
from goalkeeper.policy import Policy, default_policy
from goalkeeper.rate import join_evidence, next_steps, rate
from goalkeeper.scheduling import Agenda, RunStatus, Stakes, narrow, nominal_times
from goalkeeper.stats.intervals import clopper_pearson
from goalkeeper.targets.checks import preflight

COVERED = "the same attack by an attacker with more power was withstood"
OUT_OF_TIME = "the run was stopped before this attack run; the same command continues with it"


@dataclass(frozen=True, eq=False, kw_only=True)
class Session:
    """One run of an application: what to run, under which rules, and where results are kept.

    `description` is the absolute path of the application file, `file` as the user named it; both
    are empty for an application made in Python. `fit` is None before it was measured: workers, who
    get the plan only, have no use for it.
    """

    app: Application
    policy: Policy
    plan: Plan
    agenda: Agenda
    seed: int = 0
    description: Path | None = None
    file: str = ""
    folder: RunFolder | None = None
    store: Store | None = None
    fit: FitReport | None = None


def prepare(
    app: Application,
    *,
    policy: Policy | None = None,
    seed: int = 0,
    choice: Choice | None = None,
    description: Path | None = None,
) -> Session:
    """Check the target on a few inputs, and plan.

    Raises
    ------
    TargetError
        The model raises, or its answers are not answers.
    """
    policy = policy or default_policy()
    app = with_notes(app)
    plan, agenda = _schedule(app, policy, seed, choice or Choice())
    return Session(
        app=app, policy=policy, plan=plan, agenda=agenda, seed=seed, description=description
    )


def plan_runs(
    app: Application,
    policy: Policy | None = None,
    *,
    seed: int = 0,
    choice: Choice | None = None,
) -> Plan:
    """Match every attack against every attacker, and keep what can decide a verdict.

    Raises
    ------
    DescriptionError
        The choice names an attack, an attacker or a setting that does not exist.
    """
    return _schedule(app, policy or default_policy(), seed, choice or Choice())[0]


def _schedule(app: Application, policy: Policy, seed: int, choice: Choice) -> tuple[Plan, Agenda]:
    needs = {goal: need.level for goal, need in _chosen_needs(app, choice).items()}
    stakes = Stakes(needs=needs, policy=policy, secrecy=_secrecy(app, policy))
    plan = narrow(make_plan(app, policy, seed=seed, choice=choice), stakes)
    return plan, Agenda(plan, stakes, nominal_times(app), seed=seed)


def _chosen_needs(app: Application, choice: Choice) -> dict[Goal, ProtectionNeed]:
    goals = choice.goals or tuple(Goal)
    return {goal: need for goal, need in app.needs.items() if goal in goals}


def _secrecy(app: Application, policy: Policy) -> Mapping[str, Mapping[str, str]]:
    return app.secrecy or policy.rating.default_secrecy


def with_notes(app: Application) -> Application:
    """Check the target on a few inputs, and note what is odd about its answers.

    Raises
    ------
    TargetError
        The model raises, or its answers are not answers.
    """
    caveats = (*app.caveats, *preflight(app.target, app.data.holdout.x))
    return replace(app, caveats=tuple(dict.fromkeys(caveats)))


def with_fit(session: Session) -> Session:
    """Measure how well the model fits its data, as goalkeeper sees both.

    Raises
    ------
    DescriptionError
        The model contradicts its data, or what the user expects of it.
    """
    fit = measure_fit(session.app)
    error = contradiction_of(fit, where=session.file)
    if error is not None:
        raise error
    return replace(session, fit=fit)


def resized(session: Session, effort: float) -> Session:
    """Plan the same session again, with sample sizes multiplied by `effort`."""
    choice = replace(session.plan.choice, effort=effort)
    plan, agenda = _schedule(session.app, session.policy, session.seed, choice)
    return replace(session, plan=plan, agenda=agenda)


def assess(
    app: Application,
    *,
    seed: int = 0,
    only: tuple[Goal | str, ...] = (),
    attackers: tuple[str, ...] = (),
    attacks: tuple[str, ...] = (),
    policy: Policy | None = None,
) -> Assessment:
    """Assess an application in this process and return the assessment.

    Parameters
    ----------
    app
        The application; `goalkeeper.load(path)` reads one from its description.
    seed
        Same seed, same evidence (but for measured times).
    only, attackers, attacks
        Goals, attackers and attacks to keep to; empty for all. Attacks that are named run to their
        end, whether or not a verdict can still depend on them.
    policy
        Taxonomy and rating policy; the shipped ones if left out.
    """
    choice = Choice(goals=tuple(Goal(g) for g in only), attackers=attackers, attacks=attacks)
    session = with_fit(prepare(app, policy=policy, seed=seed, choice=choice))
    started = now()
    results: dict[str, AttackResult] = {}
    while pending := session.agenda.follow(results).pending:
        results[pending[0].id] = execute(session.app, pending[0].run)
    return conclude(session, results, started=started)


def run_attack(
    attack: str, app: Application, attacker: str, *, seed: int = 0
) -> tuple[Evidence, ...]:
    """Run one attack as one attacker and return the evidence, one piece for each task.

    Parameters
    ----------
    attack, attacker
        Their names, as `goalkeeper list attacks` and the application give them.

    Raises
    ------
    DescriptionError
        There is no such attack or attacker.
    """
    found = assess(app, seed=seed, attackers=(attacker,), attacks=(attack,))
    return tuple(e for e in found.evidence if e.attack == attack)


# ---- what executors call ----------------------------------------------------------------------


def load_session(description: str, seed: int, choice: Choice, compute: ComputeSettings) -> Session:
    """Load an application file, check its target, and plan; what a worker does once."""
    from goalkeeper.describe import load, load_policy

    path = Path(description)
    policy = load_policy(path)
    app = load(path, policy=policy, compute=compute)
    return prepare(app, policy=policy, seed=seed, choice=choice, description=path.resolve())


def run_unit(session: Session, unit: str, deadline: float = NEVER, expected: float = 0.0) -> str:
    """Run one unit of a plan, and return its result as JSON; `attack_run.execute` says of times.

    Raises
    ------
    StoreError
        The plan has no such unit: the application was changed after the run was planned.
    """
    for planned in session.plan.looks:
        if planned.id == unit:
            result = execute(session.app, planned.run, deadline=deadline, expected=expected)
            return result.model_dump_json()
    raise StoreError(
        f"{session.description} or a file it names was changed during the run; "
        "run the same command again"
    )


# ---- putting it together ---------------------------------------------------------------------


def conclude(session: Session, results: Mapping[str, AttackResult], *, started: str) -> Assessment:
    """Rate what was found, and what was not, and put the assessment together."""
    app, plan, policy = session.app, session.plan, session.policy
    needs = _chosen_needs(app, plan.choice)
    status = session.agenda.follow(results)
    found = [e for entry in plan.entries if (e := _evidence(session, entry, status))]
    evidence = join_evidence(found)
    secrecy = _secrecy(app, policy)
    rated, ratings, verdict = rate(evidence, needs, policy, secrecy, plan.hypotheses(), session.fit)
    known = {e.id for e in rated}
    attackers = tuple(_attacker(a) for a in plan.attackers)
    remedies = lambda variant: policy.remedies(variant, app.domain.kind)  # noqa: E731
    application = _application(app, secrecy)
    rows = tuple(build_row(entry, known) for entry in plan.entries)
    return Assessment(
        schema=2,
        tool=Tool(version=tool_version()),
        application=application,
        policy=policy.row(),
        seed=session.seed,
        effort=plan.choice.effort,
        started=started,
        finished=now(),
        environment=environment(),
        verdict=verdict,
        goals=ratings,
        attackers=attackers,
        plan=rows,
        evidence=rated,
        advice=advise(rated, ratings, attackers, remedies),
        next_steps=next_steps(rated, ratings, rows, application.parts, (policy, secrecy)),
        complete=not status.pending and not any(r.limited for r in status.counted.values()),
        fit=session.fit,
        sentences=policy.sentences(app.domain.kind, {e.variant for e in rated if e.headline}),
    )


def _evidence(session: Session, entry: PlanEntry, status: RunStatus) -> Evidence | None:
    """Turn an entry into evidence; None for what is out of its attacker's reach."""
    if entry.unit is None and entry.status is None:
        return None
    looks = [look for look in (entry.unit, entry.interim) if look and look.id in status.counted]
    if looks:
        result = status.counted[looks[0].id]
        return build_evidence(entry, result, seed=session.seed, look=looks[0])
    if entry.unit is None:
        result = AttackResult(
            status=entry.status or Status.NOT_TESTED,
            reason="; ".join(entry.reasons),
            measurements=entry.measured,
        )
        return build_evidence(entry, result, seed=session.seed)
    covering = status.covered.get(entry.unit.id, "")
    if covering:
        result = AttackResult(status=Status.COVERED, reason=COVERED)
        by = next(e for e in session.plan.entries if e.unit and e.unit.id == covering)
        return build_evidence(entry, result, seed=session.seed, covered_by=identify(by))
    if {entry.unit.id, entry.interim.id if entry.interim else ""} & set(status.pending_ids):
        result = AttackResult(status=Status.NOT_TESTED, reason=OUT_OF_TIME, limited=True)
        return build_evidence(entry, result, seed=session.seed, look=entry.unit)
    result = AttackResult(status=Status.NOT_NEEDED, reason=_explain_settled(session, entry, status))
    return build_evidence(entry, result, seed=session.seed)


def _explain_settled(session: Session, entry: PlanEntry, status: RunStatus) -> str:
    """Say by which attack the goals were decided that this run would have counted for."""
    names = {identify(e): f"{e.attack} by {e.attacker.name}" for e in session.plan.entries}
    goals = [goal for goal in entry.goals if goal in status.decided]
    shown = " and ".join(f"{goal} (by {names[status.decided[goal]]})" for goal in goals)
    return f"already shown not to be met: {shown}; --exhaustive runs it"


def _attacker(attacker: Attacker) -> AttackerRow:
    power = describe_power(attacker.power)
    return AttackerRow(
        name=attacker.name,
        label=attacker.label,
        box=attacker.box,
        knowledge=power["knowledge"],
        capabilities=tuple(power["capabilities"]),
        view=power["view"],
        window=attacker.window,
        writes=attacker.writes,
        **power["budget"],
    )


def _application(app: Application, secrecy: Mapping[str, Mapping[str, str]]) -> ApplicationRow:
    return ApplicationRow(
        name=app.name,
        description=app.description,
        domain=app.domain.kind,
        classes=app.classes,
        harmless=None if app.harmless is None else app.classes[app.harmless],
        parts=app.data.sizes(),
        fingerprint=app.fingerprint,
        hashes=dict(app.hashes),
        contents=app.contents,
        secrecy={aspect: dict(classes) for aspect, classes in secrecy.items()},
        tolerances={
            "benign_rejection": app.tolerances.benign_rejection,
            "accuracy_drop": app.tolerances.accuracy_drop,
            "declared": app.tolerances.declared,
        },
        caveats=app.caveats,
        baseline=app.once(baseline),
    )


def baseline(app: Application) -> tuple[Baseline, ...]:
    """Measure how well the application works before any attack, on each slice of the holdout.

    Slices are: everything, every class, and every value of person and subgroup columns.
    """
    data = app.data.holdout
    right = app.target.answer(data.x, View.LABELS).labels == data.y
    slices = {"all": np.ones(len(data), dtype=bool)}
    slices |= {f"class {name}": data.y == i for i, name in enumerate(app.classes)}
    for column in [*app.subgroups, *([app.person] if app.person else [])]:
        values = data.columns[column]
        slices |= {f"{column} {v}": values == v for v in sorted(set(values.tolist()), key=str)}
    rows = []
    for name, rows_in in slices.items():
        n, k = int(rows_in.sum()), int(right[rows_in].sum())
        if n:
            low, high = clopper_pearson(k, n)
            rows.append(
                Baseline(slice=name, metric="accuracy", value=k / n, low=low, high=high, n=n)
            )
    if not rows:
        raise DataError("the holdout part is empty; give more data")
    return tuple(rows)


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
