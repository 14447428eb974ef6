"""Planning: who can mount what, why not, and that a stronger attacker never has fewer attacks."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import ClassVar, final

import numpy as np
import pytest
from hypothesis import given, settings

from goalkeeper.attack_run import AnyAttack, AttackRun, evaluate
from goalkeeper.attacks import catalogue
from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.membership.loss_threshold import LossThreshold
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Floats
from goalkeeper.core.errors import DescriptionError, NotGranted, PolicyError
from goalkeeper.core.evidence import Status
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import Attacker, Capability, Grade, Knowledge, Power, View
from goalkeeper.core.standing import Standing
from goalkeeper.games.base import Task, resize
from goalkeeper.games.extraction import Extraction
from goalkeeper.games.membership import Membership
from goalkeeper.planning import Choice, Plan, grants, make_plan, needs, variant_of
from goalkeeper.policy import default_policy
from tests.attacks.membership.gaussian import application
from tests.contract.harness import build
from tests.core.test_power import powers

POLICY = default_policy()
ATTACKS = {name: attack() for name, attack in catalogue().items()}


def playable(power: Power) -> set[str]:
    who = Attacker(name="someone", power=power)
    return {
        name
        for name, attack in ATTACKS.items()
        if grants(attack, who, needs(attack, POLICY.variant(attack.variant)))
    }


@pytest.mark.requirement("S11")
@settings(deadline=None, derandomize=True)
@given(powers, powers)
def test_a_stronger_attacker_never_has_fewer_attacks(a: Power, b: Power) -> None:
    assert playable(a) <= playable(a.joined(b))


@pytest.mark.requirement("S8", "S9")
def test_perfect_knowledge_can_play_everything() -> None:
    assert playable(POLICY.attackers["insider"].power) == set(ATTACKS)


@settings(deadline=None, derandomize=True)
@given(powers)
def test_a_grant_is_never_more_than_the_attacker_has(power: Power) -> None:
    who = Attacker(name="someone", power=power)
    for attack in ATTACKS.values():
        for granted in grants(attack, who, needs(attack, POLICY.variant(attack.variant))):
            assert power.lacks(granted) == ()
            assert granted.budget.queries <= attack.most.queries


@final
@dataclass(frozen=True, kw_only=True)
class UsesEverything(Attack[Data, Floats]):
    """Make use of all that there is, of every kind; a query is enough."""

    game: ClassVar = Membership
    variant: ClassVar[str] = "membership.threshold"
    reference: ClassVar[str] = "none"
    uses: ClassVar[Power] = Power(
        knowledge=Knowledge(data=Grade.FULL, algorithm=Grade.FULL, model=Grade.FULL),
        capabilities=reduce(or_, Capability),
        view=View.GRADIENTS,
    )

    def run(self, question: Data, access: Access) -> Floats:
        return np.zeros(len(question))


@settings(deadline=None, derandomize=True)
@given(powers)
def test_what_an_attack_can_use_is_granted_as_far_as_the_attacker_has_it(power: Power) -> None:
    attack = UsesEverything()
    alternatives = needs(attack, POLICY.variant(attack.variant))
    granted = grants(attack, Attacker(name="someone", power=power), alternatives)
    for grant in granted:
        assert power.lacks(grant) == ()
    if granted:
        most, has = granted[-1], power.capabilities.closed()
        assert (most.knowledge, most.view) == (power.knowledge, power.view)
        assert most.capabilities & has == has


def planned(*names: str, choice: Choice | None = None) -> Plan:
    attackers = tuple(POLICY.attackers[name] for name in names)
    return make_plan(replace(application(0, n=60), attackers=attackers), POLICY, choice=choice)


@pytest.mark.requirement("S5", "S10")
def test_every_skip_has_a_reason_and_every_play_an_attacker() -> None:
    plan = planned(*POLICY.attackers)
    assert all(entry.reasons for entry in plan.entries if entry.unit is None)
    assert {e.attacker.name for e in plan.entries} == set(POLICY.attackers)


def weaker(need: Power) -> Iterator[tuple[str, Power]]:
    """Take one piece at a time from what an attack needs."""
    for name, grade in need.knowledge.items():
        if grade:
            less = replace(need.knowledge, **{name: Grade(grade - 1)})
            yield f"less {name}", replace(need, knowledge=less)
    for cell in need.capabilities.names():
        left = need.capabilities & ~Capability[cell]
        yield f"no {cell}", replace(need, capabilities=left)
    if need.view:
        yield "less view", replace(need, view=View(need.view - 1))


@pytest.mark.requirement("S5", "S11")
@pytest.mark.parametrize("name", ATTACKS)
def test_without_any_one_piece_an_attack_is_skipped_for_that_reason(name: str) -> None:
    """What is skipped would be refused if it were played, and the reason names what is missing."""
    attack = ATTACKS[name]
    alternatives = needs(attack, POLICY.variant(attack.variant))
    everything = reduce(lambda a, b: a.joined(b), alternatives)
    for piece, less in weaker(everything):
        if any(not less.lacks(need) for need in alternatives):
            continue  # an alternative does without this piece
        who = Attacker(name="someone", power=less)
        assert grants(attack, who, alternatives) == (), piece
        gaps = min((less.lacks(need) for need in alternatives), key=len)
        assert len(gaps) == 1, piece
        with pytest.raises(NotGranted, match=re.escape(gaps[0])):
            run_with(attack, less)


def run_with(attack: AnyAttack, power: Power) -> None:
    domain = min(attack.domains & attack.game.domains)
    app = build(type(attack), domain, "rigged", 0)
    task = next(t for t in attack.game().tasks(app) if attack.covers(t))
    alternatives = needs(attack, POLICY.variant(attack.variant))
    game = attack.game().smaller()
    this = AttackRun(attack=attack, game=game, task=task, granted=power, seed=0, needs=alternatives)
    evaluate(app, this)


@pytest.mark.parametrize("attacker", POLICY.attackers)
@pytest.mark.parametrize("name", ATTACKS)
def test_reasons_are_right_for_every_attacker_and_attack(name: str, attacker: str) -> None:
    """A skipped attack is refused to its attacker, and with what the reasons name it is not."""
    attack, who = ATTACKS[name], POLICY.attackers[attacker]
    alternatives = needs(attack, POLICY.variant(attack.variant))
    if grants(attack, who, alternatives):
        assert any(not who.power.lacks(need) for need in alternatives)
        return
    with pytest.raises(NotGranted):
        run_with(attack, who.power)
    nearest = min(alternatives, key=lambda need: len(who.power.lacks(need)))
    assert grants(attack, replace(who, power=who.power.joined(nearest)), alternatives)


def test_attackers_with_the_same_grant_share_a_play() -> None:
    plan = planned("customer", "device_holder")
    units = {
        e.attacker.name: e.unit.id for e in plan.entries if e.unit and e.attack == "loss_threshold"
    }
    assert len(units) == 2
    assert len(set(units.values())) == 1
    assert plan.hypotheses()[Goal.PRIVACY] == len(
        {e.unit.id for e in plan.entries if e.unit and Goal.PRIVACY in e.goals}
    )


def test_useful_knowledge_is_played_beside_the_least() -> None:
    entries = [e for e in planned("insider").entries if e.attack == "shadow_likelihood"]
    known = [e.need.knowledge for e in entries]
    assert known == [
        Knowledge(data=Grade.PARTIAL, algorithm=Grade.PARTIAL),
        Knowledge(data=Grade.FULL, algorithm=Grade.FULL),
    ]


@pytest.mark.parametrize(
    ("attacker", "status"),
    [
        ("customer", Status.NOT_APPLICABLE),
        # The grant of this attack has no knowledge of the model, but these have it in their hands.
        ("device_holder", Status.NOT_TESTED),
        ("insider", Status.NOT_TESTED),
    ],
)
def test_a_view_that_the_application_cannot_give_is_ruled_out_unless_the_model_is_held(
    attacker: str, status: Status
) -> None:
    app = application(0, n=60)

    class LabelsOnly:
        offers = View.LABELS
        answer = app.target.answer
        parameters = app.target.parameters
        artefact = app.target.artefact

    hidden = replace(app, target=LabelsOnly(), attackers=(POLICY.attackers[attacker],))
    entries = [e for e in make_plan(hidden, POLICY).entries if e.attack == "loss_threshold"]
    assert {e.status for e in entries} == {status}
    assert all("returns only labels" in e.reasons[0] for e in entries)


def test_variants_without_an_attack_are_never_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    variant = "evasion.decision"
    fewer = {name: attack for name, attack in catalogue().items() if attack.variant != variant}
    monkeypatch.setattr("goalkeeper.planning.making.catalogue", lambda: fewer)
    gaps = [e for e in planned("insider").entries if not e.attack]
    covered = {e.variant.id for e in planned("insider").entries if e.attack}
    elsewhere = {v.id for v in POLICY.variants() if v.measured_by in covered}
    assert elsewhere == {"poisoning.feedback"}
    assert {e.variant.id for e in gaps} | covered | elsewhere == {v.id for v in POLICY.variants()}
    assert not elsewhere & {e.variant.id for e in gaps}
    told = {e.status for e in gaps if not e.variant.inputs and e.standing.decides}
    assert told == {Status.NOT_TESTED}
    assert variant in {e.variant.id for e in gaps}


def test_a_choice_keeps_to_what_was_chosen_and_says_so() -> None:
    choice = Choice(goals=(Goal.PRIVACY,), attacks=("loss_threshold",))
    plan = planned("customer", choice=choice)
    assert {e.attack for e in plan.entries if e.unit} == {"loss_threshold"}
    assert all(Goal.PRIVACY in e.goals for e in plan.entries)
    left_out = [e for e in plan.entries if e.attack == "shadow_likelihood"]
    assert {e.status for e in left_out} == {Status.EXCLUDED}


def test_settings_are_part_of_the_identity() -> None:
    def ids(**values: int) -> set[str]:
        choice = Choice(settings={"shadow_likelihood": values} if values else {})
        entries = planned("customer", choice=choice).entries
        return {e.unit.id for e in entries if e.unit and e.attack == "shadow_likelihood"}

    assert ids() == ids(models=64) != ids(models=32)
    with pytest.raises(DescriptionError, match="'models'"):
        ids(model=3)


def test_whatever_decides_a_result_is_part_of_the_identity() -> None:
    """Two attack runs share an id, and so a result, only if nothing that decides it differs."""
    app, other_data = application(0, n=60), application(1, n=60)

    def ids(app: Application = app, seed: int = 0) -> set[str]:
        chosen = Choice(attacks=("shadow_likelihood",), attackers=("insider",))
        plan = make_plan(app, POLICY, choice=chosen, seed=seed)
        return {entry.unit.id for entry in plan.entries if entry.unit}

    usual = ids()
    assert usual == ids()
    assert len(usual) == 2  # with the least that it needs, and with all that the attacker knows
    for changed in (ids(seed=1), ids(other_data)):
        assert len(changed) == 2
        assert not changed & usual


def test_an_attack_of_a_variant_that_does_not_exist_is_named() -> None:
    class Astray(LossThreshold):  # type: ignore[misc]
        variant: ClassVar[str] = "membership.nowhere"

    with pytest.raises(PolicyError, match=r"the attack astray .*no variant 'membership.nowhere'"):
        variant_of("astray", Astray, POLICY)


def test_a_variant_that_concerns_other_inputs_is_not_applicable() -> None:
    gaps = [e for e in planned("insider").entries if e.variant.id == "evasion.good_words"]
    assert {(e.status, e.reasons) for e in gaps} == {
        (Status.NOT_APPLICABLE, ("applies only to text inputs",))
    }


@dataclass(frozen=True, kw_only=True)
class ByAttacker(Membership):  # type: ignore[misc]
    """Membership whose baseline knows the attacker's data, and that harms one attacker only."""

    def baseline_power(self, attacker: Power) -> Power:
        return Power(knowledge=Knowledge(data=attacker.knowledge.data))

    def standing(self, app: Application, task: Task, attacker: Attacker) -> Standing:
        return Standing.no_harm("granted") if attacker.name == "insider" else Standing()


def test_attackers_share_a_run_only_where_the_baseline_is_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ("customer", "device_holder", "insider")
    monkeypatch.setattr(LossThreshold, "game", ByAttacker)
    plan = planned(*names, choice=Choice(attacks=("loss_threshold",)))
    units = {e.attacker.name: e.unit for e in plan.entries if e.unit}
    assert units["customer"].id == units["device_holder"].id != units["insider"].id
    has = {name: unit.run.attacker or Power() for name, unit in units.items()}
    known = {name: power.knowledge.data for name, power in has.items()}
    assert known == {
        "customer": Grade.PARTIAL,
        "device_holder": Grade.PARTIAL,
        "insider": Grade.FULL,
    }


def test_a_run_that_may_not_decide_is_planned_as_such_and_is_no_test(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(LossThreshold, "game", ByAttacker)
    plan = planned("insider", "customer", choice=Choice(attacks=("loss_threshold",)))
    rows = {r.attacker: r.standing for r in (e.row() for e in plan.entries) if r.unit}
    assert rows == {"customer": Standing(), "insider": Standing.no_harm("granted")}
    assert plan.hypotheses()[Goal.PRIVACY] == 1


def test_whether_an_attack_fits_is_asked_only_where_somebody_could_and_would_run_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To find out may take trainings of the model."""
    from goalkeeper.planning import matching

    asked: list[str] = []

    def noted(app: Application, attack: AnyAttack, task: Task) -> None:
        asked.append(type(attack).__name__)

    monkeypatch.setattr(matching, "refusal", noted)
    app = application(0, n=60)
    make_plan(app, choice=Choice(attackers=("outsider",)))
    assert "ColumnsFromLabels" in asked
    assert "SeedChoice" not in asked, "an outsider does not train"
    asked.clear()
    make_plan(app)
    assert {"LossThreshold", "SeedChoice"} <= set(asked)
    asked.clear()
    make_plan(app, choice=Choice(goals=(Goal.AVAILABILITY,)))
    assert asked
    assert "LossThreshold" not in asked, "privacy is not asked for"
    asked.clear()
    make_plan(app, choice=Choice(attacks=("loss_threshold",)))
    assert set(asked) == {"LossThreshold"}, "no other attack is asked for"


def test_a_sample_that_the_data_fills_either_way_is_looked_at_once() -> None:
    """A second look at the same records would settle nothing, and have a part of alpha only."""
    plan = make_plan(application(0, n=300), POLICY)
    looks = {e.attack: 1 if e.interim is None else 2 for e in plan.entries if e.unit}
    assert (looks["loss_threshold"], looks["substitute"]) == (1, 1)
    assert looks["shadow_likelihood"] == 2, "it has fewer models at its first look"
    larger = make_plan(application(0, n=2000), POLICY)
    assert all(e.interim for e in larger.entries if e.unit and e.attack == "loss_threshold")


def test_an_attack_whose_own_work_takes_the_time_is_made_once() -> None:
    """A copy is as dear with fewer unseen inputs to judge it on; reference models grow."""
    plan = make_plan(application(0, n=2000), POLICY)
    looks = {e.game: e.interim is not None for e in plan.entries if e.unit}
    assert not looks["extraction"]
    assert looks["membership"]
    assert resize(Extraction(), 2).inputs == 2 * Extraction().inputs, "an effort still counts"


@pytest.mark.parametrize("game", [Membership, Extraction])
def test_a_game_that_the_data_fills_asks_the_same_question(
    game: type[Membership] | type[Extraction],
) -> None:
    app = application(0, n=300)
    task = game().tasks(app)[0]
    for size in (resize(game(), 0.25), game()):
        dealt = [one.deal(app, task, np.random.default_rng(1)) for one in (size, size.filled(app))]
        assert pickle.dumps(dealt[0].secret) == pickle.dumps(dealt[1].secret)
