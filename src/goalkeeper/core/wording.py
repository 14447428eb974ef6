"""What the sentences on a finding can be filled in with; policy files are checked against it."""

from __future__ import annotations

from collections.abc import Iterator
from string import Formatter

SHOWN = ("", "_interval", "_baseline")  # of a number beside the headline

# Numbers beside the headline, and the measurement that each stands for.
MEASURED = {
    "accuracy": "accuracy",
    "declined": "benign_rejection_rate",
    "changed": "answers_changed_after_rollback",
}

PLACEHOLDERS = {
    "who": "the attacker who succeeds at the lowest cost, with an article",
    "inputs": "texts, records or images",
    "parts": "what an input consists of: words, columns or pixels",
    "harmful_inputs": "inputs of the classes that are not harmless, by the names of the classes",
    "harmless_inputs": "inputs of the harmless class",
    "harmless": "the harmless class",
    "target": "as which class inputs are to be misclassified, after a space; empty if any will do",
    "subject": "what the task is about: a column, a property, a setting",
    "where": "how far inputs were changed, after a comma; empty if nothing was changed",
    "after": "after how many queries, or without any",
    "dose": "the share of the training data that the attacker wrote",
    "value": "the headline: what was measured",
    "interval": "its interval of 95 %",
    "baseline": "the same without the attack",
    "n": "of how many",
    **{
        f"rate{suffix}": f"the share that a gain was computed from{what}"
        for suffix, what in zip(SHOWN, ("", ", its interval", ", without access"), strict=True)
    },
    **{
        f"{name}{suffix}": f"the measurement {metric}{what}"
        for name, metric in MEASURED.items()
        for suffix, what in zip(SHOWN, ("", ", its interval", ", its baseline"), strict=True)
    },
}


def placeholders_of(template: str) -> Iterator[str]:
    """List what stands in braces; raises ValueError where a brace is left open."""
    for _, name, form, conversion in Formatter().parse(template):
        if name is not None:
            yield f"{name}!{conversion}" if conversion else f"{name}:{form}" if form else name
