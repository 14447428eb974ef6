"""A small finished run, and a forger who knows goalkeeper and makes every hash fit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import goalkeeper as gk
from goalkeeper.advise import advise
from goalkeeper.compute.folder import ASSESSMENT, REPORT, RUN, RunFolder
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.need import ProtectionNeed
from goalkeeper.policy import default_policy
from goalkeeper.rate import rate
from goalkeeper.running import read_policy
from goalkeeper.running.options import Event
from goalkeeper.running.record import render_report
from tests.attacks.membership.gaussian import application

ATTACKS = ("loss_threshold", "label_robustness")
Change = Callable[[dict[str, Any]], object]
Progress = Callable[[Event], None]


def finish(folder: Path, *, progress: Progress = lambda event: None) -> Path:
    """Run two attacks as two attackers, and return the run folder."""
    need = ProtectionNeed(goal=gk.Goal.PRIVACY, level=1)
    app = replace(application(0, n=300), needs={gk.Goal.PRIVACY: need})
    choice = gk.Choice(
        goals=(gk.Goal.PRIVACY,), attackers=("customer", "outsider"), attacks=ATTACKS, effort=0.25
    )
    options = gk.RunOptions(
        progress=progress, execution=gk.Execution(executor="inline"), store=False
    )
    assert gk.run(app, folder, choice=choice, options=options).complete
    return folder


def with_unit(folder: Path) -> list[gk.Evidence]:
    """List the evidence that has a unit."""
    return [e for e in gk.Assessment.from_folder(folder).evidence if e.unit]


def unit_file(folder: Path, evidence: gk.Evidence) -> Path:
    return folder / "units" / f"{evidence.unit}.json"


def sealed(folder: Path) -> Path:
    """Make the manifest fit."""
    RunFolder(folder).seal()
    return folder


def change_json(path: Path, change: Change) -> None:
    """Change a JSON file, in the form that goalkeeper writes."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content, indent=1) + "\n")


def change_assessment(folder: Path, change: Change) -> None:
    """Change the assessment, in the form that goalkeeper writes."""
    content = json.loads((folder / ASSESSMENT).read_text())
    change(content)
    (folder / ASSESSMENT).write_text(gk.Assessment.model_validate(content).to_json())


def change_unit(folder: Path, evidence: gk.Evidence, change: Change) -> None:
    """Change the result of a unit, and the hash in its first line."""
    path = unit_file(folder, evidence)
    content = json.loads(path.read_text().partition("\n")[2])
    change(content)
    RunFolder(folder).save(evidence.unit, AttackResult.model_validate(content))


def change_everywhere(folder: Path, unit: str, change: Change) -> None:
    """Change a result in its unit and in all evidence of it."""

    def in_evidence(content: dict[str, Any]) -> None:
        for evidence in content["evidence"]:
            if evidence["unit"] == unit:
                change(evidence["result"])

    evidence = next(e for e in with_unit(folder) if e.unit == unit)
    change_unit(folder, evidence, change)
    change_assessment(folder, in_evidence)


def rewrite(folder: Path) -> Path:
    """Rate, plan, render and hash everything again, so that nothing contradicts anything."""
    old = gk.Assessment.from_folder(folder)
    shipped = default_policy()
    own = any((folder / "policy" / name).read_bytes() != c for name, c in shipped.files.items())
    policy = read_policy(folder) if own else shipped
    needs = {goal: rating.need for goal, rating in old.goals.items()}
    tests = {}
    for goal in old.goals:
        rows = [r for r in old.plan if r.status == "planned" and goal in r.goals]
        tests[goal] = max(1, len({r.unit for r in rows if r.standing.decides}))
    bare = [e.model_copy(update={"rated": None}) for e in old.evidence]
    evidence, goals, verdict = rate(bare, needs, policy, old.application.secrecy, tests, old.fit)
    kind = old.application.domain
    new = old.model_copy(
        update={
            "evidence": evidence,
            "goals": goals,
            "verdict": verdict,
            "policy": policy.row(),
            "advice": advise(
                evidence, goals, old.attackers, lambda variant: policy.remedies(variant, kind)
            ),
            "sentences": policy.sentences(kind, {e.variant for e in evidence if e.headline}),
        }
    )
    (folder / ASSESSMENT).write_text(new.to_json())
    change_json(folder / RUN, lambda run: run.update(_frozen(new, run)))
    run = json.loads((folder / RUN).read_text())
    (folder / REPORT).write_text(render_report(new, policy, run["file"], run["person"]))
    return sealed(folder)


def _frozen(assessment: gk.Assessment, run: dict[str, Any]) -> dict[str, Any]:
    rows = [row.model_dump(mode="json") | {"evidence": ""} for row in assessment.plan]
    looks = {unit for row in assessment.plan for unit in (row.interim, row.unit) if unit}
    text = json.dumps(rows, sort_keys=True)
    return {
        "tool": assessment.tool.version,
        "seed": assessment.seed,
        "policy": assessment.policy.model_dump(),
        "plan": rows,
        "plan_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "units": {unit: run["units"][unit] for unit in looks},
        "environment": dict(assessment.environment),
    }
