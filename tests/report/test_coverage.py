"""Coverage: counts add up, and a criterion is withstood only where every attack run was."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from goalkeeper.core.assessment import Assessment, PlanRow, Verdict
from goalkeeper.core.evidence import AttackResult, Evidence, Rated, Status
from goalkeeper.core.frameworks import Criterion, Framework
from goalkeeper.core.goals import Goal
from goalkeeper.core.standing import Standing
from goalkeeper.report import Context, coverage_csv, coverage_json, renderers
from goalkeeper.report.coverage import CoveredCriterion, CriterionState, EvidenceFate
from goalkeeper.report.covering import cover
from tests.report import sample
from tests.report.page import Page
from tests.report.results import C, P, extraction, potential

STRONG = {"demonstrated": 4, "potential": 4, "attack_potential": potential(2)}
WEAK = {"demonstrated": 0, "potential": 0, "attack_potential": potential(2)}
COSTLY = {"demonstrated": 4, "potential": 4, "attack_potential": potential(40)}


def one(id_: str, status: Status, rated: dict[str, Any] | None = None, **more: Any) -> Evidence:
    """Return evidence of the variant v.v for confidentiality."""
    base = extraction()
    result = AttackResult(status=status, summary=f"summary {id_}", reason=f"reason {id_}")
    values = Rated(metric=base.metric, **rated) if rated else None
    given = {"id": id_, "variant": "v.v", "goals": (C,), "rated": values, "covered_by": ""}
    return base.model_copy(update={**given, "result": result, **more})


def assessed(*evidence: Evidence, plan: tuple[PlanRow, ...] = (), **more: Any) -> Assessment:
    base = sample.assessment()
    goals = base.goals | {C: base.goals[C].model_copy(update={"because": ()})}
    given = {"evidence": evidence, "plan": plan, "goals": goals}
    return base.model_copy(update={**given, **more})


def covered(assessment: Assessment, **about: Any) -> CoveredCriterion:
    given = {"id": "X-1", "variants": ("v.v",), "goals": (C,)} | about
    framework = Framework(key="x", name="X", whole=True, criteria=(Criterion(**given),))
    ((found,),) = (c.criteria for c in cover(assessment, (framework,)))
    return found


WITHSTOOD = one("E1", Status.TESTED, WEAK)
NO_HARM = Standing.no_harm("granted anyway")
LEFT_OPEN = [
    Status.NOT_NEEDED,
    Status.NOT_TESTED,
    Status.EXCLUDED,
    Status.FAILED_TO_RUN,
]


def test_every_run_made_and_withstood_is_withstood() -> None:
    found = covered(assessed(WITHSTOOD, one("E2", Status.NOT_APPLICABLE)))
    assert found.state is CriterionState.WITHSTOOD
    assert found.bracket == (0, 0)
    assert found.counted == "1 withstood, 1 not applicable"


@pytest.mark.parametrize("status", LEFT_OPEN)
def test_a_run_that_was_not_made_is_never_withstood(status: Status) -> None:
    found = covered(assessed(WITHSTOOD, one("E2", status)))
    assert found.state is CriterionState.IN_PART
    assert found.bracket == (0, 4)
    alone = covered(assessed(one("E2", status)))
    assert alone.state not in (
        CriterionState.WITHSTOOD,
        CriterionState.AS_FAR,
        CriterionState.IN_PART,
    )
    assert alone.reasons == (("reason E2", 1),)


def test_not_needed_is_not_withstood() -> None:
    assert covered(assessed(one("E2", Status.NOT_NEEDED))).state is CriterionState.NOT_NEEDED


def test_what_was_planned_and_never_made_keeps_it_open() -> None:
    row = sample.plan()[0].model_copy(update={"variant": "v.v", "attack": "late", "task": "t"})
    found = covered(assessed(WITHSTOOD, plan=(row,)))
    assert found.state is CriterionState.IN_PART
    assert found.counts[EvidenceFate.STOPPED] == 1


def test_a_goal_that_the_run_was_not_asked_for_keeps_it_open() -> None:
    found = covered(assessed(WITHSTOOD), goals=(C, P))
    assert found.state is CriterionState.WITHSTOOD
    only = assessed(WITHSTOOD)
    only = only.model_copy(update={"goals": {C: only.goals[C]}})
    found = covered(only, goals=(C, P))
    assert (found.state, found.bracket) == (CriterionState.IN_PART, (0, 4))
    assert found.reasons[0] == ("this run was not asked to assess privacy", 0)
    assert covered(only, goals=(P,), variants=("w.w",)).state is CriterionState.EXCLUDED


def test_what_goalkeeper_does_not_examine_limits_what_is_said() -> None:
    found = covered(assessed(WITHSTOOD), beyond="the build pipeline")
    assert found.state is CriterionState.AS_FAR
    assert "not examined by goalkeeper: the build pipeline" in found.why


def test_what_succeeds_or_is_inconclusive_comes_first() -> None:
    open_ = one("E3", Status.CONTROL_FAILED)
    assert covered(assessed(WITHSTOOD, open_)).state is CriterionState.INCONCLUSIVE
    hit = one("E4", Status.TESTED, STRONG)
    assessment = assessed(WITHSTOOD, open_, hit)
    lost = assessment.goals[C].model_copy(update={"verdict": Verdict.NOT_MET, "because": ("E4",)})
    assessment = assessment.model_copy(update={"goals": {**assessment.goals, C: lost}})
    found = covered(assessment)
    assert found.state is CriterionState.SUCCEEDED
    assert found.evidence == "E4"
    assert found.decides == ("confidentiality: not met",)
    assert found.bracket == (4, 4)


def test_what_costs_too_much_is_counted_apart_from_what_does_not_work() -> None:
    found = covered(assessed(one("E5", Status.TESTED, COSTLY), WITHSTOOD))
    assert found.counted == "1 too costly, 1 withstood"
    assert found.state is CriterionState.WITHSTOOD


def test_covered_counts_only_beside_what_covers_it() -> None:
    weaker = one("E6", Status.COVERED, covered_by="E1")
    assert covered(assessed(WITHSTOOD, weaker)).state is CriterionState.WITHSTOOD
    assert covered(assessed(weaker)).state is CriterionState.NOT_TESTED


def test_what_counts_for_no_verdict_shows_nothing() -> None:
    made = one("E7", Status.TESTED, STRONG, standing=NO_HARM)
    found = covered(assessed(made))
    assert (found.state, found.bracket) == (CriterionState.APART, None)
    assert found.reasons == (("granted anyway", 1),)
    assert covered(assessed(made, WITHSTOOD)).state is CriterionState.WITHSTOOD
    rest = one("E8", Status.NOT_NEEDED, standing=NO_HARM)
    assert covered(assessed(rest)).counts == {EvidenceFate.APART_NOT_MADE: 1}


def test_without_an_attacker_the_plan_says_why() -> None:
    skipped = sample.plan()[1].model_copy(update={"variant": "v.v"})
    found = covered(assessed(plan=(skipped,)))
    assert found.state is CriterionState.NO_ATTACKER
    assert found.reasons == (("full knowledge of the model (has none)", 1),)


def test_outside_says_why_whatever_was_tested() -> None:
    found = covered(assessed(WITHSTOOD), variants=(), outside="it is about prompts")
    assert (found.state, found.total) == (CriterionState.OUTSIDE, 0)
    assert found.reasons == (("it is about prompts", 0),)


def test_every_status_and_state_is_thought_of() -> None:
    """A status without a fate would raise; each gives one piece in one count."""
    for status in Status:
        found = covered(assessed(one("E9", status, WEAK if status is Status.TESTED else None)))
        assert found.total == 1, status


# ---- the sample, in every format -----------------------------------------------------------------


def test_counts_add_up() -> None:
    assessment = sample.assessment()
    (whole,) = cover(assessment, (sample.framework(),))
    planned = {(r.attack, r.task, r.attacker) for r in assessment.plan if r.status == "planned"}
    made = {(e.attack, e.task, e.attacker) for e in assessment.evidence}
    assert whole.evidence == len(assessment.evidence) + len(planned - made)
    assert whole.mapped == sum(c.total for c in whole.criteria)  # each variant has one criterion
    assert len(whole.table.rows) + 1 == len(whole.criteria)
    for criterion in whole.criteria:
        assert sum(criterion.counts.values()) == criterion.total
    counts = [int(word.strip().split()[0]) for word in whole.counted.split(": ", 1)[1].split(";")]
    assert sum(counts) == len(whole.criteria)


def test_the_page_shows_each_framework_folded() -> None:
    text = renderers()["html"]().render(sample.assessment(), sample.context())
    assert "A made-up framework" in Page(text).root.text
    assert "M-PROMPT Prompts: it is about language models." in Page(text).root.text
    without = renderers()["html"]().render(sample.assessment(), Context())
    assert "Coverage of public frameworks" not in Page(without).root.text


def test_csv_has_a_row_for_each_criterion_and_computes_nothing() -> None:
    rows = list(csv.DictReader(io.StringIO(coverage_csv(sample.assessment(), sample.context()))))
    assert [row["criterion"] for row in rows] == [c.id for c in sample.framework().criteria]
    for row in rows:
        assert sum(int(row[f.name.lower()]) for f in EvidenceFate) == int(row["evidence_total"])
    evil = Framework(
        key="x", name="=1+1", whole=False, criteria=(Criterion(id="@x", outside="-2"),)
    )
    (row,) = csv.DictReader(
        io.StringIO(coverage_csv(sample.assessment(), Context(frameworks=(evil,))))
    )
    assert (row["framework"], row["criterion"], row["reasons"]) == ("'=1+1", "'@x", "'-2")


def test_json_says_the_same() -> None:
    found = json.loads(coverage_json(sample.assessment(), sample.context()))
    assert set(found["goals"]) == {str(g) for g in Goal}
    made_up = found["frameworks"]["made_up"]
    (whole,) = cover(sample.assessment(), (sample.framework(),))
    assert made_up["mapped"] == whole.mapped
    assert [c["result"] for c in made_up["criteria"]] == [
        c.state.name.lower() for c in whole.criteria
    ]
