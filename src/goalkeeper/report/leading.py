"""The first two pages: what a reader must know, shortened so that it fits any application."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from goalkeeper.core.assessment import Assessment, Verdict
from goalkeeper.report import format as fmt
from goalkeeper.report import phrases
from goalkeeper.report.finding import Finding
from goalkeeper.report.goalpart import GoalPart
from goalkeeper.report.language import N_, _
from goalkeeper.report.parts import Fact, Link, Table
from goalkeeper.report.sections import AdvicePart, AttackerPart, Failure
from goalkeeper.report.stored import retell_reason, retell_threat
from goalkeeper.report.words import part_name

# Characters, and entries of a list. Together they fill less than two pages of A4 even where every
# text has its full length; tests/report/test_browser.py prints such a page.
TITLE = 80
LINE = 110
OPEN = 220  # what is untested, and why
SENTENCE = 450
FIX = 196
NAME = 32
SHORT_NAME = 26
MOST_WORD = 64  # a SHA-256 is one word
MOST_FILES = 3
MOST_CLASSES = 6
MOST_THREATS = 3
MOST_ATTACKERS = 6
MOST_OPEN = 3
MOST_WARNINGS = 2

MORE = N_("and {count} more, see the whole report")
NO_ADVICE = N_("No defence is recommended yet for what decides this verdict.")
NOTHING_OPEN = N_("Nothing that was left untested could change a verdict above.")
OPEN_MEANS = N_(
    "Untested is neither good nor bad: until it is tested, the exposure may be anything up to the "
    "highest level, and a goal that depends on it stays inconclusive."
)
CHECK = N_(
    "Whether this report follows from its evidence can be checked by anybody who has the run "
    "folder: goalkeeper verify RUN."
)
NUMBERS = N_(
    "Brackets hold the 95 % interval and n, the inputs or records measured; points say what an "
    "attack costs, from 0 (almost nothing) to 25 (hardly affordable)."
)
NORMS = N_("Linf is the largest change of a single value, L2 the length of all changes together.")
SIGNED_BY = (N_("Reviewed by"), N_("Role"), N_("Date"), N_("Signature"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """One goal on the first page: its verdict, why, and what would change it."""

    part: GoalPart
    sentence: str
    finding: Link | None
    to_do: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leading:
    """The content of the first two pages; no text and no list is longer than its limit."""

    title: str
    description: str
    facts: tuple[Fact, ...]
    fit: str
    warnings: tuple[str, ...]
    goals: tuple[Verdicts, ...]
    counts: str
    threats: tuple[str, ...]
    attackers: Table
    more_attackers: str
    open: tuple[str, ...]
    means: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The sections of the report from which the first two pages are taken."""

    goals: tuple[GoalPart, ...]
    findings: tuple[Finding, ...]
    advice: tuple[AdvicePart, ...]
    attackers: tuple[AttackerPart, ...]
    failures: tuple[Failure, ...]
    open: tuple[str, ...]
    fit: str
    warnings: tuple[str, ...]
    counts: str


def leading(assessment: Assessment, sources: Sources) -> Leading:
    """Choose and shorten what belongs on the first two pages."""
    app = assessment.application
    attackers = sources.attackers[:MOST_ATTACKERS]
    rest = len(sources.attackers) - len(attackers)
    return Leading(
        title=shorten(app.name, TITLE),
        description=shorten(app.description, 2 * LINE),
        facts=_facts(assessment),
        fit=shorten(sources.fit, SENTENCE),
        warnings=_shorten_all(sources.warnings, MOST_WARNINGS, SENTENCE),
        goals=tuple(_verdict(goal, sources.advice) for goal in sources.goals),
        counts=sources.counts,
        threats=_threats(sources.findings),
        attackers=Table(
            _("Attackers"), tuple(map(_, ATTACKER_HEAD)), tuple(map(_attacker, attackers))
        ),
        more_attackers=_count_more(rest) if rest > 0 else "",
        open=_shorten_all((*_failed(sources.failures), *sources.open), MOST_OPEN, OPEN),
        means=_(OPEN_MEANS if sources.open or sources.failures else NOTHING_OPEN),
    )


# ---- parts ---------------------------------------------------------------------------------------

ATTACKER_HEAD = (N_("Attacker"), N_("Knows"), N_("Sees"), N_("May spend"))


def _attacker(attacker: AttackerPart) -> tuple[str, ...]:
    cells = (attacker.knows, attacker.sees, attacker.spends)
    return (shorten(attacker.name, SHORT_NAME), *(shorten(cell, LINE) for cell in cells))


def _facts(assessment: Assessment) -> tuple[Fact, ...]:
    app, policy = assessment.application, assessment.policy
    files = [f"{shorten(name, NAME)} ({digest[:12]})" for name, digest in app.hashes.items()]
    classes = [shorten(name, NAME // 2) for name in app.classes]
    records = [
        f"{fmt.count(n)} {shorten(part_name(part), NAME // 2)}" for part, n in app.parts.items()
    ]
    kind, named = shorten(app.domain, NAME), _few(classes, MOST_CLASSES)
    tool = assessment.tool
    facts = (
        Fact(
            _("Model"),
            _("{kind} in, one of {n} classes out: {names}").format(
                kind=_(kind), n=fmt.count(len(classes)), names=named
            ),
        ),
        Fact(_("Fingerprint"), shorten(app.fingerprint, 2 * NAME)),
        Fact(_("Files, SHA-256"), _few(files, MOST_FILES)),
        Fact(_("Data, records"), _few(records, MOST_CLASSES)),
        Fact(_("Assessed"), f"{assessment.finished[:10]}, {tool.name} {tool.version}"),
        Fact(_("Policy"), f"{shorten(policy.id, NAME)} {shorten(policy.version, NAME)}"),
        Fact(_("Policy SHA-256"), shorten(policy.sha256, 2 * NAME)),
    )
    return tuple(fact for fact in facts if fact.value)


def _verdict(goal: GoalPart, advice: Sequence[AdvicePart]) -> Verdicts:
    decider = goal.decider if goal.verdict is not Verdict.NOT_ASSESSED else None
    return Verdicts(
        part=goal,
        sentence=shorten(goal.sentence, SENTENCE),
        finding=Link(decider.anchor, shorten(decider.title, LINE // 2)) if decider else None,
        to_do=label_first_step(goal),
        fix=shorten(first_step(goal, advice), FIX),
    )


def label_first_step(goal: GoalPart) -> str:
    """Say what the first step is for: to become better, or to be decided."""
    return _(phrases.TO_SETTLE if goal.verdict is Verdict.INCONCLUSIVE else phrases.TO_DO)


def first_step(goal: GoalPart, advice: Sequence[AdvicePart]) -> str:
    """Return what to do first about the finding that decides; empty where nothing needs doing."""
    if goal.verdict is not Verdict.NOT_MET:
        return goal.settling
    decider = goal.decider
    offered = [*(decider.advice if decider else ()), *goal.advice]
    linked = [link for link in offered if link in goal.advice] or offered
    by_anchor = {item.anchor: item for item in advice}
    first = next((by_anchor[link.anchor] for link in linked if link.anchor in by_anchor), None)
    return f"{fmt.sentence_case(first.defence)}: {first.reason}." if first else _(NO_ADVICE)


def _threats(findings: Iterable[Finding]) -> tuple[str, ...]:
    """List how far inputs could be changed, each limit once, with the attacks that used it."""
    used: dict[str, dict[str, None]] = {}
    for finding in findings:
        if finding.threat:
            used.setdefault(finding.threat, {})[finding.attack] = None
    lines = [f"{retell_threat(threat)}: {_few(tuple(names), 3)}" for threat, names in used.items()]
    return _shorten_all(lines, MOST_THREATS, LINE)


def _failed(failures: Iterable[Failure]) -> list[str]:
    return [describe_failure(f) for f in failures]


def describe_failure(failure: Failure) -> str:
    """Say in a line which attack failed to run, and why."""
    return _("{run} by {attacker} failed to run: {reason}").format(
        run=failure.title, attacker=failure.attacker, reason=retell_reason(failure.reason)
    )


# ---- shortening ----------------------------------------------------------------------------------


def shorten(text: str, most: int) -> str:
    """Shorten a text to at most `most` characters, at a space where there is one, and mark it.

    A word that would fill more than half a line of the page is shortened by itself.
    """
    words = (w if len(w) <= MOST_WORD else f"{w[: MOST_WORD - 3]}..." for w in text.split())
    line = " ".join(words)
    if len(line) <= most:
        return line
    cut = line[: most - 4]
    head, space, _ = cut.rpartition(" ")
    return f"{head if space and len(head) >= most // 2 else cut} ..."


def _shorten_all(lines: Iterable[str], most: int, length: int) -> tuple[str, ...]:
    """Keep the first few lines, each shortened, and count the rest."""
    all_lines = tuple(lines)
    rest = len(all_lines) - most
    kept = tuple(shorten(line, length) for line in all_lines[:most])
    return (*kept, _count_more(rest)) if rest > 0 else kept


def _few(names: Sequence[str], most: int) -> str:
    """Join the first few names by commas, and count the rest."""
    rest = len(names) - most
    listed = ", ".join(names[:most])
    return f"{listed}, {_count_more(rest)}" if rest > 0 else listed


def _count_more(number: int) -> str:
    return _(MORE).format(count=fmt.count(number))


def explain_numbers(goals: Iterable[GoalPart]) -> str:
    """Explain what stands in the sentences on goals to somebody who meets it for the first time."""
    said = " ".join(goal.sentence for goal in goals)
    norms = [_(NORMS)] if "Linf " in said or "L2 " in said else []
    return " ".join([_(NUMBERS), *norms])
