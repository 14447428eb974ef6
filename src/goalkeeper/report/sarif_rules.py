"""The rules of a SARIF log, goals and variants of attacks, and the catalogues they refer to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from goalkeeper.core.assessment import Assessment
from goalkeeper.core.evidence import Evidence, Standard
from goalkeeper.core.goals import Goal
from goalkeeper.report import format as fmt
from goalkeeper.report.parts import Context
from goalkeeper.report.words import QUESTIONS, VERDICT_LABELS

SEVERITY = "8.0"  # of a goal that is not met, on the scale of CVSS: what GitHub calls high
MOST_TAGS = 10  # viewers drop rules with more than 20

_VERDICTS = " ".join(
    f"{label.word.capitalize()}: {label.meaning}" for label in VERDICT_LABELS.values()
)


def goal_rules(assessment: Assessment) -> list[dict[str, Any]]:
    """Return one rule for each goal: its results are the verdicts."""
    return [_goal_rule(goal) for goal in Goal if goal in assessment.goals]


def _goal_rule(goal: Goal) -> dict[str, Any]:
    question = QUESTIONS[goal]
    text = f"{question} The verdict on {goal}, from all attack runs that count for it. {_VERDICTS}"
    return {
        "id": f"goal.{goal}",
        "name": f"{str(goal).capitalize()}Goal",
        "shortDescription": {"text": f"The security goal {goal} is not met."},
        "fullDescription": {"text": question},
        "help": {"text": text},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["security", str(goal)], "security-severity": SEVERITY},
    }


def variant_rules(
    assessment: Assessment, context: Context, frameworks: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return one rule for each variant of an attack that this assessment speaks of."""
    found: dict[str, Evidence] = {}
    goals: dict[str, dict[Goal, None]] = {}
    for evidence in assessment.evidence:
        found.setdefault(evidence.variant, evidence)
        goals.setdefault(evidence.variant, {}).update(dict.fromkeys(evidence.goals))
    return [
        _variant_rule(found[name], tuple(sorted(map(str, goals[name]))), context, frameworks)
        for name in sorted(found)
    ]


def _variant_rule(
    evidence: Evidence, goals: tuple[str, ...], context: Context, frameworks: list[dict[str, Any]]
) -> dict[str, Any]:
    name = evidence.variant.partition(".")[2].replace("_", " ") or evidence.variant
    family = evidence.family.replace("_", " ")
    short = f"An attack of the family {family} succeeds: {name}."
    return {
        "id": evidence.variant,
        "name": "".join(w.capitalize() for w in re.findall(r"[A-Za-z0-9]+", evidence.variant)),
        "shortDescription": {"text": short},
        "fullDescription": {"text": f"{short} It threatens {fmt.join_words(goals)}."},
        "help": _help(evidence, goals, context),
        "defaultConfiguration": {"level": "error"},
        "properties": {
            "tags": ["security", *goals, *_cwe(evidence)][:MOST_TAGS],
            "security-severity": SEVERITY,
        },
        "relationships": _relationships(evidence.standards, frameworks),
    }


def _help(evidence: Evidence, goals: tuple[str, ...], context: Context) -> dict[str, str]:
    lines = [f"What it threatens: {fmt.join_words(goals)}."]
    listed = [" ".join(filter(None, (s.framework, s.id, s.name))) for s in evidence.standards]
    lines += [f"Catalogued as: {'; '.join(dict.fromkeys(listed))}."] if listed else []
    cited = [context.citations.get(key, key) for key in evidence.references]
    lines += [f"Literature: {'; '.join(cited)}"] if cited else []
    lines += ["The report of the run names what helps, and the command that repeats the attack."]
    return {"text": "\n".join(lines)}


def _cwe(evidence: Evidence) -> list[str]:
    """Return tags in the form by which GitHub recognises weaknesses."""
    ids = [s.id for s in evidence.standards if s.framework.startswith("CWE")]
    return [f"external/cwe/{id_.lower()}" for id_ in dict.fromkeys(ids)]


# ---- catalogues ----------------------------------------------------------------------------------


def taxonomies(assessment: Assessment) -> list[dict[str, Any]]:
    """Return each framework that the assessment refers to, with the entries it refers to."""
    found: dict[str, dict[str, Standard]] = {}
    for standard in (s for e in assessment.evidence for s in e.standards):
        found.setdefault(standard.framework, {}).setdefault(standard.id, standard)
    return [
        {
            "name": framework,
            "shortDescription": {"text": f"Entries of {framework} that rules refer to."},
            "isComprehensive": False,
            "taxa": [_taxon(entries[id_]) for id_ in sorted(entries)],
        }
        for framework, entries in sorted(found.items())
    ]


def _taxon(standard: Standard) -> dict[str, Any]:
    named = {"shortDescription": {"text": standard.name}} if standard.name else {}
    return {"id": standard.id, **named}


def _relationships(
    standards: tuple[Standard, ...], frameworks: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    index: Mapping[str, int] = {t["name"]: i for i, t in enumerate(frameworks)}
    ids = {t["name"]: [taxon["id"] for taxon in t["taxa"]] for t in frameworks}
    return [
        {
            "target": {
                "id": id_,
                "index": ids[framework].index(id_),
                "toolComponent": {"name": framework, "index": index[framework]},
            },
            "kinds": ["relevant"],
        }
        for framework, id_ in dict.fromkeys((s.framework, s.id) for s in standards)
    ]
