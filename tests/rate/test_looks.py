"""Looks at a growing sample share alpha; attack runs that were not made weigh as they should."""

from __future__ import annotations

import pytest

from goalkeeper.core.assessment import Verdict
from goalkeeper.core.errors import PolicyError
from goalkeeper.core.evidence import Evidence, Requirement, Status
from goalkeeper.core.goals import Goal
from goalkeeper.games import tallies
from goalkeeper.rate import Settled, join_evidence, settle
from goalkeeper.rate._looks import SHARES
from tests.rate.making import POLICY, SECRECY, evidence, of, rated, rated_one, requires, trial

WITHSTOOD = evidence(trial(of(0, 400)), name="tested")


def at_look(look: int, looks: int, successes: int = 0, n: int = 60) -> Evidence:
    one = evidence(trial(of(successes, n)))
    return one.model_copy(update={"look": look, "looks": looks})


def test_the_shares_of_all_looks_add_up_to_one() -> None:
    assert all(sum(shares) == 1 and len(shares) == looks for looks, shares in SHARES.items())


def test_bounds_are_taken_at_the_share_of_the_look() -> None:
    tally = of(20, 60)
    for look, share in enumerate(SHARES[2], 1):
        one = rated_one(at_look(look, 2, 20), hypotheses=4).trials[0]
        assert one.low == pytest.approx(tallies.bounds(tally, 0.05 * share / 4).low)
        assert one.high == pytest.approx(tallies.bounds(tally, 0.05 * share).high)


def test_a_look_that_was_not_planned_is_refused() -> None:
    for look, looks in ((3, 2), (0, 1), (1, 9)):
        with pytest.raises(PolicyError, match=f"look {look} of {looks} has no share"):
            rated(1, at_look(look, looks))


def test_a_piece_of_evidence_settles_on_either_side_or_not_at_all() -> None:
    found = [
        settle(at_look(1, 2, successes), 1, POLICY, SECRECY, hypotheses=3)
        for successes in (0, 15, 50)
    ]
    assert found == [Settled.WITHSTOOD, Settled.OPEN, Settled.SHOWN]


def test_what_costs_too_much_to_decide_is_excluded_but_was_not_withstood() -> None:
    """Nor was what is not applicable: attackers who need less may still succeed."""
    dear = evidence(trial(of(50, 60)), needs=requires("insider", data="full"))
    absent = evidence(status=Status.NOT_APPLICABLE)
    for one in (dear, absent):
        assert settle(one, 1, POLICY, SECRECY, hypotheses=1) is Settled.EXCLUDED


def test_what_costs_too_much_to_decide_does_not_keep_a_goal_from_being_met() -> None:
    dear = requires("insider", data="full")
    left_out = evidence(name="dear", status=Status.NOT_NEEDED, needs=dear)
    result = rated(1, WITHSTOOD, left_out)
    assert result.verdict is Verdict.MET
    assert result.not_tested == (), "running it would settle nothing"
    assert result.potential == 17, "but it cannot be excluded at its cost"


def test_what_would_have_decided_is_never_green_unless_it_is_covered() -> None:
    for status, verdict in (
        (Status.NOT_NEEDED, Verdict.INCONCLUSIVE),
        (Status.COVERED, Verdict.MET),
    ):
        assert rated(1, WITHSTOOD, evidence(name="other", status=status)).verdict is verdict


def test_covered_evidence_alone_is_inconclusive() -> None:
    assert rated(1, evidence(status=Status.COVERED)).verdict is Verdict.INCONCLUSIVE


def test_it_counts_for_the_goals_that_it_names_only() -> None:
    other = evidence(name="other", status=Status.NOT_NEEDED, goals=(Goal.PRIVACY,))
    assert rated(1, WITHSTOOD, other).verdict is Verdict.MET


def test_what_the_time_limit_ended_shows_a_success_and_excludes_nothing() -> None:
    def limited(successes: int) -> Evidence:
        one = evidence(trial(of(successes, 400)))
        result = one.result.model_copy(update={"limited": True})
        return one.model_copy(update={"result": result})

    assert rated(1, limited(300)).verdict is Verdict.NOT_MET
    result = rated(1, limited(0))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "stopped by the time limit" in result.reason


@pytest.mark.parametrize(("blind", "broken"), [((0, 50), (24, 200)), ((0, 200), (4, 50))])
def test_masked_gradients_show_whichever_look_settled_each_run(
    blind: tuple[int, int], broken: tuple[int, int]
) -> None:
    """One that ends with its first look, on the first inputs of the other, covers up nothing."""
    gradients = evidence(trial(of(*blind)), name="pgd", needs=_seeing("gradients"))
    scores = evidence(trial(of(*broken)), name="square", needs=_seeing("scores"))
    assert [e.status for e in join_evidence([gradients, scores])] == [
        Status.CONTROL_FAILED,
        Status.TESTED,
    ]
    worse = evidence(trial(of(1, 50)), name="square", needs=_seeing("scores"))
    assert join_evidence([gradients, worse])[0].status is Status.TESTED


def _seeing(view: str) -> Requirement:
    return requires("insider").model_copy(update={"view": view})
