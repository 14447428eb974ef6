"""Compare what was written down before a run with what was found: plan, units and evidence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Set
from dataclasses import fields
from pathlib import PurePath
from typing import Any

from goalkeeper.assessing import OUT_OF_TIME
from goalkeeper.attacks import catalogue
from goalkeeper.compute.files import sha
from goalkeeper.compute.folder import RUN, UNIT, read_unit, unit_text
from goalkeeper.core.assessment import Assessment, PlanRow
from goalkeeper.core.evidence import AttackResult, Evidence, Status, jsonable
from goalkeeper.games.base import resize
from goalkeeper.planning.evidence import used_units
from goalkeeper.planning.matching import identify_unit
from goalkeeper.planning.plan import INTERIM_EFFORT
from goalkeeper.rate import join_evidence

KEYS = {
    "tool", "application", "fingerprint", "file", "person", "description", "hashes", "policy",
    "seed", "effort", "plan_sha256", "plan", "units", "environment",
}  # fmt: skip
WITHOUT_RUN = frozenset({Status.NOT_NEEDED, Status.COVERED})  # of what was planned
SKIPPED = frozenset(
    {Status.NOT_NEEDED, Status.NOT_APPLICABLE, Status.EXCLUDED, Status.NOT_TESTED}
)  # of what was not
UNFINISHED = AttackResult(status=Status.NOT_TESTED, reason=OUT_OF_TIME, limited=True)


# ---- run.json ------------------------------------------------------------------------------------


def compare_record(
    record: Mapping[str, Any], assessment: Assessment, *, same_source: bool
) -> Iterator[str]:
    """Compare what `run.json` says with the assessment."""
    odd = sorted(set(record) ^ KEYS)
    if odd and same_source:
        yield f"{RUN}: has other keys than goalkeeper writes: {', '.join(map(ascii, odd[:5]))}"
        return
    rows = [row.model_dump(mode="json") | {"evidence": ""} for row in assessment.plan]
    application = assessment.application
    expected = {
        "tool": assessment.tool.version,
        "application": application.name,
        "fingerprint": application.fingerprint,
        "hashes": dict(application.hashes),
        "policy": assessment.policy.model_dump(),
        "seed": assessment.seed,
        "environment": dict(assessment.environment),
        "plan": rows,
    }
    for key, value in expected.items():
        if not _equal(record.get(key), value):
            yield f"{RUN}: {key} is not the one in assessment.json"
    text = json.dumps(record.get("plan"), sort_keys=True)
    if record.get("plan_sha256") != hashlib.sha256(text.encode()).hexdigest():
        yield f"{RUN}: plan_sha256 is not the hash of the plan"
    yield from _compare_description(record)
    if same_source or "units" in record:
        yield from _compare_units(record, assessment, same_source=same_source)


def _equal(a: Any, b: Any) -> bool:
    """Compare JSON values; true is not 1."""
    return json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)


def _compare_description(record: Mapping[str, Any]) -> Iterator[str]:
    """Check that the application file is the one whose hash is known."""
    text, file, hashes = record.get("description"), record.get("file"), record.get("hashes")
    if not (isinstance(text, str) and isinstance(file, str) and isinstance(hashes, dict)):
        yield f"{RUN}: description, file or hashes are not what they should be"
    elif text and file:
        name = PurePath(file).name
        windows = text.replace("\n", "\r\n")  # older runs did not keep these ends of lines
        if hashes.get(name) not in (sha(text.encode()), sha(windows.encode())):
            yield f"{RUN}: description does not have the hash of {name!a}"


def _compare_units(
    record: Mapping[str, Any], assessment: Assessment, *, same_source: bool
) -> Iterator[str]:
    """Check that each planned unit is the one of this application, seed, attack and effort."""
    units, effort = record.get("units"), record.get("effort")
    looks = {unit for row in assessment.plan for unit in (row.interim, row.unit) if unit}
    if not isinstance(units, dict) or set(units) != looks:
        yield f"{RUN}: units are not those of the plan"
        return
    if isinstance(effort, bool) or not isinstance(effort, int | float):
        yield f"{RUN}: effort is not a number"
        return
    for unit, identity in units.items():
        if not isinstance(identity, str) or identify_unit(identity) != unit:
            yield f"{RUN}: unit {unit} is not the hash of what identifies it"
            return
    parts = {unit: json.loads(identity) for unit, identity in units.items()}
    for row in assessment.plan:
        sizes = ((row.interim, INTERIM_EFFORT * effort), (row.unit, effort))
        for unit, size in sizes:
            if unit and (wrong := _differs(parts[unit], row, assessment, size, same=same_source)):
                yield f"{RUN}: unit {unit} is of another {wrong}"
    for one in assessment.evidence:
        if one.unit in parts and not _equal(one.settings, parts[one.unit]["attack"][2]):
            yield f"evidence {one.id}: its settings are not those of its unit"


def _differs(
    parts: Mapping[str, Any], row: PlanRow, assessment: Assessment, effort: float, *, same: bool
) -> str:
    """Say in what a unit differs from the row of the plan that names it; empty if in nothing."""
    found: Mapping[str, tuple[Any, Any]] = {
        "application": (parts["application"], assessment.application.fingerprint),
        "seed": (parts["seed"], assessment.seed),
        "attack": (parts["attack"][0], row.attack),
        "task": (parts["task"], row.task),
        "game": (parts["game"][0], row.game),
    }
    attack = catalogue().get(row.attack)
    if same and attack is not None:
        game = resize(attack().game(), effort)
        sizes = {f.name: jsonable(getattr(game, f.name)) for f in fields(game)}
        found = {
            **found,
            "version of the attack": (parts["attack"][1], attack.version),
            "effort": (parts["game"][1], sizes),
        }
    return next((name for name, pair in found.items() if not _equal(*pair)), "")


# ---- evidence, plan and units --------------------------------------------------------------------


def compare_parts(assessment: Assessment, kept: Set[str]) -> Iterator[str]:
    """Check that evidence, rows of the plan and unit files belong together one to one."""
    yield from _compare_plan(assessment)
    yield from _compare_attackers(assessment)
    used = used_units(assessment)
    yield from (f"units/{unit}.json: no evidence rests on it" for unit in sorted(kept - used))
    if assessment.complete and any(e.result.limited for e in assessment.evidence):
        yield "complete: true is stored, and a run was cut short by the time limit"


def _compare_plan(assessment: Assessment) -> Iterator[str]:
    rows: dict[str, PlanRow] = {}
    for row in assessment.plan:
        if row.evidence in rows:
            yield f"plan: two rows name the evidence {row.evidence}"
        if row.evidence:
            rows[row.evidence] = row
        elif row.status == "planned":
            yield f"plan: {row.attack} by {row.attacker} was planned, and names no evidence"
        if (row.status == "planned") is not bool(row.unit) or (row.interim and not row.unit):
            yield f"plan: {row.attack} by {row.attacker} is {row.status} with unit {row.unit!r}"
    for evidence in assessment.evidence:
        found = rows.pop(evidence.id, None)
        if found is None:
            yield f"evidence {evidence.id}: no row of the plan names it, or two pieces have this id"
        elif wrong := _mismatch(evidence, found):
            yield f"evidence {evidence.id}: {wrong}"
        if evidence.seed != assessment.seed:
            yield f"evidence {evidence.id}: has the seed {evidence.seed}, the run {assessment.seed}"
    yield from (f"plan: the evidence {id_} is missing" for id_ in rows)


def _mismatch(evidence: Evidence, row: PlanRow) -> str:
    """Say why a piece of evidence does not belong to the row that names it."""
    for name in ("attack", "game", "task", "variant", "attacker", "goals", "standing"):
        if getattr(evidence, name) != getattr(row, name):
            return f"its {name} is not the one of its row of the plan"
    if evidence.unit:
        of_row = evidence.unit in (row.unit, row.interim)
        return "" if of_row else f"its unit {evidence.unit} is not the one of its row of the plan"
    allowed = WITHOUT_RUN if row.status == "planned" else SKIPPED
    if evidence.status not in allowed:
        return f"it is {evidence.status}, and has no unit"
    return "it has results, and no unit" if evidence.result.trials or evidence.result.curve else ""


def _compare_attackers(assessment: Assessment) -> Iterator[str]:
    """Check that every attack on a task stands in the plan for every attacker."""
    boxes = {row.name: row.box for row in assessment.attackers}
    for evidence in assessment.evidence:
        if boxes.get(evidence.attacker, "") != evidence.box:
            yield f"evidence {evidence.id}: its attacker {evidence.attacker!r} is not described so"
    grid: dict[tuple[str, str], set[str]] = {}
    for row in filter(lambda row: row.attack, assessment.plan):
        grid.setdefault((row.attack, row.task), set()).add(row.attacker)
    for (attack, task), names in grid.items():
        for name in boxes.keys() - names:
            yield f"plan: {attack} on {task} has no row for the attacker {name!r}"


def read_results(
    files: Mapping[str, bytes], *, same_source: bool
) -> tuple[dict[str, AttackResult], list[str]]:
    """Read the results of all units by id, and list the units that are not as they were written."""
    kept: dict[str, AttackResult] = {}
    wrong = []
    for name, content in files.items():
        found = UNIT.fullmatch(name)
        if found is None:
            continue
        result = read_unit(content)
        if result is None:
            wrong.append(f"{name}: is damaged: its first line is not the hash of a result")
            continue
        kept[found[1]] = result
        if same_source and unit_text(result).encode() != content:
            wrong.append(f"{name}: not in the form that goalkeeper writes")
    return kept, wrong


def compare_results(assessment: Assessment, kept: Mapping[str, AttackResult]) -> Iterator[str]:
    """Compare evidence with the results it comes from, as they are judged together."""
    pairs = [(e, kept.get(e.unit)) for e in assessment.evidence]
    judged = join_evidence([e.model_copy(update={"result": k or e.result}) for e, k in pairs])
    for (evidence, result), again in zip(pairs, judged, strict=True):
        unfinished = not assessment.complete and evidence.result == UNFINISHED
        if not evidence.unit or (result is None and unfinished):
            continue
        if result is None:
            yield f"evidence {evidence.id}: its unit {evidence.unit} is missing or damaged"
        elif json.loads(again.result.model_dump_json()) != json.loads(
            evidence.result.model_dump_json()
        ):
            yield f"evidence {evidence.id}: differs from its unit {evidence.unit}"
