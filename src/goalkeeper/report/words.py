"""The words of a report: verdicts, needs, levels and statuses as people read them."""

from __future__ import annotations

from dataclasses import dataclass

from goalkeeper.core.assessment import Verdict
from goalkeeper.core.evidence import Status
from goalkeeper.core.goals import Goal


@dataclass(frozen=True, slots=True)
class Mark:
    """A verdict as it is shown: a word, a shape for those who see no colour, and its meaning."""

    word: str
    symbol: str
    plain: str
    meaning: str


MARKS = {
    Verdict.MET: Mark(
        "met",
        "✓",
        "+",
        "The application withstood the tested portfolio at the required attack potential. "
        "That is not a proof that no attack exists.",
    ),
    Verdict.NOT_MET: Mark(
        "not met",
        "✕",
        "x",
        "An attack that the application should withstand was shown to succeed.",
    ),
    Verdict.INCONCLUSIVE: Mark(
        "inconclusive",
        "?",
        "?",
        "No critical attack was shown to succeed, but one cannot be excluded either: "
        "something was not tested, or the sample is too small.",
    ),
    Verdict.NOT_ASSESSED: Mark(
        "not assessed",
        "–",  # noqa: RUF001 - the dash is the symbol
        "-",
        "No rating was made: no need was declared, or nothing was planned for this goal.",
    ),
}

QUESTIONS = {
    Goal.INTEGRITY: "Does it answer rightly, even when somebody manipulates it?",
    Goal.AVAILABILITY: "Does it keep doing its job, and let harmless inputs pass?",
    Goal.CONFIDENTIALITY: "Do its inner workings stay hidden?",
    Goal.PRIVACY: "Does it keep what it learned about people to itself?",
}

NEEDS = ("none declared", "normal", "high", "very high")
LEVELS = ("none", "marginal", "noticeable", "substantial", "severe")
RISKS = (
    "",
    "can be accepted",
    "can be accepted",
    "the owner must justify it",
    "must be treated",
    "must be treated",
)

STATUSES = {
    Status.TESTED: "tested",
    Status.NOT_APPLICABLE: "not applicable",
    Status.EXCLUDED: "excluded by the owner",
    Status.NOT_TESTED: "not tested",
    Status.FAILED_TO_RUN: "failed to run",
    Status.CONTROL_FAILED: "control failed",
}

CONTROL_FAILED = (
    "the attack did not break a deliberately weakened version of this application, "
    "so its low success proves nothing"
)

SCOPE = (
    "These verdicts hold for the application named above, the attackers described below and the "
    "attacks that were played, and for nothing else. A goal that is met withstood the tested "
    "portfolio; it is not proven safe. No conformity with a law or standard is claimed."
)

PEOPLE_NUMBERED = (
    "People are shown as numbers ({person} 1, {person} 2, ...), the same throughout this report; "
    "assessment.json holds their names."
)
PEOPLE_NAMED = "This report names people and may show training data: share it accordingly."

READING = (
    "The filled dot is the exposure that an attack demonstrated. The open dot is the exposure that "
    "testing could not exclude. The line in each row marks the critical level of that goal: an "
    "attack that reaches it counts as a success, and the verdict then depends on what that attack "
    "costs. Left of the line is good; a bracket across the line means that more testing would "
    "narrow it."
)

SHOWN = (
    "Of each goal, integrity level or aspect, and attacker, the worst play is shown in full, an "
    "attack on a task once; every other play is a row. A play succeeds if it was shown to reach "
    "the critical level at less than the attack potential that must be withstood; it is open if "
    "that could not be excluded, too dear if it gets there only at a higher cost, and withstood "
    "otherwise. A row becomes a full finding when its attack is played alone (goalkeeper run with "
    "--attack and --attacker). Everything about it stands in assessment.json, under the "
    "identifiers given here."
)

METHOD = (
    "Every attack played a game: the game dealt a question and kept the truth, the attack reached "
    "the application only through a metered door with what its attacker was granted, and the game "
    "marked the answer. No attack graded itself.",
    "Intervals are two-sided at 95 %. Exposure is a bracket: its lower end comes from the lower "
    "confidence bound of what was achieved, its upper end from the upper bound; what was not "
    "tested stays open up to the highest level.",
    "A goal is not met if an attack cheaper than the required attack potential was shown to reach "
    "the critical level. It is met if every attack that cannot be excluded costs at least that "
    "much. In between it is inconclusive. The worst goal decides the verdict on the whole.",
    "Seconds, and the hours of attack potential that follow from them, are measured and differ "
    "from run to run. Everything else is the same for the same seed.",
)

GLOSSARY = (
    ("attack", "One way to play one game against the application."),
    (
        "attack potential",
        "What an attack costs: elapsed time, expertise, secret knowledge, window of opportunity "
        "and equipment, in points (ISO/SAE 21434, Annex G). More points mean a dearer attack.",
    ),
    ("attacker", "Somebody with given knowledge, capabilities, view and budget."),
    ("availability", "The application does its job; harmless inputs are not declined."),
    ("baseline", "What the same measure gives without the attack. Only the excess counts."),
    (
        "box",
        "Black: nothing is known of data, algorithm and model. White: all is known. Grey: between.",
    ),
    ("bracket", "From what was demonstrated to what cannot be excluded."),
    ("budget", "What an attacker may spend: queries, time, accounts, a share of the data."),
    ("capability", "What an attacker can do to the training data, the model or its answers."),
    ("confidentiality", "Properties, structure and parameters of the model stay hidden."),
    (
        "control",
        "A check of the attack or the setting. The positive control lets the attack play against "
        "a deliberately weakened version of the application, which it must break.",
    ),
    ("critical level", "The exposure level from which an attack counts as a success."),
    ("demonstrated", "Shown by an attack that was played, at the lower confidence bound."),
    ("evidence", "One played attack, complete enough for a stranger to check."),
    (
        "exposure level",
        "0 none, 1 marginal, 2 noticeable, 3 substantial, 4 severe: how far an attack got.",
    ),
    ("game", "The question an attack must answer, the truth it never sees, and the mark."),
    ("goal", "Integrity, availability, confidentiality or privacy."),
    (
        "inconclusive",
        "Neither met nor not met: too little was tested, or the sample was too small.",
    ),
    ("integrity", "Right answers for a variety of data, also under manipulation."),
    ("interval", "The range that holds the true value in 95 of 100 such measurements."),
    ("knowledge", "What an attacker knows of the data, the algorithm and the model."),
    ("need", "How much damage would hurt: normal, high or very high."),
    ("policy", "The rules that turn measurements into verdicts; replaceable, and named by hash."),
    ("portfolio", "All attacks that were played for a goal."),
    ("potential", "What testing or proof cannot exclude, at the upper confidence bound."),
    ("privacy", "The model reveals nothing private about its training data."),
    ("risk", "1 to 5, from the need and the cost of the cheapest attack."),
    ("view", "How much of an answer is seen: labels, scores, logits or gradients."),
)
