"""Large reports: what they weigh, how long they take to make, and when a browser first paints.

    python -m benchmarks.reports [--findings 2000] [--rows 100000] [--chromium /usr/bin/chromium]

Makes an assessment with so many findings and rows of tables from nothing, renders every part that
grows with it, and, where a headless Chromium is given, asks its Performance API for the first
contentful paint, the median of five loads from a file (extra `browser`).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from goalkeeper.core.assessment import (
    ApplicationRow,
    Assessment,
    AttackerRow,
    Bracket,
    GoalRating,
    PlanRow,
    PolicyRow,
    Tool,
    Verdict,
)
from goalkeeper.core.evidence import (
    AttackPotential,
    AttackResult,
    Control,
    Curve,
    Evidence,
    Measurement,
    Proportion,
    Rated,
    RatedTrial,
    Requirement,
    Status,
    Trial,
)
from goalkeeper.core.goals import Goal, IntegrityLevel
from goalkeeper.core.need import ProtectionNeed
from goalkeeper.report import Context, renderers

LOADS = 5
ATTACKERS = ("outsider", "customer", "contributor", "insider")
LEVELS = tuple(IntegrityLevel)
BUDGETS = (1.0, 10.0, 100.0)


# ---- an assessment from nothing ------------------------------------------------------------------


def build_assessment(findings: int, rows: int) -> Assessment:
    """Return an assessment with so many attack runs that were made, and rows of reasons."""
    evidence = tuple(_evidence(i) for i in range(findings))
    goals = {goal: _rating(goal, evidence) for goal in Goal}
    return Assessment(
        schema=2,
        tool=Tool(version="0"),
        application=ApplicationRow(
            name="A large application", domain="text", classes=("ham", "spam"), fingerprint="0" * 24
        ),
        policy=PolicyRow(id="policy", version="0", sha256="0" * 64, taxonomy_sha256="0" * 64),
        seed=0,
        started="2026-01-01T00:00:00+00:00",
        finished="2026-01-01T01:00:00+00:00",
        verdict=Verdict.NOT_MET,
        goals=goals,
        attackers=tuple(_attacker(name) for name in ATTACKERS),
        plan=tuple(_skipped(i) for i in range(rows)),
        evidence=evidence,
    )


def _evidence(i: int) -> Evidence:
    goal, attacker = list(Goal)[i % 4], ATTACKERS[i // 4 % 4]
    share = (i % 97) / 100
    tally = Proportion(successes=i % 97, n=100, baseline_successes=2, baseline_n=100)
    potential = AttackPotential(
        days=1, expertise="layman", knowledge="public", window="easy", equipment="standard",
        points=i % 25,
    )  # fmt: skip
    level = min(4, i % 97 // 20)
    steps = tuple(
        RatedTrial(
            budget=b, low=share, high=share + 0.03, demonstrated=level, potential=level,
            attack_potential=potential,
        )
        for b in BUDGETS
    )  # fmt: skip
    result = AttackResult(
        status=Status.TESTED,
        summary=f"{i % 97} of 100 inputs that were classified correctly are misclassified",
        measurements=(
            Measurement(
                metric="success_rate", value=share, low=share * 0.9, high=share + 0.03,
                baseline=0.02, n=100,
            ),
        ),
        trials=tuple(Trial(budget=b, queries=b, tally=tally) for b in BUDGETS),
        curve=Curve(
            budget="queries", unit="queries", x=BUDGETS, value=(0.0, share / 2, share),
            low=(0.0, 0.0, share * 0.9), high=(0.1, share, share + 0.03),
        ),
        controls=(Control(name="breaks a weakened version", passed=True, detail="100 of 100"),),
    )  # fmt: skip
    return Evidence(
        id=f"E{i:09d}", attack=f"attack_{i}", task=f"task-{i % 7}", game="evasion",
        family="evasion", variant="evasion.score", attacker=attacker, box="grey", goals=(goal,),
        level=LEVELS[i % len(LEVELS)] if goal is Goal.INTEGRITY else None, metric="success_rate",
        unit=f"{i:08x}", result=result,
        requires=Requirement(
            knowledge={}, expertise="layman", equipment="standard", window="easy",
            queries_per_day=100, identities=1,
        ),
        rated=Rated(
            metric="success_rate", demonstrated=level, potential=level,
            attack_potential=potential, trials=steps,
        ),
    )  # fmt: skip


def _rating(goal: Goal, evidence: tuple[Evidence, ...]) -> GoalRating:
    own = [e.id for e in evidence if goal in e.goals]
    return GoalRating(
        goal=goal,
        need=ProtectionNeed(goal=goal, level=1, damages=()),
        required=14,
        critical=3,
        verdict=Verdict.NOT_MET,
        risk=Bracket(low=3, high=3),
        demonstrated=2,
        potential=2,
        exposure=Bracket(low=4, high=4),
        cheapest_attack=own[0] if own else "",
        because=tuple(own[:1]),
        reason="An attack succeeds that must be withstood.",
        attackers=ATTACKERS,
    )


def _attacker(name: str) -> AttackerRow:
    return AttackerRow(
        name=name, label="", box="grey", knowledge={"data": "partial"}, capabilities=("M2",),
        view="labels", window="easy", queries=1000, queries_per_day=100, identities=1, share=0.0,
        compute_h=10,
    )  # fmt: skip


def _skipped(i: int) -> PlanRow:
    return PlanRow(
        attack=f"skipped_{i}", game="evasion", task="task", variant="evasion.score",
        attacker=ATTACKERS[i % 4], status="skipped",
        reasons=(f"reason {i}: needs what this attacker does not have",),
    )  # fmt: skip


# ---- measured ------------------------------------------------------------------------------------


def measure_paint(path: Path, chromium: str) -> float:
    """Return the milliseconds until the first contentful paint, the median of some loads."""
    from playwright.sync_api import sync_playwright

    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(LOADS):
            page = browser.new_page()
            page.goto(path.as_uri(), timeout=120_000)
            found.append(float(page.evaluate(PAINT)))
            page.close()
        browser.close()
    return statistics.median(found)


PAINT = (
    "new Promise(done => new PerformanceObserver(list => done(list.getEntries().find("
    "e => e.name == 'first-contentful-paint').startTime)).observe({type: 'paint', buffered: true}))"
)


def main() -> None:
    """Print one line for each format."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--findings", type=int, default=2_000)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--chromium", default="")
    asked = parser.parse_args()
    assessment = build_assessment(asked.findings, asked.rows)
    print(f"{asked.findings:,} findings, {asked.rows:,} further rows")
    for name in ("html", "summary"):
        start = time.process_time()
        text = renderers()[name]().render(assessment, Context())
        seconds, size = time.process_time() - start, len(text.encode())
        line = f"{name}: {size:,} bytes, {text.count('<tr'):,} rows, {seconds:.1f} s of CPU"
        if asked.chromium:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "report.html"
                path.write_text(text, "utf-8")
                line += f", first contentful paint {measure_paint(path, asked.chromium):,.0f} ms"
        print(line)


if __name__ == "__main__":
    main()
