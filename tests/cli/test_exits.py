"""The exit code is the verdict: 0 never stands for something that was not shown."""

from __future__ import annotations

from itertools import combinations_with_replacement
from pathlib import Path

import pytest

from goalkeeper.cli.exits import Exit, FailOn, choose_exit_code
from goalkeeper.core.assessment import Assessment, Verdict
from goalkeeper.core.evidence import Status
from goalkeeper.core.goals import Goal
from tests.cli.inline import inline
from tests.report import sample

MIXTURES = [
    mixture
    for size in range(len(Goal) + 1)
    for mixture in combinations_with_replacement(Verdict, size)
]
RAN = tuple(e for e in sample.assessment().evidence if e.status is Status.TESTED)


def assessed(*verdicts: Verdict, status: Status = Status.TESTED) -> Assessment:
    """Return an assessment with these verdicts, all of whose attack runs have this status."""
    ratings = zip(sample.goals().items(), verdicts, strict=False)
    goals = {goal: rating.model_copy(update={"verdict": v}) for (goal, rating), v in ratings}
    evidence = tuple(
        e.model_copy(update={"result": e.result.model_copy(update={"status": status})}) for e in RAN
    )
    return sample.assessment().model_copy(update={"goals": goals, "evidence": evidence})


@pytest.mark.parametrize("fail_on", [FailOn.NOT_MET, FailOn.INCONCLUSIVE])
def test_zero_only_if_something_was_assessed_and_all_of_it_is_met(fail_on: FailOn) -> None:
    for mixture in MIXTURES:
        rated = set(mixture) - {Verdict.NOT_ASSESSED}
        code = choose_exit_code(assessed(*mixture), fail_on)
        assert (code == Exit.MET) == (rated == {Verdict.MET}), mixture


def test_what_is_wrong_has_its_own_code() -> None:
    for mixture in MIXTURES:
        code, rated = choose_exit_code(assessed(*mixture)), set(mixture) - {Verdict.NOT_ASSESSED}
        if not rated:
            assert code == Exit.NOTHING
        elif Verdict.NOT_MET in rated:
            assert code == Exit.NOT_MET
        elif Verdict.INCONCLUSIVE in rated:
            assert code == Exit.INCONCLUSIVE
            assert choose_exit_code(assessed(*mixture), FailOn.INCONCLUSIVE) == Exit.NOT_MET


@pytest.mark.parametrize("fail_on", FailOn)
def test_a_failed_attack_and_an_empty_run_are_never_zero(fail_on: FailOn) -> None:
    for mixture in MIXTURES:
        failed = assessed(*mixture, status=Status.FAILED_TO_RUN)
        assert choose_exit_code(failed, fail_on) == Exit.FAILED
        empty = assessed(*mixture).model_copy(update={"evidence": ()})
        assert choose_exit_code(empty, fail_on) == Exit.NOTHING


@pytest.mark.parametrize("verb", [["show"], ["show", "--json"], ["report", "--format", "text"]])
@pytest.mark.parametrize(
    ("verdict", "codes"),
    [
        (Verdict.MET, (0, 0, 0, 0)),
        (Verdict.NOT_MET, (0, 1, 1, 0)),
        (Verdict.INCONCLUSIVE, (0, 5, 1, 0)),
        (Verdict.NOT_ASSESSED, (0, 3, 3, 3)),
    ],
)
def test_rendering_gates_only_if_asked_to(
    verb: list[str], verdict: Verdict, codes: tuple[int, ...], tmp_path: Path
) -> None:
    assessed(verdict).save(tmp_path / "assessment.json")
    asked = [[], *(["--fail-on", str(value)] for value in FailOn)]
    found = tuple(inline(verb[0], tmp_path, *verb[1:], *words).code for words in asked)
    assert found == codes
