from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View

grades = st.sampled_from(Grade)
powers = st.builds(
    Power,
    knowledge=st.builds(Knowledge, data=grades, algorithm=grades, model=grades),
    capabilities=st.integers(0, 2**10 - 1).map(Capability),
    view=st.sampled_from(View),
    budget=st.builds(
        Budget,
        queries=st.sampled_from([0, 10, 1000, math.inf]),
        share=st.sampled_from([0.0, 0.01, 0.5]),
        compute_h=st.sampled_from([0.0, 1.0]),
    ),
)


@given(powers)
def test_every_attacker_has_its_own_power(p: Power) -> None:
    assert p.lacks(p) == ()


@given(powers, powers, powers)
def test_power_is_transitive(a: Power, b: Power, c: Power) -> None:
    if not a.lacks(b) and not b.lacks(c):
        assert not a.lacks(c)


@pytest.mark.requirement("S11")
@given(powers, powers, powers)
def test_a_stronger_attacker_lacks_no_more(a: Power, b: Power, need: Power) -> None:
    stronger = a.joined(b)
    assert not stronger.lacks(a)
    if not a.lacks(need):
        assert not stronger.lacks(need)


@pytest.mark.requirement("S6", "S7", "S8")
@pytest.mark.parametrize(
    ("grades", "box"),
    [((0, 0, 0), "black"), ((2, 2, 2), "white"), ((1, 0, 0), "grey"), ((2, 2, 1), "grey")],
)
def test_the_box_is_derived(grades: tuple[int, int, int], box: str) -> None:
    data, algorithm, model = map(Grade, grades)
    known = Knowledge(data=data, algorithm=algorithm, model=model)
    assert known.box == box
    assert known.perfect == (box == "white")


@pytest.mark.requirement("S12", "S16")
def test_t1_includes_t2_to_t4_and_m1_includes_m2() -> None:
    everything = Power(capabilities=Capability.T1 | Capability.M1)
    assert not everything.lacks(Power(capabilities=Capability.of(["T2", "T3", "T4", "M2"])))
    assert Power(capabilities=Capability.T2).lacks(Power(capabilities=Capability.T1))


def test_gaps_are_said_in_words() -> None:
    need = Power(
        knowledge=Knowledge(data=Grade.FULL),
        capabilities=Capability.T4,
        view=View.SCORES,
        budget=Budget(queries=100),
    )
    gaps = Power(view=View.LABELS).lacks(need)
    assert gaps == (
        "full knowledge of the training data (has none)",
        "capability T4: modify labels of specific training points",
        "a view of scores (sees labels)",
        "100 queries (has 0)",
    )


def test_a_rate_limit_turns_queries_into_days() -> None:
    assert Budget(queries_per_day=200).days(1000, 12) == 5.5
    assert Budget(queries_per_day=100, identities=2).days(1000, 0) == 5
    assert Budget().days(10**6, 0) == 0
    assert Budget(queries_per_day=0).days(1, 0) == math.inf
    assert Budget(queries_per_day=0).days(0, 24) == 1
