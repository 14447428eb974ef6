"""Results without what was measured in seconds, so that two runs can be compared."""

from __future__ import annotations

from typing import Any

from goalkeeper.core.evidence import AttackResult


def without_times(result: AttackResult) -> dict[str, Any]:
    found = result.model_dump(exclude={"took": True, "cost": {"seconds"}})
    for trial in found["trials"]:
        trial.pop("compute_h")
    return found
