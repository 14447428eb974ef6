"""The shipped taxonomy: families, variants, who can mount them, and what is printed of them."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goalkeeper.core.errors import PolicyError
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.policy import NOTE, Policy, Variant, default_policy
from goalkeeper.policy._taxonomy import Work

POLICY = default_policy()
NO_SPENDING = Budget()

grades = st.sampled_from(Grade)
powers = st.builds(
    Power,
    knowledge=st.builds(Knowledge, data=grades, algorithm=grades, model=grades),
    capabilities=st.sets(st.sampled_from(list(Capability))).map(
        lambda cells: Capability.of([str(c.name) for c in cells])
    ),
    view=st.sampled_from(View),
    budget=st.builds(
        Budget, queries=st.sampled_from([0, 1, 2, 10, 1000]), share=st.sampled_from([0, 0.001, 0.1])
    ),
)


def mountable(power: Power, *, spending: bool = True) -> set[str]:
    """Ids of the variants for which this power suffices."""

    def enough(variant: Variant) -> bool:
        needs = variant.powers
        if not spending:
            needs = tuple(replace(need, budget=NO_SPENDING) for need in needs)
        return any(not power.lacks(need) for need in needs)

    return {v.id for v in POLICY.variants() if enough(v)}


@pytest.mark.requirement("S41", "S43")
def test_has_15_families_and_50_variants() -> None:
    assert len(POLICY.families) == 15
    assert len(POLICY.variants()) == 50
    assert sum(family.named for family in POLICY.families.values()) == 7
    assert len(POLICY.taxonomy.literature) == 49
    assert {v.expertise for v in POLICY.variants()} <= {"layman", "proficient", "expert"}


@pytest.mark.requirement("S9", "S10", "S11")
@pytest.mark.parametrize(
    ("attacker", "box", "count"),
    [
        ("outsider", "black", 9),
        ("customer", "grey", 24),
        ("contributor", "grey", 20),
        ("supplier", "grey", 19),
        ("device_holder", "grey", 34),
        ("interceptor", "black", 10),
        ("insider", "white", 50),
    ],
)
@pytest.mark.parametrize("spending", [False, True])
def test_applicable_variants_of_each_profile(
    attacker: str, box: str, count: int, *, spending: bool
) -> None:
    """The counts of the method's table, and path finding; the least spending never takes one."""
    power = POLICY.attackers[attacker].power
    assert len(mountable(power, spending=spending)) == count
    assert power.box == box


@pytest.mark.requirement("S6", "S8", "S9", "S10")
def test_the_worst_case_is_derived_and_stands_beside_realistic_attackers() -> None:
    perfect = [a.name for a in POLICY.attackers.values() if a.power.knowledge.perfect]
    assert perfect == ["insider"]
    for attacker in POLICY.attackers.values():
        words = f"{attacker.box} box" in attacker.label
        assert words, f"the label of {attacker.name} contradicts its box"


@pytest.mark.requirement("S11")
@given(powers, powers)
def test_a_stronger_attacker_never_has_fewer_attacks(one: Power, other: Power) -> None:
    stronger = one.joined(other)
    assert mountable(one) <= mountable(stronger)
    assert mountable(one, spending=False) <= mountable(stronger, spending=False)


@pytest.mark.requirement("S11")
def test_built_in_attackers_that_suffice_for_another_have_all_its_attacks() -> None:
    compared = 0
    for strong, weak in permutations(POLICY.attackers.values(), 2):
        if not strong.power.lacks(weak.power):
            compared += 1
            assert mountable(weak.power) <= mountable(strong.power)
    assert compared >= 6


@pytest.mark.requirement("S12", "S13", "S14", "S15", "S16", "S17", "S18", "S19", "S20")
@pytest.mark.parametrize("cell", Capability)
def test_every_capability_is_needed_or_sufficient_somewhere(cell: Capability) -> None:
    """Each of the ten cells, alone beside full knowledge and view, opens a variant."""
    full = Knowledge(data=Grade.FULL, algorithm=Grade.FULL, model=Grade.FULL)
    budget = Budget(queries=1e6, share=0.5)
    without = Power(knowledge=full, view=View.GRADIENTS, budget=budget)
    assert mountable(without) < mountable(replace(without, capabilities=cell))


def test_alternatives_are_minimal() -> None:
    for variant in POLICY.variants():
        cells = [power.capabilities for power in variant.powers]
        for one, other in permutations(cells, 2):
            assert one not in other.closed(), variant.id
    clean = POLICY.variant("poisoning.backdoor_clean")
    assert [p.capabilities for p in clean.powers] == [Capability.T2, Capability.T3]
    assert POLICY.variant("poisoning.label_flip").powers[0].capabilities is Capability.T4
    assert POLICY.variant("evasion.decision").powers[0].capabilities is Capability.M2


def test_campaigns_follow_what_is_attacked() -> None:
    for variant in POLICY.variants():
        if variant.family in ("evasion", "exhaustion"):
            wanted = "input"
        elif variant.family in ("membership", "attribute"):
            wanted = "attack" if variant.name == "audit_one_run" else "record"
        else:
            wanted = "attack"
        assert variant.campaign == wanted, variant.id


def test_the_source_spam_example_needs_no_skill() -> None:
    good_words = POLICY.variant("evasion.good_words")
    assert (good_words.expertise, good_words.equipment) == ("layman", "standard")
    assert good_words.least.queries == 0
    assert "S22" in good_words.requirements


def test_every_requirement_of_an_attack_is_covered_by_a_variant() -> None:
    """S43 to S51 name the attacks of the source; S20, S22, S24 to S27, S31, S33, S37, S40 more."""
    covered = {s for v in POLICY.variants() for s in v.requirements}
    wanted = {20, 22, 23, 24, 25, 26, 27, 30, 31, 32, 33, 34, 35, 37, 39, 40, *range(43, 53)}
    assert {f"S{i}" for i in wanted} <= covered


def test_metric_follows_the_kind_of_task() -> None:
    flip = POLICY.variant("poisoning.label_flip")
    assert flip.metric_for("indiscriminate") == "tolerance_multiple"
    assert flip.metric_for("targeted-class-2") == "success_rate"
    assert POLICY.variant("membership.shadow").metric_for("anything") == "likelihood_ratio"
    with pytest.raises(PolicyError, match="names none; did you mean 'backdoor'"):
        flip.metric_for("bakdoor")


def test_harms_count_what_is_measured_not_what_follows() -> None:
    assert [h.goal for h in POLICY.variant("extraction.with_scores").harms] == [
        Goal.CONFIDENTIALITY
    ]
    assert [str(h) for h in POLICY.variant("poisoning.backdoor_dirty").harms] == ["integrity.model"]
    assert all(v.harms for v in POLICY.variants())


@pytest.mark.requirement("S41", "S42")
def test_assignment_keeps_both_published_tables_and_the_definition() -> None:
    rows = {row.family: row for row in POLICY.assignment()}
    poisoning, extraction = rows["poisoning"], rows["extraction"]
    assert (poisoning.english, poisoning.german) == ("confidentiality", "availability")
    assert (extraction.english, extraction.german) == ("availability", "confidentiality")
    assert poisoning.primary == ("availability", "integrity.model")
    assert extraction.definition.startswith("confidentiality (also integrity.data: ")
    assert rows["tampering"].english == rows["tampering"].german == "-"
    assert "the other way round" in NOTE
    assert sum(row.english != row.german for row in rows.values()) == 2


@pytest.mark.requirement("S53")
def test_every_reference_can_be_cited() -> None:
    for variant in POLICY.variants():
        for key in variant.references:
            assert POLICY.citation(key)
    assert POLICY.citation("papernot2018map").endswith("2018. arXiv:1811.01134")
    with pytest.raises(PolicyError, match="did you mean 'madry2018'"):
        POLICY.citation("madry2017")


def test_what_was_not_checked_is_never_printed_as_a_fact() -> None:
    unchecked = Work(title="A Title", arxiv="0000.00000", checked="memory")
    assert unchecked.citation() == "A Title (reference from memory, not checked)"
    partly = Work(title="A Title", doi="10.1/1", venue="V", checked="index", unchecked=("doi",))
    assert partly.citation() == "A Title. V"
    shown = " ".join(POLICY.citation(key) for key in POLICY.taxonomy.literature)
    for work in POLICY.taxonomy.literature.values():
        for name in ("arxiv", "doi"):
            value = getattr(work, name)
            if value and (work.checked == "memory" or name in work.unchecked):
                assert value not in shown


def test_standards_name_their_framework_and_what_is_inferred() -> None:
    standards = {
        (s.framework, s.id): s.name for s in POLICY.variant("evasion.good_words").standards
    }
    assert standards["MITRE ATLAS 5.6.0", "AML.T0043.003"] == "Manual Modification"
    assert standards["CWE 4.20", "CWE-1039"] == ""
    fuzz = {(s.framework, s.id): s.name for s in POLICY.variant("nonsense.fuzz").standards}
    assert fuzz["CWE 4.20", "CWE-1039"] == "inferred"


def test_an_unknown_variant_names_the_nearest() -> None:
    with pytest.raises(PolicyError, match=r"did you mean 'evasion\.good_words'"):
        POLICY.variant("evasion.goodwords")


def test_loading_is_fast() -> None:
    """About 30 ms on one core; the bound leaves room for a busy machine."""
    best = min(_load_seconds() for _ in range(5))
    assert best < 0.15


def _load_seconds() -> float:
    start = time.perf_counter()
    Policy.load()
    return time.perf_counter() - start


def test_the_default_is_read_once() -> None:
    assert default_policy() is default_policy()
    assert all(attacker.name == name for name, attacker in POLICY.attackers.items())
