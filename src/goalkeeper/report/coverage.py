"""Coverage: what is said of each criterion of a public framework, and on what that rests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from goalkeeper.core.frameworks import Criterion, Framework
from goalkeeper.report import format as fmt
from goalkeeper.report.parts import Table

TOP = 4
MOST_REASONS = 3
MORE = "and {n:,} more"
BEYOND = "not examined by goalkeeper: {what}"
OUTSIDE = "{criteria}: {reason}."
SHORT_HEAD = ("Criterion", "Result", "Exposure", "Evidence", "What says most", "Why no result")
HEAD = (
    "Criterion",
    "Result",
    "Exposure",
    "Verdicts that rest on it",
    "Pieces of evidence",
    "What says most",
    "Why there is no result, or no more",
)


class EvidenceFate(StrEnum):
    """What became of a piece of evidence; the values are the words shown after a count."""

    SUCCEEDED = "succeeded"
    INCONCLUSIVE = "inconclusive"
    TOO_COSTLY = "too costly"
    WITHSTOOD = "withstood"
    COVERED = "covered by a stronger attacker"
    APART = "made (no verdict counts them)"
    FAILED = "failed to run"
    STOPPED = "not made before the run ended"
    NOT_TESTED = "not tested"
    EXCLUDED = "excluded"
    NOT_NEEDED = "not needed"
    APART_NOT_MADE = "not made (no verdict counts them)"
    NOT_APPLICABLE = "not applicable"


class CriterionState(StrEnum):
    """What is said of a criterion; the values are the words shown."""

    SUCCEEDED = "an attack succeeds"
    INCONCLUSIVE = "inconclusive"
    IN_PART = "withstood in part: not every attack run was made"
    AS_FAR = "withstood as far as goalkeeper examines it"
    WITHSTOOD = "withstood"
    NOT_TESTED = "not tested"
    EXCLUDED = "excluded by choice"
    NOT_NEEDED = "not needed for any verdict"
    APART = "counts for no verdict here"
    NOT_APPLICABLE = "not applicable to this application"
    NO_ATTACKER = "no attacker of this run can mount it"
    OUTSIDE = "outside goalkeeper's scope"


MADE = (
    EvidenceFate.SUCCEEDED,
    EvidenceFate.INCONCLUSIVE,
    EvidenceFate.TOO_COSTLY,
    EvidenceFate.WITHSTOOD,
    EvidenceFate.COVERED,
    EvidenceFate.APART,
)
OPEN = (
    EvidenceFate.FAILED,
    EvidenceFate.STOPPED,
    EvidenceFate.NOT_TESTED,
    EvidenceFate.EXCLUDED,
    EvidenceFate.NOT_NEEDED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredCriterion:
    """A criterion, what is said of it, and on what that rests.

    Parameters
    ----------
    counts
        How many pieces of evidence (an attack on a task by an attacker) came to what; they add up
        to `total`.
    bracket
        From the exposure level that was demonstrated to the one that cannot be excluded; None
        where nothing applies.
    strongest
        The evidence that says most: its attack, task and attacker, and what was found.
    decides
        The goals whose verdict rests on evidence of this criterion, and that verdict.
    reasons
        Why there is no result, most frequent first, with counts.
    """

    criterion: Criterion
    state: CriterionState
    counts: Mapping[EvidenceFate, int]
    bracket: tuple[int, int] | None = None
    strongest: str = ""
    evidence: str = ""
    decides: tuple[str, ...] = ()
    reasons: tuple[tuple[str, int], ...] = ()

    @property
    def total(self) -> int:
        """How many pieces of evidence belong to it."""
        return sum(self.counts.values())

    @property
    def row(self) -> tuple[str, ...]:
        """The criterion as a row of a table."""
        return (
            self.criterion.title,
            self.state,
            self.exposure,
            "; ".join(self.decides),
            self.counted,
            self.strongest,
            self.why,
        )

    @property
    def short_row(self) -> tuple[str, ...]:
        """The criterion as a row of a table beside which the findings stand."""
        why, _ = self.reasons[0] if self.reasons and not self.strongest else ("", 0)
        beyond = BEYOND.format(what=self.criterion.beyond) if self.criterion.beyond else ""
        return (
            self.criterion.title,
            self.state,
            self.exposure,
            self.counted,
            self.strongest.partition(": ")[0],
            "; ".join(filter(None, (why, beyond))),
        )

    @property
    def why(self) -> str:
        """Why there is no result, or no more: the most frequent reasons, and what is beyond."""
        shown = [f"{n:,} x {why}" if n else why for why, n in self.reasons[:MOST_REASONS]]
        more = len(self.reasons) - len(shown)
        shown += [MORE.format(n=more)] if more > 0 else []
        shown += [BEYOND.format(what=self.criterion.beyond)] if self.criterion.beyond else []
        return "; ".join(shown)

    @property
    def counted(self) -> str:
        """The counts in words."""
        return ", ".join(f"{self.counts[f]:,} {f}" for f in EvidenceFate if self.counts.get(f))

    @property
    def exposure(self) -> str:
        """The bracket in words."""
        return f"{fmt.levels(*self.bracket)} of {TOP}" if self.bracket else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """A framework and what is said of each of its criteria."""

    framework: Framework
    criteria: tuple[CoveredCriterion, ...]
    mapped: int
    evidence: int

    @property
    def counted(self) -> str:
        """How many criteria came to what, in a sentence whose counts add up."""
        counts = Counter(covered.state for covered in self.criteria)
        listed = "; ".join(f"{counts[s]:,} {s}" for s in CriterionState if counts[s])
        kind = "criteria" if self.framework.whole else "criteria that attacks of ours belong to"
        return f"{len(self.criteria):,} {kind}: {listed}."

    @property
    def table(self) -> Table:
        """The criteria that attacks of ours belong to, one row each."""
        rows = tuple(c.row for c in self.criteria if c.state is not CriterionState.OUTSIDE)
        return Table(self.framework.name, HEAD, rows)

    @property
    def short_table(self) -> Table:
        """The same, for a report that shows what was found elsewhere: names, and one reason."""
        rows = tuple(c.short_row for c in self.criteria if c.state is not CriterionState.OUTSIDE)
        return Table(self.framework.name, SHORT_HEAD, rows)

    @property
    def outside(self) -> tuple[str, ...]:
        """The criteria that goalkeeper does not address, one line for each reason."""
        found: dict[str, list[str]] = {}
        for covered in self.criteria:
            if covered.state is CriterionState.OUTSIDE:
                found.setdefault(covered.criterion.outside, []).append(covered.criterion.title)
        return tuple(
            OUTSIDE.format(criteria="; ".join(titles), reason=reason)
            for reason, titles in found.items()
        )

    @property
    def mapping(self) -> str:
        """How much of the evidence belongs to a criterion, in a sentence whose counts add up."""
        return (
            f"Of {self.evidence:,} pieces of evidence, {self.mapped:,} belong to at least one "
            f"criterion, and {self.evidence - self.mapped:,} to none."
        )
