"""Cover a framework: find the evidence of each criterion, or the reason why there is none.

A criterion is never said to be withstood unless every attack run of its variants that counts for a
verdict was made and withstood: what was not needed, not tested or excluded keeps it in part only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from goalkeeper.core.assessment import Assessment, Verdict
from goalkeeper.core.evidence import Evidence, Rated, Status
from goalkeeper.core.frameworks import Criterion, Framework
from goalkeeper.core.goals import Goal
from goalkeeper.report import format as fmt
from goalkeeper.report.coverage import (
    MADE,
    OPEN,
    TOP,
    Coverage,
    CoveredCriterion,
    CriterionState,
    EvidenceFate,
)
from goalkeeper.report.deciding import RunOutcome, determine_outcome

ENDED_BEFORE = "the run ended before"
NOT_ASKED = "this run was not asked to assess {goals}"
_OF_STATUS = {
    Status.COVERED: EvidenceFate.NOT_TESTED,  # unless the evidence that covers it is there
    Status.FAILED_TO_RUN: EvidenceFate.FAILED,
    Status.NOT_TESTED: EvidenceFate.NOT_TESTED,
    Status.EXCLUDED: EvidenceFate.EXCLUDED,
    Status.NOT_NEEDED: EvidenceFate.NOT_NEEDED,
    Status.NOT_APPLICABLE: EvidenceFate.NOT_APPLICABLE,
}
_OF_OUTCOME = {
    RunOutcome.SUCCEEDS: EvidenceFate.SUCCEEDED,
    RunOutcome.INCONCLUSIVE: EvidenceFate.INCONCLUSIVE,
    RunOutcome.TOO_COSTLY: EvidenceFate.TOO_COSTLY,
    RunOutcome.WITHSTOOD: EvidenceFate.WITHSTOOD,
    RunOutcome.UNRATED: EvidenceFate.APART,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece of evidence, or a planned attack run that has none, and what became of it."""

    variant: str
    fate: EvidenceFate
    reason: str
    evidence: Evidence | None = None
    rated: Rated | None = None

    @property
    def bears(self) -> bool:
        """Whether it bears on the exposure: it applies, and may decide."""
        return self.fate not in (
            EvidenceFate.APART,
            EvidenceFate.APART_NOT_MADE,
            EvidenceFate.NOT_APPLICABLE,
        )

    @property
    def rank(self) -> tuple[float, ...]:
        """Its place in an order in which what says most comes first."""
        place = list(EvidenceFate).index(self.fate)
        if self.rated is None:
            return (place, 1, 1, 0)
        points = self.rated.attack_potential.points
        return (place, -self.rated.demonstrated, -self.rated.potential, points)


def cover(assessment: Assessment, frameworks: Iterable[Framework]) -> tuple[Coverage, ...]:
    """Say for each criterion of each framework what the assessment shows of it."""
    pieces = (*_pieces(assessment), *_never_made(assessment))
    return tuple(_cover(framework, assessment, pieces) for framework in frameworks)


def _cover(framework: Framework, assessment: Assessment, pieces: tuple[Piece, ...]) -> Coverage:
    mapped = {v for criterion in framework.criteria for v in criterion.variants}
    return Coverage(
        framework=framework,
        criteria=tuple(
            _criterion(c, [p for p in pieces if p.variant in c.variants], assessment)
            for c in framework.criteria
        ),
        mapped=sum(piece.variant in mapped for piece in pieces),
        evidence=len(pieces),
    )


def _criterion(
    criterion: Criterion, pieces: list[Piece], assessment: Assessment
) -> CoveredCriterion:
    counts = Counter(piece.fate for piece in pieces)
    state = _state(criterion, counts, assessment)
    made = sorted((p for p in pieces if p.fate in MADE), key=lambda piece: piece.rank)
    first = next((p.evidence for p in made if p.evidence), None)
    return CoveredCriterion(
        criterion=criterion,
        state=state,
        counts=counts,
        bracket=_bracket(
            [p for p in pieces if p.bears], whole=not _left_out(criterion, assessment)
        ),
        strongest=_describe(first) if first else "",
        evidence=first.id if first else "",
        decides=tuple(_decided(pieces, assessment)),
        reasons=_reasons(criterion, state, pieces, assessment),
    )


# ---- pieces of evidence --------------------------------------------------------------------------


def _pieces(assessment: Assessment) -> Iterator[Piece]:
    by_id = {e.id: e for e in assessment.evidence}
    for e in assessment.evidence:
        stronger = by_id.get(e.covered_by)
        yield Piece(
            variant=e.variant,
            fate=_fate(e, stronger, assessment),
            reason=_why(e),
            evidence=e,
            rated=e.rated or (stronger.rated if stronger else None),
        )


def _never_made(assessment: Assessment) -> Iterator[Piece]:
    """Find what was planned and has no evidence: the run ended before."""
    ids = {e.id for e in assessment.evidence}
    names = {(e.attack, e.task, e.attacker) for e in assessment.evidence}
    for row in assessment.plan:
        known = row.evidence in ids or (row.attack, row.task, row.attacker) in names
        if row.status == "planned" and not known:
            decides = row.standing.decides
            yield Piece(
                variant=row.variant,
                fate=EvidenceFate.STOPPED if decides else EvidenceFate.APART_NOT_MADE,
                reason=ENDED_BEFORE if decides else row.standing.reason,
            )


def _fate(evidence: Evidence, stronger: Evidence | None, assessment: Assessment) -> EvidenceFate:
    fate = _OF_STATUS.get(evidence.status) or _of_run(evidence, assessment)
    if evidence.status is Status.COVERED and stronger and stronger.status is Status.TESTED:
        fate = EvidenceFate.COVERED
    if evidence.standing.decides or fate is EvidenceFate.NOT_APPLICABLE:
        return fate
    return EvidenceFate.APART if fate in MADE else EvidenceFate.APART_NOT_MADE


def _of_run(evidence: Evidence, assessment: Assessment) -> EvidenceFate:
    """Say how an attack run ended, for the goal for which it ended worst."""
    rated = (assessment.goals[g] for g in evidence.goals if g in assessment.goals)
    outcomes = {determine_outcome((evidence,), rating) for rating in rated}
    return _OF_OUTCOME[next((o for o in RunOutcome if o in outcomes), RunOutcome.UNRATED)]


def _why(evidence: Evidence) -> str:
    """Why a piece of evidence holds no result that counts; empty if it does."""
    made = evidence.status in (Status.TESTED, Status.CONTROL_FAILED, Status.COVERED)
    return evidence.standing.reason if made else evidence.result.reason


def _describe(evidence: Evidence) -> str:
    found = evidence.result.summary or evidence.result.reason
    return f"{evidence.attack} on {evidence.task} by {evidence.attacker}: {found}"


# ---- what they come to ---------------------------------------------------------------------------


def _state(
    criterion: Criterion, counts: Mapping[EvidenceFate, int], assessment: Assessment
) -> CriterionState:
    """Say what the evidence of a criterion comes to; an attack that was not made never counts."""
    if criterion.outside:
        return CriterionState.OUTSIDE
    found = next((state for fate, state in _ALONE if counts.get(fate)), CriterionState.NO_ATTACKER)
    if found in (CriterionState.SUCCEEDED, CriterionState.INCONCLUSIVE):
        return found
    left_out = _left_out(criterion, assessment)
    if any(
        counts.get(fate)
        for fate in (EvidenceFate.TOO_COSTLY, EvidenceFate.WITHSTOOD, EvidenceFate.COVERED)
    ):
        if left_out or any(counts.get(fate) for fate in OPEN):
            return CriterionState.IN_PART
        return CriterionState.AS_FAR if criterion.beyond else CriterionState.WITHSTOOD
    return CriterionState.EXCLUDED if left_out and not counts else found


def _left_out(criterion: Criterion, assessment: Assessment) -> tuple[Goal, ...]:
    """List the goals of a criterion that the run was not asked to assess."""
    return tuple(goal for goal in criterion.goals if goal not in assessment.goals)


# What a fate says of a criterion where no attack run was withstood; the first that is there.
_ALONE = (
    (EvidenceFate.SUCCEEDED, CriterionState.SUCCEEDED),
    (EvidenceFate.INCONCLUSIVE, CriterionState.INCONCLUSIVE),
    (EvidenceFate.FAILED, CriterionState.NOT_TESTED),
    (EvidenceFate.STOPPED, CriterionState.NOT_TESTED),
    (EvidenceFate.NOT_TESTED, CriterionState.NOT_TESTED),
    (EvidenceFate.EXCLUDED, CriterionState.EXCLUDED),
    (EvidenceFate.NOT_NEEDED, CriterionState.NOT_NEEDED),
    (EvidenceFate.APART, CriterionState.APART),
    (EvidenceFate.APART_NOT_MADE, CriterionState.APART),
    (EvidenceFate.NOT_APPLICABLE, CriterionState.NOT_APPLICABLE),
)


def _bracket(pieces: list[Piece], *, whole: bool) -> tuple[int, int] | None:
    """Join the exposure levels; what was not tested may reach the highest."""
    if not pieces:
        return None
    rated = [p.rated for p in pieces if p.rated]
    low = max((r.demonstrated for r in rated), default=0)
    high = max((r.potential for r in rated), default=TOP)
    return low, high if whole and len(rated) == len(pieces) else TOP


def _decided(pieces: list[Piece], assessment: Assessment) -> Iterator[str]:
    """Name the goals whose verdict rests on one of the pieces."""
    ids = {piece.evidence.id for piece in pieces if piece.evidence}
    for goal, rating in assessment.goals.items():
        named = {*rating.because, rating.cheapest_attack}
        if rating.verdict is not Verdict.NOT_ASSESSED and ids & named:
            yield f"{goal}: {rating.verdict.replace('_', ' ')}"


def _reasons(
    criterion: Criterion, state: CriterionState, pieces: list[Piece], assessment: Assessment
) -> tuple[tuple[str, int], ...]:
    """Say why there is no result: of the evidence, of the framework, or of the attackers."""
    if state is CriterionState.OUTSIDE:
        return ((criterion.outside, 0),)
    left_out = _left_out(criterion, assessment)
    chosen = ((NOT_ASKED.format(goals=fmt.join_words(tuple(map(str, left_out)))), 0),)
    if state is CriterionState.NO_ATTACKER:
        skipped = (r for r in assessment.plan if r.variant in criterion.variants)
        found = Counter("; ".join(r.reasons) for r in skipped if r.reasons)
    else:
        found = Counter(p.reason for p in pieces if p.reason)
    return (*(chosen if left_out else ()), *found.most_common())
