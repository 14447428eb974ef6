"""Whole sentences on attack runs and goals, to be filled in, which depend on no variant."""

from __future__ import annotations

import math

from goalkeeper.core.evidence import Status
from goalkeeper.report import format as fmt
from goalkeeper.report.language import _, ngettext


def fill(template: str, **values: str) -> str:
    """Translate a template, and fill it in."""
    return _(template).format(**values)


# ---- what was reached, where the taxonomy has no sentence for a variant --------------------------

BY_METRIC = {
    "success_rate": "{who} succeeds in {value} of tries with the attack {attack} ({interval}, "
    "n = {n}{where}; without it: {baseline}).",
    "tolerance_multiple": "{who} does {value} times the harm you tolerate with the attack {attack} "
    "({interval}, n = {n}; honest behaviour: {baseline}).",
    "normalised_gain": "{who} gains {value} of what could not be guessed with the attack {attack} "
    "({interval}, n = {n}; without access: {baseline}).",
    "likelihood_ratio": "{who} asks with the attack {attack} whether a record was in the training "
    "data: a yes is {value} times as likely for a training record as for another ({interval}, "
    "n = {n}; guessing: {baseline}).",
    "distinguishing_accuracy": "{who} distinguishes two cases with the attack {attack}, and is "
    "right for {value} ({interval}, n = {n}; a coin: {baseline}).",
    "latency_factor": "{who} finds inputs with the attack {attack} that take {value} times as long "
    "to answer as ordinary ones ({interval}, n = {n}; ordinary inputs: {baseline}).",
}
ANY_METRIC = (
    "{who} reaches {value} with the attack {attack} ({metric}; {interval}, n = {n}; without it: "
    "{baseline})."
)

# ---- what it means -------------------------------------------------------------------------------

# By the most points of attack potential for which a sentence holds.
COSTS = (
    (
        0,
        "It costs almost nothing: {time}, {queries}, {skill}, {access} ({points}; you asked for "
        "protection up to {required}).",
    ),
    (
        9,
        "It costs little: {time}, {queries}, {skill}, {access} ({points}; you asked for "
        "protection up to {required}).",
    ),
    (
        13,
        "It takes some effort: {time}, {queries}, {skill}, {access} ({points}; you asked for "
        "protection up to {required}).",
    ),
    (
        19,
        "It takes much effort: {time}, {queries}, {skill}, {access} ({points}; you asked for "
        "protection up to {required}).",
    ),
    (
        math.inf,
        "It takes very much effort: {time}, {queries}, {skill}, {access} ({points}; you asked for "
        "protection up to {required}).",
    ),
)
LESS_IS_ENOUGH = (
    "A smaller attempt succeeds as well, for {points} (you asked for protection up to {required})."
)
TOO_COSTLY = (
    "That costs more than you asked to withstand: {time}, {queries}, {skill}, {access} "
    "({points}; you asked for protection up to {required})."
)
WITHSTOOD = "By the protection you asked for, that does not count as a success."
INCONCLUSIVE = "Not conclusive: {open}. Measured so far: {reached}"
TOO_LITTLE = "too little data; "  # in front of how much more would settle it
MORE_DATA = "too little data; a larger sample would settle it"
DOUBTED_RUN = "it is in doubt whether this is your model ({doubt})"

BY_STATUS = {
    Status.NOT_APPLICABLE: "Does not apply here: {reason}.",
    Status.EXCLUDED: "Left out by choice: {reason}.",
    Status.NOT_TESTED: "Not tested: {reason}.",
    Status.FAILED_TO_RUN: "Not conclusive: the attack ended with an error ({reason}).",
    Status.CONTROL_FAILED: "Not conclusive: the attack did not pass its own checks ({reason}).",
    Status.COVERED: "Not needed: {reason}.",
    Status.NOT_NEEDED: "Not needed: {reason}.",
}
NO_REASON = {
    Status.NOT_APPLICABLE: "the application has nothing of the kind",
    Status.EXCLUDED: "whoever started the run asked for that",
    Status.NOT_TESTED: "no reason was written down",
    Status.FAILED_TO_RUN: "no reason was written down; run it again",
    Status.CONTROL_FAILED: "it failed even against a deliberately weakened version of this "
    "application, so that its failure here shows nothing",
    Status.COVERED: "the same attack by somebody with more power was withstood",
    Status.NOT_NEEDED: "no verdict depends on it",
}
# Statuses that stand in front of a reason, where a sentence says them in its own words.
STATED = (
    "inconclusive",
    "not tested",
    "failed to run",
    "control failed",
    "not applicable",
    "Not met",
)

# ---- goals ---------------------------------------------------------------------------------------

# The goal and its verdict stand right before or above these sentences, wherever they are shown.

MET = "No attack succeeded that costs less than {points}, the protection you asked for. {run}"
NOTHING_TO_TAKE = "There is nothing to attack: {reason}."
OPEN = "Success is neither shown nor excluded yet. {run}"
MEASURED = "Measured so far: {reached}"
AMONG_OTHERS = "Measured, among others: {reached}"
# By metric: above which value an attack counts, at the declared need.
SUCCESS_ABOVE = {
    "success_rate": "At this need, more than {edge} beyond the baseline is a success.",
    "tolerance_multiple": "At this need, more than {edge} times is a success.",
    "normalised_gain": "At this need, more than {edge} of what cannot be guessed is a success.",
    "likelihood_ratio": "At this need, more than {edge} times is a success.",
    "distinguishing_accuracy": "At this need, more than {edge} is a success.",
    "latency_factor": "At this need, more than {edge} times is a success.",
}
DOUBTED_GOAL = "It is in doubt whether this is your model: {doubt}."
NO_NEED = "No need to protect {goal} was declared."
NO_ATTACK = "No attack was planned for {goal}."
NOTHING_TESTED = "Nothing was tested for it."
SUCCEEDED = "An attack that must be withstood was shown to succeed."

# ---- what to do first ----------------------------------------------------------------------------

TO_DO = "Do first"
TO_SETTLE = "What would settle it"
CONTINUE = (
    "Continue this run with the same command: the time was up before every attack run was made."
)
CHECK_MODEL = "Check that this is your model, with its own data, and run it again."
CONTINUE_FOR = (
    "Continue this run with the same command: {runs} attack runs were not made yet, which takes "
    "about {time}."
)
LARGER = "{factor} times the sample of {attack} by {attacker}{models}: about {time}."
LARGER_DATA = (
    "{factor} times the sample of {attack} by {attacker}{models}, which needs {records} records, "
    "more than there are now: about {time}."
)
MODELS = " ({models} more models trained)"
EFFORT = "With the option --effort {effort}."
FIRST_OF = (
    "That settles one of {runs} attack runs that are open; all that a larger sample is expected to "
    "settle together take about {time}."
)
MORE_EFFORT = (
    "Run it again with more effort (the option --effort): the attack that may decide did not pass "
    "its own checks."
)

# ---- words ---------------------------------------------------------------------------------------

# By kind of input: what an input is called, and what it consists of.
KINDS = {
    "text": ("texts", "words"),
    "table": ("records", "columns"),
    "image": ("images", "pixels"),
}
ANY_KIND = ("inputs", "parts")
SKILLS = {
    "layman": "no special skill",
    "proficient": "some skill",
    "expert": "an expert",
    "multiple_experts": "several experts",
}
ACCESS = {
    "unlimited": "open access",
    "easy": "easy access",
    "moderate": "limited access",
    "difficult": "access that is hard to get",
}
A_FACT = "a fact about it"
# Names of classes stand in quotation marks: any word can be one (low, no, 1, attack).
CLASS = '"{name}"'
OF_CLASS = '"{name}" {inputs}'
HARMLESS = ("harmless", "harmless {inputs}")
HARMFUL = "harmful {inputs}"
AS_CLASS = ' as "{name}"'
AS_LEAST_LIKELY = " as the class that the model thinks least likely"
AT_LEAST = "at least {low}"

# Attackers as they stand in a sentence. In German all are of one gender, so that no sentence has to
# agree with them.
ATTACKERS = {
    "outsider": "an outsider",
    "customer": "a customer",
    "contributor": "a contributor",
    "insider": "an insider",
    "supplier": "a supplier",
    "device_holder": "a device holder",
}
OTHER_ATTACKERS = ("a {name}", "an {name}", "{name}")  # consonant, vowel, a name of its own


def after(queries: float) -> str:
    """Say after how many queries."""
    if queries == 0:
        return _("without any query")
    number = fmt.count(round_up(queries))
    return ngettext("after {n} query", "after {n} queries", queries).format(n=number)


def count_queries(queries: float) -> str:
    """Count queries in words."""
    if queries == 0:
        return _("no query")
    number = fmt.count(round_up(queries))
    return ngettext("{n} query", "{n} queries", queries).format(n=number)


def round_up(queries: float) -> float:
    """Write no fractions of a query, where a mean was spent."""
    return queries if math.isinf(queries) else math.ceil(queries)
