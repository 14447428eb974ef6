"""Pairs of assessments by hand: the same attacks, with the outcomes that a test gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from goalkeeper.core.assessment import Assessment
from goalkeeper.core.evidence import Evidence
from tests.validation.comparing import CASES, COPIES, GAINS, SHARES, Kind, Pairs, Sample, assess

NAME = CASES[0].name
N = 200


def audit(hits: Mapping[str, int] | int, *, first: int = 0, seed: int = 0) -> Assessment:
    """Audit in which each attack succeeds on the first so many of 200 items."""
    counts = hits if isinstance(hits, Mapping) else {NAME: hits}
    samples = {
        case.name: Sample(
            first=first + 1_000 * number,
            hits=(np.arange(N) < counts.get(case.name, 20)).astype(float),
            beside=np.zeros(N),
        )
        for number, case in enumerate(CASES)
    }
    return assess(samples, seed, SHARES, stops=False)


def gains(had: tuple[int, int], *, n: int = N, kind: Kind = GAINS) -> Assessment:
    """Audit in which one attack has so many of n items right, of which the baseline has some."""
    place = np.arange(n)
    hits, beside = ((place < k).astype(float) for k in had)
    return assess({NAME: Sample(first=0, hits=hits, beside=beside)}, 0, kind, stops=False)


def changed(assessment: Assessment, name: str = NAME, **update: Any) -> Assessment:
    """Change fields of the evidence of an attack, or of its result."""

    def change(one: Evidence) -> Evidence:
        if one.attack != name:
            return one
        of_result = {k: v for k, v in update.items() if k in type(one.result).model_fields}
        rest = {k: v for k, v in update.items() if k not in of_result}
        result = one.result.model_copy(update=of_result)
        return one.model_copy(update={"result": result, **rest})

    return assessment.model_copy(update={"evidence": tuple(map(change, assessment.evidence))})


__all__ = ["CASES", "COPIES", "NAME", "SHARES", "N", "Pairs", "audit", "changed", "gains"]
