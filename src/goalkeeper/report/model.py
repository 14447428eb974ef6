"""The report: sections of plain data, built once and rendered in several formats."""

from __future__ import annotations

from dataclasses import dataclass, replace

from goalkeeper.core.assessment import Assessment, GoalRating, Verdict
from goalkeeper.core.evidence import Status
from goalkeeper.core.goals import Goal
from goalkeeper.report import format as fmt
from goalkeeper.report.apart import apart_tables
from goalkeeper.report.coverage import Coverage
from goalkeeper.report.covering import cover
from goalkeeper.report.finding import Finding, findings
from goalkeeper.report.fitness import describe_doubt, describe_fit, fit_table
from goalkeeper.report.gaps import open_lines
from goalkeeper.report.goalpart import GoalPart, goal_part
from goalkeeper.report.leading import Leading, Sources, leading
from goalkeeper.report.parts import AssignmentRow, Context, Fact, Table
from goalkeeper.report.planned import (
    count_planned,
    count_rest,
    left_out_table,
    planned_runs,
)
from goalkeeper.report.sections import (
    AdvicePart,
    AttackerPart,
    Failure,
    advice_parts,
    attacker_parts,
    failures,
    not_run_table,
    pending_table,
    skipped_table,
    source_tables,
)
from goalkeeper.report.untrusted import clean_assessment, clean_context
from goalkeeper.report.words import GLOSSARY, VERDICT_LABELS, VerdictLabel

__all__ = ["AssignmentRow", "Context", "Report"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The content of a report, in reading order."""

    title: str
    description: str
    verdict: Verdict
    label: VerdictLabel
    leading: Leading
    summary: str
    warnings: tuple[str, ...]
    fit: str
    made: str
    caveats: tuple[str, ...]
    identity: tuple[Fact, ...]
    goals: tuple[GoalPart, ...]
    others: tuple[Finding, ...]
    attackers: tuple[AttackerPart, ...]
    apart: tuple[Table, ...]
    advice: tuple[AdvicePart, ...]
    pending: Table
    skipped: Table
    counts: str
    left_out: Table
    not_run: Table
    open: tuple[str, ...]
    people: str
    failures: tuple[Failure, ...]
    sources: tuple[Table, ...]
    coverage: tuple[Coverage, ...]
    baseline: Table
    fit_table: Table
    method: tuple[Fact, ...]
    environment: tuple[Fact, ...]
    assignment: Table
    note: str
    glossary: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, assessment: Assessment, *, context: Context) -> Report:
        """Build the report of an assessment."""
        context = clean_context(context)
        assessment, people = clean_assessment(assessment, context)
        app, fit = assessment.application, assessment.fit
        cards, runs = findings(assessment, context), planned_runs(assessment)
        goals = tuple(
            replace(part, rest=count_rest(runs, part.goal))
            for part in (goal_part(g, assessment, cards) for g in Goal if g in assessment.goals)
        )
        sources = Sources(
            goals=goals,
            findings=cards,
            advice=advice_parts(assessment),
            attackers=attacker_parts(assessment),
            failures=failures(assessment),
            open=open_lines(g for r in _unsettled(assessment) for g in r.not_tested),
            fit="" if fit is None else describe_fit(fit),
            warnings=_warnings(assessment),
            counts=count_planned(runs),
        )
        return cls(
            title=app.name,
            description=app.description,
            verdict=assessment.verdict,
            label=VERDICT_LABELS[assessment.verdict],
            summary=_summary(assessment),
            leading=leading(assessment, sources),
            warnings=sources.warnings,
            fit=sources.fit,
            made=f"{assessment.tool.name} {assessment.tool.version}, {assessment.finished[:10]}",
            caveats=app.caveats,
            identity=_identity(assessment),
            goals=goals,
            others=tuple(f for f in cards if not set(f.goals) & set(assessment.goals)),
            attackers=sources.attackers,
            apart=apart_tables(assessment),
            advice=sources.advice,
            pending=pending_table(assessment),
            skipped=skipped_table(assessment),
            counts=sources.counts,
            left_out=left_out_table(assessment, runs),
            not_run=not_run_table(assessment),
            open=sources.open,
            people=people,
            failures=sources.failures,
            sources=source_tables(assessment, context),
            coverage=cover(assessment, context.frameworks),
            baseline=_baseline(assessment),
            fit_table=Table("", (), ()) if fit is None else fit_table(fit),
            method=_method(assessment),
            environment=tuple(Fact(k, v) for k, v in assessment.environment.items()),
            assignment=_assignment(context),
            note=context.note,
            glossary=GLOSSARY,
        )

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in reading order."""
        return (*(f for part in self.goals for f in part.findings), *self.others)


# ---- the application as a whole ------------------------------------------------------------------


def _unsettled(assessment: Assessment) -> list[GoalRating]:
    """Return the ratings that more tests could change: a goal shown not to be met stays so."""
    return [r for r in assessment.goals.values() if r.verdict is not Verdict.NOT_MET]


def _summary(assessment: Assessment) -> str:
    sentences = []
    for verdict in (Verdict.NOT_MET, Verdict.INCONCLUSIVE, Verdict.MET, Verdict.NOT_ASSESSED):
        names = [str(g) for g in Goal if g in assessment.goals]
        names = [n for n in names if assessment.goals[Goal(n)].verdict is verdict]
        if names:
            sentences.append(
                f"{VERDICT_LABELS[verdict].word.capitalize()}: {fmt.join_words(tuple(names))}."
            )
    return " ".join(sentences)


def _warnings(assessment: Assessment) -> tuple[str, ...]:
    failed = [e for e in assessment.evidence if e.status is Status.FAILED_TO_RUN]
    warnings = []
    if assessment.fit is not None and assessment.fit.doubtful:
        warnings.append(describe_doubt(assessment.fit))
    if not assessment.complete:
        warnings.append(
            "This run is not complete: the time was up before every attack run was made. The same "
            "command continues with the rest."
        )
    if failed:
        names = fmt.join_words(tuple(dict.fromkeys(e.attack for e in failed)))
        warnings.append(f"Some attacks failed to run, so they show nothing: {names}.")
    return tuple(warnings)


def _identity(assessment: Assessment) -> tuple[Fact, ...]:
    app = assessment.application
    facts = [
        Fact("Input type", app.domain),
        Fact("Classes", fmt.join_words(app.classes)),
        Fact("Assessed", f"{assessment.started} to {assessment.finished}"),
        Fact("Tool", f"{assessment.tool.name} {assessment.tool.version}"),
    ]
    if app.harmless:
        facts.insert(2, Fact("Harmless class", app.harmless))
    return tuple(facts)


def _method(assessment: Assessment) -> tuple[Fact, ...]:
    app, policy = assessment.application, assessment.policy
    facts = [
        Fact("Policy", f"{policy.id} {policy.version}"),
        Fact("Policy SHA-256", policy.sha256),
        Fact("Taxonomy SHA-256", policy.taxonomy_sha256),
        Fact("Application fingerprint", app.fingerprint),
        Fact("Seed", str(assessment.seed)),
        Fact("Schema of assessment.json", f"version {assessment.schema_version}"),
    ]
    facts += [Fact(f"Records in {part}", fmt.count(n)) for part, n in app.parts.items()]
    facts += [Fact(f"SHA-256 of {name}", value) for name, value in app.hashes.items()]
    for name, value in app.tolerances.items():
        text = ("yes" if value else "no") if isinstance(value, bool) else fmt.percent(value)
        facts.append(Fact(f"Tolerance: {name.replace('_', ' ')}", text))
    for aspect, grades in app.secrecy.items():
        words = ", ".join(f"{grade}: {v.replace('_', ' ')}" for grade, v in grades.items())
        facts.append(Fact(f"Secrecy of the {aspect}", words))
    return tuple(facts)


def _baseline(assessment: Assessment) -> Table:
    rows = []
    for b in assessment.application.baseline:
        value, interval = fmt.value_and_interval(b.low, b.high, b.value, b.metric)
        rows.append((b.slice, fmt.metric_name(b.metric), value, interval, f"{b.n:,}"))
    head = ("Slice", "Metric", "Value", "95 % interval", "n")
    return Table("Performance of the application before any attack", head, tuple(rows))


def _assignment(context: Context) -> Table:
    rows = tuple((r.family, r.english, r.german, r.ours) for r in context.assignment)
    head = ("Attack family", "As published, English", "As published, German", "By definition")
    return Table("Which goal each attack family threatens", head, rows)
