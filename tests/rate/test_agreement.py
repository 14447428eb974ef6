"""The rating agrees with references that were written apart from it."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import Any

import pytest

from goalkeeper.core.assessment import Bracket
from goalkeeper.core.evidence import AttackResult, Evidence, Status
from goalkeeper.core.goals import Goal
from goalkeeper.core.need import Adjustment, Damage
from goalkeeper.games import tallies
from goalkeeper.policy import protection_need
from tests.rate.making import RULES, SECRECY, random_evidence, rated, stream


def reference_points(one: Evidence, need: int, hypotheses: int) -> list[tuple[int, int, int, bool]]:
    """(demonstrated, potential, attack potential, tested), written out from the method's text."""
    req, rules = one.requires, RULES
    tables = rules.attack_potential

    def potential_of(queries: float, hours: float) -> int:
        rate_of = req.queries_per_day * req.identities
        days = (0 if math.isinf(rate_of) else queries / rate_of) + hours / 24
        time = next(points for most, points in tables.elapsed_time if days <= most)
        secrets = [
            tables.knowledge[SECRECY[aspect][grade]]
            for aspect, grade in req.knowledge.items()
            if grade in ("partial", "full")
        ]
        rest = tables.expertise[req.expertise] + tables.equipment[req.equipment]
        return time + max(secrets, default=0) + rest + tables.window[req.window]

    tested, found = one.status is Status.TESTED, []
    if not tested:
        low, high = {Status.NOT_APPLICABLE: (0, 0)}.get(one.status, (0, 4))
        found.append((low, high, potential_of(0, 0), False))
    edges = rules.metrics[one.metric].edges
    for mine in one.result.trials:
        larger = [t for t in one.result.trials if t.budget >= mine.budget]
        smaller = [t for t in one.result.trials if t.budget <= mine.budget]
        lows = [tallies.bounds(t.tally, 0.05 / hypotheses)[0] for t in larger]
        highs = [tallies.bounds(t.tally, 0.05)[1] for t in smaller]
        dem = min(sum(low > edge for edge in edges) for low in lows)
        pot = max(sum(high > edge for edge in edges) for high in highs)
        if need == 3 and any(t.verified for t in smaller):
            dem, pot = max(dem, 1), max(pot, 1)
        pot = pot if tested else 4
        found.append((dem, pot, potential_of(mine.queries, mine.compute_h), tested))
    return found


def reference_goal(
    need: int, points: list[tuple[int, int, int, bool]]
) -> tuple[str, float, float, tuple[int, int]]:
    critical, required = {1: 3, 2: 2, 3: 1}[need], {1: 14, 2: 20, 3: 25}[need]
    dem = min((ap for level, _, ap, _ in points if level >= critical), default=math.inf)
    pot = min((ap for _, level, ap, _ in points if level >= critical), default=math.inf)
    if not any(point[3] for point in points):
        pot = 0

    def risk(ap: float) -> int:
        column = 3 if ap <= 13 else 2 if ap <= 19 else 1 if ap <= 24 else 0
        return {1: (1, 2, 2, 3), 2: (1, 2, 3, 4), 3: (2, 3, 4, 5)}[need][column]

    verdict = "not_met" if dem < required else "met" if pot >= required else "inconclusive"
    return verdict, dem, pot, (risk(dem), risk(pot))


@pytest.mark.requirement("S2")
@pytest.mark.parametrize("need", [1, 2, 3])
def test_agrees_with_a_reference_written_apart(need: int) -> None:
    rnd = stream(need)
    for _ in range(800):
        found = [random_evidence(rnd, i) for i in range(rnd.randint(0, 5))]
        m = rnd.choice([1, 2, 7])
        points = [p for one in found for p in reference_points(one, need, m)]
        result = rated(need, *found, hypotheses=m)
        verdict, dem, pot, risk = reference_goal(need, points)
        assert str(result.verdict) == verdict
        assert (result.demonstrated, result.potential) == (dem, pot)
        assert result.risk == Bracket(low=risk[0], high=risk[1])
        if any(point[3] for point in points):
            required = {1: 14, 2: 20, 3: 25}[need]
            within = [point for point in points if point[2] < required]
            assert result.exposure.low == max((point[0] for point in within), default=0)
            assert result.exposure.high == max((point[1] for point in within), default=0)


@pytest.fixture(scope="module")
def ref() -> Any:
    path = Path(__file__).parents[3] / "shared" / "spec" / "rating_ref.py"
    if not path.exists():
        pytest.skip("the method's executable reference does not lie beside this checkout")
    spec = importlib.util.spec_from_file_location("rating_ref", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.requirement("S2", "S3")
def test_agrees_with_the_method_s_executable_reference(ref: Any) -> None:
    rnd = stream(7)
    for _ in range(1500):
        found = [random_evidence(rnd, i) for i in range(rnd.randint(0, 4))]
        found = [f.model_copy(update={"result": _last_only(f.result)}) for f in found]
        # The reference has nothing shown where a control failed.
        found = [f for f in found if f.status is not Status.CONTROL_FAILED]
        m = rnd.choice([1, 5])
        for need in (0, 1, 2, 3):
            theirs = ref.rate_goal(need, [_as_their_point(ref, one, m) for one in found])
            ours = rated(need, *found, hypotheses=m)
            assert ours.verdict == theirs["verdict"]
            assert (ours.risk.low, ours.risk.high) == theirs["risk"]
            if need:
                assert (ours.demonstrated, ours.potential) == (theirs["ap_dem"], theirs["ap_pot"])


def test_levels_and_needs_agree_with_the_executable_reference(ref: Any) -> None:
    rnd = stream(8)
    scenarios = list(RULES.protection_need.scenarios)
    for _ in range(2000):
        metric = rnd.choice(list(RULES.metrics))
        edge = rnd.choice(RULES.metrics[metric].edges)
        x = rnd.choice([edge, edge + 1e-9, edge - 1e-9, rnd.expovariate(0.5)])
        assert RULES.level(metric, x) == ref.level(metric, x)
        levels = [rnd.randint(0, 3) for _ in scenarios]
        up, down, goal = rnd.randint(0, 1), rnd.randint(0, 1), rnd.choice(list(Goal))
        mine = protection_need(
            goal,
            [
                Damage(scenario=s, level=x, reason="r")
                for s, x in zip(scenarios, levels, strict=True)
            ],
            Adjustment(step=up, reason="r"),
            Adjustment(step=down, reason="r"),
            RULES,
        )
        answers = dict(zip(scenarios, levels, strict=True))
        assert mine.level == ref.protection_need(answers, up, down, goal.value)


def _last_only(result: AttackResult) -> AttackResult:
    return result.model_copy(update={"trials": result.trials[-1:]})


def _as_their_point(ref: Any, one: Evidence, hypotheses: int) -> dict[str, Any]:
    req = one.requires
    rates = {"queries_per_day": req.queries_per_day, "identities": req.identities}
    last = one.result.trials[-1] if one.result.trials else None
    days = ref.elapsed_days(
        last.queries if last else 0, {"budgets": rates}, last.compute_h if last else 0
    )
    secrecy = {aspect: dict(classes) for aspect, classes in SECRECY.items()}
    ap = ref.attack_potential(days, req.expertise, req.knowledge, secrecy, req.window)
    point = {"status": str(one.status), "metric": one.metric, "ap": ap}
    if last is not None:
        point["lcb"] = tallies.bounds(last.tally, 0.05 / hypotheses)[0]
        point["ucb"] = tallies.bounds(last.tally, 0.05)[1]
        point["verified_successes"] = last.verified
    return point
