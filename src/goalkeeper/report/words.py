"""The wording of a report: verdicts, needs, levels and statuses as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from goalkeeper.core.assessment import Verdict
from goalkeeper.core.evidence import Evidence, Status
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import MEANING
from goalkeeper.report import format as fmt
from goalkeeper.report.language import _


@dataclass(frozen=True, slots=True)
class VerdictLabel:
    """A verdict as it is shown: a word, a symbol that works without colour, and its meaning."""

    word: str
    symbol: str
    ascii_symbol: str
    meaning: str


VERDICT_LABELS = {
    Verdict.MET: VerdictLabel(
        "met",
        "✓",
        "+",
        "The application withstood the tested portfolio at the required attack potential. "
        "That is not a proof that no attack exists.",
    ),
    Verdict.NOT_MET: VerdictLabel(
        "not met",
        "✕",
        "x",
        "An attack that the application must withstand was shown to succeed.",
    ),
    Verdict.INCONCLUSIVE: VerdictLabel(
        "inconclusive",
        "?",
        "?",
        "No attack was shown to reach the critical level, but one cannot be excluded: "
        "something was not tested, or the sample is too small.",
    ),
    Verdict.NOT_ASSESSED: VerdictLabel(
        "not assessed",
        "–",  # noqa: RUF001 - the dash is the symbol
        "-",
        "Not rated: no protection need was declared, or no attack was planned for this goal.",
    ),
}

GOALS = {
    Goal.INTEGRITY: "integrity",
    Goal.AVAILABILITY: "availability",
    Goal.CONFIDENTIALITY: "confidentiality",
    Goal.PRIVACY: "privacy",
}


# What the capabilities mean, as in core.power, of which these are the words.
MEANINGS = MEANING


PARTS = {
    "train": "train",
    "holdout": "holdout",
    "calibration": "calibration",
    "similar": "similar",
}

QUESTIONS = {
    Goal.INTEGRITY: "Does it answer correctly, even under manipulation?",
    Goal.AVAILABILITY: "Does it keep working, and let harmless inputs pass?",
    Goal.CONFIDENTIALITY: "Do its internals stay hidden?",
    Goal.PRIVACY: "Does it keep private what it learned about people?",
}

NEEDS = ("none declared", "normal", "high", "very high")
EXPOSURE = "{words} (level {levels} of 4)"
FROM_TO = "{low} to {high}"
LEVELS = ("none", "marginal", "noticeable", "substantial", "severe")
RISKS = (
    "",
    "can be accepted",
    "can be accepted",
    "must be justified by the owner",
    "must be treated",
    "must be treated",
)

ON_TASK = "{attack} on {task}"

NOT_LISTED = "not listed"
INTEGRITY_PARTS = (
    "data level",
    "model level",
    "output level",
    "reliability",
    "controllability",
)

STATUSES = {
    Status.TESTED: "tested",
    Status.NOT_APPLICABLE: "not applicable",
    Status.EXCLUDED: "excluded by choice",
    Status.NOT_TESTED: "not tested",
    Status.FAILED_TO_RUN: "failed to run",
    Status.CONTROL_FAILED: "control failed",
    Status.COVERED: "covered by a stronger attacker",
    Status.NOT_NEEDED: "not needed",
}

CONTROL_FAILED = (
    "the attack did not succeed even against a deliberately weakened version of this "
    "application, so its low success rate proves nothing"
)

TRY_DEFENCES = "To try the defences that goalkeeper can apply, and to keep what helps:"
SCOPE = (
    "These verdicts apply only to the application named above, the attackers described below and "
    "the attacks that were run. A goal that is met withstood the tested portfolio; it is not "
    "proven secure. No conformity with a law or standard is claimed."
)

NOT_NEEDED = "Not needed: no verdict depends on it"
NOT_NEEDED_INTRO = (
    "These attack runs were left out because no verdict could change by them: the goals that they "
    "count for were already shown not to be met, the attack costs its attacker more than must be "
    "withstood, it counts for no verdict, or the same attack was withstood with more power. They "
    "are neither good nor bad news. goalkeeper run with --exhaustive makes all of them."
)

APART = "What does not count for a verdict"
APART_INTRO = (
    "These attack runs decide no verdict, in either direction: what they rest on was not declared, "
    "or their success follows from what the attacker was granted, or harms nobody else. They are "
    "no tests of a goal, and show what limits an attacker."
)

PEOPLE_NUMBERED = (
    "People are shown as numbers ({person} 1, {person} 2, ...), the same throughout this report; "
    "assessment.json holds their names."
)
PEOPLE_NAMED = (
    "This report names people and may show training data: share it only with those who may see it."
)

READING = (
    "The filled dot is the demonstrated exposure. The open dot is the exposure that testing could "
    "not exclude. The line in each row marks the critical level of that goal: an attack that "
    "reaches it counts as a success, and the verdict then depends on what that attack costs. Left "
    "of the line is good; a bracket across the line can be narrowed by more testing."
)

FINDINGS_INTRO = (
    "For each goal, integrity level or aspect, and attacker, the worst attack run is shown in "
    "full, each attack on a task at most once; every other attack run that was made is a table "
    "row. An attack run succeeds if it was shown to reach the critical level with less attack "
    "potential than must be withstood. It is inconclusive if that could not be excluded, too "
    "costly if it reaches the critical level only with more attack potential, and withstood "
    "otherwise. To see a row in full, run its attack alone (goalkeeper run with --attack and "
    "--attacker). All details are in assessment.json, under the identifiers given here."
)

COVERAGE = "Coverage of public frameworks"
OUTSIDE = "Outside goalkeeper's scope"
COVERAGE_INTRO = (
    "Each criterion of a framework, with the attack runs that belong to it, or the reason why "
    "there is no result. A piece of evidence is an attack on a task by an attacker, and may belong "
    "to several criteria. A criterion is withstood only if every attack run that belongs to it and "
    "counts for a verdict was made and withstood; what was not needed for a verdict was not "
    "tested. Which attacks belong to a criterion is partly the framework's own statement and "
    "partly ours. goalkeeper coverage writes this table in full, also as CSV and JSON. None of it "
    "is a statement of conformity."
)

METHOD = (
    "Every attack was measured by a security game: the game dealt a question and kept the correct "
    "answer secret, the attack accessed the application only through a metered interface with what "
    "its attacker was granted, and the game marked the answer. No attack graded itself.",
    "Intervals are two-sided at 95 %. Exposure is a bracket: its lower end comes from the lower "
    "confidence bound of what was achieved, its upper end from the upper bound; for what was not "
    "tested, the upper end is the highest level.",
    "A goal is not met if an attack below the required attack potential was shown to reach the "
    "critical level. It is met if every attack that cannot be excluded costs at least that much. "
    "Otherwise it is inconclusive. The worst goal decides the overall verdict.",
    "Unless everything was asked for (--exhaustive), attack runs that no verdict could depend on "
    "any more were left out, and a run ended early where a part of its sample settled it; the "
    "error probability is shared out over both looks. A goal that is not met then names the "
    "cheapest attack that was run and succeeded; there may be cheaper ones.",
    "Run times, and the part of attack potential that is computed from them, are measured and "
    "differ from run to run. Everything else is the same for the same seed.",
)

GLOSSARY = (
    ("attack", "A technique that answers the question of one game."),
    (
        "attack potential",
        "What an attack costs: elapsed time, expertise, secret knowledge, window of opportunity "
        "and equipment, in points (ISO/SAE 21434, Annex G). More points mean a costlier attack.",
    ),
    ("attacker", "A named set of knowledge, capabilities, view and budget."),
    ("availability", "The application performs its function; harmless inputs are not declined."),
    ("baseline", "What the same metric gives without the attack. Only the excess counts."),
    (
        "box",
        "Black: data, algorithm and model are unknown. White: all are known. Grey: in between.",
    ),
    ("bracket", "The range from what was demonstrated to what cannot be excluded."),
    ("budget", "What an attacker may spend: queries, time, accounts, a share of the data."),
    ("capability", "What an attacker can do to the training data, the model or its answers."),
    ("confidentiality", "Properties, structure and parameters of the model stay hidden."),
    (
        "control",
        "A check of the attack or the setting. The positive control runs the attack against a "
        "deliberately weakened version of the application, where it must succeed.",
    ),
    (
        "covered",
        "Not run, because the same attack by an attacker with more power was withstood.",
    ),
    ("critical level", "The exposure level from which an attack counts as a success."),
    ("demonstrated", "Shown by an attack run, at the lower confidence bound."),
    (
        "evidence",
        "One attack by one attacker: the result of its run, or why it was not run. Complete enough "
        "for a third party to check.",
    ),
    (
        "exposure level",
        "0 none, 1 marginal, 2 noticeable, 3 substantial, 4 severe: how far an attack got.",
    ),
    (
        "game",
        "A security game: it deals a question, keeps the correct answer secret, and marks what the "
        "attack answers.",
    ),
    ("goal", "Integrity, availability, confidentiality or privacy."),
    (
        "inconclusive",
        "Neither met nor not met: too little was tested, or the sample was too small.",
    ),
    ("integrity", "Correct answers for a variety of data, also under manipulation."),
    ("interval", "The range that contains the true value in 95 of 100 such measurements."),
    ("knowledge", "What an attacker knows of the data, the algorithm and the model."),
    ("need", "How severe damage would be: normal, high or very high."),
    (
        "not needed",
        "Not run, because no verdict could change by it, whatever it showed.",
    ),
    ("policy", "The rules that turn measurements into verdicts; replaceable, and named by hash."),
    ("portfolio", "All attacks that were run for a goal."),
    ("potential", "What testing or proof cannot exclude, at the upper confidence bound."),
    ("privacy", "The model reveals nothing private about its training data."),
    ("risk", "A value from 1 to 5, from the need and the cost of the cheapest attack."),
    (
        "view",
        "How much of an answer an attacker sees: nothing, labels, scores, logits or gradients.",
    ),
)


def label_of(verdict: Verdict) -> VerdictLabel:
    """Return how a verdict is shown in the language that is spoken."""
    label = VERDICT_LABELS[verdict]
    return VerdictLabel(_(label.word), label.symbol, label.ascii_symbol, _(label.meaning))


def goal_name(goal: Goal) -> str:
    """Return the name of a goal as it stands within a sentence."""
    return _(GOALS[goal])


def level_name(level: float) -> str:
    """Return the name of an exposure level."""
    return _(LEVELS[min(4, max(0, int(level)))])


def part_name(part: str) -> str:
    """Return the name of a part of the data."""
    return _(PARTS.get(part, part))


def run_name(evidence: Evidence) -> str:
    """Name the attack run that evidence is about, by attack and task."""
    return _(ON_TASK).format(attack=evidence.attack, task=evidence.task)


def status_name(status: Status) -> str:
    """Return a status in words."""
    return _(STATUSES[status])


def exposure_words(low: float, high: float) -> str:
    """Write a bracket of exposure levels in words."""
    if low == high:
        return level_name(low)
    return _(FROM_TO).format(low=level_name(low), high=level_name(high))


def describe_exposure(low: float, high: float) -> str:
    """Write a bracket of exposure levels in words and numbers."""
    levels = (
        f"{low:.0f}" if low == high else _(FROM_TO).format(low=f"{low:.0f}", high=f"{high:.0f}")
    )
    return _(EXPOSURE).format(words=exposure_words(low, high), levels=levels)


def describe_knowledge(grades: Mapping[str, str]) -> str:
    """List what is known, in full or in part, of data, algorithm and model."""
    known = [f"{grade} {aspect}" for aspect, grade in grades.items() if grade != "none"]
    return fmt.join_words(tuple(map(_, known))) or _("nothing")


def factor_name(word: str) -> str:
    """Return a factor of attack potential as it is read."""
    return _(word.replace("_", " "))
