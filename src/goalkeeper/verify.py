"""Verify a run folder: first the hashes, then every verdict, recomputed from the evidence."""

from __future__ import annotations

import json
from pathlib import Path

from goalkeeper.compute.folder import RunFolder
from goalkeeper.core.assessment import Assessment
from goalkeeper.core.errors import OtherSchema, StoreError
from goalkeeper.rate import join_evidence, recompute
from goalkeeper.running import read_policy


def list_differences(root: Path) -> list[str]:
    """List every inconsistency in a run folder; empty if it verifies.

    Checked are: the hash of every file; that each piece of evidence equals the stored result of
    its attack run; that the stored policy is the one the assessment names; and that rating the
    evidence again gives the stored exposure levels, attack potentials, risks and verdicts.

    Raises
    ------
    StoreError
        The folder is not a finished run, or has another schema than this version reads.
    """
    folder = RunFolder(root)
    folder.read("assessment.json")
    found = folder.changed()
    try:
        assessment = folder.assessment()
    except StoreError as error:
        if isinstance(error, OtherSchema) and not found:
            raise  # the folder is as it was written, by another goalkeeper
        return [*found, str(error)]
    if assessment.to_json() != folder.read("assessment.json"):
        found.append("assessment.json: not in the form that goalkeeper writes")
    found += _compare_results(folder, assessment)
    policy = read_policy(root)
    if policy.row() != assessment.policy:
        found.append("policy: the stored policy is not the one that the assessment names")
    return found + recompute(assessment, policy)


def _compare_results(folder: RunFolder, assessment: Assessment) -> list[str]:
    """Compare evidence with the results it comes from, as they are judged together."""
    kept = [folder.load(e.unit) if e.unit else None for e in assessment.evidence]
    pairs = list(zip(assessment.evidence, kept, strict=True))
    judged = join_evidence([e.model_copy(update={"result": k or e.result}) for e, k in pairs])
    found = []
    for (evidence, result), again in zip(pairs, judged, strict=True):
        if not evidence.unit or (result is None and not assessment.complete):
            continue
        if result is None:
            found.append(f"evidence {evidence.id}: its unit {evidence.unit} is missing or damaged")
        elif json.loads(again.result.model_dump_json()) != json.loads(
            evidence.result.model_dump_json()
        ):
            found.append(f"evidence {evidence.id}: differs from its unit {evidence.unit}")
    return found
