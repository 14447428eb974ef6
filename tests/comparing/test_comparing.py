"""What a comparison claims, and what it does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import goalkeeper as gk
from goalkeeper.comparing import AttackChange, Comparison, Direction, compare
from goalkeeper.core.assessment import Assessment, AttackerRow, PlanRow, Verdict
from goalkeeper.core.evidence import Status
from goalkeeper.core.goals import Goal
from tests.comparing.pairs import CASES, COPIES, NAME, N, audit, changed, gains


def row_of(found: Comparison, name: str = NAME) -> AttackChange:
    return next(row for row in found.attacks if row.attack == name)


def test_more_successes_are_worse_and_fewer_are_better() -> None:
    """The direction is the defender's; the goal of the attack changes, the other does not."""
    worse = compare(audit(20), audit(60))
    assert row_of(worse).change is Direction.WORSE
    assert worse.goals[Goal.INTEGRITY].change is Direction.WORSE
    assert worse.goals[Goal.INTEGRITY].made_by == (NAME,)
    assert worse.goals[Goal.AVAILABILITY].change is Direction.UNDECIDED
    assert worse.worse
    better = compare(audit(60), audit(20))
    assert better.goals[Goal.INTEGRITY].change is Direction.BETTER
    assert not better.worse


def test_the_worst_attack_decides_a_goal() -> None:
    other = CASES[1].name
    found = compare(audit({NAME: 20, other: 80}), audit({NAME: 80, other: 20}))
    goal = found.goals[Goal.INTEGRITY]
    assert goal.change is Direction.WORSE
    assert other in goal.sentence


def test_the_same_items_find_what_other_items_do_not() -> None:
    """14 of 200 items more: exact on the same items, and within chance for others."""
    same = compare(audit(20), audit(34))
    others = compare(audit(20), audit(34, first=100_000, seed=1))
    assert row_of(same).paired
    assert row_of(same).change is Direction.WORSE
    assert not row_of(others).paired
    assert "only 0 items" in row_of(others).pairing
    assert row_of(others).change is Direction.UNDECIDED


def test_an_undecided_attack_names_the_samples_that_would_tell() -> None:
    row = row_of(compare(audit(20), audit(23)))
    assert row.samples is not None
    assert row.samples.now == N
    assert row.samples.size_seen is not None
    assert row.samples.size_seen > N
    assert f"{row.samples.size_seen:,}" in row.reason


def test_holm_is_over_all_attacks_compared() -> None:
    """One p-value is corrected by eight attacks, of two goals."""
    row = row_of(compare(audit(20), audit(28)))
    assert row.p is not None
    assert row.p_holm == pytest.approx(row.p * len(CASES))


def test_a_look_may_spend_its_share_only() -> None:
    """Where one of the runs stopped at its first look, the p-value is divided by that share."""
    before = audit(20)
    after = changed(audit(28), look=1, looks=2)
    row, whole = row_of(compare(before, after)), row_of(compare(before, audit(28)))
    assert row.p == whole.p
    assert row.p_holm == pytest.approx(4 * (whole.p_holm or 0))


@pytest.mark.parametrize(
    ("update", "words"),
    [
        ({"status": Status.CONTROL_FAILED, "reason": "it is too weak"}, "control failed after"),
        ({"status": Status.NOT_NEEDED, "reason": "settled"}, "only in A: in B it was not needed"),
        ({"limited": True}, "time limit"),
        ({"threat": "at Linf 0.3"}, "threat differs"),
        ({"settings": {"steps": 7}}, "settings of the attack differ"),
        ({"trials": ()}, "no counts"),
    ],
)
def test_what_cannot_be_compared_is_no_change(update: dict[str, Any], words: str) -> None:
    """However large the difference is, nothing is claimed, and the reason is said."""
    found = compare(audit(20), changed(audit(180), **update))
    assert row_of(found).change is Direction.UNDECIDED
    assert not row_of(found).compared
    assert words in row_of(found).reason
    assert found.goals[Goal.INTEGRITY].compared == len(CASES) // 2 - 1


def test_an_attack_of_one_run_only_is_no_change() -> None:
    before = audit(20)
    less = before.model_copy(
        update={"evidence": tuple(e for e in before.evidence if e.attack != NAME)}
    )
    assert row_of(compare(before, less)).reason.startswith("only in A")
    assert row_of(compare(less, before)).reason.startswith("only in B")


def with_power(assessment: Assessment, queries: float) -> Assessment:
    row = AttackerRow(
        name=NAME,
        label="",
        box="",
        knowledge={},
        capabilities=(),
        view="labels",
        window="easy",
        queries=queries,
        queries_per_day=10,
        identities=1,
        share=0,
        compute_h=0,
    )
    return assessment.model_copy(update={"attackers": (row,)})


def test_an_attacker_with_other_power_is_compared_and_the_power_is_named() -> None:
    """As users compare an application with its hardened form; who reads it must know why."""
    found = compare(with_power(audit(90), 10_000), with_power(audit(20), 10))
    row, goal = row_of(found), found.goals[Goal.INTEGRITY]
    assert row.change is Direction.BETTER
    assert f"the power of {NAME} differs: queries 10,000 before, queries 10 after" == row.powers
    assert goal.powers == (NAME,)
    assert f"The power of {NAME} differs, which may be why." in goal.sentence
    effects = {each.what: each.effect for each in found.differences}
    assert "may differ for that reason" in effects[f"attacker {NAME}"]


def test_the_same_power_is_no_reason() -> None:
    found = compare(with_power(audit(90), 10), with_power(audit(20), 10))
    assert row_of(found).powers == ""
    assert "power" not in found.goals[Goal.INTEGRITY].sentence


def test_an_attack_with_another_grant_is_matched_by_its_attacker() -> None:
    """The id of evidence depends on the grant; the attack, the task and the attacker are alike."""
    requires = audit(20).evidence[0].requires.model_copy(update={"view": "scores"})
    after = changed(audit(90), id="Eother", unit="other", requires=requires)
    row = row_of(compare(audit(20), after))
    assert row.change is Direction.WORSE
    assert row.evidence[1] == "Eother"
    assert row.powers == "it was made with another grant: sees labels before, sees scores after"


def test_what_decided_and_is_no_longer_made_is_named_with_the_reason() -> None:
    before, after = audit(180), audit(20)
    goals = dict(before.goals)
    decided = next(e.id for e in before.evidence if e.attack == NAME)
    update = {"verdict": Verdict.NOT_MET, "cheapest_attack": decided}
    goals[Goal.INTEGRITY] = goals[Goal.INTEGRITY].model_copy(update=update)
    made = next(e for e in before.evidence if e.attack == NAME)
    skipped = PlanRow(
        attack=NAME,
        game=made.game,
        task=made.task,
        variant=made.variant,
        attacker=made.attacker,
        status="skipped",
        reasons=("needs a view of scores (sees labels)",),
    )
    kept = tuple(e for e in after.evidence if e.attack != NAME)
    after = after.model_copy(update={"evidence": kept, "plan": (skipped,)})
    found = compare(before.model_copy(update={"goals": goals}), after)
    goal = found.goals[Goal.INTEGRITY]
    assert goal.change is Direction.UNDECIDED
    assert "needs a view of scores (sees labels)" in goal.sentence
    assert f"What decided before, {NAME}" in goal.sentence
    assert "Verdicts changed all the same: integrity was not met and is" in found.summary


def test_nothing_in_common_is_said_with_the_command_that_helps() -> None:
    before = audit(20)
    found = compare(before, before.model_copy(update={"evidence": ()}))
    assert "Nothing was compared" in found.summary
    assert all(goal.change is Direction.UNDECIDED for goal in found.goals.values())
    assert f"--attack {NAME}" in found.next[0]
    assert "--seed 0" in found.next[0]


def test_what_differs_is_named_with_its_effect() -> None:
    """Policy, data, model, seed, effort, need and versions: each in one row."""
    before, after = audit(20), audit(20, seed=3)
    goals = dict(after.goals)
    need = goals[Goal.INTEGRITY].need.model_copy(update={"level": 3})
    goals[Goal.INTEGRITY] = goals[Goal.INTEGRITY].model_copy(update={"need": need})
    contents = {"data": "other", "target": "new"}
    after = after.model_copy(
        update={
            "policy": after.policy.model_copy(update={"sha256": "f" * 64}),
            "application": after.application.model_copy(update={"contents": contents}),
            "effort": 2.0,
            "goals": goals,
            "environment": {"numpy": "9.9"},
            "tool": after.tool.model_copy(update={"version": "9"}),
        }
    )
    found = compare(before, after)
    effects = {row.what: row.effect for row in found.differences}
    named = {"policy", "data", "model", "seed", "effort", "need of integrity", "numpy"}
    assert named | {"goalkeeper"} <= set(effects)
    assert "verdicts are not comparable, measurements are" in effects["policy"]
    assert not row_of(found).paired
    assert "not comparable" in found.goals[Goal.INTEGRITY].sentence


def test_a_verdict_that_no_measured_change_supports_is_no_change() -> None:
    before, after = audit(20), audit(20)
    goals = dict(after.goals)
    goals[Goal.INTEGRITY] = goals[Goal.INTEGRITY].model_copy(update={"verdict": "met"})
    found = compare(before, after.model_copy(update={"goals": goals}))
    assert found.goals[Goal.INTEGRITY].change is Direction.UNDECIDED
    assert "no measured change supports that" in found.goals[Goal.INTEGRITY].sentence


def test_the_json_has_goals_and_attacks() -> None:
    found = json.loads(compare(audit(20), audit(60)).to_json())
    assert found["goals"]["integrity"]["change"] == "worse"
    row = next(row for row in found["attacks"] if row["attack"] == NAME)
    assert {"task", "attackers", "grant", "metric", "p", "p_holm", "paired", "pairing"} <= set(row)
    assert row["before"]["low"] < row["before"]["value"] < row["before"]["high"]
    assert row["difference"]["value"] == pytest.approx(0.2)


def test_compare_reads_files_and_is_public(tmp_path: Path) -> None:
    one, other = tmp_path / "a.json", tmp_path / "b.json"
    audit(20).save(one)
    audit(60).save(other)
    found: Comparison = gk.compare(one, str(other))
    assert found.worse
    assert (found.before.source, found.after.source) == (str(one), str(other))


def test_a_gain_that_stays_is_no_change_where_the_baseline_is_another() -> None:
    """50 of 100, and 14 of 20, of what the best without access leaves: 12 % by chance."""
    row = row_of(compare(gains((150, 100)), gains((194, 180))))
    assert row.paired
    assert row.p is not None
    assert row.p > 0.1
    assert row.change is Direction.UNDECIDED


def test_a_gain_that_moves_is_found() -> None:
    row = row_of(compare(gains((150, 100)), gains((190, 100))))
    assert row.change is Direction.WORSE


def test_the_luck_of_one_copy_is_no_change() -> None:
    """509 and 528 of 540: measured of two copies of one model by one attack, with other seeds."""
    lucky, other = (gains((k, 509), n=540, kind=COPIES) for k in (528, 509))
    row = row_of(compare(other, lucky))
    assert not row.paired
    assert "luck" in row.pairing
    assert row.change is Direction.UNDECIDED


def test_a_copy_that_gets_nothing_more_is_a_change() -> None:
    row = row_of(
        compare(gains((530, 300), n=540, kind=COPIES), gains((310, 300), n=540, kind=COPIES))
    )
    assert row.change is Direction.BETTER
    assert row.samples is None
