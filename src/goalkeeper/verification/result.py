"""What a verification found, and the one sentence that says what it proves."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

MOST = 20  # problems that are shown to a person; `--json` has all

UNSIGNED = "not signed: somebody could have written all of it"
WORDS = {
    "unsigned": UNSIGNED,
    "signed": "signed by {key}",
    "other": "signed, but by a key that was not given ({key}): the signature fits the files, and "
    "whose key it is must be known from elsewhere",
    "wrong": "the signature does not count",
}


class Signature(StrEnum):
    """What is known of the signature of a run."""

    UNSIGNED = "unsigned"
    SIGNED = "signed"  # by the given key
    OTHER = "other"  # by a key, while none was given to compare it with
    WRONG = "wrong"  # damaged, of another run, or by another key than the given one


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was found in a run folder.

    Attributes
    ----------
    problems
        What is wrong, one line each; empty if the run is consistent.
    not_compared
        What another version wrote in a way that this one cannot check, one line each.
    notes
        What a reader should know beside that, such as a policy that is not the shipped one.
    checked
        How many of which parts were compared.
    signature, key
        What is known of the signature, and the fingerprint of its key.
    """

    problems: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    checked: dict[str, int] = field(default_factory=dict)
    signature: Signature = Signature.UNSIGNED
    key: str = ""

    @property
    def consistent(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def complete(self) -> bool:
        """Whether nothing is wrong, and what this version cannot check was signed for."""
        signed = self.signature is Signature.SIGNED
        return self.consistent and (signed or not self.not_compared)

    def __bool__(self) -> bool:
        return self.complete

    def __str__(self) -> str:
        if self.problems:
            return f"not consistent: {self.problems[0]}"
        found = "consistent as far as it was compared" if self.not_compared else "consistent"
        return f"{found}; {WORDS[self.signature].format(key=self.key)}"

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "verified": self.complete,
            "statement": str(self),
            "differences": list(self.problems),
            "not_compared": list(self.not_compared),
            "notes": list(self.notes),
            "checked": dict(self.checked),
            "signature": {"state": str(self.signature), "key": self.key},
        }
