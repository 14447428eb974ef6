"""The frameworks: no criterion is forgotten, and each variant belongs where it is said to."""

from __future__ import annotations

from collections import Counter

import pytest

from goalkeeper.core.frameworks import Framework
from goalkeeper.core.goals import Goal
from goalkeeper.policy import Variant, default_policy
from goalkeeper.policy._frameworks import framework_file

POLICY = default_policy()
FRAMEWORKS = {framework.key: framework for framework in POLICY.frameworks()}
WHOLE = [framework for framework in FRAMEWORKS.values() if framework.whole]


def criteria_of(variant: str, key: str) -> list[str]:
    return [c.id for c in FRAMEWORKS[key].criteria if variant in c.variants]


def test_every_framework_of_the_taxonomy_is_there() -> None:
    assert list(FRAMEWORKS) == list(POLICY.taxonomy.frameworks)
    assert {framework.key for framework in WHOLE} == {"aitg", "owasp_ml", "ai_act"}
    assert set(framework_file().frameworks) <= set(FRAMEWORKS)


def test_the_testing_guide_has_its_32_tests_and_the_top_ten_ten() -> None:
    """Counted in the guide's table of contents of version 1: 14, 7, 6 and 5."""
    pillars = Counter(c.id[5:8] for c in FRAMEWORKS["aitg"].criteria)
    assert pillars == {"APP": 14, "MOD": 7, "INF": 6, "DAT": 5}
    assert len(FRAMEWORKS["owasp_ml"].criteria) == 10


@pytest.mark.parametrize("framework", WHOLE, ids=lambda f: f.key)
def test_each_criterion_of_a_whole_list_is_mapped_or_says_why_not(framework: Framework) -> None:
    listed = {str(key): f for key, f in framework_file().frameworks.items()}[framework.key].criteria
    for criterion in framework.criteria:
        assert criterion.id in listed, f"{criterion.id} is no criterion of {framework.name}"
        assert bool(criterion.variants) != bool(criterion.outside), criterion.id
        assert not (criterion.outside and criterion.beyond), criterion.id


def test_every_reason_is_used() -> None:
    file = framework_file()
    used = {c.outside for f in file.frameworks.values() for c in f.criteria.values()}
    assert used - {""} == set(file.reasons)


@pytest.mark.parametrize("variant", POLICY.variants(), ids=lambda v: v.id)
def test_criteria_and_standards_of_a_variant_agree(variant: Variant) -> None:
    stated = {(s.framework, s.id) for s in variant.standards}
    mapped = {
        (framework.name, id_)
        for framework in FRAMEWORKS.values()
        for id_ in criteria_of(variant.id, framework.key)
    }
    assert stated == mapped


@pytest.mark.parametrize(
    ("variant", "test"),
    [
        ("evasion.good_words", "AITG-MOD-01"),
        ("nonsense.ood", "AITG-MOD-06"),
        ("poisoning.label_flip", "AITG-MOD-03"),
        ("poisoning.backdoor_clean", "AITG-MOD-03"),
        ("poisoning.feedback", "AITG-MOD-02"),
        ("teaching.online_feedback", "AITG-MOD-02"),
        ("tampering.during_training", "AITG-INF-05"),
        ("tampering.training_steps", "AITG-INF-05"),
        ("tampering.after_training", "AITG-INF-01"),
        ("tampering.undetected_swap", "AITG-INF-01"),
        ("exhaustion.sponge", "AITG-INF-02"),
        ("membership.shadow", "AITG-MOD-04"),
        ("inversion.score_based", "AITG-MOD-05"),
        ("attribute.white_box", "AITG-MOD-05"),
        ("property.poisoned", "AITG-MOD-05"),
        ("extraction.learning_based", "AITG-APP-09"),
        ("extraction.artefact_theft", "AITG-INF-06"),
        ("artefact_leak.parameters", "AITG-DAT-01"),
        ("linkage.link_outputs", "AITG-DAT-01"),
    ],
)
def test_which_test_of_the_guide_a_variant_belongs_to(variant: str, test: str) -> None:
    assert criteria_of(variant, "aitg") == [test]


def test_what_no_test_of_the_guide_asks_for_is_not_mapped() -> None:
    without = {v.id for v in POLICY.variants() if not criteria_of(v.id, "aitg")}
    assert {name.partition(".")[0] for name in without} == {"internals", "output"}


def test_a_mapping_of_ours_says_so() -> None:
    by_id = {c.id: c for c in FRAMEWORKS["aitg"].criteria}
    assert by_id["AITG-MOD-01"].inferred == ()
    assert set(by_id["AITG-INF-05"].inferred) == set(by_id["AITG-INF-05"].variants)
    property_ = {s.id: s.name for s in POLICY.variant("property.black_box").standards}
    assert property_["AITG-MOD-05"] == "inferred"


def test_a_criterion_knows_the_goals_that_its_attacks_count_for() -> None:
    by_id = {c.id: c for c in FRAMEWORKS["aitg"].criteria}
    assert by_id["AITG-MOD-04"].goals == (Goal.PRIVACY,)
    assert by_id["AITG-MOD-01"].goals == (Goal.INTEGRITY, Goal.AVAILABILITY)
    assert by_id["AITG-APP-01"].goals == ()
