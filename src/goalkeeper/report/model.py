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
from goalkeeper.report.language import _
from goalkeeper.report.leading import Leading, Sources, leading
from goalkeeper.report.parts import AssignmentRow, Context, Fact, Table, TablesPart
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
    harden_command,
    not_run_table,
    pending_table,
    skipped_table,
    source_tables,
)
from goalkeeper.report.untrusted import clean_assessment, clean_context
from goalkeeper.report.words import GLOSSARY, VerdictLabel, goal_name, label_of, part_name

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
    harden: str
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
    hardening: TablesPart | None = None

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
            advice=advice_parts(assessment, context),
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
            label=label_of(assessment.verdict),
            summary=_summary(assessment),
            leading=leading(assessment, sources),
            warnings=sources.warnings,
            fit=sources.fit,
            made=f"{assessment.tool.name} {assessment.tool.version}, {assessment.finished[:10]}",
            caveats=tuple(map(_, app.caveats)),
            identity=_identity(assessment),
            goals=goals,
            others=tuple(f for f in cards if not set(f.goals) & set(assessment.goals)),
            attackers=sources.attackers,
            apart=apart_tables(assessment),
            advice=sources.advice,
            harden=harden_command(assessment, context),
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
            glossary=tuple((_(term), _(meaning)) for term, meaning in GLOSSARY),
            hardening=context.hardening,
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
        goals = [g for g in Goal if g in assessment.goals]
        names = [goal_name(g) for g in goals if assessment.goals[g].verdict is verdict]
        if names:
            word = fmt.sentence_case(label_of(verdict).word)
            sentences.append(f"{word}: {fmt.join_words(tuple(names))}.")
    return " ".join(sentences)


def _warnings(assessment: Assessment) -> tuple[str, ...]:
    failed = [e for e in assessment.evidence if e.status is Status.FAILED_TO_RUN]
    warnings = []
    if assessment.fit is not None and assessment.fit.doubtful:
        warnings.append(describe_doubt(assessment.fit))
    if not assessment.complete:
        warnings.append(
            _(
                "This run is not complete: the time was up before every attack run was made. The "
                "same command continues with the rest."
            )
        )
    if failed:
        names = fmt.join_words(tuple(dict.fromkeys(e.attack for e in failed)))
        warnings.append(
            _("Some attacks failed to run, so they show nothing: {names}.").format(names=names)
        )
    return tuple(warnings)


def _identity(assessment: Assessment) -> tuple[Fact, ...]:
    app = assessment.application
    facts = [
        Fact(_("Input type"), _(app.domain)),
        Fact(_("Classes"), fmt.join_words(app.classes)),
        Fact(
            _("Assessed"),
            _("{low} to {high}").format(low=assessment.started, high=assessment.finished),
        ),
        Fact(_("Tool"), f"{assessment.tool.name} {assessment.tool.version}"),
    ]
    if app.harmless:
        facts.insert(2, Fact(_("Harmless class"), app.harmless))
    return tuple(facts)


def _method(assessment: Assessment) -> tuple[Fact, ...]:
    app, policy = assessment.application, assessment.policy
    facts = [
        Fact(_("Policy"), f"{policy.id} {policy.version}"),
        Fact(_("Policy SHA-256"), policy.sha256),
        Fact(_("Taxonomy SHA-256"), policy.taxonomy_sha256),
        Fact(_("Application fingerprint"), app.fingerprint),
        Fact(_("Seed"), str(assessment.seed)),
        Fact(
            _("Schema of assessment.json"),
            _("version {n}").format(n=assessment.schema_version),
        ),
    ]
    facts += [
        Fact(_("Records in {part}").format(part=part_name(part)), fmt.count(n))
        for part, n in app.parts.items()
    ]
    facts += [
        Fact(_("SHA-256 of {name}").format(name=name), value) for name, value in app.hashes.items()
    ]
    for name, value in app.tolerances.items():
        text = (_("yes") if value else _("no")) if isinstance(value, bool) else fmt.percent(value)
        label = _("Tolerance: {name}").format(name=_(name.replace("_", " ")))
        facts.append(Fact(label, text))
    for aspect, grades in app.secrecy.items():
        words = ", ".join(f"{_(grade)}: {_(v.replace('_', ' '))}" for grade, v in grades.items())
        facts.append(Fact(_("Secrecy: {aspect}").format(aspect=_(aspect)), words))
    return tuple(facts)


def _baseline(assessment: Assessment) -> Table:
    rows = []
    for b in assessment.application.baseline:
        value, interval = fmt.value_and_interval(b.low, b.high, b.value, b.metric)
        rows.append((b.slice, fmt.metric_name(b.metric), value, interval, fmt.count(b.n)))
    head = (_("Slice"), _("Metric"), _("Value"), _("95 % interval"), "n")
    return Table(_("Performance of the application before any attack"), head, tuple(rows))


def _assignment(context: Context) -> Table:
    rows = tuple(
        (r.family, *map(_goals, (r.english, r.german, r.ours))) for r in context.assignment
    )
    head = (
        _("Attack family"),
        _("As published, English"),
        _("As published, German"),
        _("By definition"),
    )
    return Table(_("Which goal each attack family threatens"), head, rows)


def _goals(listed: str) -> str:
    """Translate the names of goals, which commas separate."""
    return ", ".join(map(_, listed.split(", ")))
