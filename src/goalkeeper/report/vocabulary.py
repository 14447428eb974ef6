"""Single words that an assessment holds in English, so that a catalogue can have them.

They are translated where they are shown; here is only what there is to translate.
"""

from __future__ import annotations

# Models that the user's is compared with: fit/reference.py.
REFERENCES = (
    "naive Bayes on word counts",
    "logistic regression",
    "logistic regression on pixels",
)

# What games measure beside the headline, and what an attacker's budget is counted in.
METRICS = (
    "accuracy",
    "accuracy of the substitute",
    "AUC",
    "AUC without the model",
    "answers changed after rollback",
    "benign rejection rate",
    "correct guesses",
    "correct links",
    "empirical epsilon",
    "fidelity",
    "fidelity near the boundary",
    "fidelity on uniform points",
    "harmful acceptance rate",
    "hit rate on other records",
    "hit rate on training records",
    "honest contribution damage",
    "latency by kind",
    "median queries until broken",
    "median words added until broken",
    "median words respelt or replaced until broken",
    "median entries changed until broken",
    "median L2 distance until broken",
    "median Linf distance until broken",
    "median milliseconds per answer",
    "queries per parameter",
    "robust accuracy",
    "share of confident answers",
    "share of crashes",
    "share of failures",
    "share of inputs",
    "share of inputs that trigger a wrong reaction",
    "share of inputs without an answer for long",
    "share of invalid states",
    "share of refusals",
    "smallest number",
    "smallest share",
    "true-positive rate",
)

BUDGETS = (
    "queries",
    "queries per input",
    "queries per record",
    "shadow models",
    "words added per input",
    "words respelt or replaced per input",
    "entries changed per input",
    "pixels changed per input",
    "L2 distance per input",
    "Linf distance per input",
    "poisoned share of the training data",
    "false-positive rate of records that are no members",
    "flipped bits",
)

# Damage scenarios of BSI-Standard 200-2, as policy/rating.yaml names them.
SCENARIOS = (
    "violation of laws, regulations or contracts",
    "impairment of informational self-determination",
    "impairment of physical integrity of persons",
    "impairment of the performance of tasks",
    "negative internal or external effects",
    "financial consequences",
)

VERIFIED = ("Before", "After", "Side effects")

# Factors of attack potential, damage, and whatever else a rating or description names in one word.
FACTORS = (
    "layman",
    "proficient",
    "expert",
    "multiple experts",
    "standard",
    "specialized",
    "bespoke",
    "multiple bespoke",
    "public",
    "restricted",
    "confidential",
    "strictly confidential",
    "partial",
    "full",
    "data",
    "algorithm",
    "model",
    "benign rejection",
    "accuracy drop",
    "declared",
)

KNOWLEDGE = (
    "partial data",
    "full data",
    "partial algorithm",
    "full algorithm",
    "partial model",
    "full model",
)
