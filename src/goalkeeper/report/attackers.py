"""What the tests of each attacker show for each goal: one case a pair, as test runners count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from goalkeeper.core.assessment import Assessment, GoalRating, Verdict
from goalkeeper.core.evidence import Evidence, Status
from goalkeeper.core.goals import Goal
from goalkeeper.report.deciding import RunOutcome, determine_outcome
from goalkeeper.report.finding import RUN_STATUSES, rerun_command
from goalkeeper.report.gaps import open_lines
from goalkeeper.report.parts import Context
from goalkeeper.report.sentences import tell_run
from goalkeeper.report.words import VERDICT_LABELS

ANY = "any attacker"  # what belongs to no attacker alone
OPEN = (Status.NOT_TESTED, Status.EXCLUDED)

SAID = "{said}"
NOT_TESTED = "Not tested: {said}"
NOT_NEEDED = "Left out, because no verdict depends on it: {number} of this attacker's attack runs."
NO_ATTACK = "No attack that this attacker can mount counts for {goal}."
NOT_ASSESSED = "Not rated: no need for {goal} was declared, or no attack was planned for it."
WITHSTOOD = ""


class CaseState(StrEnum):
    """The state of a case; the values are those of test runners."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One goal and one attacker: what the tests showed, in a sentence, and what repeats it.

    `undecided` marks a case that was skipped or ended in an error and may hide a success.
    """

    goal: Goal
    attacker: str
    state: CaseState
    sentence: str
    undecided: bool = False
    details: tuple[str, ...] = ()
    command: str = ""
    seconds: float = 0.0


def cases_of(assessment: Assessment, context: Context) -> tuple[Case, ...]:
    """Return the cases of every goal: those of a goal agree with its verdict.

    A goal that is not met has a failed case, one that is inconclusive a skipped one, and one that
    is met has neither a failed nor an inconclusive one.
    """
    found: list[Case] = []
    timed: set[str] = set()
    for goal in (g for g in Goal if g in assessment.goals):
        maker = _Maker(assessment, context, goal)
        cases = [maker.case(name, timed) for name in maker.attackers()]
        found += [*cases, *maker.remainder(cases)]
    return tuple(found)


class _Maker:
    """The cases of one goal."""

    def __init__(self, assessment: Assessment, context: Context, goal: Goal) -> None:
        self._assessment = assessment
        self._context = context
        self._goal = goal
        self._rating: GoalRating = assessment.goals[goal]
        self._evidence = [e for e in assessment.evidence if goal in e.goals and e.standing.decides]

    def attackers(self) -> Iterator[str]:
        """Name the described attackers, and any other that evidence names."""
        named = [a.name for a in self._assessment.attackers]
        yield from dict.fromkeys([*named, *(e.attacker for e in self._evidence)])

    def case(self, attacker: str, timed: set[str]) -> Case:
        """Judge what the tests of an attacker show; `timed` holds the runs counted already."""
        mine = [e for e in self._evidence if e.attacker == attacker]
        ran = [e for e in mine if e.status in RUN_STATUSES]
        state, template, about = self._judge(mine, ran)
        units = {e.unit: e.result.took for e in ran if e.unit not in timed}
        timed.update(units)
        # What was not made can only be repeated by what would make it, which its reason says.
        repeat = next((e for e in about if e.attack), None) if template == SAID else None
        said = self._say(about)
        sentence = template.format(said=said[0] if said else "", number=len(about), goal=self._goal)
        return Case(
            goal=self._goal,
            attacker=attacker,
            state=state,
            sentence=sentence,
            undecided=state is CaseState.ERROR
            or (state is CaseState.SKIPPED and template in (SAID, NOT_TESTED)),
            details=said,
            command=rerun_command(repeat, self._assessment, self._context) if repeat else "",
            seconds=sum(units.values()),
        )

    def _judge(
        self, mine: list[Evidence], ran: list[Evidence]
    ) -> tuple[CaseState, str, list[Evidence]]:
        """Return the state, the sentence, and the evidence that it is about."""
        verdict = self._rating.verdict
        if verdict is Verdict.NOT_ASSESSED:
            return CaseState.SKIPPED, NOT_ASSESSED, []
        judged = [
            (CaseState.FAILED, SAID, self._with(ran, RunOutcome.SUCCEEDS)),
            (CaseState.ERROR, SAID, [e for e in mine if e.status is Status.FAILED_TO_RUN]),
        ]
        if verdict is not Verdict.MET:
            judged += [
                (CaseState.SKIPPED, SAID, self._with(ran, RunOutcome.INCONCLUSIVE)),
                (CaseState.SKIPPED, NOT_TESTED, [e for e in mine if e.status in OPEN]),
                (CaseState.SKIPPED, NOT_NEEDED, [e for e in mine if e.status is Status.NOT_NEEDED]),
            ]
        withstood = ran or any(e.status in (Status.COVERED, Status.NOT_NEEDED) for e in mine)
        otherwise = (CaseState.PASSED, WITHSTOOD) if withstood else (CaseState.SKIPPED, NO_ATTACK)
        return next((case for case in judged if case[2]), (*otherwise, []))

    def _with(self, ran: Iterable[Evidence], outcome: RunOutcome) -> list[Evidence]:
        """Return the evidence with an outcome, what decided first."""
        found = [e for e in ran if determine_outcome((e,), self._rating) is outcome]
        order = {id_: i for i, id_ in enumerate(self._rating.because)}
        return sorted(found, key=lambda e: order.get(e.id, len(order)))

    def _say(self, about: Iterable[Evidence]) -> tuple[str, ...]:
        """Tell what this attacker reached, whoever else shares the run; each reason once."""
        found: dict[str, list[str]] = {}
        for each in about:
            if each.status in RUN_STATUSES:
                found[tell_run((each,), self._goal, self._assessment)] = []
            else:
                reason = each.result.reason or each.status.replace("_", " ")
                found.setdefault(reason, []).append(each.attack or each.variant)
        return tuple(
            f"{', '.join(dict.fromkeys(names))}: {reason}" if names else reason
            for reason, names in found.items()
        )

    def remainder(self, cases: list[Case]) -> Iterator[Case]:
        """Make the case of a verdict that no attacker's case explains, such as a doubtful model."""
        state = {
            Verdict.NOT_MET: CaseState.FAILED,
            Verdict.INCONCLUSIVE: CaseState.SKIPPED,
            Verdict.NOT_ASSESSED: CaseState.SKIPPED,
            Verdict.MET: CaseState.PASSED,
        }[self._rating.verdict]
        undecided = self._rating.verdict is Verdict.INCONCLUSIVE
        if not any(c.undecided if undecided else c.state is state for c in cases):
            label = VERDICT_LABELS[self._rating.verdict]
            yield Case(
                goal=self._goal,
                attacker=ANY,
                state=state,
                sentence=self._rating.reason or label.meaning,
                undecided=undecided,
                details=open_lines(self._rating.not_tested),
            )
