"""The coverage of public frameworks as data: CSV with one row a criterion, and JSON."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from goalkeeper.core.assessment import Assessment
from goalkeeper.report.coverage import Coverage, CoveredCriterion, EvidenceFate
from goalkeeper.report.model import Report
from goalkeeper.report.parts import Context

# A spreadsheet would compute a cell that starts so.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def coverage_csv(assessment: Assessment, context: Context) -> str:
    """Write one row a criterion; a count has a column of its own."""
    buffer = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for covered in Report.of(assessment, context=context).coverage:
        for criterion in covered.criteria:
            row = _flat(covered, criterion)
            if writer is None:
                writer = csv.DictWriter(buffer, list(row), lineterminator="\n")
                writer.writeheader()
            writer.writerow({key: _cell(value) for key, value in row.items()})
    return buffer.getvalue()


def coverage_json(assessment: Assessment, context: Context) -> str:
    """Write every framework with its criteria."""
    report = Report.of(assessment, context=context)
    found = {
        "application": report.title,
        "verdict": str(report.verdict),
        "goals": {str(goal.goal): str(goal.verdict) for goal in report.goals},
        "frameworks": {c.framework.key: _framework(c) for c in report.coverage},
    }
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def _framework(covered: Coverage) -> dict[str, Any]:
    return {
        "name": covered.framework.name,
        "whole": covered.framework.whole,
        "evidence": covered.evidence,
        "mapped": covered.mapped,
        "criteria": [_criterion(criterion) for criterion in covered.criteria],
    }


def _criterion(covered: CoveredCriterion) -> dict[str, Any]:
    about = covered.criterion
    return {
        "id": about.id,
        "name": about.name,
        "result": covered.state.name.lower(),
        "exposure": list(covered.bracket) if covered.bracket else None,
        "goals": [str(goal) for goal in about.goals],
        "decides": list(covered.decides),
        "counts": {fate.name.lower(): covered.counts.get(fate, 0) for fate in EvidenceFate},
        "evidence": covered.evidence,
        "strongest": covered.strongest,
        "reasons": [{"reason": why, "evidence": n} for why, n in covered.reasons],
        "beyond": about.beyond,
        "variants": list(about.variants),
        "inferred": list(about.inferred),
    }


def _flat(covered: Coverage, criterion: CoveredCriterion) -> dict[str, object]:
    low, high = criterion.bracket or ("", "")
    counts = {fate.name.lower(): criterion.counts.get(fate, 0) for fate in EvidenceFate}
    return {
        "framework": covered.framework.name,
        "criterion": criterion.criterion.id,
        "name": criterion.criterion.name,
        "result": str(criterion.state),
        "exposure_demonstrated": low,
        "exposure_potential": high,
        "verdicts": "; ".join(criterion.decides),
        "evidence_total": criterion.total,
        **counts,
        "evidence_id": criterion.evidence,
        "strongest": criterion.strongest,
        "reasons": "; ".join(f"{n} x {why}" if n else why for why, n in criterion.reasons),
        "not_examined": criterion.criterion.beyond,
    }


def _cell(value: object) -> object:
    """Keep a spreadsheet from computing a text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
